package gateway

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// pageLines is how many posts a page of an answer shows.
const pageLines = 10

// pager gives the page of an answer at a cursor, "" for the first.
type pager func(ctx context.Context, o order, cursor string) (answerPage, error)

// answerPage is a page of posts for people.
type answerPage struct {
	hits   []foundPost
	next   string // cursor of the page behind it, or ""
	behind int    // posts that are not in the index yet
}

// foundPost is a post as an answer shows it. Where is how to open it from a chat.
type foundPost struct{ Author, Date, Text, Web, XMPP, Where string }

// wordsShown is how much of a post a chat shows.
const wordsShown = 160

func (f foundPost) String() string {
	return fmt.Sprintf("%s, %s: %s\n%s", f.Author, f.Date, shorten(f.Text, wordsShown), f.Where)
}

// searchPage searches for a user.
func searchPage(ctx context.Context, o order, cursor string) (answerPage, error) {
	var found cache.SearchResult
	v := o.g.viewer(ctx, o.user)
	err := o.g.search(ctx, o.user, func(tx *cache.Tx) (err error) {
		found, err = tx.Search(cache.SearchQuery{Text: o.arg, Viewer: v, Limit: pageLines, Cursor: cursor, Now: o.g.now()})
		return err
	})
	if err != nil {
		return answerPage{}, wrongQuery(o.arg, err)
	}
	page := answerPage{next: found.Cursor, behind: found.Behind}
	for _, h := range found.Hits {
		page.hits = append(page.hits, showPost(h))
	}
	return page, nil
}

// showPost is a hit as people read it.
func showPost(h cache.Hit) foundPost {
	p := h.Post
	who := p.Owner
	author := cmp.Or(who.Handle, who.JID, who.URI)
	if who.Name != "" && who.Name != author {
		author = who.Name + " (" + author + ")"
	}
	f := foundPost{Author: oneLine(author), Date: p.Published.UTC().Format("2006-01-02"), Text: oneLine(cmp.Or(p.Cover(), h.Snippet))}
	if web := cmp.Or(p.URL, p.URI); open(p.Visibility) && strings.HasPrefix(web, "https://") { // others' servers show nobody the rest
		f.Web = web
	}
	if p.Item != nil {
		f.XMPP = translate.PubSubURI(p.Item.Service, p.Item.Node, p.Item.ID)
	} else if who.JID != "" {
		f.XMPP = translate.JIDURI(who.JID)
	}
	f.Where = cmp.Or(f.Web, whereToRead(p))
	return f
}

// whereToRead says where a post is that has no page for everybody.
func whereToRead(p translate.Post) string {
	switch {
	case p.Item != nil:
		return fmt.Sprintf("In the node %s of %s", p.Item.Node, p.Item.Service)
	case open(p.Visibility):
		return p.URI
	case p.Origin == translate.OriginXMPP || p.Owner.JID == "":
		return "Not public"
	}
	return "Not public; see your chat with " + p.Owner.JID
}

// text is a page for a chat.
func (p answerPage) text() string {
	if len(p.hits) == 0 {
		if p.behind > 0 {
			return "Nothing found so far; some posts are not in the index yet."
		}
		return "Nothing found."
	}
	lines := make([]string, len(p.hits), len(p.hits)+1)
	for i, h := range p.hits {
		lines[i] = h.String()
	}
	if p.next != "" {
		lines = append(lines, "To see more, send: more")
	}
	return strings.Join(lines, "\n\n")
}

func searchCommand(ctx context.Context, o order) (string, error) {
	return readOn(ctx, o, "")
}

func moreCommand(ctx context.Context, o order) (string, error) {
	mark, ok := o.g.reading.take(o.user, o.g.now())
	if !ok {
		return "", fail(NotFound, "there is nothing to go on with; send search and what you look for")
	}
	o.arg = mark.query
	return readOn(ctx, o, mark.cursor)
}

// countMost is up to how many posts are counted for others.
const countMost = 10_000

func countCommand(ctx context.Context, o order) (string, error) {
	var n cache.Counted
	v := o.g.viewer(ctx, o.user)
	err := o.g.search(ctx, o.user, func(tx *cache.Tx) (err error) {
		n, err = tx.Count(cache.SearchQuery{Text: o.arg, Viewer: v, Now: o.g.now()}, countMost)
		return err
	})
	if err != nil {
		return "", wrongQuery(o.arg, err)
	}
	said := counted(n.Posts, "post") + "."
	switch {
	case n.More:
		said = "More than " + said
	case n.Posts == 0:
		said = "No posts."
	}
	if n.Behind > 0 {
		said += " Some are not in the index yet."
	}
	return said, nil
}

// readOn answers with a page and remembers where the next one begins.
func readOn(ctx context.Context, o order, cursor string) (string, error) {
	page, err := searchPage(ctx, o, cursor)
	if err != nil {
		return "", err
	}
	o.g.reading.put(bookmark{user: o.user, query: o.arg, cursor: page.next, at: o.g.now()})
	return page.text(), nil
}

// paged is a page of an answer by XEP-0050, with the ways to those around it.
// cursors are those of the pages up to this one.
func (c *commands) paged(ctx context.Context, cmd command, user stanza.JID, arg string, cursors []string) (xmpp.CommandResult, error) {
	page, err := cmd.pages(ctx, order{c.g, user.Bare(), strings.TrimSpace(arg)}, cursors[len(cursors)-1])
	if err != nil {
		return xmpp.CommandResult{Note: sentence(sayError(err)), NoteType: "error", Retry: isKind(err, BadRequest)}, nil
	}
	if len(page.hits) == 0 {
		return xmpp.CommandResult{Note: page.text()}, nil
	}
	first := (len(cursors)-1)*pageLines + 1
	res := xmpp.CommandResult{Form: page.form(), Note: fmt.Sprintf("Posts %d to %d", first, first+len(page.hits)-1)}
	turn := func(to []string) func(context.Context, xmpp.Request) (xmpp.CommandResult, error) {
		return func(ctx context.Context, r xmpp.Request) (xmpp.CommandResult, error) {
			return c.paged(ctx, cmd, r.From, arg, to)
		}
	}
	if len(cursors) > 1 {
		res.Prev = turn(cursors[:len(cursors)-1])
	}
	if page.next != "" {
		res.Next = turn(append(slices.Clip(cursors), page.next))
	}
	return res, nil
}

// form is a page as a table.
func (p answerPage) form() *xmpp.Form {
	f := xmpp.NewForm(xmpp.FormResult, "")
	f.Title = "Posts"
	for _, column := range [][2]string{{"author", "Author"}, {"date", "Date"}, {"text", "Text"}, {"web", "Web"}, {"xmpp", "XMPP"}} {
		f.Reported = append(f.Reported, xmpp.Field{Var: column[0], Type: "text-single", Label: column[1]})
	}
	for _, h := range p.hits {
		var row []xmpp.Field
		for i, v := range []string{h.Author, h.Date, h.Text, h.Web, h.XMPP} {
			row = append(row, xmpp.Field{Var: f.Reported[i].Var, Values: []string{v}})
		}
		f.Items = append(f.Items, row)
	}
	return f
}

// bookmark is where a user is in the answers to a search.
type bookmark struct {
	user          stanza.JID
	query, cursor string
	at            time.Time
}

// Bookmarks are kept for so long, and so many.
const (
	bookmarkLife = time.Hour
	bookmarkMost = 1000
)

// bookmarks are those of all users, oldest first.
type bookmarks struct {
	mu   sync.Mutex
	list []bookmark
}

func newBookmarks() *bookmarks { return &bookmarks{} }

// put remembers a bookmark in place of the user's last one.
func (b *bookmarks) put(m bookmark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = slices.DeleteFunc(b.list, func(o bookmark) bool { return o.user == m.user })
	if m.cursor == "" {
		return
	}
	if len(b.list) >= bookmarkMost {
		b.list = slices.Delete(b.list, 0, len(b.list)-bookmarkMost+1)
	}
	b.list = append(b.list, m)
}

// take removes the bookmark of a user.
func (b *bookmarks) take(user stanza.JID, now time.Time) (bookmark, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.list, func(o bookmark) bool { return o.user == user })
	if i < 0 {
		return bookmark{}, false
	}
	m := b.list[i]
	b.list = slices.Delete(b.list, i, i+1)
	return m, now.Sub(m.at) < bookmarkLife
}

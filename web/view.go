package web

import (
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"isthmus/translate"
)

// Profile is the page of an actor.
type Profile struct {
	Name      string // display name; empty: the handle
	Handle    string // user@host
	JID       string // bare JID
	XMPPURI   string // xmpp: link that subscribes in a client; empty: the JID's
	Bio       string // sanitised XHTML, from translate.Sanitize only
	AvatarURL string
	BannerURL string
	ActorURL  string // id, for the alternate link
	PageURL   string // canonical address of this page
	Fields    []Field
	Indexable bool    // search engines are welcome
	Posts     []Entry // newest first, public ones only
}

// ShownName is the display name, or what stands for it.
func (p Profile) ShownName() string { return first(p.Name, "@"+p.Handle) }

// Initial stands for a missing avatar.
func (p Profile) Initial() string { return initial(p.ShownName()) }

// BioHTML is the biography as markup.
func (p Profile) BioHTML() template.HTML { return sanitised(p.Bio) }

// ContactURI is the xmpp: link of the actor.
func (p Profile) ContactURI() string {
	if p.XMPPURI != "" || p.JID == "" {
		return p.XMPPURI
	}
	return "xmpp:" + p.JID
}

// Field is a line of a profile. Value is sanitised XHTML.
type Field struct {
	Name  string
	Value string
}

// ValueHTML is the value as markup.
func (f Field) ValueHTML() template.HTML { return sanitised(f.Value) }

// Entry is a post in a list.
type Entry struct {
	Post       translate.Post
	PageURL    string // its own page here, or the original's
	AuthorPage string // page of its author
	AvatarURL  string // of its author
	Foreign    bool   // its author is on another server

	alone bool // on a page of its own
}

// AuthorName is who wrote the post.
func (e Entry) AuthorName() string { return actorName(e.Post.Author) }

// OwnerName is who published it: somebody else in a boost.
func (e Entry) OwnerName() string { return actorName(e.Post.Owner) }

// AuthorAddress is the author's handle, if the name is not that already.
func (e Entry) AuthorAddress() string {
	if a := address(e.Post.Author); a != e.AuthorName() {
		return a
	}
	return ""
}

// Initial stands for a missing avatar.
func (e Entry) Initial() string { return initial(e.AuthorName()) }

// Boosted tells whether somebody passed the post on.
func (e Entry) Boosted() bool { return e.Post.Kind == translate.KindBoost }

// Veiled tells whether the media, but not the text, wait to be opened.
func (e Entry) Veiled() bool {
	return e.Post.Sensitive && e.Post.Warning == "" && len(e.Post.Media) > 0
}

// Avatar is a picture of the author that may be shown. Another server is not
// asked for one: it would learn who reads here.
func (e Entry) Avatar() string {
	if e.Foreign {
		return ""
	}
	return e.AvatarURL
}

// Medium is an attachment on a page.
type Medium struct {
	translate.Media
	Kind  string // image, video, audio, file
	Later bool   // it is loaded when it comes into view
	Host  string // the other server that it is on; empty: it is its author's affair
}

// Media are the attachments. On a page of its own they come at once; those of
// other servers are links, for the same reason as avatars. A lazy picture in
// closed details would not do: without script it is loaded all the same.
func (e Entry) Media() []Medium {
	var out []Medium
	for _, m := range e.Post.Media {
		shown := Medium{Media: m, Kind: mediaKind(m), Later: !e.alone}
		if e.Foreign {
			shown.Kind, shown.Host = "file", "another server"
			if u, err := url.Parse(m.URL); err == nil && u.Host != "" {
				shown.Host = u.Host
			}
		}
		out = append(out, shown)
	}
	return out
}

// Label says what a link to the attachment leads to.
func (m Medium) Label() string { return first(m.Alt, labels[mediaKind(m.Media)]) }

// labels stand for attachments that nobody described.
var labels = map[string]string{"image": "Picture", "video": "Video", "audio": "Sound", "file": "Attached file"}

// ContentHTML is the content as markup. A post without any shows its text.
func (e Entry) ContentHTML() template.HTML {
	if e.Post.HTML == "" && e.Post.Text != "" {
		return template.HTML("<p>" + template.HTMLEscapeString(e.Post.Text) + "</p>") //nolint:gosec // escaped
	}
	level := 2 // below what stands above it on the page
	switch {
	case e.alone:
	case e.Post.Title != "":
		level = 4
	default:
		level = 3
	}
	return content(e.Post.HTML, level)
}

// heading is the tag of a heading in sanitised markup.
var heading = regexp.MustCompile(`<(/?)h([1-6])([ />])`)

// outline gives the headings of a post their place in the outline of a page: its
// highest are at a level, and none is left out on the way down.
func outline(html string, level int) string {
	var used []string
	for _, m := range heading.FindAllStringSubmatch(html, -1) {
		if !slices.Contains(used, m[2]) {
			used = append(used, m[2])
		}
	}
	slices.Sort(used)
	return heading.ReplaceAllStringFunc(html, func(tag string) string {
		m := heading.FindStringSubmatch(tag)
		return "<" + m[1] + "h" + strconv.Itoa(min(level+slices.Index(used, m[2]), 6)) + m[3]
	})
}

// teaserLength is how much of an article a list shows.
const teaserLength = 320

// Teaser is what a list shows of an article; empty for all else, which is shown whole.
func (e Entry) Teaser() string {
	if e.Post.Kind != translate.KindArticle || e.Post.Warning != "" || e.PageURL == "" {
		return ""
	}
	if e.Post.Summary != "" {
		return e.Post.Summary
	}
	return shorten(e.Post.Text, teaserLength)
}

// PostPage is a post with what surrounds it.
type PostPage struct {
	Entry
	XMPPURI   string  // xmpp: link of the item
	Parent    *Ref    // the post that this answers
	Replies   []Entry // visible replies, oldest first
	Indexable bool

	searchURL string // of the search page; empty: there is none
}

// Tag is a hashtag on a page.
type Tag struct{ Name, URL string }

// Tags are the hashtags of the post, with what leads to others who use them.
func (p PostPage) Tags() []Tag {
	var out []Tag
	for _, name := range p.Post.Tags {
		t := Tag{Name: name}
		if p.searchURL != "" {
			t.URL = p.searchURL + TagQuery(name)
		}
		out = append(out, t)
	}
	return out
}

// TagQuery is what follows the address of the search page for a hashtag.
func TagQuery(name string) string {
	q := "#" + name
	if strings.IndexFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' }) >= 0 {
		q = `tag:"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return "?" + url.Values{"q": {q}}.Encode()
}

// Ref is a link to another post.
type Ref struct {
	URL  string
	Name string // whose post it is: display name or handle; may be empty
}

// content is what a post says, with its headings below a level. It was made
// safe when it came, and that changes nothing a second time: this is for
// whatever else may stand in a store.
func content(html string, level int) template.HTML {
	html, _ = translate.Sanitize(html)
	return sanitised(outline(html, level))
}

// sanitised passes markup on that translate.Sanitize has made safe: the one way
// by which markup reaches a page.
func sanitised(html string) template.HTML {
	return template.HTML(html) //nolint:gosec // see above
}

func actorName(a translate.Actor) string { return first(a.Name, address(a), a.URI) }

func address(a translate.Actor) string {
	if a.Handle != "" {
		return "@" + a.Handle
	}
	return a.JID
}

func first(s ...string) string {
	for _, v := range s {
		if strings.TrimSpace(v) != "" {
			return v
		}
	}
	return ""
}

func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return strings.ToUpper(string(r))
		}
	}
	return "?"
}

// shorten cuts text at a blank before n runes.
func shorten(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	count := 0
	for i := range text {
		if count++; count > n {
			cut := text[:i]
			if j := strings.LastIndexByte(cut, ' '); j > len(cut)/2 {
				cut = cut[:j]
			}
			return cut + "…"
		}
	}
	return text
}

// page is what the outer template shows.
type page struct {
	Kind, Title, Site, Home, Style, Icon string
	SearchURL                            string // empty: there is no search

	Index                                    bool
	Canonical, ActivityURL, XMPPURI, FeedURL string
	Graph                                    *graph

	Profile *Profile
	Post    *PostPage
	Search  *searchView
	Error   *errorView

	Component, Bot string
	Open           bool
}

// XMPPURL is the xmpp: alternate of the page.
func (p page) XMPPURL() template.URL { return xmppURL(p.XMPPURI) }

// graph is what link previews show (OpenGraph).
type graph struct {
	Type, Title, Description, Image, ImageAlt, Published, Creator string
}

type errorView struct {
	Status        int
	Heading, Text string
}

func (s *Server) page(kind, title string) page {
	search := ""
	if s.cfg.Search != nil {
		search = s.cfg.Path + "/search"
	}
	return page{SearchURL: search, Kind: kind, Title: title, Site: s.cfg.Site, Home: s.cfg.Path + "/", Style: s.style.url, Icon: s.icon.url}
}

func (s *Server) profilePage(p Profile) page {
	out := s.page("profile", p.ShownName()+" (@"+p.Handle+")")
	out.Index, out.Canonical, out.ActivityURL = p.Indexable, p.PageURL, p.ActorURL
	out.XMPPURI, out.FeedURL, out.Profile = p.ContactURI(), p.FeedURL(), &p
	out.Graph = &graph{
		Type: "profile", Title: out.Title, Image: p.AvatarURL, Creator: "@" + p.Handle,
		Description: "Follow @" + p.Handle + " from the fediverse or from XMPP.",
	}
	return out
}

func (s *Server) postPage(p PostPage) page {
	post := &p.Post
	p.alone = true
	title := first(post.Warning, post.Title, shorten(post.Text, 60))
	if title == "" {
		title = "A post"
	}
	out := s.page("post", p.AuthorName()+": "+title)
	out.Index = p.Indexable && post.Visibility == translate.Public
	p.searchURL = out.SearchURL
	out.Canonical, out.XMPPURI, out.Post = p.PageURL, p.XMPPURI, &p
	if post.Visibility == translate.Public { // unlisted posts are not to be found by way of their page
		out.ActivityURL = post.URI
	}
	out.Graph = &graph{Type: "article", Title: out.Title, Image: p.Avatar()}
	if h := post.Author.Handle; h != "" {
		out.Graph.Creator = "@" + h
	}
	if !post.Published.IsZero() {
		out.Graph.Published = post.Published.UTC().Format(time.RFC3339)
	}
	if post.Warning != "" { // what is behind a warning is in no preview either
		return out
	}
	out.Graph.Description = first(post.Summary, shorten(post.Text, 200))
	for _, m := range post.Media {
		if mediaKind(m) == "image" && !post.Sensitive {
			out.Graph.Image, out.Graph.ImageAlt = m.URL, m.Alt
			break
		}
	}
	return out
}

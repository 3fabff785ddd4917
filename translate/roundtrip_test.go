package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/xmpp/stanza"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

const (
	testOwner     = "https://example.org/_ap/actor/louise@example.org"
	testFollowers = "https://example.org/_ap/followers/louise@example.org"
)

// drawing draws the parts of posts.
type drawing struct{ *rapid.T }

func (d drawing) int(label string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(d.T, label) }
func (d drawing) bool(label string) bool           { return rapid.Bool().Draw(d.T, label) }

// words draws plain text of one line that names nobody and is no HTML.
func (d drawing) words(label string, lo int) string {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abcXYZéßñ漢字0189'\"!?;=%/()[]♥😀")), 1, 12, -1)
	return oneLine(strings.Join(rapid.SliceOfN(word, lo, 12).Draw(d.T, label), " "))
}

// maybe draws words or nothing.
func (d drawing) maybe(label string) string {
	if d.bool(label + "?") {
		return ""
	}
	return d.words(label, 1)
}

func (d drawing) url(label string) string {
	return "https://x.test/" + rapid.StringMatching(`[a-zA-Z0-9_~.-]{1,10}(\?[a-z]=[a-z&%2F]{1,5})?`).Draw(d.T, label)
}

func (d drawing) maybeURL(label string) string {
	if d.bool(label + "?") {
		return ""
	}
	return d.url(label)
}

func (d drawing) time(label string) time.Time {
	return time.UnixMilli(rapid.Int64Range(1, 4e12).Draw(d.T, label)).UTC()
}

func (d drawing) lang() string {
	return rapid.SampledFrom([]string{"", "en", "fr", "pt-BR", "zh-Hant-TW"}).Draw(d.T, "lang")
}

// html draws content in which neither links are missing nor names stand.
func (d drawing) html() (html, text string) {
	soup := htmlSoup().Draw(d.T, "html")
	html = sanitizeQuoting(strings.NewReplacer("#", "", "@bob@x.test", "").Replace(soup)).html
	return Sanitize(Linker{}.Link(html))
}

func (d drawing) media(i int) Media {
	m := Media{URL: d.url("media") + fmt.Sprint("&", i), Alt: d.maybe("alt"), Size: int64(d.int("size", 0, 1<<30)),
		Width: d.int("width", 0, 9000), Height: d.int("height", 0, 9000), Blurhash: rapid.StringMatching(`([A-Za-z0-9#$%*+,.:;=?@^_{|}~-]{6,30})?`).Draw(d.T, "blurhash"),
		MediaType: rapid.SampledFrom([]string{"image/png", "image/jpeg", "video/mp4", "audio/ogg", "application/pdf"}).Draw(d.T, "type")}
	if d.bool("lines") && m.Alt != "" {
		m.Alt += "\n" + d.words("alt 2", 1)
	}
	if strings.HasPrefix(m.MediaType, "video") || strings.HasPrefix(m.MediaType, "audio") {
		if ms := d.int("duration", 0, 1<<25); ms > 0 {
			m.Duration = duration(int64(ms))
		}
	}
	return m
}

// post draws what both worlds can say.
func (d drawing) post() Post {
	p := Post{
		URI:   "https://example.org/_ap/item/louise@example.org/" + fmt.Sprint(d.int("id", 1, 1e6)),
		Owner: Actor{URI: testOwner, Handle: "louise@example.org", JID: "louise@example.org", Name: "Louise"},
		Title: d.maybe("title"), Warning: d.maybe("warning"), Quote: d.maybeURL("quote"), URL: strings.Replace(d.url("page"), "x.test", "example.org", 1), ReplyTo: d.maybeURL("parent"),
		Published: d.time("published"),
	}
	p.Author = p.Owner
	p.HTML, p.Text = d.html()
	p.Lang = d.lang()
	p.Sensitive = p.Warning != "" || d.bool("sensitive")
	if d.bool("edited") {
		p.Updated = p.Published.Add(time.Duration(d.int("later", 1, 1e9)) * time.Millisecond)
	}
	for range d.int("tags", 0, 3) {
		addTag(&p, rapid.StringMatching(`[a-zA-Zé_]{1,9}[0-9]?`).Draw(d.T, "tag"))
	}
	for i := range d.int("mentions", 0, 3) {
		handle := fmt.Sprintf("bob%d@x.test", i)
		p.Mentions = append(p.Mentions, Mention{Actor: Actor{URI: fmt.Sprint("https://x.test/users/", i), Handle: handle}, Text: "@" + handle})
	}
	for i := range d.int("media", 0, 3) {
		p.Media = append(p.Media, d.media(i))
	}
	for range d.int("links", 0, 2) {
		p.Links = append(p.Links, Link{URL: d.url("link"), Title: d.maybe("link title"), MediaType: rapid.SampledFrom([]string{"", "text/html"}).Draw(d.T, "type")})
	}
	if d.bool("summary?") {
		p.Summary = d.words("summary", 1)
	}
	return p
}

// Post -> AS2 document -> Post. Not drawn, because AS2 has no place for it: the
// items and nodes of XMPP, and what only the caller knows of an actor beside
// its id (name and JID). Translations are not sent: with a second language
// Mastodon may take the wrong one (N6). An Article with a warning has no teaser.
func TestRoundTripAS2(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawing{rt}
		p := d.post()
		p.Kind = rapid.SampledFrom([]Kind{KindNote, KindArticle, KindEvent, KindQuestion}).Draw(rt, "kind")
		p.Origin = OriginAP // what is read from AS2 is from there
		p.Thread = d.maybeURL("thread")
		switch p.Kind {
		case KindArticle:
			if p.Warning != "" { // AS2 has one summary, and a teaser would tell what is hidden
				p.Summary = ""
			} else if p.Summary == "" { // an Article that has no teaser is given one
				p.Summary = d.words("teaser", 1)
			}
		case KindEvent:
			p.Event = &Event{Start: d.time("start"), End: d.time("end"), Place: d.maybe("place"), Address: d.maybe("address"), Online: d.maybeURL("online"),
				Zone: rapid.SampledFrom([]string{"", "Europe/Paris", "Asia/Kolkata", "+05:30", "-03:00"}).Draw(rt, "zone")}
			if p.Event.Place == p.Event.Address {
				p.Event.Address = ""
			}
			p.Summary = ""
		case KindQuestion:
			p.Poll = d.poll()
			p.Text = strings.TrimPrefix(p.Text+"\n\n"+pollText(p.Poll), "\n\n")
			p.Summary = ""
		case KindNote: // the summary of a Note is its warning
			p.Summary = ""
		}
		for i := range p.Media {
			if d.bool("focus") {
				p.Media[i].Focus = &[2]float64{float64(d.int("x", -4, 4)) / 4, float64(d.int("y", -4, 4)) / 4}
			}
		}
		if d.bool("source") && p.HTML != "" {
			p.Source = &Source{d.words("source", 1) + "\n\n" + d.words("source", 1), "text/markdown"}
		}
		for range d.int("emoji", 0, 2) {
			p.Emoji = append(p.Emoji, Emoji{Shortcode: "blob", URL: d.url("emoji"), MediaType: "image/png", ID: d.maybeURL("emoji id")})
		}
		address := rapid.SliceOfN(rapid.SampledFrom([]string{as2.Public, testFollowers, "https://x.test/users/1", "https://x.test/users/2", "https://x.test/c/1"}), 0, 3)
		a := Audience{address.Draw(rt, "to"), address.Draw(rt, "cc")}
		if len(a.To)+len(a.Cc) == 0 { // nobody addressed: taken from the visibility, see TestAudience
			a.To = []string{as2.Public}
		}
		isActor := func(uri string) bool { return strings.Contains(uri, "/users/") }
		p.To, p.Cc, p.Visibility = a.To, a.Cc, a.Visibility(testFollowers, isActor)
		if p.HTML == "" && (p.Title == "" || p.Kind != KindNote) && p.Quote == "" {
			p.Lang = "" // there is no text to have a language
		}

		doc, err := as2.Marshal(AS2Object(p, AS2Links{Proxy: "xmpp:louise@example.org?;node=n;item=1"}))
		if err != nil {
			rt.Fatal(err)
		}
		o, err := as2.Parse(doc)
		if err != nil {
			rt.Fatalf("%v\n%s", err, doc)
		}
		got, err := FromAS2(o, AS2Context{Owner: p.Owner, FollowersURL: testFollowers, IsActor: isActor})
		if err != nil {
			if p.Title+p.Text+p.Warning+p.Quote == "" && len(p.Media)+len(p.Links) == 0 {
				return // nothing to show
			}
			rt.Fatalf("%v\n%s", err, doc)
		}
		if diff := cmp.Diff(p, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("(-want +got):\n%s\n%s", diff, doc)
		}
	})
}

func (d drawing) poll() *Poll {
	poll := &Poll{Multiple: d.bool("multiple"), Ends: d.time("ends"), Voters: int64(d.int("voters", 0, 99))}
	for range d.int("options", 1, 4) {
		poll.Options = append(poll.Options, Option{d.words("option", 1), int64(d.int("votes", 0, 99))})
	}
	return poll
}

// Post -> Atom entry -> Post, in the author's node, as a comment, as a boost. Not
// drawn, because an entry has no place for it: the audience (the node is the
// audience), pictures of emoji and the focus of pictures (nobody reads them
// there), the thread (the comments node is the thread), sources other than
// Markdown; events and polls, which are shown as text; and translations, because
// an entry has one language (rule 10).
func TestRoundTripAtom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawing{rt}
		p := d.post()
		l := AtomLinks{Item: Item{"louise@example.org", stanza.NSMicroblog, "abcdefghij"}, AuthorJID: "louise@example.org", Page: p.URL}
		if l.Comment = d.bool("comment"); l.Comment {
			l.Item.Node = stanza.CommentsNodePrefix + "klmnop"
			l.InReplyTo = InReplyToURI("bob@x.test", stanza.NSMicroblog, "klmnop")
			p.ReplyRef = &Item{"bob@x.test", stanza.NSMicroblog, "klmnop"}
		} else {
			p.Comments = &Node{"louise@example.org", stanza.CommentsNodePrefix + "abcdefghij"}
			l.Comments = PubSubURI(p.Comments.Service, p.Comments.Name, "")
		}
		if p.Title == p.Text { // the same in both places is one text
			p.Title = ""
		}
		if p.Title+p.Text+p.Warning+p.Quote == "" && len(p.Media)+len(p.Links) == 0 {
			p.HTML, p.Text = Sanitize("shown") // a post of nothing has dots for a title
		}
		if d.bool("source") && p.Text != "" {
			p.Source = &Source{d.words("source", 1) + "\n\n*" + d.words("source", 1) + "*", "text/markdown"}
		}
		if d.bool("boost") {
			p.Boost = d.url("boost")
			if d.bool("known as an item") {
				p.BoostRef = &Item{`bob\40x.test@ap.example.org`, stanza.NSMicroblog, "a b"}
				l.Via = PubSubURI(p.BoostRef.Service, p.BoostRef.Node, p.BoostRef.ID)
			}
		}
		want := p
		want.Origin, want.Item, want.EntryID = OriginXMPP, &l.Item, p.URI
		want.URI = "" // ours to give; atom:id is a claim, in EntryID
		want.Kind = kindOfText(p)
		if p.Boost != "" {
			want.Kind = KindBoost
			want.Author = Actor{JID: p.Author.JID, Name: p.Author.Name}
		}
		want.Mentions = nil // XEP-0372 says whom, by one address; how it stands in the text is in the text
		for i := range p.Mentions {
			m := &p.Mentions[i]
			if d.bool("jid") {
				m.JID = fmt.Sprintf(`bob%d\40x.test@ap.example.org`, i)
				want.Mentions = append(want.Mentions, Mention{Actor: Actor{JID: m.JID}})
			} else {
				want.Mentions = append(want.Mentions, Mention{Actor: Actor{URI: m.URI}})
			}
		}

		frame := stanza.Append(nil, Atom(p, l), "")
		entry, err := stanza.Parse(frame, "", stanza.Limits{})
		if err != nil {
			rt.Fatalf("%v\n%s", err, frame)
		}
		got, err := FromAtom(entry, l.Item, p.Owner)
		if err != nil {
			if p.Title+p.Text+p.Warning+p.Quote == "" && len(p.Media)+len(p.Links) == 0 && p.Boost == "" {
				return // nothing to show
			}
			rt.Fatalf("%v\n%s", err, frame)
		}
		switch {
		case p.Boost != "":
			forgetBoosted(&want, &got)
		case madeOfText(entry, p, l):
			if diff := cmp.Diff(lineWords(readable(want)), lineWords(readable(got))); diff != "" {
				rt.Fatalf("text (-want +got):\n%s\n%s", diff, frame)
			}
			forgetEmphasis(&want, &got)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("(-want +got):\n%s\n%s", diff, frame)
		}
	})
}

// madeOfText tells whether the title of an entry is the text of the post, or its
// beginning: plain words, so that what can be read of it is kept, and not its
// emphasis.
func madeOfText(entry *stanza.Element, p Post, l AtomLinks) bool {
	return p.Title == "" && p.Warning == "" && !l.Comment && entry.Child(nsTitle, titleTaken) == nil
}

// lineWords are the words of each line: spaces around a title are not kept.
func lineWords(s string) [][]string {
	var lines [][]string
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// forgetEmphasis leaves out of a comparison how words are written.
func forgetEmphasis(posts ...*Post) {
	for _, p := range posts {
		p.HTML, p.Text, p.Source = "", "", nil
	}
}

// forgetBoosted leaves the words of a boost out of a comparison. They are the
// original's, with who wrote them: nobody reads them back.
func forgetBoosted(posts ...*Post) {
	for _, p := range posts {
		p.Title, p.HTML, p.Text, p.Summary, p.Source, p.Quote, p.Warning, p.Lang = "", "", "", "", nil, "", "", ""
	}
}

// Boost -> Announce -> boost.
func TestRoundTripAnnounce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawing{rt}
		p := Post{URI: d.url("id"), Kind: KindBoost, Origin: OriginAP, Owner: Actor{URI: testOwner}, Boost: d.url("boosted"), Published: d.time("published"),
			Visibility: Public, To: []string{as2.Public}, Cc: []string{testFollowers, d.url("author")}}
		doc, err := as2.Marshal(Announce(p, testFollowers))
		if err != nil {
			rt.Fatal(err)
		}
		o, err := as2.Parse(doc)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := FromAnnounce(o, AS2Context{Owner: p.Owner, FollowersURL: testFollowers})
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			rt.Fatalf("(-want +got):\n%s\n%s", diff, doc)
		}
	})
}

func TestAudience(t *testing.T) {
	bob := Mention{Actor: Actor{URI: "https://x.test/users/bob"}}
	isActor := func(uri string) bool { return uri == bob.URI }
	for _, v := range []Visibility{Public, Unlisted, Followers, Direct} {
		a := AudienceOf(v, testFollowers, []Mention{bob, {}, bob})
		if got := a.Visibility(testFollowers, isActor); got != v {
			t.Errorf("%s is read as %s: %v", v, got, a)
		}
		if !slices.Contains(slices.Concat(a.To, a.Cc), bob.URI) {
			t.Errorf("%s does not name the mentioned: %v", v, a)
		}
	}
	for name, tt := range map[string]struct {
		a    Audience
		want Visibility
	}{
		"nobody":             {Audience{}, Direct},
		"spellings":          {Audience{To: []string{"as:Public"}}, Public},
		"quiet":              {Audience{Cc: []string{"Public"}}, Unlisted},
		"unknown collection": {Audience{To: []string{bob.URI, "https://x.test/circle"}}, Limited},
		"other's followers":  {Audience{To: []string{"https://x.test/users/eve/followers"}}, Limited},
		"followers in cc":    {Audience{To: []string{bob.URI}, Cc: []string{testFollowers}}, Followers},
	} {
		if got := tt.a.Visibility(testFollowers, isActor); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if got := (Audience{To: []string{bob.URI}}).Visibility("", nil); got != Limited {
		t.Errorf("an actor that is not known as one: %s", got)
	}
	if !Public.WiderThan(Unlisted) || !Followers.WiderThan(Direct) || Direct.WiderThan(Direct) || Followers.WiderThan(Public) {
		t.Error("widths are out of order")
	}
}

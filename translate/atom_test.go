package translate

import (
	"strings"
	"testing"
	"time"

	"isthmus/xmpp/stanza"

	"github.com/google/go-cmp/cmp"
)

var testTime = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// testPost is a post of alice@mast.social with some text.
func testPost(html string) Post {
	p := Post{URI: "https://mast.social/1", Kind: KindNote, Owner: Actor{URI: "https://mast.social/alice", Handle: "alice@mast.social",
		JID: `alice\40mast.social@ap.example.org`}, Published: testTime, URL: "https://mast.social/@alice/1"}
	p.Author = p.Owner
	p.HTML, p.Text = Sanitize(html)
	return p
}

// Rules 2-4: what is title and what is content.
func TestAtomWords(t *testing.T) {
	long := strings.Repeat("word ", 150) + "end"
	tests := []struct {
		name string
		p    func() Post
		l    AtomLinks
		want []string
	}{
		{"short", func() Post { return testPost("Hello & good day") }, AtomLinks{}, []string{"title: Hello & good day"}},
		{"two lines", func() Post { return testPost("a<br>b") }, AtomLinks{}, []string{"title: a", "text: b", "xhtml: <p>b</p>", "begins: line"}},
		{"two paragraphs", func() Post { return testPost("<p>a</p><p>b <b>c</b></p>") }, AtomLinks{},
			[]string{"title: a", "text: b c", "xhtml: <p>b <b>c</b></p>", "begins: paragraph"}},
		{"emphasis", func() Post { return testPost("a <b>b</b>") }, AtomLinks{}, []string{"title: a b"}},
		{"a named link", func() Post { return testPost(`see <a href="https://x.test/1">this</a>`) }, AtomLinks{}, []string{"title: see this (https://x.test/1)"}},
		{"a link in the first of two lines", func() Post { return testPost(`see <a href="https://x.test/1">this</a><br>b`) }, AtomLinks{},
			[]string{"title: see", "text: this (https://x.test/1)\nb", `xhtml: <p><a href="https://x.test/1">this</a><br/>b</p>`, "begins: word"}},
		{"a link at the start of two lines", func() Post { return testPost(`<a href="https://x.test/1">https://x.test/1</a><br>b`) }, AtomLinks{},
			[]string{"title: https://x.test/1 …", "text: https://x.test/1\nb", `xhtml: <p><a href="https://x.test/1">https://x.test/1</a><br/>b</p>`, "taken: "}},
		{"a mention", func() Post {
			p := testPost(`<a class="u-url mention" href="https://gts.test/@bob">@bob</a> yes`)
			p.Mentions = []Mention{{Actor: Actor{Handle: "bob@gts.test"}, Text: "@bob"}}
			return p
		}, AtomLinks{}, []string{"title: @bob@gts.test yes"}},
		{"a list", func() Post { return testPost("<ul><li>a</li><li>b</li></ul>") }, AtomLinks{},
			[]string{"title: - a…", "text: - a\n- b", "xhtml: <ul><li>a</li><li>b</li></ul>", "taken: "}},
		{"a poll", func() Post {
			p := testPost("Tea?")
			p.Poll = &Poll{Options: []Option{{Text: "Yes"}, {Text: "No"}}}
			return p
		}, AtomLinks{}, []string{"title: Tea?", "text: - Yes\n- No", "xhtml: <ul><li>Yes</li><li>No</li></ul>", "begins: paragraph"}},
		{"long", func() Post { return testPost(long) }, AtomLinks{}, []string{"title: " + long[:199] + "…", "text: …" + long[200:], "xhtml: <p>…" + long[200:] + "</p>", "begins: cut"}},
		{"long sentences", func() Post { return testPost("Moss grows. " + long) }, AtomLinks{}, []string{"title: Moss grows.", "text: " + long, "xhtml: <p>" + long + "</p>", "begins: word"}},
		{"long sentences without spaces", func() Post { return testPost("苔は生える。" + strings.Repeat("長い文", 200)) }, AtomLinks{},
			[]string{"title: 苔は生える。", "text: " + strings.Repeat("長い文", 200), "xhtml: <p>" + strings.Repeat("長い文", 200) + "</p>", "begins: nothing"}},
		{"title", func() Post { p := testPost("a"); p.Title = "T"; return p }, AtomLinks{}, []string{"title: T", "text: a", "xhtml: <p>a</p>"}},
		{"warning", func() Post { p := testPost("a"); p.Warning = "W"; return p }, AtomLinks{}, []string{"title: W", "text: a", "xhtml: <p>a</p>"}},
		{"title and warning", func() Post { p := testPost("<b>a</b>"); p.Title, p.Warning = "T", "W"; return p }, AtomLinks{},
			[]string{"title: W: T", "text: a", "xhtml: <p><b>a</b></p>"}},
		{"title only", func() Post { p := testPost(""); p.Title = "T"; return p }, AtomLinks{}, []string{"title: T", "xhtml: "}},
		{"nothing at all", func() Post { return testPost("") }, AtomLinks{}, []string{"title: …"}},
		{"a picture of which nothing is said", func() Post {
			p := testPost("")
			p.Media, p.Lang = []Media{{URL: "https://x.test/a.png", MediaType: "image/png"}}, "fr-CA"
			return p
		}, AtomLinks{}, []string{"title: Image"}},
		{"a film in a language without a word for it", func() Post {
			p := testPost("")
			p.Media, p.Lang = []Media{{URL: "https://x.test/a.mp4", MediaType: "video/mp4"}}, "eo"
			return p
		}, AtomLinks{}, []string{"title: Video"}},
		{"a link card only", func() Post {
			p := testPost("")
			p.Links = []Link{{URL: "https://x.test/1", Title: "About moss"}}
			return p
		}, AtomLinks{}, []string{"title: About moss"}},
		{"Markdown", func() Post {
			p := testPost("<p>a</p><p><b>b</b></p>")
			p.Source = &Source{"a\n\n**b**", "text/markdown"}
			return p
		}, AtomLinks{}, []string{"title: a…", "text: a\n\n**b**", "xhtml: <p>a</p><p><b>b</b></p>", "taken: "}},
		{"Misskey's own markup", func() Post { p := testPost("<b>a</b>"); p.Source = &Source{"$[a]", "text/x.misskeymarkdown"}; return p }, AtomLinks{},
			[]string{"title: a"}},
		{"boost", func() Post { return boostOf("a") }, AtomLinks{Page: "https://mast.social/@alice/1"},
			[]string{"title: 🔁 Alice (@alice@mast.social)", "text: a\n\nhttps://mast.social/@alice/1",
				`xhtml: <p>a</p><p><a href="https://mast.social/@alice/1">https://mast.social/@alice/1</a></p>`}},
		{"boost of what nobody may find", func() Post { return boostOf("a") }, AtomLinks{},
			[]string{"title: 🔁 Alice (@alice@mast.social)", "text: a", "xhtml: <p>a</p>"}},
		{"boost of a titled post", func() Post { p := boostOf("a"); p.Title = "T"; return p }, AtomLinks{},
			[]string{"title: 🔁 Alice (@alice@mast.social): T", "text: a", "xhtml: <p>a</p>"}},
		{"comment", func() Post { return testPost(long) }, AtomLinks{Comment: true}, []string{"title: " + long}},
		{"comment with markup", func() Post { return testPost("a <b>b</b>") }, AtomLinks{Comment: true},
			[]string{"title: a b", "text: a b", "xhtml: <p>a <b>b</b></p>"}},
		{"comment with a warning", func() Post { p := testPost("a"); p.Warning = "W"; return p }, AtomLinks{Comment: true},
			[]string{"title: W\n\na", "text: a", "xhtml: <p>a</p>"}},
		{"comment with a picture only", func() Post {
			p := testPost("")
			p.Media = []Media{{URL: "https://x.test/a.png", MediaType: "image/png", Alt: "a cat"}}
			return p
		}, AtomLinks{Comment: true}, []string{"title: a cat"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, atomParts(Atom(tt.p(), tt.l))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// boostOf is a boost by somebody of a post of Alice's.
func boostOf(html string) Post {
	p := testPost(html)
	p.Author.Name = "Alice"
	p.Kind, p.Boost, p.Owner = KindBoost, p.URI, Actor{JID: "bob@x.test", Name: "Bob"}
	return p
}

// atomParts are title, summary and contents of an entry.
func atomParts(e *stanza.Element) []string {
	var list []string
	for el := range e.Elements() {
		switch el.Name {
		case "title", "summary":
			list = append(list, el.Name+": "+el.Content())
		case "content":
			s := el.Content()
			if div := el.Child(stanza.NSXHTML, "div"); div != nil {
				s = sanitizeTree(div).html
			}
			list = append(list, el.Get("type")+": "+s)
		case titleBegins, titleTaken:
			list = append(list, el.Name+": "+el.Get("join"))
		}
	}
	return list
}

// Rules 5-8: the author and the links of posts, comments and boosts.
func TestAtomLinks(t *testing.T) {
	alice := `alice\40mast.social@ap.example.org`
	p := testPost("Hello")
	l := AtomLinks{
		Item: Item{alice, stanza.NSMicroblog, "abc"}, AuthorJID: alice, Page: p.URL,
		Comments: PubSubURI(alice, stanza.CommentsNodePrefix+"abc", ""),
	}
	post := Atom(p, l).String()
	comment := p
	comment.ReplyTo = "https://example.org/_ap/item/louise@example.org/x"
	l.Comment, l.InReplyTo = true, InReplyToURI("louise@example.org", stanza.NSMicroblog, "post 1")
	reply := Atom(comment, l).String()
	boost := p.WithOriginal(p)
	boost.URI, boost.Kind, boost.Owner = "https://gts.example/boosts/1", KindBoost, Actor{JID: `bob\40gts.example@ap.example.org`}
	l.Comment, l.InReplyTo = false, ""
	l.Item.Service, l.Via = boost.Owner.JID, PubSubURI(alice, stanza.NSMicroblog, "abc")
	shared := Atom(boost, l).String()
	quiet := Atom(p, AtomLinks{Item: l.Item}).String()

	for _, tt := range []struct {
		name, entry, want string
		absent            bool
	}{
		{"author", post, `<author><name>alice@mast.social</name><uri>xmpp:alice\40mast.social@ap.example.org</uri></author>`, false},
		{"id", post, "<id>https://mast.social/1</id>", false},
		{"updated", post, "<updated>2026-11-20T10:00:00Z</updated>", false},
		{"comments", post, `<link rel='replies' href='xmpp:alice\40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0%3Acomments%2Fabc' title='comments'/>`, false},
		{"page", post, "<link rel='alternate' href='https://mast.social/@alice/1' type='text/html'/>", false},
		{"no prefix", reply, `<in-reply-to xmlns='http://purl.org/syndication/thread/1.0' ref='https://example.org/_ap/item/louise@example.org/x' ` +
			`href='xmpp:louise@example.org?;node=urn:xmpp:microblog:0;item=post%201'/>`, false},
		{"comments have no comments", reply, "rel='replies'", true},
		{"boost has the original's author", shared, `<uri>xmpp:alice\40mast.social@ap.example.org</uri>`, false},
		{"boost has its own id", shared, "<id>https://gts.example/boosts/1</id>", false},
		{"boost points at the original", shared, `<link rel='via' href='xmpp:alice\40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=abc'/>`, false},
		{"talk stays in one place", shared, `comments%2Fabc' title='comments'/>`, false},
		{"unlisted has no page", quiet, "mast.social/@alice", true},
	} {
		if strings.Contains(tt.entry, tt.want) == tt.absent {
			t.Errorf("%s: %s\nin %s", tt.name, tt.want, tt.entry)
		}
	}
}

// An Article is never cut up to 160 KiB; over the budget as much stays as fits.
func TestAtomBudget(t *testing.T) {
	article := func(size int, unit string) Post {
		p := testPost(strings.Repeat(unit, size/len(unit)))
		p.Title, p.Kind = "Long", KindArticle
		return p
	}
	for _, unit := range []string{"<p>one two three</p>", "&amp;", "<b>é</b> ", "<blockquote>a<ul><li>漢字</ul></blockquote>"} {
		p := article(160<<10, unit)
		if len(p.HTML) > 160<<10 {
			p.HTML, p.Text = Sanitize(p.HTML[:160<<10-2000])
		}
		e := Atom(p, AtomLinks{})
		if got := atomParts(e); got[len(got)-1] != "xhtml: "+p.HTML && got[len(got)-1] != "text: "+p.Text {
			t.Errorf("%q: an Article of %d bytes is cut", unit, len(p.HTML))
		}
		if n := len(e.String()); n > AtomBudget {
			t.Errorf("%q: %d bytes", unit, n)
		}
	}
	for _, unit := range []string{"<p>one two three</p>", "&amp;&lt;", "<br>é", "&amp; "} {
		for _, size := range []int{2 << 10, 60 << 10, 300 << 10} {
			for _, budget := range []int{0, 60 << 10, 4 << 10} {
				for _, comment := range []bool{false, true} {
					p := article(size, unit)
					p.Summary = strings.Repeat("s", 400)
					for range maxMedia {
						p.Media = append(p.Media, Media{URL: "https://x.test/1", MediaType: "image/png", Alt: strings.Repeat("<", maxAlt)})
					}
					e := Atom(p, AtomLinks{Budget: budget, Comment: comment, Page: p.URL})
					s := e.String()
					if len(s) > AtomBudget || budget > 0 && len(s) > budget {
						t.Errorf("%q, %d bytes of text, budget %d: %d bytes", unit, size, budget, len(s))
					}
					shown := strings.Join(atomParts(e), "\n")
					whole := strings.Contains(shown, p.Text) || strings.Contains(shown, p.HTML)
					if !whole && len(s) < budget/2 {
						t.Errorf("%q, %d bytes of text, budget %d: cut to %d bytes", unit, size, budget, len(s))
					}
					if !strings.Contains(s, p.URL) {
						t.Errorf("%q, %d bytes of text, budget %d: no link to the whole", unit, size, budget)
					}
					if _, err := stanza.Parse([]byte(s), "", stanza.Limits{Children: 1 << 20, Elements: 1 << 20}); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}

func TestHeart(t *testing.T) {
	e := Heart(testPost("whatever"), AtomLinks{AuthorJID: "louise@example.org", Item: Item{"bob@x.test", stanza.CommentsNodePrefix + "1", "h"}})
	if got := atomParts(e); len(got) != 1 || got[0] != "title: ♥" {
		t.Errorf("%q", got)
	}
	for in, want := range map[string]bool{
		`<title>♥</title>`:                      true,
		"<title> ♥\ufe0f\n</title>":             true,
		`<title>❤️</title>`:                     true,
		`<title>♥ you</title>`:                  false,
		`<title>♥</title><content>no</content>`: false,
		`<title>♥</title><content>♥</content>`:  true,
		`<content>♥</content>`:                  false,
	} {
		if got := IsHeart(parseEntry(t, `<entry xmlns='http://www.w3.org/2005/Atom'>`+in+`</entry>`)); got != want {
			t.Errorf("%s: %t", in, got)
		}
	}
	if IsHeart(nil) {
		t.Error("no entry is a heart")
	}
	if !IsHeart(parseEntry(t, e.String())) {
		t.Error("our own heart is none")
	}
}

func parseEntry(t testing.TB, s string) *stanza.Element {
	t.Helper()
	e, err := stanza.Parse([]byte(s), "", stanza.Limits{})
	if err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	return e
}

// What is read from entries that clients and publishers write otherwise than we.
func TestFromAtom(t *testing.T) {
	owner := Actor{URI: testOwner, JID: "louise@example.org", Name: "Louise"}
	tests := []struct {
		name, in string
		got      func(Post) any
		want     any
	}{
		{"text in both places", `<title>Hello there</title><content>Hello there</content>`, words, []string{"", "Hello there"}},
		{"headline made of the text", `<title>Hello there, this is…</title><content>Hello there, this is long</content>`, words, []string{"", "Hello there, this is long"}},
		{"summary only", `<title>T</title><summary type='html'>&lt;p>x&lt;/p></summary>`, words, []string{"T", "x"}},
		{"escaped markup in text stays text", `<title>a &lt;b></title>`, words, []string{"", "a <b>"}},
		{"markup of type html", `<title>T</title><content type='html'>a&lt;br>b</content>`, words, []string{"T", "a\nb"}},
		{"xhtml without div", `<title>T</title><content type='xhtml'><p xmlns='http://www.w3.org/1999/xhtml'>x</p></content>`, words, []string{"T", "x"}},
		{"empty elements of XHTML", `<title>T</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><script/><p/><b/>x</div></content>`, words, []string{"T", "x"}},
		{"xhtml before text", `<title>T</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><b>x</b></div></content><content>**x**</content>`,
			func(p Post) any { return p.Source }, &Source{"**x**", "text/markdown"}},
		{"author is another", `<title>T</title><author><name>Eve</name><uri>xmpp:eve@x.test</uri></author>`, func(p Post) any { return p.Author }, owner},
		{"author agrees", `<title>T</title><author><name>Lou</name><uri>xmpp:louise@example.org</uri></author>`, func(p Post) any { return p.Author.Name }, "Lou"},
		{"author of a boost", `<title>T</title><author><name>Eve</name><uri>xmpp:eve@x.test</uri></author><link rel='via' href='xmpp:eve@x.test?;node=n;item=i'/>`,
			func(p Post) any { return []any{p.Kind, p.Author, *p.BoostRef} }, []any{KindBoost, Actor{JID: "eve@x.test", Name: "Eve"}, Item{"eve@x.test", "n", "i"}}},
		{"boost of a page", `<title>T</title><link rel='via' href='https://x.test/1'/>`, func(p Post) any { return []any{p.Kind, p.Boost} }, []any{KindBoost, "https://x.test/1"}},
		{"Movim's in-reply-to", `<title>T</title><in-reply-to xmlns='http://purl.org/syndication/thread/1.0' href='xmpp:bob@x.test?;node=urn:xmpp:microblog:0;item=1'/>`,
			func(p Post) any { return []any{p.ReplyTo, *p.ReplyRef} }, []any{"", Item{"bob@x.test", "urn:xmpp:microblog:0", "1"}}},
		{"in-reply-to a page", `<title>T</title><t:in-reply-to xmlns:t='http://purl.org/syndication/thread/1.0' href='https://x.test/1'/>`,
			func(p Post) any { return p.ReplyTo }, "https://x.test/1"},
		{"unpublished", `<title>T</title><updated>2026-11-20T10:00:00Z</updated>`, func(p Post) any { return []time.Time{p.Published, p.Updated} }, []time.Time{testTime, {}}},
		{"edited", `<title>T</title><published>2026-11-20T12:00:00+02:00</published><updated>2026-11-20T10:00:01.5z</updated>`,
			func(p Post) any { return []time.Time{p.Published, p.Updated} }, []time.Time{testTime, testTime.Add(1500 * time.Millisecond)}},
		{"long and titled", `<title>T</title><content>` + strings.Repeat("x", 1001) + `</content>`, func(p Post) any { return p.Kind }, KindArticle},
		{"short and titled", `<title>T</title><content>` + strings.Repeat("x", 1000) + `</content>`, func(p Post) any { return p.Kind }, KindNote},
		{"long without title", `<title/><content>` + strings.Repeat("x", 5000) + `</content>`, func(p Post) any { return p.Kind }, KindNote},
		{"headings", `<title>T</title><content type='html'>&lt;h2>x&lt;/h2></content>`, func(p Post) any { return p.Kind }, KindArticle},
		{"links to JIDs", `<title/><content type='html'>&lt;a href="xmpp:Bob@X.test">Bob&lt;/a> &lt;a href="xmpp:n@x.test?;node=n">n&lt;/a></content>`,
			func(p Post) any { return p.Mentions }, []Mention{{Actor: Actor{JID: "bob@x.test"}}}},
		{"languages", `<title xml:lang='en'>T</title><title xml:lang='fr'>U</title><content xml:lang='en'>x</content><content xml:lang='fr'>y</content>`,
			func(p Post) any { return []any{p.Lang, p.Title, p.Translations} }, []any{"en", "T", []Translation{{"fr", "U", "<p>y</p>", "y"}}}},
		{"the language of the entry comes first", `<content>y</content><content xml:lang='en'>x</content><title>T</title>`,
			func(p Post) any { return []any{p.Lang, p.Text} }, []any{"", "y"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := FromAtom(parseEntry(t, `<entry xmlns='http://www.w3.org/2005/Atom'>`+tt.in+`</entry>`), Item{"louise@example.org", "n", "i"}, owner)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tt.got(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, in := range []string{`<x/>`, `<entry/>`, `<entry xmlns='http://www.w3.org/2005/Atom'><title> </title><content/></entry>`} {
		if _, err := FromAtom(parseEntry(t, in), Item{}, owner); err == nil {
			t.Errorf("%s is a post", in)
		}
	}
}

func words(p Post) any { return []string{p.Title, p.Text} }

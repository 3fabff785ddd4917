package readers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

const (
	alice = `alice\40mast.social@ap.example.org`
	bob   = `bob\40gts.example@ap.example.org`
)

// Every golden entry is shown whole by everybody.
func TestGoldenEntries(t *testing.T) {
	files, err := filepath.Glob("../testdata/from_ap/*.out.xml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d golden entries, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := stanza.Parse([]byte(strings.TrimSpace(string(text))), "", stanza.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		publisher := strings.TrimPrefix(entry.Child(stanza.NSAtom, "author").ChildContent(stanza.NSAtom, "uri"), "xmpp:")
		for _, c := range Complaints(entry, publisher, false) {
			t.Errorf("%s: %s", file, c)
		}
	}
}

// received is an entry as it arrives.
func received(t interface{ Fatal(...any) }, entry *stanza.Element) *stanza.Element {
	arrived, err := stanza.Parse([]byte(entry.String()), "", stanza.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return arrived
}

// note is a post of Alice's.
func note(html string) translate.Post {
	p := translate.Post{URI: "https://mast.social/1", URL: "https://mast.social/@alice/1", Kind: translate.KindNote, Published: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
		Owner: translate.Actor{URI: "https://mast.social/alice", Handle: "alice@mast.social", JID: alice, Name: "Alice"}}
	p.Author = p.Owner
	p.HTML, p.Text = translate.Sanitize(html)
	return p
}

// The shapes in which posts of the fediverse come: each is kept by all three, and
// says what it says once.
func TestShapes(t *testing.T) {
	with := func(p translate.Post, change func(*translate.Post)) translate.Post {
		change(&p)
		return p
	}
	picture := []translate.Media{{URL: "https://mast.social/a.png", MediaType: "image/png", Alt: "moss on a wall"}}
	for name, tt := range map[string]struct {
		post translate.Post
		says []string // in this order
		link string   // that can be followed
	}{
		"plain":      {note("Moss is green."), []string{"Moss is green."}, ""},
		"link":       {note(`Read <a href="https://moss.example/1">moss.example/1</a>`), []string{"Read", "https://moss.example/1"}, "https://moss.example/1"},
		"hashtag":    {note(`I like <a href="https://mast.social/tags/moss" class="mention hashtag" rel="tag">#<span>moss</span></a>`), []string{"I like #moss"}, ""},
		"mention":    {note(`<span class="h-card"><a href="https://gts.example/@bob" class="u-url mention">@<span>bob</span></a></span> look`), []string{"@bob look"}, ""},
		"bold":       {note("Moss is <b>very</b> green."), []string{"Moss is very green."}, ""},
		"line break": {note("One line<br>and another"), []string{"One line", "and another"}, ""},
		"paragraphs": {note("<p>First.</p><p>Second.</p>"), []string{"First.", "Second."}, ""},
		"poll": {with(note("Which moss?"), func(p *translate.Post) {
			p.Poll = &translate.Poll{Options: []translate.Option{{Text: "sphagnum"}, {Text: "feather"}}}
		}), []string{"Which moss?", "sphagnum", "feather"}, ""},
		"long":         {note("All about moss. " + strings.Repeat("And so much more about it. ", 40) + "The end."), []string{"All about moss.", "The end."}, ""},
		"picture only": {with(note(""), func(p *translate.Post) { p.Media = picture }), []string{"moss on a wall"}, "https://mast.social/a.png"},
		"titled":       {with(note("Some words."), func(p *translate.Post) { p.Title = "On moss" }), []string{"On moss", "Some words."}, ""},
		"warned":       {with(note("Some words."), func(p *translate.Post) { p.Warning = "plants" }), []string{"plants", "Some words."}, ""},
		"quoted":       {with(note("This."), func(p *translate.Post) { p.Quote = "https://gts.example/1" }), []string{"This.", "https://gts.example/1"}, "https://gts.example/1"},
		"only a quote": {with(note(""), func(p *translate.Post) { p.Quote = "https://gts.example/1" }), []string{"https://gts.example/1"}, "https://gts.example/1"},
		"to the left":  {note("<p>الطحلب أخضر</p><p>جدا</p>"), []string{"الطحلب أخضر", "جدا"}, ""},
		"emoji":        {note("🌿"), []string{"🌿"}, ""},
		"custom emoji": {note(":blobmoss:"), []string{":blobmoss:"}, ""},
		"boosted": {with(note("Moss is green."), func(p *translate.Post) {
			p.Kind, p.Boost, p.Owner = translate.KindBoost, p.URI, translate.Actor{JID: bob, Name: "Bob"}
		}), []string{"Alice (@alice@mast.social)", "Moss is green."}, "https://mast.social/@alice/1"},
		"link first": {note(`<p><a href="https://moss.example/1">https://moss.example/1</a> is good</p><p>Read it.</p>`), []string{"https://moss.example/1 is good", "Read it."}, "https://moss.example/1"},
		"named link": {note(`<p>Read <a href="https://moss.example/1">this</a> today</p><p>It is good.</p>`), []string{"Read", "this", "today", "It is good."}, "https://moss.example/1"},
		"list":       {note("<ul><li>sphagnum</li><li>feather</li></ul>"), []string{"sphagnum", "feather"}, ""},
		"code":       {note("<pre><code>moss()\ngrow()</code></pre>"), []string{"moss()", "grow()"}, ""},
		"event":      {with(note("We walk."), func(p *translate.Post) { p.Title, p.Event = "Moss walk", &translate.Event{Place: "The park"} }), []string{"Moss walk", "The park", "We walk."}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := tt.post
			l := translate.AtomLinks{Item: translate.Item{Service: p.Owner.JID, Node: stanza.NSMicroblog, ID: "abcdefgh"}, AuthorJID: p.Author.JID, Page: p.URL}
			entry := received(t, translate.Atom(p, l))
			for _, c := range Complaints(entry, p.Owner.JID, false) {
				t.Errorf("%s\n%s", c, entry)
			}
			for reader, read := range map[string]func(*stanza.Element) (Shown, bool){"Movim": Movim, "Converse": Converse, "Libervia": Libervia} {
				shown, _ := read(entry)
				says := shown.Title + "\n" + shown.Body
				rest := says
				for _, words := range tt.says {
					_, after, ok := strings.Cut(rest, words)
					if !ok {
						t.Errorf("%s does not show %q after what is before it:\n%s", reader, words, says)
						break
					}
					rest = after
				}
				if len(tt.says) > 1 && strings.Contains(rest, tt.says[0]) {
					t.Errorf("%s shows %q twice:\n%s", reader, tt.says[0], says)
				}
				if tt.link != "" && !strings.Contains(strings.Join(shown.Links, " "), tt.link) {
					t.Errorf("in %s nobody can follow %s: %s", reader, tt.link, entry)
				}
			}
		})
	}
}

// Whatever a post is made of, nobody drops it and nothing is shown twice.
func TestAnyPost(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"word ", "A sentence. ", "漢字。", "<br>", "<br><br>", "</p><p>", "<b>bold</b>", "<b>a<br>b</b>", "<i>x", "&amp;", "&lt;b> ", "😀", ":blob: ", "#moss ", "@bob ",
		`<a href="https://x.test/1">https://x.test/1</a>`, `<a href="https://x.test/2">here</a> `, `<a class="mention" href="https://x.test/@bob">@bob</a> `,
		"<ul><li>one<li>two</ul>", "<blockquote>said</blockquote>", "<pre>a\nb</pre>", "<h2>head</h2>", "<p></p>", strings.Repeat("long ", 60), "العربية ",
	})
	rapid.Check(t, func(rt *rapid.T) {
		html := "<p>"
		for i, s := range rapid.SliceOfN(piece, 0, 12).Draw(rt, "html") { // no two words are the same
			html += strings.NewReplacer("word", fmt.Sprint("word", i), "sentence", fmt.Sprint("sentence", i), "漢字", fmt.Sprint("漢", i), "long", fmt.Sprint("long", i), "one", fmt.Sprint("one", i), "bold", fmt.Sprint("bold", i), "moss", fmt.Sprint("moss", i), "@bob", fmt.Sprint("@bob", i), ":blob:", fmt.Sprint(":blob", i, ":"), "a<br>b", fmt.Sprint("a", i, "<br>b"), "lt;b", fmt.Sprint("lt;b", i), "<i>x", fmt.Sprint("<i>x", i), "x.test/1", fmt.Sprint("x.test/", i), "head", fmt.Sprint("head", i), "العربية", fmt.Sprint("العربية", i)).Replace(s)
		}
		p := note(html)
		maybe := func(what string, of ...string) string {
			return rapid.SampledFrom(append(of, "", "")).Draw(rt, what)
		}
		p.Title, p.Warning, p.Lang = maybe("title", "T i t l e"), maybe("warning", "W a r n"), maybe("lang", "fr", "eo")
		p.Quote, p.Summary = maybe("quote", "https://x.test/q"), maybe("summary", "In short")
		if rapid.Bool().Draw(rt, "media") {
			p.Media = []translate.Media{{URL: "https://x.test/a.png", MediaType: "image/png", Alt: maybe("alt", "a picture\nof moss")}}
		}
		if rapid.Bool().Draw(rt, "boost") {
			p.Kind, p.Boost, p.Owner = translate.KindBoost, p.URI, translate.Actor{JID: bob, Name: "Bob"}
		}
		l := translate.AtomLinks{Item: translate.Item{Service: p.Owner.JID, Node: stanza.NSMicroblog, ID: "abcdefgh"}, AuthorJID: p.Author.JID, Page: maybe("page", p.URL),
			Comment: rapid.Bool().Draw(rt, "comment"), Budget: rapid.SampledFrom([]int{0, 2000, 4000}).Draw(rt, "budget")}
		entry := received(rt, translate.Atom(p, l))
		publisher := p.Owner.JID
		if l.Comment {
			publisher = p.Author.JID
		}
		for _, c := range Complaints(entry, publisher, l.Comment) {
			rt.Errorf("%s\n%s", c, entry)
		}
	})
}

// The checker sees what it is there to see.
func TestComplaints(t *testing.T) {
	const whole = `<author><name>Alice</name><uri>xmpp:` + alice + `</uri></author><id>https://x.test/1</id><published>2026-11-20T10:00:00Z</published><updated>2026-11-20T10:00:00Z</updated>`
	const xhtml = `<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Words of it</p></div></content>`
	for name, tt := range map[string]struct{ in, publisher, want string }{
		"good":             {`<title>T</title>` + xhtml + whole, alice, ""},
		"no title":         {`<title/>` + xhtml + whole, alice, "Movim drops it"},
		"spaces for title": {`<title> </title>` + xhtml + whole, alice, "Movim drops it"},
		"text alone":       {`<title>T</title><content type='text'>Words</content>` + whole, alice, "Movim shows no body"},
		"twice":            {`<title>Words of it</title>` + xhtml + whole, alice, "again"},
		"never changed":    {`<title>T</title>` + strings.ReplaceAll(whole, "2026-11-20T10:00:00Z", "1970-01-01T00:00:00Z"), alice, "no date"},
		"somebody else":    {`<title>T</title>` + whole, bob, "no author"},
		"boost unsaid":     {`<title>T</title>` + whole + `<link rel='via' href='https://x.test/2'/>`, bob, "as those of"},
		"boost said":       {`<title>🔁 Alice</title>` + whole + `<link rel='via' href='https://x.test/2'/>`, bob, ""},
		"file of no type":  {`<title>T</title>` + whole + `<link rel='enclosure' href='https://x.test/2'/>`, alice, "no type"},
	} {
		entry, err := stanza.Parse([]byte(`<entry xmlns='http://www.w3.org/2005/Atom'>`+tt.in+`</entry>`), "", stanza.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(Complaints(entry, tt.publisher, false), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

package translate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func testLinker() Linker {
	return Linker{
		Mentions: []Mention{
			{Actor: Actor{URI: "https://mast.social/users/bob", Handle: "bob@mast.social"}, Text: "@bob"},
			{Actor: Actor{Handle: "unknown@mast.social"}},
		},
		TagURL: func(tag string) string { return "https://example.org/tags/" + strings.ToLower(tag) },
	}
}

func TestLinkerHTML(t *testing.T) {
	bob := `<span class="h-card"><a href="https://mast.social/users/bob" class="u-url mention">@<span>bob</span></a></span>`
	link := func(u string) string { return `<a href="` + u + `">` + u + `</a>` }
	tests := []struct{ name, in, want string }{
		{"empty", " \n ", ""},
		{"paragraphs", "a\r\nb\n\n \nc", "<p>a<br/>b</p><p>c</p>"},
		{"markup stays text", "a <b> & \"c\"", `<p>a &lt;b&gt; &amp; &#34;c&#34;</p>`},
		{"mention", "hi @bob@mast.social!", "<p>hi " + bob + "!</p>"},
		{"mention in another case, at the end of a sentence", "@Bob@Mast.Social.", "<p>" + strings.ReplaceAll(bob, "bob</span>", "Bob</span>") + ".</p>"},
		{"short mention", "(@bob)", "<p>(" + bob + ")</p>"},
		{"unknown mention", "@unknown@mast.social @eve @eve@x.test", "<p>@unknown@mast.social @eve @eve@x.test</p>"},
		{"no mention", "mail bob@mast.social, a@bob, //@bob, @@bob", "<p>mail bob@mast.social, a@bob, //@bob, @@bob</p>"},
		{"hashtags", "#Été2026 #1 a#b &#x;", `<p><a href="https://example.org/tags/été2026" class="mention hashtag" rel="tag">#<span>Été2026</span></a> #1 a#b &amp;#x;</p>`},
		{"address", "see https://x.test/a_(b)?c=d&e#f.", `<p>see <a href="https://x.test/a_(b)?c=d&amp;e#f">https://x.test/a_(b)?c=d&amp;e#f</a>.</p>`},
		{"address in brackets", "(https://x.test/), <https://y.test/>", "<p>(" + link("https://x.test/") + "), &lt;" + link("https://y.test/") + "&gt;</p>"},
		{"address with a handle in it", "https://x.test/@bob@mast.social", "<p>" + link("https://x.test/@bob@mast.social") + "</p>"},
		{"other schemes", `xmpp:a\40b.test@ap.test mailto:a@b.test gemini://g.test/ javascript:x xmpp: yes`,
			`<p>` + link(`xmpp:a\40b.test@ap.test`) + " " + link("mailto:a@b.test") + " " + link("gemini://g.test/") + ` javascript:x xmpp: yes</p>`},
		{"no address", "ahttps://x.test http:// https://", "<p>ahttps://x.test http:// https://</p>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := testLinker().HTML(tt.in)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			checkFragment(t, got)
		})
	}
}

func TestLinkerLink(t *testing.T) {
	in := `<p>@bob@mast.social <a href="https://x.test/">@bob@mast.social</a> <b>#cats</b>#no</p><pre>@bob@mast.social</pre><p><code>#x</code></p>`
	want := `<p><span class="h-card"><a href="https://mast.social/users/bob" class="u-url mention">@<span>bob</span></a></span> ` +
		`<a href="https://x.test/">@bob@mast.social</a> <b><a href="https://example.org/tags/cats" class="mention hashtag" rel="tag">#<span>cats</span></a></b>#no</p>` +
		`<pre>@bob@mast.social</pre><p><code>#x</code></p>`
	if diff := cmp.Diff(want, testLinker().Link(in)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLinkerProperties(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom([]string{"@bob@mast.social", "@bob", "#cats", "https://x.test/a", "xmpp:a@b", " ", "\n", "(", ")", ".", "#", "@", "x", "<b>", "&", "é"}),
			rapid.String()), 0, 20).Draw(t, "pieces"), "")
	})
	rapid.Check(t, func(rt *rapid.T) {
		l := testLinker()
		once := l.HTML(text.Draw(rt, "text"))
		checkFragment(t, once)
		if twice := l.Link(once); twice != once {
			t.Fatalf("linked twice\nonce:  %q\ntwice: %q", once, twice)
		}
		soup, _ := Sanitize(htmlSoup().Draw(rt, "html"))
		once = l.Link(soup)
		checkFragment(t, once)
		if twice := l.Link(once); twice != once {
			t.Fatalf("linked twice\nonce:  %q\ntwice: %q", once, twice)
		}
	})
}

func TestFind(t *testing.T) {
	text := "Hi @Bob@mast.social and @bob@MAST.social, @eve, @a.b-c@x.test:8443. #Cats #cats #2 #çã https://x.test/#no"
	if diff := cmp.Diff([]string{"bob@mast.social", "a.b-c@x.test:8443"}, FindMentions(text)); diff != "" {
		t.Errorf("mentions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Cats", "çã"}, FindTags(text)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

package translate

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"isthmus/xmpp/stanza"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSanitize(t *testing.T) {
	tests := []struct {
		name, in, html, text string
	}{
		{"empty", "", "", ""},
		{"only space", " \n<p> </p><p></p><br>", "", ""},
		{"bare text gets a paragraph", "hello", "<p>hello</p>", "hello"},
		{"paragraphs", "<p>one</p><p>two</p>", "<p>one</p><p>two</p>", "one\n\ntwo"},
		{"breaks", "one<br>two<br/><br />three<br>", "<p>one<br/>two<br/><br/>three</p>", "one\ntwo\n\nthree"},
		{"open tags", "<p>a<p>b<b>c", "<p>a</p><p>b<b>c</b></p>", "a\n\nbc"},
		{"crossed tags", "<b>a<i>b</b>c</i>", "<p><b>a<i>b</i></b><i>c</i></p>", "abc"},
		{"formatting goes on in the next block", "<b>a<p>b</p>c</b>d", "<p><b>a</b></p><p><b>b</b></p><p><b>c</b>d</p>", "a\n\nb\n\ncd"},
		{"white space", "<p>  a \n <b> b </b>c</p>\n", "<p>a <b>b</b> c</p>", "a b c"},
		{"entities", "a &amp; b &lt;c&gt; &nbsp;&eacute;&#x2665;", "<p>a &amp; b &lt;c&gt; \u00a0é♥</p>", "a & b <c> \u00a0é♥"},
		{"characters XML does not know", "a\x00b\x0cc\x1b\ufffe\xffd&#1;", "<p>ab c\ufffdd</p>", "ab c\ufffdd"},
		{"scripts", "a<script>alert(1)</script><style>p{}</style>b", "<p>ab</p>", "ab"},
		{"script that never ends", "a<script>b<p>c", "<p>a</p>", "a"},
		{"nested svg", "<svg><svg></svg><a href='https://x.test'>x</a></svg>b", "<p>b</p>", "b"},
		{"handlers and styles", `<p onclick="x()" style="color:red">a<b onmouseover=y>b</b></p>`, "<p>a<b>b</b></p>", "ab"},
		{"headings", "<h1>Title</h1>text", "<h1>Title</h1><p>text</p>", "Title\n\ntext"},
		{"list", "<ul><li>a</li><li>b<ul><li>c</ul></ul>d",
			"<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><p>d</p>", "- a\n- b\n  - c\n\nd"},
		{"numbers", `<ol start="9"><li><p>a</p></li><li><p>b</p><p>c</p></li></ol>`,
			`<ol start="9"><li><p>a</p></li><li><p>b</p><p>c</p></li></ol>`, "9. a\n10. b\n\n    c"},
		{"item without list", "<li>a", "<ul><li>a</li></ul>", "- a"},
		{"quote", "<blockquote><p>a<br>b</p><p>c</p></blockquote>d",
			"<blockquote><p>a<br/>b</p><p>c</p></blockquote><p>d</p>", "> a\n> b\n>\n> c\n\nd"},
		{"bare quote", "<blockquote>a</blockquote>", "<blockquote><p>a</p></blockquote>", "> a"},
		{"code", "<pre><code>\n if x {\n\t<b>y</b>\n }\n</code></pre>",
			"<pre> <code>if x {\n\t<b>y</b>\n }</code></pre>", " if x {\n\ty\n }"},
		{"table", "<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>", "<p>a b</p><p>c</p>", "a b\n\nc"},
		{"link", `<a href="https://x.test/a?b=1&amp;c" target=_blank rel="nofollow">here</a>`,
			`<p><a href="https://x.test/a?b=1&amp;c">here</a></p>`, "here (https://x.test/a?b=1&c)"},
		{"link that shows itself", `<a href="https://x.test/">x.test</a>`, `<p><a href="https://x.test/">x.test</a></p>`, "https://x.test/"},
		{"link schemes", `<a href="javascript:x()">a</a><a href="JAVA&#10;SCRIPT:x">b</a><a href="/c">c</a><a href="//d.test">d</a>` +
			`<a href="data:text/html,x">e</a><a href=" HTTPS://f.test ">f</a><a href="mailto:g@x.test">g@x.test</a>` +
			`<a href="xmpp:h\40x.test@ap.test">h</a><a href="gemini://i.test/">i</a><a href="http:j">j</a>`,
			`<p>abcde<a href="https://f.test">f</a><a href="mailto:g@x.test">g@x.test</a>` +
				`<a href="xmpp:h\40x.test@ap.test">h</a><a href="gemini://i.test/">i</a>j</p>`,
			`abcdef (https://f.test)g@x.testh (xmpp:h\40x.test@ap.test)i (gemini://i.test/)j`},
		{"links do not nest", `<a href="https://a.test">a<a href="https://b.test">b</a></a>`,
			`<p><a href="https://a.test">a</a><a href="https://b.test">b</a></p>`, "a (https://a.test)b (https://b.test)"},
		{"Mastodon's short link", `<a href="https://x.test/a/long/path"><span class="invisible">https://</span><span class="ellipsis">x.test/a/lo</span><span class="invisible">ng/path</span></a>`,
			`<p><a href="https://x.test/a/long/path"><span class="invisible">https://</span><span class="ellipsis">x.test/a/lo</span><span class="invisible">ng/path</span></a></p>`,
			"https://x.test/a/long/path"},
		{"short link that lies", `<a href="https://evil.test/"><span class="invisible">https://</span><span class="ellipsis">good.test/a</span></a>`,
			`<p><a href="https://evil.test/"><span class="invisible">https://</span><span class="ellipsis">good.test/a</span></a></p>`,
			"good.test/a… (https://evil.test/)"},
		{"mention", `<p><span class="h-card" translate="no"><a href="https://x.test/@bob" class="u-url mention">@<span>bob</span></a></span> hi</p>`,
			`<p><span class="h-card"><a href="https://x.test/@bob" class="u-url mention">@<span>bob</span></a></span> hi</p>`, "@bob hi"},
		{"hashtag", `<a href="https://x.test/tags/cats" class="mention hashtag" rel="tag">#<span>Cats</span></a>`,
			`<p><a href="https://x.test/tags/cats" class="mention hashtag" rel="tag">#<span>Cats</span></a></p>`, "#Cats"},
		{"spans and classes", `<span>a</span><span class="evil mention mention">b</span><span lang="fr">c</span>`,
			`<p>a<span class="mention">b</span><span lang="fr">c</span></p>`, "abc"},
		{"picture", `<img src="https://x.test/a/cat.png?1" alt=""><img src="https://x.test/b.png" alt="a dog">`,
			`<p><a href="https://x.test/a/cat.png?1">cat.png</a><a href="https://x.test/b.png">a dog</a></p>`,
			"cat.png (https://x.test/a/cat.png?1)a dog (https://x.test/b.png)"},
		{"picture in a link", `<a href="https://x.test/"><figure><img src="https://x.test/b.png" alt="a dog"></figure></a>`,
			`<p><a href="https://x.test/">a dog</a></p>`, "a dog (https://x.test/)"},
		{"emoji", `<img class="emoji" src="https://x.test/e.png" alt=":blobcat:"><img class="wp-smiley" src="https://s.w.org/1f600.png" alt="😀">`,
			`<p>:blobcat:😀</p>`, ":blobcat:😀"},
		{"void and closed elements", `<p>a</p><embed src=x/><p>b</p><svg/><math/><base href=x/><input name=q onfocus=x><p>c</p>`, `<p>a</p><p>b</p><p>c</p>`, "a\n\nb\n\nc"},
		{"embedded video", `<figure><iframe src="https://video.test/embed/1">fallback</iframe></figure>x`,
			`<p><a href="https://video.test/embed/1">1</a></p><p>x</p>`, "1 (https://video.test/embed/1)\n\nx"},
		{"comments and declarations", "<!DOCTYPE x><!-- a --><?php b ?><![CDATA[c]]>d", "<p>d</p>", "d"},
		{"ruby", "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby></p>", "漢(kan)"},
		{"textarea breaks out", "<textarea></textarea><img src=x onerror=y>", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			html, text := Sanitize(tt.in)
			if diff := cmp.Diff(tt.html, html); diff != "" {
				t.Errorf("html (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.text, text); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			checkFragment(t, html)
		})
	}
}

// checkFragment fails unless a fragment is well-formed XML of nothing but what
// we allow, and sanitises to itself.
func checkFragment(t testing.TB, html string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<div>" + html + "</div>"))
	depth := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%.2000q", err, html)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if depth++; depth > maxBlocks+maxInlines+3 {
				t.Fatalf("too deep: %.2000q", html)
			}
			if k := kinds[tok.Name.Local]; depth > 1 && (k == kindUnknown || k > kindItem && k != kindBR) {
				t.Fatalf("element %s in %.2000q", tok.Name.Local, html)
			}
			for _, a := range tok.Attr {
				if !strings.Contains(" href class rel lang title start ", " "+a.Name.Local+" ") {
					t.Fatalf("attribute %s in %.2000q", a.Name.Local, html)
				}
				if a.Name.Local == "href" && safeHref(a.Value) != a.Value {
					t.Fatalf("address %q in %.2000q", a.Value, html)
				}
			}
		case xml.EndElement:
			depth--
		case xml.CharData, xml.Attr:
		default:
			t.Fatalf("%T in %.2000q", tok, html)
		}
	}
	again, text := Sanitize(html)
	if again != html {
		t.Fatalf("not a fixpoint\nonce:  %.2000q\ntwice: %.2000q", html, again)
	}
	if legalText(text) != text {
		t.Fatalf("text has illegal characters: %.2000q", text)
	}
	div := stanza.New(stanza.NSXHTML, "div")
	div.Nodes = xhtmlNodes(html)
	if tree := sanitizeTree(div); !strings.Contains(html, "quote-inline") && (tree.html != html || tree.text != text) {
		t.Fatalf("as elements it is another\nhtml: %.2000q\ntree: %.2000q", html, tree.html)
	}
}

func TestSanitizeQuoting(t *testing.T) {
	for _, in := range []string{
		`<p>look<span class="quote-inline"><br><br>RE: <a href="https://x.test/1">https://x.test/1</a></span></p>`,
		`<p class="quote-inline">RE: <a href="https://x.test/1">x</a></p><p>look</p>`,
		`<p>look <span class="quote-inline"><span>RE:</span> <a href="https://x.test/1">x</a></p>`,
	} {
		got := sanitizeQuoting(in)
		if got.html != "<p>look</p>" || got.text != "look" || got.quote != "https://x.test/1" {
			t.Errorf("%s\ngives %+v", in, got)
		}
	}
}

// htmlSoup draws HTML as strangers write it.
func htmlSoup() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b c", " ", "\n", "&amp;", "&lt;", "<", "é", "♥", "]]>", "&", "\x00", "#tag", "@bob@x.test", "https://x.test/a"}),
		rapid.Map(rapid.SampledFrom([]string{"p", "a", "b", "i", "span", "div", "ul", "ol", "li", "blockquote", "pre", "code", "h1", "br", "br/", "table", "tr", "td",
			"script", "svg", "img src=https://x.test/i.png", "a href=https://x.test", `a href="https://x.test/@bob" class="u-url mention"`,
			`span class="invisible"`, `span class="ellipsis"`, `span class="h-card"`, `p class="quote-inline"`, `ol start=3`, "textarea", "iframe src='https://x.test/v'"}),
			func(s string) string { return "<" + s + ">" }),
		rapid.Map(rapid.SampledFrom([]string{"p", "a", "b", "i", "span", "div", "ul", "ol", "li", "blockquote", "pre", "code", "h1", "table", "script", "svg"}),
			func(s string) string { return "</" + s + ">" }),
		rapid.String(),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "pieces"), "")
	})
}

func TestSanitizeProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		html, _ := Sanitize(htmlSoup().Draw(rt, "html"))
		checkFragment(t, html)
	})
}

// Every input of this kind must cost what its length costs, in time and bytes.
func TestSanitizeBounds(t *testing.T) {
	long := "https://x.test/" + strings.Repeat("a", 1900)
	for name, unit := range map[string]string{
		"deep":          "<div><b><blockquote><ul><li><i>x",
		"inlines":       "<b>x",
		"link repeated": "<a href=" + long + ">x<p>",
		"quote lines":   "<blockquote>x<br>",
		"breaks":        "<br>x<br><br><br>",
		"entities":      "&amp;&lt;\"",
		"words":         "x ",
		"raw":           "<script><!--",
		"attributes":    "<p a=b c=d ",
		"ends":          "</b></p></ul>",
		"one word":      "<",
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.Repeat(unit, maxHTML/len(unit)+2)
			if name == "link repeated" {
				in = in[:len(unit)] + strings.Repeat("<p>x", maxHTML/4)
			}
			html, text := Sanitize(in) // a cost that grows faster would meet the test's time limit
			if len(html) > maxHTML || len(text) > maxHTML+2*maxHref {
				t.Errorf("%d and %d bytes", len(html), len(text))
			}
			checkFragment(t, html)
		})
	}
}

func FuzzSanitize(f *testing.F) {
	f.Add(`<p>Hello <span class="h-card"><a href="https://x.test/@b" class="u-url mention">@<span>b</span></a></span><br>x &amp; y</p>`)
	f.Add("<ul><li>a<li>b</ul><pre>\n c</pre><blockquote>d<script>")
	f.Add("<a href=https://x.test><p>x</a><b><i></b>\xff\x00</i>")
	f.Fuzz(func(t *testing.T, in string) {
		html, _ := Sanitize(in)
		checkFragment(t, html)
		checkFragment(t, sanitizeQuoting(in).html)
	})
}

func BenchmarkSanitize(b *testing.B) {
	in := strings.Repeat(`<p>Hello <span class="h-card"><a href="https://x.test/@bob" class="u-url mention">@<span>bob</span></a></span>, `+
		`what about <a href="https://x.test/a"><b>this</b> &amp; that</a>?<br>Yes.</p>`, 3)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		Sanitize(in)
	}
}

func BenchmarkAtom(b *testing.B) {
	doc, err := os.ReadFile("testdata/from_ap/mastodon.json")
	if err != nil {
		b.Fatal(err)
	}
	o := parseAS2(b, string(doc))
	b.ReportAllocs()
	for b.Loop() {
		p, err := FromAS2(o, AS2Context{})
		if err != nil {
			b.Fatal(err)
		}
		Atom(p, AtomLinks{})
	}
}

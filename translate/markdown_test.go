package translate

import (
	"strings"
	"testing"

	"isthmus/ap/as2"
)

// Content of other types than HTML is shown as what it is.
func TestContentTypes(t *testing.T) {
	for name, tt := range map[string]struct{ in, html, text string }{
		"Markdown": {`"mediaType":"text/markdown","content":"Some **bold** text,\n\n* one\n* two\n\nand [a link](https://site.example/)."`,
			`<p>Some <strong>bold</strong> text,</p><ul><li>one</li><li>two</li></ul><p>and <a href="https://site.example/">a link</a>.</p>`,
			"Some bold text,\n\n- one\n- two\n\nand a link (https://site.example/)."},
		"Markdown, with parameters": {`"mediaType":"text/markdown; charset=utf-8","content":"*x*"`, "<p><em>x</em></p>", "x"},
		"line ends":                 {`"mediaType":"text/markdown","content":"a\nb"`, "<p>a<br/>b</p>", "a\nb"},
		"addresses":                 {`"mediaType":"text/markdown","content":"see https://x.test/1"`, `<p>see <a href="https://x.test/1">https://x.test/1</a></p>`, "see https://x.test/1"},
		"HTML in Markdown":          {`"mediaType":"text/markdown","content":"a <script>alert(1)</script> <b>b</b>"`, "<p>a alert(1) b</p>", "a alert(1) b"},
		"links that run":            {`"mediaType":"text/markdown","content":"[a](javascript:alert(1))"`, "<p>a</p>", "a"},
		"source only":               {`"source":{"content":"*x*","mediaType":"text/markdown"}`, "<p><em>x</em></p>", "x"},
		"source of no type":         {`"source":{"content":"*x*"}`, "<p>*x*</p>", "*x*"},
		"Misskey's source only":     {`"source":{"content":"$[x y]","mediaType":"text/x.misskeymarkdown"}`, "<p>$[x y]</p>", "$[x y]"},
		"content before source":     {`"content":"<p>a</p>","source":{"content":"*x*","mediaType":"text/markdown"}`, "<p>a</p>", "a"},
		"plain text":                {`"mediaType":"text/plain","content":"a < b\n*c*"`, "<p>a &lt; b<br/>*c*</p>", "a < b\n*c*"},
		"HTML":                      {`"mediaType":"text/html","content":"<b>a</b>"`, "<p><b>a</b></p>", "a"},
		"a type that nobody knows":  {`"mediaType":"application/x-moss","content":"<b>a</b>"`, "<p>&lt;b&gt;a&lt;/b&gt;</p>", "<b>a</b>"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := as2.Parse([]byte(`{"id":"https://tube.example/1","type":"Video","attributedTo":"https://tube.example/a","name":"A film","to":"as:Public",` + tt.in + `}`))
			if err != nil {
				t.Fatal(err)
			}
			p, err := FromAS2(o, AS2Context{Owner: Actor{URI: "https://tube.example/a"}})
			if err != nil {
				t.Fatal(err)
			}
			if p.HTML != tt.html || p.Text != tt.text {
				t.Errorf("%q\nwant %q\n%q\nwant %q", p.HTML, tt.html, p.Text, tt.text)
			}
		})
	}
	if got := markdownHTML(strings.Repeat("*x* ", maxMarkdown/4+1)); strings.Contains(got, "<em>") {
		t.Error("a text of any length is rendered")
	}
}

// Entries that say that they hold Markdown are rendered, and keep their source.
func TestFromAtomMarkdown(t *testing.T) {
	p, err := FromAtom(parseEntry(t, `<entry xmlns='http://www.w3.org/2005/Atom'><title>T</title><content type='text/markdown'>**x**</content></entry>`),
		Item{"louise@example.org", "n", "i"}, Actor{URI: testOwner, JID: "louise@example.org"})
	if err != nil || p.HTML != "<p><strong>x</strong></p>" || p.Source == nil || p.Source.Content != "**x**" {
		t.Errorf("%q, %+v, %v", p.HTML, p.Source, err)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{"**a** _b_ `c`", "* a\n  * b\n\n> c\n> > d", "[a](https://x.test \"t\")", "![a](https://x.test/a.png)", "a\n===\n\n    code\n", "<b>x</b> &amp; ~~y~~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		xhtml, _ := Sanitize(markdownHTML(source))
		checkFragment(t, xhtml)
	})
}

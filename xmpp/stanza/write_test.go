package stanza

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var sameElement = cmp.Options{cmpopts.IgnoreUnexported(Element{}), cmpopts.EquateEmpty()}

func TestAppend(t *testing.T) {
	tests := []struct {
		name  string
		e     *Element
		outer string
		want  string
	}{
		{"nothing", nil, "", ``},
		{"empty", New("", "a"), "", `<a/>`},
		{"text", Text("", "a", "1 < 2 & 3 > 2 'x' \"y\""), "", `<a>1 &lt; 2 &amp; 3 &gt; 2 'x' "y"</a>`},
		{"namespace once", New("n", "a").Add(New("n", "b"), New("m", "c").Add(New("m", "d"), New("n", "e"))), "",
			`<a xmlns='n'><b/><c xmlns='m'><d/><e xmlns='n'/></c></a>`},
		{"namespace in force", New(NSComponent, "iq").Add(New("", "x")), NSComponent, `<iq><x/></iq>`},
		{"inherited namespace", New("n", "a").Add(New("", "b").Add(New("n", "c"))), "", `<a xmlns='n'><b><c/></b></a>`},
		{"illegal code points", Text("", "a", "\x00\x01\x08\x0b\x0c\x0e\x1f\ufffe\uffff\x7f\u0085"), "",
			"<a>" + strings.Repeat("\ufffd", 9) + "\x7f\u0085</a>"},
		{"invalid UTF-8", Text("", "a", "x\xff\xc3y\xed\xa0\x80\xf8"), "",
			"<a>x\ufffd\ufffdy\ufffd\ufffd\ufffd\ufffd</a>"},
		{"replacement character itself", Text("", "a", "\ufffd"), "", "<a>\ufffd</a>"},
		{"noncharacters beyond the BMP are legal", Text("", "a", "\U0001fffe"), "", "<a>\U0001fffe</a>"},
		{"ends of lines", Text("", "a", "\t\n\r\r\n"), "", "<a>\t\n&#13;&#13;\n</a>"},
		{"white space in a value", New("", "a").Set("b", "\t\n\r '\""), "", `<a b='&#9;&#10;&#13; &apos;"'/>`},
		{"CDATA end", Text("", "a", "]]>"), "", `<a>]]&gt;</a>`},
		{"bad names", New("", "a").Add(New("", "b c"), New("", ""), New("", "1"), New("", "x:y"), New("", "é"), New("", "ok")), "", `<a><ok/></a>`},
		{"bad name outside", New("n", "a><b"), "", ``},
		{"bad attributes", &Element{Name: "a", Attrs: []Attr{{"", "xmlns", "x"}, {"", "xmlns:p", "x"}, {"", "b c", "x"}, {"n", "d", "x"},
			{NSXML, "lang", "fr"}, {NSXML, "lang", "de"}, {"", "lang", "en"}, {"", "lang", "es"}}}, "", `<a xml:lang='fr' lang='en'/>`},
		{"reserved namespaces", New("", "a").Add(New(NSXML, "b"), New(nsXMLNS, "c")), "", `<a/>`},
		{"odd namespace", New("a'b\n\r\t<&>\x00", "a"), "", "<a xmlns='a&apos;b\ufffd\ufffd\ufffd&lt;&amp;&gt;\ufffd'/>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(Append([]byte("^"), tt.e, tt.outer))
			if diff := cmp.Diff("^"+tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPrerender(t *testing.T) {
	e := Prerender(New("n", "a").Add(Text("n", "b", "x")))
	got := string(Append(nil, New(NSComponent, "message").Add(e), NSComponent))
	if want := `<message><a xmlns='n'><b>x</b></a></message>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// A namespace declared again is right wherever the element is put.
	if got, want := string(Append(nil, e, "n")), `<a xmlns='n'><b>x</b></a>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	e.AddText("more")
	if got, want := e.String(), `<a xmlns='n'><b>x</b>more</a>`; got != want {
		t.Errorf("after a change: got %s, want %s", got, want)
	}
	if Prerender(nil) != nil {
		t.Error("nothing prerendered is something")
	}
}

func TestAppendWithinLimits(t *testing.T) {
	deep := New("n", "x")
	for range 100_000 {
		deep = New("n", "x").Add(deep)
	}
	for i := range 200 {
		deep.Attrs = append(deep.Attrs, Attr{Name: "a" + strings.Repeat("b", i)})
	}
	e, err := Parse(Append(nil, deep, ""), "", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(e.Attrs) + 1; got != maxAttrs {
		t.Errorf("%d attributes", got)
	}
	depth := 0
	for ; e != nil; e = e.Child("n", "x") {
		depth++
	}
	if depth != maxDepth {
		t.Errorf("depth %d", depth)
	}
}

// names and texts that meet in a generated tree, so that they collide often.
var (
	genName  = rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_.-]{0,5}`)
	genSpace = rapid.SampledFrom([]string{"n", "m", "urn:x", NSComponent, NSAtom, NSStream, "a'&<b"})
	// Text as Parse would give it: legal and not empty.
	genText = rapid.Map(rapid.StringN(1, 30, -1), func(s string) string {
		s = strings.Map(func(r rune) rune {
			if !isChar(r) {
				return '?'
			}
			return r
		}, s)
		return s
	})
)

func genElement(depth int) *rapid.Generator[*Element] {
	return rapid.Custom(func(t *rapid.T) *Element {
		e := New(genSpace.Draw(t, "space"), genName.Draw(t, "name"))
		for range rapid.IntRange(0, 3).Draw(t, "attrs") {
			name := genName.Draw(t, "attr")
			if name != "xmlns" {
				e.Set(name, genText.Draw(t, "value"))
			}
		}
		if rapid.Bool().Draw(t, "lang") {
			e.SetLang(genText.Draw(t, "tag"))
		}
		wasText := false
		for range rapid.IntRange(0, 4).Draw(t, "nodes") {
			if depth > 0 && rapid.Bool().Draw(t, "element") {
				e.Add(genElement(depth-1).Draw(t, "child"))
				wasText = false
			} else if !wasText {
				e.AddText(genText.Draw(t, "text"))
				wasText = true
			}
		}
		return e
	})
}

func TestParseUndoesAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genElement(3).Draw(t, "element")
		outer := genSpace.Draw(t, "outer")
		b := Append(nil, e, outer)
		got, err := Parse(b, outer, Limits{})
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if diff := cmp.Diff(e, got, sameElement); diff != "" {
			t.Fatalf("%s\n%s", b, diff)
		}
	})
}

// wellFormed asks encoding/xml as well.
func wellFormed(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "a", "x:y", "xmlns", "xml", "\x00", "\xff", "]]>", "<!--", "<?x?>", "&#0;", "\r\n", "\ufffe", "'\"", NSXML, "é", "😀"} {
		f.Add(s, s, s)
		f.Add("a", s, "n")
		f.Add(s, "t", s)
	}
	f.Fuzz(func(t *testing.T, name, text, space string) {
		e := New(NSComponent, "message").Set("to", text).SetLang(text).AddText(text)
		e.Add(&Element{Space: space, Name: name, Attrs: []Attr{{"", name, text}, {space, name, text}, {NSXML, name, space}, {"", name, name}}})
		e.Add(Text(space, "x", text).Add(Text("", "y", text), Text(space, name, name)), New(text, text)).AddText(name)
		b := Append(nil, e, NSComponent)
		got, err := Parse(b, NSComponent, Limits{Name: 1 << 20})
		if err != nil {
			t.Fatalf("%v\n%q", err, b)
		}
		if err := wellFormed(b); err != nil {
			t.Fatalf("encoding/xml: %v\n%q", err, b)
		}
		if bytes.ContainsAny(b, "\x00\x01\x0b\x1b") || bytes.Contains(b, []byte("<!")) || bytes.Contains(b, []byte("<?")) {
			t.Fatalf("forbidden: %q", b)
		}
		if again := Append(nil, got, NSComponent); !bytes.Equal(again, b) {
			t.Fatalf("not stable:\n%q\n%q", b, again)
		}
	})
}

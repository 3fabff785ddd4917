package stanza

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const n = NSComponent
	tests := []struct {
		name, xml string
		want      *Element
	}{
		{"empty", `<iq/>`, New(n, "iq")},
		{"space around", " \n<iq \n/>\t", New(n, "iq")},
		{"attributes", `<iq a='1' b="it's" c = '"' xml:lang='fr'></iq >`, New(n, "iq").Set("a", "1").Set("b", "it's").Set("c", `"`).SetLang("fr")},
		{"references", `<a b='&lt;&amp;&#10;&#x1F600;'>&gt;&apos;&quot;&#65;&#x00041;</a>`, Text(n, "a", ">'\"AA").Set("b", "<&\n😀")},
		{"white space in values", "<a b='1\t2\n3\r\n4\r5'/>", New(n, "a").Set("b", "1 2 3 4 5")},
		{"ends of lines", "<a>1\r\n2\r3\n4&#13;</a>", Text(n, "a", "1\n2\n3\n4\r")},
		{"CDATA", `<a>x<![CDATA[<b>&amp;]]]]><![CDATA[>]]>y</a>`, Text(n, "a", "x<b>&amp;]]>y")},
		{"mixed", `<a>x<b/>y<c>z</c></a>`, New(n, "a").AddText("x").Add(New(n, "b")).AddText("y").Add(Text(n, "c", "z"))},
		{"default namespace", `<a><b xmlns='m'><c/></b><d xmlns=''/></a>`, New(n, "a").Add(New("m", "b").Add(New("m", "c")), New("", "d"))},
		{"prefixes", `<p:a xmlns:p='m' p:x='1' x='2'><p:b xmlns:p='o'/><p:c/><d/></p:a>`,
			(&Element{Space: "m", Name: "a", Attrs: []Attr{{"m", "x", "1"}, {"", "x", "2"}}}).Add(New("o", "b"), New("m", "c"), New(n, "d"))},
		{"prefix of the stream", `<stream:error><h:x/></stream:error>`, New(NSStream, "error").Add(New("urn:h", "x"))},
		{"names beyond ASCII", `<é·/>`, New(n, "é·")},
		{"legal oddities", "<a>\U0001fffe\u0085\x7f\ufdd0</a>", Text(n, "a", "\U0001fffe\u0085\x7f\ufdd0")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.xml), n, Limits{Prefixes: map[string]string{"h": "urn:h"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, sameElement); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]string{
		"nothing":                   ``,
		"text":                      `x`,
		"two elements":              `<a/><b/>`,
		"text after":                `<a/>x`,
		"no end":                    `<a><b></b>`,
		"other end":                 `<a></b>`,
		"longer end":                `<a></ab>`,
		"end under another prefix":  `<p:a xmlns:p='m' xmlns:q='m'></q:a>`,
		"comment":                   `<a><!-- x --></a>`,
		"processing instruction":    `<a><?x y?></a>`,
		"document type":             `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`,
		"document type inside":      `<a><!DOCTYPE b></a>`,
		"XML declaration":           `<?xml version='1.0'?><a/>`,
		"entity":                    `<a>&nbsp;</a>`,
		"bare ampersand":            `<a>x & y</a>`,
		"reference to nothing":      `<a>&#;</a>`,
		"reference to NUL":          `<a>&#0;</a>`,
		"reference to a control":    `<a>&#x1f;</a>`,
		"reference to a surrogate":  `<a>&#xD800;</a>`,
		"reference to U+FFFE":       `<a b='&#xFFFE;'/>`,
		"reference beyond Unicode":  `<a>&#x110000;</a>`,
		"reference that overflows":  `<a>&#99999999999999999999;</a>`,
		"hexadecimal digit":         `<a>&#1a;</a>`,
		"control":                   "<a>\x01</a>",
		"control in CDATA":          "<a><![CDATA[\x01]]></a>",
		"control in a value":        "<a b='\x01'/>",
		"U+FFFF":                    "<a>\uffff</a>",
		"invalid UTF-8":             "<a>\xff</a>",
		"surrogate in UTF-8":        "<a>\xed\xa0\x80</a>",
		"cut UTF-8":                 "<a>\xc3</a>",
		"CDATA end in text":         `<a>]]></a>`,
		"CDATA without end":         `<a><![CDATA[x</a>`,
		"CDATA in lower case":       `<a><![cdata[x]]></a>`,
		"< in a value":              `<a b='<'/>`,
		"no quotes":                 `<a b=c/>`,
		"no value":                  `<a b/>`,
		"value without end":         `<a b='c/>`,
		"attributes without gap":    `<a b='1'c='2'/>`,
		"attribute twice":           `<a b='1' b='2'/>`,
		"attribute twice, prefixed": `<a xmlns:p='m' xmlns:q='m' p:b='1' q:b='2'/>`,
		"declaration twice":         `<a xmlns='m' xmlns='m'/>`,
		"prefix twice":              `<a xmlns:p='m' xmlns:p='m'/>`,
		"unbound prefix":            `<p:a/>`,
		"unbound attribute prefix":  `<a p:b='1'/>`,
		"prefix out of scope":       `<a><b xmlns:p='m'/><p:c/></a>`,
		"prefix unbound again":      `<a xmlns:p=''/>`,
		"prefix xmlns":              `<a xmlns:xmlns='m'/>`,
		"prefix xml elsewhere":      `<a xmlns:xml='m'/>`,
		"xml under another prefix":  `<a xmlns:p='` + NSXML + `'/>`,
		"xml as default":            `<a xmlns='` + NSXML + `'/>`,
		"xmlns as default":          `<a xmlns='` + nsXMLNS + `'/>`,
		"two colons":                `<a:b:c xmlns:a='m'/>`,
		"empty prefix":              `<:a/>`,
		"empty local name":          `<p: xmlns:p='m'/>`,
		"digit first":               `<1a/>`,
		"mark first":                `<·a/>`,
		"space first":               `< a/>`,
		"times sign":                `<a×/>`,
		"slash in the middle":       `<a / >`,
	}
	for name, frame := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := Parse([]byte(frame), NSComponent, Limits{})
			if !errors.Is(err, ErrSyntax) {
				t.Errorf("got %v, %v", e, err)
			}
		})
	}
}

func TestParseLimits(t *testing.T) {
	many := func(n int, s string) string { return strings.Repeat(s, n) }
	attrs := func(n int) string {
		s := "<a"
		for i := range n {
			s += " " + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + "=''"
		}
		return s + "/>"
	}
	lim := Limits{Depth: 5, Attrs: 40, Children: 6, Elements: 12, Name: 10}
	tests := []struct {
		name, fits, over string
	}{
		{"depth", many(5, "<a>") + many(5, "</a>"), many(6, "<a>") + many(6, "</a>")},
		{"attributes", attrs(40), attrs(41)},
		{"children", "<a>" + many(6, "<b/>") + "</a>", "<a>" + many(7, "<b/>") + "</a>"},
		{"children, text counted", "<a>" + many(3, "x<b/>") + "</a>", "<a>" + many(3, "x<b/>") + "x<b/></a>"},
		{"elements", "<a><b>" + many(5, "<c/>") + "</b>" + many(5, "<c/>") + "</a>", "<a><b>" + many(6, "<c/>") + "</b>" + many(5, "<c/>") + "</a>"},
		{"name", "<" + many(10, "a") + "/>", "<" + many(11, "a") + "/>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse([]byte(tt.fits), "", lim); err != nil {
				t.Errorf("within the limit: %v", err)
			}
			if _, err := Parse([]byte(tt.over), "", lim); !errors.Is(err, ErrLimit) {
				t.Errorf("over the limit: %v", err)
			}
		})
	}
	deep := []byte(many(1_000_000, "<a>"))
	if _, err := Parse(deep, "", Limits{}); !errors.Is(err, ErrLimit) {
		t.Errorf("a million deep: %v", err)
	}
}

func TestParseStart(t *testing.T) {
	e, err := ParseStart([]byte(`<iq from='a' xmlns='m'><broken`), NSComponent, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(New("m", "iq").Set("from", "a"), e, sameElement); diff != "" {
		t.Error(diff)
	}
	if _, err := ParseStart([]byte(`<iq from='a`), NSComponent, Limits{}); !errors.Is(err, ErrSyntax) {
		t.Errorf("cut start tag: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`<a/>`, `<a b='&#65;'>x<![CDATA[<]]></a>`, `<p:a xmlns:p='m' p:b=''/>`, `<a xmlns='m'><b xmlns=''/></a>`,
		`<é/>`, "<a>\r\n&#13;</a>", `<a xml:lang='x'/>`, `<!DOCTYPE a><a/>`, `<a>]]></a>`, string(event(1)),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		start, startErr := ParseStart(frame, NSComponent, Limits{})
		e, err := Parse(frame, NSComponent, Limits{})
		if err != nil {
			if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		if startErr != nil || start.Name != e.Name || start.Space != e.Space {
			t.Fatalf("start tag read as %v, %v", start, startErr)
		}
		// encoding/xml is lenient: what it refuses we must refuse too, but for
		// names that only the fifth edition of XML has.
		if err := wellFormed(frame); err != nil && !strings.Contains(err.Error(), "invalid XML name") {
			t.Fatalf("encoding/xml: %v\n%q", err, frame)
		}
		b := Append(nil, e, NSComponent)
		if len(b) == 0 {
			return // a name or namespace that is never written
		}
		again, err := Parse(b, NSComponent, Limits{})
		if err != nil {
			t.Fatalf("%v\n%q\n%q", err, frame, b)
		}
		if c := Append(nil, again, NSComponent); !bytes.Equal(b, c) {
			t.Fatalf("not stable:\n%q\n%q", b, c)
		}
	})
}

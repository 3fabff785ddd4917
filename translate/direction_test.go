package translate

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"isthmus/ap/as2"
)

func TestBalanced(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                         "plain",
		"a\u202eb":                      "a\u202eb\u202c",
		"a\u202eb\u202cc":               "a\u202eb\u202cc",
		"a\u2067b":                      "a\u2067b\u2069",
		"a\u2067b\u202ec\u2069d":        "a\u2067b\u202ec\u202c\u2069d",
		"a\u202cb\u2069c":               "abc",
		"a\u202eb\nc":                   "a\u202eb\u202c\nc",
		"a\u202eb\u2069c":               "a\u202ebc\u202c",
		strings.Repeat("\u202e", 101):   strings.Repeat("\u202e", 100) + strings.Repeat("\u202c", 100),
		"\u200fmarks are \u061cno harm": "\u200fmarks are \u061cno harm",
	} {
		if got := Balanced(in); got != want {
			t.Errorf("%+q: %+q, want %+q", in, got, want)
		}
	}
	if got := ShownName(" Eve\u202e\u2066 \u2069Adam ", 50); got != "Eve Adam" {
		t.Errorf("name: %+q", got)
	}
	if got := Isolated("أمل"); got != "\u2068أمل\u2069" {
		t.Errorf("isolated: %+q", got)
	}
	if got := Isolated("Zoë 漢"); got != "Zoë 漢" {
		t.Errorf("not isolated: %+q", got)
	}
}

// closed tells whether a text leaves the direction as it found it, line by line.
func closed(s string) bool {
	for line := range strings.SplitSeq(s, "\n") {
		var open []rune
		for _, r := range line {
			switch {
			case strings.ContainsRune(openEmbedding, r):
				open = append(open, endEmbedding)
			case strings.ContainsRune(openIsolate, r):
				open = append(open, endIsolate)
			case r == endEmbedding || r == endIsolate:
				if len(open) == 0 || open[len(open)-1] != r {
					return false
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			return false
		}
	}
	return true
}

// Whatever characters a post has in its texts, nothing of it turns around what
// stands behind it, wherever it is shown.
func TestDirectionsEnd(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab א\n"+directions)), 0, 20, -1)
	rapid.Check(t, func(rt *rapid.T) {
		once := Balanced(text.Draw(rt, "text"))
		if !closed(once) || Balanced(once) != once {
			rt.Errorf("%+q is not balanced, or not the same again", once)
		}
		quote := func(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }
		o, err := as2.Parse([]byte(`{"id":"https://x.test/1","type":"Note","attributedTo":"https://x.test/a","to":"as:Public","content":` + quote("<p>x "+text.Draw(rt, "content")+"</p>") +
			`,"name":` + quote("t"+text.Draw(rt, "title")) + `,"summary":` + quote("w"+text.Draw(rt, "warning")) + `,"attachment":[{"type":"Image","url":"https://x.test/a.png","name":` + quote("a"+text.Draw(rt, "alt")) + `}]}`))
		if err != nil {
			rt.Fatal(err)
		}
		p, err := FromAS2(o, AS2Context{Owner: Actor{URI: "https://x.test/a", Name: PlainName(text.Draw(rt, "name"), 50)}})
		if err != nil {
			rt.Fatal(err)
		}
		shown := []string{p.Title, p.Warning, p.Text, p.Media[0].Alt, p.Owner.Name}
		for _, part := range ChatParts(p) {
			shown = append(shown, part.Body)
		}
		for _, s := range shown {
			if !closed(s) {
				rt.Errorf("%+q turns around what follows", s)
			}
		}
		if strings.ContainsAny(p.Owner.Name, directions) {
			rt.Errorf("name %+q", p.Owner.Name)
		}
	})
}

package translate

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"isthmus/xmpp/stanza"

	"golang.org/x/net/html"
)

// Every entry has a title, since Movim shows none without one, and a title is
// shown beside the content (rules 2, 3). Most posts of the fediverse have none:
// a short one stands in the title whole, a longer one begins in it. How a title
// was made is said in an element of our own, so that reading undoes it.
const (
	nsTitle     = "urn:xmpp:isthmus:title:0"
	titleBegins = "begins" // the element of a title that the content goes on from; join says how
	titleTaken  = "taken"  // the element of a title that stands in the content too
)

// How a title and the content are one text.
const (
	joinParagraph = "paragraph"
	joinLine      = "line"
	joinWord      = "word"
	joinNothing   = "nothing" // as word, without a space
	joinCut       = "cut"     // as word, with dots on both sides
)

const (
	longHeadline  = 200 // characters of a title that the content goes on from
	longExcerpt   = 80  // characters of a title that is taken from the content
	shortSentence = 30  // characters of a sentence that is not long enough for a title if more can follow
)

// headline is a title that is made of a text, and what is left of the text.
type headline struct {
	title string
	join  string // how the rest goes on; empty where there is no rest or the title is taken from it
	rest  string // an XHTML fragment
}

// brief makes a title of a text that fits into one whole: a line of plain
// words. Emphasis in it is not shown; where links lead is (Sanitize writes it).
func (w *atomWriter) brief() (headline, bool) {
	if w.text == "" || strings.Contains(w.text, "\n") || utf8.RuneCountInString(w.text) > shortTitle {
		return headline{}, false
	}
	return headline{title: withHosts(w.text, w.p.Mentions)}, true
}

// begin makes a title of the first line or sentence of a text, if that is plain
// words without links, which nobody could follow in a title.
func (w *atomWriter) begin() (headline, bool) {
	c := findCut(w.html)
	if c.join == "" {
		return headline{}, false
	}
	_, title := Sanitize(c.before)
	if title == "" || strings.Contains(title, "\n") || c.rest == "" {
		return headline{}, false
	}
	title = withHosts(title, w.p.Mentions)
	if c.join == joinCut {
		title += "…"
	}
	return headline{title, c.join, c.rest}, true
}

// excerpt makes a title of the first words of a text that stays whole.
func excerpt(text string) headline {
	line, _, _ := strings.Cut(text, "\n")
	if cut := cutRunes(line, longExcerpt); cut != line {
		if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
			cut = cut[:i]
		}
		line = cut
	}
	if i := strings.LastIndexByte(line, ' '); strings.Contains(line[i+1:], "://") {
		line += " " // else the dots would be part of the address
	}
	return headline{title: line + "…"}
}

// cutting is where a text is cut in two.
type cutting struct {
	join         string
	before, rest string // XHTML fragments
}

// cutter looks for the place.
type cutter struct {
	xhtml string
	at    int // of the token
	depth int // of elements inside the paragraph
	runes int // characters so far
	word  int // the last space that is in no element
	end   int // the end of the first sentence that is no mere word
	said  int // characters up to there
	last  rune
}

// findCut finds the end of the first line of a text, or where the first link in
// it begins; in a long line the end of a sentence or a word.
func findCut(xhtml string) cutting {
	c := cutter{xhtml: xhtml}
	z := html.NewTokenizer(strings.NewReader(xhtml))
	if z.Next() != html.StartTagToken || string(z.Raw()) != "<p>" {
		return cutting{}
	}
	for c.at = len("<p>"); c.runes <= longHeadline; c.at += len(z.Raw()) {
		token := z.Next()
		switch token {
		case html.ErrorToken:
			return cutting{}
		case html.TextToken:
			c.chars(z.Raw())
			continue
		case html.EndTagToken:
			if c.depth == 0 { // the paragraph's
				return c.cut(c.at, c.at+len(z.Raw()), joinParagraph)
			}
			c.depth--
			continue
		}
		raw := z.Raw()
		name, more := z.TagName()
		switch tag := string(name); {
		case tag == "br" && c.depth == 0:
			return c.cut(c.at, c.at+len(raw), joinLine)
		case tag == "br":
			return c.short()
		case tag == "a" && !namesSomebody(z, more):
			if c.depth > 0 || c.runes == 0 {
				return c.short()
			}
			return c.cut(c.at, c.at, joinWord)
		}
		if token == html.StartTagToken {
			c.depth++
		}
	}
	return c.short()
}

// namesSomebody tells whether a link is a mention or a hashtag, which say in
// words what they lead to.
func namesSomebody(z *html.Tokenizer, more bool) bool {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if string(key) == "class" {
			return bytes.Contains(value, []byte("mention")) || bytes.Contains(value, []byte("hashtag"))
		}
	}
	return false
}

// sentenceEnds are characters after which a sentence is over; behind the last
// three there is no space.
const sentenceEnds = ".!?…。！？"

// chars goes through text as it stands in XHTML.
func (c *cutter) chars(raw []byte) {
	for i := 0; i < len(raw) && c.runes <= longHeadline; c.runes++ {
		r, size := utf8.DecodeRune(raw[i:])
		if r == '&' { // a reference is one character
			size = bytes.IndexByte(raw[i:], ';') + 1
		}
		at := c.at + i
		switch {
		case c.depth > 0:
		case r == ' ' && c.runes > 0:
			c.word = at
			if strings.ContainsRune(sentenceEnds, c.last) {
				c.sentence(at)
			}
		case strings.ContainsRune("。！？", c.last):
			c.sentence(at)
		}
		c.last = r
		i += max(size, 1)
	}
}

// sentence notes the end of a sentence: of the first, or of more if that is short.
func (c *cutter) sentence(at int) {
	if c.said < shortSentence {
		c.end, c.said = at, c.runes
	}
}

// short cuts a line after a sentence, or at its last word.
func (c *cutter) short() cutting {
	if c.end > 0 {
		return c.cut(c.end, c.end, joinWord)
	}
	if c.word > 0 {
		return c.cut(c.word, c.word, joinCut)
	}
	return cutting{}
}

// cut takes the first paragraph apart.
func (c *cutter) cut(end, rest int, join string) cutting {
	out := cutting{join: join, before: c.xhtml[:end] + "</p>", rest: c.xhtml[rest:]}
	if join == joinWord && c.xhtml[end-1] != ' ' && c.xhtml[rest] != ' ' {
		out.join = joinNothing
	}
	switch join {
	case joinCut:
		out.rest = "<p>…" + strings.TrimLeft(out.rest, " ")
	case joinLine, joinWord:
		out.rest = "<p>" + strings.TrimLeft(out.rest, " ")
	}
	if strings.HasPrefix(out.rest, "<p></p>") { // a line end before the end of the paragraph
		out.rest, out.join = strings.TrimPrefix(out.rest, "<p></p>"), joinParagraph
	}
	return out
}

// joined is the text that a title begins.
func joined(title, join, rest string) string {
	start := "<p>" + escape(title)
	inside, ok := strings.CutPrefix(rest, "<p>")
	switch {
	case !ok || join == joinParagraph:
		return start + "</p>" + rest
	case join == joinNothing:
		return start + inside
	case join == joinLine:
		return start + "<br/>" + inside
	case join == joinCut:
		return "<p>" + escape(strings.TrimSuffix(title, "…")) + " " + strings.TrimPrefix(inside, "…")
	}
	return start + " " + inside
}

// withHosts writes mentions in a text whole, as there is no link on them.
func withHosts(text string, mentions []Mention) string {
	if len(mentions) == 0 || !strings.Contains(text, "@") {
		return text
	}
	var b strings.Builder
	from := 0
	for n := range names(text, ' ') {
		if n.kind != nameMention || strings.Contains(n.text, "@") {
			continue
		}
		i := slices.IndexFunc(mentions, func(m Mention) bool {
			user, _, _ := strings.Cut(m.Handle, "@")
			return m.Handle != "" && (strings.EqualFold("@"+n.text, m.Text) || strings.EqualFold(n.text, user))
		})
		if i >= 0 {
			b.WriteString(text[from:n.start] + "@" + mentions[i].Handle)
			from = n.end
		}
	}
	return b.String() + text[from:]
}

// BoostLine names the author of what is passed on: Movim reads it nowhere else,
// and takes the words for the booster's own (rule 8).
func BoostLine(a Actor) string {
	name, address := a.Name, a.JID
	if a.Handle != "" {
		address = "@" + a.Handle
	}
	if name == "" || address == "" || strings.EqualFold(name, strings.TrimPrefix(address, "@")) {
		return "🔁 " + cmp.Or(address, name, a.URI)
	}
	return "🔁 " + name + " (" + address + ")"
}

// readTitle undoes what the writer made of a text without title, if the entry
// says so. It returns the title and the fragment of the content as they were.
func readTitle(entry *stanza.Element, title, xhtml string) (string, string) {
	if entry.Child(nsTitle, titleTaken) != nil {
		return "", xhtml
	}
	if begins := entry.Child(nsTitle, titleBegins); begins != nil && title != "" {
		return "", joined(title, begins.Get("join"), xhtml)
	}
	return title, xhtml
}

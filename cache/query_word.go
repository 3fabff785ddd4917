package cache

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// phrase reads "a phrase", and "the beginning of o"*.
func (p *parser) phrase() (*clause, error) {
	start := p.pos
	body, ok := p.quoted()
	if !ok {
		glued := start > 0 && !unicode.IsSpace(lastRune(p.text[:start])) && p.text[start-1] != '(' && p.text[start-1] != '-'
		p.pos = start + 1
		if glued { // of a measure, as in 27"
			return nil, nil
		}
		return nil, p.wrong(start, "this quotation mark has no other", `write " where the phrase ends`)
	}
	return p.words(body), nil
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

// quoted reads what stands in quotation marks; \" and \\ in it are " and \.
func (p *parser) quoted() (string, bool) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			p.pos = i + 1
			return b.String(), true
		case c == '\\' && i+1 < len(p.text) && (p.text[i+1] == '"' || p.text[i+1] == '\\'):
			i++
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// Quote writes a value so that the search language takes it as it is.
func Quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// words makes a clause of text that stands before the current place, and reads
// the star after it.
func (p *parser) words(raw string) *clause {
	rest := p.text[p.pos:]
	bare := strings.TrimLeft(rest, "*")
	p.pos += len(rest) - len(bare)
	t := term{words: slices.DeleteFunc(words(Fold(raw)), isSign), prefix: bare != rest}
	if len(t.words) == 0 {
		return nil
	}
	if r, size := utf8.DecodeRuneInString(t.words[len(t.words)-1]); size == len(t.words[len(t.words)-1]) && alone(r) {
		t.prefix = false // no word goes on after such a character
	}
	return &clause{kind: wordClause, words: t}
}

// word reads a word, a hashtag, or an operator with its value.
func (p *parser) word() (*clause, error) {
	start := p.pos
	raw := p.bare()
	if raw == "" { // a star, or what ends words
		_, size := utf8.DecodeRuneInString(p.text[p.pos:])
		p.pos += size
		return nil, nil
	}
	if tag, ok := strings.CutPrefix(raw, "#"); ok && isTag(tag) {
		p.pos += len(raw)
		return p.term("tag", tag, start+1)
	}
	name, value, ok := strings.Cut(raw, ":")
	if ok && isName(name) && !strings.HasPrefix(value, "//") {
		if c, known, err := p.operator(name, start); known || err != nil {
			return c, err
		}
		p.pos = start
	}
	stem := strings.TrimRight(raw, "*")
	p.pos += len(stem)
	return p.words(stem), nil
}

// bare is the text from here to the end of the word. Parentheses that belong
// together are part of it.
func (p *parser) bare() string {
	rest, open := p.text[p.pos:], 0
	end := strings.IndexFunc(rest, func(r rune) bool {
		switch r {
		case '(':
			open++
		case ')':
			open--
		}
		return unicode.IsSpace(r) || r == '"' || open < 0 && p.group
	})
	if end < 0 {
		return rest
	}
	return rest[:end]
}

// isTag reports whether a hashtag can be called so; numbers are only numbers.
func isTag(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return (isWord(r) || r == '_') && strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsNumber(r) })
}

// isName reports whether an operator could be called so.
func isName(s string) bool {
	return s != "" && s[0] != '-' && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	}) < 0
}

// Nearest returns which of some names was probably meant, or "".
func Nearest(name string, among []string) string {
	name = strings.ToLower(name)
	best, distance := "", 1+min(2, len(name)/3)
	for _, n := range among {
		if d := edits(name, n); d < distance {
			best, distance = n, d
		}
	}
	return best
}

// edits is how many letters must be put in, taken out, changed or swapped with
// their neighbour to make b of a.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

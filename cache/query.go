package cache

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a search may be long.
const (
	maxQueryRunes = 1000
	maxQueryTerms = 32
)

// term is a word or a phrase that is searched for, folded.
type term struct {
	words  []string
	prefix bool // the last word is only the beginning of one
	not    bool
}

// parseQuery reads a search in our language: words are AND-ed, "a phrase",
// -without, prefix*. It takes every text; what it cannot use it leaves out.
func parseQuery(text string) []term {
	if utf8.RuneCountInString(text) > maxQueryRunes {
		text = string([]rune(text)[:maxQueryRunes])
	}
	var terms []term
	for len(terms) < maxQueryTerms {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		if text == "" {
			break
		}
		var t term
		if len(text) > 1 && text[0] == '-' && text[1] != '-' {
			t.not, text = true, text[1:]
		}
		var raw string
		raw, text = cutTerm(text)
		if strings.HasPrefix(text, "*") {
			t.prefix, text = true, strings.TrimLeft(text, "*")
		}
		if t.words = words(Fold(raw)); len(t.words) > 0 {
			terms = append(terms, t)
		}
	}
	return terms
}

// cutTerm takes a quoted phrase, which may lack its end, or a word. Quotation
// marks inside a word end it, and so do stars at its end.
func cutTerm(text string) (raw, rest string) {
	if body, ok := strings.CutPrefix(text, `"`); ok {
		raw, rest, _ = strings.Cut(body, `"`)
		return raw, rest
	}
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if end < 0 {
		end = len(text)
	}
	word := text[:end]
	bare := strings.TrimRight(word, "*")
	return bare, text[len(bare):]
}

// matchExpr writes the terms as an FTS5 expression. Words consist of letters
// and numbers and stand in quotation marks, so that nothing in them is syntax.
// neg is the expression of what must not match when there is nothing else.
func matchExpr(terms []term) (expr, neg string) {
	var with, without []string
	for _, t := range terms {
		q := `"` + strings.Join(t.words, " ") + `"`
		if t.prefix {
			q += "*"
		}
		if t.not {
			without = append(without, q)
		} else {
			with = append(with, q)
		}
	}
	expr, neg = strings.Join(with, " AND "), strings.Join(without, " OR ")
	if expr != "" && neg != "" {
		return "(" + expr + ") NOT (" + neg + ")", ""
	}
	return expr, neg
}

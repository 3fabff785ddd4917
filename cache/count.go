package cache

import (
	"errors"
	"fmt"
)

// Counted is how many posts a search finds.
type Counted struct {
	Posts  int
	More   bool // there are more, which were not counted
	Behind int  // posts that wait to be indexed, counted up to 1,000
}

// Count counts what Search finds on all its pages, up to most; 0: to the end.
// The order, the cursor and the limit of the search make no difference.
func (tx *Tx) Count(q SearchQuery, most int) (Counted, error) {
	c, err := tx.countSearch(q, most)
	if err != nil {
		var wrong *QueryError
		if !errors.As(err, &wrong) {
			err = fmt.Errorf("count: %w", err)
		}
		return Counted{}, err
	}
	return c, nil
}

func (tx *Tx) countSearch(q SearchQuery, most int) (c Counted, err error) {
	a, ok, err := q.read()
	if err != nil {
		return c, err
	}
	if _, err := a.q.keys(); err != nil {
		return c, err
	}
	if c.Behind, err = tx.behind(); err != nil || !ok {
		return c, err
	}
	a.q.Order, a.q.Cursor = nil, ""
	w, err := tx.newWalk(a.q, a.read, a.name)
	if err != nil || len(w.arms) == 0 {
		return c, err
	}
	query, args := w.counting(most)
	if c.Posts, err = tx.count(query, args...); err == nil && most > 0 && c.Posts > most {
		c.Posts, c.More = most, true
	}
	return c, err
}

// counting writes the SQL of the count up to one more than most, and its
// arguments.
func (w *walk) counting(most int) (string, []any) {
	query := w.newest(0)
	if a := w.arms[0]; w.textAlone() {
		query = "SELECT 1 FROM posts_fts WHERE " + a.cond + w.between(a.key, w.lo, w.hi)
	}
	if most > 0 {
		query += " LIMIT " + w.w.arg(most+1) + " + 0"
	}
	return "SELECT count(*) FROM (" + query + ")", w.arguments()
}

// textAlone reports whether the full-text index answers, without a look at the
// posts: they may all be seen, and nothing else is asked of them.
func (w *walk) textAlone() bool {
	q := w.w.q
	return len(w.arms) == 1 && w.arms[0].text && len(w.more) == 0 && q.All && q.Viewer.Operator && q.Within.Width == AnyWidth
}

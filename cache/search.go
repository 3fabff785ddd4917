package cache

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// SearchQuery is a search. Text is in the search language (docs/search.md);
// Filters narrow what it finds, and Order takes the place of its sort:.
type SearchQuery struct {
	Text    string
	Filters []Filter
	Order   []Order // none: newest first
	Viewer  Viewer
	All     bool      // for an Operator: private posts too
	Any     bool      // also authors who did not ask to be found (SEC-28)
	Cursor  string    // SearchResult.Cursor of the page before
	Limit   int       // 0: 20
	Now     time.Time // what 7d counts back from; zero: the clock's
	Within  Within
}

// Hit is a post that a search found.
type Hit struct {
	Stored
	Snippet string   // plain text around the match
	Marks   [][2]int // byte ranges of Snippet that matched
}

// SearchResult is a page of hits.
type SearchResult struct {
	Hits   []Hit
	Cursor string // for the next page; "": there is none
	Behind int    // posts that wait to be indexed, counted up to 1,000
}

// Search finds posts: public posts of authors who asked to be found or whom the
// viewer follows, the viewer's own, and what is not for everybody but for the
// viewer. Unlisted posts of others are not found, and boosts only if the text
// speaks of them. An Operator who asks for it finds everything. A wrong query is
// a *QueryError.
func (tx *Tx) Search(q SearchQuery) (SearchResult, error) {
	res, err := tx.search(q)
	if err != nil {
		var wrong *QueryError
		if !errors.As(err, &wrong) {
			err = fmt.Errorf("search: %w", err)
		}
		return SearchResult{}, err
	}
	return res, nil
}

// question is a search that was read and checked.
type question struct {
	q    SearchQuery
	read query
	name string // what its cursors belong to
}

// read reads a search; ok is false if there is nothing in it that could be found.
func (q SearchQuery) read() (a question, ok bool, err error) {
	if q.Now.IsZero() {
		q.Now = time.Now()
	}
	if a.read, err = parseQuery(q.Text, q.Now); err != nil {
		return a, false, err
	}
	if a.name, err = q.name(); err != nil {
		return a, false, err
	}
	if len(q.Order) == 0 {
		q.Order = a.read.order
	}
	if len(q.Order) > maxOrders || len(q.Filters) > maxFilters {
		return a, false, &QueryError{Problem: "there are too many filters or orders", Hint: fmt.Sprintf("at most %d and %d are taken", maxFilters, maxOrders)}
	}
	for _, f := range q.Filters {
		boosts, _ := f.boosts()
		a.read.boosts = a.read.boosts || boosts
	}
	a.q = q
	return a, a.read.root != nil || len(a.read.order) > 0 || strings.TrimSpace(q.Text) == "", nil
}

// walked finds a page of what was asked.
func (tx *Tx) walked(a question, limit int) ([]cursor, error) {
	w, err := tx.newWalk(a.q, a.read, a.name)
	if err != nil {
		return nil, err
	}
	return w.page(limit)
}

// behind counts the posts that wait to be indexed, up to 1,000.
func (tx *Tx) behind() (int, error) {
	return tx.count("SELECT count(*) FROM (SELECT 1 FROM posts WHERE indexed = 0 LIMIT 1000)")
}

func (tx *Tx) search(q SearchQuery) (res SearchResult, err error) {
	a, ok, err := q.read()
	if err != nil {
		return res, err
	}
	if res.Behind, err = tx.behind(); err != nil || !ok {
		return res, err
	}
	limit := min(limitOr(q.Limit, 20), 500)
	found, ok, err := tx.glance(a, limit+1)
	if err == nil && !ok {
		found, err = tx.walked(a, limit+1)
	}
	if err != nil {
		return res, err
	}
	if len(found) > limit {
		found = found[:limit]
		res.Cursor = found[limit-1].String()
	}
	terms := a.read.root.terms()
	for _, f := range found {
		s, err := one(tx, scanStored, "SELECT "+storedColumns+" FROM "+postsBodies+" WHERE p.id = ?", f.ID)
		if err != nil {
			return res, err
		}
		h := Hit{Stored: s}
		h.Snippet, h.Marks = snippet(s.Post, terms)
		res.Hits = append(res.Hits, h)
	}
	return res, nil
}

// personal is what viewers find for themselves alone: their own posts, what
// they may read of what is not for everybody, and whom they follow.
const personal = `(p.owner = ?1 OR (p.vis > 1 AND ?1 <> '')
	OR (p.vis = 0 AND EXISTS (SELECT 1 FROM follows WHERE follower = ?1 AND followee = p.owner AND state = 'accepted')))`

// scope is what may be found of what the viewer may see.
func (q SearchQuery) scope(boosts bool) string {
	scope := ""
	if !boosts {
		scope = " AND p.kind <> 'boost'"
	}
	switch {
	case q.All && q.Viewer.Operator:
		return scope
	case q.Any:
		return scope + " AND (p.vis = 0 OR " + personal + ")"
	}
	return scope + " AND ((p.vis = 0 AND " + indexable + ") OR " + personal + ")"
}

// keys returns the order of a search, checked.
func (q SearchQuery) keys() ([]Order, error) {
	for _, o := range q.Order {
		if _, err := o.key(); err != nil {
			return nil, err
		}
	}
	return q.Order, nil
}

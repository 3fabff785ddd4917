package cache

import (
	"errors"
	"fmt"
	"math"
	"slices"
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

func (tx *Tx) search(q SearchQuery) (res SearchResult, err error) {
	if q.Now.IsZero() {
		q.Now = time.Now()
	}
	read, err := parseQuery(q.Text, q.Now)
	if err != nil {
		return res, err
	}
	name, err := q.name()
	if err != nil {
		return res, err
	}
	if len(q.Order) == 0 {
		q.Order = read.order
	}
	if len(q.Order) > maxOrders || len(q.Filters) > maxFilters {
		return res, &QueryError{Problem: "there are too many filters or orders", Hint: fmt.Sprintf("at most %d and %d are taken", maxFilters, maxOrders)}
	}
	if res.Behind, err = tx.count("SELECT count(*) FROM (SELECT 1 FROM posts WHERE indexed = 0 LIMIT 1000)"); err != nil {
		return res, err
	}
	if read.root == nil && len(read.order) == 0 && strings.TrimSpace(q.Text) != "" {
		return res, nil // nothing in it that could be found
	}
	limit := min(limitOr(q.Limit, 20), 500)
	found, err := tx.places(q, read, name, limit+1)
	if err != nil {
		return res, err
	}
	if len(found) > limit {
		found = found[:limit]
		res.Cursor = found[limit-1].String()
	}
	terms := read.root.terms()
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

// places finds the posts of a page, as cursors that stand after each.
func (tx *Tx) places(q SearchQuery, read query, name string, limit int) ([]cursor, error) {
	v := q.Viewer
	v.Operator = v.Operator && q.All
	a, err := tx.audience(v)
	if err != nil {
		return nil, err
	}
	order, err := q.keys()
	if err != nil {
		return nil, err
	}
	w := &sqlWriter{tx: tx, q: q}
	p, err := w.newPlan(read.root, order)
	if err != nil || len(p.arms) == 0 {
		return nil, err
	}
	p.scope = a.sql + q.scope(read.boosts)
	sorted := !p.byID()
	var at cursor
	var values []any
	if q.Cursor != "" {
		n := 0
		if sorted {
			n = len(order)
		}
		if at, values, err = parseCursor(q.Cursor, name, n); err != nil {
			return nil, err
		}
	}
	if p.ranked && at.Top == 0 { // what comes later is not part of the walk
		if at.Top, err = one(tx, value[int64], "SELECT coalesce(max(id), 0) FROM posts"); err != nil {
			return nil, err
		}
	}
	query := p.newest(at.ID)
	if sorted {
		query = p.sorted(at, values)
	}
	query += " LIMIT " + w.arg(limit) + " + 0"
	scan := func(r row) (c cursor, err error) {
		vals := make([]any, len(order))
		dest := []any{&c.ID}
		for i := range vals {
			dest = append(dest, &vals[i])
		}
		if !sorted {
			dest = dest[:1]
		}
		if err = r.Scan(dest...); err != nil || !sorted {
			return c, err
		}
		for _, v := range vals {
			c.Keys = append(c.Keys, keyJSON(v))
		}
		return c, nil
	}
	list, err := all(tx, scan, query, append(slices.Clone(a.args), w.args...)...)
	for i := range list {
		list[i].Search, list[i].Top = name, at.Top
	}
	return list, err
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

// byID reports whether the order is that of the ids, which is walked.
func (p *plan) byID() bool {
	return !p.ranked && (len(p.order) == 0 || p.order[0].By == byPublished ||
		!slices.ContainsFunc(p.order, func(o Order) bool { return o.By != byRelevance }))
}

// ascending reports whether the ids are walked upwards.
func (p *plan) ascending() bool {
	return len(p.order) > 0 && p.order[0].By == byPublished && !p.order[0].Desc
}

// arm writes the walk of one arm.
func (p *plan) arm(a arm, columns string, lo, hi int64) string {
	cond := a.cond
	if lo > 0 {
		cond += fmt.Sprintf(" AND %s >= %s", a.key, p.w.arg(lo))
	}
	if hi != math.MaxInt64 {
		cond += fmt.Sprintf(" AND %s < %s", a.key, p.w.arg(hi))
	}
	if len(p.more) > 0 {
		cond += " AND " + strings.Join(p.more, " AND ")
	}
	from := a.from
	if strings.Contains(columns+cond, "b.parsed") {
		from += " CROSS JOIN bodies b ON b.post_id = p.id"
	}
	return "SELECT " + columns + " FROM " + from + " WHERE " + cond + " AND " + p.scope
}

// newest writes the search in the order of ids, after one.
func (p *plan) newest(id int64) string {
	lo, hi, d := p.lo, p.hi, " DESC"
	switch {
	case p.ascending():
		d = ""
		if id > 0 {
			lo = max(lo, id+1)
		}
	case id > 0:
		hi = min(hi, id)
	}
	if len(p.arms) == 1 {
		a := p.arms[0]
		return p.arm(a, a.key, lo, hi) + " ORDER BY " + a.key + d
	}
	var list []string
	for _, a := range p.arms {
		list = append(list, p.arm(a, a.key+" AS id", lo, hi))
	}
	return strings.Join(list, " UNION ") + " ORDER BY id" + d
}

// sorted writes the search in another order.
func (p *plan) sorted(at cursor, values []any) string {
	columns := []string{"p.id AS id"}
	for i, o := range p.order {
		key, _ := o.key() // it was checked
		if o.By == byRelevance {
			key = "0"
			if p.ranked { // a word in a title or a tag says more than in a text
				key = "-bm25(posts_fts, 4.0, 1.0, 1.0, 2.0, 3.0)"
			}
		}
		columns = append(columns, fmt.Sprintf("%s AS k%d", key, i))
	}
	hi := p.hi
	if p.ranked {
		hi = min(hi, at.Top+1)
	}
	var list []string
	for _, a := range p.arms {
		list = append(list, p.arm(a, strings.Join(columns, ", "), p.lo, hi))
	}
	from := strings.Join(list, " UNION ")
	if p.ranked {
		from += fmt.Sprintf(" ORDER BY %s DESC LIMIT %d", p.arms[0].key, rankWindow)
	}
	query := "SELECT * FROM (" + from + ")"
	if at.ID > 0 {
		query += " WHERE " + after(p.order, values, at.ID, p.w.arg)
	}
	return query + orderBy(p.order)
}

package cache

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// walk is a search that goes through its hits page by page.
type walk struct {
	plan
	tx     *Tx
	a      audience
	name   string
	at     cursor // the page comes after it
	values []any  // and its keys
}

// newWalk makes the walk of a search from its cursor on.
func (tx *Tx) newWalk(q SearchQuery, read query, name string) (w walk, err error) {
	v := q.Viewer
	v.Operator = v.Operator && q.All
	w = walk{tx: tx, name: name}
	if w.a, err = tx.audience(v); err != nil {
		return w, err
	}
	order, err := q.keys()
	if err != nil {
		return w, err
	}
	sql := &sqlWriter{tx: tx, q: q, boosts: read.boosts}
	if w.plan, err = sql.newPlan(read.root, order); err != nil {
		return w, err
	}
	w.scope = w.a.sql + q.scope(read.boosts) + q.Within.Width.sql()
	if q.Cursor != "" {
		if w.at, w.values, err = parseCursor(q.Cursor, name, w.keys()); err != nil {
			return w, err
		}
	}
	if w.ranked && w.at.Top == 0 { // what comes later is not part of the walk
		w.at.Top, err = one(tx, value[int64], "SELECT coalesce(max(id), 0) FROM posts")
	}
	return w, err
}

// keys is how many values a hit is ordered by, besides its id.
func (w *walk) keys() int {
	if w.byID() || w.ranked {
		return 0
	}
	return len(w.order)
}

// statement writes the SQL of the page, and its arguments.
func (w *walk) statement(limit int) (string, []any) {
	query := ""
	if w.byID() {
		query = w.newest(w.at.ID)
	} else {
		query = w.sorted(w.at, w.values)
	}
	query += " LIMIT " + w.w.arg(limit) + " + 0"
	if w.ranked {
		query += " OFFSET " + w.w.arg(w.at.Skip)
	}
	return query, w.arguments()
}

func (w *walk) arguments() []any { return append(slices.Clone(w.a.args), w.w.args...) }

// page finds the posts of the page, as cursors that stand after each.
func (w *walk) page(limit int) ([]cursor, error) {
	if len(w.arms) == 0 {
		return nil, nil
	}
	query, args := w.statement(limit)
	skip := w.at.Skip
	return all(w.tx, func(r row) (cursor, error) {
		skip++
		c := cursor{Search: w.name, Top: w.at.Top}
		var values []any
		if !w.byID() {
			values = make([]any, len(w.order))
		}
		dest := []any{&c.ID}
		for i := range values {
			dest = append(dest, &values[i])
		}
		err := r.Scan(dest...)
		if w.ranked {
			c.Skip = skip
			return c, err
		}
		for _, v := range values {
			c.Keys = append(c.Keys, keyJSON(v))
		}
		return c, err
	}, query, args...)
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
	cond := a.cond + p.between(a.key, lo, hi)
	if len(p.more) > 0 {
		cond += " AND " + strings.Join(p.more, " AND ")
	}
	from := a.from
	if strings.Contains(columns+cond, "b.parsed") {
		from += " CROSS JOIN bodies b ON b.post_id = p.id"
	}
	return "SELECT " + columns + " FROM " + from + " WHERE " + cond + " AND " + p.scope
}

// between narrows a condition to a range of ids.
func (p *plan) between(key string, lo, hi int64) (cond string) {
	if lo > 0 {
		cond += fmt.Sprintf(" AND %s >= %s", key, p.w.arg(lo))
	}
	if hi != math.MaxInt64 {
		cond += fmt.Sprintf(" AND %s < %s", key, p.w.arg(hi))
	}
	return cond
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

// dated reports whether all posts are walked by another of their dates, latest
// first, for which there is an index.
func (p *plan) dated() bool {
	return len(p.order) == 1 && p.order[0].Desc && (p.order[0].By == byUpdated || p.order[0].By == byReceived) &&
		len(p.arms) == 1 && p.arms[0] == everyPost
}

// byDate writes the search in the order of such a date, after a hit.
func (p *plan) byDate(at cursor, values []any) string {
	key, _ := p.order[0].key() // it was checked
	query := p.arm(p.arms[0], "p.id, "+key, p.lo, p.hi)
	if at.ID > 0 {
		query += fmt.Sprintf(" AND (%s, p.id) < (%s, %s)", key, p.w.arg(values[0]), p.w.arg(at.ID))
	}
	return query + fmt.Sprintf(" ORDER BY %s DESC, p.id DESC", key)
}

// sorted writes the search in another order.
func (p *plan) sorted(at cursor, values []any) string {
	if p.dated() {
		return p.byDate(at, values)
	}
	columns := []string{"p.id AS id"}
	for i, o := range p.order {
		key, _ := o.key() // it was checked
		if o.By == byRelevance {
			key = "0"
			if p.ranked { // a word in a title or a tag says more than in a text, an author's name less
				key = "-bm25(posts_fts, 4.0, 1.0, 1.0, 0.1, 3.0)"
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
	if at.ID > 0 && !p.ranked {
		query += " WHERE " + after(p.order, values, at.ID, p.w.arg)
	}
	return query + orderBy(p.order)
}

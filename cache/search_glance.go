package cache

import (
	"database/sql/driver"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"modernc.org/sqlite"

	"isthmus/translate"
)

// Beginnings of words with a few letters, as in b*, are in most posts, and the
// full-text index gathers all of these before it gives the newest. So the newest
// posts are looked at one by one first: where the beginning is frequent, they are
// soon enough. Where it is not, there is not much to gather.

const (
	shortPrefix = 3   // letters
	glanceStep  = 40  // posts that tell how frequent it is
	glanceMost  = 400 // posts, or so many times as are asked for
	glanceTimes = 4
)

// wide reports whether a clause asks for a beginning that may be of many words.
func (c *clause) wide() bool {
	if c == nil {
		return false
	}
	if c.kind == wordClause {
		return c.words.prefix && utf8.RuneCountInString(c.words.words[len(c.words.words)-1]) <= shortPrefix
	}
	return slices.ContainsFunc(c.list, (*clause).wide)
}

// narrow is what must hold besides wide clauses.
func (c *clause) narrow() *clause {
	switch {
	case !c.wide():
		return c
	case c.kind != andClause:
		return nil
	}
	return join(andClause, slices.DeleteFunc(slices.Clone(c.list), (*clause).wide))
}

// glance looks for a page among the newest posts. It is not ok if these do not
// tell.
func (tx *Tx) glance(a question, limit int) (found []cursor, ok bool, err error) {
	if !a.read.root.wide() || a.q.few() || !a.q.byDate() {
		return nil, false, nil
	}
	near, err := tx.newWalk(a.q, query{root: a.read.root.narrow(), boosts: a.read.boosts}, a.name)
	if err != nil {
		return nil, false, err
	}
	q, at := a.q, near.at.ID
	q.Cursor = ""
	most := max(glanceMost, glanceTimes*limit)
	for seen, step := 0, glanceStep; seen < most; {
		ids, err := near.rows(at, step)
		if err != nil {
			return nil, false, err
		}
		if len(ids) > 0 {
			q.Within.Posts = ids
			among, err := tx.newWalk(q, a.read, a.name)
			if err != nil {
				return nil, false, err
			}
			some, err := among.page(limit - len(found))
			if err != nil {
				return nil, false, err
			}
			found = append(found, some...)
		}
		if len(found) == limit || len(ids) < step {
			return found, true, nil
		}
		seen, at = seen+len(ids), ids[len(ids)-1]
		if len(found)*most < limit*seen { // they are too few
			break
		}
		step = min(max((limit-len(found))*seen/len(found)*5/4, glanceStep/2), most-seen)
	}
	return nil, false, nil
}

// rows are the next rows of the arms, whatever else must hold.
func (w *walk) rows(after int64, limit int) ([]int64, error) {
	if len(w.arms) == 0 {
		return nil, nil
	}
	bare, before := w.plan, len(w.w.args)
	bare.more, bare.scope = nil, "1"
	query := bare.newest(after) + " LIMIT " + w.w.arg(limit) + " + 0"
	ids, err := all(w.tx, value[int64], query, w.arguments()...)
	w.w.args = w.w.args[:before]
	return ids, err
}

// few reports whether the search is among posts that are given, which are looked
// at one by one.
func (q SearchQuery) few() bool { return q.Within.Posts != nil || q.Within.Fresh }

// byDate reports whether the order is that of the dates of publication.
func (q SearchQuery) byDate() bool {
	return !slices.ContainsFunc(q.Order, func(o Order) bool { return o.By == byRelevance }) &&
		(len(q.Order) == 0 || q.Order[0].By == byPublished)
}

// looked writes a wide clause as a condition on the text of a post itself: the
// index would gather all posts for each.
func (w *sqlWriter) looked(c *clause) (string, error) {
	switch c.kind {
	case wordClause:
		return "(p.indexed = 1 AND isthmus_begins(json(jsonb_remove(" + storedPost + ", '$.html')), " + w.arg(strings.Join(c.words.words, " ")) + "))", nil
	case notClause:
		cond, err := w.clause(c.list[0])
		return "NOT (" + cond + ")", err
	case orClause:
		return w.clauses(c.list, " OR ")
	}
	return w.clauses(c.list, " AND ")
}

// begins reports whether the index would find a post by words of which the last
// is the beginning of one.
func begins(p translate.Post, want []string) bool {
	for i, column := range said(p) {
		if i == authorColumn {
			continue
		}
		for _, text := range column {
			if textBegins(text, want) {
				return true
			}
		}
	}
	return false
}

func textBegins(text string, want []string) bool {
	last := len(want) - 1
	var before []string // as many words as stand before the last one
	for t := range tokens(text) {
		if strings.HasPrefix(t.word, want[last]) && slices.Equal(before, want[:last]) {
			return true
		}
		if last > 0 {
			before = append(before, t.word)[max(0, len(before)+1-last):]
		}
	}
	return false
}

func init() {
	sqlite.MustRegisterDeterministicScalarFunction("isthmus_begins", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, _ := args[0].(string)
		want, _ := args[1].(string)
		var f form
		if json.Unmarshal([]byte(text), &f, lenientText) != nil {
			return false, nil // it is not in the index either
		}
		if f.Author != nil {
			f.Post.Author = *f.Author
		}
		return begins(f.Post, strings.Fields(want)), nil
	})
}

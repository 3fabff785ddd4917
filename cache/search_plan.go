package cache

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"isthmus/translate"
)

// arm is one way into the posts: a table whose rows are walked in the order of
// the posts' ids, so that the newest are found without a look at the rest.
type arm struct {
	from string // tables, with posts as p
	key  string // the column that is the id of the post
	cond string
	size int  // how many rows there are about, if that is known
	text bool // it goes through the full-text index
}

// maxArms bounds the ways that one search goes at once.
const maxArms = 16

// smallArm is up to how many rows of a table are counted, to see whether it is
// the shortest way.
const smallArm = 2000

// placesArm is up to how many places are gathered; of more, some are soon met by
// who walks through all posts.
const placesArm = 10_000

// fewRows are so few that they are looked at one by one, rather than what several
// marks have in common.
const fewRows = 100

// idAt is the first id of a time.
func idAt(t time.Time) int64 {
	return min(max(t.UnixMilli(), 0), 1<<43-1) << idBits
}

// plan is how a search goes: the arms, the conditions that hold on all of them,
// and the order.
type plan struct {
	w      *sqlWriter
	arms   []arm
	more   []string // conditions
	lo, hi int64    // ids from and before, hi 0: open
	order  []Order
	ranked bool   // by relevance, over the newest matches
	scope  string // who may see, and what is found
}

// rankWindow is how many of the newest matches are ranked by relevance.
const rankWindow = 5000

// newPlan makes the plan of a search that has something to find.
func (w *sqlWriter) newPlan(root *clause, order []Order) (p plan, err error) {
	p = plan{w: w, order: order, hi: math.MaxInt64}
	var list []*clause
	if root != nil {
		list = []*clause{root}
		if root.kind == andClause {
			list = root.list
		}
	}
	list = p.bounds(w.q.Within.clauses(list))
	w.q.Within.bound(&p)
	for _, o := range order {
		p.ranked = p.ranked || o.By == byRelevance
	}
	rest, err := p.ways(list)
	if err != nil {
		return p, err
	}
	for _, c := range rest {
		cond, err := w.clause(c)
		if err != nil {
			return p, err
		}
		p.more = append(p.more, cond)
	}
	for _, f := range w.q.Filters {
		cond, err := w.filter(f)
		if err != nil {
			return p, asQueryError(f, err)
		}
		p.more = append(p.more, cond)
	}
	return p, nil
}

// bounds takes the dates out of what must hold: they are a range of ids.
func (p *plan) bounds(list []*clause) (rest []*clause) {
	for _, c := range list {
		switch {
		case c.kind == termClause && (c.op == opBefore || c.op == opAfter || c.op == opOn):
			if c.op != opBefore {
				p.lo = max(p.lo, idAt(c.date.from))
			}
			if c.op != opAfter {
				end := c.date.to
				if c.op == opBefore {
					end = c.date.from
				}
				p.hi = min(p.hi, idAt(end))
			}
		default:
			rest = append(rest, c)
		}
	}
	return rest
}

// ways chooses the arms and returns the clauses that they do not answer.
func (p *plan) ways(list []*clause) ([]*clause, error) {
	if p.w.q.Within.Fresh {
		p.arms, p.ranked = []arm{freshArm}, false
		return list, nil
	}
	if p.w.q.Within.Posts != nil {
		listed, err := p.w.q.Within.listed(p.w)
		p.arms, p.ranked = []arm{listed}, false
		return list, err
	}
	expr, rest := ftsOf(list)
	loose := expr
	if expr == "" {
		loose = supersetOf(list)
	}
	if p.ranked = p.ranked && loose != ""; p.ranked { // marks are no words, and have no rank
		p.arms = []arm{p.w.wordArm(join(andClause, list).named(loose))}
		return rest, nil
	}
	best, err := p.w.textArms(list, loose)
	if err != nil {
		return nil, err
	}
	least := smallArm
	for _, c := range list {
		if loose != "" && c.kind == wordClause {
			continue // the words together find no more than one of them
		}
		arms, err := p.w.arms(c)
		if err != nil {
			return nil, err
		}
		if arms == nil {
			continue
		}
		n, err := p.count(arms)
		if err != nil {
			return nil, err
		}
		enough := least
		if best != nil && (c.op == opFrom || c.op == opTag) { // which the text knows too
			enough = min(least, fewRows)
		}
		if best == nil || n < enough || len(list)+len(p.w.q.Filters) == 1 {
			best, least, rest = arms, n, list
		}
	}
	if best == nil {
		best = []arm{everyPost}
	}
	p.arms = best
	return rest, nil
}

// The ways through all posts, through those that are not in the index yet, and
// through those that never are.
var (
	everyPost  = arm{from: "posts p", key: "p.id", cond: "1"}
	waitingArm = arm{from: "posts p", key: "p.id", cond: "p.indexed = 0"}
	boostArm   = arm{from: "posts p", key: "p.id", cond: "p.kind = 'boost'"}
)

// textArms are the ways through the full-text index: by words, by marks, or by
// both; nil if there are none.
func (w *sqlWriter) textArms(list []*clause, words string) ([]arm, error) {
	marks, err := w.marksOf(list)
	if err != nil {
		return nil, err
	}
	switch {
	case words == "" && marks == "":
		return nil, nil
	case words == "":
		return []arm{w.wordArm(marks), waitingArm}, nil
	case marks == "":
		return []arm{w.wordArm(words)}, nil
	}
	return []arm{w.wordArm("(" + words + ") AND " + marks)}, nil
}

// supersetOf is an expression that whatever matches all clauses matches too, ""
// if there is none.
func supersetOf(list []*clause) string {
	var all []string
	for _, c := range list {
		if e := superset(c); e != "" {
			all = append(all, e)
		}
	}
	return strings.Join(all, " AND ")
}

func superset(c *clause) string {
	if e, ok := ftsExpr(c); ok {
		return e
	}
	switch c.kind {
	case andClause:
		if e := supersetOf(c.list); e != "" {
			return "(" + e + ")"
		}
	case orClause:
		var any []string
		for _, l := range c.list {
			e := superset(l)
			if e == "" {
				return ""
			}
			any = append(any, e)
		}
		return "(" + strings.Join(any, " OR ") + ")"
	}
	return ""
}

func (w *sqlWriter) wordArm(expr string) arm {
	return arm{
		from: "posts_fts CROSS JOIN posts p ON p.id = posts_fts.rowid", key: "posts_fts.rowid",
		cond: "posts_fts MATCH " + w.arg(expr), text: true,
	}
}

// arms are the ways to what a clause finds, nil if there are none. They may
// lead to more than that.
func (w *sqlWriter) arms(c *clause) ([]arm, error) {
	switch c.kind {
	case orClause:
		return w.orArms(c.list)
	case andClause:
		for _, l := range c.list {
			if arms, err := w.arms(l); arms != nil || err != nil {
				return arms, err
			}
		}
	case wordClause:
		e, _ := ftsExpr(c)
		return []arm{w.wordArm(e)}, nil
	case termClause:
		return w.termArms(c)
	}
	return nil, nil
}

func (w *sqlWriter) orArms(list []*clause) (arms []arm, err error) {
	for _, l := range list {
		more, err := w.arms(l)
		if more == nil || err != nil || len(arms)+len(more) > maxArms {
			return nil, err
		}
		arms = append(arms, more...)
	}
	return arms, nil
}

func (w *sqlWriter) termArms(c *clause) (arms []arm, err error) {
	switch c.op {
	case opTag:
		return []arm{{from: "tags t CROSS JOIN posts p ON p.id = t.post_id", key: "t.post_id", cond: "t.tag = " + w.arg(c.value)}}, nil
	case opFrom, opTo:
		who, err := w.tx.people(c.value, w.q.Viewer)
		if err != nil {
			return nil, err
		}
		return w.whoArms(c.op, who)
	case opIn:
		return w.nodeArms(readPlace(c.value))
	case opIs:
		if c.value == string(translate.KindBoost) {
			return []arm{boostArm}, nil
		}
	case opWhere:
		if _, only := c.where.boosts(); only {
			return []arm{boostArm}, nil
		}
	}
	return nil, nil
}

// nodeArms are the ways through nodes: one each if they are few, and all at once
// if little stands in them.
func (w *sqlWriter) nodeArms(l place) ([]arm, error) {
	var args []any
	cond := l.sql(func(v any) string {
		args = append(args, v)
		return "?" + strconv.Itoa(len(args))
	})
	ids, err := all(w.tx, value[int64], fmt.Sprintf("SELECT id FROM nodes n WHERE %s LIMIT %d", cond, maxArms), args...)
	if err != nil {
		return nil, err
	}
	if len(ids) > maxArms/2 {
		const within = "FROM nodes n CROSS JOIN placements t ON t.node_id = n.id AND t.retracted_at = 0 WHERE "
		n, err := w.tx.count(fmt.Sprintf("SELECT count(*) FROM (SELECT 1 %s%s LIMIT %d)", within, cond, placesArm), args...)
		if err != nil || n == placesArm {
			return nil, err
		}
		return []arm{{from: "posts p", key: "p.id", cond: "p.id IN (SELECT t.post_id " + within + l.sql(w.arg) + ")", size: n + 1}}, nil
	}
	arms := []arm{}
	for _, id := range ids {
		arms = append(arms, arm{
			from: "placements t CROSS JOIN posts p ON p.id = t.post_id", key: "t.post_id",
			cond: "t.retracted_at = 0 AND t.node_id = " + w.arg(id),
		})
	}
	return arms, nil
}

// count counts what arms lead to, up to smallArm.
func (p *plan) count(arms []arm) (int, error) {
	sum := 0
	for _, a := range arms {
		if sum >= smallArm {
			break
		}
		if a.size > 0 {
			sum += a.size
			continue
		}
		args := append([]any{"", ""}, p.w.args...)
		n, err := p.w.tx.count(fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s LIMIT %d)",
			strings.Replace(a.from, " CROSS JOIN posts p ON p.id = "+a.key, "", 1), a.cond, smallArm), args...)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return min(sum, smallArm), nil
}

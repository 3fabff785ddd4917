package cache

import (
	"errors"
	"slices"
	"time"
)

// Within narrows a search to a part of what there is, so that lists which are
// made of searches can be paged through by the posts in them.
type Within struct {
	After, Before int64  // numbers of posts, exclusive; 0: open
	Service, Node string // where the posts stand
	Owner         string // URI
	Tag           string
	Width         Width
	Posts         []int64 // one of these, unless nil
	Fresh         bool    // among the posts that wait to be compared with saved searches
}

// clauses adds what must hold besides the text.
func (x Within) clauses(list []*clause) []*clause {
	add := func(op operator, value string) {
		list = append(slices.Clip(list), &clause{kind: termClause, op: op, value: value})
	}
	if x.Node != "" {
		add(opIn, x.Service+"/"+x.Node)
	}
	if x.Owner != "" {
		add(opFrom, x.Owner)
	}
	if x.Tag != "" {
		add(opTag, foldTag(x.Tag))
	}
	return list
}

// listed is the way through the posts that are given.
func (x Within) listed(w *sqlWriter) (arm, error) {
	ids, err := toJSON(x.Posts)
	return arm{from: "json_each(" + w.arg(ids) + ") t CROSS JOIN posts p ON p.id = t.value", key: "p.id", cond: "1"}, err
}

// bound narrows a plan to the range of numbers.
func (x Within) bound(p *plan) {
	p.lo = max(p.lo, x.After+1)
	if x.Before > 0 {
		p.hi = min(p.hi, x.Before)
	}
}

// freshArm is the way through the posts that wait. Their text is in the index.
var freshArm = arm{
	from: "fresh_posts t CROSS JOIN posts p ON p.id = t.post_id", key: "t.post_id", cond: "p.indexed = 1",
}

// FirstID is the least number that a post of that time can have.
func FirstID(t time.Time) int64 { return idAt(t) }

// NodePosts returns a page of the posts that stand in a node that everybody can
// read.
func (tx *Tx) NodePosts(service, node string, v Viewer, p Page) ([]Stored, error) {
	id, err := tx.node(service, node)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.Width = PublicOrUnlisted
	more, args := p.sql(4)
	return tx.list(v, "placements l CROSS JOIN posts p ON p.id = l.post_id JOIN bodies b ON b.post_id = p.id",
		" AND l.node_id = ?3 AND l.retracted_at = 0"+more, append([]any{id}, args...)...)
}

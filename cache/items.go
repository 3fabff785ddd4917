package cache

import (
	"errors"
	"fmt"
)

// ItemQuery asks for items of a node. Cursors are item ids (XEP-0059).
type ItemQuery struct {
	Service, Node string
	Viewer        Viewer
	Width         Width
	Before, After string // item ids, exclusive; unknown or invisible: ErrNotFound
	Start         int    // with neither: how many to leave out from where the order begins
	Limit         int    // 0: 20; negative: none, count only
	Ascending     bool   // oldest first: After counts from the beginning; else newest first
	ByModified    bool   // order by last change instead of sort date
	Reacted       bool   // only items to which somebody reacted
	Count         bool   // fill Count of the answer
	Position      bool   // and Index, which costs as much again after a cursor
	// Known, if set, is asked about each item of the page, without its post: of
	// what is known the post is not read.
	Known func(Stored, Version) bool
}

// Version says which state of a post is meant. It changes with all that a post
// holds, and no two posts have the same.
type Version struct {
	post, rev, received int64
	digest              [16]byte
}

// ItemPage is a page of items.
type ItemPage struct {
	Items []Stored
	Count int // visible items of the node, if asked
	Index int // position of the first item of the page, in the order of the page; -1: not asked for
}

const itemTables = "placements l CROSS JOIN posts p ON p.id = l.post_id"

func scanItem(r row) (s Stored, err error) {
	var parsed []byte
	s.Item = new(Placement)
	l := s.Item
	err = r.Scan(&s.ID, when{&s.Received}, when{&s.Modified}, &parsed,
		&l.ItemID, &l.URI, &l.Publisher, &l.Life, &l.Via, when{&l.PlacedAt}, when{&l.RetractedAt})
	if err != nil {
		return s, err
	}
	return s, s.decode(parsed)
}

const (
	placeColumns = "l.item, l.uri, l.publisher, l.life, l.via, l.placed_at, l.retracted_at"
	itemColumns  = storedColumns + ", " + placeColumns
)

// nodeItems is a query for the visible live items of one node.
type nodeItems struct {
	tx    *Tx
	q     ItemQuery
	a     audience
	node  int64
	known bool
}

func (tx *Tx) nodeItems(q ItemQuery) (n nodeItems, err error) {
	n = nodeItems{tx: tx, q: q}
	if n.a, err = tx.audience(q.Viewer); err != nil {
		return n, err
	}
	n.node, err = tx.node(q.Service, q.Node)
	if errors.Is(err, ErrNotFound) { // an unknown node is an empty one
		return n, nil
	}
	n.known = err == nil
	return n, err
}

// where is the condition of the node with a further one, whose arguments start
// at ?4.
func (n nodeItems) where(more string, args ...any) (string, []any) {
	if n.q.Reacted {
		more = " AND EXISTS (SELECT 1 FROM reactions WHERE object = p.uri)" + more
	}
	return n.a.where(" AND l.node_id = ?3 AND l.retracted_at = 0"+n.q.Width.sql()+more, append([]any{n.node}, args...)...)
}

// key is where an item stands in the order.
type key struct{ modified, id int64 }

// cursor finds the place of an item id; one that the viewer may not see does
// not exist.
func (n nodeItems) cursor(item string) (key, error) {
	if !n.known {
		return key{}, ErrNotFound
	}
	where, args := n.where(" AND l.item = ?4", item)
	k, err := one(n.tx, func(r row) (k key, err error) {
		err = r.Scan(&k.modified, &k.id)
		return k, err
	}, "SELECT l.modified, p.id FROM "+itemTables+where, args...)
	if !n.q.ByModified {
		k.modified = 0
	}
	return k, err
}

// The ends of every order.
var (
	lowest  = key{0, 0}
	highest = key{1<<63 - 1, 1<<63 - 1}
)

// between is the condition to stand between two places, with arguments ?4 to
// ?7.
func (n nodeItems) between(after, before key) (string, []any) {
	if n.q.ByModified {
		return " AND (l.modified, l.post_id) > (?4, ?5) AND (l.modified, l.post_id) < (?6, ?7)",
			[]any{after.modified, after.id, before.modified, before.id}
	}
	return " AND l.post_id > ?5 AND l.post_id < ?7", []any{0, after.id, 0, before.id}
}

func (n nodeItems) order() string {
	d := descending(!n.q.Ascending)
	if n.q.ByModified {
		return fmt.Sprintf(" ORDER BY l.modified%s, l.post_id%s", d, d)
	}
	return " ORDER BY l.post_id" + d
}

func (n nodeItems) count(after, before key) (int, error) {
	cond, args := n.between(after, before)
	where, args := n.where(cond, args...)
	return n.tx.count("SELECT count(*) FROM "+itemTables+where, args...)
}

// groups are the live items of a node by all that the audience asks of those
// which are not boosts and are open: the counts of migration 9, as posts.
const groups = `(SELECT 0 AS id, owner, owner_host, nullif(author, '') AS author, author_host, vis, NULL AS boost, items
	FROM node_counts WHERE node_id = ?3 AND boosts = 0) p`

// countAll counts all items of the node. Where only open ones count, the
// audience is asked once for each owner, and for each boost.
func (n nodeItems) countAll() (int, error) {
	if n.q.Width == AnyWidth || n.q.Reacted {
		return n.count(lowest, highest)
	}
	where, args := n.a.where(n.q.Width.sql(), n.node)
	count, err := n.tx.count("SELECT coalesce(sum(items), 0) FROM "+groups+where, args...)
	if err != nil {
		return 0, err
	}
	boosts, err := n.tx.exists("SELECT 1 FROM node_counts WHERE node_id = ? AND boosts = 1", n.node)
	if err != nil || !boosts {
		return count, err
	}
	where, args = n.where(" AND p.boost IS NOT NULL")
	more, err := n.tx.count("SELECT count(*) FROM "+itemTables+where, args...)
	return count + more, err
}

// Items returns a page of the live items of a node that the viewer may see.
// Before and After may both be given. An unknown node is an empty one.
func (tx *Tx) Items(q ItemQuery) (ItemPage, error) {
	n, err := tx.nodeItems(q)
	if err != nil {
		return ItemPage{}, fmt.Errorf("items of %s: %w", q.Node, err)
	}
	after, before := lowest, highest
	if q.After != "" {
		if after, err = n.cursor(q.After); err != nil {
			return ItemPage{}, err
		}
	}
	if q.Before != "" {
		if before, err = n.cursor(q.Before); err != nil {
			return ItemPage{}, err
		}
	}
	page := ItemPage{Index: max(q.Start, 0)}
	if !n.known {
		return page, nil
	}
	if q.Limit >= 0 {
		if page.Items, err = n.page(after, before); err != nil {
			return ItemPage{}, fmt.Errorf("items of %s: %w", q.Node, err)
		}
	}
	if !q.Count {
		return page, nil
	}
	if err := n.position(&page, after, before); err != nil {
		return ItemPage{}, fmt.Errorf("count items of %s: %w", q.Node, err)
	}
	return page, nil
}

func (n nodeItems) page(after, before key) ([]Stored, error) {
	cond, args := n.between(after, before)
	where, args := n.where(cond+n.order()+" LIMIT ?8 + 0 OFFSET ?9", append(args, limitOr(n.q.Limit, 20), max(n.q.Start, 0))...)
	if n.q.Known != nil {
		return n.unknown(where, args)
	}
	items, err := all(n.tx, scanItem, "SELECT "+itemColumns+" FROM "+itemTables+
		" JOIN bodies b ON b.post_id = p.id"+where, args...)
	for i := range items {
		items[i].Item.Service, items[i].Item.Node = n.q.Service, n.q.Node
	}
	return items, err
}

// unknown reads a page, and of its posts those that are not known.
func (n nodeItems) unknown(where string, args []any) ([]Stored, error) {
	var versions []Version
	items, err := all(n.tx, func(r row) (Stored, error) {
		var v Version
		var digest []byte
		s := Stored{Item: &Placement{Service: n.q.Service, Node: n.q.Node}}
		l := s.Item
		err := r.Scan(&v.post, &v.rev, &v.received, &digest, when{&s.Modified},
			&l.ItemID, &l.URI, &l.Publisher, &l.Life, &l.Via, when{&l.PlacedAt}, when{&l.RetractedAt})
		s.ID, s.Received = v.post, moment(v.received)
		copy(v.digest[:], digest)
		versions = append(versions, v)
		return s, err
	}, "SELECT p.id, p.rev, p.received, p.hash, p.modified, "+placeColumns+" FROM "+itemTables+where, args...)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if n.q.Known(items[i], versions[i]) {
			continue
		}
		parsed, err := one(n.tx, value[[]byte], "SELECT json(parsed) FROM bodies WHERE post_id = ?", items[i].ID)
		if err == nil {
			err = items[i].decode(parsed)
		}
		if err != nil {
			return nil, err
		}
	}
	return items, nil
}

// position fills Count and Index: what comes before the page in its order.
func (n nodeItems) position(page *ItemPage, after, before key) error {
	var err error
	if page.Count, err = n.countAll(); err != nil {
		return err
	}
	skipped := 0
	switch {
	case !n.q.Position:
		if after != lowest || before != highest {
			page.Index = -1
		}
		return nil
	case n.q.Ascending && after != lowest:
		skipped, err = n.count(lowest, after)
		skipped++ // the cursor itself
	case !n.q.Ascending && before != highest:
		skipped, err = n.count(before, highest)
		skipped++
	}
	page.Index = skipped + max(n.q.Start, 0)
	return err
}

// ItemsByID returns the live items of a node with those ids that the viewer may
// see, in the order asked.
func (tx *Tx) ItemsByID(q ItemQuery, ids []string) ([]Stored, error) {
	n, err := tx.nodeItems(q)
	if err != nil || !n.known {
		return nil, err
	}
	var list []Stored
	where, args := n.where(" AND l.item = ?4", "")
	for _, id := range ids {
		args[len(args)-1] = id
		found, err := all(tx, scanItem, "SELECT "+itemColumns+" FROM "+itemTables+
			" JOIN bodies b ON b.post_id = p.id"+where, args...)
		if err != nil {
			return nil, fmt.Errorf("items of %s: %w", q.Node, err)
		}
		for _, s := range found {
			s.Item.Service, s.Item.Node = q.Service, q.Node
			list = append(list, s)
		}
	}
	return list, nil
}

// PostByItem returns the post that is live under an item id, if the viewer may
// see it.
func (tx *Tx) PostByItem(service, node, id string, v Viewer) (Stored, error) {
	return first(tx.ItemsByID(ItemQuery{Service: service, Node: node, Viewer: v}, []string{id}))
}

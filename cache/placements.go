package cache

import (
	"errors"
	"fmt"
	"time"
)

// Placement says where a post appears in XMPP.
type Placement struct {
	Service, Node, ItemID string
	URI                   string
	Publisher             string // bare JID
	Life                  int    // 1, and one more after each retract
	Via                   string // how it came to be there; free text of the gateway
	PlacedAt              time.Time
	RetractedAt           time.Time // zero while it is there
	TakenAt               time.Time // when a node of somebody else's last took it from us, zero if that is not known
}

const placementQuery = `SELECT n.service, n.name, l.item, l.uri, l.publisher, l.life, l.via, l.placed_at, l.retracted_at,
	l.taken_at FROM placements l JOIN nodes n ON n.id = l.node_id `

func scanPlacement(r row) (p Placement, err error) {
	err = r.Scan(&p.Service, &p.Node, &p.ItemID, &p.URI, &p.Publisher, &p.Life, &p.Via, when{&p.PlacedAt}, when{&p.RetractedAt}, when{&p.TakenAt})
	return p, err
}

// node returns the number of a node, or ErrNotFound.
func (tx *Tx) node(service, name string) (int64, error) {
	return one(tx, value[int64], "SELECT id FROM nodes WHERE service = ? AND name = ?", service, name)
}

func (tx *Tx) putNode(service, name string) (int64, error) {
	k := heldKey{heldNode, service + " " + name}
	if id, ok := tx.store.held.get(k); ok && !tx.maybeWritten(k) {
		return id.(int64), nil
	}
	id, err := tx.node(service, name)
	if errors.Is(err, ErrNotFound) {
		id, err = one(tx, value[int64], "INSERT INTO nodes (service, name) VALUES (?, ?) RETURNING id", service, name)
	}
	if err == nil {
		tx.made(k, id)
	}
	return id, err
}

// Place puts a post, which must be held, into a node. The item id of a post in
// a node is assigned once: if it has one, that is kept, and comes back to life
// if it was retracted. An item id that another post used gets the next life;
// one that another post uses is an ErrConflict.
func (tx *Tx) Place(p Placement) (Placement, error) {
	placed, err := tx.place(p)
	if err != nil {
		return Placement{}, fmt.Errorf("place %s in %s as %s: %w", p.URI, p.Node, p.ItemID, err)
	}
	return placed, nil
}

func (tx *Tx) place(p Placement) (Placement, error) {
	post, err := one(tx, value[int64], "SELECT id FROM posts WHERE uri = ?", p.URI)
	if err != nil {
		return p, err
	}
	node, err := tx.putNode(p.Service, p.Node)
	if err != nil {
		return p, err
	}
	mine, err := tx.PlacementIn(p.URI, p.Service, p.Node)
	if err == nil && mine.RetractedAt.IsZero() {
		return mine, nil
	}
	if err == nil {
		return tx.revive(mine, node, post, p.PlacedAt)
	}
	if !errors.Is(err, ErrNotFound) {
		return p, err
	}
	return tx.placeNew(node, post, p)
}

// placeNew puts a post under an item id that no other post lives under.
func (tx *Tx) placeNew(node, post int64, p Placement) (Placement, error) {
	last, err := one(tx, scanPlacement, placementQuery+"WHERE l.node_id = ? AND l.item = ? ORDER BY l.life DESC LIMIT 1",
		node, p.ItemID)
	switch {
	case errors.Is(err, ErrNotFound):
		p.Life = 1
	case err != nil:
		return p, err
	case last.RetractedAt.IsZero():
		return last, fmt.Errorf("%w: it is %s", ErrConflict, last.URI)
	default:
		p.Life = last.Life + 1
	}
	p.PlacedAt, p.RetractedAt = moment(millis(p.PlacedAt)), time.Time{}
	return p, tx.run(`INSERT INTO placements (node_id, item, life, uri, post_id, publisher, via, placed_at, modified, retracted_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
		node, p.ItemID, p.Life, p.URI, post, p.Publisher, p.Via, millis(p.PlacedAt), millis(p.PlacedAt))
}

// revive puts a post back under the item id that it had, unless that is in use.
func (tx *Tx) revive(mine Placement, node, post int64, at time.Time) (Placement, error) {
	last, err := tx.PlacementByItem(mine.Service, mine.Node, mine.ItemID)
	if err != nil {
		return mine, err
	}
	if last.Life != mine.Life {
		return last, fmt.Errorf("%w: it is %s by now", ErrConflict, last.URI)
	}
	mine.RetractedAt = time.Time{}
	return mine, tx.run(`UPDATE placements SET retracted_at = 0, post_id = ?, modified = ?
		WHERE node_id = ? AND item = ? AND life = ?`, post, millis(at), node, mine.ItemID, mine.Life)
}

// PlacementByItem returns the placement of the last life of an item, live or
// retracted.
func (tx *Tx) PlacementByItem(service, node, id string) (Placement, error) {
	return one(tx, scanPlacement, placementQuery+`WHERE n.service = ? AND n.name = ? AND l.item = ?
		ORDER BY l.life DESC LIMIT 1`, service, node, id)
}

// StampItem notes who put an item into its node, once that is known.
func (tx *Tx) StampItem(p Placement, publisher string) error {
	err := tx.run(`UPDATE placements SET publisher = ? WHERE item = ? AND life = ?
		AND node_id = (SELECT id FROM nodes WHERE service = ? AND name = ?)`, publisher, p.ItemID, p.Life, p.Service, p.Node)
	if err != nil {
		return fmt.Errorf("note who published %s in %s: %w", p.ItemID, p.Node, err)
	}
	return nil
}

// TakeItem notes when the node that an item was sent to took it.
func (tx *Tx) TakeItem(service, node, id string, at time.Time) error {
	err := tx.run(`UPDATE placements SET taken_at = ? WHERE item = ? AND retracted_at = 0
		AND node_id = (SELECT id FROM nodes WHERE service = ? AND name = ?)`, millis(at), id, service, node)
	if err != nil {
		return fmt.Errorf("note that %s took %s: %w", node, id, err)
	}
	return nil
}

// NextLife returns the life that an item would get if it were placed now as a
// new post. A live item is in the way of that: its own life is returned.
func (tx *Tx) NextLife(service, node, id string) (int, error) {
	p, err := tx.PlacementByItem(service, node, id)
	if errors.Is(err, ErrNotFound) {
		return 1, nil
	}
	if err == nil && !p.RetractedAt.IsZero() {
		p.Life++
	}
	return p.Life, err
}

// Placements returns where a post is and was, live or retracted.
func (tx *Tx) Placements(uri string) ([]Placement, error) {
	return all(tx, scanPlacement, placementQuery+"WHERE l.uri = ? ORDER BY l.placed_at, n.id, l.item", uri)
}

// PlacementIn returns where a post is in a node, the live placement first.
func (tx *Tx) PlacementIn(uri, service, node string) (Placement, error) {
	return one(tx, scanPlacement, placementQuery+`WHERE l.uri = ? AND n.service = ? AND n.name = ?
		ORDER BY l.retracted_at > 0, l.placed_at DESC LIMIT 1`, uri, service, node)
}

// RetractItem ends the life of an item and returns its placement. The post
// stays. ErrNotFound means that it is not live.
func (tx *Tx) RetractItem(service, node, id string, at time.Time) (Placement, error) {
	p, err := tx.PlacementByItem(service, node, id)
	if err == nil && !p.RetractedAt.IsZero() {
		err = ErrNotFound
	}
	if err == nil {
		p.RetractedAt = moment(max(millis(at), 1))
		err = tx.run(`UPDATE placements SET retracted_at = ? WHERE item = ? AND life = ?
			AND node_id = (SELECT id FROM nodes WHERE service = ? AND name = ?)`,
			millis(p.RetractedAt), id, p.Life, service, node)
	}
	if err != nil {
		return Placement{}, fmt.Errorf("retract %s from %s: %w", id, node, err)
	}
	return p, nil
}

// RetractAll ends the lives of all items of an owner on a service. Their posts
// stay.
func (tx *Tx) RetractAll(service, owner string, at time.Time) error {
	err := tx.run(`UPDATE placements SET retracted_at = ? WHERE retracted_at = 0
		AND node_id IN (SELECT id FROM nodes WHERE service = ?) AND post_id IN (SELECT id FROM posts WHERE owner = ?)`,
		max(millis(at), 1), service, owner)
	if err != nil {
		return fmt.Errorf("retract what %s has on %s: %w", owner, service, err)
	}
	return nil
}

// NodeItems returns a page of the live placements in a node in the order of
// item ids, to compare with what the node's service holds. after is the last id
// of the page before.
func (tx *Tx) NodeItems(service, node, after string, limit int) ([]Placement, error) {
	return all(tx, scanPlacement, placementQuery+`WHERE n.service = ? AND n.name = ? AND l.item > ? AND l.retracted_at = 0
		ORDER BY l.item LIMIT ? + 0`, service, node, after, limitOr(limit, 500))
}

// NodesOf returns the nodes of a service that hold live items.
func (tx *Tx) NodesOf(service string) ([]string, error) {
	return all(tx, value[string], `SELECT name FROM nodes n WHERE service = ?
		AND EXISTS (SELECT 1 FROM placements WHERE node_id = n.id AND retracted_at = 0) ORDER BY name`, service)
}

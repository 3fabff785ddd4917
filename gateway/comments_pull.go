package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// commentsMost is how many comments of a post a pull asks for.
const commentsMost = 50

// pullComments asks for the comments of an account's newest posts: after the
// link was down, and now and then, as nothing tells again of what was missed.
func (g *Gateway) pullComments(ctx context.Context, a cache.Account) {
	g.reached(ctx, a, func(r *cache.Reach) { r.Comments = g.now() })
	var roots []cache.Stored
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		page, err := tx.Items(cache.ItemQuery{Service: a.JID, Node: feedNode(a), Viewer: operator, Limit: pullMost})
		roots = page.Items
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			g.log.Error("look for posts with comments", "account", a.Acct, "error", err)
		}
		return
	}
	away := map[string]bool{} // services that do not answer
	for _, s := range roots {
		n := s.Post.Comments
		if n == nil || s.Post.Kind == translate.KindBoost || g.ours(stanza.JID(n.Service)) || away[n.Service] {
			continue
		}
		root, ok := g.commented(ctx, stanza.JID(n.Service), n.Name)
		if ok && root.ID == s.ID {
			away[n.Service] = !g.pullCommentsOf(ctx, root, *n)
		}
	}
}

// pullCommentsOf takes what is new in the comments of a post, and what is gone
// from them. It is false if the service does not answer.
func (g *Gateway) pullCommentsOf(ctx context.Context, root cache.Stored, n translate.Node) bool {
	started := g.now()
	items, v, _ := g.peruse(ctx, stanza.JID(n.Service), n.Name, xmpp.ItemsQuery{MaxItems: commentsMost})
	if v != readable || len(items) == 0 {
		return v != unproven
	}
	s := shelf{Node: n, held: byDate(items), asked: started, lain: lainInComments}
	var unproved []xmpp.Item
	for _, d := range s.held {
		at := translate.Item{Service: n.Service, Node: n.Name, ID: d.item.ID}
		unstamped, err := g.pulledComment(ctx, root, at, d, started)
		if err != nil && ctx.Err() == nil {
			g.log.Warn("comment not published", "service", n.Service, "item", d.item.ID, "error", err)
		}
		if unstamped {
			unproved = append(unproved, d.item)
		}
	}
	g.unprovedComments(ctx, root, n, unproved)
	var gone []string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if gone, err = s.missing(tx); err != nil {
			return err
		}
		hearts, err := s.missingHearts(tx)
		gone = append(gone, hearts...)
		return err
	})
	for _, id := range gone {
		g.log.Info("comment was retracted while nobody told us", "service", n.Service, "node", n.Name, "item", id)
		err = errors.Join(err, g.commentRetracted(ctx, translate.Item{Service: n.Service, Node: n.Name, ID: id}))
	}
	if err != nil && ctx.Err() == nil {
		g.log.Error("reconcile comments", "service", n.Service, "node", n.Name, "error", err)
	}
	return true
}

// publishMargin is more than a publish takes between its way out and its answer.
const publishMargin = time.Minute

// lainInComments is where comments stand in the order of their node: those from
// the fediverse since the node took them, if it is known that it did.
func lainInComments(_ *cache.Tx, p cache.Placement, s cache.Stored) (from, to time.Time, err error) {
	if s.Post.Origin == translate.OriginXMPP {
		return s.Modified, s.Modified, nil
	}
	if p.TakenAt.IsZero() {
		return from, to, nil
	}
	return p.TakenAt.Add(-publishMargin), p.TakenAt, nil
}

// pulledComment takes a comment as if its event had come, unless it is known or
// older than the link of who wrote it. It says of one that is not stamped that
// something has yet to prove whose it is.
func (g *Gateway) pulledComment(ctx context.Context, root cache.Stored, at translate.Item, d dated, asked time.Time) (unproved bool, err error) {
	if d.item.Payload == nil || d.changed.IsZero() {
		return false, nil // without a date there is no telling what is old
	}
	known, err := g.knowsComment(ctx, at, d, asked)
	if err != nil || known {
		return false, err
	}
	if d.item.Publisher == "" {
		return asked.Sub(d.changed) < heldLife, nil // or who was asked before would be asked for ever
	}
	account, ok := g.commenter(ctx, stanza.JID(at.Service), d.item)
	if !ok || d.date.Before(account.LinkedAt.Truncate(time.Second)) {
		return false, nil
	}
	return false, g.commentOn(ctx, account, root, remark{at: at, item: d.item})
}

// knowsComment tells whether an item of a comments node needs no further look:
// it is held as it is, it is from the fediverse, or it was taken back and an
// answer overtook that.
func (g *Gateway) knowsComment(ctx context.Context, at translate.Item, d dated, asked time.Time) (known bool, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		place, err := tx.PlacementByItem(at.Service, at.Node, at.ID)
		if errors.Is(err, cache.ErrNotFound) {
			_, err = tx.Meta(heartKey(at))
			known = err == nil
			return ignoreMissing(err)
		}
		if err != nil {
			return err
		}
		if !place.RetractedAt.IsZero() {
			known = place.RetractedAt.After(asked) || d.changed.Before(place.RetractedAt.Truncate(time.Second))
			return nil
		}
		stored, err := tx.PostByURI(place.URI, operator)
		if err != nil {
			known = true
			return ignoreMissing(err)
		}
		raw, _, err := tx.Raw(place.URI, operator)
		if ignoreMissing(err) != nil {
			return err
		}
		p, err := translate.FromAtom(d.item.Payload, at, stored.Post.Owner)
		known = err != nil || stored.Post.Origin != translate.OriginXMPP || stored.Modified.After(asked) || sameEntry(raw, d.item.Payload, p)
		return nil
	})
	return known, err
}

// shelf is a node as an answer shows it, to be compared with what is archived.
type shelf struct {
	translate.Node
	held  []dated
	asked time.Time
	// believed: the dates of items that are not known here count. Who may comment
	// may claim any.
	believed bool
	// lain says between which times an item was last changed in the node, zero if
	// that is not known: then it proves nothing, and is not missed.
	lain func(*cache.Tx, cache.Placement, cache.Stored) (from, to time.Time, err error)
}

// missing gives the items of a node that are archived and not held any more,
// while the node holds one that is older, in the order in which max_items drops
// them, which is that of their last change. What is older than all that are held
// was only dropped (design: deletes).
func (s shelf) missing(tx *cache.Tx) (gone []string, err error) {
	have, oldest, err := s.oldest(tx)
	if err != nil {
		return nil, err
	}
	err = eachPlaced(tx, s.Service, s.Name, func(p cache.Placement) error {
		if have[p.ItemID] || !p.PlacedAt.Before(s.asked) {
			return nil
		}
		stored, err := tx.PostByURI(p.URI, operator)
		if err != nil {
			return ignoreMissing(err)
		}
		from, to, err := s.lain(tx, p, stored)
		if err == nil && from.After(oldest) && to.Before(s.asked) {
			gone = append(gone, p.ItemID)
		}
		return err
	})
	return gone, err
}

// oldest is which items are held, and when the oldest of them was last changed.
func (s shelf) oldest(tx *cache.Tx) (have map[string]bool, oldest time.Time, err error) {
	have, oldest = map[string]bool{}, s.asked
	for _, h := range s.held {
		have[h.item.ID] = true
		last, err := s.lastChange(tx, h)
		if err != nil {
			return nil, oldest, err
		}
		if !last.IsZero() && last.Before(oldest) {
			oldest = last
		}
	}
	return have, oldest, nil
}

// missingHearts gives the ♥ that are not held any more, by the same rule.
func (s shelf) missingHearts(tx *cache.Tx) (gone []string, err error) {
	have, oldest, err := s.oldest(tx)
	if err != nil {
		return nil, err
	}
	prefix := heartKey(translate.Item{Service: s.Service, Node: s.Name})
	const page = 500
	for after := ""; ; {
		list, err := tx.MetaAfter(prefix, after, page)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			after = m.Key
			id := strings.TrimPrefix(m.Key, prefix)
			var mark heartMark
			if strings.Contains(id, " ") { // it may be of a node whose name goes on so
				continue
			}
			if have[id] || json.Unmarshal([]byte(m.Value), &mark) != nil || mark.Actor == "" {
				continue
			}
			r, err := tx.Reaction(mark.Actor, mark.Object, cache.Like, "")
			if ignoreMissing(err) != nil {
				return nil, err
			}
			if err == nil && r.CreatedAt.After(oldest) && r.CreatedAt.Before(s.asked) {
				gone = append(gone, id)
			}
		}
		if len(list) < page {
			return gone, nil
		}
	}
}

// lastChange is when an item that is held was last changed, or later than that.
func (s shelf) lastChange(tx *cache.Tx, h dated) (time.Time, error) {
	stored, err := tx.PostByItem(s.Service, s.Name, h.item.ID, operator)
	if err != nil {
		if !s.believed {
			return time.Time{}, ignoreMissing(err)
		}
		return h.changed, ignoreMissing(err)
	}
	place, err := tx.PlacementByItem(s.Service, s.Name, h.item.ID)
	if err != nil {
		return time.Time{}, err
	}
	_, last, err := s.lain(tx, place, stored)
	if s.believed && last.IsZero() {
		last = stored.Modified
	}
	if !last.IsZero() && h.changed.After(last) {
		last = h.changed
	}
	return last, err
}

package gateway

import (
	"context"
	"errors"
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
	held := byDate(items)
	for _, d := range held {
		at := translate.Item{Service: n.Service, Node: n.Name, ID: d.item.ID}
		if err := g.pulledComment(ctx, root, at, d, started); err != nil && ctx.Err() == nil {
			g.log.Warn("comment not published", "service", n.Service, "item", d.item.ID, "error", err)
		}
	}
	var gone []string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		gone, err = missing(tx, n, held, started, func(s cache.Stored) (bool, error) { return s.Post.Origin == translate.OriginXMPP, nil })
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

// pulledComment takes a comment as if its event had come, unless it is known or
// older than the link of who wrote it.
func (g *Gateway) pulledComment(ctx context.Context, root cache.Stored, at translate.Item, d dated, asked time.Time) error {
	if d.item.Payload == nil || d.changed.IsZero() {
		return nil // without a date there is no telling what is old
	}
	known, err := g.knowsComment(ctx, at, d, asked)
	if err != nil || known {
		return err
	}
	if d.item.Publisher == "" {
		if asked.Sub(d.changed) < heldLife { // or who was asked before would be asked for ever
			g.holdBack(ctx, root, at, d.item)
		}
		return nil
	}
	account, ok := g.commenter(ctx, stanza.JID(at.Service), d.item)
	if !ok || d.date.Before(account.LinkedAt.Truncate(time.Second)) {
		return nil
	}
	return g.commentOn(ctx, account, root, d.item, xmpp.Event{Service: stanza.JID(at.Service), Node: at.Node})
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

// missing gives the items of a node that are archived and not held any more,
// while the node holds one that is older, in the order in which max_items drops
// them, which is that of their last change. What is older than all that are held
// was only dropped (design: deletes).
func missing(tx *cache.Tx, n translate.Node, held []dated, asked time.Time, count func(cache.Stored) (bool, error)) (gone []string, err error) {
	have := map[string]bool{}
	oldest := asked
	for _, h := range held {
		have[h.item.ID] = true
		touched := h.changed
		stored, err := tx.PostByItem(n.Service, n.Name, h.item.ID, operator)
		if err == nil && stored.Modified.After(touched) {
			touched = stored.Modified
		} else if ignoreMissing(err) != nil {
			return nil, err
		}
		if !touched.IsZero() && touched.Before(oldest) {
			oldest = touched
		}
	}
	err = eachPlaced(tx, n.Service, n.Name, func(p cache.Placement) error {
		if have[p.ItemID] || !p.PlacedAt.Before(asked) {
			return nil
		}
		stored, err := tx.PostByURI(p.URI, operator)
		if err != nil {
			return ignoreMissing(err)
		}
		if counts, err := count(stored); err != nil || !counts {
			return err
		}
		if stored.Modified.After(oldest) && stored.Modified.Before(asked) {
			gone = append(gone, p.ItemID)
		}
		return nil
	})
	return gone, err
}

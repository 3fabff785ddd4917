package gateway

import (
	"context"
	"slices"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// pullMost is how many items a pull asks for, importMost how many an import.
const (
	pullMost   = 20
	importMost = 200
)

// pull asks a node for its newest items, takes what is new, and finds out what
// was retracted meanwhile (rung 4). When a timer made it, what it finds should
// have been told of before.
func (g *Gateway) pull(ctx context.Context, a cache.Account, timer bool) {
	started := g.now()
	s := g.look(ctx, a, xmpp.ItemsQuery{MaxItems: pullMost})
	mayCross := g.judge(ctx, a, s)
	if s.v == unproven {
		return
	}
	g.reached(ctx, a, func(r *cache.Reach) { r.Pull = started })
	if !mayCross {
		return
	}
	items := s.items
	if len(items) == 0 {
		g.askOwnerOfNode(ctx, a)
		return
	}
	g.answeredByItself(ctx, a)
	entries := byDate(items)
	silent := 0
	for _, e := range entries {
		change := g.seen(ctx, a, e.item, sighting{pulled: started, audience: s.audience()})
		if change != "" && change != cache.Same && e.date.Before(started.Add(-time.Minute)) {
			silent++
		}
	}
	if timer && silent > 0 && g.upSince(ctx).Before(a.Reach.Pull) {
		g.silent(ctx, a)
	}
	g.reconcile(ctx, a, entries, started)
	g.watchAll(ctx, a, items)
}

// silent notes that a pull found what nothing had told of: the subscription is
// accepted and dead, as with ejabberd's defaults for a component of its own.
func (g *Gateway) silent(ctx context.Context, a cache.Account) {
	g.log.Warn("the server accepts our subscription but does not notify; with ejabberd, set in mod_pubsub force_node_config: "+
		`"urn:xmpp:microblog:0": {presence_based_delivery: false, itemreply: publisher}`, "account", a.Acct, "rung", a.Reach.Rung)
	g.reached(ctx, a, func(r *cache.Reach) {
		r.Rung, r.Subscribe = rungPull, time.Time{}
		r.Error, r.ErrorAt = "your server does not tell of new posts; accept the gateway as a contact, or ask its operator", g.now()
	})
	g.befriend(ctx, a)
}

// upSince is when the link came up.
func (g *Gateway) upSince(ctx context.Context) time.Time {
	if at := g.noted(ctx, metaLinkUp); !at.IsZero() {
		return at
	}
	return g.now()
}

// dated is an item with the dates that its entry claims.
type dated struct {
	item    xmpp.Item
	date    time.Time // of publication
	changed time.Time // of the last change
}

// byDate sorts items by the dates of their entries, oldest first: servers answer
// in either order.
func byDate(items []xmpp.Item) []dated {
	out := make([]dated, len(items))
	for i, it := range items {
		out[i] = dated{item: it}
		if p, err := translate.FromAtom(it.Payload, translate.Item{ID: it.ID}, translate.Actor{}); err == nil {
			out[i].date, out[i].changed = p.Published, p.Published
			if p.Updated.After(p.Published) {
				out[i].changed = p.Updated
			}
		}
	}
	slices.SortStableFunc(out, func(a, b dated) int { return a.date.Compare(b.date) })
	return out
}

// reconcile finds retracts that nothing told of.
func (g *Gateway) reconcile(ctx context.Context, a cache.Account, held []dated, asked time.Time) {
	var gone []string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		gone, err = shelf{
			Node: translate.Node{Service: a.JID, Name: feedNode(a)}, held: held, asked: asked, believed: true,
			lain: func(tx *cache.Tx, _ cache.Placement, s cache.Stored) (from, to time.Time, err error) {
				owner, err := g.ownerIn(tx, a, s)
				if err != nil || owner.URI == "" {
					return from, to, err
				}
				return s.Modified, s.Modified, nil
			},
		}.missing(tx)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			g.log.Error("reconcile", "account", a.Acct, "error", err)
		}
		return
	}
	for _, id := range gone {
		g.log.Info("item was retracted while nobody told us", "account", a.Acct, "item", id)
		g.retracted(ctx, a, id)
	}
}

// eachPlaced calls fn for the live placements of a node.
func eachPlaced(tx *cache.Tx, service, node string, fn func(cache.Placement) error) error {
	const page = 500
	for after := ""; ; {
		list, err := tx.NodeItems(service, node, after, page)
		if err != nil {
			return err
		}
		for _, p := range list {
			after = p.ItemID
			if err := fn(p); err != nil {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// Import federates the posts of a node that are older than the link, as many as
// are asked for and held, oldest first (design: consent).
func (g *Gateway) Import(ctx context.Context, jid stanza.JID, node string, most int) (string, error) {
	a, err := g.joined(ctx, jid, node)
	if err != nil {
		return "", err
	}
	if a.State != cache.Linked {
		return "", fail(Forbidden, "first send: link")
	}
	s := g.look(ctx, a, xmpp.ItemsQuery{MaxItems: min(max(most, 1), importMost)})
	if s.audience() == "" {
		return "", because(Temporary, s.cause, "%s cannot be read by everybody now (%s)", shownNode(a), condition(s.cause))
	}
	n := 0
	for _, e := range byDate(s.items) {
		if g.seen(ctx, a, e.item, sighting{pulled: g.now(), audience: s.audience(), imported: true}) == cache.Created {
			n++
		}
	}
	if s.audience() == translate.Followers {
		return counted(n, "older post") + " sent to the followers you approved.", nil
	}
	if n == 0 {
		return "There are no older posts to publish.", nil
	}
	return counted(n, "older post") + " published on the fediverse.", nil
}

// Purge deletes on the fediverse what a node does not hold any more, however it
// went: what the owner of an emptied node may want.
func (g *Gateway) Purge(ctx context.Context, jid stanza.JID, node string) (string, error) {
	a, err := g.joined(ctx, jid, node)
	if err != nil {
		return "", err
	}
	match, err := g.leftOver(ctx, a)
	if err != nil {
		return "", err
	}
	n, err := g.retireNode(ctx, a, match)
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "There is nothing to delete: " + shownNode(a) + " still has all that is on the fediverse.", nil
	}
	return counted(n, "post") + " deleted on the fediverse.", nil
}

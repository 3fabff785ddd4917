package gateway

import (
	"context"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// Bounds of the boosts in a history. What they boost comes from its own origin
// (SEC-9), one after the other, and the next page waits the longer for it.
const (
	syncBoosts     = 40 // fetched for a page
	syncBoostPause = syncPause / 2
)

// takeBoosts stores the boosts of an outbox page and says how many were not known,
// and for how many something had to be fetched. Nobody is told of them.
func (g *Gateway) takeBoosts(ctx context.Context, a cache.Actor, items []*as2.Object) (fresh, fetched int) {
	for _, act := range items {
		if act.Type() != as2.TypeAnnounce || !as2.SameOrigin(act.ID, a.URI) || as2.FirstID(act.Actor) != a.URI || g.knows(ctx, act.ID) {
			continue
		}
		act, ok := ofPost(act)
		if !ok {
			continue
		}
		uri, err := g.about(ctx, act.Object)
		if err != nil {
			g.log.Info("boost of an outbox left out", "boost", act.ID, "error", err)
			continue
		}
		if !g.addr.IsLocalURL(uri) && !g.knows(ctx, uri) {
			if fetched == syncBoosts || ctx.Err() != nil {
				continue
			}
			fetched++
			address := uri
			if uri, err = g.fetchBoosted(ctx, address); err != nil {
				g.log.Info("boost of an outbox left out", "post", address, "error", err)
				continue
			}
		}
		p, err := g.boostOf(ctx, a, ofOne(act, uri))
		if err == nil {
			err = g.store.Update(ctx, func(tx *cache.Tx) error {
				return g.storeBoost(tx, activity{Object: act, actor: a, body: act.Raw, quiet: true}, p)
			})
		}
		if err != nil {
			g.log.Info("boost of an outbox left out", "boost", act.ID, "error", err)
			continue
		}
		if g.knows(ctx, act.ID) {
			fresh++
		}
	}
	return fresh, fetched
}

// fetchBoosted stores what a boost is of, as its origin serves it to everybody,
// and gives its id.
func (g *Gateway) fetchBoosted(ctx context.Context, address string) (string, error) {
	doc, owner, err := g.fetchPost(ctx, address)
	if ours := leadsToUs(err); ours != "" {
		uri, err := g.heldAt(ctx, ours)
		return uri, itemsError(err)
	}
	if err != nil {
		return "", err
	}
	return doc.Object.ID, g.take(ctx, taken{object: doc.Object, raw: doc.Body, owner: owner, wanted: true, quiet: true})
}

// boostOf reads a boost.
func (g *Gateway) boostOf(ctx context.Context, a cache.Actor, act *as2.Object) (translate.Post, error) {
	p, err := translate.FromAnnounce(act, translate.AS2Context{
		Owner: remoteActor(a), FollowersURL: a.Followers,
		IsActor: func(uri string) bool { return g.isActor(ctx, uri) },
	})
	if err != nil {
		return p, because(BadRequest, err, "the boost cannot be read")
	}
	return p, nil
}

package gateway

import (
	"context"
	"net/http"

	"isthmus/ap/as2"
	"isthmus/cache"
)

// unwrap looks into an Announce. What groups pass on are activities (FEP-1b12,
// V19): the Create of a post is a boost of it. All else has its effect here, if
// any, and is no boost.
func (g *Gateway) unwrap(ctx context.Context, a activity) (_ activity, boost bool, err error) {
	if len(a.Object.Object) == 0 {
		return a, false, nil
	}
	inner := a.Object.Object[0]
	if o, boost := ofPost(a.Object); boost {
		a.Object = o
		return a, true, nil
	}
	uri := as2.FirstID(inner.Object)
	if uri == "" || g.addr.IsLocalURL(uri) || !g.followed(ctx, a.actor.URI) {
		return a, false, nil
	}
	switch inner.Type() {
	case as2.TypeCreate:
		if !g.knows(ctx, uri) && g.knows(ctx, inner.Object[0].InReplyTo) {
			return a, false, g.takeRelayed(ctx, uri)
		}
	case as2.TypeUpdate:
		if g.knows(ctx, uri) {
			return a, false, g.takeRelayed(ctx, uri)
		}
	case as2.TypeDelete:
		return a, false, g.deleteRelayed(ctx, uri)
	}
	return a, false, nil // votes, for the most part
}

// ofPost is an Announce of a post, if it is one, or one of the Create of a post
// that answers no other.
func ofPost(announce *as2.Object) (*as2.Object, bool) {
	if len(announce.Object) == 0 {
		return announce, false
	}
	inner := announce.Object[0]
	if !inner.IsActivity() {
		return announce, true
	}
	if inner.Type() != as2.TypeCreate || as2.FirstID(inner.Object) == "" || inner.Object[0].InReplyTo != "" {
		return announce, false
	}
	return ofOne(announce, inner.Object[0].ID), true
}

// takeRelayed stores a post that a group passed on. The word of the group is not
// enough: it comes from its origin (SEC-9).
func (g *Gateway) takeRelayed(ctx context.Context, uri string) error {
	doc, owner, err := g.fetchPost(ctx, uri)
	if err != nil {
		return err
	}
	return g.take(ctx, taken{object: doc.Object, raw: doc.Body, owner: owner, wanted: true, relayed: true})
}

// deleteRelayed deletes a post of which a group says that it was deleted, if its
// origin says so too.
func (g *Gateway) deleteRelayed(ctx context.Context, uri string) error {
	if !g.knows(ctx, uri) || g.hostAllowed(ctx, uri) != nil {
		return nil
	}
	key, _, err := g.keys.instance(ctx, g.primary())
	if err != nil {
		return err
	}
	if _, err = g.client.GetObject(ctx, uri, key); !isStatus(err, http.StatusGone) {
		return nil
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(uri, operator)
		if err != nil {
			return ignoreMissing(err)
		}
		return g.remove(tx, stored, stored.Post.Owner.URI)
	})
}

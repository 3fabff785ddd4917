package gateway

import (
	"context"
	"net/http"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// readersMost is in how many names of users a post is asked for that the
// gateway's own actor is refused.
const readersMost = 3

// fetchPost reads an object from its origin, and its owner.
func (g *Gateway) fetchPost(ctx context.Context, uri string) (*ap.Document, cache.Actor, error) {
	doc, owner, _, err := g.fetchPostFor(ctx, uri, nil)
	return doc, owner, err
}

// fetchPostFor is fetchPost for what may not be for everybody: where the
// gateway's own actor is refused, users whom it may be for are asked in the name
// of, one after the other (design: audience). reader is who was let read it; it
// is to be kept for them.
func (g *Gateway) fetchPostFor(ctx context.Context, uri string, users []cache.Account) (doc *ap.Document, owner cache.Actor, reader cache.Account, err error) {
	doc, owner, reader, err = g.fetchOnce(ctx, uri, users)
	if err != nil || !doc.Object.IsActivity() {
		return doc, owner, reader, err
	}
	inner := as2.Addresses(doc.Object.Object) // of its Create, or a boost
	if len(inner) != 1 {
		return nil, owner, reader, fail(NotFound, "that is an activity, not a post")
	}
	doc, owner, reader, err = g.fetchOnce(ctx, inner[0], users)
	if err == nil && doc.Object.IsActivity() {
		err = fail(NotFound, "that is an activity, not a post")
	}
	return doc, owner, reader, err
}

// fetchOnce reads a post from its origin, and its owner, or an activity, which
// has none.
func (g *Gateway) fetchOnce(ctx context.Context, uri string, users []cache.Account) (doc *ap.Document, owner cache.Actor, reader cache.Account, err error) {
	if g.addr.IsLocalURL(uri) {
		return nil, owner, reader, because(NotFound, &ap.OursError{URL: uri}, "there is no such post")
	}
	if err := g.hostAllowed(ctx, uri); err != nil {
		return nil, owner, reader, err
	}
	key, _, err := g.keys.instance(ctx, g.primary())
	if err != nil {
		return nil, owner, reader, err
	}
	doc, err = g.client.GetObject(ctx, uri, key)
	for _, u := range users[:min(len(users), readersMost)] {
		if !isStatus(err, http.StatusUnauthorized) && !isStatus(err, http.StatusForbidden) && !isStatus(err, http.StatusNotFound) {
			break
		}
		if key, keyErr := g.keys.of(u); keyErr == nil {
			if doc, err = g.client.GetObject(ctx, uri, key); err == nil {
				reader = u
			}
		}
	}
	if err != nil {
		return nil, owner, reader, fetchError(err)
	}
	if reader.URI != "" && open((translate.Audience{To: doc.Object.To, Cc: doc.Object.Cc}).Visibility("", nil)) {
		// Its server keeps from us what it calls public: it is not ours to show.
		return nil, owner, reader, fail(NotFound, "the post is not for this gateway")
	}
	if err := g.hostAllowed(ctx, doc.Object.ID); err != nil { // where a page or a redirect led
		return nil, owner, reader, err
	}
	if doc.Object.IsActor() {
		return nil, owner, reader, fail(NotFound, "that is somebody's profile, not a post")
	}
	if doc.Object.IsActivity() {
		return doc, owner, reader, nil
	}
	for _, who := range doc.Object.AttributedTo {
		if as2.SameOrigin(who.ID, doc.Object.ID) {
			owner, err := g.remoteByURI(ctx, who.ID)
			return doc, owner, reader, err
		}
	}
	return nil, owner, reader, fail(NotFound, "the post has no author on its own server")
}

// readersOf are users whom a post that an activity names may be for: those that
// it was sent to, else some who follow the actor. Nobody has us ask a server that
// is not theirs in the name of a user.
func (g *Gateway) readersOf(ctx context.Context, a activity, uri string) []cache.Account {
	if hostname(uri) != hostname(a.actor.URI) {
		return nil
	}
	if to := g.localTargets(ctx, a.target, a.Object); len(to) > 0 {
		return to
	}
	var names []string
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		edges, err := tx.FollowersOf(a.actor.URI, cache.FollowAccepted, 0, readersMost)
		for _, e := range edges {
			names = append(names, e.Follower)
		}
		return err
	})
	if err != nil {
		return nil
	}
	return g.accountsNamed(ctx, names)
}

// accountsNamed are the accounts of ours among some actors.
func (g *Gateway) accountsNamed(ctx context.Context, uris []string) (out []cache.Account) {
	for _, uri := range uris {
		if a, err := g.accountByURI(ctx, uri); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// withAccount adds an account to a list, unless it is nobody or in it.
func withAccount(list []cache.Account, a cache.Account) []cache.Account {
	if a.URI == "" {
		return list
	}
	for _, known := range list {
		if known.URI == a.URI {
			return list
		}
	}
	return append(list, a)
}

package gateway

import (
	"context"
	"errors"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// receiveUpdate takes a changed post or profile.
func (g *Gateway) receiveUpdate(ctx context.Context, a activity) error {
	if as2.FirstID(a.Object.Object) == a.actor.URI {
		_, err := g.fetchActor(ctx, a.actor.URI) // what its origin says now, keys included (S12, SEC-24)
		return err
	}
	return g.receivePosts(ctx, a, true)
}

// receiveDelete removes a post of the actor who says so. One that is not known
// yet is remembered, in case its Create comes late (V6).
func (g *Gateway) receiveDelete(ctx context.Context, a activity) error {
	uri := as2.FirstID(a.Object.Object)
	if !as2.SameOrigin(uri, a.actor.URI) {
		return nil
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(uri, operator)
		if errors.Is(err, cache.ErrGone) {
			return nil
		}
		if errors.Is(err, cache.ErrNotFound) {
			return tx.RememberDelete(uri, a.actor.URI, g.now())
		}
		if err != nil {
			return err
		}
		if stored.Post.Owner.URI != a.actor.URI { // L8, SEC-12
			g.log.Info("delete refused", "rule", "L8", "post", uri, "actor", a.actor.URI)
			return nil
		}
		return g.remove(tx, stored, a.actor.URI)
	})
}

// remove deletes a post and queues what takes it away from everywhere.
func (g *Gateway) remove(tx *cache.Tx, stored cache.Stored, by string) error {
	if err := g.withdraw(tx, stored); err != nil {
		return err
	}
	messages, err := tx.MessagesByObject(stored.Post.URI)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Origin == translate.OriginXMPP {
			continue
		}
		if err := tx.Enqueue(g.messageJob(messageWork{URI: stored.Post.URI, User: m.User, Our: m.Our, Retract: m.ID})); err != nil {
			return err
		}
	}
	boosts, err := tx.Boosts(stored.Post.URI, operator, cache.Page{Limit: 1000})
	if err != nil {
		return err
	}
	for _, b := range boosts {
		if err := g.withdraw(tx, b); err != nil {
			return err
		}
	}
	if _, err = tx.DeletePost(stored.Post.URI, by, g.now()); err != nil {
		return err
	}
	return g.unwatch(tx, stored.Post)
}

// withdraw queues the retract of a post from every node that shows it.
func (g *Gateway) withdraw(tx *cache.Tx, stored cache.Stored) error {
	if err := g.forgetHits(tx, stored.ID); err != nil {
		return err
	}
	places, err := g.places(tx, stored)
	if err != nil {
		return err
	}
	jobs := []cache.Job{}
	if len(places) > 0 {
		jobs = append(jobs, g.notifyJob(notifyWork{URI: stored.Post.URI, Owner: stored.Post.Owner.URI, Retract: places}))
	}
	placements, err := tx.Placements(stored.Post.URI)
	if err != nil {
		return err
	}
	for _, p := range placements {
		if !p.RetractedAt.IsZero() || g.ours(stanza.JID(p.Service)) || g.addr.Component() != stanza.JID(p.Publisher).Domain() {
			continue
		}
		jobs = append(jobs, g.commentJob(commentWork{
			URI: stored.Post.URI, Publisher: p.Publisher, Retract: true,
			At: translate.Item{Service: p.Service, Node: p.Node, ID: p.ItemID},
		}))
	}
	return tx.Enqueue(jobs...)
}

// ours tells whether a JID is on the component.
func (g *Gateway) ours(jid stanza.JID) bool { return jid.Domain() == g.addr.Component() }

// receiveActorDelete removes an actor who left, with posts, reactions and follows. It is
// verified by the signature, or by the origin's 410 (V5).
func (g *Gateway) receiveActorDelete(ctx context.Context, uri string) error {
	for {
		more := false
		err := g.store.Update(ctx, func(tx *cache.Tx) error {
			posts, err := tx.Outbox(uri, operator, cache.Page{Limit: 200})
			if err != nil {
				return err
			}
			more = len(posts) == 200
			for _, p := range posts {
				if err := g.remove(tx, p, uri); err != nil {
					return err
				}
			}
			if more {
				return nil
			}
			if more, err = g.dropReactions(tx, uri); err != nil || more {
				return err
			}
			if _, err := tx.DropPictures(uri, ""); err != nil {
				return err
			}
			return g.endFollows(tx, uri, actorLeft)
		})
		if err != nil || !more {
			g.markGone(ctx, uri)
			return err
		}
	}
}

// dropReactions deletes some reactions of a remote actor, and says whether there
// may be more.
func (g *Gateway) dropReactions(tx *cache.Tx, uri string) (more bool, err error) {
	const most = 200
	actor, err := tx.ActorByURI(uri)
	if err != nil {
		return false, ignoreMissing(err)
	}
	list, err := tx.ReactionsOf(uri, most)
	for _, r := range list {
		if err == nil {
			err = g.dropReaction(tx, r, actor.JID)
		}
	}
	return len(list) == most, err
}

// endFollows removes all follows from and to a remote actor and tells its
// followers here why.
func (g *Gateway) endFollows(tx *cache.Tx, uri string, why ending) error {
	actor, err := tx.ActorByURI(uri)
	if errors.Is(err, cache.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	following, err := tx.FollowingOf(uri, "", 0, 100_000)
	if err != nil {
		return err
	}
	followers, err := tx.FollowersOf(uri, "", 0, 100_000)
	if err != nil {
		return err
	}
	for _, f := range append(following, followers...) {
		if _, err := tx.DeleteFollow(f.Follower, f.Followee); err != nil {
			return err
		}
		if f.Followee != uri {
			continue
		}
		account, err := tx.AccountByURI(f.Follower)
		if errors.Is(err, cache.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := tx.Enqueue(g.stateJob(account, actor, cache.FollowRejected, why)); err != nil {
			return err
		}
	}
	return nil
}

// receiveUndo takes back a Follow, a Like, a boost, a Block, or the Accept of a
// Follow of ours. What the store knows of the undone activity decides, not what
// the message says of it (L8). Of other kinds there is nothing here to take back.
func (g *Gateway) receiveUndo(ctx context.Context, a activity) error {
	if len(a.Object.Object) == 0 {
		return nil
	}
	inner := a.Object.Object[0]
	if inner.Type() == as2.TypeAccept { // the followed wants no more (BR-3)
		a.Object = inner
		return g.receiveDecision(ctx, a, cache.FollowRejected)
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		switch inner.Type() {
		case as2.TypeFollow:
			return g.undoFollow(tx, a, inner)
		case as2.TypeLike, as2.TypeEmojiReact:
			return g.undoReaction(tx, a, inner)
		case as2.TypeAnnounce:
			return g.undoBoost(tx, a, inner)
		case as2.TypeBlock:
			_, err := tx.DeleteBlock(a.actor.URI, as2.FirstID(inner.Object))
			return err
		case "": // its id alone (F3)
			if err := g.undoFollow(tx, a, inner); err != nil {
				return err
			}
			if err := g.undoReaction(tx, a, inner); err != nil {
				return err
			}
			return g.undoBoost(tx, a, inner)
		}
		return nil
	})
}

func (g *Gateway) undoFollow(tx *cache.Tx, a activity, inner *as2.Object) error {
	followee := as2.FirstID(inner.Object)
	if followee == "" {
		f, err := tx.FollowByActivity(inner.ID)
		if errors.Is(err, cache.ErrNotFound) || err == nil && f.Follower != a.actor.URI {
			return nil
		}
		if err != nil {
			return err
		}
		followee = f.Followee
	}
	had, err := tx.DeleteFollow(a.actor.URI, followee)
	if err != nil || !had {
		return err
	}
	account, err := tx.AccountByURI(followee)
	if err != nil || account.State != cache.Linked {
		return ignoreMissing(err)
	}
	return g.tell(tx, cache.News{User: account.JID, Kind: newsUnfollow, Actor: a.actor.URI})
}

func (g *Gateway) undoBoost(tx *cache.Tx, a activity, inner *as2.Object) error {
	boost, err := tx.PostByURI(inner.ID, operator)
	if object := g.namedPost(tx, inner.Object); errors.Is(err, cache.ErrNotFound) && object != "" {
		boost, err = tx.BoostBy(a.actor.URI, object)
	}
	if errors.Is(err, cache.ErrNotFound) {
		return g.undoneEarly(tx, a, inner)
	}
	if err != nil {
		return ignoreMissing(err)
	}
	if boost.Post.Kind != translate.KindBoost || boost.Post.Owner.URI != a.actor.URI {
		return nil
	}
	return g.remove(tx, boost, a.actor.URI)
}

// undoneEarly remembers an Undo that came before what it takes back: peers that
// try again do not keep their order. It binds only the signer's own.
func (g *Gateway) undoneEarly(tx *cache.Tx, a activity, inner *as2.Object) error {
	if !as2.SameOrigin(inner.ID, a.actor.URI) {
		return nil
	}
	return tx.RememberDelete(inner.ID, a.actor.URI, g.now())
}

// ignoreMissing drops the errors that say that there is nothing to do.
func ignoreMissing(err error) error {
	if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone) {
		return nil
	}
	return err
}

package gateway

import (
	"context"
	"errors"
	"fmt"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// followsMost is how many actors one account may follow.
const followsMost = 5000

// followActor has a user follow a remote actor: an edge that is pending until
// the Accept comes, and the Follow. Doing it twice changes nothing (F4).
func (g *Gateway) followActor(ctx context.Context, user stanza.JID, who cache.Actor) (cache.Follow, error) {
	account, err := g.ensureAccount(ctx, user)
	if err != nil {
		return cache.Follow{}, err
	}
	var f cache.Follow
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		if blocked, err := tx.Blocked("", who.URI); err != nil || blocked {
			return errOr(err, fail(Forbidden, "the operator of this gateway has blocked %s", handleOf(who)))
		}
		old, err := tx.Follow(account.URI, who.URI)
		if err == nil {
			f = old
			return nil
		}
		if !errors.Is(err, cache.ErrNotFound) {
			return err
		}
		if n, err := tx.CountFollowing(account.URI); err != nil || n >= followsMost {
			return errOr(err, fail(Busy, "you follow %d actors already, which is the most", followsMost))
		}
		id, err := g.newID()
		if err != nil {
			return err
		}
		now := g.now()
		f = cache.Follow{
			Follower: account.URI, Followee: who.URI, State: cache.FollowPending,
			ActivityID: g.addr.ActivityURL(g.hostOf(account), id), CreatedAt: now, UpdatedAt: now,
		}
		if err := tx.PutFollow(f); err != nil {
			return err
		}
		return g.sendTo(tx, account, who, *translate.Follow(f.ActivityID, account.URI, who.URI), who.URI)
	})
	if err != nil {
		return f, fmt.Errorf("follow %s: %w", handleOf(who), err)
	}
	return f, nil
}

// unfollowActor ends a follow, with an Undo of the Follow that began it (F3).
func (g *Gateway) unfollowActor(ctx context.Context, user stanza.JID, who cache.Actor) error {
	account, err := g.accountOf(ctx, user, "")
	if isKind(err, NotFound) {
		return notFollowing(who)
	}
	if err != nil {
		return err
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		f, err := tx.Follow(account.URI, who.URI)
		if errors.Is(err, cache.ErrNotFound) {
			return notFollowing(who)
		}
		if err != nil {
			return err
		}
		if _, err := tx.DeleteFollow(account.URI, who.URI); err != nil {
			return err
		}
		undo := translate.Undo("", translate.Follow(f.ActivityID, account.URI, who.URI))
		return g.sendTo(tx, account, who, *undo, who.URI)
	})
}

func notFollowing(who cache.Actor) error {
	return &Error{Kind: NotFound, Text: "you do not follow " + handleOf(who), PubSub: "not-subscribed"}
}

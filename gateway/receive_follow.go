package gateway

import (
	"context"
	"errors"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// receiveFollow lets a remote actor follow an account of ours. A Follow that
// comes again is answered again (F4).
func (g *Gateway) receiveFollow(ctx context.Context, a activity) error {
	target := as2.FirstID(a.Object.Object)
	account, err := g.accountByURI(ctx, target)
	if isKind(err, Temporary) {
		return err
	}
	if err != nil || account.State != cache.Linked {
		return g.answerFollow(ctx, target, a, false)
	}
	now := g.now()
	var state cache.FollowState
	isNew := false
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		if blocked, err := tx.Blocked(account.URI, a.actor.URI); err != nil || blocked {
			return errOr(err, fail(Forbidden, "blocked"))
		}
		old, err := tx.Follow(a.actor.URI, account.URI)
		isNew = errors.Is(err, cache.ErrNotFound)
		switch {
		case isNew:
			state = cache.FollowPending
			if !account.ManuallyApproves && account.FollowersOnly.IsZero() {
				state = cache.FollowAccepted
			}
		case err != nil:
			return err
		default:
			state = old.State
		}
		if err := tx.PutFollow(cache.Follow{
			Follower: a.actor.URI, Followee: account.URI, State: state, ActivityID: a.ID, Approved: old.Approved,
			CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if state == cache.FollowAccepted {
			if err := g.sendDecision(tx, account, a.actor, a.ID, true); err != nil {
				return err
			}
		}
		if isNew {
			n := cache.News{User: account.JID, Kind: newsFollow, Actor: a.actor.URI}
			if state == cache.FollowPending {
				n.Kind = newsAsk
			}
			return g.tell(tx, n)
		}
		return nil
	})
	if isKind(err, Forbidden) {
		return g.answerFollow(ctx, target, a, false)
	}
	if err == nil && state == cache.FollowPending {
		g.askOwner(ctx, account, a.actor)
	}
	return err
}

// askOwner has the owner of a locked account decide: the actor asks for their
// presence, and what they answer becomes the Accept or the Reject (xmpp.md 1.8).
// However often the actor asks, this is not passed on again at once (SEC-41).
func (g *Gateway) askOwner(ctx context.Context, account cache.Account, who cache.Actor) {
	key := "ask " + account.URI + " for " + who.URI
	if g.recent.failed(key) != nil {
		return
	}
	p := xmpp.Presence{Type: xmpp.Subscribe, Nick: who.Name, Status: handleOf(who) + " asks to follow you on the fediverse"}
	p.From, p.To = stanza.JID(who.JID), stanza.JID(account.JID)
	if err := g.link.Send(ctx, p.Element()); err != nil {
		g.log.Info("ask for approval", "account", account.Acct, "error", err)
		return
	}
	g.recent.note(key, errors.New("asked a moment ago"))
}

// answerFollow refuses a Follow of somebody who cannot be followed, if there
// ever was such an account; of others, and of one that hides, nothing is said
// (SEC-30).
func (g *Gateway) answerFollow(ctx context.Context, target string, a activity, accept bool) error {
	var account cache.Account
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		account, err = tx.AccountByURI(target)
		return err
	})
	if err != nil || account.PrivateKeyPEM == "" || account.State == cache.Paused {
		return nil
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		return g.sendDecision(tx, account, a.actor, a.ID, accept)
	})
}

// decide accepts or refuses a follower of an account.
func (g *Gateway) decide(ctx context.Context, account cache.Account, who cache.Actor, accept bool) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		f, err := tx.Follow(who.URI, account.URI)
		if errors.Is(err, cache.ErrNotFound) {
			return fail(NotFound, "%s did not ask to follow you", handleOf(who))
		}
		if err != nil {
			return err
		}
		if accept {
			f.State, f.Approved, f.UpdatedAt = cache.FollowAccepted, true, g.now()
			err = tx.PutFollow(f)
		} else {
			_, err = tx.DeleteFollow(who.URI, account.URI)
		}
		if err != nil {
			return err
		}
		return g.sendDecision(tx, account, who, f.ActivityID, accept)
	})
}

// sendDecision queues the Accept or the Reject of a Follow, which it embeds
// with all that a peer may compare (F2).
func (g *Gateway) sendDecision(tx *cache.Tx, account cache.Account, who cache.Actor, follow string, accept bool) error {
	kind := as2.TypeReject
	if accept {
		kind = as2.TypeAccept
	}
	return g.sendTo(tx, account, who, as2.Activity{
		Type: kind, To: []string{who.URI}, Cc: []string{},
		Object: as2.Activity{
			ID: follow, Type: as2.TypeFollow, Actor: who.URI, Object: account.URI, To: []string{account.URI}, Cc: []string{},
		},
	}, who.URI)
}

// receiveDecision takes the answer to a Follow of ours. Only the followed may
// give it (F7); a Reject after an Accept ends the follow (F6). Answers to other
// requests, such as GoToSocial's about replies and likes (V18), say nothing of it.
func (g *Gateway) receiveDecision(ctx context.Context, a activity, state cache.FollowState) error {
	if len(a.Object.Object) == 0 {
		return nil
	}
	follow := a.Object.Object[0]
	if t := follow.Type(); t != as2.TypeFollow && t != "" {
		return nil
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		f, err := tx.FollowByActivity(follow.ID)
		if errors.Is(err, cache.ErrNotFound) && as2.FirstID(follow.Actor) != "" {
			f, err = tx.Follow(as2.FirstID(follow.Actor), a.actor.URI)
		}
		if errors.Is(err, cache.ErrNotFound) || err == nil && f.Followee != a.actor.URI {
			return nil // F4: for a Follow that is not ours
		}
		if err != nil || f.State == state {
			return err
		}
		account, err := tx.AccountByURI(f.Follower)
		if errors.Is(err, cache.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		why := endedBy(f)
		f.State, f.Approved, f.UpdatedAt = state, state == cache.FollowAccepted, g.now()
		if state == cache.FollowRejected {
			_, err = tx.DeleteFollow(f.Follower, f.Followee)
		} else {
			err = tx.PutFollow(f)
		}
		if err != nil {
			return err
		}
		jobs := []cache.Job{g.stateJob(account, a.actor, state, why)}
		if state == cache.FollowAccepted {
			came, err := g.meanwhile(tx, f, account)
			if err != nil {
				return err
			}
			jobs = append(append(jobs, came...), g.backfillJob(a.actor.URI))
		}
		return tx.Enqueue(jobs...)
	})
}

// receiveBlock ends what there was between the two, and hides our user's posts
// from the one who blocked them (V12), also of a user who has paused. The blocked
// is not told.
func (g *Gateway) receiveBlock(ctx context.Context, a activity) error {
	account, err := g.store.Account(ctx, as2.FirstID(a.Object.Object))
	if err = accountError(account, err); err != nil && account.State != cache.Paused {
		return err
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		if _, err := tx.DeleteFollow(a.actor.URI, account.URI); err != nil {
			return err
		}
		ended, err := tx.Follow(account.URI, a.actor.URI)
		if ignoreMissing(err) != nil {
			return err
		}
		had, err := tx.DeleteFollow(account.URI, a.actor.URI)
		if err != nil {
			return err
		}
		if err := tx.PutBlock(cache.Block{Owner: a.actor.URI, Target: account.URI, Reason: "Block " + a.ID, CreatedAt: g.now()}); err != nil {
			return err
		}
		if had {
			return tx.Enqueue(g.stateJob(account, a.actor, cache.FollowRejected, endedBy(ended)))
		}
		return nil
	})
}

// handleOf names a remote actor by its handle, or by its id if it has none.
func handleOf(a cache.Actor) string {
	if a.Acct != "" {
		return a.Acct
	}
	return a.URI
}

// nameAndHandle names a remote actor for people.
func nameAndHandle(a cache.Actor) string {
	if a.Name == "" || a.Name == handleOf(a) {
		return handleOf(a)
	}
	if a.Acct == "" {
		return translate.Isolated(a.Name) + " (" + a.URI + ")"
	}
	return translate.Isolated(a.Name) + " (@" + a.Acct + ")"
}

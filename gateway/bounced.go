package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// What is sent to people who are not there any more comes back, and so does what is
// sent to servers that are not. Once proves little: somebody may restore a backup, or
// have forgotten to pay for a domain.
const (
	bounceEvery = 6 * time.Hour       // how often one is noted
	bounceLapse = 7 * 24 * time.Hour  // without one, they are there again
	bounceLife  = 30 * 24 * time.Hour // after which they are let go
)

// bounceMark is since when everything that one of our addresses sends somebody
// comes back.
type bounceMark struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// bouncePrefix is where the store keeps these, by our address and theirs.
const bouncePrefix = "bounced "

// bounced takes an error that a message or presence of ours has met.
func (g *Gateway) bounced(ctx context.Context, our, user stanza.JID, e *stanza.Error) {
	if e == nil || g.ours(user) {
		return
	}
	switch e.Condition {
	case "gone", "item-not-found", "remote-server-not-found":
	default: // others can mean that they are not online
		return
	}
	key, now := bouncePrefix+string(our.Bare())+" "+string(user), g.now()
	var m bounceMark
	fresh := false
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		text, err := tx.Meta(key)
		if err == nil {
			fresh = json.Unmarshal([]byte(text), &m) == nil && g.since(m.Last) < bounceEvery
			return nil
		}
		known, err2 := g.tiedTo(tx, our.Bare(), user)
		fresh = !known // strangers leave no mark
		return errors.Join(ignoreMissing(err), err2)
	})
	if err != nil || fresh {
		if err != nil && ctx.Err() == nil {
			g.log.Error("read what came back", "user", user.Bare(), "error", err)
		}
		return
	}
	if m.First.IsZero() || g.since(m.Last) > bounceLapse {
		m.First = now
	}
	m.Last = now
	err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetMeta(key, string(payload(m))) })
	if err != nil && ctx.Err() == nil {
		g.log.Error("note what came back", "user", user.Bare(), "error", err)
	}
}

// tiedTo tells whether we send somebody anything from one of our addresses of our
// own accord.
func (g *Gateway) tiedTo(tx *cache.Tx, our, user stanza.JID) (bool, error) {
	has, err := tx.HasContact(cache.Contact{Our: string(our), User: string(user.Bare())})
	if err != nil || has {
		return has, err
	}
	subs, err := tx.SubscriptionsOf(string(user), string(our))
	if err != nil || len(subs) > 0 {
		return len(subs) > 0, err
	}
	account, err := tx.AccountByJID(string(user.Bare()), "")
	if err != nil {
		return false, ignoreMissing(err)
	}
	who, err := tx.ActorByJID(string(our))
	if err == nil {
		_, err = tx.Follow(account.URI, who.URI)
	}
	return err == nil, ignoreMissing(err)
}

// letGo ends what ties us to people who were not there for long, and forgets the
// marks of those who are there again.
func (g *Gateway) letGo(ctx context.Context) error {
	for after, more := "", true; more; {
		var page []cache.MetaEntry
		err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
			page, err = tx.MetaAfter(bouncePrefix, after, 100)
			return err
		})
		if err != nil {
			return err
		}
		more = len(page) == 100
		for _, e := range page {
			after = e.Key
			var m bounceMark
			if json.Unmarshal([]byte(e.Value), &m) != nil {
				m = bounceMark{}
			}
			our, user, _ := strings.Cut(strings.TrimPrefix(e.Key, bouncePrefix), " ")
			lapsed := g.since(m.Last) > bounceLapse
			switch {
			case !lapsed && m.Last.Sub(m.First) < bounceLife:
				continue
			case !lapsed:
				err = g.untie(ctx, stanza.JID(our), stanza.JID(user))
			}
			if err == nil {
				err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.DeleteMeta(e.Key) })
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// untie ends the subscriptions and the follow of somebody who is not there.
func (g *Gateway) untie(ctx context.Context, our, user stanza.JID) error {
	g.log.Info("nobody was there for weeks: subscriptions end", "our", our, "user", user)
	var who cache.Actor
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		subs, err := tx.SubscriptionsOf(string(user), string(our))
		for _, s := range subs {
			if err == nil {
				_, err = tx.DeleteSubscription(s.Service, s.Node, s.JID)
			}
		}
		if err == nil {
			_, err = tx.DeleteContact(cache.Contact{Our: string(our), User: string(user.Bare())})
		}
		if err == nil {
			who, err = tx.ActorByJID(string(our))
		}
		return ignoreMissing(err)
	})
	if err == nil && who.URI != "" {
		err = g.unfollowActor(ctx, user.Bare(), who)
		if isKind(err, NotFound) {
			err = nil
		}
	}
	return err
}

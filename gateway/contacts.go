package gateway

import (
	"context"
	"errors"
	"time"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// contactsMost bounds how many contacts are told when the gateway comes and goes.
const contactsMost = 100_000

// meets notes that one of our addresses has shown itself to somebody. Clients
// ask again at each login: mostly there is nothing to write.
func (g *Gateway) meets(ctx context.Context, our, user stanza.JID) {
	c := cache.Contact{Our: string(our.Bare()), User: string(user.Bare())}
	known := false
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		known, err = tx.HasContact(c)
		return err
	})
	if err == nil && !known {
		err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.PutContact(c) })
	}
	if err != nil && ctx.Err() == nil {
		g.log.Error("note a contact", "our", c.Our, "error", err)
	}
}

// leaves notes that one of our addresses has gone from somebody's sight.
func (g *Gateway) leaves(ctx context.Context, our, user stanza.JID) {
	c := cache.Contact{Our: string(our.Bare()), User: string(user.Bare())}
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		_, err := tx.DeleteContact(c)
		return err
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("forget a contact", "our", c.Our, "error", err)
	}
}

// eachContact calls fn for the contacts, until it fails.
func (g *Gateway) eachContact(ctx context.Context, fn func(cache.Contact) error) error {
	const page = 500
	var after cache.Contact
	for n := 0; n < contactsMost; n += page {
		var list []cache.Contact
		err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
			list, err = tx.Contacts(after, page)
			return err
		})
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := fn(c); err != nil {
				return err
			}
			after = c
		}
		if len(list) < page {
			return nil
		}
	}
	return nil
}

// farewellTime is how long those who saw us are told that we go.
const farewellTime = 2 * time.Second

// farewell has those who saw one of our addresses see it go: servers say nothing
// when a component's stream ends (RFC 6121 §4.5).
func (g *Gateway) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewellTime)
	defer cancel()
	err := g.eachContact(ctx, func(c cache.Contact) error {
		p := xmpp.Presence{Type: xmpp.Unavailable}
		p.From, p.To = stanza.JID(c.Our), stanza.JID(c.User)
		return g.link.Send(ctx, p.Element())
	})
	if err != nil && !errors.Is(err, xmpp.ErrOffline) {
		g.log.Info("not everybody was told that the gateway goes", "error", err)
	}
}

// reappear has those who saw an actor before see it again. Users whose posts are
// federated are greeted by the gateway itself when their node is reached.
func (g *Gateway) reappear(ctx context.Context) {
	err := g.eachContact(ctx, func(c cache.Contact) error {
		our, user, caps := stanza.JID(c.Our), stanza.JID(c.User), g.caps
		if c.Our == g.addr.Component() {
			a, err := g.accountOf(ctx, user, "")
			if err == nil && a.State == cache.Linked && g.roster(ctx, user) == rosterGranted {
				return nil
			}
			caps = g.domain
		} else if !g.isThere(ctx, our) {
			return nil
		}
		p := xmpp.Presence{}
		p.From, p.To = our, user
		return g.link.Send(ctx, p.Element().Add(caps.Element()))
	})
	if err != nil && ctx.Err() == nil {
		g.log.Info("not everybody was told that the gateway is back", "error", err)
	}
}

// isThere tells whether an address of ours is that of an actor who is not gone.
func (g *Gateway) isThere(ctx context.Context, our stanza.JID) bool {
	var who cache.Actor
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		who, err = tx.ActorByJID(string(our))
		return err
	})
	return err == nil && who.GoneAt.IsZero()
}

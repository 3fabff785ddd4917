package gateway

import (
	"context"
	"errors"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Unlink takes an account off the fediverse for good: every server that ever
// got something of it is told (BR-4).
func (g *Gateway) Unlink(ctx context.Context, jid stanza.JID, node string) (string, error) {
	a, err := g.linked(ctx, jid, node)
	if err != nil {
		return "", err
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		tx.Durable()
		return g.leave(tx, a)
	})
	if err == nil {
		err = g.purge(ctx, a)
	}
	if err != nil {
		return "", err
	}
	g.aside("part with "+a.URI, func() { g.part(context.WithoutCancel(ctx), a) })
	return "Unlinked. Every server that knew you is told to delete your profile and posts. If you link again, you start with no followers.", nil
}

// leave has the actor gone from one moment to the next: its Delete to everyone
// who ever got anything of it, and the end of its follows.
func (g *Gateway) leave(tx *cache.Tx, a cache.Account) error {
	hosts, err := tx.HostsReached(a.URI)
	if err != nil {
		return err
	}
	following, err := tx.FollowingOf(a.URI, "", 0, 100_000)
	if err != nil {
		return err
	}
	followers, err := tx.FollowersOf(a.URI, "", 0, 100_000)
	if err != nil {
		return err
	}
	var people []string
	for _, f := range following {
		people = append(people, f.Followee)
	}
	for _, f := range followers { // those who wait for an answer too
		people = append(people, f.Follower)
	}
	theirs, err := inboxesOf(tx, people, false)
	if err != nil {
		return err
	}
	act := translate.DeleteActor("", a.URI)
	o := outgoing{sender: a, act: *act, object: a.URI, inboxes: theirs, hosts: hosts, reached: true}
	if err := g.send(tx, o); err != nil {
		return err
	}
	for _, f := range append(following, followers...) {
		if _, err := tx.DeleteFollow(f.Follower, f.Followee); err != nil {
			return err
		}
	}
	if err := g.forgetProfile(tx, a.URI); err != nil {
		return err
	}
	return tx.SetAccountState(a.URI, cache.Unlinked, g.now())
}

// forgetProfile drops what an account that leaves has said of itself.
func (g *Gateway) forgetProfile(tx *cache.Tx, uri string) error {
	a, err := tx.AccountByURI(uri)
	if err != nil {
		return err
	}
	a.Name, a.Summary, a.Fields, a.IconURL, a.IconType = "", "", nil, "", ""
	if err := tx.PutAccount(a); err != nil {
		return err
	}
	_, err = tx.DropPictures(uri, "")
	return err
}

// purge deletes the posts of an actor that left, a few in each transaction.
// Nobody sees them any more meanwhile. What others posted in a node goes first,
// with the boosts of it: nothing tells of it any more when it is retracted.
func (g *Gateway) purge(ctx context.Context, a cache.Account) error {
	if a.Kind == cache.Node {
		if _, err := g.retireNode(ctx, a, func(p cache.Stored) bool { return p.Post.Owner.URI != a.URI }); err != nil {
			return err
		}
	}
	for more := true; more; {
		err := g.store.Update(ctx, func(tx *cache.Tx) error {
			posts, err := tx.Outbox(a.URI, operator, cache.Page{Limit: 100})
			if err != nil {
				return err
			}
			more = len(posts) == 100
			for _, p := range posts {
				if err := g.remove(tx, p, a.URI); err != nil && !errors.Is(err, cache.ErrGone) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// part ends what the gateway has with the user's server: the subscription, and
// the roster link if nothing else of theirs needs it.
func (g *Gateway) part(ctx context.Context, a cache.Account) {
	ctx, cancel := context.WithTimeout(ctx, 2*askTime)
	defer cancel()
	us, them := stanza.JID(g.addr.Component()), stanza.JID(a.JID)
	if _, err := g.link.Request(ctx, xmpp.UnsubscribeIQ(us, them, feedNode(a), us, "")); err != nil {
		g.log.Info("node not unsubscribed", "account", a.Acct, "error", err)
	}
	if a.Node != "" {
		return
	}
	g.presence(ctx, xmpp.Unsubscribe, us, them)
	g.presence(ctx, xmpp.Unavailable, us, them)
	g.setRoster(ctx, them, "")
	g.partContacts(ctx, us, them)
}

// partContacts has the actors in somebody's contact list leave it (XEP-0100
// §4.3). The gateway itself stays there: a link can be asked of it.
func (g *Gateway) partContacts(ctx context.Context, us, them stanza.JID) {
	var actors []stanza.JID
	err := g.eachContact(ctx, func(c cache.Contact) error {
		if stanza.JID(c.User) == them && stanza.JID(c.Our) != us && len(actors) < followsMost {
			actors = append(actors, stanza.JID(c.Our))
		}
		return nil
	})
	if err != nil {
		g.log.Info("not all contacts were told of an unlink", "user", them, "error", err)
	}
	for _, actor := range actors {
		for _, kind := range []string{xmpp.Unsubscribe, xmpp.Unsubscribed, xmpp.Unavailable} {
			g.presence(ctx, kind, actor, them)
		}
	}
}

package gateway

import (
	"context"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Presence answers contacts: who adds an actor follows it, who adds the gateway
// lets it hear of their posts (xmpp.md 1.8).
func (c *chat) Presence(ctx context.Context, p xmpp.Presence) {
	g := c.g
	if p.Type == "error" {
		g.bounced(ctx, p.To, p.From, p.Error)
	}
	if g.ours(p.From) || p.Type == "error" || p.From.Local() == "" {
		return
	}
	if p.To.Local() == "" {
		g.domainPresence(ctx, p)
		return
	}
	switch p.Type {
	case xmpp.Probe:
		g.answerProbe(ctx, p)
	case xmpp.Subscribe:
		g.befriended(ctx, p)
	case xmpp.Unsubscribe:
		g.presence(ctx, xmpp.Unsubscribed, p.To.Bare(), p.From.Bare())
		g.presence(ctx, xmpp.Unavailable, p.To.Bare(), p.From.Bare())
		who, err := g.remoteByJID(ctx, p.To)
		if err == nil {
			err = g.unfollowActor(ctx, p.From.Bare(), who)
		}
		if err != nil && !isKind(err, NotFound) {
			g.log.Info("unfollow by presence", "actor", p.To.Bare(), "error", err)
		}
	case xmpp.Subscribed, xmpp.Unsubscribed:
		g.presenceDecision(ctx, p)
	}
}

// answerProbe shows an actor as online, from memory alone: at each login there
// is a probe for every contact.
func (g *Gateway) answerProbe(ctx context.Context, p xmpp.Presence) {
	var who cache.Actor
	var photo *string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if who, err = tx.ActorByJID(string(p.To.Bare())); err != nil || who.IconURL == "" {
			return err
		}
		m, err := tx.MediaBySource(hashOf("avatar "+who.IconURL), who.URI)
		if err == nil {
			hash := xmpp.Profile{Photo: m.Bytes}.PhotoID()
			photo = &hash
		}
		return ignoreMissing(err)
	})
	if err != nil || !who.GoneAt.IsZero() {
		return // nobody that we know: silence, as of a contact who is offline
	}
	out := xmpp.Presence{Photo: photo}
	out.From, out.To = p.To.Bare(), p.From
	g.meets(ctx, out.From, out.To)
	if err := g.link.Send(ctx, out.Element().Add(g.caps.Element())); err != nil {
		g.log.Info("answer a probe", "actor", who.URI, "error", err)
	}
}

// befriended takes an actor's new contact as a follower.
func (g *Gateway) befriended(ctx context.Context, p xmpp.Presence) {
	actor, user := p.To.Bare(), p.From.Bare()
	who, err := g.remoteByJID(ctx, p.To)
	if err != nil {
		g.presence(ctx, xmpp.Unsubscribed, actor, user)
		g.say(ctx, user, "Could not add "+stanza.UnescapeLocal(actor.Local())+": "+sayError(err))
		return
	}
	f, err := g.followActor(ctx, user, who)
	if err != nil {
		g.presence(ctx, xmpp.Unsubscribed, actor, user)
		g.say(ctx, user, "Could not follow "+handleOf(who)+": "+sayError(err))
		return
	}
	g.presence(ctx, xmpp.Subscribed, actor, user)
	out := xmpp.Presence{}
	out.From, out.To = actor, user
	g.meets(ctx, actor, user)
	if f.State == cache.FollowPending {
		out.Status = "follow request sent"
	}
	if err := g.link.Send(ctx, out.Element().Add(g.caps.Element())); err != nil {
		g.log.Info("send presence", "actor", actor, "error", err)
	}
	g.aside("introduce "+string(actor), func() { g.introduce(context.WithoutCancel(ctx), who, user, out.Status) })
}

// presenceDecision is the answer of the owner of a locked account to an actor
// that asked to follow. To other actors it decides nothing: removing a contact
// removes no follower.
func (g *Gateway) presenceDecision(ctx context.Context, p xmpp.Presence) {
	account, err := g.accountOf(ctx, p.From, "")
	if err != nil {
		return
	}
	pending := false
	var who cache.Actor
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		if who, err = tx.ActorByJID(string(p.To.Bare())); err != nil {
			return err
		}
		f, err := tx.Follow(who.URI, account.URI)
		pending = f.State == cache.FollowPending
		return err
	})
	if err == nil && pending {
		err = g.decide(ctx, account, who, p.Type == xmpp.Subscribed)
	}
	if ignoreMissing(err) != nil && !isKind(err, NotFound) {
		g.log.Error("decide on a follower", "account", account.Acct, "error", err)
	}
}

// domainPresence is about the gateway itself.
func (g *Gateway) domainPresence(ctx context.Context, p xmpp.Presence) {
	us, user := p.To.Bare(), p.From.Bare()
	switch p.Type {
	case xmpp.Subscribe:
		g.presence(ctx, xmpp.Subscribed, us, user)
		g.sendPresence(ctx, us, user, g.domain)
		if g.roster(ctx, user) == "" {
			g.presence(ctx, xmpp.Subscribe, us, user)
			g.setRoster(ctx, user, rosterAsked)
		}
		return
	case xmpp.Unsubscribe:
		g.presence(ctx, xmpp.Unsubscribed, us, user)
		g.presence(ctx, xmpp.Unavailable, us, user)
		return
	case xmpp.Probe:
		g.sendPresence(ctx, us, p.From, g.domain)
		return
	case xmpp.Subscribed:
		if g.roster(ctx, user) != rosterGranted {
			g.setRoster(ctx, user, rosterGranted)
		}
		g.sendPresence(ctx, us, user, g.domain)
	case xmpp.Unsubscribed:
		g.setRoster(ctx, user, rosterRefused)
		return
	case xmpp.Available:
	default:
		return
	}
	account, err := g.accountOf(ctx, user, "")
	if err == nil && account.State == cache.Linked {
		g.freshen(ctx, account)
	}
}

func (g *Gateway) presence(ctx context.Context, kind string, from, to stanza.JID) {
	p := xmpp.Presence{Type: kind}
	p.From, p.To = from, to
	if kind == xmpp.Unavailable {
		g.leaves(ctx, from, to)
	}
	if err := g.link.Send(ctx, p.Element()); err != nil {
		g.log.Info("send presence", "to", to.Bare(), "error", err)
	}
}

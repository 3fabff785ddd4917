package gateway

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// The rungs of the ladder by which a user's node is reached (xmpp.md 2.3).
const (
	rungNotify    = "notify"    // our presence, by +notify
	rungSubscribe = "subscribe" // an explicit subscription
	rungPull      = "pull"      // we ask
)

// How often a node is asked for, when nothing tells of it and when something does.
const (
	pullEvery     = 10 * time.Minute
	pullWellEvery = 2 * time.Hour
	pullAgain     = time.Minute      // not more often, however often somebody comes online
	pullSoon      = 15 * time.Second // at first, while there is nothing to subscribe to
)

// reachAtOnce is how many accounts are reached at the same time: one server that
// does not answer holds up few others.
const reachAtOnce = 8

// connected runs after each handshake: what happened while the link was down is
// asked for, since nothing is replayed (XEP-0114).
func (g *Gateway) connected(ctx context.Context) {
	select {
	case g.linkUp <- struct{}{}:
	default:
	}
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		return tx.SetMeta(metaLinkUp, g.now().UTC().Format(time.RFC3339Nano))
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("note that the link is up", "error", err)
	}
	g.reappear(ctx)
	g.eachLinked(ctx, func(a cache.Account) { g.reach(ctx, a) })
	g.eachLinked(ctx, func(a cache.Account) { g.pullComments(ctx, a) }) // many requests, of less weight
}

// metaLinkUp is where the store keeps since when the link is up.
const metaLinkUp = "link up"

// eachLinked calls fn for every account that publishes, a few at a time.
func (g *Gateway) eachLinked(ctx context.Context, fn func(cache.Account)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, reachAtOnce)
	q := cache.AccountQuery{States: []cache.AccountState{cache.Linked}, Limit: 200}
	for ctx.Err() == nil {
		var list []cache.Account
		err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
			list, err = tx.Accounts(q)
			return err
		})
		if err != nil {
			if ctx.Err() == nil {
				g.log.Error("read accounts", "error", err)
			}
			return
		}
		for _, a := range list {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				_ = g.caught("look after "+a.URI, func() error {
					if ctx.Err() == nil {
						fn(a)
					}
					return nil
				})
			})
		}
		if len(list) < q.Limit {
			return
		}
		q.After = list[len(list)-1].URI
	}
}

// reach climbs the ladder for one account: presence, subscription, and a pull
// that shows what the others missed.
func (g *Gateway) reach(ctx context.Context, a cache.Account) {
	g.befriend(ctx, a)
	g.subscribe(ctx, a)
	g.pull(ctx, a, false)
}

// The states of the roster link with a user, as the store keeps them.
const (
	rosterAsked   = "asked"
	rosterGranted = "granted"
	rosterRefused = "refused"
)

const rosterPrefix = "roster "

func rosterKey(jid stanza.JID) string { return rosterPrefix + string(jid.Bare()) }

// roster is how far a user lets the gateway see their presence.
func (g *Gateway) roster(ctx context.Context, jid stanza.JID) string {
	var state string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		state, err = tx.Meta(rosterKey(jid))
		return err
	})
	if err != nil {
		return ""
	}
	return state
}

func (g *Gateway) setRoster(ctx context.Context, jid stanza.JID, state string) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetMeta(rosterKey(jid), state) })
	if err != nil && ctx.Err() == nil {
		g.log.Error("note a roster link", "user", jid.Bare(), "error", err)
	}
}

// befriend is rung 2: our presence, whose capabilities ask for news, goes to
// those who let us see theirs; others are asked, unless they refused.
func (g *Gateway) befriend(ctx context.Context, a cache.Account) {
	us, them := stanza.JID(g.addr.Component()), stanza.JID(a.JID)
	if a.Node != "" || them.Local() == "" {
		return
	}
	state := g.roster(ctx, them)
	if state != rosterRefused {
		// Servers answer for those who agreed already (RFC 6121 §3.1.3).
		p := xmpp.Presence{Type: xmpp.Subscribe, Nick: "Fediverse gateway", Status: "so that your posts reach the fediverse at once"}
		p.From, p.To = us, them
		if err := g.link.Send(ctx, p.Element()); err != nil {
			g.log.Info("ask for presence", "account", a.Acct, "error", err)
			return
		}
	}
	switch state {
	case "":
		g.setRoster(ctx, them, rosterAsked)
	case rosterGranted:
		g.sendPresence(ctx, us, them, g.domain)
	}
}

// subscribe is rung 3: the gateway's own address subscribes to the node, once
// for all followers. ejabberd makes one more subscription each time, so what
// there is is asked for first.
func (g *Gateway) subscribe(ctx context.Context, a cache.Account) {
	ctx, cancel := context.WithTimeout(ctx, 2*askTime)
	defer cancel()
	us, them, node := stanza.JID(g.addr.Component()), stanza.JID(a.JID), feedNode(a)
	state, asked, err := g.subscribeOnce(ctx, us, them, node)
	if err == nil && (asked || state == xmpp.SubPending) {
		g.waits(ctx, a, state == xmpp.SubPending)
	}
	if err != nil || state != xmpp.SubSubscribed {
		level := slog.LevelInfo
		if a.Reach.Subscribe.IsZero() && !a.Reach.Pull.IsZero() { // said before: it is tried again and again
			level = slog.LevelDebug
		}
		g.log.Log(ctx, level, "node not subscribed", "account", a.Acct, "state", state, "error", err)
	}
	granted := a.Node == "" && g.roster(ctx, them) == rosterGranted
	g.reached(ctx, a, func(r *cache.Reach) {
		switch {
		case err == nil && state == xmpp.SubSubscribed:
			r.Subscribe = g.now()
			if r.Rung == "" {
				r.Rung = rungSubscribe
			}
		case err == nil || verdictOf(err) != unproven:
			if r.Subscribe = (time.Time{}); !granted {
				r.Rung = rungPull
			}
		}
	})
}

// subscribeOnce subscribes to a node, unless that is done or waits for the
// node's owner. It gives the state, and whether it asked for the subscription.
// ejabberd leaves the node out of its list of what it was asked for.
func (g *Gateway) subscribeOnce(ctx context.Context, us, service stanza.JID, node string) (state string, asked bool, err error) {
	if payload, err := g.link.Request(ctx, xmpp.SubscriptionsIQ(us, service, node)); err == nil {
		list, err := xmpp.ParseSubscriptions(payload)
		for _, state = range []string{xmpp.SubSubscribed, xmpp.SubPending} {
			if err == nil && slices.ContainsFunc(list, func(s xmpp.Subscription) bool {
				return s.JID.Bare() == us && (s.Node == node || s.Node == "") && s.State == state
			}) {
				return state, false, nil
			}
		}
	}
	payload, err := g.link.Request(ctx, xmpp.SubscribeIQ(us, service, node, us))
	if err != nil {
		return "", true, err
	}
	s, err := xmpp.ParseSubscription(payload)
	return s.State, true, err
}

// sendPresence announces one of our addresses. Of actors with a picture nothing
// is said about it, or clients would take it away.
func (g *Gateway) sendPresence(ctx context.Context, from, to stanza.JID, caps *xmpp.Caps) {
	p := xmpp.Presence{}
	p.From, p.To = from, to
	g.meets(ctx, from, to)
	if err := g.link.Send(ctx, p.Element().Add(caps.Element())); err != nil {
		g.log.Info("send presence", "to", to.Bare(), "error", err)
	}
}

// reached changes the health record of an account.
func (g *Gateway) reached(ctx context.Context, a cache.Account, change func(*cache.Reach)) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error { return noteReach(tx, a.URI, change) })
	if err != nil && ctx.Err() == nil {
		g.log.Error("note how an account is reached", "account", a.Acct, "error", err)
	}
}

func noteReach(tx *cache.Tx, uri string, change func(*cache.Reach)) error {
	now, err := tx.AccountByURI(uri)
	if err != nil {
		return err
	}
	before := now.Reach
	if change(&now.Reach); now.Reach == before {
		return nil
	}
	return tx.SetReach(uri, now.Reach)
}

// heard notes that an event of an account's node came by itself.
func (g *Gateway) heard(ctx context.Context, a cache.Account) {
	now := g.now()
	if g.since(a.Reach.Event) < time.Minute && a.Reach.Rung != rungPull {
		return
	}
	rung := rungSubscribe
	if a.Node == "" && (a.Reach.Subscribe.IsZero() || g.roster(ctx, stanza.JID(a.JID)) == rosterGranted) {
		rung = rungNotify
	}
	g.reached(ctx, a, func(r *cache.Reach) { r.Event, r.Rung = now, rung })
}

// timerTick is how often the timers look what is due.
const timerTick = 10 * time.Second

// runTimers does what is to be done from time to time, until ctx ends.
func (g *Gateway) runTimers(ctx context.Context) {
	tick := time.NewTicker(timerTick)
	defer tick.Stop()
	for round := 0; ; round++ {
		if round%360 == 0 {
			g.prune(ctx)
			g.purgeUnlinked(ctx)
		}
		if g.link.Online() {
			up := g.upSince(ctx)
			g.eachLinked(ctx, func(a cache.Account) { g.due(ctx, a, up) })
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// profileEvery is how often a profile is read again that nothing tells of.
const profileEvery = 24 * time.Hour

// due asks a node that was not heard of for long, with a jitter, and now and
// then who its owner is. A node that could not be subscribed a moment ago, when
// it was linked or the link came up, may be made now.
func (g *Gateway) due(ctx context.Context, a cache.Account, up time.Time) {
	if g.since(a.Reach.Comments) > pullWellEvery+rand.N(pullWellEvery/4) {
		g.pullComments(ctx, a)
	}
	every := pullEvery
	switch {
	case a.Reach.Subscribe.IsZero() && (g.since(up) < pullEvery || g.since(a.LinkedAt) < pullEvery):
		every = pullSoon
	case g.since(a.Reach.Event) < 24*time.Hour:
		every = pullWellEvery
	}
	if g.since(a.Reach.Pull) < every+rand.N(every/4) || g.since(a.Reach.ErrorAt) < min(every, pullAgain) {
		return
	}
	if a.Reach.Subscribe.IsZero() {
		g.subscribe(ctx, a)
	}
	g.pull(ctx, a, g.since(up) > pullAgain)
	if g.profileDue(ctx, a) {
		g.readProfile(ctx, a)
	}
}

// freshen looks at the node of somebody who has come online.
func (g *Gateway) freshen(ctx context.Context, a cache.Account) {
	wait := pullAgain
	if a.Reach.Subscribe.IsZero() {
		wait = 0
	}
	if g.since(a.Reach.Pull) < wait {
		return
	}
	if a.Reach.Subscribe.IsZero() {
		g.subscribe(ctx, a)
	}
	g.pull(ctx, a, false)
}

// purgeUnlinked finishes what a crash may have left of an unlink.
func (g *Gateway) purgeUnlinked(ctx context.Context) {
	q := cache.AccountQuery{States: []cache.AccountState{cache.Unlinked}, Limit: 200}
	for ctx.Err() == nil {
		var list, left []cache.Account
		err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
			if list, err = tx.Accounts(q); err != nil {
				return err
			}
			for _, a := range list {
				n, err := tx.CountOutbox(a.URI, operator, cache.AnyWidth)
				if err != nil {
					return err
				}
				if n > 0 {
					left = append(left, a)
				}
			}
			return nil
		})
		for _, a := range left {
			err = errors.Join(err, g.purge(ctx, a))
		}
		if err != nil && ctx.Err() == nil {
			g.log.Error("finish an unlink", "error", err)
			return
		}
		if len(list) < q.Limit {
			return
		}
		q.After = list[len(list)-1].URI
	}
}

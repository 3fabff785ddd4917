package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
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
	pullItems     = 20
)

// stranger is an address of ours that is in nobody's roster: what it can read,
// everybody can.
func (g *Gateway) stranger() stanza.JID { return stanza.NewJID("stranger", g.addr.Component()) }

// connected runs after each handshake: what happened while the link was down is
// asked for, since nothing is replayed (XEP-0114).
func (g *Gateway) connected(ctx context.Context) {
	select {
	case g.linkUp <- struct{}{}:
	default:
	}
	g.eachLinked(ctx, func(a cache.Account) { g.reach(ctx, a) })
}

// eachLinked calls fn for every account that publishes.
func (g *Gateway) eachLinked(ctx context.Context, fn func(cache.Account)) {
	q := cache.AccountQuery{States: []cache.AccountState{cache.Linked}, Limit: 200}
	for ctx.Err() == nil {
		var list []cache.Account
		err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
			list, err = tx.Accounts(q)
			return err
		})
		if err != nil {
			g.log.Error("read accounts", "error", err)
			return
		}
		for _, a := range list {
			if ctx.Err() == nil {
				fn(a)
			}
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
	us, them := stanza.JID(g.addr.Component()), stanza.JID(a.JID)
	if a.Node == "" {
		g.sendPresence(ctx, us, them, g.domain)
	}
	payload, err := g.link.Request(ctx, xmpp.SubscribeIQ(us, them, feedNode(a), us))
	if err == nil {
		if _, err = xmpp.ParseSubscription(payload); err == nil {
			g.reached(ctx, a, func(r *cache.Reach) { r.Subscribe, r.Rung = g.now(), rungSubscribe })
		}
	}
	if err != nil {
		g.log.Info("node not subscribed", "account", a.Acct, "error", err)
		g.reached(ctx, a, func(r *cache.Reach) {
			if r.Rung != rungNotify {
				r.Rung = rungPull
			}
			r.Subscribe = time.Time{}
		})
	}
	g.pull(ctx, a)
}

func (g *Gateway) sendPresence(ctx context.Context, from, to stanza.JID, caps *xmpp.Caps) {
	if err := g.link.Send(ctx, xmpp.PresenceWithCaps(from, to, caps, "")); err != nil {
		g.log.Info("send presence", "to", to, "error", err)
	}
}

// reached changes the health record of an account.
func (g *Gateway) reached(ctx context.Context, a cache.Account, change func(*cache.Reach)) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		now, err := tx.AccountByURI(a.URI)
		if err != nil {
			return err
		}
		change(&now.Reach)
		return tx.SetReach(a.URI, now.Reach)
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("note how an account is reached", "account", a.Acct, "error", err)
	}
}

// pull asks a node for its newest items, takes what is new, and finds out what
// was retracted meanwhile.
func (g *Gateway) pull(ctx context.Context, a cache.Account) {
	if !g.checkAccess(ctx, a) {
		return
	}
	items := g.pullItems(ctx, a, xmpp.ItemsQuery{MaxItems: pullItems})
	g.reached(ctx, a, func(r *cache.Reach) { r.Pull = g.now() })
	if len(items) > 0 {
		g.reconcile(ctx, a, items)
	}
}

// pullItems fetches items as a stranger would, and takes them oldest first.
func (g *Gateway) pullItems(ctx context.Context, a cache.Account, q xmpp.ItemsQuery) []xmpp.Item {
	payload, err := g.link.Request(ctx, xmpp.ItemsIQ(g.stranger(), stanza.JID(a.JID), feedNode(a), q))
	if err != nil {
		g.log.Info("pull", "account", a.Acct, "error", err)
		return nil
	}
	items, _, err := xmpp.ParseItems(payload)
	if err != nil {
		g.log.Info("pull", "account", a.Acct, "error", err)
		return nil
	}
	byDate(items)
	for _, it := range items {
		if a.Reach.Subscribe.IsZero() == false && a.Reach.Event.IsZero() && g.unknown(ctx, a, it) {
			g.log.Warn("the server accepts our subscription but does not notify; with ejabberd, set force_node_config: "+
				`"urn:xmpp:microblog:0": {presence_based_delivery: false, itemreply: publisher}`, "account", a.Acct)
		}
		g.seen(ctx, a, it)
	}
	return items
}

func (g *Gateway) unknown(ctx context.Context, a cache.Account, it xmpp.Item) bool {
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		_, err := tx.PlacementByItem(a.JID, feedNode(a), it.ID)
		return err
	})
	return errors.Is(err, cache.ErrNotFound)
}

// byDate sorts entries by their published date: servers answer in either order.
func byDate(items []xmpp.Item) {
	date := func(it xmpp.Item) string { return it.Payload.ChildContent("", "published") }
	for i := 1; i < len(items); i++ {
		for j := i; j > 0 && date(items[j]) < date(items[j-1]); j-- {
			items[j], items[j-1] = items[j-1], items[j]
		}
	}
}

// reconcile finds retracts that nothing told of: an item that is missing while
// the node still holds an older one. What is older than all that are held was
// only dropped (design: deletes).
func (g *Gateway) reconcile(ctx context.Context, a cache.Account, held []xmpp.Item) {
	have := map[string]bool{}
	for _, it := range held {
		have[it.ID] = true
	}
	var gone []string
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		var oldest time.Time
		for id := range have {
			stored, err := tx.PostByItem(a.JID, feedNode(a), id, operator)
			if err != nil {
				continue
			}
			if oldest.IsZero() || stored.Post.Published.Before(oldest) {
				oldest = stored.Post.Published
			}
		}
		if oldest.IsZero() {
			return nil
		}
		page, err := tx.Items(cache.ItemQuery{Service: a.JID, Node: feedNode(a), Viewer: operator, Limit: 100})
		if err != nil {
			return err
		}
		for _, s := range page.Items {
			if !have[s.Item.ItemID] && s.Post.Published.After(oldest) && s.Post.Owner.URI == a.URI {
				gone = append(gone, s.Item.ItemID)
			}
		}
		return nil
	})
	if err != nil {
		g.log.Error("reconcile", "account", a.Acct, "error", err)
		return
	}
	if len(held) >= pullItems { // there may be more than we saw
		return
	}
	for _, id := range gone {
		g.log.Info("item was retracted while nobody told us", "account", a.Acct, "item", id)
		g.retracted(ctx, a, id)
	}
}

// strangerCanRead tells whether everybody can read a node now.
func (g *Gateway) strangerCanRead(ctx context.Context, jid stanza.JID, node string) bool {
	payload, err := g.link.Request(ctx, xmpp.ItemsIQ(g.stranger(), jid, node, xmpp.ItemsQuery{MaxItems: 1}))
	if err != nil {
		return false
	}
	_, _, err = xmpp.ParseItems(payload)
	return err == nil
}

// checkAccess proves again who can read a node, and takes its posts back when it
// has closed.
func (g *Gateway) checkAccess(ctx context.Context, a cache.Account) bool {
	_, err := g.link.Request(ctx, xmpp.ItemsIQ(g.stranger(), stanza.JID(a.JID), feedNode(a), xmpp.ItemsQuery{MaxItems: 1}))
	var refused *stanza.Error
	switch {
	case err == nil:
		g.setAccess(ctx, a, cache.AccessOpen)
		g.reached(ctx, a, func(r *cache.Reach) { r.Proof = g.now() })
		return true
	case errors.As(err, &refused) && refused.Type != "wait":
		if a.Access == cache.AccessOpen && (refused.Condition == "forbidden" || refused.Condition == "not-authorized") {
			g.closed(ctx, a)
		}
		g.reached(ctx, a, func(r *cache.Reach) {
			r.Error, r.ErrorAt = "your node "+feedNode(a)+" cannot be read by everybody ("+refused.Condition+"); make it open, or post once", g.now()
		})
	}
	return false
}

func (g *Gateway) setAccess(ctx context.Context, a cache.Account, access cache.Access) {
	if a.Access == access {
		return
	}
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		now, err := tx.AccountByURI(a.URI)
		if err != nil {
			return err
		}
		now.Access = access
		return tx.PutAccount(now)
	})
	if err != nil {
		g.log.Error("note the access of a node", "account", a.Acct, "error", err)
	}
}

// closed takes the posts of a node back that is no longer open: peers do not
// narrow an audience by themselves (X10).
func (g *Gateway) closed(ctx context.Context, a cache.Account) {
	if a.Access != cache.AccessOpen {
		return
	}
	g.setAccess(ctx, a, cache.AccessClosed)
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		posts, err := tx.Outbox(a.URI, operator, cache.Page{Limit: 1000})
		if err != nil {
			return err
		}
		for _, p := range posts {
			if p.Post.Item == nil || p.Post.Item.Service != a.JID || !open(p.Post.Visibility) {
				continue
			}
			if err := g.retire(tx, a, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		g.log.Error("take back the posts of a closed node", "account", a.Acct, "error", err)
		return
	}
	g.say(ctx, stanza.JID(a.JID), "Your node "+feedNode(a)+" is no longer open to everybody, so your posts were taken back from the fediverse.")
}

// watchComments subscribes to the comments of a post, so that what other XMPP
// users answer there reaches the fediverse.
func (g *Gateway) watchComments(ctx context.Context, n translate.Node) {
	if g.ours(stanza.JID(n.Service)) {
		return
	}
	us := stanza.JID(g.addr.Component())
	if _, err := g.link.Request(ctx, xmpp.SubscribeIQ(us, stanza.JID(n.Service), n.Name, us)); err != nil {
		g.log.Info("comments node not subscribed", "service", n.Service, "node", n.Name, "error", err)
	}
}

// commented finds the post of ours whose comments a node of somebody else holds.
func (g *Gateway) commented(ctx context.Context, service stanza.JID, node string) (cache.Stored, bool) {
	id, ok := strings.CutPrefix(node, stanza.CommentsNodePrefix)
	if !ok {
		return cache.Stored{}, false
	}
	var root cache.Stored
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		root, err = tx.PostByItem(string(service), stanza.NSMicroblog, id, operator)
		return err
	})
	c := root.Post.Comments
	return root, err == nil && c != nil && c.Service == string(service) && c.Name == node
}

// commentEvent takes what XMPP users say in the comments of a post of ours. Who
// said it is what the server stamped; without a stamp it proves nothing.
func (g *Gateway) commentEvent(ctx context.Context, root cache.Stored, e xmpp.Event) {
	for _, it := range e.Items {
		publisher := it.Publisher.Bare()
		if it.NeedsFetch() || publisher == "" || g.ours(publisher) {
			continue
		}
		account, err := g.accountOf(ctx, publisher, "")
		if err != nil || account.State != cache.Linked || translate.IsHeart(it.Payload) {
			continue
		}
		if err := g.commentOn(ctx, account, root, it, e); err != nil {
			g.log.Warn("comment not published", "account", account.Acct, "item", it.ID, "error", err)
		}
	}
	for _, id := range e.Retracted {
		err := g.store.Update(ctx, func(tx *cache.Tx) error {
			stored, err := tx.PostByItem(string(e.Service.Bare()), e.Node, id, operator)
			if err != nil || stored.Post.Origin != translate.OriginXMPP {
				return ignoreMissing(err)
			}
			account, err := tx.AccountByURI(stored.Post.Owner.URI)
			if err != nil {
				return ignoreMissing(err)
			}
			return g.retire(tx, account, stored)
		})
		if err != nil {
			g.log.Error("delete a retracted comment", "item", id, "error", err)
		}
	}
}

func (g *Gateway) commentOn(ctx context.Context, account cache.Account, root cache.Stored, it xmpp.Item, e xmpp.Event) error {
	at := translate.Item{Service: string(e.Service.Bare()), Node: e.Node, ID: it.ID}
	p, err := translate.FromAtom(it.Payload, at, actorOf(account))
	if err != nil {
		return err
	}
	if _, same, err := g.sameItem(ctx, at, p); err != nil || same {
		return err
	}
	p.Item, p.Kind, p.Visibility = &at, translate.KindNote, root.Post.Visibility
	p.Comments = root.Post.Comments
	p.Mentions = g.resolveMentions(ctx, p)
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		parent, err := g.answered(tx, p)
		if err != nil {
			return err
		}
		if p.ReplyTo, p.ReplyRef = parent, nil; p.ReplyTo == "" {
			p.ReplyTo = root.Post.URI
		}
		_, _, err = g.submit(tx, submission{account: account, post: p, raw: stanza.Append(nil, it.Payload, ""), rawType: "application/atom+xml"})
		return err
	})
}

// runTimers does what is to be done from time to time, until ctx ends.
func (g *Gateway) runTimers(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if g.link.Online() {
			g.pullDue(ctx)
		}
		g.prune(ctx)
	}
}

// pullDue asks the nodes that were not heard of for long, with a jitter.
func (g *Gateway) pullDue(ctx context.Context) {
	g.eachLinked(ctx, func(a cache.Account) {
		every := pullEvery
		if g.now().Sub(a.Reach.Event) < 24*time.Hour {
			every = pullWellEvery
		}
		if g.now().Sub(a.Reach.Pull) > every+rand.N(every/4) {
			g.pull(ctx, a)
		}
	})
}

// prune drops what is kept against repeats for long enough (D7).
func (g *Gateway) prune(ctx context.Context) {
	now := g.now()
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		_, err := tx.PruneActivities(now.Add(-60*24*time.Hour), now.Add(-365*24*time.Hour), 1000)
		return err
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("prune activities", "error", err)
	}
}

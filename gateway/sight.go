package gateway

import (
	"context"
	"errors"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// The access models of nodes (XEP-0060 §4.5).
const (
	modelOpen      = "open"
	modelPresence  = "presence"
	modelRoster    = "roster"
	modelWhitelist = "whitelist"
	modelAuthorize = "authorize"
)

// sight is what an attempt to read the node of an account has shown.
type sight struct {
	items  []xmpp.Item  // what may cross
	v      verdict      // what the attempt of a stranger proves
	access cache.Access // who may read it, as far as that could be told
	cause  error        // why a stranger could not
}

// audience is whom the items of a node may cross to (design: audience); nobody
// if that could not be told.
func (s sight) audience() translate.Visibility {
	switch s.access {
	case cache.AccessOpen:
		return translate.Public
	case cache.AccessPresence, cache.AccessAuthorize:
		return translate.Followers
	}
	return ""
}

// unsure tells whether another look may say what this one did not.
func (s sight) unsure() bool {
	return s.v == unproven || s.v == refused && s.access == cache.AccessUnknown
}

// accessBy says who may read a node: from what a stranger's attempt proves, what
// that of the gateway's own address proves, and the access model, "" if it could
// not be told. What contradicts itself is not known.
func accessBy(stranger, ours verdict, model string) cache.Access {
	switch {
	case stranger == readable:
		return cache.AccessOpen
	case stranger != refused:
		return cache.AccessUnknown
	case ours == refused:
		return cache.AccessClosed
	case ours != readable:
		return cache.AccessUnknown
	}
	switch model {
	case modelPresence:
		return cache.AccessPresence
	case modelAuthorize:
		return cache.AccessAuthorize
	case modelRoster, modelWhitelist:
		return cache.AccessClosed
	}
	return cache.AccessUnknown
}

// modelBy says which access model a node has: as its meta-data tell, as the
// refusal of a stranger says, or, where both are silent, by our subscription, if
// that had to be approved, which is so for one model only (XEP-0060 §6.1.4).
func modelBy(told string, refusal error, approved bool) string {
	said := map[string]string{
		"presence-subscription-required": modelPresence, "not-in-roster-group": modelRoster, "closed-node": modelWhitelist,
	}[pubsubCondition(refusal)]
	switch {
	case told == "" && said == "" && approved && pubsubCondition(refusal) == "":
		return modelAuthorize
	case told == "":
		return said
	case said == "" || said == told:
		return told
	}
	return ""
}

// pubsubCondition is the condition of XEP-0060 that a refusal names, if any.
func pubsubCondition(err error) string {
	var e *stanza.Error
	if errors.As(err, &e) && e.Ext != nil && e.Ext.Space == stanza.NSPubSubErrors {
		return e.Ext.Name
	}
	return ""
}

// look reads the node of an account as a stranger and, where strangers are
// refused and the owner wants their followers to read it, as the gateway itself,
// whom the owner has let in.
func (g *Gateway) look(ctx context.Context, a cache.Account, q xmpp.ItemsQuery) sight {
	jid, node := stanza.JID(a.JID), feedNode(a)
	items, v, cause := g.readAs(ctx, g.stranger(), jid, node, q)
	s := sight{items: items, v: v, access: accessBy(v, unproven, ""), cause: cause}
	if v != refused {
		return s
	}
	if s.access = cache.AccessClosed; !g.followersOnly(ctx, a) {
		return s
	}
	items, ours, _ := g.readAs(ctx, stanza.JID(g.addr.Component()), jid, node, q)
	model := ""
	if ours == readable {
		model = modelBy(g.modelTold(ctx, jid, node), cause, g.letIn(ctx, a))
	}
	if s.access = accessBy(v, ours, model); s.audience() != "" {
		s.items = items
	}
	return s
}

// lookAt is look for one item, nil if the node does not hold it.
func (g *Gateway) lookAt(ctx context.Context, a cache.Account, id string) (*xmpp.Item, sight) {
	s := g.look(ctx, a, xmpp.ItemsQuery{IDs: []string{id}})
	return itemIn(s.items, id), s
}

func itemIn(items []xmpp.Item, id string) *xmpp.Item {
	for i, it := range items {
		if it.ID == id && it.Payload != nil {
			return &items[i]
		}
	}
	return nil
}

// readAs reads items in the name of an address of ours. If they are not there,
// it finds out whether the node is.
func (g *Gateway) readAs(ctx context.Context, as, service stanza.JID, node string, q xmpp.ItemsQuery) ([]xmpp.Item, verdict, error) {
	items, _, v, err := g.perusal(ctx, as, service, node, q)
	if v == absent && len(q.IDs) > 0 {
		_, _, v, err = g.perusal(ctx, as, service, node, xmpp.ItemsQuery{MaxItems: 1})
		return nil, v, err
	}
	return items, v, err
}

// modelTold is the access model that the meta-data of a node name, as they are
// shown to the gateway; "" if they are not.
func (g *Gateway) modelTold(ctx context.Context, service stanza.JID, node string) string {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	payload, err := g.link.Request(ctx, xmpp.DiscoInfoIQ(stanza.JID(g.addr.Component()), service, node))
	if err != nil {
		return ""
	}
	info, err := xmpp.ParseDiscoInfo(payload)
	if err != nil {
		return ""
	}
	if form := info.Form(xmpp.FormNodeMeta); form != nil {
		return form.Value("pubsub#access_model")
	}
	return ""
}

// followersOnly tells whether an account lets its followers have what is not
// for everybody, as it is by now.
func (g *Gateway) followersOnly(ctx context.Context, a cache.Account) bool {
	now, err := g.store.Account(ctx, a.URI)
	return err == nil && now.State != cache.Unlinked && !now.FollowersOnly.IsZero()
}

// pendingKey is where it is kept that our subscription to the node of an account
// had to wait for its owner.
func pendingKey(a cache.Account) string { return "subscription waited " + a.URI }

// letIn tells whether the owner of a node approved our subscription.
func (g *Gateway) letIn(ctx context.Context, a cache.Account) bool {
	waited := ""
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		waited, err = tx.Meta(pendingKey(a))
		return err
	})
	return err == nil && waited != ""
}

// waits notes whether our subscription to a node waits for its owner. One that
// was there at once, in a node that is not open, says that nobody is asked.
func (g *Gateway) waits(ctx context.Context, a cache.Account, waiting bool) {
	value := ""
	if waiting {
		value = "yes"
	}
	if g.letIn(ctx, a) == waiting {
		return
	}
	err := g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetMeta(pendingKey(a), value) })
	if err != nil && ctx.Err() == nil {
		g.log.Error("note a subscription", "account", a.Acct, "error", err)
	}
}

// unasked tells whether an item is from before its owner let followers have what
// is not for everybody. What is federated already is not.
func (g *Gateway) unasked(ctx context.Context, a cache.Account, p translate.Post, s sighting) (bool, error) {
	if p.Visibility != translate.Followers || s.imported || p.Published.IsZero() || !p.Published.Before(a.FollowersOnly.Truncate(time.Second)) {
		return false, nil
	}
	old := false
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		_, err := tx.PostByItem(p.Item.Service, p.Item.Node, p.Item.ID, operator)
		old = errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone)
		return ignoreMissing(err)
	})
	return old, err
}

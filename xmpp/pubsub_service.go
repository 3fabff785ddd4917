package xmpp

import (
	"context"

	"isthmus/xmpp/stanza"
)

// unsupported are the features that XEP-0060 names for operations that we do
// not have, by namespace and operation.
var unsupported = map[string]map[string]string{
	stanza.NSPubSub: {
		"options": "subscription-options",
		"default": "retrieve-default-sub",
		"create":  "create-nodes",
	},
	stanza.NSPubSubOwner: {
		"configure":     "config-node",
		"default":       "retrieve-default",
		"delete":        "delete-nodes",
		"purge":         "purge-nodes",
		"subscriptions": "manage-subscriptions",
		"affiliations":  "modify-affiliations",
	},
}

// pubsub answers requests to the pubsub service that every address of ours is.
func (r *Router) pubsub(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if r.services.PubSub == nil {
		return nil, errUnavailable()
	}
	q, err := parsePubSub(iq)
	if err != nil {
		return nil, err
	}
	switch q.op {
	case "items":
		return r.items(ctx, q)
	case "publish":
		return r.publish(ctx, q)
	case "retract":
		return r.retract(ctx, q)
	case "subscribe", "unsubscribe":
		return r.subscribe(ctx, q)
	case "subscriptions":
		list, err := r.services.PubSub.Subscriptions(ctx, q.node)
		if err != nil {
			return nil, err
		}
		return r.subscriptionList(q, list)
	case "affiliations":
		list, err := r.services.PubSub.Affiliations(ctx, q.node)
		if err != nil {
			return nil, err
		}
		return r.affiliationList(q, list)
	case "create":
		return r.create(ctx, q)
	}
	return nil, Unsupported(unsupported[stanza.NSPubSub][q.op])
}

// owner answers what owners of nodes ask (XEP-0060 §8).
func (r *Router) owner(ctx context.Context, iq IQ) (*stanza.Element, error) {
	q, err := parsePubSub(iq)
	if err != nil {
		return nil, err
	}
	s := r.services.Owner
	list := q.op == "subscriptions" || q.op == "affiliations"
	if s == nil || list && iq.Type == "set" {
		return nil, Unsupported(unsupported[stanza.NSPubSubOwner][q.op])
	}
	switch q.op {
	case "subscriptions":
		list, err := s.Subscribers(ctx, q.node)
		if err != nil {
			return nil, err
		}
		return r.subscriptionList(q, list)
	case "affiliations":
		list, err := s.Affiliates(ctx, q.node)
		if err != nil {
			return nil, err
		}
		return r.affiliationList(q, list)
	case "delete":
		return nil, s.Delete(ctx, q.node)
	case "purge":
		return nil, s.Purge(ctx, q.node)
	}
	return r.configure(ctx, q, iq.Type == "set")
}

func (r *Router) items(ctx context.Context, q pubsubRequest) (*stanza.Element, error) {
	req, err := q.items()
	if err != nil {
		return nil, err
	}
	res, err := r.services.PubSub.Items(ctx, req)
	if err != nil {
		return nil, err
	}
	return itemsAnswer(req, res, r.budget()), nil
}

// itemsAnswer renders a page. The <set/> comes unasked, since clients read
// from it whether there is paging; only items asked for by name come without,
// unless some had to stay behind.
func itemsAnswer(q ItemsRequest, res ItemsResult, budget int) *stanza.Element {
	w := walk{count: res.Count, index: res.Index}
	if q.Page.Kind == CountOnly {
		res.Items, w.index = nil, -1
	}
	if q.Page.Kind == ByID {
		w.count, w.index = len(res.Items), -1
	}
	for _, item := range res.Items {
		e := newEntry(item.ID, item.element())
		if e.size > budget {
			// It could never be sent, and would stop every walk that meets it.
			item.Payload = nil
			e = newEntry(item.ID, item.element())
		}
		w.entries = append(w.entries, e)
	}
	entries, set, cut := w.fit(q.Page, budget)
	list := stanza.New("", "items").Set("node", q.Node)
	addEntries(list, entries)
	root := stanza.New(stanza.NSPubSub, "pubsub").Add(list)
	if q.Page.Kind != ByID || cut {
		root.Add(set.Element())
	}
	return root
}

func (i Item) element() *stanza.Element {
	return stanza.New("", "item").Set("id", i.ID).Set("publisher", string(i.Publisher)).Add(i.Payload)
}

func (r *Router) publish(ctx context.Context, q pubsubRequest) (*stanza.Element, error) {
	req, err := q.publish()
	if err != nil {
		return nil, err
	}
	id, err := r.services.PubSub.Publish(ctx, req)
	if err != nil {
		return nil, err
	}
	item := stanza.New("", "item").Set("id", id)
	return pubsubPayload("publish", q.node.Node, item), nil
}

func (r *Router) retract(ctx context.Context, q pubsubRequest) (*stanza.Element, error) {
	req, err := q.retract()
	if err != nil {
		return nil, err
	}
	return nil, r.services.PubSub.Retract(ctx, req)
}

func (r *Router) subscribe(ctx context.Context, q pubsubRequest) (*stanza.Element, error) {
	req, err := q.subscribe()
	if err != nil {
		return nil, err
	}
	if q.op == "unsubscribe" {
		return nil, r.services.PubSub.Unsubscribe(ctx, req)
	}
	sub, err := r.services.PubSub.Subscribe(ctx, req)
	if err != nil {
		return nil, err
	}
	if sub.Node == "" {
		sub.Node = req.Node
	}
	if sub.JID == "" {
		sub.JID = req.JID
	}
	return stanza.New(stanza.NSPubSub, "pubsub").Add(sub.element()), nil
}

func (r *Router) create(ctx context.Context, q pubsubRequest) (*stanza.Element, error) {
	if r.services.Owner == nil {
		return nil, Unsupported("create-nodes")
	}
	name, err := r.services.Owner.Create(ctx, q.create())
	if err != nil {
		return nil, err
	}
	return pubsubPayload("create", name), nil
}

// configure shows or sets the configuration of a node, or shows the default.
func (r *Router) configure(ctx context.Context, q pubsubRequest, set bool) (*stanza.Element, error) {
	if set {
		req, ok, err := q.configure()
		if err != nil || !ok {
			return nil, err
		}
		return nil, r.services.Owner.Configure(ctx, req)
	}
	node := q.node
	if q.op == "default" {
		node.Node = ""
	}
	config, err := r.services.Owner.Config(ctx, node)
	if err != nil {
		return nil, err
	}
	el := stanza.New("", q.op).Set("node", node.Node).Add(config.Element())
	return stanza.New(stanza.NSPubSubOwner, "pubsub").Add(el), nil
}

// subscriptionList answers with subscriptions, page by page if asked to
// (XEP-0060 §8.8.1 allows RSM).
func (r *Router) subscriptionList(q pubsubRequest, subs []Subscription) (*stanza.Element, error) {
	entries := make([]entry, 0, len(subs))
	for _, s := range subs {
		if q.root.Space == stanza.NSPubSubOwner {
			s.Node = ""
		}
		entries = append(entries, newEntry(s.Node+"/"+string(s.JID)+"/"+s.SubID, s.element()))
	}
	return r.list(q, entries)
}

func (r *Router) affiliationList(q pubsubRequest, affs []Affiliation) (*stanza.Element, error) {
	entries := make([]entry, 0, len(affs))
	for _, a := range affs {
		el := stanza.New("", "affiliation")
		if q.root.Space == stanza.NSPubSubOwner {
			el.Set("jid", string(a.JID))
		} else {
			el.Set("node", a.Node)
		}
		entries = append(entries, newEntry(a.Node+"/"+string(a.JID), el.Set("affiliation", a.Affiliation)))
	}
	return r.list(q, entries)
}

func (r *Router) list(q pubsubRequest, entries []entry) (*stanza.Element, error) {
	page, err := parsePage(nil, q.root)
	if err != nil {
		return nil, err
	}
	list := stanza.New("", q.op).Set("node", q.node.Node)
	root := stanza.New(q.root.Space, "pubsub").Add(list)
	return root, answerList(list, root, entries, page, r.budget())
}

func (s Subscription) element() *stanza.Element {
	return stanza.New("", "subscription").Set("node", s.Node).Set("jid", string(s.JID)).
		Set("subscription", s.State).Set("subid", s.SubID)
}

// pubsubPayload is <pubsub/> with one operation on a node.
func pubsubPayload(op, node string, children ...*stanza.Element) *stanza.Element {
	return stanza.New(stanza.NSPubSub, "pubsub").Add(stanza.New("", op).Set("node", node).Add(children...))
}

package xmpp

import (
	"slices"
	"strings"

	"isthmus/xmpp/stanza"
)

// pubsubRequest is a parsed request: its operation, and all that any of the
// operations needs of it.
type pubsubRequest struct {
	op   string
	node NodeRequest
	el   *stanza.Element // the element of the operation
	root *stanza.Element // the element around it
}

// maxName bounds names of nodes and ids of items, so that an answer which
// echoes them always fits: three parts of an address, percent-encoded.
const maxName = 3 * 3 * 1023

// pubsubOps are the operations by payload namespace and type of the IQ, in the
// order in which they are looked for: what comes first may have what comes
// later as its companion (XEP-0060 §6.3.7, §8.1.3).
var pubsubOps = map[string]map[string][]string{
	stanza.NSPubSub: {
		"get": {"items", "subscriptions", "affiliations", "options", "default"},
		"set": {"publish", "retract", "subscribe", "unsubscribe", "create", "options"},
	},
	stanza.NSPubSubOwner: {
		"get": {"configure", "default", "subscriptions", "affiliations"},
		"set": {"configure", "delete", "purge", "subscriptions", "affiliations"},
	},
}

// nodeless are the operations that need no node.
var nodeless = []string{"subscriptions", "affiliations", "default", "create"}

// parsePubSub finds the operation of a request and its node.
func parsePubSub(iq IQ) (pubsubRequest, error) {
	root := iq.Payload
	r := pubsubRequest{root: root, node: NodeRequest{Request: iq.request()}}
	for _, op := range pubsubOps[root.Space][iq.Type] {
		el := root.Child("", op)
		switch {
		case el == nil:
		case r.el == nil:
			r.op, r.el = op, el
		case op != "options" || r.op != "subscribe":
			return r, stanza.NewError("bad-request", "more than one operation")
		}
	}
	if r.el == nil {
		return r, stanza.NewError("bad-request", "no operation that is known")
	}
	r.node.Node = r.el.Get("node")
	if len(r.node.Node) > maxName {
		return r, stanza.NewError("not-acceptable", "the name of the node is too long")
	}
	ownerList := root.Space == stanza.NSPubSubOwner && r.op != "default"
	if r.node.Node == "" && (ownerList || !slices.Contains(nodeless, r.op)) {
		return r, stanza.NewError("bad-request", "").PubSub("nodeid-required")
	}
	return r, nil
}

// request is what an IQ has in common with other requests.
func (iq IQ) request() Request {
	return Request{From: iq.From, To: iq.To, Lang: iq.Lang}
}

// items reads a request for items (XEP-0060 §6.5).
func (r pubsubRequest) items() (ItemsRequest, error) {
	page, err := parsePage(r.el, r.root)
	if err != nil {
		return ItemsRequest{}, err
	}
	if len(page.Cursor) > maxName || slices.ContainsFunc(page.IDs, func(id string) bool { return len(id) > maxName }) {
		return ItemsRequest{}, stanza.NewError("item-not-found", "")
	}
	return ItemsRequest{NodeRequest: r.node, Page: page, SubID: r.el.Get("subid")}, nil
}

// publish reads a publish of one item with one payload (XEP-0060 §7.1.3).
func (r pubsubRequest) publish() (PublishRequest, error) {
	q := PublishRequest{NodeRequest: r.node, Options: formIn(r.root.Child("", "publish-options"))}
	item, err := r.oneItem()
	if err != nil {
		return q, err
	}
	q.Item.ID = item.Get("id")
	for c := range item.Elements() {
		if q.Item.Payload != nil {
			return q, stanza.NewError("bad-request", "more than one payload").PubSub("invalid-payload")
		}
		q.Item.Payload = c
	}
	if q.Item.Payload == nil {
		return q, stanza.NewError("bad-request", "").PubSub("payload-required")
	}
	return q, nil
}

// retract reads the removal of an item (XEP-0060 §7.2).
func (r pubsubRequest) retract() (RetractRequest, error) {
	q := RetractRequest{NodeRequest: r.node}
	item, err := r.oneItem()
	if err != nil {
		return q, err
	}
	if q.ID = item.Get("id"); q.ID == "" {
		return q, stanza.NewError("bad-request", "").PubSub("item-required")
	}
	if v := r.el.Get("notify"); v != "" {
		var ok bool
		if q.Notify, ok = parseBool(v); !ok {
			return q, stanza.NewError("bad-request", "notify is not a boolean")
		}
	}
	return q, nil
}

func (r pubsubRequest) oneItem() (*stanza.Element, error) {
	var item *stanza.Element
	for c := range r.el.Children("", "item") {
		if item != nil {
			return nil, stanza.NewError("bad-request", "more than one item")
		}
		item = c
	}
	if item == nil {
		return nil, stanza.NewError("bad-request", "").PubSub("item-required")
	}
	if len(item.Get("id")) > maxName {
		return nil, stanza.NewError("not-acceptable", "the id of the item is too long")
	}
	return item, nil
}

// subscribe reads a subscribe or an unsubscribe. Nobody subscribes others
// (XEP-0060 §6.1.3.1).
func (r pubsubRequest) subscribe() (SubscribeRequest, error) {
	q := SubscribeRequest{
		NodeRequest: r.node, SubID: r.el.Get("subid"),
		Public:  r.el.Child(nsPublicSubs, "public") != nil,
		Options: formIn(r.root.Child("", "options")),
	}
	jid, from := stanza.JID(r.el.Get("jid")), r.node.From
	switch {
	case jid == from || sameJID(jid, from):
		q.JID = from
	case sameJID(jid, from.Bare()):
		q.JID = from.Bare()
	default:
		return q, InvalidJID()
	}
	return q, nil
}

// nsPublicSubs marks subscriptions that may be shown (XEP-0465).
const nsPublicSubs = "urn:xmpp:pps:0"

// sameJID compares an address that a client wrote to one that its server has
// prepared, which may have folded its case.
func sameJID(written, prepared stanza.JID) bool {
	return written.Resource() == prepared.Resource() &&
		strings.EqualFold(string(written.Bare()), string(prepared.Bare()))
}

// create reads a create with its optional configuration (XEP-0060 §8.1).
func (r pubsubRequest) create() ConfigRequest {
	return ConfigRequest{NodeRequest: r.node, Config: formIn(r.root.Child("", "configure"))}
}

// configure reads a submitted configuration; ok is false when the form was
// cancelled (XEP-0060 §8.2.5).
func (r pubsubRequest) configure() (q ConfigRequest, ok bool, err error) {
	q = ConfigRequest{NodeRequest: r.node, Config: formIn(r.el)}
	switch {
	case q.Config == nil:
		return q, false, stanza.NewError("bad-request", "no form")
	case q.Config.Type == FormCancel:
		return q, false, nil
	}
	return q, true, nil
}

package xmpp

import (
	"context"

	"isthmus/xmpp/stanza"
)

// PubSub is the pubsub service behind our addresses (XEP-0060, XEP-0163):
// Request.To is the service, so an actor's address or the domain.
type PubSub interface {
	Items(ctx context.Context, r ItemsRequest) (ItemsResult, error)
	// Publish returns the id of the item.
	Publish(ctx context.Context, r PublishRequest) (string, error)
	Retract(ctx context.Context, r RetractRequest) error
	Subscribe(ctx context.Context, r SubscribeRequest) (Subscription, error)
	Unsubscribe(ctx context.Context, r SubscribeRequest) error
	// Subscriptions and Affiliations are those of the requester; Node may be
	// empty for all nodes of the service.
	Subscriptions(ctx context.Context, r NodeRequest) ([]Subscription, error)
	Affiliations(ctx context.Context, r NodeRequest) ([]Affiliation, error)
}

// PubSubOwner is what owners of nodes may ask (XEP-0060 §8). It decides who
// that is, and answers others with forbidden.
type PubSubOwner interface {
	Subscribers(ctx context.Context, r NodeRequest) ([]Subscription, error)
	Affiliates(ctx context.Context, r NodeRequest) ([]Affiliation, error)
	// Config is the node's configuration form; without Node the default one.
	Config(ctx context.Context, r NodeRequest) (*Form, error)
	Configure(ctx context.Context, r ConfigRequest) error
	// Create returns the node's name, which it makes up when the request has none.
	Create(ctx context.Context, r ConfigRequest) (string, error)
	Delete(ctx context.Context, r NodeRequest) error
	Purge(ctx context.Context, r NodeRequest) error
}

// Item is an item of a node.
type Item struct {
	ID        string
	Publisher stanza.JID // bare or full, or "" when the service did not say
	Payload   *stanza.Element
}

// NeedsFetch is true for an item that came without its payload.
func (i Item) NeedsFetch() bool { return i.Payload == nil }

// NodeRequest is a request about a node.
type NodeRequest struct {
	Request
	Node string
}

// ItemsRequest asks for items of a node.
type ItemsRequest struct {
	NodeRequest
	Page  Page
	SubID string
}

// ItemsResult is a page of items, in the order of the walk that Page asked for.
type ItemsResult struct {
	Items []Item
	Count int // of all items that the requester could see; -1: not known
	Index int // how many of them come before the first in the order of the walk; -1: not known
}

// PublishRequest publishes an item. ID is empty when the service is to choose.
type PublishRequest struct {
	NodeRequest
	Item    Item  // without Publisher: that is Request.From
	Options *Form // publish-options, nil if none
}

// RetractRequest removes an item.
type RetractRequest struct {
	NodeRequest
	ID     string
	Notify bool
}

// SubscribeRequest subscribes or unsubscribes JID, which is the bare or the
// full address of the requester.
type SubscribeRequest struct {
	NodeRequest
	JID     stanza.JID
	SubID   string
	Public  bool // XEP-0465: the subscription may be shown
	Options *Form
}

// ConfigRequest creates or configures a node. Config is nil if none was given.
type ConfigRequest struct {
	NodeRequest
	Config *Form
}

// The states of subscriptions (XEP-0060 §4.2).
const (
	SubNone       = "none"
	SubPending    = "pending"
	SubSubscribed = "subscribed"
)

// Subscription is the relation of an address to a node.
type Subscription struct {
	Node  string
	JID   stanza.JID
	State string
	SubID string
}

// Affiliation is what an address may do at a node (XEP-0060 §4.1).
type Affiliation struct {
	Node        string
	JID         stanza.JID
	Affiliation string
}

// InvalidJID refuses a subscription for somebody else (XEP-0060 §6.1.3.1).
func InvalidJID() *stanza.Error { return stanza.NewError("bad-request", "").PubSub("invalid-jid") }

// NotSubscribed answers an unsubscribe of a stranger (XEP-0060 §6.2.3.2).
func NotSubscribed() *stanza.Error {
	e := stanza.NewError("unexpected-request", "").PubSub("not-subscribed")
	e.Type = "cancel"
	return e
}

// PayloadTooBig refuses a publish (XEP-0060 §7.1.3.4).
func PayloadTooBig() *stanza.Error {
	return stanza.NewError("not-acceptable", "").PubSub("payload-too-big")
}

// Unsupported refuses what needs a feature that the node lacks; feature is its
// name without namespace, such as "manage-subscriptions".
func Unsupported(feature string) *stanza.Error {
	e := stanza.NewError("feature-not-implemented", "").PubSub("unsupported")
	e.Ext.Set("feature", feature)
	return e
}

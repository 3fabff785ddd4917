package xmpp

import (
	"strconv"

	"isthmus/xmpp/stanza"
)

// ItemsQuery says which items to fetch from somebody else's node.
type ItemsQuery struct {
	MaxItems int      // max_items; 0: not said
	IDs      []string // just these
	Max      int      // RSM; 0: not said
	Before   *string  // RSM; "" for the last page
	After    *string  // RSM
}

// set is the <set/> of the query, nil if it needs none.
func (q ItemsQuery) set() *stanza.Element {
	if q.Max == 0 && q.Before == nil && q.After == nil {
		return nil
	}
	set := stanza.New(stanza.NSRSM, "set")
	if q.Max > 0 {
		set.Add(stanza.Text("", "max", strconv.Itoa(q.Max)))
	}
	if q.After != nil {
		set.Add(stanza.Text("", "after", *q.After))
	}
	if q.Before != nil {
		set.Add(stanza.Text("", "before", *q.Before))
	}
	return set
}

// ItemsIQ asks for items (XEP-0060 §6.5).
func ItemsIQ(from, to stanza.JID, node string, q ItemsQuery) *stanza.Element {
	items := stanza.New("", "items").Set("node", node)
	if q.MaxItems > 0 {
		items.Set("max_items", strconv.Itoa(q.MaxItems))
	}
	for _, id := range q.IDs {
		items.Add(stanza.New("", "item").Set("id", id))
	}
	return iqOf("get", from, to, stanza.New(stanza.NSPubSub, "pubsub").Add(items, q.set()))
}

// SubscribeIQ subscribes an address of ours (XEP-0060 §6.1).
func SubscribeIQ(from, to stanza.JID, node string, jid stanza.JID) *stanza.Element {
	payload := pubsubPayload("subscribe", node)
	payload.Child("", "subscribe").Set("jid", string(jid))
	return iqOf("set", from, to, payload)
}

// UnsubscribeIQ ends a subscription (XEP-0060 §6.2); subID may be empty.
func UnsubscribeIQ(from, to stanza.JID, node string, jid stanza.JID, subID string) *stanza.Element {
	payload := pubsubPayload("unsubscribe", node)
	payload.Child("", "unsubscribe").Set("jid", string(jid)).Set("subid", subID)
	return iqOf("set", from, to, payload)
}

// PublishIQ publishes an item (XEP-0060 §7.1); options may be nil.
func PublishIQ(from, to stanza.JID, node string, item Item, options *Form) *stanza.Element {
	// The service says who publishes, not we.
	item.Publisher = ""
	payload := pubsubPayload("publish", node, item.element())
	if options != nil {
		payload.Add(stanza.New("", "publish-options").Add(options.Element()))
	}
	return iqOf("set", from, to, payload)
}

// RetractIQ removes an item and has the subscribers told (XEP-0060 §7.2).
func RetractIQ(from, to stanza.JID, node, id string) *stanza.Element {
	payload := pubsubPayload("retract", node, stanza.New("", "item").Set("id", id))
	payload.Child("", "retract").Set("notify", "true")
	return iqOf("set", from, to, payload)
}

// CreateIQ creates a node (XEP-0060 §8.1); config may be nil.
func CreateIQ(from, to stanza.JID, node string, config *Form) *stanza.Element {
	payload := pubsubPayload("create", node)
	if config != nil {
		payload.Add(stanza.New("", "configure").Add(config.Element()))
	}
	return iqOf("set", from, to, payload)
}

// ConfigIQ asks for the configuration of a node (XEP-0060 §8.2).
func ConfigIQ(from, to stanza.JID, node string) *stanza.Element {
	return iqOf("get", from, to, ownerPayload("configure", node))
}

// ConfigureIQ sets the configuration of a node.
func ConfigureIQ(from, to stanza.JID, node string, config *Form) *stanza.Element {
	return iqOf("set", from, to, ownerPayload("configure", node, config.Element()))
}

// SubscriptionsIQ asks for our own subscriptions (XEP-0060 §5.6); node may be
// empty.
func SubscriptionsIQ(from, to stanza.JID, node string) *stanza.Element {
	return iqOf("get", from, to, pubsubPayload("subscriptions", node))
}

// AffiliationsIQ asks for our own affiliations (XEP-0060 §5.7); node may be
// empty.
func AffiliationsIQ(from, to stanza.JID, node string) *stanza.Element {
	return iqOf("get", from, to, pubsubPayload("affiliations", node))
}

// OwnersIQ asks for the affiliations of a node, as its owner (XEP-0060 §8.9).
func OwnersIQ(from, to stanza.JID, node string) *stanza.Element {
	return iqOf("get", from, to, ownerPayload("affiliations", node))
}

func ownerPayload(op, node string, children ...*stanza.Element) *stanza.Element {
	payload := pubsubPayload(op, node, children...)
	payload.Space = stanza.NSPubSubOwner
	return payload
}

// ParseItems reads the answer to ItemsIQ. The set is nil if the service does
// not page, as Prosody.
func ParseItems(payload *stanza.Element) ([]Item, *ResultSet, error) {
	list := payload.Child("", "items")
	if !payload.Is(stanza.NSPubSub, "pubsub") || list == nil {
		return nil, nil, errNoAnswer
	}
	var items []Item
	for c := range list.Children("", "item") {
		items = append(items, parseItem(c))
	}
	return items, ParseResultSet(payload.Child(stanza.NSRSM, "set")), nil
}

func parseItem(el *stanza.Element) Item {
	return Item{
		ID: el.Get("id"), Publisher: stanza.JID(el.Get("publisher")), Payload: el.Child("", ""),
	}
}

// ParseSubscription reads the answer to SubscribeIQ. A service that does not
// say the state has subscribed us (XEP-0060 §6.1.2).
func ParseSubscription(payload *stanza.Element) (Subscription, error) {
	if payload == nil {
		return Subscription{State: SubSubscribed}, nil
	}
	el := payload.Child("", "subscription")
	if !payload.Is(stanza.NSPubSub, "pubsub") || el == nil {
		return Subscription{}, errNoAnswer
	}
	s := parseSubscription(el)
	if s.State == "" {
		s.State = SubSubscribed
	}
	return s, nil
}

func parseSubscription(el *stanza.Element) Subscription {
	return Subscription{
		Node: el.Get("node"), JID: stanza.JID(el.Get("jid")),
		State: el.Get("subscription"), SubID: el.Get("subid"),
	}
}

// ParseSubscriptions reads the answer to SubscriptionsIQ.
func ParseSubscriptions(payload *stanza.Element) ([]Subscription, error) {
	list := payload.Child("", "subscriptions")
	if list == nil {
		return nil, errNoAnswer
	}
	var subs []Subscription
	for c := range list.Children("", "subscription") {
		s := parseSubscription(c)
		if s.Node == "" {
			s.Node = list.Get("node")
		}
		subs = append(subs, s)
	}
	return subs, nil
}

// ParseAffiliations reads the answer to AffiliationsIQ and OwnersIQ.
func ParseAffiliations(payload *stanza.Element) ([]Affiliation, error) {
	list := payload.Child("", "affiliations")
	if list == nil {
		return nil, errNoAnswer
	}
	var affs []Affiliation
	for c := range list.Children("", "affiliation") {
		a := Affiliation{Node: c.Get("node"), JID: stanza.JID(c.Get("jid")), Affiliation: c.Get("affiliation")}
		if a.Node == "" {
			a.Node = list.Get("node")
		}
		affs = append(affs, a)
	}
	return affs, nil
}

// ParsePublished reads the item id out of the answer to PublishIQ; "" if the
// service did not say it.
func ParsePublished(payload *stanza.Element) string {
	return payload.Child("", "publish").Child("", "item").Get("id")
}

// ParseConfig reads the answer to ConfigIQ.
func ParseConfig(payload *stanza.Element) (*Form, error) {
	if f := formIn(payload.Child("", "configure")); f != nil {
		return f, nil
	}
	return nil, errNoAnswer
}

package xmpp

import "isthmus/xmpp/stanza"

// ItemsQuery says which items to fetch from somebody else's node.
type ItemsQuery struct {
	MaxItems int      // max_items, 0: not said
	IDs      []string // just these
	Max      int      // RSM, 0: not said
	Before   *string  // RSM; "" for the last page
	After    *string  // RSM
}

// ItemsIQ asks for items.
func ItemsIQ(from, to stanza.JID, node string, q ItemsQuery) *stanza.Element { panic("body follows") }

// SubscribeIQ subscribes an address of ours.
func SubscribeIQ(from, to stanza.JID, node string, jid stanza.JID) *stanza.Element {
	panic("body follows")
}

// UnsubscribeIQ ends a subscription; subID may be empty.
func UnsubscribeIQ(from, to stanza.JID, node string, jid stanza.JID, subID string) *stanza.Element {
	panic("body follows")
}

// PublishIQ publishes an item; options may be nil.
func PublishIQ(from, to stanza.JID, node string, item Item, options *Form) *stanza.Element {
	panic("body follows")
}

// RetractIQ removes an item and has the subscribers told.
func RetractIQ(from, to stanza.JID, node, id string) *stanza.Element { panic("body follows") }

// CreateIQ creates a node; config may be nil.
func CreateIQ(from, to stanza.JID, node string, config *Form) *stanza.Element { panic("body follows") }

// ConfigIQ asks for the configuration of a node.
func ConfigIQ(from, to stanza.JID, node string) *stanza.Element { panic("body follows") }

// ConfigureIQ sets the configuration of a node.
func ConfigureIQ(from, to stanza.JID, node string, config *Form) *stanza.Element {
	panic("body follows")
}

// SubscriptionsIQ asks for our own subscriptions; node may be empty.
func SubscriptionsIQ(from, to stanza.JID, node string) *stanza.Element { panic("body follows") }

// AffiliationsIQ asks for our own affiliations; node may be empty.
func AffiliationsIQ(from, to stanza.JID, node string) *stanza.Element { panic("body follows") }

// ParseItems reads the answer to ItemsIQ. The set is nil if the service does
// not page (Prosody).
func ParseItems(payload *stanza.Element) (items []Item, set *ResultSet, err error) {
	panic("body follows")
}

// ParseSubscription reads the answer to SubscribeIQ. A service that answers
// without saying the state has subscribed us (XEP-0060 §6.1.2).
func ParseSubscription(payload *stanza.Element) (Subscription, error) { panic("body follows") }

// ParseSubscriptions reads the answer to SubscriptionsIQ.
func ParseSubscriptions(payload *stanza.Element) ([]Subscription, error) { panic("body follows") }

// ParseAffiliations reads the answer to AffiliationsIQ.
func ParseAffiliations(payload *stanza.Element) ([]Affiliation, error) { panic("body follows") }

// ParsePublished reads the item id out of the answer to PublishIQ; "" if the
// service did not say it.
func ParsePublished(payload *stanza.Element) string { panic("body follows") }

// ParseConfig reads the answer to ConfigIQ.
func ParseConfig(payload *stanza.Element) (*Form, error) { panic("body follows") }

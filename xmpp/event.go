package xmpp

import (
	"time"

	"isthmus/xmpp/stanza"
)

// Event is a pubsub notification (XEP-0060 §7, §8). Anyone can send one:
// whether Service may speak for Node is for the reader to check.
type Event struct {
	Request
	ID            string     // of the message
	Service       stanza.JID // the bare address it came from
	Node          string
	Items         []Item // NeedsFetch when the node does not deliver payloads
	Retracted     []string
	Purged        bool
	Deleted       bool
	Redirect      string // where a deleted node has gone, or ""
	Configured    bool
	Configuration *Form         // nil when the service only said that it changed
	Subscription  *Subscription // a change of our own subscription
	Delayed       time.Time     // zero when it is not late
}

// ParseEvent reads a notification; false if the message is none.
func ParseEvent(message *stanza.Element) (Event, bool) { panic("body follows") }

// EventItems is the <event/> of new or changed items. Its XML is kept, so that
// one can go into many messages.
func EventItems(node string, items ...Item) *stanza.Element { panic("body follows") }

// EventRetract is the <event/> of removed items.
func EventRetract(node string, ids ...string) *stanza.Element { panic("body follows") }

// EventDelete is the <event/> of a removed node; redirect may be empty.
func EventDelete(node, redirect string) *stanza.Element { panic("body follows") }

// EventPurge is the <event/> of a node that was emptied.
func EventPurge(node string) *stanza.Element { panic("body follows") }

// EventSubscription is the <event/> of a subscription whose state changed.
func EventSubscription(s Subscription) *stanza.Element { panic("body follows") }

// EventConfiguration is the <event/> of a node whose configuration changed.
func EventConfiguration(node string, config *Form) *stanza.Element { panic("body follows") }

// EventMessage is the notification that carries an event from a service, by
// its bare address, to a subscriber.
func EventMessage(from, to stanza.JID, id string, event *stanza.Element) *stanza.Element {
	panic("body follows")
}

// Delay is the mark of a late stanza (XEP-0203).
func Delay(from stanza.JID, stamp time.Time) *stanza.Element { panic("body follows") }

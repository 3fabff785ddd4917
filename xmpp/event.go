package xmpp

import (
	"strings"
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

// ParseEvent reads a notification; false if the message is none. Servers differ
// in what they say: the publisher may be missing, or have a resource, and
// payloads may stay behind.
func ParseEvent(message *stanza.Element) (Event, bool) {
	ev := message.Child(stanza.NSPubSubEvent, "event")
	if !message.Is("", "message") || ev == nil || message.Get("type") == "error" {
		return Event{}, false
	}
	e := Event{Request: requestOf(message), ID: message.Get("id"), Delayed: delayed(message)}
	e.Service = e.From.Bare()
	// One event is about one node; whatever names a second one is left out.
	for c := range ev.Elements() {
		node := c.Get("node")
		if e.Node == "" {
			e.Node = node
		}
		if node == e.Node {
			e.add(c)
		}
	}
	return e, true
}

// add reads one child of <event/> (XEP-0060 §7.1.2, §8).
func (e *Event) add(el *stanza.Element) {
	switch el.Name {
	case "items":
		for c := range el.Elements() {
			switch c.Name {
			case "item":
				e.Items = append(e.Items, parseItem(c))
			case "retract":
				e.Retracted = append(e.Retracted, c.Get("id"))
			}
		}
	case "purge":
		e.Purged = true
	case "delete":
		e.Deleted = true
		e.Redirect = el.Child("", "redirect").Get("uri")
	case "configuration":
		e.Configured = true
		e.Configuration = formIn(el)
	case "subscription":
		s := parseSubscription(el)
		e.Subscription = &s
	}
}

// requestOf are the addresses of a stanza.
func requestOf(el *stanza.Element) Request {
	return Request{From: stanza.JID(el.Get("from")), To: stanza.JID(el.Get("to")), Lang: el.Lang()}
}

// delayed is when a stanza was first sent, zero if it is not late (XEP-0203).
func delayed(el *stanza.Element) time.Time {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(el.Child(stanza.NSDelay, "delay").Get("stamp")))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// replayed tells whether a stanza was kept back by somebody else than its sender.
// Clients mark themselves, without a name, what was written while they were
// offline (Conversations, Dino).
func replayed(el *stanza.Element) bool {
	sender := stanza.JID(el.Get("from")).Bare()
	for c := range el.Children(stanza.NSDelay, "delay") {
		if by := stanza.JID(c.Get("from")); by != "" && by.Bare() != sender {
			return true
		}
	}
	return false
}

// eventOf is an <event/> about a node. Its XML is kept, so that one can go into
// many messages.
func eventOf(name, node string, children ...*stanza.Element) *stanza.Element {
	el := stanza.New("", name).Set("node", node).Add(children...)
	return stanza.Prerender(stanza.New(stanza.NSPubSubEvent, "event").Add(el))
}

// EventItems is the <event/> of new or changed items. Like those of the other
// events, its XML is kept, so that one can go into many messages.
func EventItems(node string, items ...Item) *stanza.Element {
	els := make([]*stanza.Element, len(items))
	for i, item := range items {
		els[i] = item.element()
	}
	return eventOf("items", node, els...)
}

// EventRetract is the <event/> of removed items.
func EventRetract(node string, ids ...string) *stanza.Element {
	els := make([]*stanza.Element, len(ids))
	for i, id := range ids {
		els[i] = stanza.New("", "retract").Set("id", id)
	}
	return eventOf("items", node, els...)
}

// EventDelete is the <event/> of a removed node; redirect may be empty.
func EventDelete(node, redirect string) *stanza.Element {
	if redirect == "" {
		return eventOf("delete", node)
	}
	return eventOf("delete", node, stanza.New("", "redirect").Set("uri", redirect))
}

// EventPurge is the <event/> of a node that was emptied.
func EventPurge(node string) *stanza.Element { return eventOf("purge", node) }

// EventSubscription is the <event/> of a subscription whose state changed.
func EventSubscription(s Subscription) *stanza.Element {
	return stanza.Prerender(stanza.New(stanza.NSPubSubEvent, "event").Add(s.element()))
}

// EventConfiguration is the <event/> of a node whose configuration changed;
// config may be nil.
func EventConfiguration(node string, config *Form) *stanza.Element {
	return eventOf("configuration", node, config.Element())
}

// EventMessage is the notification that carries an event from a service, by
// its bare address, to a subscriber (XEP-0163 §4.3).
func EventMessage(from, to stanza.JID, id string, event *stanza.Element) *stanza.Element {
	return stanza.New("", "message").Set("type", "headline").Set("id", id).
		Set("from", string(from.Bare())).Set("to", string(to)).Add(event)
}

// Delay is the mark of a late stanza (XEP-0203).
func Delay(from stanza.JID, stamp time.Time) *stanza.Element {
	return stanza.New(stanza.NSDelay, "delay").Set("from", string(from)).
		Set("stamp", stamp.UTC().Format(time.RFC3339))
}

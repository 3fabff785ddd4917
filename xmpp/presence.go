package xmpp

import (
	"time"

	"isthmus/xmpp/stanza"
)

// The types of presence (RFC 6121 §4.7.1).
const (
	Available    = ""
	Unavailable  = "unavailable"
	Subscribe    = "subscribe"
	Subscribed   = "subscribed"
	Unsubscribe  = "unsubscribe"
	Unsubscribed = "unsubscribed"
	Probe        = "probe"
)

// Presence is a presence, with what its extensions say.
type Presence struct {
	Request
	ID, Type     string
	Show, Status string
	Priority     int
	Nick         string // XEP-0172
	CapsNode     string // XEP-0115
	CapsVer      string
	CapsHash     string
	Photo        *string    // XEP-0153: SHA-1 of the avatar, "" for none; nil: not told
	OldJID       stanza.JID // XEP-0283
	Delayed      time.Time
	Error        *stanza.Error
	Raw          *stanza.Element // the stanza it was read from
}

// ParsePresence reads a presence.
func ParsePresence(el *stanza.Element) Presence { panic("body follows") }

// Element is the presence as XML.
func (p Presence) Element() *stanza.Element { panic("body follows") }

package xmpp

import "isthmus/xmpp/stanza"

// Caps are the capabilities that presences of ours announce (XEP-0115). All
// actors share one, so that servers ask for them once.
type Caps struct {
	Node string // a URI that names the software
	Info DiscoInfo
	ver  string
}

// NewCaps computes the verification string of info.
func NewCaps(node string, info DiscoInfo) *Caps { panic("body follows") }

// Ver is the verification string.
func (c *Caps) Ver() string { return c.ver }

// Element is the <c/> of a presence.
func (c *Caps) Element() *stanza.Element { panic("body follows") }

// NotifyFeatures are the +notify features by which the servers of our users
// send us what they publish (xmpp presence of a rostered gateway, XEP-0163 §4).
func NotifyFeatures() []string { panic("body follows") }

// PresenceWithCaps announces one of our addresses. photo is the SHA-1 of its
// avatar, "" if it has none (XEP-0153).
func PresenceWithCaps(from, to stanza.JID, c *Caps, photo string) *stanza.Element {
	panic("body follows")
}

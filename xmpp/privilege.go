package xmpp

import (
	"strings"

	"isthmus/xmpp/stanza"
)

// The namespaces of XEP-0356, of today and of ejabberd before 24.10, and of
// XEP-0297.
const (
	nsPrivilege    = "urn:xmpp:privilege:2"
	nsPrivilegeOld = "urn:xmpp:privilege:1"
	nsForward      = "urn:xmpp:forward:0"
)

// Privileges are what a server lets us do for its users. They come after the
// handshake and again whenever they change (XEP-0356 §4).
type Privileges struct {
	Namespace                 string
	Roster, Message, Presence string            // "" and none: nothing
	IQ                        map[string]string // by payload namespace: get, set or both
}

// MayIQ tells whether we may send such an IQ in the name of a user.
func (p Privileges) MayIQ(namespace, kind string) bool {
	may := p.IQ[namespace]
	return may == "both" || may != "" && may == kind
}

// ParsePrivileges reads an announcement of privileges; false if the message is
// none. That it comes from a server's own domain is for the reader to check.
func ParsePrivileges(message *stanza.Element) (Privileges, bool) {
	for _, ns := range []string{nsPrivilege, nsPrivilegeOld} {
		el := message.Child(ns, "privilege")
		if el == nil || el.Child(nsForward, "forwarded") != nil {
			continue
		}
		p := Privileges{Namespace: ns, IQ: make(map[string]string)}
		for c := range el.Children("", "perm") {
			kind := c.Get("type")
			switch c.Get("access") {
			case "roster":
				p.Roster = kind
			case "message":
				p.Message = kind
			case "presence":
				p.Presence = kind
			case "iq":
				p.addNamespaces(c)
			}
		}
		return p, true
	}
	return Privileges{}, false
}

// addNamespaces walks all descendants: Prosody's module forgets to close an
// element, so that the second namespace is inside the first.
func (p Privileges) addNamespaces(el *stanza.Element) {
	for c := range el.Children("", "namespace") {
		if ns := c.Get("ns"); ns != "" {
			p.IQ[ns] = c.Get("type")
		}
		p.addNamespaces(c)
	}
}

// PrivilegedIQ wraps a request, made with owner as its sender, so that the
// owner's server sends it in the owner's name (XEP-0356 §7). from is our
// domain.
func PrivilegedIQ(from stanza.JID, iq *stanza.Element) *stanza.Element {
	inner := *iq
	inner.Space = stanza.NSClient
	inner.Attrs = append([]stanza.Attr(nil), iq.Attrs...)
	inner.Set("id", "privileged")
	owner := stanza.JID(iq.Get("from")).Bare()
	return iqOf(iq.Get("type"), from, owner, stanza.New(nsPrivilege, "privileged_iq").Add(&inner))
}

// ParsePrivileged unwraps the answer to PrivilegedIQ: the payload of the
// result, nil if it is empty, or a *stanza.Error.
func ParsePrivileged(payload *stanza.Element) (*stanza.Element, error) {
	inner := payload.Child(nsForward, "forwarded").Child("", "iq")
	switch {
	case !payload.Is(nsPrivilege, "privilege") || inner == nil:
		return nil, errNoAnswer
	case inner.Get("type") == "error":
		return nil, stanza.ParseError(inner)
	}
	return inner.Child("", ""), nil
}

// PrivilegedMessage wraps a message, made with its user as sender, so that the
// user's server sends it in the user's name (XEP-0356 §6). from is our domain.
func (p Privileges) PrivilegedMessage(from stanza.JID, message *stanza.Element) *stanza.Element {
	inner := *message
	inner.Space = stanza.NSClient
	server := stanza.JID(message.Get("from")).Domain()
	return stanza.New("", "message").Set("from", string(from)).Set("to", strings.ToLower(server)).
		Add(stanza.New(p.Namespace, "privilege").Add(stanza.New(nsForward, "forwarded").Add(&inner)))
}

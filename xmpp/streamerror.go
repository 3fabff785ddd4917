package xmpp

import (
	"errors"
	"net"

	"isthmus/xmpp/stanza"
)

// StreamError is why the server closed the stream (RFC 6120 §4.9).
type StreamError struct {
	Condition string
	Text      string
}

func (e *StreamError) Error() string {
	s := "the XMPP server closed the stream: " + e.Condition
	if e.Text != "" {
		s += " (" + e.Text + ")"
	}
	return s
}

// Remedy is what the operator can do about it, or "".
func (e *StreamError) Remedy() string {
	switch e.Condition {
	case "not-authorized": // ejabberd says so of an unknown component, too
		return "make xmpp.component and xmpp.secret the name and the secret of the component in the server's configuration"
	case "host-unknown":
		return "add the component to the server's configuration, under the name in xmpp.component"
	case "invalid-namespace":
		return "make xmpp.server the server's port for components, often 5347, not the one for clients"
	case "conflict":
		return "end the other program that is connected as this component"
	case "invalid-from", "improper-addressing", "not-well-formed", "invalid-xml", "restricted-xml", "bad-format", "policy-violation", "undefined-condition":
		return "please report this as a bug, with the server's log of this moment"
	}
	return ""
}

// needsOperator tells whether the server is going to say the same soon again.
func (e *StreamError) needsOperator() bool {
	switch e.Condition {
	case "not-authorized", "host-unknown", "invalid-namespace", "conflict":
		return true
	}
	return false
}

// remedy is what the operator can do about a link that failed, or "".
func remedy(err error) string {
	var closed *StreamError
	var dial *net.OpError
	switch {
	case errors.As(err, &closed):
		return closed.Remedy()
	case errors.As(err, &dial) && dial.Op == "dial":
		return "start the XMPP server, or make xmpp.server the address of its port for components"
	}
	return ""
}

// parseStreamError reads a <stream:error/>.
func parseStreamError(el *stanza.Element) *StreamError {
	e := &StreamError{Condition: "undefined-condition"}
	for c := range el.Elements() {
		switch {
		case c.Space != stanza.NSStreamErrors:
		case c.Name == "text":
			e.Text = c.Content()
		default:
			e.Condition = c.Name
		}
	}
	return e
}

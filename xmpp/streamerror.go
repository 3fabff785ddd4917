package xmpp

import "isthmus/xmpp/stanza"

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
	case "not-authorized":
		return "set xmpp.secret to the component's secret in the server's configuration"
	case "host-unknown":
		return "add the component to the server's configuration, under the name in xmpp.component"
	case "conflict":
		return "end the other program that is connected as this component"
	case "invalid-from", "improper-addressing", "not-well-formed", "invalid-xml", "restricted-xml", "bad-format", "policy-violation", "undefined-condition":
		return "please report this as a bug, with the server's log of this moment"
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

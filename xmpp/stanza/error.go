package stanza

import "errors"

// Error is a stanza error (RFC 6120 §8.3).
type Error struct {
	Type      string // cancel, continue, modify, auth or wait
	Condition string // a defined condition, such as item-not-found
	Text      string // for people; may be empty
	To        string // of redirect and gone: the URI that replaces the address (RFC 6120 §8.3.3.5, §8.3.3.14)
	Ext       *Element
}

// conditions maps each defined condition to its usual type (RFC 6120 §8.3.3).
var conditions = map[string]string{
	"bad-request": "modify", "conflict": "cancel", "feature-not-implemented": "cancel",
	"forbidden": "auth", "gone": "cancel", "internal-server-error": "cancel",
	"item-not-found": "cancel", "jid-malformed": "modify", "not-acceptable": "modify",
	"not-allowed": "cancel", "not-authorized": "auth", "policy-violation": "modify",
	"recipient-unavailable": "wait", "redirect": "modify", "registration-required": "auth",
	"remote-server-not-found": "cancel", "remote-server-timeout": "wait",
	"resource-constraint": "wait", "service-unavailable": "cancel",
	"subscription-required": "auth", "undefined-condition": "cancel", "unexpected-request": "wait",
}

// NewError makes an error of a condition's usual type.
func NewError(condition, text string) *Error {
	t, ok := conditions[condition]
	if !ok {
		condition, t = "undefined-condition", "cancel"
	}
	return &Error{Type: t, Condition: condition, Text: text}
}

// With adds an application-specific condition and returns the error.
func (e *Error) With(space, name string) *Error {
	e.Ext = New(space, name)
	return e
}

// PubSub adds a condition of XEP-0060's own namespace and returns the error.
func (e *Error) PubSub(name string) *Error {
	return e.With(NSPubSubErrors, name)
}

func (e *Error) Error() string {
	s := e.Condition
	if e.Ext != nil {
		s += " (" + e.Ext.Name + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Element is the <error/> child of an error stanza.
func (e *Error) Element() *Element {
	el := New("", "error").Set("type", e.Type)
	if e.To != "" {
		el.Add(Text(NSStanzaErrors, e.Condition, e.To))
	} else {
		el.Add(New(NSStanzaErrors, e.Condition))
	}
	if e.Text != "" {
		el.Add(Text(NSStanzaErrors, "text", e.Text))
	}
	return el.Add(e.Ext)
}

// ParseError reads the <error/> child of an error stanza. A stanza without one
// gives undefined-condition.
func ParseError(stanza *Element) *Error {
	el := stanza.Child("", "error")
	e := &Error{Type: el.Get("type"), Condition: "undefined-condition"}
	for c := range el.Elements() {
		switch {
		case c.Space == NSStanzaErrors && c.Name == "text":
			e.Text = c.Content()
		case c.Space == NSStanzaErrors:
			e.Condition, e.To = c.Name, c.Content()
		case e.Ext == nil:
			e.Ext = c
		}
	}
	return e
}

// IsCondition tells whether err is a stanza error of that condition.
func IsCondition(err error, condition string) bool {
	var e *Error
	return errors.As(err, &e) && e.Condition == condition
}

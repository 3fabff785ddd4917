// Package stanza holds XMPP stanzas as trees of elements: parsed from frames
// of foreign bytes within limits, and written so that no content can make the
// XML ill-formed (RFC 6120 §11, XEP-0114).
package stanza

import (
	"iter"
	"strings"
)

// Attr is an attribute. Space is empty, or the namespace of a prefixed
// attribute; NSXML is the only such namespace that is ever written.
type Attr struct {
	Space, Name, Value string
}

// Node is a child of an element: an element, or text when El is nil.
type Node struct {
	El   *Element
	Text string
}

// Element is an XML element. An element without Space is in the namespace of
// the element around it.
type Element struct {
	Space, Name string
	Attrs       []Attr
	Nodes       []Node

	// rendered is the XML of the whole element, kept by Prerender.
	rendered []byte
}

// New makes an element of a namespace.
func New(space, name string) *Element {
	return &Element{Space: space, Name: name}
}

// Text makes an element that holds text.
func Text(space, name, text string) *Element {
	return New(space, name).AddText(text)
}

// Set sets an attribute without namespace and returns the element. An empty
// value removes the attribute.
func (e *Element) Set(name, value string) *Element {
	return e.set("", name, value)
}

// SetLang sets xml:lang and returns the element; an empty tag removes it.
func (e *Element) SetLang(tag string) *Element {
	return e.set(NSXML, "lang", tag)
}

func (e *Element) set(space, name, value string) *Element {
	e.rendered = nil
	for i, a := range e.Attrs {
		if a.Space == space && a.Name == name {
			if value == "" {
				e.Attrs = append(e.Attrs[:i], e.Attrs[i+1:]...)
			} else {
				e.Attrs[i].Value = value
			}
			return e
		}
	}
	if value != "" {
		e.Attrs = append(e.Attrs, Attr{Space: space, Name: name, Value: value})
	}
	return e
}

// Get returns the value of an attribute without namespace, or "".
func (e *Element) Get(name string) string {
	return e.get("", name)
}

// Lang returns the element's own xml:lang, or "".
func (e *Element) Lang() string {
	return e.get(NSXML, "lang")
}

func (e *Element) get(space, name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.Attrs {
		if a.Space == space && a.Name == name {
			return a.Value
		}
	}
	return ""
}

// Add appends children, leaving out nil ones, and returns the element.
func (e *Element) Add(children ...*Element) *Element {
	e.rendered = nil
	for _, c := range children {
		if c != nil {
			e.Nodes = append(e.Nodes, Node{El: c})
		}
	}
	return e
}

// AddText appends text and returns the element.
func (e *Element) AddText(text string) *Element {
	if text != "" {
		e.rendered = nil
		e.Nodes = append(e.Nodes, Node{Text: text})
	}
	return e
}

// Elements are the child elements in order.
func (e *Element) Elements() iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		if e == nil {
			return
		}
		for _, n := range e.Nodes {
			if n.El != nil && !yield(n.El) {
				return
			}
		}
	}
}

// Child is the first child element of that name, or nil. An empty space or
// name matches any.
func (e *Element) Child(space, name string) *Element {
	for c := range e.Elements() {
		if c.Is(space, name) {
			return c
		}
	}
	return nil
}

// Children are the child elements of that name; empty space or name match any.
func (e *Element) Children(space, name string) iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		for c := range e.Elements() {
			if c.Is(space, name) && !yield(c) {
				return
			}
		}
	}
}

// Is tells whether the element has that name; empty space or name match any.
func (e *Element) Is(space, name string) bool {
	return e != nil && (space == "" || e.Space == space) && (name == "" || e.Name == name)
}

// Content is the text directly inside the element, joined.
func (e *Element) Content() string {
	if e == nil {
		return ""
	}
	if len(e.Nodes) == 1 {
		return e.Nodes[0].Text
	}
	var b strings.Builder
	for _, n := range e.Nodes {
		b.WriteString(n.Text)
	}
	return b.String()
}

// ChildContent is the text of the first child of that name, or "".
func (e *Element) ChildContent(space, name string) string {
	return e.Child(space, name).Content()
}

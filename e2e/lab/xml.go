package lab

import (
	"encoding/xml"
	"fmt"
	"strings"

	"isthmus/xmpp/stanza"
)

// Namespaces that clients in tests speak.
const (
	nsClient  = "jabber:client"
	nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsPubSub  = "http://jabber.org/protocol/pubsub"
	nsOwner   = "http://jabber.org/protocol/pubsub#owner"
	nsEvent   = "http://jabber.org/protocol/pubsub#event"
	nsOptions = "http://jabber.org/protocol/pubsub#publish-options"
	nsConfig  = "http://jabber.org/protocol/pubsub#node_config"
	nsRSM     = "http://jabber.org/protocol/rsm"
	nsData    = "jabber:x:data"
	nsCommand = "http://jabber.org/protocol/commands"
	nsInfo    = "http://jabber.org/protocol/disco#info"
	nsItems   = "http://jabber.org/protocol/disco#items"
	nsCaps    = "http://jabber.org/protocol/caps"
)

// Names of nodes and namespaces that the tests' own text uses.
const (
	NSAtom    = "http://www.w3.org/2005/Atom"
	NSThread  = "http://purl.org/syndication/thread/1.0"
	Microblog = "urn:xmpp:microblog:0"
	Comments  = "urn:xmpp:microblog:0:comments/"
)

// Node is an element that arrived, as a tree.
type Node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []*Node    `xml:",any"`
	Text    string     `xml:",chardata"`
}

// Attr is the value of an attribute, or "".
func (n *Node) Attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n *Node) setAttr(name, value string) {
	for i, a := range n.Attrs {
		if a.Name.Local == name && a.Name.Space == "" {
			n.Attrs[i].Value = value
			return
		}
	}
	n.Attrs = append(n.Attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
}

// Is tells whether the element has that name; an empty space matches any.
func (n *Node) Is(space, name string) bool {
	return n != nil && n.XMLName.Local == name && (space == "" || n.XMLName.Space == space)
}

// Find is the first element of that name inside, at any depth, or nil.
func (n *Node) Find(space, name string) *Node {
	if all := n.All(space, name); len(all) > 0 {
		return all[0]
	}
	return nil
}

// All are the elements of that name inside, at any depth, in document order.
func (n *Node) All(space, name string) []*Node {
	if n == nil {
		return nil
	}
	var all []*Node
	for _, c := range n.Nodes {
		if c.Is(space, name) {
			all = append(all, c)
		}
		all = append(all, c.All(space, name)...)
	}
	return all
}

// Body is the text of the first element of that name inside, without the space
// around it.
func (n *Node) Body(space, name string) string {
	found := n.Find(space, name)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(found.Content())
}

// Content is all text inside, at any depth.
func (n *Node) Content() string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(n.Text)
	for _, c := range n.Nodes {
		b.WriteString(c.Content())
	}
	return b.String()
}

// element is the same for the gateway's own readers. Where text and elements
// take turns, the text comes first.
func (n *Node) element() *stanza.Element {
	el := stanza.New(n.XMLName.Space, n.XMLName.Local)
	for _, a := range n.Attrs {
		if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
			el.Set(a.Name.Local, a.Value)
		}
	}
	el.AddText(n.Text)
	for _, c := range n.Nodes {
		el.Add(c.element())
	}
	return el
}

// String writes the element for reports; it is no XML for machines.
func (n *Node) String() string {
	if n == nil {
		return "nothing"
	}
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *Node) write(b *strings.Builder) {
	fmt.Fprintf(b, "<%s", n.XMLName.Local)
	for _, a := range n.Attrs {
		fmt.Fprintf(b, " %s='%s'", a.Name.Local, Escape(a.Value))
	}
	b.WriteString(">" + Escape(strings.TrimSpace(n.Text)))
	for _, c := range n.Nodes {
		c.write(b)
	}
	fmt.Fprintf(b, "</%s>", n.XMLName.Local)
}

// Escape makes text safe inside an element or an attribute.
func Escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

// StanzaError is an answer of type error.
type StanzaError struct {
	Type, Condition, Text string
	// App is the name of the more precise condition, if any.
	App string
}

func (e *StanzaError) Error() string {
	s := e.Condition
	if e.App != "" {
		s += " (" + e.App + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// stanzaError reads the error of a stanza, or nil.
func stanzaError(n *Node) error {
	if n.Attr("type") != "error" {
		return nil
	}
	e := &StanzaError{Condition: "undefined-condition"}
	el := n.Find("", "error")
	if el == nil {
		return e
	}
	e.Type = el.Attr("type")
	for _, c := range el.Nodes {
		switch {
		case c.Is(nsStanzas, "text"):
			e.Text = strings.TrimSpace(c.Text)
		case c.XMLName.Space == nsStanzas:
			e.Condition = c.XMLName.Local
		default:
			e.App = c.XMLName.Local
		}
	}
	return e
}

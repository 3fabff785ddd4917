package xmpp

import (
	"strconv"
	"strings"
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

// nsMoved is XEP-0283.
const nsMoved = "urn:xmpp:moved:1"

// ParsePresence reads a presence.
func ParsePresence(el *stanza.Element) Presence {
	p := Presence{
		Request: requestOf(el), ID: el.Get("id"), Type: el.Get("type"), Raw: el,
		Show: strings.TrimSpace(own(el, "show").Content()), Status: own(el, "status").Content(),
		Nick:    el.ChildContent(stanza.NSNick, "nick"),
		OldJID:  stanza.JID(el.Child(nsMoved, "moved").ChildContent("", "old-jid")),
		Delayed: delayed(el),
	}
	// RFC 6121 §4.7.2.3: from -128 to 127.
	if n, err := strconv.ParseInt(strings.TrimSpace(own(el, "priority").Content()), 10, 8); err == nil {
		p.Priority = int(n)
	}
	if c := el.Child(stanza.NSCaps, "c"); c != nil {
		p.CapsNode, p.CapsVer, p.CapsHash = c.Get("node"), c.Get("ver"), c.Get("hash")
	}
	if photo := el.Child(stanza.NSVCardUpdate, "x").Child("", "photo"); photo != nil {
		hash := strings.TrimSpace(photo.Content())
		p.Photo = &hash
	}
	if p.Type == "error" {
		p.Error = stanza.ParseError(el)
	}
	return p
}

// own is the first child of that name in the namespace of the stanza itself.
func own(el *stanza.Element, name string) *stanza.Element {
	for c := range el.Children("", name) {
		if c.Space == "" || c.Space == el.Space {
			return c
		}
	}
	return nil
}

// Element is the presence as XML.
func (p Presence) Element() *stanza.Element {
	el := stanza.New("", "presence").Set("type", p.Type).Set("id", p.ID).
		Set("from", string(p.From)).Set("to", string(p.To)).SetLang(p.Lang)
	addText(el, "show", p.Show)
	addText(el, "status", p.Status)
	if p.Priority != 0 {
		addText(el, "priority", strconv.Itoa(p.Priority))
	}
	if p.Nick != "" {
		el.Add(stanza.Text(stanza.NSNick, "nick", p.Nick))
	}
	if p.CapsVer != "" {
		el.Add(stanza.New(stanza.NSCaps, "c").Set("hash", p.CapsHash).Set("node", p.CapsNode).Set("ver", p.CapsVer))
	}
	if p.Photo != nil {
		el.Add(stanza.New(stanza.NSVCardUpdate, "x").Add(stanza.Text("", "photo", *p.Photo)))
	}
	if p.OldJID != "" {
		el.Add(stanza.New(nsMoved, "moved").Add(stanza.Text("", "old-jid", string(p.OldJID))))
	}
	if !p.Delayed.IsZero() {
		el.Add(Delay("", p.Delayed))
	}
	if p.Error != nil {
		el.Add(p.Error.Element())
	}
	return el
}

// addText adds a child that holds text, unless the text is empty.
func addText(el *stanza.Element, name, text string) {
	if text != "" {
		el.Add(stanza.Text("", name, text))
	}
}

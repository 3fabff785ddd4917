package xmpp

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"isthmus/xmpp/stanza"
)

// retractText is the body of a retraction for clients that do not know it, when
// the writer gives none.
const retractText = "(The sender took back a message.)"

// Element is the message as XML. Its text is Text, or Body when Text is empty;
// quoted lines, and the marks of what is there only for some clients, are
// added. A message of one file without text has the URL as its text, which is
// how most clients send and show files.
func (m Message) Element() *stanza.Element {
	el := stanza.New("", "message").Set("type", m.Type).Set("id", m.ID).
		Set("from", string(m.From)).Set("to", string(m.To)).SetLang(m.Lang)
	addText(el, "subject", m.Subject)
	text := m.Text
	if text == "" {
		text = m.Body
	}
	quote := m.Reply.quote()
	lone := text == "" && len(m.Files) == 1
	switch {
	case m.Retracts != "" && text == "":
		text = retractText
	case lone:
		text = m.Files[0].URL
	}
	addText(el, "body", quote+text)
	addText(el, "thread", m.Thread)
	m.addIDs(el)
	m.addRelations(el, utf8.RuneCountInString(quote))
	for _, f := range m.Files {
		el.Add(f.element())
	}
	if lone {
		el.Add(stanza.New(stanza.NSOOB, "x").Add(stanza.Text("", "url", m.Files[0].URL)))
		el.Add(fallback(stanza.NSSFS, 0))
	}
	m.addMarks(el)
	return el
}

// addIDs adds what names the message and its sender. Ids of archives are not
// written: they are for the archives to give (XEP-0359 §3.2).
func (m Message) addIDs(el *stanza.Element) {
	if m.OriginID != "" {
		el.Add(stanza.New(stanza.NSStanzaID, "origin-id").Set("id", m.OriginID))
	}
	if m.Nick != "" {
		el.Add(stanza.Text(stanza.NSNick, "nick", m.Nick))
	}
}

// addRelations adds what the message has to do with others. shift is how far
// the quoted lines move the text.
func (m Message) addRelations(el *stanza.Element, shift int) {
	if m.Replaces != "" {
		el.Add(stanza.New(stanza.NSCorrect, "replace").Set("id", m.Replaces))
	}
	if m.Retracts != "" {
		el.Add(stanza.New(stanza.NSRetract, "retract").Set("id", m.Retracts), fallback(stanza.NSRetract, 0))
	}
	if m.Reply != nil {
		el.Add(stanza.New(stanza.NSReply, "reply").Set("to", string(m.Reply.To)).Set("id", m.Reply.ID))
		if shift > 0 {
			el.Add(fallback(stanza.NSReply, shift))
		}
	}
	if m.Reactions != nil {
		r := stanza.New(stanza.NSReactions, "reactions").Set("id", m.Reactions.ID)
		for _, s := range m.Reactions.Emoji {
			r.Add(stanza.Text("", "reaction", s))
		}
		el.Add(r)
	}
	for _, x := range m.Mentions {
		ref := stanza.New(stanza.NSReference, "reference").Set("type", "mention").Set("uri", x.URI)
		if x.End > x.Begin {
			ref.Set("begin", strconv.Itoa(x.Begin+shift)).Set("end", strconv.Itoa(x.End+shift))
		}
		el.Add(ref)
	}
}

// addMarks adds what tells servers and clients how to treat the message.
func (m Message) addMarks(el *stanza.Element) {
	if m.Spoiler != nil {
		el.Add(stanza.Text(stanza.NSSpoiler, "spoiler", *m.Spoiler))
	}
	if m.ReceiptRequest {
		el.Add(stanza.New(stanza.NSReceipts, "request"))
	}
	if m.Received != "" {
		el.Add(stanza.New(stanza.NSReceipts, "received").Set("id", m.Received))
	}
	hints := m.Hints
	// Archives keep what has a body; these two must be kept without one.
	if (m.Retracts != "" || m.Reactions != nil) && !slices.Contains(hints, "no-store") && !slices.Contains(hints, "store") {
		hints = append(slices.Clone(hints), "store")
	}
	for _, h := range hints {
		el.Add(stanza.New(stanza.NSHints, h))
	}
	if !m.Delayed.IsZero() {
		el.Add(Delay("", m.Delayed))
	}
	el.Add(m.Form.Element())
	if m.Error != nil {
		el.Add(m.Error.Element())
	}
}

// element is the file as XEP-0447 and XEP-0446 describe it.
func (f File) element() *stanza.Element {
	meta := stanza.New(stanza.NSFileMeta, "file")
	addText(meta, "media-type", f.MediaType)
	addText(meta, "name", f.Name)
	for _, x := range []struct {
		name string
		n    int64
	}{{"size", f.Size}, {"width", int64(f.Width)}, {"height", int64(f.Height)}} {
		if x.n > 0 {
			addText(meta, x.name, strconv.FormatInt(x.n, 10))
		}
	}
	addText(meta, "desc", f.Desc)
	source := stanza.New(nsURLData, "url-data").Set("target", f.URL)
	return stanza.New(stanza.NSSFS, "file-sharing").Set("disposition", "inline").
		Add(meta, stanza.New("", "sources").Add(source))
}

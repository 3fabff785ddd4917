package translate

import (
	"cmp"
	"strings"

	"isthmus/xmpp/stanza"
)

// links writes the links (rules 6-8).
func (w *atomWriter) links() {
	l, p := w.l, w.p
	if l.Page != "" {
		w.link("alternate", l.Page).Set("type", "text/html")
	}
	if l.Item.ID != "" {
		w.link("alternate", PubSubURI(l.Item.Service, l.Item.Node, l.Item.ID))
	}
	if l.Comments != "" && !l.Comment {
		w.link("replies", l.Comments).Set("title", "comments")
	}
	if l.InReplyTo != "" || p.ReplyTo != "" {
		ref := cmp.Or(p.ReplyTo, l.InReplyTo)
		w.entry.Add(stanza.New(stanza.NSThread, "in-reply-to").Set("ref", ref).Set("href", cmp.Or(l.InReplyTo, ref)))
	}
	switch {
	case l.Via != "":
		w.link("via", l.Via).Set("ref", p.Boost)
	case p.Boost != "":
		w.link("via", p.Boost)
	}
	for _, m := range p.Media {
		w.enclosure(m)
	}
	for _, c := range p.Links {
		w.link("related", c.URL).Set("title", c.Title).Set("type", c.MediaType)
	}
}

// link adds a link.
func (w *atomWriter) link(rel, href string) *stanza.Element {
	el := stanza.New("", "link").Set("rel", rel).Set("href", href)
	w.entry.Add(el)
	return el
}

// enclosure adds an attached file. Movim shows none without a type.
func (w *atomWriter) enclosure(m Media) {
	el := w.link("enclosure", m.URL).Set("type", cmp.Or(m.MediaType, "application/octet-stream")).Set("title", m.Alt).
		Set("length", number(m.Size)).Set("width", number(int64(m.Width))).Set("height", number(int64(m.Height)))
	if m.Blurhash != "" || m.Duration != "" {
		m.Alt = "" // the link says it
		el.Add(fileElement(m))
	}
}

// categories writes hashtags in lower case, as they were written in the label,
// and what makes Movim blur (rule 9).
func (w *atomWriter) categories() {
	for _, t := range w.p.Tags {
		c := stanza.New("", "category").Set("term", strings.ToLower(t))
		if t != strings.ToLower(t) || strings.EqualFold(t, nsfw) {
			c.Set("label", "#"+t)
		}
		w.entry.Add(c)
	}
	if w.p.Sensitive || w.p.Warning != "" {
		w.entry.Add(stanza.New("", "category").Set("term", nsfw).Set("label", w.p.Warning))
	}
}

// references names those whom a post mentions (XEP-0372).
func (w *atomWriter) references() {
	for _, m := range w.p.Mentions {
		uri := m.URI
		if m.JID != "" {
			uri = JIDURI(m.JID)
		}
		if uri != "" {
			w.entry.Add(stanza.New(stanza.NSReference, "reference").Set("type", "mention").Set("uri", uri))
		}
	}
}

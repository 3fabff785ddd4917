package translate

import (
	"cmp"
	"strings"
	"time"

	"isthmus/xmpp/stanza"
)

// AtomLinks is what an Atom entry says of its surroundings. What is empty is
// left out. URIs are finished by the caller.
type AtomLinks struct {
	Item      Item   // where the entry is published
	AuthorJID string // bare; equal to the item's publisher except in a boost
	Comments  string // xmpp: URI of the comments node; empty in comments
	InReplyTo string // xmpp: URI of the parent, as InReplyToURI writes it
	Via       string // xmpp: URI of what a boost repeats
	Page      string // https page; empty for anything narrower than public
	Comment   bool   // the entry goes into a comments node
	Budget    int    // greatest size of the entry in bytes; 0: AtomBudget
}

// AtomBudget is the size of entries in our own service: an Article's 160 KiB
// with what surrounds it, in a stanza of 192 KiB.
const AtomBudget = 184 << 10

const (
	nsfw       = "nsfw" // the category by which Movim blurs
	warningSep = ": "   // between a content warning and a title
	shortTitle = 500    // characters of a post that is its title
	maxNote    = 1000   // characters of a titled post that is a Note
	maxName    = 200    // characters of a display name
)

// Atom writes a post as an entry of XEP-0277 and XEP-0472 that Movim, Converse
// and Libervia show well (xmpp.md 1.4). An entry over its budget keeps as much
// as possible: first the second copy of the text goes, then long descriptions,
// then the markup with a link to the whole, then all that is not text, and at
// last the end of the text. What the entry holds must not be changed.
func Atom(p Post, l AtomLinks) *stanza.Element {
	budget := cmp.Or(l.Budget, AtomBudget)
	w := atomWriter{p: p, l: l}
	w.html, w.text = p.Body()
	w.rich = w.html != paragraph(w.text) || p.Source != nil
	if p.Kind == KindBoost && !l.Comment {
		w.boosted = BoostLine(p.Author)
		if page := w.page(); l.Page != "" && !strings.Contains(w.text, page) {
			w.html, w.text = Sanitize(w.html + linked(page))
		}
	}
	if w.try(budget, formFull, formRich) {
		return w.entry
	}
	w.shorten()
	if w.try(budget, formRich, formText) {
		return w.entry
	}
	w.p.Media, w.p.Links, w.p.Tags, w.p.Mentions, w.p.Summary = nil, nil, nil, nil, ""
	if !w.try(budget, formRich, formText) {
		w.cutTo(budget)
	}
	return w.entry
}

// try writes the entry in the first of several forms that fits. XML is never
// shorter than what it holds: what cannot fit is not written.
func (w *atomWriter) try(budget int, forms ...form) bool {
	for _, f := range forms {
		least := len(w.text)
		if f == formRich && !w.l.Comment {
			least = len(w.html)
		}
		if least <= budget && w.fits(budget, f) {
			return true
		}
	}
	return false
}

// cutTo writes as much of the text as fits.
func (w *atomWriter) cutTo(budget int) {
	fit, over := 0, len(w.text)
	for over-fit > 256 {
		w.cut = cutBytes(w.text, (fit+over)/2)
		if w.fits(budget, formCut) {
			fit = (fit + over) / 2
		} else {
			over = (fit + over) / 2
		}
	}
	w.cut = cutBytes(w.text, fit)
	w.fits(budget, formCut)
}

// Heart is the comment that Movim and Converse read as a like.
func Heart(p Post, l AtomLinks) *stanza.Element {
	p = Post{URI: p.URI, Author: p.Author, ReplyTo: p.ReplyTo, Published: p.Published, Text: "♥", HTML: paragraph("♥")}
	l.Comment = true
	return Atom(p, l)
}

// form is how much of a post an entry holds.
type form uint8

const (
	formFull form = iota // text and markup
	formRich             // markup
	formText             // the text as markup without links and emphasis, and a link to the whole
	formCut              // the start of the text in the same way
)

// atomWriter writes one entry.
type atomWriter struct {
	p          Post
	l          AtomLinks
	html, text string
	rich       bool   // the markup says more than the text
	boosted    string // who is passed on, in words
	cut        string
	entry      *stanza.Element
}

// fits writes the entry and tells whether it keeps within the budget.
func (w *atomWriter) fits(budget int, f form) bool {
	w.entry = stanza.New(stanza.NSAtom, "entry").SetLang(w.p.Lang)
	e := w.entry
	w.words(f)
	e.Add(w.author())
	id := cmp.Or(w.p.URI, w.p.EntryID, PubSubURI(w.l.Item.Service, w.l.Item.Node, w.l.Item.ID))
	e.Add(stanza.Text("", "id", id))
	if !w.p.Published.IsZero() {
		e.Add(stanza.Text("", "published", atomTime(w.p.Published)))
	}
	e.Add(stanza.Text("", "updated", atomTime(cmpTime(w.p.Updated, w.p.Published)))) // Libervia needs one
	w.links()
	w.categories()
	w.references()
	w.entry = stanza.Prerender(e) // weighed here, and sent as it is
	return w.entry.Size() <= budget
}

// shorten bounds what surrounds the text, once it does not fit as it is.
func (w *atomWriter) shorten() {
	media := append([]Media(nil), w.p.Media...)
	for i := range media {
		media[i].Alt = cutRunes(media[i].Alt, 200)
	}
	w.p.Media = media
	w.p.Links = cut(w.p.Links, 8)
	w.p.Mentions = cut(w.p.Mentions, 20)
	w.p.Tags = cut(w.p.Tags, 30)
}

// words writes title and content. A comment has all its text in the title, or
// Movim does not show it (rule 4). Elsewhere the title is what the author called
// or warned of, whom a boost is of, or made of the text; and the content has
// markup always, since Movim shows no other.
func (w *atomWriter) words(f form) {
	if w.l.Comment {
		w.comment(f)
		return
	}
	p := w.p
	title := join(warningSep, w.boosted, p.Warning, p.Title)
	if title == "" {
		h, begins := w.headline(f)
		w.title(h.title)
		switch {
		case begins && h.join == "":
			return // that is all
		case begins:
			w.content(h.rest, "", f)
			w.entry.Add(stanza.New(nsTitle, titleBegins).Set("join", h.join))
		default:
			w.content(w.html, w.text, f)
			w.entry.Add(stanza.New(nsTitle, titleTaken))
		}
		return
	}
	w.title(title)
	w.content(w.html, w.text, f)
}

// headline makes a title of the text, and tells whether the text begins in it.
func (w *atomWriter) headline(f form) (h headline, begins bool) {
	if w.p.Summary != "" { // its author's own short form of it
		return headline{title: cutRunes(w.p.Summary, shortTitle)}, false
	}
	if w.text == "" {
		return headline{title: mediaTitle(w.p)}, true
	}
	if f <= formRich {
		if h, ok := w.brief(); ok {
			return h, true
		}
		if h, ok := w.begin(); ok && w.markdown() == "" {
			return h, true
		}
	}
	return excerpt(w.text), false
}

// comment writes the words of a comment.
func (w *atomWriter) comment(f form) {
	body := w.text
	switch f {
	case formText:
		body = join("\n\n", body, w.page())
	case formCut:
		body = join("\n\n", w.cut+"…", w.page())
	}
	title := join("\n\n", w.p.Warning, w.p.Title, body)
	w.title(cmp.Or(title, mediaTitle(w.p)))
	if f <= formRich && (w.rich || w.p.Warning != "" || w.p.Title != "" || w.p.Summary != "") {
		w.content(w.html, w.text, f)
		if title == "" {
			w.entry.Add(stanza.New(nsTitle, titleTaken))
		}
	}
}

func (w *atomWriter) title(s string) {
	w.entry.Add(stanza.Text("", "title", s).Set("type", "text"))
}

// content writes summary and content. Where it is short enough the text stands
// beside the markup; both say the same.
func (w *atomWriter) content(xhtml, text string, f form) {
	if w.p.Summary != "" && f < formText {
		w.entry.Add(stanza.Text("", "summary", w.p.Summary).Set("type", "text"))
	}
	switch f {
	case formFull:
		if text == "" {
			_, text = Sanitize(xhtml)
		} else {
			text = cmp.Or(w.markdown(), text)
		}
		if text != "" {
			w.entry.Add(stanza.Text("", "content", text).Set("type", "text"))
		}
	case formText:
		xhtml = Linker{}.HTML(text) + linked(w.page())
	case formCut:
		xhtml = Linker{}.HTML(w.cut+"…") + linked(w.page())
	}
	div := stanza.New(stanza.NSXHTML, "div")
	div.Nodes = xhtmlNodes(xhtml)
	w.entry.Add(stanza.New("", "content").Set("type", "xhtml").Add(div))
}

// markdown is what somebody on XMPP wrote, and edits: as text it is better than
// what is made of its HTML. Nobody edits what is from the fediverse here.
func (w *atomWriter) markdown() string {
	if s := w.p.Source; s != nil && s.MediaType == "text/markdown" && w.p.Origin != OriginAP {
		return s.Content
	}
	return ""
}

// paragraph is the markup of a line of text that has none.
func paragraph(text string) string {
	if text == "" {
		return ""
	}
	return "<p>" + escape(text) + "</p>"
}

// linked is a paragraph with an address.
func linked(page string) string {
	if page == "" {
		return ""
	}
	return "<p><a" + attr("href", page) + ">" + escape(page) + "</a></p>"
}

// cmpTime is the first instant that is known, or the start of time.
func cmpTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Unix(0, 0)
}

// page is where the whole can be read.
func (w *atomWriter) page() string { return cmp.Or(w.l.Page, w.p.URL, w.p.URI) }

// author names the publisher; the original's author in a boost (rules 5, 8).
func (w *atomWriter) author() *stanza.Element {
	jid := cmp.Or(w.l.AuthorJID, w.p.Author.JID)
	uri := w.p.Author.URI
	if jid != "" {
		uri = JIDURI(jid)
	}
	name := cmp.Or(w.p.Author.Name, w.p.Author.Handle, jid, uri)
	a := stanza.New("", "author").Add(stanza.Text("", "name", name))
	if uri != "" {
		a.Add(stanza.Text("", "uri", uri))
	}
	return a
}

// join joins the parts that are not empty.
func join(sep string, parts ...string) string {
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}

// atomTime writes an instant (XEP-0082).
func atomTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

package xmpp

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/xmpp/stanza"
)

// Message is a message, with what the extensions of chat clients say in it.
type Message struct {
	Request
	ID, Type string // Type: "" is normal
	OriginID string // XEP-0359
	Thread   string
	Subject  string
	Body     string // as it stands in the stanza
	// Text is Body without what is there only for clients that do not know an
	// extension: quoted lines of replies, the URL of a file, the words that
	// stand in for a retraction (XEP-0428).
	Text string

	Replaces  string     // XEP-0308: id of the message that this one corrects
	Retracts  string     // XEP-0424: id of the message that is taken back
	Reply     *Reply     // XEP-0461
	Reactions *Reactions // XEP-0444
	Files     []File     // XEP-0066, XEP-0447
	Mentions  []Mention  // XEP-0372
	Spoiler   *string    // XEP-0382: the warning, which may be ""

	StanzaIDs      []StanzaID // XEP-0359
	ReceiptRequest bool       // XEP-0184
	Received       string     // XEP-0184: id of the message that arrived
	Delayed        time.Time  // zero when it is not late
	Replayed       bool       // somebody else than its sender kept it back: a room, an archive, a store
	Encrypted      string     // namespace of the encryption, "" for plain text
	Hints          []string   // XEP-0334, such as no-store
	Nick           string     // XEP-0172
	Form           *Form
	Error          *stanza.Error   // of type error
	Raw            *stanza.Element // the stanza it was read from
}

// Reply names the message that is answered.
type Reply struct {
	ID string
	To stanza.JID // its author
	// Quote is set by the writer only: what others than XEP-0461 clients see
	// above the answer, without the "> ".
	Quote string
}

// Reactions are all the reactions of the sender to a message, each time anew.
type Reactions struct {
	ID    string
	Emoji []string
}

// StanzaID is an id that an archive gave.
type StanzaID struct {
	By stanza.JID
	ID string
}

// File is a file that a message brings.
type File struct {
	URL, Name, MediaType, Desc string
	Size                       int64
	Width, Height              int
}

// Mention is a stretch of Text that names somebody. Begin and End count code
// points (XEP-0426); both are 0 when they were not given.
type Mention struct {
	Begin, End int
	URI        string
}

// ParseMessage reads a message.
func ParseMessage(el *stanza.Element) Message {
	m := Message{
		Request: requestOf(el), ID: el.Get("id"), Type: el.Get("type"), Raw: el,
		Thread: own(el, "thread").Content(), Subject: own(el, "subject").Content(),
		Nick: el.ChildContent(stanza.NSNick, "nick"), Form: formIn(el), Delayed: delayed(el), Replayed: replayed(el),
		OriginID: el.Child(stanza.NSStanzaID, "origin-id").Get("id"),
		Replaces: el.Child(stanza.NSCorrect, "replace").Get("id"),
		Retracts: retracts(el), Encrypted: encryption(el),
		ReceiptRequest: el.Child(stanza.NSReceipts, "request") != nil,
		Received:       el.Child(stanza.NSReceipts, "received").Get("id"),
	}
	if body := m.body(el); body != nil {
		m.Body = body.Content()
		if l := body.Lang(); l != "" {
			m.Lang = l
		}
	}
	if r := el.Child(stanza.NSReply, "reply"); r.Get("id") != "" {
		m.Reply = &Reply{ID: r.Get("id"), To: stanza.JID(r.Get("to"))}
	}
	if r := el.Child(stanza.NSReactions, "reactions"); r.Get("id") != "" {
		m.Reactions = &Reactions{ID: r.Get("id"), Emoji: emoji(r)}
	}
	if s := el.Child(stanza.NSSpoiler, "spoiler"); s != nil {
		hint := s.Content()
		m.Spoiler = &hint
	}
	for c := range el.Children(stanza.NSStanzaID, "stanza-id") {
		m.StanzaIDs = append(m.StanzaIDs, StanzaID{By: stanza.JID(c.Get("by")), ID: c.Get("id")})
	}
	for c := range el.Children(stanza.NSHints, "") {
		m.Hints = append(m.Hints, c.Name)
	}
	if m.Type == "error" {
		m.Error = stanza.ParseError(el)
	}
	m.Files = files(el)
	m.readText(el)
	return m
}

// body is the body in the language of the message, or the first.
func (m Message) body(el *stanza.Element) *stanza.Element {
	first := own(el, "body")
	if first == nil {
		return nil
	}
	for c := range el.Children("", "body") {
		if c.Space == first.Space && (c.Lang() == "" || c.Lang() == m.Lang) {
			return c
		}
	}
	return first
}

// retracts is the id of the message that is taken back, in the way of today or
// as a fastening (XEP-0424 before version 0.4).
func retracts(el *stanza.Element) string {
	if id := el.Child(stanza.NSRetract, "retract").Get("id"); id != "" {
		return id
	}
	if a := el.Child("urn:xmpp:fasten:0", "apply-to"); a.Child("urn:xmpp:message-retract:0", "retract") != nil {
		return a.Get("id")
	}
	return ""
}

// emoji are the reactions, each once (XEP-0444 §4).
func emoji(el *stanza.Element) []string {
	var all []string
	for c := range el.Children("", "reaction") {
		if s := strings.TrimSpace(c.Content()); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// encryption is the namespace of the encryption of a message, "" if it has none.
func encryption(el *stanza.Element) string {
	if e := el.Child(stanza.NSEME, "encryption"); e != nil { // XEP-0380
		return e.Get("namespace")
	}
	for c := range el.Elements() {
		switch {
		case c.Name == "encrypted" && c.Space == "eu.siacs.conversations.axolotl",
			c.Name == "encrypted" && strings.HasPrefix(c.Space, "urn:xmpp:omemo:"),
			c.Name == "openpgp" && strings.HasPrefix(c.Space, "urn:xmpp:openpgp:"),
			c.Name == "x" && c.Space == "jabber:x:encrypted":
			return c.Space
		}
	}
	return ""
}

const nsURLData = "http://jabber.org/protocol/url-data" // XEP-0103

// files are the files of a message, each once, with all that is told of it.
func files(el *stanza.Element) []File {
	var all []File
	for c := range el.Children(stanza.NSSFS, "file-sharing") {
		url := c.Child("", "sources").Child(nsURLData, "url-data").Get("target")
		if url == "" {
			continue
		}
		f := parseFileMeta(c.Child(stanza.NSFileMeta, "file"))
		f.URL = url
		all = append(all, f)
	}
	for c := range el.Children(stanza.NSOOB, "x") {
		url := strings.TrimSpace(c.ChildContent("", "url"))
		known := slices.ContainsFunc(all, func(f File) bool { return f.URL == url })
		if url != "" && !known {
			all = append(all, File{URL: url, Desc: c.ChildContent("", "desc")})
		}
	}
	return all
}

// parseFileMeta reads XEP-0446, whose dimensions were one element at first.
func parseFileMeta(el *stanza.Element) File {
	f := File{
		Name: el.ChildContent("", "name"), MediaType: el.ChildContent("", "media-type"),
		Desc: el.ChildContent("", "desc"),
	}
	f.Size, _ = strconv.ParseInt(el.ChildContent("", "size"), 10, 64)
	f.Size = max(f.Size, 0)
	width, height := el.ChildContent("", "width"), el.ChildContent("", "height")
	if w, h, ok := strings.Cut(el.ChildContent("", "dimensions"), "x"); ok {
		width, height = w, h
	}
	f.Width, _ = parseCount(width)
	f.Height, _ = parseCount(height)
	return f
}

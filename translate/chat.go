package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"isthmus/xmpp/stanza"
)

// ChatPart is one chat message of a post: its body and the elements beside it.
type ChatPart struct {
	Body    string
	Payload []*stanza.Element // spoiler, references, out-of-band data, file sharing
}

// What a chat message holds at most: escaped, it fits into a stanza.
const (
	maxChat  = 30 << 10 // bytes of text
	maxNames = 20       // recipients that are listed
)

// ChatParts writes a post as chat messages: the text, then one message for each
// attachment whose body is the URL, which is what all clients show (xmpp.md 1.5).
// The text begins with its warning, which clients that fold spoilers leave out,
// and with whom it is for if that is not the reader alone.
func ChatParts(p Post) []ChatPart {
	_, text := p.Body()
	body := join("\n\n", p.Title, text)
	for _, l := range p.Links {
		if !strings.Contains(body, l.URL) {
			body = join("\n\n", body, join(" ", l.Title, l.URL))
		}
	}
	if len(body) > maxChat {
		body = join("\n\n", cutBytes(body, maxChat)+"…", p.URL)
	}
	body = join("\n\n", chatCircle(p), body, chatRecipients(p))
	warning := p.WarningLine()
	var parts []ChatPart
	if body != "" || warning != "" {
		shown := join("\n\n", warning, body)
		part := ChatPart{Body: shown, Payload: references(shown, p.Mentions)}
		if warning != "" {
			part.Payload = append(part.Payload, stanza.Text(stanza.NSSpoiler, "spoiler", p.Warning), spoilerFallback(shown, body))
		}
		parts = append(parts, part)
	}
	for _, m := range p.Media {
		parts = append(parts, mediaPart(m))
	}
	return parts
}

// WarningLine is how plain text says that a post has a warning, or "".
func (p Post) WarningLine() string {
	switch {
	case p.Warning != "":
		return "CW: " + oneLine(p.Warning)
	case p.Sensitive && len(p.Media) > 0:
		return "CW: sensitive media"
	case p.Sensitive:
		return "CW: sensitive"
	}
	return ""
}

// spoilerFallback marks the warning in a text, which ends with the body itself,
// as there for clients that do not know spoilers (XEP-0428).
func spoilerFallback(shown, body string) *stanza.Element {
	end := utf8.RuneCountInString(shown) - utf8.RuneCountInString(body)
	return stanza.New(stanza.NSFallback, "fallback").Set("for", stanza.NSSpoiler).
		Add(stanza.New("", "body").Set("start", "0").Set("end", itoa(end)))
}

// chatCircle says whom a post is for that comes as a message and is not for
// named people: it looks as if it were for its reader alone, and who answers
// should know that the answer is not for all of them.
func chatCircle(p Post) string {
	switch p.Visibility {
	case Followers:
		return "🔒 For followers of " + cmp.Or(oneLine(p.Author.Name), p.Author.Handle, p.Author.URI) + ". Your answer is a private message."
	case Limited:
		return "🔒 For a limited group. Your answer is a private message."
	}
	return ""
}

// chatRecipients lists those who read a direct post, or one for a closed circle,
// when it is not one only: nobody should answer to more people than they know of.
func chatRecipients(p Post) string {
	if p.Visibility != Direct && p.Visibility != Limited || len(p.To)+len(p.Cc) < 2 {
		return ""
	}
	var names []string
	for _, uri := range slices.Concat(p.To, p.Cc) {
		name := uri
		if i := slices.IndexFunc(p.Mentions, func(m Mention) bool { return m.URI == uri }); i >= 0 && p.Mentions[i].Handle != "" {
			name = "@" + p.Mentions[i].Handle
		}
		if len(names) == maxNames {
			names = append(names, "…")
			break
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		return ""
	}
	return "→ " + strings.Join(names, ", ")
}

// mediaPart shares a file: the URL alone (XEP-0066), and all that is known of
// it (XEP-0447).
func mediaPart(m Media) ChatPart {
	oob := stanza.New(stanza.NSOOB, "x").Add(stanza.Text("", "url", m.URL))
	share := stanza.New(stanza.NSSFS, "file-sharing").Set("disposition", "inline").Add(
		fileElement(m),
		stanza.New("", "sources").Add(stanza.New(nsURLData, "url-data").Set("target", m.URL)))
	if m.Alt != "" {
		oob.Add(stanza.Text("", "desc", m.Alt))
	}
	return ChatPart{Body: m.URL, Payload: []*stanza.Element{oob, share}}
}

// references points at the mentions in a body, in characters (XEP-0372).
func references(body string, mentions []Mention) []*stanza.Element {
	var list []*stanza.Element
	for _, m := range mentions {
		uri := m.URI
		if m.JID != "" {
			uri = JIDURI(m.JID)
		}
		begin, end := mentionIn(body, m)
		if uri == "" || begin < 0 {
			continue
		}
		list = append(list, stanza.New(stanza.NSReference, "reference").Set("type", "mention").
			Set("begin", itoa(utf8.RuneCountInString(body[:begin]))).Set("end", itoa(utf8.RuneCountInString(body[:end]))).Set("uri", uri))
	}
	return list
}

// mentionIn finds how a mention stands in a text: whole, or without its host.
func mentionIn(text string, m Mention) (begin, end int) {
	user, _, _ := strings.Cut(m.Handle, "@")
	for n := range names(text, ' ') {
		if n.kind == nameMention && (strings.EqualFold(n.text, m.Handle) || strings.EqualFold("@"+n.text, m.Text) || strings.EqualFold(n.text, user)) {
			return n.start, n.end
		}
	}
	return -1, -1
}

// FromChat reads a chat message as a direct post of its sender to others. What
// it says for clients that know less (XEP-0428) is left out.
func FromChat(message *stanza.Element, owner Actor, to []Mention) (Post, error) {
	p := Post{Kind: KindNote, Origin: OriginXMPP, Owner: owner, Author: owner, Visibility: Direct, Mentions: cut(to, maxMentions)}
	body := message.Child("", "body")
	p.Lang = knownLang(body.Lang())
	if p.Lang == "" {
		p.Lang = knownLang(message.Lang())
	}
	text := manyLines(withoutFallback(message, legalText(body.Content())))
	if text = readChatMedia(&p, message, text); text != "" {
		p.HTML = Linker{Mentions: p.Mentions}.HTML(text)
		_, p.Text = Sanitize(p.HTML)
		for _, tag := range FindTags(p.Text) {
			addTag(&p, tag)
		}
	}
	if spoiler := message.Child(stanza.NSSpoiler, "spoiler"); spoiler != nil { // XEP-0382
		p.Warning, p.Sensitive = cutRunes(oneLine(spoiler.Content()), maxWarning), true
	}
	if p.Text == "" && len(p.Media) == 0 {
		return Post{}, fmt.Errorf("message without text: %w", ErrNotPost)
	}
	for _, m := range p.Mentions {
		if m.URI != "" {
			p.To = append(p.To, m.URI)
		}
	}
	return p, nil
}

// readChatMedia reads shared files, and returns the text without the URLs that
// only stand for them.
func readChatMedia(p *Post, message *stanza.Element, text string) string {
	add := func(m Media) {
		if strings.HasPrefix(safeHref(m.URL), "http") && len(p.Media) < maxMedia &&
			!slices.ContainsFunc(p.Media, func(o Media) bool { return o.URL == m.URL }) {
			p.Media = append(p.Media, m)
		}
		if text == m.URL {
			text = ""
		}
	}
	for share := range message.Children(stanza.NSSFS, "file-sharing") {
		source := share.Child(stanza.NSSFS, "sources").Child(nsURLData, "url-data")
		m := Media{URL: source.Get("target")}
		if file := share.Child(stanza.NSFileMeta, "file"); file != nil {
			readFile(&m, file)
		}
		if m.MediaType == "" {
			m.MediaType = guessType(m.URL, "")
		}
		add(m)
	}
	for oob := range message.Children(stanza.NSOOB, "x") {
		if href := strings.TrimSpace(oob.ChildContent(stanza.NSOOB, "url")); href == text { // else it is a link in a text
			add(Media{URL: href, MediaType: guessType(href, ""), Alt: cutRunes(manyLines(oob.ChildContent(stanza.NSOOB, "desc")), maxAlt)})
		}
	}
	return text
}

// withoutFallback removes the parts of a body that stand for an element that we
// read: the quoted lines of a reply (XEP-0461), the text of a spoiler.
func withoutFallback(message *stanza.Element, body string) string {
	runes := []rune(body)
	drop := make([]bool, len(runes))
	ranges := 0
	for f := range message.Children(stanza.NSFallback, "fallback") {
		if of := f.Get("for"); of != stanza.NSReply && of != stanza.NSSpoiler {
			continue
		}
		for part := range f.Children(stanza.NSFallback, "body") {
			if ranges++; ranges > 16 {
				break
			}
			begin, end := 0, len(runes)
			if part.Get("start") != "" || part.Get("end") != "" {
				begin, end = position(part.Get("start")), min(position(part.Get("end")), len(runes))
			}
			for i := begin; i < end; i++ {
				drop[i] = true
			}
		}
	}
	kept := runes[:0]
	for i, r := range runes {
		if !drop[i] {
			kept = append(kept, r)
		}
	}
	return string(kept)
}

// position reads an index into a body; a wrong one is past any end's start.
func position(s string) int {
	n := pixels(s)
	if s != "0" && n == 0 {
		return 1 << 20
	}
	return n
}

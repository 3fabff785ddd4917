package xmpp

import (
	"slices"
	"strconv"
	"strings"

	"isthmus/xmpp/stanza"
)

// span is a stretch of a text, counted in code points (XEP-0426).
type span struct{ begin, end int }

// readText sets Text and Mentions: what is left of the body without what is
// there only for clients that do not know an extension (XEP-0428).
func (m *Message) readText(el *stanza.Element) {
	body := []rune(m.Body)
	var cuts []span
	for c := range el.Children(stanza.NSFallback, "fallback") {
		if m.knows(c.Get("for")) {
			cuts = append(cuts, fallbackSpans(c, len(body))...)
		}
	}
	if m.Retracts != "" {
		cuts = []span{{0, len(body)}}
	}
	cuts = joinSpans(cuts)
	var text strings.Builder
	at := 0
	for _, s := range cuts {
		text.WriteString(string(body[at:s.begin]))
		at = s.end
	}
	text.WriteString(string(body[at:]))
	m.Text = text.String()
	// Conversations and others send a file as its URL in the body, unmarked.
	whole := strings.TrimSpace(m.Text)
	if slices.ContainsFunc(m.Files, func(f File) bool { return f.URL == whole }) {
		m.Text = ""
		return
	}
	m.Mentions = mentions(el, cuts, len(body))
}

// knows tells whether the message says in its own elements what the marked part
// of the body says for an extension. Without that, the body is all there is.
func (m *Message) knows(extension string) bool {
	switch extension {
	case stanza.NSReply:
		return m.Reply != nil
	case stanza.NSReactions:
		return m.Reactions != nil
	case stanza.NSSpoiler:
		return m.Spoiler != nil
	case stanza.NSSFS, stanza.NSOOB:
		return len(m.Files) > 0
	case "": // before XEP-0428 had the attribute, the whole body was meant
		return m.Reactions != nil || m.Retracts != ""
	}
	return false
}

// fallbackSpans are the parts of the body that a <fallback/> marks: all of it
// when it does not say which.
func fallbackSpans(el *stanza.Element, length int) []span {
	if el.Child("", "body") == nil && el.Child("", "subject") == nil {
		return []span{{0, length}}
	}
	var spans []span
	for b := range el.Children("", "body") {
		s := span{0, length}
		if v := b.Get("start"); v != "" {
			n, ok := parseCount(v)
			if !ok {
				continue
			}
			s.begin = min(n, length)
		}
		if v := b.Get("end"); v != "" {
			n, ok := parseCount(v)
			if !ok {
				continue
			}
			s.end = min(n, length)
		}
		if s.begin < s.end {
			spans = append(spans, s)
		}
	}
	return spans
}

// joinSpans puts spans in order and joins those that overlap.
func joinSpans(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.begin - b.begin })
	var joined []span
	for _, s := range spans {
		if n := len(joined); n > 0 && s.begin <= joined[n-1].end {
			joined[n-1].end = max(joined[n-1].end, s.end)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// mentions are the mentions of a body (XEP-0372), placed in what is left of it
// after the cuts. Those inside a cut belong to others and are left out.
func mentions(el *stanza.Element, cuts []span, length int) []Mention {
	var all []Mention
	for c := range el.Children(stanza.NSReference, "reference") {
		uri := c.Get("uri")
		if c.Get("type") != "mention" || uri == "" {
			continue
		}
		begin, ok1 := parseCount(c.Get("begin"))
		end, ok2 := parseCount(c.Get("end"))
		if !ok1 || !ok2 || begin >= end || end > length {
			all = append(all, Mention{URI: uri})
			continue
		}
		before, inside := 0, false
		for _, s := range cuts {
			if s.end <= begin {
				before += s.end - s.begin
			} else if s.begin < end {
				inside = true
			}
		}
		if !inside {
			all = append(all, Mention{Begin: begin - before, End: end - before, URI: uri})
		}
	}
	return all
}

// quote is what stands above an answer for those who do not see what it
// answers.
func (r *Reply) quote() string {
	if r == nil || r.Quote == "" {
		return ""
	}
	return "> " + strings.ReplaceAll(strings.TrimRight(r.Quote, "\n"), "\n", "\n> ") + "\n"
}

// fallback marks a part of the body, or all of it when end is 0.
func fallback(extension string, end int) *stanza.Element {
	el := stanza.New(stanza.NSFallback, "fallback").Set("for", extension)
	if end > 0 {
		el.Add(stanza.New("", "body").Set("start", "0").Set("end", strconv.Itoa(end)))
	}
	return el
}

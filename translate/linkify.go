package translate

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// Linker knows the targets of the names in a text.
type Linker struct {
	Mentions []Mention               // those with a URI become links
	TagURL   func(tag string) string // "" or nil: hashtags stay text
}

// HTML makes an XHTML fragment of plain text: paragraphs, line breaks, and
// links for addresses, mentions and hashtags.
func (l Linker) HTML(text string) string {
	b := make([]byte, 0, len(text)+len(text)/4)
	prev := ' '
	blank := true
	for line := range strings.SplitSeq(manyLines(text), "\n") {
		if strings.Trim(line, htmlSpace) == "" {
			blank = true
			continue
		}
		if blank {
			b = append(b, "<p>"...)
			blank = false
		} else {
			b = append(b, "<br/>"...)
		}
		b, _ = l.text(b, line, prev)
	}
	xhtml, _ := Sanitize(string(b))
	return xhtml
}

// Link puts links around the mentions, hashtags and addresses that stand as
// text in a sanitised fragment. What is a link already stays as it is, so that
// linking twice is linking once.
func (l Linker) Link(xhtml string) string {
	if !strings.ContainsAny(xhtml, "@#:") { // nothing names anything
		return xhtml
	}
	b := make([]byte, 0, len(xhtml)+len(xhtml)/4)
	z := html.NewTokenizer(strings.NewReader(xhtml))
	prev, inside := ' ', 0 // inside elements where nothing is linked
	for {
		switch z.Next() {
		case html.ErrorToken:
			if string(b) == xhtml {
				return xhtml
			}
			linked, _ := Sanitize(string(b))
			return linked
		case html.TextToken:
			raw := z.Raw()
			if inside > 0 {
				b = append(b, raw...)
				prev = lastRune(string(raw), prev)
				continue
			}
			b, prev = l.text(b, string(z.Text()), prev)
		case html.StartTagToken, html.SelfClosingTagToken:
			start := len(b)
			b = append(b, z.Raw()...)
			name, more := z.TagName()
			switch tag := string(name); {
			case tag == "a" || tag == "pre" || tag == "code":
				inside++
				if more {
					b = l.httpTwin(b, start, z)
				}
			case kinds[tag] != kindInline:
				prev = ' '
			}
		case html.EndTagToken:
			b = append(b, z.Raw()...)
			name, _ := z.TagName()
			switch tag := string(name); {
			case tag == "a" || tag == "pre" || tag == "code":
				inside--
			case kinds[tag] != kindInline:
				prev = ' '
			}
		}
	}
}

// httpTwin replaces the start tag of a link to the JID of a mentioned actor by
// one to the actor: not all peers keep xmpp: links (activitypub.md 1.5).
func (l Linker) httpTwin(b []byte, start int, z *html.Tokenizer) []byte {
	key, value, _ := z.TagAttr() // href is always first
	if string(key) != "href" || !strings.HasPrefix(string(value), "xmpp:") || strings.Contains(string(value), "?") {
		return b
	}
	jid, err := ParseJIDURI(string(value))
	if err != nil {
		return b
	}
	for _, m := range l.Mentions {
		if href := safeHref(m.URI); m.JID == jid && href != "" {
			return append(append(append(b[:start], "<a"...), attr("href", href)...), ` class="u-url mention">`...)
		}
	}
	return b
}

// text writes plain text as HTML with links. prev is the character before it.
func (l Linker) text(b []byte, s string, prev rune) ([]byte, rune) {
	from := 0
	for n := range names(s, prev) {
		var link string
		switch n.kind {
		case nameURL:
			link = "<a" + attr("href", n.text) + ">" + string(appendText(nil, n.text)) + "</a>"
		case nameMention:
			link = l.mention(n.text)
		case nameTag:
			if l.TagURL == nil {
				continue
			}
			if href := safeHref(l.TagURL(n.text)); href != "" {
				link = "<a" + attr("href", href) + ` class="mention hashtag" rel="tag">#<span>` + n.text + "</span></a>"
			}
		}
		if link != "" {
			b = append(appendText(b, s[from:n.start]), link...)
			from = n.end
		}
	}
	return appendText(b, s[from:]), lastRune(s, prev)
}

// mention is the link for a name without its @ (N5), or "".
func (l Linker) mention(name string) string {
	for _, m := range l.Mentions {
		if !strings.EqualFold(name, m.Handle) && !strings.EqualFold("@"+name, m.Text) {
			continue
		}
		href := safeHref(m.URI)
		if href == "" {
			continue
		}
		user, _, _ := strings.Cut(name, "@")
		return `<span class="h-card"><a` + attr("href", href) + ` class="u-url mention">@<span>` + user + "</span></a></span>"
	}
	return ""
}

// FindMentions lists the user@host that a text names as @user@host, in lower
// case and without doubles.
func FindMentions(text string) []string {
	var found []string
	for n := range names(text, ' ') {
		if n.kind != nameMention || !strings.Contains(n.text, "@") {
			continue
		}
		if handle := strings.ToLower(n.text); !slices.Contains(found, handle) {
			if found = append(found, handle); len(found) == maxMentions {
				break
			}
		}
	}
	return found
}

// FindTags lists the hashtags in a text, without #, as written, each once.
func FindTags(text string) []string {
	var found []string
	for n := range names(text, ' ') {
		if n.kind == nameTag && !hasFold(found, n.text) {
			if found = append(found, n.text); len(found) == maxTags {
				break
			}
		}
	}
	return found
}

// hasFold tells whether a list holds a word in any case.
func hasFold(list []string, word string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

func lastRune(s string, without rune) rune {
	if s == "" {
		return without
	}
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

package translate

import (
	"slices"
	"strings"
	"time"
)

// Clean makes a post safe that somebody else has put together, such as one from
// a file: markup, addresses, text and sizes are what the readers of AS2 and
// Atom let pass, and a boost shows nothing but what it points to. What they
// have read stays as it is. What names the post, its owner, kind, origin and
// audience is for the caller to judge: a URI that cannot be one is empty.
func Clean(p Post) Post {
	p.URI, p.Owner, p.Author = cleanURI(p.URI), cleanActor(p.Owner), cleanActor(p.Author)
	cleanPlaces(&p)
	p.To, p.Cc = cleanList(p.To, maxAudience, cleanAddressee), cleanList(p.Cc, maxAudience, cleanAddressee)
	p.Published, p.Updated = cleanTime(p.Published), cleanTime(p.Updated)
	p.EntryID = cutBytes(oneLine(p.EntryID), maxHref)
	if p.Kind == KindBoost {
		return p.WithOriginal(Post{Author: p.Author, URL: safeHref(p.URL)})
	}
	cleanContent(&p)
	cleanTags(&p)
	p.Media = cleanList(p.Media, maxMedia, cleanMedia)
	p.Links = cleanList(p.Links, maxLinks, func(l Link) Link {
		if l.URL = safeHref(l.URL); l.URL == "" {
			return Link{}
		}
		return Link{l.URL, cutRunes(oneLine(l.Title), maxTitle), cleanMediaType(l.MediaType)}
	})
	p.Event, p.Poll = cleanEvent(p.Event), cleanPoll(p.Poll)
	p.URL, p.Quote = safeHref(p.URL), cleanURI(p.Quote)
	return p
}

// cleanList cleans what is in a list; what is empty then is left out.
func cleanList[T comparable](list []T, most int, clean func(T) T) []T {
	var out []T
	var none T
	for _, v := range list {
		if v = clean(v); v != none && len(out) < most {
			out = append(out, v)
		}
	}
	return out
}

// cleanURI keeps what can name something, as it is, for names are compared byte
// by byte; anything else is "".
func cleanURI(s string) string {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" || len(s) > maxURI || legalText(s) != s || strings.ContainsAny(s, htmlSpace+"<>\"`") {
		return ""
	}
	switch strings.ToLower(scheme) {
	case "http", "https":
		if safeHref(s) == "" {
			return ""
		}
	case "xmpp", "tag", "urn":
	default:
		return ""
	}
	return s
}

func cleanAddressee(s string) string {
	if isPublic(s) {
		return s
	}
	return cleanURI(s)
}

func cleanActor(a Actor) Actor {
	a.URI = cleanURI(a.URI)
	a.Name = ShownName(a.Name, maxTitle)
	if user, host, ok := strings.Cut(a.Handle, "@"); !ok || user == "" || host == "" || len(a.Handle) > maxHref || oneLine(a.Handle) != a.Handle ||
		strings.ContainsAny(a.Handle, " /<>\"") || strings.Contains(host, "@") {
		a.Handle = ""
	}
	if _, _, err := splitJID(a.JID); err != nil || strings.Contains(a.JID, "/") || legalText(a.JID) != a.JID {
		a.JID = ""
	}
	return a
}

// cleanPlaces cleans the names of items and nodes, and the ids of other posts.
func cleanPlaces(p *Post) {
	p.Item, p.ReplyRef, p.BoostRef = cleanItem(p.Item), cleanItem(p.ReplyRef), cleanItem(p.BoostRef)
	if c := p.Comments; c != nil && !legalName(c.Service, c.Name) {
		p.Comments = nil
	}
	p.ReplyTo, p.Boost = cleanURI(p.ReplyTo), cleanURI(p.Boost)
	p.Thread = cutBytes(oneLine(p.Thread), maxHref)
}

func cleanItem(it *Item) *Item {
	if it != nil && !legalName(it.Service, it.Node, it.ID) {
		return nil
	}
	return it
}

// legalName tells whether XMPP could have such names.
func legalName(names ...string) bool {
	return !slices.ContainsFunc(names, func(s string) bool { return s == "" || len(s) > maxURI || legalText(s) != s })
}

// cleanContent cleans title, warning and text in every language.
func cleanContent(p *Post) {
	p.Title, p.Lang = cutRunes(oneLine(p.Title), maxTitle), knownLang(p.Lang)
	p.HTML, p.Text = cleanText(p.HTML, p.Text)
	p.Summary, p.Warning = cutRunes(oneLine(p.Summary), maxSummary), cutRunes(oneLine(p.Warning), maxWarning)
	p.Translations = cleanList(p.Translations, maxLangs, func(t Translation) Translation {
		if t.Lang = knownLang(t.Lang); t.Lang == "" {
			return Translation{}
		}
		t.Title = cutRunes(oneLine(t.Title), maxTitle)
		t.HTML, t.Text = cleanText(t.HTML, t.Text)
		return t
	})
	if s := p.Source; s != nil {
		p.Source = &Source{cutBytes(manyLines(s.Content), maxHTML), cutBytes(oneLine(s.MediaType), maxTag)}
	}
}

// cleanText cleans content. The text is not made anew of the HTML: of a poll it
// has the choices too.
func cleanText(html, text string) (string, string) {
	html, _ = Sanitize(html)
	return html, cutBytes(legalText(text), maxHTML)
}

// cleanTags cleans hashtags, mentions and emoji.
func cleanTags(p *Post) {
	tags := p.Tags
	p.Tags = nil
	for _, t := range tags {
		addTag(p, t)
	}
	p.Mentions = cleanList(p.Mentions, maxMentions, func(m Mention) Mention {
		if m.Actor = cleanActor(m.Actor); m.Actor == (Actor{}) {
			return Mention{}
		}
		m.Text = cutRunes(oneLine(m.Text), maxTitle)
		return m
	})
	p.Emoji = cleanList(p.Emoji, maxEmoji, func(e Emoji) Emoji {
		e = Emoji{Shortcode: cutRunes(oneLine(e.Shortcode), maxTitle), URL: webHref(e.URL), MediaType: cleanMediaType(e.MediaType), ID: cleanURI(e.ID)}
		if e.Shortcode == "" || strings.Contains(e.Shortcode, " ") || e.URL == "" {
			return Emoji{}
		}
		return e
	})
}

// webHref is an address that browsers can load, or "".
func webHref(s string) string {
	if s = safeHref(s); !strings.HasPrefix(s, "http") {
		return ""
	}
	return s
}

func cleanMedia(m Media) Media {
	if m.URL = webHref(m.URL); m.URL == "" {
		return Media{}
	}
	m.MediaType, m.Alt = cleanMediaType(m.MediaType), cutRunes(manyLines(m.Alt), maxAlt)
	m.Size, m.Width, m.Height = max(m.Size, 0), max(m.Width, 0), max(m.Height, 0)
	m.Duration, m.Blurhash = cutBytes(oneLine(m.Duration), maxTag), oneLine(m.Blurhash)
	if len(m.Blurhash) > maxTag {
		m.Blurhash = ""
	}
	if f := m.Focus; f != nil && (!inFocus(f[0]) || !inFocus(f[1])) {
		m.Focus = nil
	}
	return m
}

func cleanEvent(e *Event) *Event {
	if e == nil {
		return nil
	}
	return &Event{Start: cleanTime(e.Start), End: cleanTime(e.End), Zone: cleanZone(e.Zone),
		Place: cutRunes(oneLine(e.Place), maxTitle), Address: cutRunes(oneLine(e.Address), maxTitle), Online: webHref(e.Online)}
}

func cleanPoll(p *Poll) *Poll {
	if p == nil {
		return nil
	}
	out := Poll{Multiple: p.Multiple, Ends: cleanTime(p.Ends), Closed: cleanTime(p.Closed), Voters: max(p.Voters, 0)}
	for _, o := range cut(p.Options, maxOptions) {
		out.Options = append(out.Options, Option{cutRunes(oneLine(o.Text), maxTitle), max(o.Votes, 0)})
	}
	return &out
}

// cleanTime keeps instants in the years that can be written (RFC 3339).
func cleanTime(t time.Time) time.Time {
	if t = utc(t); t.Year() < 1 || t.Year() >= 10_000 {
		return time.Time{}
	}
	return t
}

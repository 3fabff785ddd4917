package translate

import (
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"

	"isthmus/ap/as2"
)

// readTags reads mentions, hashtags and emoji (N4).
func readTags(p *Post, tags []*as2.Object) {
	for _, t := range tags {
		name := oneLine(t.Name.Value)
		switch t.Type() {
		case as2.TypeMention:
			if m, ok := mentionOf(t.Href, name); ok && len(p.Mentions) < maxMentions {
				p.Mentions = append(p.Mentions, m)
			}
		case as2.TypeHashtag:
			addTag(p, strings.TrimPrefix(name, "#"))
		case as2.TypeEmoji:
			e := Emoji{Shortcode: strings.Trim(name, ":"), ID: t.ID}
			if len(t.Icon) > 0 {
				e.URL, e.MediaType = fileOf(t.Icon[0])
			}
			if e.Shortcode != "" && !strings.Contains(e.Shortcode, " ") && e.URL != "" && len(p.Emoji) < maxEmoji {
				p.Emoji = append(p.Emoji, e)
			}
		}
	}
}

// addTag adds a hashtag once.
func addTag(p *Post, tag string) {
	n := 0
	tag = strings.Map(func(r rune) rune {
		if n < maxTag && (isNameRune(r) || strings.ContainsRune("-.+·\u200c", r)) {
			n++
			return r
		}
		return -1
	}, legalText(tag))
	if tag != "" && len(p.Tags) < maxTags && !hasFold(p.Tags, tag) {
		p.Tags = append(p.Tags, tag)
		p.Sensitive = p.Sensitive || strings.EqualFold(tag, nsfw)
	}
}

// mentionOf reads a mention: the actor's id, and how it is called. Mastodon
// leaves out its own host.
func mentionOf(href, text string) (Mention, bool) {
	if safeHref(href) != href || href == "" {
		return Mention{}, false
	}
	m := Mention{Actor: Actor{URI: href}, Text: cutRunes(text, maxTitle)}
	handle, ok := strings.CutPrefix(text, "@")
	if !ok {
		return m, true
	}
	user, host, _ := strings.Cut(handle, "@")
	if host == "" {
		if u, err := url.Parse(href); err == nil {
			host = u.Host
		}
	}
	if user != "" && host != "" && !strings.ContainsAny(user+host, " /@") {
		m.Handle = user + "@" + strings.ToLower(host)
	}
	return m, true
}

// readMedia reads attachments and covers (N9), and the files of a Video, Audio
// or Image.
func readMedia(p *Post, o *as2.Object) {
	switch o.Type() {
	case as2.TypeVideo, as2.TypeAudio, as2.TypeImage:
		addMedia(p, o, "")
	}
	for _, a := range o.Attachment {
		if a.Type() == as2.TypePropertyValue { // Mobilizon
			continue
		}
		if a.Type() == as2.TypeLink || a.Type() == as2.TypePage {
			if !isMediaType(a.MediaType) {
				addLink(p, a)
				continue
			}
		}
		addMedia(p, a, altOf(a))
	}
	for _, cover := range o.Image {
		addMedia(p, cover, altOf(cover))
	}
}

// altOf is a file's description: summary, then name (N9).
func altOf(a *as2.Object) string {
	alt := a.Summary.Value
	if alt == "" {
		alt = a.Name.Value
	}
	return cutRunes(manyLines(alt), maxAlt)
}

// addMedia adds a file once.
func addMedia(p *Post, a *as2.Object, alt string) {
	m := Media{Alt: alt, Size: max(a.Size, 0), Width: max(a.Width, 0), Height: max(a.Height, 0)}
	m.URL, m.MediaType = fileOf(a)
	if m.URL == "" || len(p.Media) == maxMedia || slices.ContainsFunc(p.Media, func(o Media) bool { return o.URL == m.URL }) {
		return
	}
	if !strings.HasPrefix(m.MediaType, "image/") {
		m.Duration = oneLine(a.Duration)
	}
	if len(a.Blurhash) <= 100 {
		m.Blurhash = oneLine(a.Blurhash)
	}
	if f := a.FocalPoint; f != nil && inFocus(f[0]) && inFocus(f[1]) {
		m.Focus = f
	}
	p.Media = append(p.Media, m)
}

func inFocus(x float64) bool { return x >= -1 && x <= 1 }

// addLink adds a link card.
func addLink(p *Post, a *as2.Object) {
	href := safeHref(a.Href)
	if href == "" {
		href = pageOf(a.URL, "")
	}
	if href != "" && len(p.Links) < maxLinks {
		p.Links = append(p.Links, Link{href, cutRunes(plainTitle(a.Name.Value), maxTitle), cleanMediaType(a.MediaType)})
	}
}

// fileOf is where a file is, and its type. Of several files, as PeerTube lists
// them, it is the first of a media type.
func fileOf(o *as2.Object) (href, mediaType string) {
	best := as2.Link{}
	for _, l := range o.URL {
		if h := safeHref(l.Href); h == "" || !strings.HasPrefix(h, "http") {
			continue
		}
		if isMediaType(l.MediaType) {
			best = l
			break
		}
		if best.Href == "" && l.MediaType != "text/html" {
			best = l
		}
	}
	if best.Href == "" {
		best.Href = o.Href
	}
	if href = safeHref(best.Href); !strings.HasPrefix(href, "http") {
		return "", ""
	}
	mediaType = cleanMediaType(best.MediaType)
	if mediaType == "" {
		mediaType = cleanMediaType(o.MediaType)
	}
	if mediaType == "" {
		mediaType = guessType(href, o.Type())
	}
	return href, mediaType
}

// isMediaType tells the types of files that can be shown.
func isMediaType(t string) bool {
	kind, _, _ := strings.Cut(t, "/")
	return kind == "image" || kind == "video" || kind == "audio"
}

// cleanMediaType is a media type without parameters, or "".
func cleanMediaType(s string) string {
	if t, _, err := mime.ParseMediaType(s); err == nil && strings.Contains(t, "/") && len(t) <= 100 {
		return t
	}
	return ""
}

// extensions are the types of files by the ends of their names; the table of
// the system would differ between machines.
var extensions = map[string]string{
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".svg": "image/svg+xml", ".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
	".opus": "audio/ogg", ".oga": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4", ".wav": "audio/wav", ".pdf": "application/pdf",
}

// guessType is the type of a file that says none: Movim shows no others.
func guessType(href, asType string) string {
	href, _, _ = strings.Cut(href, "?")
	if t := extensions[strings.ToLower(path.Ext(href))]; t != "" {
		return t
	}
	switch asType {
	case as2.TypeImage:
		return "image/jpeg"
	case as2.TypeVideo:
		return "video/mp4"
	case as2.TypeAudio:
		return "audio/mpeg"
	}
	return ""
}

// pageOf is the page for people: the first HTML link, or the first that says
// nothing of its type (N2). That of an object is on its own server, or it would
// lead elsewhere in its owner's name (SEC-3).
func pageOf(links []as2.Link, id string) string {
	page := ""
	for _, l := range links {
		href := safeHref(l.Href)
		if !strings.HasPrefix(href, "http") || id != "" && !as2.SameOrigin(href, id) {
			continue
		}
		if l.MediaType == "text/html" {
			return href
		}
		if page == "" && l.MediaType == "" {
			page = href
		}
	}
	return page
}

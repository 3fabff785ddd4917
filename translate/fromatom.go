package translate

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"isthmus/xmpp/stanza"
)

// FromAtom reads an entry of XEP-0277 or XEP-0472. it is where it was found,
// owner its publisher: what the entry says of its author only counts when it
// agrees (X4), or in a boost. URI and Visibility are left to the caller, and
// names in the text are mentions of which only the handle is known.
func FromAtom(entry *stanza.Element, it Item, owner Actor) (Post, error) {
	if !entry.Is(stanza.NSAtom, "entry") {
		return Post{}, fmt.Errorf("item %s of %s holds no Atom entry: %w", it.ID, it.Node, ErrNotPost)
	}
	p := Post{Kind: KindNote, Origin: OriginXMPP, Owner: owner, Author: owner, Item: &it}
	p.EntryID = cutBytes(oneLine(entry.ChildContent(stanza.NSAtom, "id")), maxHref)
	r := atomReader{entry: entry, post: &p}
	r.categories()
	r.content()
	r.links()
	r.replyTo()
	r.references()
	r.dates()
	r.author()
	r.mediaTitle()
	if p.Kind != KindBoost {
		p.Kind = kindOfText(p)
		for _, tag := range FindTags(p.Title + "\n" + p.Text) {
			addTag(&p, tag)
		}
	}
	if p.Title == "" && p.Text == "" && p.Warning == "" && len(p.Media) == 0 && len(p.Links) == 0 && p.Quote == "" && p.Kind != KindBoost {
		return Post{}, fmt.Errorf("entry %s of %s shows nothing: %w", it.ID, it.Node, ErrNotPost)
	}
	return p, nil
}

// kindOfText is the kind of a post by its form: a title makes it an Article,
// unless it is short and has no headings (design: what crosses).
func kindOfText(p Post) Kind {
	if p.Title == "" || utf8.RuneCountInString(p.Text) <= maxNote && !strings.Contains(p.HTML, "<h") {
		return KindNote
	}
	return KindArticle
}

// IsHeart tells whether a comment is a like as Movim and Converse write it:
// nothing but a heart.
func IsHeart(entry *stanza.Element) bool {
	if !entry.Is(stanza.NSAtom, "entry") {
		return false
	}
	title := strings.TrimSuffix(strings.TrimSpace(entry.ChildContent(stanza.NSAtom, "title")), "\ufe0f")
	if title != "♥" && title != "❤" {
		return false
	}
	content := entry.Child(stanza.NSAtom, "content")
	text := sanitizeTree(content).text
	return text == "" || strings.TrimSuffix(text, "\ufe0f") == title
}

// atomReader reads one entry.
type atomReader struct {
	entry *stanza.Element
	post  *Post
}

// atomText is a title, summary or content in one language.
type atomText struct {
	lang string
	sanitized
	plain string // of type text, as it stands
	rich  bool   // html comes from markup
}

// read reads a text construct (RFC 4287 §3.1). Beside its three types there are
// media types in use, such as atomtopubsub's text/html.
func (t *atomText) read(el *stanza.Element) {
	switch typ := strings.ToLower(el.Get("type")); {
	case typ == "xhtml" || typ == "application/xhtml+xml" || el.Child(stanza.NSXHTML, "") != nil:
		t.rich = true
		t.sanitized = sanitizeTree(el)
	case t.rich: // there is something better already
		if typ == "" || typ == "text" || typ == "text/plain" || typ == "text/markdown" {
			t.plain = manyLines(el.Content())
		}
	case typ == "text/markdown":
		t.rich = true
		t.plain = manyLines(el.Content())
		t.sanitized = sanitizeQuoting(markdownHTML(t.plain))
	case typ == "html" || strings.HasPrefix(typ, "text/html"):
		t.rich = true
		t.sanitized = sanitizeQuoting(el.Content())
	default:
		t.plain = manyLines(el.Content())
		t.sanitized = sanitizeQuoting(Linker{}.HTML(t.plain))
	}
}

// texts reads all elements of a name, one for each language, the main one
// first: the entry's own, else that of the first.
func (r atomReader) texts(name, main string) []atomText {
	var list []atomText
	for el := range r.entry.Children(stanza.NSAtom, name) {
		lang := knownLang(cmp.Or(el.Lang(), r.entry.Lang()))
		i := slices.IndexFunc(list, func(t atomText) bool { return t.lang == lang })
		if i < 0 {
			if i = len(list); i == maxLangs {
				break
			}
			list = append(list, atomText{lang: lang})
		}
		list[i].read(el)
	}
	if i := slices.IndexFunc(list, func(t atomText) bool { return t.lang == main }); i > 0 {
		list = slices.Concat(list[i:i+1], list[:i], list[i+1:])
	}
	return list
}

// content reads title, summary and content in every language.
func (r atomReader) content() {
	lang := knownLang(r.entry.Lang())
	contents, summaries, titles := r.texts("content", lang), r.texts("summary", lang), r.texts("title", lang)
	hasContent := len(contents) > 0
	if len(contents) == 0 {
		contents, summaries = summaries, nil
	}
	if len(contents) == 0 { // the text is the title
		contents = slices.Clone(titles)
		if len(titles) > 0 && !titles[0].rich {
			titles = nil
		}
	}
	if len(contents) == 0 {
		return
	}
	main := contents[0]
	p := r.post
	p.Lang, p.HTML, p.Text, p.Quote = main.lang, main.html, main.text, main.quote
	for _, jid := range main.jids {
		p.Mentions = append(p.Mentions, Mention{Actor: Actor{JID: jid}})
	}
	if hasContent && main.rich && main.plain != "" && main.plain != manyLines(readable(*p)) {
		p.Source = &Source{main.plain, "text/markdown"} // Movim's, Libervia's
	}
	title := titleIn(titles, main.lang)
	if made, whole := readTitle(r.entry, title, p.HTML); made != title {
		p.HTML, p.Text = Sanitize(whole)
		title = made
	}
	if url, ok := strings.CutPrefix(p.Text, "RE: "); ok && !hasContent && strings.HasPrefix(safeHref(url), "http") && !strings.ContainsAny(url, " \n") {
		p.HTML, p.Text, p.Quote = "", "", url // nothing but a quote, as it is written for who knows of none
	}
	p.Title = r.title(title, main)
	if len(summaries) > 0 {
		p.Summary = cutRunes(oneLine(summaries[0].text), maxSummary)
	}
	for _, c := range contents[1:] {
		if c.lang == "" || c.lang == main.lang || c.text == "" {
			continue
		}
		t := Translation{Lang: c.lang, HTML: c.html, Text: c.text, Title: cutRunes(oneLine(titleIn(titles, c.lang)), maxTitle)}
		if t.Title == oneLine(c.text) {
			t.Title = ""
		}
		p.Translations = append(p.Translations, t)
	}
}

// mediaTitle drops words that stand for files and links without words.
func (r atomReader) mediaTitle() {
	p := r.post
	if len(p.Media)+len(p.Links) > 0 && p.Title == "" && p.Text == mediaTitle(*p) && r.entry.Child(stanza.NSAtom, "content") == nil {
		p.HTML, p.Text = "", ""
	}
}

// titleIn is the title of a language as plain text; the first if none is.
func titleIn(titles []atomText, lang string) string {
	for i, t := range titles {
		if t.lang == lang || i == len(titles)-1 {
			return cmp.Or(t.plain, t.text)
		}
	}
	return ""
}

// title takes from a title the content warning and, in comments and from
// publishers that put the text in both places, the text.
func (r atomReader) title(title string, main atomText) string {
	text := readable(*r.post)
	if w := r.post.Warning; w != "" {
		if rest, ok := strings.CutPrefix(title, w); ok {
			title = strings.TrimPrefix(strings.TrimPrefix(rest, warningSep), "\n\n")
		}
	}
	if strings.HasSuffix(title, "\n\n"+text) {
		title = strings.TrimSuffix(title, text)
	}
	short := oneLine(title)
	whole := oneLine(text)
	if short == whole || main.plain != "" && short == oneLine(main.plain) {
		return ""
	}
	for _, dots := range [...]string{"…", "..."} { // a headline made of the text
		if start, ok := strings.CutSuffix(short, dots); ok && len(start) > 10 && strings.HasPrefix(whole, strings.TrimSpace(start)) {
			return ""
		}
	}
	return cutRunes(short, maxTitle)
}

// categories reads hashtags and the warning. A label is the hashtag as it was
// written; of nsfw it is what readers are warned of.
func (r atomReader) categories() {
	for c := range r.entry.Children(stanza.NSAtom, "category") {
		term, label := oneLine(c.Get("term")), oneLine(c.Get("label"))
		if tag, ok := strings.CutPrefix(label, "#"); ok && strings.EqualFold(tag, term) {
			addTag(r.post, tag)
		} else if !strings.EqualFold(term, nsfw) {
			addTag(r.post, strings.TrimPrefix(term, "#"))
		} else if r.post.Warning == "" {
			r.post.Warning = cutRunes(label, maxWarning)
		}
		r.post.Sensitive = r.post.Sensitive || strings.EqualFold(term, nsfw)
	}
}

// links reads the links that mean something.
func (r atomReader) links() {
	p := r.post
	for l := range r.entry.Children(stanza.NSAtom, "link") {
		href := safeHref(l.Get("href"))
		if href == "" {
			continue
		}
		isXMPP := strings.HasPrefix(href, "xmpp:")
		rel := strings.TrimPrefix(strings.ToLower(l.Get("rel")), "http://www.iana.org/assignments/relation/")
		switch rel {
		case "", "alternate":
			if p.URL == "" && strings.HasPrefix(href, "http") && (l.Get("type") == "" || cleanMediaType(l.Get("type")) == "text/html") {
				p.URL = href
			}
		case "replies":
			if it, err := ParsePubSubURI(href); err == nil && p.Comments == nil && isXMPP {
				p.Comments = &Node{it.Service, it.Node}
			}
		case "via":
			r.via(href)
			r.via(safeHref(l.Get("ref")))
		case "enclosure":
			r.enclosure(l, href)
		case "related":
			if len(p.Links) < maxLinks && !isXMPP {
				p.Links = append(p.Links, Link{href, cutRunes(oneLine(l.Get("title")), maxTitle), cleanMediaType(l.Get("type"))})
			}
		}
	}
}

// via reads what a boost repeats; the first link of each kind counts.
func (r atomReader) via(href string) {
	p := r.post
	if it, err := ParsePubSubURI(href); err == nil && it.ID != "" {
		if p.BoostRef == nil {
			p.BoostRef = &it
		}
	} else if p.Boost == "" && strings.HasPrefix(href, "http") {
		p.Boost = href
	} else {
		return
	}
	p.Kind = KindBoost
}

// enclosure reads an attached file (XEP-0472); what the link does not say may
// be in a XEP-0446 element.
func (r atomReader) enclosure(l *stanza.Element, href string) {
	p := r.post
	if !strings.HasPrefix(href, "http") || len(p.Media) == maxMedia {
		return
	}
	m := Media{URL: href, MediaType: cmp.Or(cleanMediaType(l.Get("type")), guessType(href, "")), Alt: cutRunes(manyLines(l.Get("title")), maxAlt)}
	m.Size, _ = strconv.ParseInt(l.Get("length"), 10, 64)
	m.Size = max(m.Size, 0)
	m.Width, m.Height = pixels(l.Get("width")), pixels(l.Get("height"))
	if file := l.Child(stanza.NSFileMeta, "file"); file != nil {
		readFile(&m, file)
	}
	m.MediaType = cmp.Or(m.MediaType, "application/octet-stream") // as it is written when nobody says what it is
	p.Media = append(p.Media, m)
}

// replyTo reads in-reply-to (RFC 4685), whatever its prefix was. There may be
// several for one parent (XEP-0277): its page and its item.
func (r atomReader) replyTo() {
	for el := range r.entry.Children(stanza.NSThread, "in-reply-to") {
		for _, uri := range [...]string{el.Get("ref"), el.Get("href")} {
			if it, err := ParsePubSubURI(uri); err == nil {
				if r.post.ReplyRef == nil {
					r.post.ReplyRef = &it
				}
			} else if href := safeHref(uri); r.post.ReplyTo == "" && strings.HasPrefix(href, "http") {
				r.post.ReplyTo = href
			}
		}
	}
}

// references reads mentions besides those that are links: references
// (XEP-0372) and names in the text.
func (r atomReader) references() {
	p := r.post
	add := func(m Mention) {
		same := func(o Mention) bool {
			return m.JID != "" && o.JID == m.JID || m.URI != "" && o.URI == m.URI || m.Handle != "" && strings.EqualFold(o.Handle, m.Handle)
		}
		if len(p.Mentions) < maxMentions && !slices.ContainsFunc(p.Mentions, same) {
			p.Mentions = append(p.Mentions, m)
		}
	}
	for ref := range r.entry.Children(stanza.NSReference, "reference") {
		uri := safeHref(ref.Get("uri"))
		if ref.Get("type") != "mention" || uri == "" {
			continue
		}
		if jid, err := ParseJIDURI(uri); err == nil {
			add(Mention{Actor: Actor{JID: jid}})
		} else if strings.HasPrefix(uri, "http") {
			add(Mention{Actor: Actor{URI: uri}})
		}
	}
	for _, handle := range FindMentions(p.Title + "\n" + p.Text) {
		add(Mention{Actor: Actor{Handle: handle}, Text: "@" + handle})
	}
}

// dates reads when it was published and last changed (X8).
func (r atomReader) dates() {
	published := parseTime(r.entry.ChildContent(stanza.NSAtom, "published"))
	updated := parseTime(r.entry.ChildContent(stanza.NSAtom, "updated"))
	if published.IsZero() {
		published = updated
	}
	r.post.Published = published
	if updated.After(published) {
		r.post.Updated = updated
	}
}

// author reads who the entry says it is from.
func (r atomReader) author() {
	el := r.entry.Child(stanza.NSAtom, "author")
	name := ShownName(el.ChildContent(stanza.NSAtom, "name"), maxName)
	jid, _ := ParseJIDURI(oneLine(el.ChildContent(stanza.NSAtom, "uri")))
	p := r.post
	switch {
	case p.Kind == KindBoost:
		if el != nil {
			p.Author = Actor{JID: jid, Name: name}
		}
	case jid == "" || jid == p.Owner.JID:
		p.Author.Name = cmp.Or(name, p.Owner.Name)
	}
}

// parseTime reads a date of RFC 4287 or XEP-0082; zero if it is none.
func parseTime(s string) time.Time {
	s = strings.ToUpper(strings.TrimSpace(html.UnescapeString(s)))
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 && t.Year() < 10000 {
			return utc(t)
		}
	}
	return time.Time{}
}

// pixels reads a width or height.
func pixels(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1<<20 {
		return 0
	}
	return n
}

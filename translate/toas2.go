package translate

import (
	"strings"

	"isthmus/ap/as2"
)

// How title and teaser are marked in content for those who can only show
// content. The class names are those of microformats2, which Mastodon keeps; by
// them the parts are found again.
const (
	titleStart  = `<p><strong class="p-name">`
	titleEnd    = `</strong></p>`
	teaserStart = `<p class="p-summary">`
	teaserEnd   = `</p>`
)

// AS2Links is what an object says of its surroundings.
type AS2Links struct {
	FollowersURL           string                  // of the owner; for a post without to and cc
	Replies, Likes, Shares string                  // ids of the collections
	Proxy                  string                  // xmpp: URI of the item (FEP-fffd)
	TagURL                 func(tag string) string // pages of hashtags; nil if there are none
}

// AS2Object writes a post as the object that peers read (N1-N20). to and cc are
// the post's own; a post without them is addressed by its visibility. Boosts
// are not objects: see Announce.
func AS2Object(p Post, l AS2Links) *as2.Note {
	a := p.audience(l.FollowersURL)
	n := &as2.Note{
		ID: p.URI, Type: typeOfKind(p.Kind), AttributedTo: p.Owner.URI, InReplyTo: as2.NullString(p.ReplyTo),
		Published: as2.Time{Time: p.Published}, Updated: as2.Time{Time: p.Updated},
		To: a.To, Cc: a.Cc, Sensitive: p.Sensitive || p.Warning != "",
		Conversation: p.Thread, Thread: p.Thread,
		Quote: p.Quote, MisskeyQuote: p.Quote, QuoteURL: p.Quote, QuoteURI: p.Quote, // N12
		Tag: tagsOf(p, l), Attachment: attachmentsOf(p),
		Replies: idOrNil(l.Replies), Likes: idOrNil(l.Likes), Shares: idOrNil(l.Shares),
	}
	if p.URL != "" {
		n.URL = as2.Links{{Href: p.URL, MediaType: "text/html"}}
	}
	if p.Source != nil {
		n.Source = &as2.OutSource{Content: p.Source.Content, MediaType: p.Source.MediaType}
	}
	n.Content = Linker{p.Mentions, l.TagURL}.Link(p.HTML)
	if p.Kind == KindNote && p.Title != "" {
		n.Content = titleStart + escape(p.Title) + titleEnd + n.Content
	} else {
		n.Name = p.Title
	}
	n.Content += quoteHTML(p.Quote)
	if p.Lang != "" && n.Content != "" {
		n.ContentMap = map[string]string{p.Lang: n.Content} // one key, or Mastodon takes the wrong one (N6)
	}
	n.Summary = p.Warning
	switch p.Kind {
	case KindArticle:
		teaser(n, p)
	case KindEvent:
		writeEvent(n, p.Event)
	case KindQuestion:
		writePoll(n, p.Poll)
	}
	return n
}

// audience is what a post says of its readers, or what follows from its
// visibility.
func (p Post) audience(followersURL string) Audience {
	a := Audience{p.To, p.Cc}
	if len(a.To) == 0 && len(a.Cc) == 0 {
		a = AudienceOf(p.Visibility, followersURL, p.Mentions)
	}
	if a.To == nil {
		a.To = []string{}
	}
	if a.Cc == nil {
		a.Cc = []string{}
	}
	return a
}

// typeOfKind is the AS2 type of a kind.
func typeOfKind(k Kind) string {
	switch k {
	case KindArticle:
		return as2.TypeArticle
	case KindEvent:
		return as2.TypeEvent
	case KindQuestion:
		return as2.TypeQuestion
	default:
		return as2.TypeNote
	}
}

// teaser gives an Article what those show who do not show Articles: a summary
// and a preview (N17, FEP-b2b8).
func teaser(n *as2.Note, p Post) {
	short := p.Summary
	if short == "" {
		short = oneLine(p.Text)
	}
	short = cutRunes(short, maxTeaser)
	if n.Summary == "" && !n.Sensitive { // else it would be read as a warning
		n.Summary = short
	}
	page := p.URL
	if page == "" {
		page = p.URI
	}
	name := p.Title
	if name == "" {
		name = page
	}
	link := "<p><a" + attr("href", page) + ">" + escape(name) + "</a></p>"
	body := "<p>" + escape(short) + "</p>"
	if p.Summary != "" {
		body = teaserStart + escape(short) + teaserEnd
	}
	if p.Warning != "" {
		body = "<p>" + escape(p.Warning) + "</p>"
	}
	n.Preview = &as2.Preview{Type: as2.TypeNote, AttributedTo: p.Owner.URI, Content: body + link}
}

// tagsOf writes mentions, hashtags, emoji and the proxy mark (N4, N20).
func tagsOf(p Post, l AS2Links) []as2.Tag {
	tags := []as2.Tag{}
	for _, m := range p.Mentions {
		if m.URI == "" {
			continue
		}
		name := m.Text
		if m.Handle != "" {
			name = "@" + m.Handle
		}
		tags = append(tags, as2.Tag{Type: as2.TypeMention, Href: m.URI, Name: name})
	}
	for _, t := range p.Tags {
		tag := as2.Tag{Type: as2.TypeHashtag, Name: "#" + t}
		if l.TagURL != nil {
			tag.Href = l.TagURL(t)
		}
		tags = append(tags, tag)
	}
	for _, e := range p.Emoji {
		tags = append(tags, as2.Tag{ID: e.ID, Type: as2.TypeEmoji, Name: ":" + e.Shortcode + ":",
			Icon: &as2.Image{Type: as2.TypeImage, MediaType: e.MediaType, URL: e.URL}})
	}
	if l.Proxy != "" {
		tags = append(tags, as2.Tag{Type: as2.TypeLink, Rel: "canonical", Href: l.Proxy})
	}
	return tags
}

// attachmentsOf writes files and link cards (N9).
func attachmentsOf(p Post) []as2.Attachment {
	list := []as2.Attachment{}
	for _, m := range p.Media {
		a := as2.Attachment{Type: as2.TypeDocument, MediaType: m.MediaType, URL: m.URL, Name: m.Alt, Width: m.Width, Height: m.Height,
			Blurhash: m.Blurhash, FocalPoint: m.Focus, Duration: m.Duration, Size: m.Size}
		switch kind, _, _ := strings.Cut(m.MediaType, "/"); kind {
		case "image":
			a.Type = as2.TypeImage
		case "video":
			a.Type = as2.TypeVideo
		case "audio":
			a.Type = as2.TypeAudio
		}
		list = append(list, a)
	}
	for _, l := range p.Links {
		list = append(list, as2.Attachment{Type: as2.TypeLink, Href: l.URL, Name: l.Title, MediaType: l.MediaType})
	}
	return list
}

// writeEvent writes when and where (N18).
func writeEvent(n *as2.Note, e *Event) {
	if e == nil {
		return
	}
	n.StartTime, n.EndTime = as2.Time{Time: e.Start}, as2.Time{Time: e.End}
	n.Timezone = e.Zone
	if e.Place+e.Address != "" {
		n.Location = append(n.Location, as2.Place{Type: as2.TypePlace, Name: e.Place, Address: e.Address})
	}
	if e.Online != "" {
		n.Location = append(n.Location, as2.Place{Type: as2.TypeVirtualLocation, URL: e.Online})
	}
}

// writePoll writes the choices of a Question (V14).
func writePoll(n *as2.Note, poll *Poll) {
	if poll == nil {
		return
	}
	var options []as2.Option
	for _, o := range poll.Options {
		options = append(options, as2.Option{Type: as2.TypeNote, Name: o.Text,
			Replies: &as2.Collection{Type: as2.TypeCollection, TotalItems: &o.Votes}})
	}
	if poll.Multiple {
		n.AnyOf = options
	} else {
		n.OneOf = options
	}
	n.EndTime, n.Closed = as2.Time{Time: poll.Ends}, as2.Time{Time: poll.Closed}
	n.VotersCount = &poll.Voters
}

// quoteHTML is how a quote is shown where quotes are not known (N12).
func quoteHTML(uri string) string {
	if safeHref(uri) == "" {
		return ""
	}
	return `<p class="quote-inline">RE: <a` + attr("href", uri) + ">" + escape(uri) + "</a></p>"
}

// escape writes plain text as HTML.
func escape(s string) string { return string(appendText(nil, s)) }

// idOrNil keeps an absent collection out of the document.
func idOrNil(id string) any {
	if id == "" {
		return nil
	}
	return id
}

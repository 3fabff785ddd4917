package translate

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"isthmus/ap/as2"
)

// ErrNotPost is wrapped by the errors for objects and entries that are not
// posts, or that show nothing.
var ErrNotPost = errors.New("not a post")

// AS2Context is what the reader of an AS2 object knows besides the object.
type AS2Context struct {
	// Owner is proven. Its URI must be in attributedTo, or be the actor of an
	// Announce; when it is empty, what the object says is taken.
	Owner        Actor
	FollowersURL string                // of the owner
	IsActor      func(uri string) bool // tells known actors; nil: none is known
}

// FromAS2 reads an object that shows something: Note, Article, Page, Video,
// Audio, Image, Event, Question, or any other type that has text.
func FromAS2(o *as2.Object, c AS2Context) (Post, error) {
	if o == nil || o.ID == "" {
		return Post{}, fmt.Errorf("object without id: %w", ErrNotPost)
	}
	if o.IsActor() || o.IsActivity() || o.IsCollection() || o.Type() == as2.TypeTombstone {
		return Post{}, fmt.Errorf("%s is a %q: %w", o.ID, o.Type(), ErrNotPost)
	}
	p, err := postOf(o, o.AttributedTo, c)
	if err != nil {
		return Post{}, err
	}
	p.Kind = kindOfType(o.Type())
	p.Author = p.Owner
	readContent(&p, o)
	readTags(&p, o.Tag)
	readMedia(&p, o)
	p.URL = cmp.Or(pageOf(o.URL, o.ID), safeHref(o.ID)) // where there is no page, the id leads to it
	p.ReplyTo = o.InReplyTo
	p.Thread = cmp.Or(o.Context, o.Conversation)
	switch p.Kind {
	case KindEvent:
		readEvent(&p, o)
	case KindQuestion:
		readPoll(&p, o)
	}
	if p.Title == "" && p.Text == "" && p.Warning == "" && len(p.Media) == 0 && len(p.Links) == 0 && p.Quote == "" {
		return Post{}, fmt.Errorf("%s shows nothing: %w", o.ID, ErrNotPost)
	}
	return p, nil
}

// FromAnnounce reads a boost. Content and author are those of the boosted
// object, which the caller may not have yet: WithOriginal adds them.
func FromAnnounce(o *as2.Object, c AS2Context) (Post, error) {
	if o == nil || o.Type() != as2.TypeAnnounce || o.ID == "" || as2.FirstID(o.Object) == "" {
		return Post{}, fmt.Errorf("no Announce with id and object: %w", ErrNotPost)
	}
	p, err := postOf(o, o.Actor, c)
	if err != nil {
		return Post{}, err
	}
	p.Kind = KindBoost
	p.Boost = as2.FirstID(o.Object)
	return p, nil
}

// IsVote tells whether an object is a choice in a poll, not a post (V15).
func IsVote(o *as2.Object) bool {
	return o.Type() == as2.TypeNote && o.InReplyTo != "" && o.Name.Value != "" &&
		o.Content.Value == "" && len(o.Attachment) == 0
}

// WithOriginal shows in a boost what it boosts.
func (p Post) WithOriginal(orig Post) Post {
	p.Author = orig.Author
	p.Title, p.HTML, p.Text, p.Lang, p.Summary = orig.Title, orig.HTML, orig.Text, orig.Lang, orig.Summary
	p.Translations, p.Source = orig.Translations, orig.Source
	p.Warning, p.Sensitive = orig.Warning, orig.Sensitive
	p.Tags, p.Mentions, p.Emoji, p.Media, p.Links = orig.Tags, orig.Mentions, orig.Emoji, orig.Media, orig.Links
	p.Event, p.Poll, p.Quote, p.URL = orig.Event, orig.Poll, orig.Quote, orig.URL
	return p
}

// postOf reads what posts and boosts have in common. by is who the object says
// it is from.
func postOf(o *as2.Object, by []*as2.Object, c AS2Context) (Post, error) {
	owner := c.Owner
	if owner.URI == "" {
		owner.URI = as2.FirstID(by)
	}
	if owner.URI == "" || !slices.ContainsFunc(by, func(a *as2.Object) bool { return a.ID == owner.URI }) {
		return Post{}, fmt.Errorf("%s is not by %q: %w", o.ID, owner.URI, ErrNotPost)
	}
	p := Post{URI: o.ID, Origin: OriginAP, Owner: owner, To: cut(o.To, maxAudience), Cc: cut(o.Cc, maxAudience)}
	p.Visibility = Audience{o.To, o.Cc}.Visibility(c.FollowersURL, c.IsActor)
	p.Published = utc(o.Published)
	if o.Updated.After(o.Published) { // some always send both
		p.Updated = utc(o.Updated)
	}
	return p, nil
}

// kindOfType is the kind of an object's type.
func kindOfType(t string) Kind {
	switch t {
	case as2.TypeArticle, as2.TypePage:
		return KindArticle
	case as2.TypeEvent:
		return KindEvent
	case as2.TypeQuestion:
		return KindQuestion
	default:
		return KindNote
	}
}

// readContent reads title, warning and text in every language.
func readContent(p *Post, o *as2.Object) {
	content := o.Content.Value
	p.Title = cutRunes(plainTitle(o.Name.Value), maxTitle)
	if rest, ok := strings.CutPrefix(content, titleStart); ok && p.Kind == KindNote {
		if title, rest, ok := strings.Cut(rest, titleEnd); ok {
			p.Title = oneLine(html.UnescapeString(title))
			content = rest
		}
	}
	mediaType := o.MediaType
	if o.Content.Value == "" && o.Source != nil { // what was written is all there is
		content, mediaType = o.Source.Content, cmp.Or(o.Source.MediaType, "text/plain")
	}
	p.HTML, p.Text, p.Quote = readText(contentHTML(content, mediaType), o.Quote)
	if o.Source != nil && o.Source.Content != "" {
		p.Source = &Source{manyLines(o.Source.Content), o.Source.MediaType}
	} else if o.MediaType == "text/markdown" && content != "" {
		p.Source = &Source{manyLines(content), o.MediaType}
	}
	p.Lang = languageOf(o.Content, o.Name)
	readTranslations(p, o)

	p.Sensitive = o.Sensitive
	switch summary := plainTitle(o.Summary.Value); {
	case summary == "":
	case o.Sensitive || p.Kind == KindNote && !hasTeaser(o.Type()) || p.Kind == KindQuestion:
		p.Warning, p.Sensitive = cutRunes(summary, maxWarning), true
	default:
		p.Summary = cutRunes(summary, maxSummary)
	}
	for _, preview := range o.Preview {
		if rest, ok := strings.CutPrefix(preview.Content.Value, teaserStart); ok && p.Kind == KindArticle {
			teaser, _, _ := strings.Cut(rest, teaserEnd)
			p.Summary = oneLine(html.UnescapeString(teaser))
		}
	}
}

// hasTeaser tells the types whose summary is a teaser, not a warning (N8).
func hasTeaser(t string) bool {
	return t == as2.TypeVideo || t == as2.TypeAudio || t == as2.TypeImage
}

// readText sanitises content. The fallback for a quote goes when there is one.
func readText(content, quote string) (xhtml, text, quoted string) {
	if quote != "" {
		s := sanitizeQuoting(content)
		return s.html, s.text, quote
	}
	xhtml, text = Sanitize(content)
	return xhtml, text, ""
}

// PlainName is the name of somebody as one line of at most n characters.
func PlainName(s string, n int) string { return ShownName(plainTitle(s), n) }

// plainTitle is a name or summary as plain text: some send HTML or its entities.
func plainTitle(s string) string {
	if i := strings.IndexAny(s, "<&"); i >= 0 && i < len(s)-1 && strings.ContainsAny(s[i:], ">;") {
		_, s = Sanitize(s)
	}
	return oneLine(s)
}

// languageOf is the language of the main value: the key under which it stands
// again (N6).
func languageOf(texts ...as2.Text) string {
	for _, t := range texts {
		for _, lang := range sortedKeys(t.Map) {
			if t.Map[lang] == t.Value && t.Value != "" {
				return knownLang(lang)
			}
		}
	}
	return ""
}

func knownLang(s string) string {
	if s = safeLang(s); strings.EqualFold(s, "und") {
		return ""
	}
	return s
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// readTranslations reads the languages besides the main one.
func readTranslations(p *Post, o *as2.Object) {
	for _, lang := range sortedKeys(o.Content.Map) {
		content := o.Content.Map[lang]
		if knownLang(lang) == "" || knownLang(lang) == p.Lang || content == o.Content.Value || len(p.Translations) == maxLangs {
			continue
		}
		t := Translation{Lang: knownLang(lang), Title: cutRunes(plainTitle(o.Name.Map[lang]), maxTitle)}
		t.HTML, t.Text, _ = readText(contentHTML(content, o.MediaType), o.Quote)
		if t.Text != "" {
			p.Translations = append(p.Translations, t)
		}
	}
}

// readPoll reads the choices of a Question (V14).
func readPoll(p *Post, o *as2.Object) {
	choices, multiple := o.OneOf, false
	if len(choices) == 0 {
		choices, multiple = o.AnyOf, true
	}
	if len(choices) == 0 {
		return
	}
	poll := &Poll{Multiple: multiple, Ends: utc(o.EndTime), Closed: utc(o.Closed), Voters: max(o.VotersCount, 0)}
	for _, choice := range cut(choices, maxOptions) {
		poll.Options = append(poll.Options, Option{cutRunes(plainTitle(choice.Name.Value), maxTitle), max(choice.RepliesTotal, 0)})
	}
	p.Poll = poll
	p.Text = strings.TrimPrefix(p.Text+"\n\n"+pollText(poll), "\n\n")
}

// pollText lists the choices.
func pollText(poll *Poll) string {
	var b strings.Builder
	for i, o := range poll.Options {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("- " + o.Text)
	}
	return b.String()
}

// utc is an instant in the one zone that we keep; no instant stays none.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

// cut shortens a list.
func cut[T any](list []T, n int) []T {
	if len(list) > n {
		return slices.Clip(list[:n])
	}
	return list
}

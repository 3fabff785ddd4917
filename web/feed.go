package web

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"isthmus/translate"
)

// The elements of a feed (RFC 4287).
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  atomPerson  `xml:"author"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomEntry struct {
		Lang       string         `xml:"xml:lang,attr,omitempty"`
		ID         string         `xml:"id"`
		Title      string         `xml:"title"`
		Published  string         `xml:"published,omitempty"`
		Updated    string         `xml:"updated"`
		Author     atomPerson     `xml:"author"`
		Links      []atomLink     `xml:"link"`
		Categories []atomCategory `xml:"category"`
		Content    *atomText      `xml:"content"`
		Summary    string         `xml:"summary,omitempty"`
	}
	atomPerson struct {
		Name string `xml:"name"`
		URI  string `xml:"uri,omitempty"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
	atomText struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
)

// searchFeed is a search as a feed, newest first.
func (s *Server) searchFeed(w http.ResponseWriter, r *http.Request) {
	q, mistake := asked(r)
	q.Best = false
	var found SearchPage
	if q.Text == "" {
		mistake = &Mistake{Problem: "there is no query", Hint: "write one as ?q=words"}
	}
	if mistake == nil {
		var ok bool
		if found, ok = s.find(w, r, q); !ok {
			return
		}
		mistake = found.Mistake
	}
	if mistake != nil {
		http.Error(w, first(strings.TrimSuffix(mistake.Problem+"; "+mistake.Hint, "; ")), http.StatusBadRequest)
		return
	}
	whole := SearchQuery{Text: q.Text}
	feed := atomFeed{
		ID: s.cfg.Origin + s.searchURL(whole, true), Title: q.Text + " – " + s.cfg.Site, Author: atomPerson{Name: s.cfg.Site},
		Links: []atomLink{
			{"self", feedType, s.cfg.Origin + s.searchURL(q, true)},
			{"alternate", "text/html", s.cfg.Origin + s.searchURL(whole, false)},
		},
	}
	if found.Next != "" { // RFC 5005 §3
		feed.Links = append(feed.Links, atomLink{"next", feedType, s.cfg.Origin + s.searchURL(SearchQuery{Text: q.Text, Cursor: found.Next}, true)})
	}
	entries := make([]Entry, len(found.Found))
	for i, f := range found.Found {
		entries[i] = f.Entry
	}
	s.writeFeed(w, r, feed, entries)
}

// feedName is the last part of the address of an actor's feed. No post is called
// so.
const feedName = "feed.atom"

// FeedURL is the address of the feed of an actor's page.
func (p Profile) FeedURL() string {
	if p.PageURL == "" {
		return ""
	}
	return p.PageURL + "/" + feedName
}

// actorFeed is the page of an actor as a feed.
func (s *Server) actorFeed(w http.ResponseWriter, r *http.Request, acct string) {
	p, err := s.cfg.Pages.Actor(r.Context(), acct)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeFeed(w, r, atomFeed{
		ID: p.FeedURL(), Title: p.ShownName(), Author: atomPerson{p.ShownName(), p.ActorURL},
		Links: []atomLink{{"self", feedType, p.FeedURL()}, {"alternate", "text/html", p.PageURL}},
	}, p.Posts)
}

// feedType is the media type of feeds.
const feedType = "application/atom+xml"

// writeFeed writes a feed of posts.
func (s *Server) writeFeed(w http.ResponseWriter, r *http.Request, feed atomFeed, entries []Entry) {
	latest := time.Unix(0, 0) // of nothing: long ago, and always the same
	for _, e := range entries {
		feed.Entries = append(feed.Entries, feedEntry(e))
		if at := changed(e.Post); at.After(latest) {
			latest = at
		}
	}
	feed.Updated = stamp(latest)
	text, err := xml.Marshal(feed)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", feedType+"; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Cache-Control", "public, max-age=60")
	answer(w, r, append([]byte(xml.Header), text...))
}

// feedEntry is a post in a feed. What is behind a warning stays there.
func feedEntry(e Entry) atomEntry {
	p := e.Post
	out := atomEntry{
		Lang: p.Lang, ID: p.URI, Updated: stamp(changed(p)), Author: atomPerson{first(e.AuthorName(), "somebody"), p.Author.URI},
		Title: first(p.Warning, p.Title, shorten(p.Text, 60), "A post"),
	}
	if e.Boosted() {
		out.Title = translate.BoostLine(p.Author) + ": " + out.Title
	}
	if !p.Published.IsZero() {
		out.Published = stamp(p.Published)
	}
	if strings.HasPrefix(e.PageURL, "https://") || strings.HasPrefix(e.PageURL, "http://") {
		out.Links = append(out.Links, atomLink{"alternate", "text/html", e.PageURL})
	}
	for _, tag := range p.Tags {
		out.Categories = append(out.Categories, atomCategory{tag})
	}
	if p.Warning != "" {
		out.Summary = p.Warning
		return out
	}
	out.Content = &atomText{"html", string(e.ContentHTML())}
	return out
}

// changed is when a post was last changed.
func changed(p translate.Post) time.Time {
	if p.Updated.After(p.Published) {
		return p.Updated
	}
	return p.Published
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

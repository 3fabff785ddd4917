package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Searcher finds what a stranger may find: public posts of authors who want to
// be found.
type Searcher interface {
	Search(ctx context.Context, q SearchQuery) (SearchPage, error)
}

// SearchQuery is what somebody asks for.
type SearchQuery struct {
	Text   string
	Best   bool   // the best matches first, not the newest
	Cursor string // SearchPage.Next of the page before
	Count  bool   // how many there are is asked for too
}

// SearchPage is a page of what was found, or a mistake in the question.
type SearchPage struct {
	Found   []Found
	Next    string // cursor; empty: there is no more
	Mistake *Mistake
	Total   int  // how many there are on all pages; 0: that was not counted
	More    bool // there are more than Total
}

// Found is a post with the place that matched.
type Found struct {
	Entry
	Snippet string
	Marks   [][2]int // byte ranges of Snippet
}

// Mistake is what is wrong with a query, and where.
type Mistake struct {
	Pos, Len int // bytes of the text; both 0: nowhere
	Problem  string
	Hint     string
}

// Bounds of a search by a stranger.
const (
	maxQuery   = 1000            // bytes of a query
	maxCursor  = 400             // bytes of a cursor
	searchTime = 3 * time.Second // that a search may take, its turn included
	searches   = 2               // at a time: the gateway has other work
	retryAfter = 5               // seconds that are asked for by 429 and 503
)

// Piece is a part of a text that is marked or not.
type Piece struct {
	Text string
	Mark bool
}

// pieces cuts a text at marks. Marks that make no sense are left out.
func pieces(text string, marks [][2]int) []Piece {
	var out []Piece
	at := 0
	for _, m := range marks {
		if m[0] < at || m[1] < m[0] || m[1] > len(text) || !boundary(text, m[0]) || !boundary(text, m[1]) {
			continue
		}
		out = append(out, Piece{text[at:m[0]], false}, Piece{text[m[0]:m[1]], true})
		at = m[1]
	}
	return append(out, Piece{text[at:], false})
}

func boundary(text string, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

// Pieces are the snippet, cut at what matched.
func (f Found) Pieces() []Piece { return pieces(f.Snippet, f.Marks) }

// searchView is what the template shows.
type searchView struct {
	Action, Text string
	Best         bool
	Asked        bool
	SearchPage
	NextURL, FeedURL string
}

// Heading says how many posts were found, as far as that is known.
func (v searchView) Heading() string {
	switch {
	case len(v.Found) == 0:
		return "Nothing found"
	case v.Total == 0:
		return "Found"
	case v.More:
		return "Found more than " + strconv.Itoa(v.Total) + " posts"
	case v.Total == 1:
		return "Found one post"
	}
	return "Found " + strconv.Itoa(v.Total) + " posts"
}

// Place is the query with the mistake marked; nothing if it is not in the text.
func (v searchView) Place() []Piece {
	if v.Mistake == nil || v.Mistake.Pos+v.Mistake.Len == 0 {
		return nil
	}
	text, m := v.Text, v.Mistake
	if m.Pos >= len(text) { // something is missing at the end
		text, m = text+" ", &Mistake{Pos: len(text), Len: 1}
	}
	return pieces(text, [][2]int{{m.Pos, min(m.Pos+max(m.Len, 1), len(text))}})
}

// asked reads a request. Fields that nobody could have filled in with the form
// are a mistake.
func asked(r *http.Request) (SearchQuery, *Mistake) {
	form := r.URL.Query()
	q := SearchQuery{Text: strings.TrimSpace(strings.ToValidUTF8(form.Get("q"), "\uFFFD")), Best: form.Get("order") == "best", Cursor: form.Get("after")}
	if len(q.Text) > maxQuery {
		q.Text = strings.ToValidUTF8(q.Text[:maxQuery], "")
		return q, &Mistake{Problem: "the query is too long", Hint: "write at most " + strconv.Itoa(maxQuery) + " characters"}
	}
	if len(q.Cursor) > maxCursor || !utf8.ValidString(q.Cursor) {
		q.Cursor = ""
		return q, &Mistake{Problem: "that page does not exist", Hint: "begin with the first page"}
	}
	return q, nil
}

// searchURL is the address of a search below the site.
func (s *Server) searchURL(q SearchQuery, feed bool) string {
	v := url.Values{}
	if q.Text != "" {
		v.Set("q", q.Text)
	}
	if q.Best && !feed {
		v.Set("order", "best")
	}
	if q.Cursor != "" {
		v.Set("after", q.Cursor)
	}
	address := s.cfg.Path + "/search"
	if feed {
		address += ".atom"
	}
	if len(v) > 0 {
		address += "?" + v.Encode()
	}
	return address
}

// search is the search page.
func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	q, mistake := asked(r)
	view := searchView{Action: s.cfg.Path + "/search", Text: q.Text, Best: q.Best, Asked: q.Text != ""}
	view.Mistake = mistake
	if view.Asked && mistake == nil {
		q.Count = q.Cursor == ""
		found, ok := s.find(w, r, q)
		if !ok {
			return
		}
		view.SearchPage = found
	}
	status, title := http.StatusOK, "Search posts"
	if view.Mistake != nil {
		status = http.StatusBadRequest
	} else if view.Asked {
		title = q.Text + " – search"
		view.FeedURL = s.searchURL(SearchQuery{Text: q.Text}, true)
		if view.Next != "" {
			view.NextURL = s.searchURL(SearchQuery{Text: q.Text, Best: q.Best, Cursor: view.Next}, false)
		}
	}
	p := s.page("search", title)
	p.Search, p.FeedURL = &view, view.FeedURL
	s.render(w, r, status, p)
}

// find asks the searcher, within bounds. Where it answers itself, ok is false.
func (s *Server) find(w http.ResponseWriter, r *http.Request, q SearchQuery) (found SearchPage, ok bool) {
	if !s.quota.take(ClientOf(r, s.cfg.TrustedProxies), s.cfg.Now()) {
		s.later(w, r, http.StatusTooManyRequests, "Too many searches came from your address. Try again in a few seconds.")
		return found, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	select {
	case s.searching <- struct{}{}:
		defer func() { <-s.searching }()
	case <-ctx.Done():
		s.later(w, r, http.StatusServiceUnavailable, "Many people search just now. Try again in a few seconds.")
		return found, false
	}
	found, err := s.cfg.Search.Search(ctx, q)
	switch {
	case err == nil:
		return found, true
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		s.later(w, r, http.StatusServiceUnavailable, "That search takes too long. Rarer words, an author or a tag make it quick.")
	default:
		s.fail(w, r, err)
	}
	return found, false
}

// later asks to come back.
func (s *Server) later(w http.ResponseWriter, r *http.Request, status int, text string) {
	w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	s.Error(w, r, status, text)
}

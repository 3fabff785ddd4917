// Package web renders the pages that people see: a profile, a post, a landing
// page and plain errors. No script, one embedded style sheet, light and dark.
package web

import (
	"context"
	"crypto/sha256"
	_ "embed" // the style sheet and the icon
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
)

// Pages supplies what is shown. Both methods return only what a stranger may
// see; an error with a method HTTPStatus() int decides the status (404, 410).
type Pages interface {
	Actor(ctx context.Context, acct string) (Profile, error)
	Post(ctx context.Context, acct, id string) (PostPage, error)
}

// Config is what the pages have to know.
type Config struct {
	Pages     Pages
	Path      string   // /_ap
	Site      string   // name of the site: the primary domain
	Component string   // JID of the gateway, for those who want to join
	Open      bool     // everybody's open node is published, without a link
	Search    Searcher // nil: there is no search page
	Origin    string   // of feeds, such as https://example.org; only with Search
	// TrustedProxies are those whose X-Forwarded-For says who searches.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger
	Now            func() time.Time // default: time.Now
}

// Server serves the pages.
type Server struct {
	cfg         Config
	style, icon file
	quota       *quota
	searching   chan struct{}
}

// file is something that pages show besides themselves. Its URL changes with its
// content.
type file struct {
	path, url, kind string
	body            []byte
}

func newFile(path, kind string, body []byte) file {
	return file{path, path + "?" + digest(body)[:12], kind, body}
}

//go:embed style.css
var styleSheet []byte

//go:embed icon.svg
var icon []byte

// policy lets a page load pictures and media from anywhere over https, our one
// style sheet, and nothing else. There is no script, and no form but the one that
// searches.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; media-src 'self' https:; " +
	"base-uri 'none'; frame-ancestors 'none'; form-action "

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.Pages == nil {
		return nil, errors.New("web: no pages given")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Server{
		cfg: cfg, quota: newQuota(), searching: make(chan struct{}, searches),
		style: newFile(cfg.Path+"/style.css", "text/css; charset=utf-8", styleSheet),
		icon:  newFile(cfg.Path+"/icon.svg", "image/svg+xml", icon),
	}, nil
}

// Mount registers {path}/ and what pages are made of. Who routes actors and posts calls
// ActorPage and PostPage.
func (s *Server) Mount(r chi.Router) {
	routes := map[string]http.HandlerFunc{
		s.cfg.Path: s.landing, s.cfg.Path + "/": s.landing, s.style.path: s.style.serve, s.icon.path: s.icon.serve,
	}
	if s.cfg.Search != nil {
		routes[s.cfg.Path+"/search"], routes[s.cfg.Path+"/search.atom"] = s.search, s.searchFeed
	}
	for pattern, h := range routes {
		r.Get(pattern, h)
		r.Head(pattern, h)
	}
}

// ActorPage writes the page of an actor. acct is as it was before any escaping.
func (s *Server) ActorPage(w http.ResponseWriter, r *http.Request, acct string) {
	p, err := s.cfg.Pages.Actor(r.Context(), acct)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, s.profilePage(p))
}

// PostPage writes the page of a post, or the feed of an actor, which is beside
// them.
func (s *Server) PostPage(w http.ResponseWriter, r *http.Request, acct, id string) {
	if id == feedName {
		s.actorFeed(w, r, acct)
		return
	}
	p, err := s.cfg.Pages.Post(r.Context(), acct, id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, s.postPage(p))
}

func (s *Server) landing(w http.ResponseWriter, r *http.Request) {
	p := s.page("landing", s.cfg.Site+", on XMPP and the fediverse")
	p.Index, p.Component, p.Open = true, s.cfg.Component, s.cfg.Open
	if s.cfg.Component != "" {
		p.Bot = "xmpp:" + s.cfg.Component + "?message"
	}
	s.render(w, r, http.StatusOK, p)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.RawQuery != "" { // its content is in the address
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	send(w, r, http.StatusOK, f.body)
}

// headings and sentences of the usual errors.
var (
	headings = map[int]string{
		http.StatusBadRequest:         "That is not an address here",
		http.StatusForbidden:          "Not for you",
		http.StatusNotFound:           "There is nothing here",
		http.StatusMethodNotAllowed:   "That cannot be done here",
		http.StatusGone:               "This was deleted",
		http.StatusTooManyRequests:    "A little slower, please",
		http.StatusServiceUnavailable: "Not just now",
	}
	sentences = map[int]string{
		http.StatusBadRequest:         "Something in the address is malformed.",
		http.StatusForbidden:          "This page is not open to you.",
		http.StatusNotFound:           "Nobody has published anything at this address, or it is not public.",
		http.StatusMethodNotAllowed:   "This address can only be read.",
		http.StatusGone:               "Its author has taken it down for good.",
		http.StatusServiceUnavailable: "Something that this page needs is away. Try again in a minute.",
	}
)

// Error writes an error page with the status; text is one sentence for people,
// empty for the usual one of the status.
func (s *Server) Error(w http.ResponseWriter, r *http.Request, status int, text string) {
	e := &errorView{Status: status, Heading: headings[status], Text: text}
	if e.Heading == "" {
		e.Heading = http.StatusText(status)
	}
	if e.Text == "" {
		e.Text = sentences[status]
	}
	p := s.page("error", e.Heading)
	p.Error = e
	s.render(w, r, status, p)
}

// fail answers an error of Pages: with its status where it has one, else as
// trouble that passes.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var known interface{ HTTPStatus() int }
	status := http.StatusServiceUnavailable
	if errors.As(err, &known) {
		status = known.HTTPStatus()
	}
	if status >= http.StatusInternalServerError {
		s.cfg.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
	}
	s.Error(w, r, status, "")
}

func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, "page", p); err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "page not rendered", "path", r.URL.Path, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	body := []byte(b.String())
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	form, cache := "'none'", "no-cache" // to be asked again: a page may have to go at any moment
	if p.Search != nil {
		form, cache = "'self'", "no-store"
	}
	h.Set("Content-Security-Policy", policy+form)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", cache)
	if !p.Index {
		h.Set("X-Robots-Tag", "noindex")
	}
	if status == http.StatusOK {
		answer(w, r, body)
		return
	}
	send(w, r, status, body)
}

// answer sends what the reader may have already.
func answer(w http.ResponseWriter, r *http.Request, body []byte) {
	tag := `"` + digest(body)[:24] + `"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, r, http.StatusOK, body)
}

func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader that went away is not our failure
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

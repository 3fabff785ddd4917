// Package web renders the pages that people see: a profile, a post, a landing
// page and plain errors. No script, one embedded style sheet, light and dark.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

	"isthmus/translate"
)

// Pages supplies what is shown. Both methods return only what a stranger may
// see; an error with a method HTTPStatus() int decides the status (404, 410).
type Pages interface {
	Actor(ctx context.Context, acct string) (Profile, error)
	Post(ctx context.Context, acct, id string) (PostPage, error)
}

// Profile is the page of an actor.
type Profile struct {
	Name      string // display name; empty: the handle
	Handle    string // user@host
	JID       string // bare JID
	XMPPURI   string // xmpp: link that subscribes in a client
	Bio       string // sanitised XHTML, from translate.Sanitize only
	AvatarURL string
	BannerURL string
	ActorURL  string // id, for the alternate link
	PageURL   string // canonical address of this page
	FeedURL   string // Atom over HTTP, if any
	Fields    []Field
	Indexable bool    // search engines are welcome
	Posts     []Entry // newest first, public ones only
}

// Field is a line of a profile. Value is sanitised XHTML.
type Field struct {
	Name  string
	Value string
}

// Entry is a post in a list.
type Entry struct {
	Post      translate.Post
	PageURL   string // its own page here, or the original's
	AvatarURL string // of its author
}

// PostPage is a post with what surrounds it.
type PostPage struct {
	Entry
	AuthorURL string  // page of its author
	XMPPURI   string  // xmpp: link of the item
	Parent    *Ref    // the post that this answers
	Replies   []Entry // visible replies, oldest first
	Indexable bool
}

// Ref is a link to another post.
type Ref struct {
	URL  string
	Name string // whose post it is: display name or handle; may be empty
}

// Config is what the pages have to know.
type Config struct {
	Pages Pages
	Path  string // /_ap
	Name  string // of the site: the primary domain
	Log   *slog.Logger
}

// Server serves the pages.
type Server struct {
	cfg Config
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.Pages == nil {
		return nil, errors.New("web: no pages given")
	}
	return &Server{cfg: cfg}, nil
}

// Mount registers {path}/, {path}/@{acct}, {path}/@{acct}/{id} and the style sheet.
func (s *Server) Mount(r chi.Router) {}

// Error writes an error page with the status; text is one sentence for people,
// empty for the usual one of the status.
func (s *Server) Error(w http.ResponseWriter, r *http.Request, status int, text string) {
	http.Error(w, text, status)
}

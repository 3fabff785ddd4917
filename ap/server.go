package ap

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
)

// ServerConfig is how a Server is made.
type ServerConfig struct {
	Path    string   // where it is mounted, such as /_ap
	Hosts   []string // the names that it answers to, with their port if not 443
	Backend Backend
	Pages   Pages
	// RequireSignedFetch refuses unsigned requests for anything but the
	// instance actor and keys (S11, A16).
	RequireSignedFetch bool
	TrustedProxies     []netip.Prefix // whose X-Forwarded-Host counts (SEC-50)
	MaxInFlight        int            // inbox requests at a time; default 64
	Log                *slog.Logger
	Now                func() time.Time // default: time.Now
}

// defaultInFlight is how many inbox requests are worked on at a time.
const defaultInFlight = 64

// Server answers on the paths below the configured one. It must get them as
// they came: a proxy in front passes path, query and Host on unchanged, since
// they are signed.
type Server struct {
	cfg       ServerConfig
	hosts     map[string]bool
	mux       http.Handler
	inbox     limiter // POSTs; apart, so that our actors are served meanwhile
	strangers limiter // those of inbox whose key has to be fetched
	reads     limiter
	unmet     limiter // those of reads whose key has to be fetched
}

// NewServer makes a server.
func NewServer(cfg ServerConfig) (*Server, error) {
	switch {
	case !strings.HasPrefix(cfg.Path, "/") || strings.HasSuffix(cfg.Path, "/"):
		return nil, fmt.Errorf("path %q: it must begin with a slash and not end with one", cfg.Path)
	case cfg.Backend == nil || cfg.Pages == nil || len(cfg.Hosts) == 0:
		return nil, errors.New("ActivityPub server without hosts, backend or pages")
	case cfg.MaxInFlight <= 0:
		cfg.MaxInFlight = defaultInFlight
	}
	cfg.Now, cfg.Log = orNow(cfg.Now), orDiscard(cfg.Log)
	s := &Server{cfg: cfg, hosts: map[string]bool{}, inbox: newLimiter(cfg.MaxInFlight),
		strangers: newLimiter(max(1, cfg.MaxInFlight/2)), reads: newLimiter(2 * cfg.MaxInFlight), unmet: newLimiter(cfg.MaxInFlight)}
	for _, h := range cfg.Hosts {
		s.hosts[canonicalHost(h)] = true
	}
	s.mux = s.routes()
	return s, nil
}

// routes says who answers what. Parameters are not taken from the router, see
// params.
func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "") })
	r.MethodNotAllowed(s.wrongMethod)
	read := func(r chi.Router, pattern string, h reader) {
		r.Get(pattern, s.reading(h))
		r.Head(pattern, s.reading(h))
	}
	r.Route(s.cfg.Path, func(r chi.Router) {
		r.Post("/inbox/{acct}", s.receive)
		r.Post("/shared_inbox", s.receive)
		read(r, "/instance", s.instance)
		read(r, "/instance/outbox", s.instanceOutbox)
		read(r, "/actor/{acct}", s.actor)
		for _, kind := range []CollectionKind{Outbox, Followers, Following, Featured} {
			read(r, "/"+string(kind)+"/{acct}", s.collectionOf(kind))
		}
		read(r, "/item/{acct}/{id}", s.object)
		read(r, "/item/{acct}/{id}/create", s.creation)
		for _, kind := range []CollectionKind{Replies, Likes, Shares} {
			read(r, "/item/{acct}/{id}/"+string(kind), s.collectionOf(kind))
		}
		read(r, "/activity/{id}", s.activity)
		read(r, "/media/{id}", s.media)
		read(r, "/{page}", s.actorPage)
		read(r, "/{page}/{id}", s.postPage)
	})
	return r
}

// wrongMethod answers for a path that takes another method.
func (s *Server) wrongMethod(w http.ResponseWriter, r *http.Request) {
	allow := "GET, HEAD"
	if p := s.params(r); p != nil && isInbox(p) {
		allow = "POST"
	}
	w.Header().Set("Allow", allow)
	refuse(w, http.StatusMethodNotAllowed, "")
}

// isInbox tells whether a path is that of an inbox.
func isInbox(p []string) bool {
	return p[0] == "inbox" && len(p) == 2 || p[0] == "shared_inbox" && len(p) == 1
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tw := &trackingWriter{ResponseWriter: w}
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler {
			panic(v)
		}
		s.cfg.Log.ErrorContext(r.Context(), "request panicked", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if tw.wrote {
			panic(http.ErrAbortHandler) // half an answer must not look whole
		}
		if r.Method == http.MethodPost {
			refuseFor(tw, retryLater) // our trouble: the peer should try again (S7)
			return
		}
		refuse(tw, http.StatusInternalServerError, "")
	}()
	s.mux.ServeHTTP(tw, r)
}

// retryLater is what peers are told to wait when we are in trouble.
const retryLater = time.Minute

// refuse answers with a status and one line.
func refuse(w http.ResponseWriter, status int, reason string) {
	if reason == "" {
		reason = strings.ToLower(http.StatusText(status))
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(reason + "\n"))
}

// refuseFor answers 503 with a time to come back.
func refuseFor(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())))
	refuse(w, http.StatusServiceUnavailable, "try again later")
}

// trackingWriter knows whether an answer has begun.
type trackingWriter struct {
	http.ResponseWriter
	wrote bool
}

// WriteHeader begins the answer.
func (w *trackingWriter) WriteHeader(status int) {
	w.wrote = w.wrote || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the answer.
func (w *trackingWriter) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *trackingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// statusOf is the status that an error of the backend is answered with. An error
// that names none, or none of an error, is trouble of our own.
func statusOf(err error) int {
	var known interface{ HTTPStatus() int }
	if errors.As(err, &known) && known.HTTPStatus() >= 400 {
		return known.HTTPStatus()
	}
	return http.StatusServiceUnavailable
}

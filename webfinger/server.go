package webfinger

import (
	"bytes"
	"encoding/xml"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"
)

// ServerConfig is what the server has to know.
type ServerConfig struct {
	Directory Directory
	Origins   []string                   // https://example.org; the first is the primary one
	Path      string                     // where actors live: /_ap
	Version   string                     // of the software
	Host      func(*http.Request) string // the host that the peer asked; nil: Request.Host
	Now       func() time.Time           // nil: time.Now
	Log       *slog.Logger
}

// Server answers the discovery documents.
type Server struct {
	cfg     ServerConfig
	origins map[string]string // host -> origin

	mu      sync.Mutex // guards what follows
	usage   Usage
	counted time.Time
}

// NewServer makes a Server. There must be a Directory and at least one origin.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Directory == nil || len(cfg.Origins) == 0 {
		return nil, errors.New("webfinger: a directory and an origin are needed")
	}
	if cfg.Host == nil {
		cfg.Host = func(r *http.Request) string { return r.Host }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, origins: make(map[string]string, len(cfg.Origins))}
	for _, o := range cfg.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Path != "" {
			return nil, errors.New("webfinger: " + strconv.Quote(o) + " is no origin")
		}
		s.origins[strings.ToLower(u.Host)] = o
	}
	return s, nil
}

// Mount registers the routes: /.well-known/webfinger, host-meta, host-meta.json,
// nodeinfo, and {path}/nodeinfo/2.0 and 2.1.
func (s *Server) Mount(r chi.Router) {
	for path, h := range map[string]http.HandlerFunc{
		"/.well-known/webfinger":      s.webfinger,
		"/.well-known/host-meta":      s.hostMeta,
		"/.well-known/host-meta.json": s.hostMetaJSON,
		"/.well-known/nodeinfo":       s.nodeInfoLinks,
		s.cfg.Path + "/nodeinfo/2.0":  s.nodeInfo("2.0"),
		s.cfg.Path + "/nodeinfo/2.1":  s.nodeInfo("2.1"),
	} {
		h := cors(h)
		r.Get(path, h)
		r.Head(path, h)
	}
}

// cors lets any page read these documents, errors included: they are public (W1).
func cors(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next(w, r)
	}
}

// origin is the public URL of the host that was asked, else the primary one.
func (s *Server) origin(r *http.Request) string {
	if o, ok := s.origins[strings.ToLower(s.cfg.Host(r))]; ok {
		return o
	}
	return s.cfg.Origins[0]
}

func (s *Server) webfinger(w http.ResponseWriter, r *http.Request) {
	// A mistake in another parameter is none of our business (W7).
	query, _ := url.ParseQuery(r.URL.RawQuery)
	asked := query["resource"]
	if len(asked) != 1 {
		http.Error(w, "exactly one resource parameter is needed, such as resource=acct:user@host", http.StatusBadRequest)
		return
	}
	res, err := ParseResource(asked[0])
	if errors.Is(err, errScheme) {
		s.fail(w, r, ErrNotFound)
		return
	}
	if err != nil {
		http.Error(w, "the resource is malformed; ask for acct:user@host or the URL of an actor", http.StatusBadRequest)
		return
	}
	sub, err := s.cfg.Directory.Resolve(r.Context(), res)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "max-age=60")
	s.json(w, r, TypeJRD+"; charset=utf-8", descriptor(sub))
}

// descriptor is the document about one actor (W2, W3, W9).
func descriptor(sub Subject) jrd {
	d := jrd{Subject: "acct:" + sub.Handle, Links: make([]link, 0, 5)}
	for _, a := range append([]string{sub.PageURL, sub.ActorURL, sub.XMPPURI}, sub.Aliases...) {
		if a != "" && !slices.Contains(d.Aliases, a) {
			d.Aliases = append(d.Aliases, a)
		}
	}
	d.Links = append(d.Links, link{Rel: RelSelf, Type: TypeActivity, Href: sub.ActorURL})
	for _, l := range []link{
		{Rel: RelProfilePage, Type: "text/html", Href: sub.PageURL},
		{Rel: RelAvatar, Type: sub.AvatarType, Href: sub.AvatarURL},
		{Rel: RelFeed, Type: "application/atom+xml", Href: sub.AtomURL},
		{Rel: RelAlternate, Href: sub.XMPPURI},
	} {
		if l.Href != "" {
			d.Links = append(d.Links, l)
		}
	}
	return d
}

func (s *Server) hostMeta(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<XRD xmlns="` + nsXRD + `"><Link rel="lrdd" template="`)
	_ = xml.EscapeText(&b, []byte(s.lrdd(r))) // a bytes.Buffer does not fail
	b.WriteString(`"/></XRD>` + "\n")
	write(w, r, TypeXRD+"; charset=utf-8", b.Bytes())
}

func (s *Server) hostMetaJSON(w http.ResponseWriter, r *http.Request) {
	s.json(w, r, "application/json; charset=utf-8", jrd{Links: []link{{Rel: RelLRDD, Template: s.lrdd(r)}}})
}

func (s *Server) lrdd(r *http.Request) string {
	return s.origin(r) + "/.well-known/webfinger?resource={uri}"
}

// fail answers an error of the directory: with its own status where it has one,
// else as trouble that passes, which peers try again (W5).
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var known interface{ HTTPStatus() int }
	status := http.StatusServiceUnavailable
	if errors.As(err, &known) {
		status = known.HTTPStatus()
	}
	if status >= 500 {
		s.cfg.Log.ErrorContext(r.Context(), "discovery failed", "path", r.URL.Path, "query", r.URL.RawQuery, "error", err)
	}
	switch status {
	case http.StatusNotFound:
		http.Error(w, "there is no such actor here", status)
	case http.StatusGone:
		http.Error(w, "that actor is gone", status)
	default:
		http.Error(w, http.StatusText(status), status)
	}
}

func (s *Server) json(w http.ResponseWriter, r *http.Request, contentType string, doc any) {
	body, err := json.Marshal(doc)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	write(w, r, contentType, body)
}

func write(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a peer that went away is not our failure
	}
}

package ap

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"isthmus/ap/as2"
)

// reader answers a GET or a HEAD; p is the path, unescaped.
type reader func(w http.ResponseWriter, r *http.Request, p []string)

// reading lets a reader run: within the limits, for hosts and paths that exist.
func (s *Server) reading(h reader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := s.params(r)
		if p == nil {
			refuse(w, http.StatusNotFound, "")
			return
		}
		if _, ours := s.host(r); !ours {
			refuse(w, http.StatusMisdirectedRequest, "")
			return
		}
		if !s.reads.enter(r.Context()) {
			refuseFor(w, retryLater)
			return
		}
		defer s.reads.leave()
		h(w, r, p)
	}
}

// query is one document that is asked for.
type query struct {
	page   string // its page for people; empty: it has none
	open   bool   // needs no signature, whatever the policy (A16)
	maxAge string // how long strangers may keep it
	find   func(ctx context.Context, q Lookup) (any, error)
}

func (s *Server) instance(w http.ResponseWriter, r *http.Request, _ []string) {
	s.answer(w, r, query{open: true, maxAge: "180", find: func(ctx context.Context, q Lookup) (any, error) {
		return s.cfg.Backend.InstanceActor(ctx, q.Host)
	}})
}

// instanceOutbox answers for what an actor must have (ActivityPub §5.1).
func (s *Server) instanceOutbox(w http.ResponseWriter, r *http.Request, _ []string) {
	s.answer(w, r, query{maxAge: "180", find: func(ctx context.Context, q Lookup) (any, error) {
		return s.cfg.Backend.Collection(ctx, CollectionLookup{Lookup: q, Kind: Outbox})
	}})
}

func (s *Server) actor(w http.ResponseWriter, r *http.Request, p []string) {
	s.answer(w, r, s.actorQuery(p[1], false))
}

func (s *Server) actorQuery(acct string, isPage bool) query {
	return query{page: s.path("@" + acct), open: true, maxAge: "180", find: func(ctx context.Context, q Lookup) (any, error) {
		q.Acct, q.Page = acct, isPage
		return s.cfg.Backend.Actor(ctx, q)
	}}
}

func (s *Server) object(w http.ResponseWriter, r *http.Request, p []string) {
	s.answer(w, r, s.objectQuery(p[1], p[2]))
}

func (s *Server) objectQuery(acct, id string) query {
	return query{page: s.path("@"+acct, id), maxAge: "60", find: func(ctx context.Context, q Lookup) (any, error) {
		q.Acct, q.ID = acct, id
		return s.cfg.Backend.Object(ctx, q)
	}}
}

// creation answers for the Create of an object, whose id the outbox gives.
func (s *Server) creation(w http.ResponseWriter, r *http.Request, p []string) {
	s.answer(w, r, query{page: s.path("@"+p[1], p[2]), maxAge: "60", find: func(ctx context.Context, q Lookup) (any, error) {
		q.Acct, q.ID = p[1], p[2]
		return s.cfg.Backend.Creation(ctx, q)
	}})
}

func (s *Server) activity(w http.ResponseWriter, r *http.Request, p []string) {
	s.answer(w, r, query{maxAge: "60", find: func(ctx context.Context, q Lookup) (any, error) {
		q.ID = p[1]
		return s.cfg.Backend.Activity(ctx, q)
	}})
}

// collectionOf answers for a collection of an actor or of an object.
func (s *Server) collectionOf(kind CollectionKind) reader {
	return func(w http.ResponseWriter, r *http.Request, p []string) {
		values, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			refuse(w, http.StatusNotFound, "")
			return
		}
		c := CollectionLookup{Kind: kind, Page: values.Get("page"), Paged: values.Has("page")}
		c.Acct = p[1]
		page := s.path("@" + p[1])
		if len(p) > 2 {
			c.ID = p[2]
			page = s.path("@"+p[1], p[2])
		}
		s.answer(w, r, query{page: page, maxAge: "60", find: func(ctx context.Context, q Lookup) (any, error) {
			c.Host, c.Viewer = q.Host, q.Viewer
			return s.cfg.Backend.Collection(ctx, c)
		}})
	}
}

// answer sends a document, or whoever wants to read it to its page (A1, A3).
func (s *Server) answer(w http.ResponseWriter, r *http.Request, q query) {
	w.Header().Set("Vary", "Accept, Signature")
	switch want := negotiate(r.Header.Values("Accept")); {
	case want == wantPage && q.page != "":
		w.Header().Set("Location", q.page)
		refuse(w, http.StatusSeeOther, "")
	case want == wantNothing:
		refuse(w, http.StatusNotAcceptable, "")
	default:
		s.serve(w, r, q)
	}
}

// serve sends a document to whoever may have it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, q query) {
	host, _ := s.host(r)
	lookup := Lookup{Host: canonicalHost(host)}
	var signed error
	switch {
	case !q.open:
		lookup.Viewer, signed = s.viewer(r)
		if status, stop := s.mustRefuse(signed); stop {
			s.refuseReader(w, r, status, signed)
			return
		}
	case s.cfg.RequireSignedFetch:
		// Keys can be had without a signature, else nobody could begin (A16).
		lookup.Viewer, signed = s.viewer(r)
		lookup.KeyOnly = lookup.Viewer == ""
	}
	doc, err := q.find(r.Context(), lookup)
	status := http.StatusOK
	if err != nil {
		status = statusOf(err)
	}
	var no *refusal
	switch {
	case status == http.StatusGone && doc == nil:
		doc = s.tombstone(r, host)
	case status == http.StatusNotFound && errors.As(signed, &no) && no.status >= 500:
		// Whether it is there for this peer cannot be told before its key's
		// host answers again; a peer believes a 404.
		s.refuseReader(w, r, no.status, signed)
		return
	case status >= 300 && status != http.StatusGone:
		s.refuseReader(w, r, status, err)
		return
	}
	cache := "public, max-age=" + q.maxAge
	if lookup.Viewer != "" || signed != nil {
		cache = "private, no-store"
	}
	s.write(w, r, status, doc, cache)
}

// viewer is the actor that a signature on a GET proves. Without a signature it
// is nobody, which is an error only where one is required (S11).
func (s *Server) viewer(r *http.Request) (string, error) {
	if len(r.Header.Values("Signature")) == 0 && !s.cfg.RequireSignedFetch {
		return "", nil
	}
	signature, err := s.checkSignature(r)
	if err == nil {
		err = checkBody(signature, nil)
	}
	if err != nil {
		return "", err
	}
	if owner, ok := s.vouched(r.Context(), signature); ok {
		if err := s.checkSigner(r.Context(), owner); err != nil {
			return "", err
		}
		return owner, nil
	}
	// Keys on hosts that are slow do not keep others from reading (SEC-18).
	if !s.unmet.enterNow() {
		return "", crowded("SEC-18")
	}
	defer s.unmet.leave()
	return s.owner(r.Context(), signature)
}

// mustRefuse tells whether a GET ends with its signature. A blocked host is
// always refused (S16); otherwise a bad signature is as good as none.
func (s *Server) mustRefuse(signed error) (int, bool) {
	var no *refusal
	switch {
	case errors.As(signed, &no) && no.status == http.StatusForbidden:
		return http.StatusForbidden, true
	case !s.cfg.RequireSignedFetch:
		return 0, false
	case errors.As(signed, &no):
		return no.status, true
	}
	return 0, false
}

// refuseReader answers a GET with an error, and logs what is our own trouble.
func (s *Server) refuseReader(w http.ResponseWriter, r *http.Request, status int, err error) {
	if status >= 500 {
		s.cfg.Log.WarnContext(r.Context(), "cannot answer", "path", r.URL.Path, "status", status, "error", err)
		refuseFor(w, retryLater)
		return
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	s.cfg.Log.DebugContext(r.Context(), "not shown", "path", r.URL.Path, "status", status, "error", err)
	refuse(w, status, "")
}

// write sends a document (A2).
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, doc any, cache string) {
	body, ok := doc.([]byte)
	if !ok {
		var err error
		if body, err = as2.Marshal(doc); err != nil {
			s.refuseReader(w, r, http.StatusInternalServerError, err)
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", as2.MediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", cache)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a peer that went away needs no answer
}

// tombstone stands for what is gone (A15).
func (s *Server) tombstone(r *http.Request, host string) *as2.Tombstone {
	scheme := "https"
	name := (&url.URL{Host: host}).Hostname()
	if a, err := netip.ParseAddr(name); r.TLS == nil && (name == "localhost" || err == nil && a.IsLoopback()) && !strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "http" // development
	}
	id := url.URL{Scheme: scheme, Host: canonicalHost(host), Path: r.URL.Path, RawPath: r.URL.RawPath}
	return &as2.Tombstone{Context: as2.ContextAS2, ID: id.String(), Type: as2.TypeTombstone}
}

package ap

import (
	"mime"
	"net/http"
	"strings"

	"isthmus/ap/as2"
)

// actorPage shows somebody's page. Who pastes the address of a page into the
// search of their server gets the document.
func (s *Server) actorPage(w http.ResponseWriter, r *http.Request, p []string) {
	acct, ok := strings.CutPrefix(p[0], "@")
	switch {
	case isInbox(p):
		s.wrongMethod(w, r)
	case !ok || acct == "":
		refuse(w, http.StatusNotFound, "")
	case wantsDocument(r):
		s.answer(w, r, s.actorQuery(acct, true))
	default:
		w.Header().Set("Vary", "Accept")
		s.cfg.Pages.ActorPage(w, r, acct)
	}
}

// postPage shows the page of a post, likewise.
func (s *Server) postPage(w http.ResponseWriter, r *http.Request, p []string) {
	acct, ok := strings.CutPrefix(p[0], "@")
	switch {
	case isInbox(p):
		s.wrongMethod(w, r)
	case !ok || acct == "":
		refuse(w, http.StatusNotFound, "")
	case wantsDocument(r):
		s.answer(w, r, s.objectQuery(acct, p[1]))
	default:
		w.Header().Set("Vary", "Accept")
		s.cfg.Pages.PostPage(w, r, acct, p[1])
	}
}

// wantsDocument tells whether a page's address is asked for as AS2 in so many
// words.
func wantsDocument(r *http.Request) bool {
	a := parseAccept(r.Header.Values("Accept"))
	named := 0.0
	for _, m := range a {
		if m.kind == "application" && (m.sub == "activity+json" || m.sub == "ld+json") {
			named = max(named, m.q)
		}
	}
	return named > 0 && named >= a.quality("text/html")
}

// media sends a file that comes from people: never as something that a peer or
// a browser would take for ours (SEC-47).
func (s *Server) media(w http.ResponseWriter, r *http.Request, p []string) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	s.cfg.Pages.Media(&mediaWriter{ResponseWriter: w}, r, p[1])
}

// mediaWriter sends nothing as a document.
type mediaWriter struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader makes the type of a file harmless before it goes out.
func (w *mediaWriter) WriteHeader(status int) {
	if !w.begun && status >= 200 {
		w.begun = true
	}
	if status == http.StatusOK || status == http.StatusPartialContent {
		switch t, _, err := mime.ParseMediaType(w.Header().Get("Content-Type")); {
		case err != nil, strings.HasSuffix(t, "json"), t == "text/html", strings.HasSuffix(t, "xml") && t != "image/svg+xml", t == as2.MediaType:
			w.Header().Set("Content-Type", "application/octet-stream")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write begins the answer if that has not been done.
func (w *mediaWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *mediaWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

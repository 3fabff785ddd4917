package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/ap/sig"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/web"
	"isthmus/webfinger"
)

// What peers and browsers say that they read.
const (
	asPeer    = as2.MediaType
	asBrowser = "text/html,application/xhtml+xml,*/*;q=0.8"
)

// site is the gateway as it is seen over HTTP.
type site struct {
	w       *world
	handler http.Handler
}

// sitePages gives the ActivityPub server its pages.
type sitePages struct {
	*web.Server
	media func(http.ResponseWriter, *http.Request, string)
}

func (p sitePages) Media(w http.ResponseWriter, r *http.Request, id string) { p.media(w, r, id) }

// site opens the gateway's side of HTTP.
func (w *world) site() site {
	w.t.Helper()
	people, err := web.New(web.Config{Pages: w.Pages(), Path: "/_ap", Site: "example.org"})
	w.must(err)
	discovery, err := webfinger.NewServer(webfinger.ServerConfig{
		Directory: w.Directory(), Origins: []string{"https://example.org", "https://example.net"}, Path: "/_ap", Now: w.clock,
	})
	w.must(err)
	peers, err := ap.NewServer(ap.ServerConfig{
		Path: "/_ap", Hosts: []string{"example.org", "example.net"}, Backend: w.Backend(), Pages: sitePages{people, w.Media()}, Now: w.clock,
	})
	w.must(err)
	r := chi.NewRouter()
	discovery.Mount(r)
	people.Mount(r)
	r.Handle("/_ap/*", peers)
	return site{w, r}
}

// reply is an answer over HTTP.
type reply struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// get asks for a URL, signed by a remote actor unless signer is empty.
func (s site) get(target, accept, signer string) reply {
	s.w.t.Helper()
	u, err := url.Parse(target)
	s.w.must(err)
	r := httptest.NewRequest(http.MethodGet, u.RequestURI(), nil)
	r.Host = u.Host
	r.Header.Set("Accept", accept)
	if signer != "" {
		keys, err := testKeys()
		s.w.must(err)
		s.w.must(sig.Sign(r, nil, signer+"#main-key", keys[0], s.w.clock()))
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	return reply{rec, s.w.t}
}

// document asks for a URL as a peer does, and reads what it gets.
func (s site) document(target string) map[string]any {
	s.w.t.Helper()
	return s.get(target, asPeer, "").document(http.StatusOK)
}

// document reads an answer that has to be an ActivityPub document.
func (r reply) document(status int) map[string]any {
	r.t.Helper()
	if r.Code != status || r.Header().Get("Content-Type") != as2.MediaType {
		r.t.Fatalf("answered %d %s, want %d: %s", r.Code, r.Header().Get("Content-Type"), status, r.Body)
	}
	var doc map[string]any
	if err := json.Unmarshal(r.Body.Bytes(), &doc); err != nil {
		r.t.Fatalf("answered %s: %v", r.Body, err)
	}
	return doc
}

// knowKey has the gateway hold the key that an actor signs with.
func (w *world) knowKey(uri string) {
	w.t.Helper()
	keys, err := testKeys()
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		return tx.PutKey(cache.RemoteKey{ID: uri + "#main-key", Owner: uri, PEM: aptest.PEM(&keys[0].PublicKey), FetchedAt: w.clock()})
	})
}

// post has an account say something, and gives it with its Create's id.
func (w *world) post(a cache.Account, id string, v translate.Visibility, change func(*translate.Post)) (p translate.Post, activity string) {
	w.t.Helper()
	p = translate.Post{Kind: translate.KindNote, HTML: "<p>The text of " + id + "</p>", Text: "The text of " + id, Visibility: v, Published: w.clock()}
	if v == translate.Public || v == translate.Unlisted {
		p.Item = &translate.Item{Service: a.JID, Node: feedNode(a), ID: id}
	} else {
		w.name(a, &p, translate.MintItemID(w.itemKey, id))
	}
	if change != nil {
		change(&p)
	}
	w.update(func(tx *cache.Tx) (err error) {
		p, _, err = w.submit(tx, submission{account: a, post: p})
		return err
	})
	for _, sent := range w.deliveries() {
		if sent.uri == p.URI && sent.Type == as2.TypeCreate {
			activity = sent.ID
		}
	}
	if activity == "" {
		w.t.Fatalf("no Create of %s", id)
	}
	w.pass(1e9)
	return p, activity
}

// idOf is the last part of a URL.
func idOf(uri string) string { return uri[strings.LastIndexByte(uri, '/')+1:] }

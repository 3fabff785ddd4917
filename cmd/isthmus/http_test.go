package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"isthmus/ap"
	"isthmus/config"
	"isthmus/web"
	"isthmus/webfinger"
)

// hall is a site with one actor, who has one post.
type hall struct{ backend }

// backend is what an ActivityPub server may ask; most of it nobody asks here.
type backend interface{ ap.Backend }

func (h hall) Backend() ap.Backend            { return h }
func (h hall) Directory() webfinger.Directory { return h }
func (h hall) Pages() web.Pages               { return shelf{} }
func (h hall) Searcher() web.Searcher         { return shelf{} }
func (h hall) Media() func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, id string) { _, _ = io.WriteString(w, "media "+id) }
}

func (h hall) Blocked(context.Context, string) bool { return false }
func (h hall) Known(context.Context, string) bool   { return false }

func (h hall) InstanceActor(_ context.Context, host string) (any, error) {
	return []byte(`{"id":"https://` + host + `/_ap/instance"}`), nil
}

func (h hall) Actor(_ context.Context, q ap.Lookup) (any, error) {
	return []byte(`{"actor":"` + q.Acct + `"}`), nil
}

func (h hall) Resolve(_ context.Context, r webfinger.Resource) (webfinger.Subject, error) {
	return webfinger.Subject{Handle: r.Handle, ActorURL: "https://example.org/_ap/actor/" + r.Handle}, nil
}
func (h hall) Usage(context.Context) (webfinger.Usage, error) { return webfinger.Usage{Users: 5}, nil }

type shelf struct{}

func (shelf) Actor(_ context.Context, acct string) (web.Profile, error) {
	return web.Profile{Handle: acct}, nil
}

func (shelf) Post(_ context.Context, acct, id string) (web.PostPage, error) {
	return web.PostPage{Entry: web.Entry{PageURL: "https://example.org/_ap/@" + acct + "/" + id, Post: post(id, "public", "text of "+id)}}, nil
}

func (shelf) Search(context.Context, web.SearchQuery) (web.SearchPage, error) {
	return web.SearchPage{}, nil
}

// The search page is there when the operator wants it, and else a path that
// nobody knows.
func TestSearchIsSwitchedOn(t *testing.T) {
	for _, on := range []bool{false, true} {
		b := newBench(t, serveConfig(t))
		cfg, err := config.Load(b.config, nil)
		if err != nil {
			t.Fatal(err)
		}
		cfg.HTTP.Search = on
		h, err := publicHandler(cfg, hall{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		unknown := httptest.NewRecorder()
		h.ServeHTTP(unknown, httptest.NewRequest("GET", "https://example.org/_ap/serach?q=moss", nil))
		for _, target := range []string{"/_ap/search?q=moss", "/_ap/search.atom?q=moss"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "https://example.org"+target, nil))
			if on && w.Code != http.StatusOK || !on && (w.Code != http.StatusNotFound || w.Body.String() != unknown.Body.String()) {
				t.Errorf("%s, search %v: %d %s", target, on, w.Code, w.Body)
			}
		}
	}
}

// Every path of ours has its answer, as the peer wrote it.
func TestPublicHandler(t *testing.T) {
	b := newBench(t, serveConfig(t))
	cfg, err := config.Load(b.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := publicHandler(cfg, hall{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const browser, peer = "text/html,application/xhtml+xml,*/*;q=0.8", "application/activity+json"
	tests := []struct {
		method, target, accept string
		status                 int
		kind, body             string
	}{
		{"GET", "/.well-known/webfinger?resource=acct:louise@example.org", "", 200, "application/jrd+json", `"subject":"acct:louise@example.org"`},
		{"GET", "/.well-known/host-meta", "", 200, "application/xrd+xml", "lrdd"},
		{"GET", "/.well-known/nodeinfo", "", 200, "application/json", "/_ap/nodeinfo/2.1"},
		{"GET", "/_ap/nodeinfo/2.0", "", 200, "application/json", `"total":5`},
		{"GET", "/_ap/instance", peer, 200, peer, `https://example.org/_ap/instance`},
		{"GET", "/_ap/actor/louise@example.org", peer, 200, peer, `{"actor":"louise@example.org"}`},
		{"GET", "/_ap/actor/louise%40example.org", peer, 200, peer, `{"actor":"louise@example.org"}`},
		{"GET", "/_ap/actor/louise@example.org", browser, 303, "", ""},
		{"GET", "/_ap/@louise@example.org", browser, 200, "text/html", "@louise@example.org"},
		{"GET", "/_ap/%40louise%40example.org", browser, 200, "text/html", "@louise@example.org"},
		{"GET", "/_ap/@louise@example.org/7q", browser, 200, "text/html", "text of 7q"},
		{"GET", "/_ap/media/xyz", "", 200, "", "media xyz"},
		{"GET", "/_ap/", browser, 200, "text/html", "on XMPP and the fediverse"},
		{"GET", "/_ap", browser, 200, "text/html", "on XMPP and the fediverse"},
		{"HEAD", "/_ap/", browser, 200, "text/html", ""},
		{"GET", "/_ap/style.css", "", 200, "text/css", "color-scheme"},
		{"POST", "/_ap/actor/louise@example.org", "", 405, "text/plain", ""},
		{"GET", "/_ap/shared_inbox", "", 405, "text/plain", ""},
		{"GET", "/_ap/nothing", "", 404, "text/plain", ""},
		{"GET", "/", browser, 404, "text/html", "There is nothing here"},
		{"GET", "/", "", 404, "text/plain", "not found"},
		{"GET", "/.well-known/other", "", 404, "text/plain", ""},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.target, nil)
		r.Host = "example.org"
		if tt.accept != "" {
			r.Header.Set("Accept", tt.accept)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || !strings.HasPrefix(w.Header().Get("Content-Type"), tt.kind) || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s %s (%s): %d %s\n%.300s", tt.method, tt.target, tt.accept, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

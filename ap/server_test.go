package ap_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/ap"
	"isthmus/ap/as2"
)

// newServer is a server for example.org.
func newServer(t testing.TB, b ap.Backend, change func(*ap.ServerConfig)) *ap.Server {
	t.Helper()
	cfg := ap.ServerConfig{Path: "/_ap", Hosts: []string{"example.org"}, Backend: b, Pages: pages{}}
	if change != nil {
		change(&cfg)
	}
	s, err := ap.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get asks a server for a path.
func get(s http.Handler, target, accept string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "https://example.org/", nil)
	r.RequestURI = target
	r.URL, _ = r.URL.Parse(target)
	r.URL.Host, r.URL.Scheme = "", ""
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestPaths reads parameters exactly as they were sent, unescaped once.
func TestPaths(t *testing.T) {
	b := newBackend()
	s := newServer(t, b, nil)
	type want struct{ kind, acct, id, page string }
	for target, w := range map[string]want{
		"/_ap/actor/louise@example.org":             {"actor", "louise@example.org", "", ""},
		"/_ap/actor/louise%40example.org":           {"actor", "louise@example.org", "", ""},
		"/_ap/actor/___j.c3.b8rgen@example.org":     {"actor", "___j.c3.b8rgen@example.org", "", ""},
		"/_ap/actor/j%C3%B8rgen@example.org":        {"actor", "jørgen@example.org", "", ""},
		"/_ap/actor/j%c3%b8rgen%40example.org":      {"actor", "jørgen@example.org", "", ""},
		"/_ap/actor/jørgen@example.org":             {"actor", "jørgen@example.org", "", ""},
		"/_ap/actor/a%2Fb@example.org":              {"actor", "a/b@example.org", "", ""},
		"/_ap/actor/a%2fb@example.org":              {"actor", "a/b@example.org", "", ""},
		"/_ap/actor/a%25b@example.org":              {"actor", "a%b@example.org", "", ""},
		"/_ap/actor/a%2540b@example.org":            {"actor", "a%40b@example.org", "", ""},
		"/_ap/actor/a+b@example.org":                {"actor", "a+b@example.org", "", ""},
		"/_ap/actor/a%20b":                          {"actor", "a b", "", ""},
		"/_ap/actor/a?x=y":                          {"actor", "a", "", ""},
		"/_ap/actor/%2e%2e":                         {"actor", "..", "", ""},
		"/_ap/outbox/louise@example.org":            {"outbox", "louise@example.org", "", "-"},
		"/_ap/outbox/louise@example.org?page=":      {"outbox", "louise@example.org", "", ""},
		"/_ap/outbox/louise@example.org?page=a%26b": {"outbox", "louise@example.org", "", "a&b"},
		"/_ap/followers/l@example.org":              {"followers", "l@example.org", "", "-"},
		"/_ap/following/l@example.org":              {"following", "l@example.org", "", "-"},
		"/_ap/featured/l@example.org":               {"featured", "l@example.org", "", "-"},
		"/_ap/item/l@example.org/abc":               {"object", "l@example.org", "abc", ""},
		"/_ap/item/l%40example.org/a%2Fb":           {"object", "l@example.org", "a/b", ""},
		"/_ap/item/l@example.org/abc/replies":       {"replies", "l@example.org", "abc", "-"},
		"/_ap/item/l@example.org/abc/likes?page=2":  {"likes", "l@example.org", "abc", "2"},
		"/_ap/item/l@example.org/abc/shares":        {"shares", "l@example.org", "abc", "-"},
		"/_ap/item/l@example.org/abc/create":        {"create", "l@example.org", "abc", ""},
		"/_ap/activity/xyz":                         {"activity", "", "xyz", ""},
		"/_ap/instance/outbox":                      {"outbox", "", "", "-"},
		"/_ap/instance":                             {"instance", "", "", ""},
	} {
		rec := get(s, target, as2.MediaType, nil)
		q := b.last()
		got := want{string(q.Kind), q.Acct, q.ID, q.Page}
		if !q.Paged && strings.Contains("outbox followers following featured replies likes shares", string(q.Kind)) {
			got.page = "-"
		}
		if rec.Code != 200 || got != w || q.Host != "example.org" {
			t.Errorf("%s: %d %+v", target, rec.Code, got)
		}
		if rec.Header().Get("Content-Type") != "application/activity+json" || rec.Header().Get("Vary") != "Accept, Signature" {
			t.Errorf("%s: %v", target, rec.Header())
		}
		b.lookups = nil
	}
	for _, target := range []string{
		"/", "/_ap", "/_ap/", "/_ap/actor", "/_ap/actor/", "/_ap/actor/a/", "/_ap/actor/a/b", "/_ap//actor/a", "/actor/a", "/_apx/actor/a", "/_ap/zebra/a",
		"/_ap/actor/a%00b", "/_ap/actor/%ff", "/_ap/actor/a%0ab", "/_ap/item/a", "/_ap/item/a/b/zebra", "/_ap/item/a/b/likes/c", "/_ap/redirect?url=https://evil.test",
		"/_ap/zebra", "/_ap/@", "/_ap/%5Factor/a", "/_ap/outbox/a?page=%zz",
	} {
		if rec := get(s, target, as2.MediaType, nil); rec.Code != 404 || len(b.lookups) != 0 {
			t.Errorf("%s: %d", target, rec.Code)
		}
		b.lookups = nil
	}
}

// TestPages sends people to pages, and the programs that ask for a page's
// document to that (A1, A3).
func TestPages(t *testing.T) {
	b := newBackend()
	s := newServer(t, b, nil)
	browser := "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for target, location := range map[string]string{
		"/_ap/actor/louise@example.org":         "/_ap/@louise@example.org",
		"/_ap/actor/louise%40example.org":       "/_ap/@louise@example.org",
		"/_ap/actor/a%2Fb%3F%25@example.org":    "/_ap/@a%2Fb%3F%25@example.org",
		"/_ap/outbox/louise@example.org?page=1": "/_ap/@louise@example.org",
		"/_ap/item/l@example.org/abc":           "/_ap/@l@example.org/abc",
		"/_ap/item/l@example.org/abc/replies":   "/_ap/@l@example.org/abc",
		"/_ap/item/l@example.org/abc/create":    "/_ap/@l@example.org/abc",
		"/_ap/actor/%2F%2Fevil.test":            "/_ap/@%2F%2Fevil.test",
	} {
		rec := get(s, target, browser, nil)
		if rec.Code != 303 || rec.Header().Get("Location") != location || !strings.Contains(rec.Header().Get("Vary"), "Accept") || len(b.lookups) != 0 {
			t.Errorf("%s: %d to %s, %v", target, rec.Code, rec.Header().Get("Location"), rec.Header())
		}
	}
	for target, want := range map[string]string{
		"/_ap/@louise@example.org":      "page of louise@example.org",
		"/_ap/%40louise%40example.org":  "page of louise@example.org",
		"/_ap/@a%2Fb@example.org/x%20y": "page of a/b@example.org about x y",
		"/_ap/@louise@example.org/abc":  "page of louise@example.org about abc",
	} {
		for _, accept := range []string{"", "*/*", browser, "text/html", "application/json"} {
			if rec := get(s, target, accept, nil); rec.Code != 200 || rec.Body.String() != want {
				t.Errorf("%s as %q: %d %s", target, accept, rec.Code, rec.Body)
			}
		}
		if rec := get(s, target, as2.MediaType, nil); rec.Code != 200 || rec.Header().Get("Content-Type") != as2.MediaType {
			t.Errorf("%s as a document: %d %v", target, rec.Code, rec.Header())
		}
	}
	if rec := get(s, "/_ap/actor/a", "image/png", nil); rec.Code != 406 {
		t.Errorf("as a picture: %d", rec.Code)
	}
	if rec := get(s, "/_ap/instance", browser, nil); rec.Code != 200 {
		t.Errorf("instance in a browser: %d", rec.Code)
	}
}

// TestMedia never serves a file as a document or a page (SEC-47).
func TestMedia(t *testing.T) {
	s := newServer(t, newBackend(), nil)
	for contentType, want := range map[string]string{
		"image/png": "image/png", "video/mp4": "video/mp4", "image/svg+xml": "image/svg+xml", "application/activity+json": "application/octet-stream",
		"application/ld+json": "application/octet-stream", "text/html": "application/octet-stream", "application/xhtml+xml": "application/octet-stream",
		"text/xml": "application/octet-stream", "": "application/octet-stream", "application/json; charset=utf-8": "application/octet-stream",
	} {
		rec := get(s, "/_ap/media/a%2Fb?type="+strings.ReplaceAll(strings.ReplaceAll(contentType, "+", "%2B"), "; ", "%3B%20"), as2.MediaType, nil)
		h := rec.Header()
		if rec.Body.String() != "media a/b" || h.Get("Content-Type") != want || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%q: %v %s", contentType, h, rec.Body)
		}
	}
}

// TestMethods answers HEAD, and says what a path takes.
func TestMethods(t *testing.T) {
	server := httptest.NewServer(newServer(t, newBackend(), func(c *ap.ServerConfig) { c.Hosts = []string{"127.0.0.1"} }))
	defer server.Close()
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"HEAD", "/_ap/actor/a", 200, ""}, {"HEAD", "/_ap/@a", 200, ""}, {"POST", "/_ap/actor/a", 405, "GET, HEAD"}, {"PUT", "/_ap/item/a/b", 405, "GET, HEAD"},
		{"GET", "/_ap/inbox/a", 405, "POST"}, {"GET", "/_ap/shared_inbox", 405, "POST"}, {"DELETE", "/_ap/shared_inbox", 405, "POST"}, {"POST", "/_ap/outbox/a", 405, "GET, HEAD"},
	} {
		r, err := http.NewRequest(c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "127.0.0.1"
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || resp.Header.Get("Allow") != c.allow || c.method == "HEAD" && (len(body) != 0 || resp.Header.Get("Content-Type") == "") {
			t.Errorf("%s %s: %d %v %s", c.method, c.path, resp.StatusCode, resp.Header, body)
		}
	}
}

// TestErrors turns errors of the backend into answers that tell nothing.
func TestErrors(t *testing.T) {
	b := newBackend()
	s := newServer(t, b, nil)
	remote := &ap.StatusError{URL: "https://a.test", Code: 404}
	for _, c := range []struct {
		err    error
		status int
	}{
		{statusError(404), 404}, {statusError(403), 403}, {statusError(400), 400}, {statusError(503), 503}, {statusError(500), 503}, {errors.New("disk full"), 503},
		{remote, 503}, {errors.Join(statusError(404), remote), 404}, {statusError(200), 503},
	} {
		b.documents = func(ap.CollectionLookup) (any, error) { return nil, c.err }
		rec := get(s, "/_ap/item/a/b", as2.MediaType, nil)
		if rec.Code != c.status || strings.Contains(rec.Body.String(), "secret") || strings.Contains(rec.Body.String(), "disk") || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %d %s", c.err, rec.Code, rec.Body)
		}
		if (rec.Header().Get("Retry-After") != "") != (rec.Code == 503) {
			t.Errorf("%v: %v", c.err, rec.Header())
		}
	}
	b.documents = func(ap.CollectionLookup) (any, error) { return func() {}, nil }
	if rec := get(s, "/_ap/item/a/b", as2.MediaType, nil); rec.Code != 503 {
		t.Errorf("what cannot be written: %d", rec.Code)
	}
	b.documents = func(ap.CollectionLookup) (any, error) { panic("oops") }
	if rec := get(s, "/_ap/item/a/b", as2.MediaType, nil); rec.Code != 500 || strings.Contains(rec.Body.String(), "oops") {
		t.Errorf("panic: %d %s", rec.Code, rec.Body)
	}
	b.documents = func(ap.CollectionLookup) (any, error) { return []byte(`{"as":"it is"}`), nil }
	if rec := get(s, "/_ap/item/a/b", as2.MediaType, nil); rec.Body.String() != `{"as":"it is"}` || rec.Header().Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("bytes: %s %v", rec.Body, rec.Header())
	}
}

// TestGone answers 410 with a Tombstone: the backend's, or one of the server's
// (A15).
func TestGone(t *testing.T) {
	b := newBackend()
	s := newServer(t, b, nil)
	b.documents = func(ap.CollectionLookup) (any, error) { return nil, statusError(410) }
	rec := get(s, "/_ap/item/l%40example.org/abc?x=1", as2.MediaType, nil)
	var got map[string]string
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"@context": "https://www.w3.org/ns/activitystreams", "id": "https://example.org/_ap/item/l%40example.org/abc", "type": "Tombstone"}
	if d := cmp.Diff(want, got); d != "" || rec.Code != 410 || rec.Header().Get("Content-Type") != as2.MediaType {
		t.Errorf("%d %s", rec.Code, d)
	}
	b.documents = func(ap.CollectionLookup) (any, error) { return []byte(`{"mine":1}`), statusError(410) }
	if rec = get(s, "/_ap/actor/a", as2.MediaType, nil); rec.Code != 410 || rec.Body.String() != `{"mine":1}` {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestHosts believes forwarded names only of trusted proxies, and never over a
// Host of ours (SEC-50).
func TestHosts(t *testing.T) {
	b := newBackend()
	s := newServer(t, b, func(c *ap.ServerConfig) {
		c.Hosts = []string{"example.org", "other.example:8443"}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	for _, c := range []struct {
		from, host, forwarded string
		want                  string
	}{
		{"192.0.2.1:5", "example.org", "", "example.org"},
		{"192.0.2.1:5", "EXAMPLE.org:443", "", "example.org"},
		{"192.0.2.1:5", "other.example:8443", "", "other.example:8443"},
		{"192.0.2.1:5", "other.example", "", ""},
		{"192.0.2.1:5", "evil.test", "", ""},
		{"192.0.2.1:5", "evil.test", "example.org", ""},
		{"192.0.2.1:5", "example.org", "other.example:8443", "example.org"},
		{"10.1.1.1:5", "localhost:8480", "example.org", "example.org"},
		{"[::ffff:10.1.1.1]:5", "localhost:8480", "example.org", "example.org"},
		{"10.1.1.1:5", "localhost:8480", "evil.test", ""},
		{"10.1.1.1:5", "localhost:8480", "example.org, evil.test", ""},
		{"10.1.1.1:5", "localhost:8480", "evil.test, example.org", "example.org"},
		{"10.1.1.1:5", "example.org", "other.example:8443", "example.org"},
		{"@", "localhost:8480", "example.org", ""},
	} {
		b.lookups = nil
		rec := get(s, "/_ap/actor/a", as2.MediaType, func(r *http.Request) {
			r.RemoteAddr, r.Host = c.from, c.host
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-Host", c.forwarded)
			}
		})
		if got := b.last().Host; got != c.want || (c.want == "") != (rec.Code == 421) {
			t.Errorf("%+v: %q, %d", c, got, rec.Code)
		}
	}
}

// TestServerConfig refuses what cannot work.
func TestServerConfig(t *testing.T) {
	good := ap.ServerConfig{Path: "/_ap", Hosts: []string{"example.org"}, Backend: newBackend(), Pages: pages{}}
	for name, change := range map[string]func(*ap.ServerConfig){
		"no path": func(c *ap.ServerConfig) { c.Path = "" }, "no slash": func(c *ap.ServerConfig) { c.Path = "ap" }, "slash behind": func(c *ap.ServerConfig) { c.Path = "/ap/" },
		"no hosts": func(c *ap.ServerConfig) { c.Hosts = nil }, "no backend": func(c *ap.ServerConfig) { c.Backend = nil }, "no pages": func(c *ap.ServerConfig) { c.Pages = nil },
	} {
		cfg := good
		change(&cfg)
		if _, err := ap.NewServer(cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

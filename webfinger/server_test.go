package webfinger

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// directory knows what its map holds; the error is for everything else.
type directory struct {
	subjects map[Resource]Subject
	err      error
	counted  int
}

func (d *directory) Resolve(_ context.Context, r Resource) (Subject, error) {
	if s, ok := d.subjects[r]; ok {
		return s, nil
	}
	return Subject{}, d.err
}

func (d *directory) Usage(context.Context) (Usage, error) {
	d.counted++
	return Usage{Users: 3, ActiveMonth: 2, ActiveHalfyear: 3, LocalPosts: 40}, nil
}

var louise = Subject{
	Handle:     "louise@example.org",
	ActorURL:   "https://example.org/_ap/actor/louise@example.org",
	PageURL:    "https://example.org/_ap/@louise@example.org",
	AvatarURL:  "https://example.org/_ap/media/1",
	AvatarType: "image/png",
	XMPPURI:    "xmpp:louise@example.org",
}

func testRouter(t *testing.T, d Directory) http.Handler {
	t.Helper()
	s, err := NewServer(ServerConfig{
		Directory: d, Path: "/_ap", Version: "1.2.3",
		Origins: []string{"https://example.org", "https://example.net"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	s.Mount(r)
	return r
}

func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWebFingerSpellings(t *testing.T) {
	handle := Resource{Handle: "louise@example.org"}
	tests := []struct {
		query  string
		asked  Resource // what the directory must have been asked
		status int
	}{
		{"resource=acct:louise@example.org", handle, 200},
		{"resource=acct%3Alouise%40example.org", handle, 200},
		{"resource=acct%253Alouise%2540example.org", handle, 200},
		{"resource=ACCT:louise@Example.ORG", handle, 200},
		{"resource=louise@example.org", handle, 200},
		{"resource=@louise@example.org", handle, 200},
		{"resource=acct:@louise@example.org", handle, 200},
		{"resource=%20acct:louise@example.org", handle, 200},
		{"resource=acct:louise@example.org:443", handle, 200},
		{"rel=self&resource=acct:louise@example.org&rel=%zz", handle, 200},
		{"resource=acct:LOUISE@example.org", Resource{Handle: "LOUISE@example.org"}, 200},
		{"resource=acct:louise@b%C3%BCcher.example", Resource{Handle: "louise@xn--bcher-kva.example"}, 200},
		{"resource=acct:louise@localhost:8480", Resource{Handle: "louise@localhost:8480"}, 200},
		{"resource=acct:example.org@example.org", Resource{Handle: "example.org@example.org"}, 200},
		{"resource=https://example.org/_ap/actor/louise@example.org", Resource{URL: "https://example.org/_ap/actor/louise@example.org"}, 200},
		{"resource=https%3A%2F%2Fexample.org%2F_ap%2Factor%2Flouise%2540example.org", Resource{URL: "https://example.org/_ap/actor/louise%40example.org"}, 200},
		{"resource=HTTPS://EXAMPLE.org", Resource{URL: "https://example.org/"}, 200},
		{"resource=https%253A%252F%252Fexample.org", Resource{URL: "https://example.org/"}, 200},
		{"resource=acct:nobody@example.org", Resource{}, 404},
		{"resource=mailto:louise@example.org", handle, 404},
		{"resource=xmpp:louise@example.org", handle, 404},
		{"", handle, 400},
		{"resource=", handle, 400},
		{"resource=louise", handle, 400},
		{"resource=acct:", handle, 400},
		{"resource=acct:louise@", handle, 400},
		{"resource=acct:@example.org", handle, 400},
		{"resource=acct:louise@example.org.", handle, 400},
		{"resource=acct:lou/ise@example.org", handle, 400},
		{"resource=acct:louise@exa/mple.org", handle, 400},
		{"resource=acct:louise@evil.example@example.org", handle, 400},
		{"resource=acct:louise@[::1]", handle, 400},
		{"resource=acct:louise@example.org:0", handle, 400},
		{"resource=acct:louise@example.org:99999", handle, 400},
		{"resource=acct:lou%00ise@example.org", handle, 400},
		{"resource=acct:lou%FFise@example.org", handle, 400},
		{"resource=https://u:p@example.org/", handle, 400},
		{"resource=https://", handle, 400},
		{"resource=%zz", handle, 400},
		{"resource=acct:louise@example.org&resource=acct:mallory@example.org", handle, 400},
		{"resource=acct:" + strings.Repeat("a", 3000) + "@example.org", handle, 400},
	}
	for _, tt := range tests {
		d := &directory{subjects: map[Resource]Subject{tt.asked: louise}, err: ErrNotFound}
		w := get(testRouter(t, d), "GET", "/.well-known/webfinger?"+tt.query)
		if w.Code != tt.status {
			t.Errorf("%.80s: status %d, want %d", tt.query, w.Code, tt.status)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%.80s: Access-Control-Allow-Origin %q", tt.query, got)
		}
	}
}

func TestWebFingerDocument(t *testing.T) {
	d := &directory{subjects: map[Resource]Subject{{Handle: "louise@example.org"}: louise}, err: ErrNotFound}
	h := testRouter(t, d)
	const target = "/.well-known/webfinger?resource=acct:louise@example.org"
	w := get(h, "GET", target)
	if got := w.Header().Get("Content-Type"); got != "application/jrd+json; charset=utf-8" {
		t.Errorf("Content-Type %q (W1)", got)
	}
	const want = `{"subject":"acct:louise@example.org",` +
		`"aliases":["https://example.org/_ap/@louise@example.org","https://example.org/_ap/actor/louise@example.org","xmpp:louise@example.org"],` +
		`"links":[{"rel":"self","type":"application/activity+json","href":"https://example.org/_ap/actor/louise@example.org"},` +
		`{"rel":"http://webfinger.net/rel/profile-page","type":"text/html","href":"https://example.org/_ap/@louise@example.org"},` +
		`{"rel":"http://webfinger.net/rel/avatar","type":"image/png","href":"https://example.org/_ap/media/1"},` +
		`{"rel":"alternate","href":"xmpp:louise@example.org"}]}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("descriptor (-want +got):\n%s", diff)
	}

	head := get(h, "HEAD", target)
	if head.Code != 200 || head.Body.Len() != 0 {
		t.Errorf("HEAD: status %d with %d bytes", head.Code, head.Body.Len())
	}
	if diff := cmp.Diff(w.Header(), head.Header()); diff != "" {
		t.Errorf("HEAD says something else (-GET +HEAD):\n%s", diff)
	}
	if w := get(h, "POST", target); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
}

// What we serve, our own client must be able to read.
func TestClientReadsServer(t *testing.T) {
	h := testRouter(t, &directory{subjects: map[Resource]Subject{{Handle: "louise@example.org"}: louise}, err: ErrNotFound})
	c := NewClient(handlerFetcher{h})
	got, err := c.Lookup(t.Context(), "acct:Louise@example.org")
	if err == nil {
		t.Errorf("a handle in another case resolved to %v though the directory refuses it", got)
	}
	got, err = c.Lookup(t.Context(), "@louise@EXAMPLE.org")
	if err == nil {
		t.Errorf("the negative answer was not kept: %v", got) // same key without case
	}
	c.Forget("louise@example.org")
	got, err = c.Lookup(t.Context(), "@louise@EXAMPLE.org")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Account{Handle: louise.Handle, ActorURL: louise.ActorURL, PageURL: louise.PageURL}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	handle, err := c.Verify(t.Context(), Claim{ID: louise.ActorURL, PreferredUsername: "louise"})
	if err != nil || handle != louise.Handle {
		t.Errorf("Verify: %q, %v", handle, err)
	}
	info, err := c.NodeInfo(t.Context(), "example.org")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(NodeInfo{Software: "isthmus", Version: "1.2.3", Protocols: []string{"activitypub", "xmpp"}}, info); diff != "" {
		t.Errorf("NodeInfo (-want +got):\n%s", diff)
	}
}

func TestErrorsOfDirectory(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{ErrNotFound, 404},
		{ErrGone, 410},
		{errors.New("the database is locked"), 503},
		{&statusError{"too many", 429}, 429},
	} {
		w := get(testRouter(t, &directory{err: tt.err}), "GET", "/.well-known/webfinger?resource=acct:louise@example.org")
		if w.Code != tt.want {
			t.Errorf("%v: status %d, want %d", tt.err, w.Code, tt.want)
		}
		if strings.Contains(w.Body.String(), "database") {
			t.Errorf("%v: the peer is told %q", tt.err, w.Body)
		}
	}
}

func TestHostMeta(t *testing.T) {
	h := testRouter(t, &directory{})
	for host, origin := range map[string]string{
		"example.org": "https://example.org", "EXAMPLE.net": "https://example.net", "evil.example": "https://example.org",
	} {
		want := origin + "/.well-known/webfinger?resource={uri}"
		w := get(h, "GET", "http://"+host+"/.well-known/host-meta")
		if got := w.Header().Get("Content-Type"); got != "application/xrd+xml; charset=utf-8" {
			t.Errorf("Content-Type %q", got)
		}
		if got, err := parseXRD(w.Body.Bytes()); err != nil || got != want {
			t.Errorf("%s: host-meta %q, %v", host, got, err)
		}
		w = get(h, "GET", "http://"+host+"/.well-known/host-meta.json")
		d, err := parseJRD(w.Body.Bytes())
		if err != nil || len(d.Links) != 1 || d.Links[0].Rel != "lrdd" || d.Links[0].Template != want {
			t.Errorf("%s: host-meta.json %s, %v", host, w.Body, err)
		}
	}
}

func TestNodeInfo(t *testing.T) {
	d := &directory{}
	h := testRouter(t, d)
	w := get(h, "GET", "http://example.net/.well-known/nodeinfo")
	links, err := parseJRD(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		relNodeInfo + "2.0": "https://example.net/_ap/nodeinfo/2.0",
		relNodeInfo + "2.1": "https://example.net/_ap/nodeinfo/2.1",
		RelApplication:      "https://example.net/_ap/instance",
	}
	got := map[string]string{}
	for _, l := range links.Links {
		got[l.Rel] = l.Href
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	for _, version := range []string{"2.0", "2.1"} {
		w := get(h, "GET", "/_ap/nodeinfo/"+version)
		wantType := `application/json; profile="http://nodeinfo.diaspora.software/ns/schema/` + version + `#"; charset=utf-8`
		if got := w.Header().Get("Content-Type"); got != wantType {
			t.Errorf("Content-Type %q", got)
		}
		var doc map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		wantDoc := map[string]any{
			"version":           version,
			"software":          map[string]any{"name": "isthmus", "version": "1.2.3"},
			"protocols":         []any{"activitypub", "xmpp"},
			"services":          map[string]any{"inbound": []any{}, "outbound": []any{}},
			"openRegistrations": false,
			"usage": map[string]any{
				"users":      map[string]any{"total": 3.0, "activeMonth": 2.0, "activeHalfyear": 3.0},
				"localPosts": 40.0,
			},
			"metadata": map[string]any{},
		}
		if diff := cmp.Diff(wantDoc, doc); diff != "" {
			t.Errorf("document (-want +got):\n%s", diff)
		}
	}
	if d.counted != 1 {
		t.Errorf("the directory counted %d times for two readers at once", d.counted)
	}
}

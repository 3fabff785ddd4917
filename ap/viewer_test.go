package ap_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// resign signs a request anew, after something was changed in it. Its body is
// taken from the digest that it has.
func resign(t testing.TB, r *http.Request, a *aptest.Actor) {
	t.Helper()
	var body []byte
	if r.GetBody != nil {
		rc, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		body = make([]byte, r.ContentLength)
		if _, err := rc.Read(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := sig.Sign(r, body, a.KeyID, a.Key, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// TestViewer tells the backend who asks, when a signature proves it; what was
// found for somebody is not for caches (SEC-25, SEC-26).
func TestViewer(t *testing.T) {
	h := newHouse(t, nil)
	h.backend.documents = func(q ap.CollectionLookup) (any, error) {
		if q.Kind == "object" && q.Viewer != h.alice.ID {
			return nil, statusError(404)
		}
		return []byte(`{}`), nil
	}
	stranger := h.mast.Actor("stranger")
	away := h.mast.Actor("away")
	h.backend.keyErr[away.KeyID] = errors.New("away")
	blocked := h.Peer("blocked.test").Actor("bob")
	h.backend.trust(blocked)
	h.backend.blocked[h.Authority("blocked.test")] = true
	item := h.url + "/item/louise%40example.org/abc?x=%40"
	for _, c := range []struct {
		by     *aptest.Actor
		url    string
		status int
		viewer string
	}{
		{h.alice, item, 200, h.alice.ID},
		{h.alice, h.url + "/outbox/louise@example.org?page=1", 200, h.alice.ID},
		{stranger, item, 404, ""},
		{stranger, h.url + "/outbox/louise@example.org", 200, ""},
		{away, item, 503, ""}, // not 404, which would be believed
		{away, h.url + "/outbox/louise@example.org", 200, ""},
		{blocked, item, 403, "-"},
		{blocked, h.url + "/outbox/louise@example.org", 403, "-"},
		{blocked, h.url + "/actor/louise@example.org", 200, ""}, // its key is for everybody (A16)
		{blocked, h.url + "/instance", 200, ""},
		{away, h.url + "/actor/louise@example.org", 200, ""},
	} {
		h.backend.lookups = nil
		status, _ := c.by.Get(c.url)
		viewer := "-"
		if len(h.backend.lookups) > 0 {
			viewer = h.backend.lookups[0].Viewer
		}
		if status != c.status || viewer != c.viewer {
			t.Errorf("%s of %s: %d, seen as %q", c.url, c.by.Name, status, viewer)
		}
	}
	s := newServer(t, h.backend, func(c *ap.ServerConfig) { c.Hosts = []string{"example.org"} })
	sign := func(r *http.Request) {
		r.Host = "example.org"
		if err := sig.Sign(r, nil, h.alice.KeyID, h.alice.Key, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if rec := get(s, "/_ap/item/l@example.org/abc", as2.MediaType, sign); rec.Code != 200 || rec.Header().Get("Cache-Control") != "private, no-store" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	if rec := get(s, "/_ap/outbox/l@example.org", as2.MediaType, nil); rec.Header().Get("Cache-Control") != "public, max-age=60" || !strings.Contains(rec.Header().Get("Vary"), "Signature") {
		t.Errorf("%v", rec.Header())
	}
}

// TestReadersWait serves documents while those whose key has to be fetched wait
// for slow hosts (SEC-18): to them as to somebody who has not signed.
func TestReadersWait(t *testing.T) {
	h := newHouse(t, func(c *ap.ServerConfig) { c.MaxInFlight = 1 })
	inside, release := make(chan struct{}, 8), make(chan struct{})
	h.backend.fetching = func() {
		inside <- struct{}{}
		<-release
	}
	item := h.url + "/item/louise@example.org/abc"
	first, second := h.Peer("a.test").Actor("mallory"), h.Peer("b.test").Actor("mallory")
	done := make(chan int)
	go func() {
		status, _ := first.Get(item)
		done <- status
	}()
	<-inside
	status, _ := second.Get(item)
	if viewer := h.backend.last().Viewer; status != 200 || viewer != "" || len(inside) != 0 {
		t.Errorf("a second stranger: %d, seen as %q, and %d more keys are fetched", status, viewer, len(inside))
	}
	if status, _ := h.alice.Get(item); status != 200 || h.backend.last().Viewer != h.alice.ID {
		t.Errorf("somebody known: %d, seen as %q", status, h.backend.last().Viewer)
	}
	close(release)
	if status := <-done; status != 200 {
		t.Errorf("the first stranger: %d", status)
	}
}

// TestRequireSignedFetch shows nothing to the unsigned but the instance actor,
// and what it takes to verify a signature (S11, A16).
func TestRequireSignedFetch(t *testing.T) {
	h := newHouse(t, func(c *ap.ServerConfig) { c.RequireSignedFetch = true })
	away := h.mast.Actor("away")
	h.backend.keyErr[away.KeyID] = errors.New("away")
	stranger := h.mast.Actor("stranger")
	client := h.HTTP()
	unsigned := func(url string) (int, string) {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", as2.MediaType)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
	}
	for _, c := range []struct {
		path                            string
		unsigned, signed, unknown, away int
		keyOnly                         bool // for all but the signed
	}{
		{"/instance", 200, 200, 200, 200, false},
		{"/actor/louise@example.org", 200, 200, 200, 200, true},
		{"/item/louise@example.org/a", 401, 200, 401, 503, false},
		{"/activity/a", 401, 200, 401, 503, false},
		{"/outbox/louise@example.org", 401, 200, 401, 503, false},
		{"/followers/louise@example.org?page=1", 401, 200, 401, 503, false},
	} {
		h.backend.lookups = nil
		if got, challenge := unsigned(h.url + c.path); got != c.unsigned || (challenge != "") != (got == 401) || h.backend.last().KeyOnly != c.keyOnly {
			t.Errorf("%s unsigned: %d %q %+v", c.path, got, challenge, h.backend.last())
		}
		if got, _ := h.alice.Get(h.url + c.path); got != c.signed || h.backend.last().KeyOnly {
			t.Errorf("%s signed: %d %+v", c.path, got, h.backend.last())
		}
		if got, _ := stranger.Get(h.url + c.path); got != c.unknown {
			t.Errorf("%s with an unknown key: %d", c.path, got)
		}
		if got, _ := away.Get(h.url + c.path); got != c.away {
			t.Errorf("%s with a key that is away: %d", c.path, got)
		}
	}
}

// TestNoDeadlock lets two servers that both require signed fetches, and deliver
// to each other, finish: the keys of the instance actors are open (A16).
func TestNoDeadlock(t *testing.T) {
	h := newHouse(t, func(c *ap.ServerConfig) { c.RequireSignedFetch = true })
	h.mast.RequireSigned(true)
	instance := h.Peer("ours.test").Actor("instance") // its document is open
	client := newClient(t, h.World)
	doc, err := client.GetObject(aptest.Context(t), h.alice.ID, instance.SigningKey())
	if err != nil || doc.Object.ID != h.alice.ID {
		t.Fatalf("%v", err)
	}
	if status, text := h.alice.Post(h.url+"/inbox/louise@example.org", h.alice.Activity(as2.TypeFollow, h.url+"/actor/louise@example.org")); status != 202 {
		t.Errorf("%d %s", status, text)
	}
}

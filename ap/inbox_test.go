package ap_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// house is a server under test among peers, over TLS.
type house struct {
	*aptest.World
	backend *backend
	url     string // of the mount point
	log     *logLines
	mast    *aptest.Peer
	alice   *aptest.Actor
}

func newHouse(t testing.TB, change func(*ap.ServerConfig)) *house {
	t.Helper()
	h := &house{World: aptest.NewWorld(t), backend: newBackend(), log: &logLines{}}
	h.url = "https://" + h.Authority("example.org") + "/_ap"
	h.Handle("example.org", newServer(t, h.backend, func(c *ap.ServerConfig) {
		c.Hosts, c.Log = []string{h.Authority("example.org"), h.Authority("other.example")}, h.log.logger()
		if change != nil {
			change(c)
		}
	}))
	h.mast = h.Peer("mast.test")
	h.alice = h.mast.Actor("alice")
	h.backend.trust(h.alice)
	return h
}

// last is what came in last.
func (h *house) last() *ap.Incoming {
	h.backend.mu.Lock()
	defer h.backend.mu.Unlock()
	if n := len(h.backend.received); n > 0 {
		return &h.backend.received[n-1]
	}
	return nil
}

// like is an activity of somebody, as bytes.
func like(a *aptest.Actor, changes ...string) []byte {
	s := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"%s/likes/1","type":"Like","actor":"%s","object":"https://example.org/_ap/item/l@example.org/x"}`, a.ID, a.ID)
	return []byte(strings.NewReplacer(changes...).Replace(s))
}

// TestInbox takes an activity in, to the very byte.
func TestInbox(t *testing.T) {
	h := newHouse(t, nil)
	body := like(h.alice)
	for path, target := range map[string]string{
		"/shared_inbox": "", "/inbox/louise@example.org": "louise@example.org", "/inbox/louise%40example.org": "louise@example.org",
		"/inbox/a%2Fb@example.org": "a/b@example.org", "/inbox/j%c3%b8rgen%40example.org": "jørgen@example.org", "/shared_inbox?x=%40&y": "",
	} {
		status, text := h.alice.PostBytes(h.url+path, body, nil)
		in := h.last()
		if status != 202 || text != "" || in == nil {
			t.Fatalf("%s: %d %s\n%s", path, status, text, h.log.text())
		}
		if in.Target != target || !bytes.Equal(in.Body, body) || in.Signer != h.alice.ID || in.Object.Type() != as2.TypeLike || in.Gone ||
			in.Digest != sha256.Sum256(body) || in.Host != h.Authority("example.org") {
			t.Errorf("%s: %+v", path, in)
		}
		h.backend.received = nil
	}
	if n := len(h.backend.asked); n != 0 {
		t.Errorf("%d questions for a key that is at hand", n)
	}
}

// TestInboxRefuses spoils one thing each time. Nothing may reach the backend,
// the answer tells nothing, and the log names the rule.
func TestInboxRefuses(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	replaceBody := func(s string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength, r.GetBody = io.NopCloser(strings.NewReader(s)), int64(len(s)), nil
		}
	}
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	}
	h := newHouse(t, nil)
	mallory := h.Peer("evil.test").Actor("mallory")
	blocked := h.Peer("blocked.test").Actor("bob")
	hidden := h.mast.Actor("hidden")
	h.backend.trust(mallory)
	h.backend.blocked[h.Authority("blocked.test")] = true
	h.backend.trust(blocked)
	h.backend.trust(hidden)
	h.backend.keys[hidden.KeyID] = ap.PublicKey{ID: hidden.KeyID, Owner: blocked.ID, Key: &hidden.Key.PublicKey}
	away := h.mast.Actor("away")
	h.backend.keyErr[away.KeyID] = statusError(503)
	lost := h.mast.Actor("lost")
	h.backend.keyErr[lost.KeyID] = errors.New("no route")
	stranger := h.mast.Actor("stranger")
	body := like(h.alice)
	for _, c := range []struct {
		name   string
		by     *aptest.Actor
		body   []byte
		change func(*http.Request)
		status int
		rule   string
		keys   bool // whether a key may be asked for
	}{
		{"unsigned", h.alice, body, func(r *http.Request) { r.Header.Del("Signature") }, 401, "S3", false},
		{"RFC 9421 only", h.alice, body, func(r *http.Request) {
			r.Header.Set("Signature-Input", `sig1=("@method");keyid="x"`)
			r.Header.Set("Signature", "sig1=:AAAA:")
		}, 401, "S9", false},
		{"two signatures", h.alice, body, func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }, 401, "S3", false},
		{"plain JSON", h.alice, body, header("Content-Type", "application/json"), 415, "L10", false},
		{"text", h.alice, body, header("Content-Type", "text/plain"), 415, "L10", false},
		{"no type", h.alice, body, func(r *http.Request) { r.Header["Content-Type"] = nil }, 415, "L10", false},
		{"gzip", h.alice, body, header("Content-Encoding", "gzip"), 415, "L10", false},
		{"too big", h.alice, bytes.Repeat([]byte(" "), 1<<20+1), nil, 413, "L1", false},
		{"too big, size unsaid", h.alice, bytes.Repeat([]byte(" "), 1<<20+1), func(r *http.Request) { r.ContentLength = -1; r.Body = struct{ io.ReadCloser }{r.Body} }, 413, "L1", false},
		{"blocked host", blocked, like(blocked), nil, 403, "S16", false},
		{"blocked owner", hidden, body, nil, 403, "S16", true},
		{"old", h.alice, body, header("Date", time.Now().Add(-2*time.Hour).UTC().Format(http.TimeFormat)), 401, "S3", false},
		{"no date", h.alice, body, func(r *http.Request) { r.Header.Del("Date") }, 401, "S3", false},
		{"other body", h.alice, body, replaceBody("{}"), 401, "S3", false},
		{"other body and digest", h.alice, body, func(r *http.Request) {
			replaceBody("{}")(r)
			r.Header.Set("Digest", digest("{}"))
		}, 401, "S4", true},
		{"other path", h.alice, body, func(r *http.Request) { r.URL.Path = "/_ap/inbox/louise@example.org" }, 401, "S4", true},
		{"key of another", h.alice, body, func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), h.alice.KeyID, mallory.KeyID, 1))
		}, 401, "S4", true},
		{"key id on loopback", h.alice, body, func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), h.alice.KeyID, "http://10.0.0.1/key", 1))
		}, 401, "L12", false},
		{"key id no URL", h.alice, body, func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), h.alice.KeyID, "alice", 1))
		}, 401, "L12", false},
		{"unknown key", stranger, like(stranger), nil, 401, "S5", true},
		{"key's host away", away, like(away), nil, 503, "S7", true},
		{"key's host lost", lost, like(lost), nil, 503, "S7", true},
		{"somebody else's activity", mallory, body, nil, 403, "S6", true},
		{"somebody else's, embedded", mallory, like(h.alice, `"actor":"`+h.alice.ID+`"`, `"actor":{"id":"`+h.alice.ID+`"}`), nil, 403, "S6", true},
		{"two actors", h.alice, like(h.alice, `"actor":"`+h.alice.ID+`"`, `"actor":["`+h.alice.ID+`","`+mallory.ID+`"]`), nil, 403, "S6", true},
		{"actor with fragment", h.alice, like(h.alice, `"actor":"`+h.alice.ID, `"actor":"`+h.alice.ID+"#x"), nil, 403, "S6", true},
		{"actor in another case", h.alice, like(h.alice, `"actor":"`+h.alice.ID, `"actor":"`+strings.ToUpper(h.alice.ID)), nil, 403, "S6", true},
		{"no actor", h.alice, []byte(`{"type":"Like"}`), nil, 403, "S6", true},
		{"activity on another host", h.alice, like(h.alice, `"id":"`+h.alice.ID, `"id":"`+mallory.ID), nil, 403, "L7", true},
		{"activity with an odd id", h.alice, like(h.alice, `"id":"https`, `"id":"http`), nil, 403, "L7", true},
		{"not JSON", h.alice, []byte(`<html>`), nil, 400, "L11", true},
		{"duplicate names", h.alice, like(h.alice, `"type":"Like"`, `"type":"Like","actor":"https://victim.test/"`), nil, 400, "L11", true},
		{"graph", h.alice, like(h.alice, `"type":"Like"`, `"type":"Like","@graph":[]`), nil, 400, "L11", true},
		{"deep", h.alice, []byte(strings.Repeat(`{"object":`, 100) + "{}" + strings.Repeat("}", 100)), nil, 400, "L11", true},
	} {
		before := len(h.log.text())
		h.backend.asked = nil
		status, text := c.by.PostBytes(h.url+"/shared_inbox", c.body, c.change)
		if status != c.status || strings.Count(text, "\n") != 1 || strings.Contains(text, "mast.test") || strings.Contains(text, "secret") || strings.Contains(text, "key") && c.rule != "L12" {
			t.Errorf("%s: %d %q", c.name, status, text)
		}
		lines := strings.Split(strings.TrimSpace(h.log.text()[before:]), "\n")
		if len(lines) != 1 || !strings.Contains(lines[0], "rule="+c.rule) || !strings.Contains(lines[0], fmt.Sprintf("status=%d", c.status)) {
			t.Errorf("%s: logged %q", c.name, lines)
		}
		if h.last() != nil {
			t.Errorf("%s: received", c.name)
			h.backend.received = nil
		}
		if !c.keys && len(h.backend.asked) != 0 {
			t.Errorf("%s: asked for keys %q before all cheap checks", c.name, h.backend.asked)
		}
	}
}

// TestInboxTypes takes both types, the second also without its profile.
func TestInboxTypes(t *testing.T) {
	h := newHouse(t, nil)
	for _, contentType := range []string{as2.MediaType, as2.MediaType + "; charset=utf-8", as2.MediaTypeLD, "application/ld+json", `application/ld+json;profile="https://www.w3.org/ns/activitystreams"`} {
		status, _ := h.alice.PostBytes(h.url+"/shared_inbox", like(h.alice), func(r *http.Request) {
			// Signed anew, since the type is covered.
			r.Header.Set("Content-Type", contentType)
			resign(t, r, h.alice)
		})
		if status != 202 {
			t.Errorf("%s: %d", contentType, status)
		}
	}
}

// TestKeyRefresh fetches a key anew once when a signature does not fit (S4).
func TestKeyRefresh(t *testing.T) {
	h := newHouse(t, nil)
	old := h.mast.Actor("old")
	stale := ap.PublicKey{ID: h.alice.KeyID, Owner: h.alice.ID, Key: &old.Key.PublicKey}
	fresh := h.backend.origin[h.alice.KeyID]
	for name, c := range map[string]struct {
		cached, origin ap.PublicKey
		err            error
		status, asked  int
	}{
		"fits":            {fresh, fresh, nil, 202, 0},
		"rotated":         {stale, fresh, nil, 202, 2},
		"still wrong":     {stale, stale, nil, 401, 2},
		"other, wrong":    {stale, ap.PublicKey{ID: stale.ID, Owner: stale.Owner}, nil, 401, 2},
		"origin away":     {stale, fresh, statusError(503), 503, 2},
		"origin has none": {stale, fresh, statusError(404), 401, 2},
		"owner changed":   {stale, ap.PublicKey{ID: fresh.ID, Owner: old.ID, Key: fresh.Key}, nil, 403, 2},
	} {
		h.backend.keys[h.alice.KeyID], h.backend.origin[h.alice.KeyID] = c.cached, c.origin
		h.backend.keyErr[h.alice.KeyID+"!"] = c.err
		h.backend.asked = nil
		status, _ := h.alice.PostBytes(h.url+"/shared_inbox", like(h.alice), nil)
		if status != c.status || len(h.backend.asked) != c.asked {
			t.Errorf("%s: %d, asked %q", name, status, h.backend.asked)
		}
	}
}

// TestReceiveErrors answers what the backend says, never 4xx for its own
// trouble.
func TestReceiveErrors(t *testing.T) {
	h := newHouse(t, nil)
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"stored": {nil, 202}, "unknown target": {statusError(404), 404}, "target gone": {statusError(410), 410}, "forbidden": {statusError(403), 403},
		"busy": {statusError(503), 503}, "disk full": {errors.New("disk full"), 503}, "remote 404": {&ap.StatusError{Code: 404}, 503},
	} {
		h.backend.receive = func(context.Context, ap.Incoming) error { return c.err }
		status, text := h.alice.PostBytes(h.url+"/inbox/louise@example.org", like(h.alice), nil)
		if status != c.status || strings.Contains(text, "secret") || strings.Contains(text, "disk") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	h.backend.receive = func(context.Context, ap.Incoming) error { panic("oops") }
	if status, text := h.alice.PostBytes(h.url+"/shared_inbox", like(h.alice), nil); status != 503 || strings.Contains(text, "oops") || !strings.Contains(h.log.text(), "oops") {
		t.Errorf("panic: %d %s", status, text)
	}
}

// TestDeletedActors is V5: the Delete of an actor nobody knows is accepted and
// ignored; that of a known one needs its signature, or its origin's word.
func TestDeletedActors(t *testing.T) {
	h := newHouse(t, nil)
	gone := h.mast.Actor("gone")
	del := func(actor, object string) []byte {
		return fmt.Appendf(nil, `{"id":"%s#delete","type":"Delete","actor":"%s","object":%s}`, actor, actor, object)
	}
	whole := del(gone.ID, `"`+gone.ID+`"`)
	for _, c := range []struct {
		name     string
		body     []byte
		known    bool
		keyErr   error
		status   int
		received bool
	}{
		{"unknown", whole, false, statusError(410), 202, false},
		{"unknown, with an object", del(gone.ID, `{"id":"`+gone.ID+`","type":"Person"}`), false, statusError(410), 202, false},
		{"unknown, key away", whole, false, statusError(503), 202, false},
		{"known, key 410", whole, true, statusError(410), 202, true},
		{"known, key 404", whole, true, statusError(404), 401, false},
		{"known, key away", whole, true, statusError(503), 503, false},
		{"a note of a known one, key 410", del(gone.ID, `"`+gone.ID+`/notes/1"`), true, statusError(410), 401, false},
		{"a note of an unknown one", del(gone.ID, `"`+gone.ID+`/notes/1"`), false, statusError(410), 401, false},
		{"of somebody else, key 410", del(h.alice.ID, `"`+h.alice.ID+`"`), true, statusError(410), 401, false},
		{"not readable", []byte(`{"type":"Delete",`), false, statusError(410), 400, false},
	} {
		h.backend.received, h.backend.asked = nil, nil
		h.backend.known = map[string]bool{gone.ID: c.known, h.alice.ID: true}
		h.backend.keyErr[gone.KeyID] = c.keyErr
		status, _ := gone.PostBytes(h.url+"/shared_inbox", c.body, nil)
		in := h.last()
		if status != c.status || (in != nil) != c.received {
			t.Errorf("%s: %d, %+v", c.name, status, in)
		}
		if in != nil && (!in.Gone || in.Signer != gone.ID) {
			t.Errorf("%s: %+v", c.name, in)
		}
		if !c.known && c.status == 202 && len(h.backend.asked) != 0 {
			t.Errorf("%s: asked for %q", c.name, h.backend.asked)
		}
	}
	// Not even for that is a request without signature read.
	if status, _ := gone.PostBytes(h.url+"/shared_inbox", whole, func(r *http.Request) { r.Header.Del("Signature") }); status != 401 {
		t.Errorf("unsigned: %d", status)
	}
	h.backend.known[h.alice.ID] = true
	h.backend.received = nil
	if status, _ := h.alice.PostBytes(h.url+"/shared_inbox", del(h.alice.ID, `"`+h.alice.ID+`"`), nil); status != 202 || h.last() == nil || h.last().Gone {
		t.Errorf("signed: %d", status)
	}
}

// TestServedMeanwhile serves our documents while an inbox waits for a key, and
// says 503 when too many wait.
func TestServedMeanwhile(t *testing.T) {
	h := newHouse(t, func(c *ap.ServerConfig) { c.MaxInFlight = 2 })
	inside, release := make(chan struct{}, 8), make(chan struct{})
	h.backend.receive = func(context.Context, ap.Incoming) error {
		inside <- struct{}{}
		<-release
		return nil
	}
	bob := h.Peer("b.test").Actor("bob")
	h.backend.trust(bob)
	var wait sync.WaitGroup
	for _, a := range []*aptest.Actor{h.alice, bob} {
		wait.Go(func() {
			if status, _ := a.PostBytes(h.url+"/shared_inbox", like(a), nil); status != 202 {
				t.Errorf("%s: %d", a.Name, status)
			}
		})
	}
	<-inside
	<-inside
	if status, _ := h.alice.Get(h.url + "/actor/louise@example.org"); status != 200 {
		t.Errorf("GET meanwhile: %d", status)
	}
	if status, _ := h.alice.PostBytes(h.url+"/shared_inbox", like(h.alice), nil); status != 503 || !strings.Contains(h.log.text(), "rule=D6") {
		t.Errorf("one too many: %d", status)
	}
	close(release)
	wait.Wait()
	if status, _ := h.alice.PostBytes(h.url+"/shared_inbox", like(h.alice), nil); status != 202 {
		t.Errorf("afterwards: %d", status)
	}
}

// TestStrangersWait has those whose key has to be fetched use half of the places:
// who is known gets in while they wait for slow hosts (SEC-18).
func TestStrangersWait(t *testing.T) {
	h := newHouse(t, func(c *ap.ServerConfig) { c.MaxInFlight = 4 })
	inside, release := make(chan struct{}, 8), make(chan struct{})
	h.backend.fetching = func() {
		inside <- struct{}{}
		<-release
	}
	var wait sync.WaitGroup
	statuses := make(chan int, 4)
	for _, host := range []string{"a.test", "b.test", "c.test", "d.test"} {
		stranger := h.Peer(host).Actor("mallory")
		wait.Go(func() {
			status, _ := stranger.PostBytes(h.url+"/shared_inbox", like(stranger), nil)
			statuses <- status
		})
	}
	<-inside
	<-inside
	for range 2 {
		if status := <-statuses; status != 503 || !strings.Contains(h.log.text(), "rule=SEC-18") {
			t.Errorf("one stranger too many: %d", status)
		}
	}
	if status, _ := h.alice.PostBytes(h.url+"/shared_inbox", like(h.alice), nil); status != 202 || len(inside) != 0 {
		t.Errorf("somebody known: %d, and %d more keys are fetched", status, len(inside))
	}
	close(release)
	wait.Wait()
	for range 2 {
		if status := <-statuses; status != 401 {
			t.Errorf("a stranger without key: %d", status)
		}
	}
}

// TestForgedForwarding lets nobody choose the host that a signature is for by a
// header (SEC-50, SEC-14).
func TestForgedForwarding(t *testing.T) {
	h := newHouse(t, nil)
	other := "https://" + h.Authority("other.example")
	h.Handle("other.example", newServer(t, h.backend, func(c *ap.ServerConfig) { c.Hosts = []string{h.Authority("other.example")} }))
	// Signed for example.org, sent to another host with a forged header.
	status, _ := h.alice.PostBytes(h.url+"/shared_inbox", like(h.alice), func(r *http.Request) {
		r.URL, _ = r.URL.Parse(other + "/_ap/shared_inbox")
		r.Host = h.Authority("other.example")
		r.Header.Set("X-Forwarded-Host", h.Authority("example.org"))
	})
	if status != 401 || h.last() != nil {
		t.Errorf("%d", status)
	}
}

// TestCutBody answers when a connection ends before the body does.
func TestCutBody(t *testing.T) {
	h := newHouse(t, nil)
	server := http.Server{Handler: newServer(t, h.backend, func(c *ap.ServerConfig) { c.Hosts, c.Log = []string{"example.org"}, h.log.logger() }), ReadHeaderTimeout: time.Second}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, "https://example.org/_ap/shared_inbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", as2.MediaType)
	if err := sig.Sign(r, make([]byte, 100), h.alice.KeyID, h.alice.Key, time.Now()); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST /_ap/shared_inbox HTTP/1.1\r\nHost: example.org\r\nContent-Length: 100\r\n")
	_ = r.Header.Write(conn)
	_, _ = io.WriteString(conn, "\r\n{")
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	if !bytes.Contains(answer, []byte("408")) || !strings.Contains(h.log.text(), "rule=L2") {
		t.Errorf("%s", answer)
	}
	_ = conn.Close()
	_ = server.Close()
	<-done
}

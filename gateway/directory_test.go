package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/webfinger"
	"isthmus/xmpp/stanza"
)

// finger asks WebFinger about a resource: its subject, and where self is.
func (s site) finger(resource string) (status int, subject, self string) {
	s.w.t.Helper()
	got := s.get("https://example.org/.well-known/webfinger?resource="+url.QueryEscape(resource), "*/*", "")
	if got.Code != http.StatusOK {
		return got.Code, "", ""
	}
	var doc struct {
		Subject string
		Links   []struct{ Rel, Type, Href string }
	}
	s.w.must(json.Unmarshal(got.Body.Bytes(), &doc))
	n := 0
	for _, l := range doc.Links {
		if l.Rel == "self" {
			n, self = n+1, l.Href
		}
	}
	if kind := got.Header().Get("Content-Type"); n != 1 || !strings.HasPrefix(kind, "application/jrd+json") || got.Header().Get("Access-Control-Allow-Origin") != "*" {
		s.w.t.Errorf("%s: %d self links, %s (W1, W3)", resource, n, kind)
	}
	return got.Code, strings.TrimPrefix(doc.Subject, "acct:"), self
}

// TestWebFinger finds our actors in every spelling (W1-W7), and that what it
// says is what the actor says (W4).
func TestWebFinger(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.hold("pubsub.example.org", "news")
	_, err := w.Link(t.Context(), "pubsub.example.org", "news")
	w.must(err)
	long := w.linkUser(string(stanza.NewJID(strings.Repeat("l", 80), "example.org")))
	_, err = w.ensureAccount(t.Context(), pierre) // who only follows
	w.must(err)
	_, err = w.ensureAccount(t.Context(), "eve@elsewhere.test")
	w.must(err)
	w.running.Wait()
	s := w.site()
	const news = "___news---.40pubsub.2eexample.2eorg@example.org"
	for resource, want := range map[string]string{
		"acct:louise@example.org":                                   louise,
		"louise@example.org":                                        louise,
		"@louise@EXAMPLE.org":                                       louise,
		"acct:Louise@example.org":                                   louise,
		"acct%3Alouise%40example.org":                               louise,
		"acct:___louise@example.org":                                louise, // as Libervia writes it
		"https://example.org/_ap/actor/louise@example.org":          louise,
		"https://example.org/_ap/@louise@example.org":               louise,
		"acct:" + news:                                              news,
		"acct:" + long.Acct:                                         long.Acct,
		"acct:pierre@example.net":                                   pierre,
		"acct:___eve.40elsewhere.2etest@example.org":                "___eve.40elsewhere.2etest@example.org",
		"acct:example.org@example.org":                              "example.org@example.org",
		"https://example.org/":                                      "example.org@example.org",
		"https://example.net":                                       "example.net@example.net",
		"https://example.org/_ap/instance":                          "example.org@example.org",
		"acct:nobody@example.org":                                   "",
		"acct:louise@example.net":                                   "",
		"acct:louise@ap.example.org":                                "",
		"acct:alice@mast.social":                                    "",
		"acct:___.xaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org":          "",
		"https://example.org/_ap/item/louise@example.org/fern":      "",
		"https://mast.social/users/alice":                           "",
		"https://example.org/_ap/actor/louise@example.org/anything": "",
		"mailto:louise@example.org":                                 "",
	} {
		status, subject, self := s.finger(resource)
		if subject != want || status != map[bool]int{true: 200, false: 404}[want != ""] {
			t.Errorf("%s is answered %d %s, want %s", resource, status, subject, want)
		}
		if want == "" || subject == "" {
			continue
		}
		doc := s.document(self)
		if user, host, _ := cutHandle(subject); doc["id"] != self || doc["webfinger"] != subject || doc["preferredUsername"] != user || !strings.HasPrefix(self, "https://"+host+"/") {
			t.Errorf("%s is %s, whose document says %v, %v, %v", subject, self, doc["id"], doc["webfinger"], doc["preferredUsername"])
		}
	}
}

// TestUsage counts who publishes, and what.
func TestUsage(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.linkUser(pierre)
	_, err := w.ensureAccount(t.Context(), "eve@example.org")
	w.must(err)
	for id, v := range map[string]translate.Visibility{"a": translate.Public, "b": translate.Unlisted, "c": translate.Followers} {
		w.post(a, id, v, nil)
	}
	w.reached(t.Context(), a, func(r *cache.Reach) { r.Event = w.clock().Add(-60 * 24 * time.Hour) })
	got, err := w.Directory().Usage(t.Context())
	w.must(err)
	if want := (webfinger.Usage{Users: 2, ActiveHalfyear: 1, LocalPosts: 2}); got != want {
		t.Errorf("the usage is %+v, want %+v", got, want)
	}
}

// TestOpenConsent shows who is an actor without a link, where everybody whose
// node is open is one; and that strangers cannot make us ask for ever (X6).
func TestOpenConsent(t *testing.T) {
	w := newWorld(t)
	s := w.site()
	asked := func() int {
		w.xmpp.mu.Lock()
		defer w.xmpp.mu.Unlock()
		return w.xmpp.requests
	}
	w.hold(louise, feed)
	w.xmpp.node("eve@example.org", feed, nodeClosed)
	before := asked()
	if status, _, _ := s.finger(louise); status != 404 || asked() != before {
		t.Errorf("in opt-in mode Louise is answered %d, after %d requests", status, asked()-before)
	}
	w.cfg.Consent = "open"
	for _, jid := range []string{"eve@example.org", "nobody@example.org"} {
		if status, _, _ := s.finger(jid); status != 404 {
			t.Errorf("%s is answered %d", jid, status)
		}
		before := asked()
		for _, target := range []string{w.addr.ActorURL(jid), w.addr.Outbox(jid)} {
			if got := s.get(target, asPeer, ""); got.Code != 404 {
				t.Errorf("%s is answered %d", target, got.Code)
			}
		}
		if got := s.get(w.addr.PageURL(jid), asBrowser, ""); got.Code != 404 || asked() != before {
			t.Errorf("the page of %s is answered %d, after %d more requests", jid, got.Code, asked()-before)
		}
	}
	before = asked()
	for _, handle := range []string{"___eve.40elsewhere.2etest@example.org", "example.org@example.org", "___alice.5c40mast.2esocial.40ap.2eexample.2eorg@example.org"} {
		if got := s.get(w.addr.ActorURL(handle), asPeer, ""); got.Code != 404 || asked() != before {
			t.Errorf("%s is answered %d, after %d requests", handle, got.Code, asked()-before)
		}
	}
	if status, subject, _ := s.finger(louise); status != 200 || subject != louise {
		t.Errorf("Louise is answered %d %s", status, subject)
	}
	w.hold(pierre, feed)
	if doc := s.document(w.addr.ActorURL(pierre)); doc["id"] != w.addr.ActorURL(pierre) || doc["discoverable"] != true {
		t.Errorf("Pierre is %v", doc)
	}
	w.running.Wait()
	if !w.xmpp.subscribed(louise, feed) || !w.xmpp.subscribed(pierre, feed) {
		t.Error("their nodes are not subscribed")
	}
	_, err := w.Unlink(t.Context(), louise, "")
	w.must(err)
	w.running.Wait()
	if status, _, _ := s.finger(louise); status != 404 || s.get(w.addr.ActorURL(louise), asPeer, "").Code != http.StatusGone {
		t.Error("who has left is made an actor again")
	}
	// Who followed somebody first is an actor all the same, once there is something
	// to read; but not who is paused, or has left.
	const max = "max@example.org"
	_, err = w.makeAccount(t.Context(), max, "", cache.FollowerOnly)
	w.must(err)
	if doc := s.document(w.addr.ActorURL(max)); doc["discoverable"] == true {
		t.Errorf("who only follows is %v", doc)
	}
	w.recent.forget("open " + max + " ") // later
	w.hold(max, feed)
	if doc := s.document(w.addr.ActorURL(max)); doc["discoverable"] != true {
		t.Errorf("who followed first is %v", doc)
	}
	w.running.Wait()
	_, err = w.Pause(t.Context(), max, "")
	w.must(err)
	if status, _, _ := s.finger(max); status != 404 || s.get(w.addr.ActorURL(max), asPeer, "").Code != 404 {
		t.Error("who is paused is made an actor again")
	}
	_, err = w.makeAccount(t.Context(), louise, "", cache.FollowerOnly)
	w.must(err)
	if status, _, _ := s.finger(louise); status == 200 {
		a, err := w.accountOf(t.Context(), louise, "")
		if err != nil || a.State != cache.FollowerOnly {
			t.Errorf("who has left and follows somebody is %s, %v", a.State, err)
		}
	}
	w.hold("zoe@example.org", feed)
	w.xmpp.mu.Lock()
	_, _ = w.xmpp.listener.Close(), w.xmpp.conn.Close()
	w.xmpp.mu.Unlock()
	w.eventually("the end of the link", func() bool { return !w.link.Online() })
	if status, _, _ := s.finger("zoe@example.org"); status != http.StatusServiceUnavailable {
		t.Errorf("while nobody can be asked, Zoe is answered %d", status)
	}
}

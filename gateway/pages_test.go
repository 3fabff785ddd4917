package gateway

import (
	"net/http"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/translate"
)

// TestActorPage shows what people see of somebody.
func TestActorPage(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.update(func(tx *cache.Tx) error {
		a.Name, a.Summary = "Louise", `<p>Ferns</p><script>alert(1)</script>`
		a.Fields = []cache.Field{{Name: "Web", Value: `<a href="https://louise.test" onclick="x()">louise.test</a>`}}
		return tx.PutAccount(a)
	})
	first, _ := w.post(a, "first", translate.Public, nil)
	w.update(func(tx *cache.Tx) error { // a boost of what is not held any more
		b := translate.Post{Kind: translate.KindBoost, Origin: translate.OriginXMPP, Owner: actorOf(a), Boost: aliceURI + "/lost", Visibility: translate.Public, Published: w.clock()}
		w.name(a, &b, "lost")
		_, _, err := tx.PutPost(b, nil, cache.PutOptions{Received: w.clock()})
		return err
	})
	w.pass(1e9)
	last, _ := w.post(a, "last", translate.Public, nil)
	s := w.site()
	got := s.get(w.addr.PageURL(acctOf(a)), asBrowser, "")
	body := got.Body.String()
	if got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("the page is %d %s", got.Code, got.Header().Get("Content-Type"))
	}
	for _, want := range []string{"@louise@example.org", "xmpp:louise@example.org", first.URL, last.URL, `href="https://louise.test"`, `href="` + a.URI + `"`, "noindex"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, never := range []string{"<script", "onclick"} {
		if strings.Contains(body, never) {
			t.Errorf("the page has %s", never)
		}
	}
	if got := s.get(w.addr.PageURL(acctOf(a)), asPeer, "").document(http.StatusOK); got["id"] != a.URI {
		t.Errorf("a peer that is given the page's address finds %v", got["id"])
	}
	w.post(a, "quiet", translate.Unlisted, nil)
	w.post(a, "secret", translate.Followers, nil)
	feed := s.get(w.addr.PageURL(acctOf(a))+"/feed.atom", "*/*", "")
	if text := feed.Body.String(); feed.Code != http.StatusOK || !strings.Contains(body, `type="application/atom+xml" href="`+w.addr.PageURL(acctOf(a))+`/feed.atom"`) ||
		!strings.Contains(text, first.URI) || !strings.Contains(text, last.URI) || strings.Count(text, "<entry") != 2 {
		t.Errorf("the feed is %d %s", feed.Code, text)
	}
	follower, err := w.ensureAccount(t.Context(), pierre)
	w.must(err)
	for _, target := range []string{w.addr.PageURL(acctOf(follower)), w.addr.PageURL(acctOf(follower)) + "/feed.atom", "https://example.org/_ap/@nobody@example.org", first.URL + "x"} {
		if got := s.get(target, asBrowser, ""); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "There is nothing here") {
			t.Errorf("%s is answered %d", target, got.Code)
		}
	}
}

// TestSearchable shows who finds the posts of somebody before and after they
// asked to be found, and what other servers are told (SEC-28).
func TestSearchable(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.actor(aliceURI, "alice@mast.social", aliceJID)
	w.publish(louise, feed, w.entry("fern", "The fern uncurls."))
	page, _ := w.expect("Create")[0].Object["url"].(string)
	w.must(w.store.Index(t.Context()))
	s := w.site()
	for _, on := range []bool{true, false} {
		word := map[bool]string{true: "on", false: "off"}[on]
		if text, _ := w.obey(t.Context(), louise, "searchable "+word); strings.Contains(text, "Anyone can find") != on {
			t.Errorf("searchable %s says %q", word, text)
		}
		found, _ := w.obey(t.Context(), pierre, "search fern")
		if strings.Contains(found, "The fern uncurls.") != on {
			t.Errorf("after searchable %s a stranger finds %q", word, found)
		}
		if got := s.document(a.URI)["indexable"]; got != on {
			t.Errorf("after searchable %s the actor is indexable: %v", word, got)
		}
		for _, page := range []string{w.addr.PageURL(acctOf(a)), page} {
			if got := s.get(page, asBrowser, ""); got.Code != http.StatusOK || strings.Contains(got.Body.String(), "noindex") == on {
				t.Errorf("after searchable %s the page %s is answered %d, for search engines: %v", word, page, got.Code, !on)
			}
		}
		w.view(func(tx *cache.Tx) error {
			waiting, err := tx.Jobs(cache.JobQuery{Kind: jobProfile, State: cache.JobQueued})
			if len(waiting) != 1 {
				t.Errorf("%d updates of the profile wait", len(waiting))
			}
			return err
		})
	}
}

// TestPostPage shows a post with what it answers and what answers it.
func TestPostPage(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	secret := w.remotePost(aliceURI, "secret", "direct", "")
	asked := w.remotePost(aliceURI, "asked", "public", `,"url":"https://mast.social/@alice/1"`)
	p, _ := w.post(a, "fern", translate.Public, func(p *translate.Post) { p.ReplyTo = asked })
	w.remotePost(bobURI, "agreed", "public", `,"inReplyTo":"`+p.URI+`"`)
	w.remotePost(bobURI, "whispered", "direct", `,"inReplyTo":"`+p.URI+`"`)
	s := w.site()
	body := s.get(p.URL, asBrowser, "").Body.String()
	for _, want := range []string{"The text of fern", "https://mast.social/@alice/1", "agreed", "xmpp:louise@example.org", `href="` + w.addr.PageURL(acctOf(a)) + `"`, `href="` + bobURI + `"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(body, "whispered") {
		t.Error("the page shows what is not for everybody")
	}
	q, _ := w.post(a, "answer", translate.Public, func(p *translate.Post) { p.ReplyTo = secret })
	if q.Visibility != translate.Direct || s.get(q.URL, asBrowser, "").Code != http.StatusNotFound {
		t.Errorf("an answer to what is private is %s", q.Visibility)
	}
	w.update(func(tx *cache.Tx) error { return tx.PutBlock(cache.Block{Target: "mast.social", CreatedAt: w.clock()}) })
	if body := s.get(p.URL, asBrowser, "").Body.String(); strings.Contains(body, "https://mast.social/@alice/1") {
		t.Error("the page leads to whom the operator has blocked")
	}
}

// TestMedia shows how files are served: as what they are if that is harmless,
// and to those who may see what they belong to (SEC-47).
func TestMedia(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	s := w.site()
	put := func(id, kind string) string {
		w.update(func(tx *cache.Tx) error {
			return tx.PutMedia(cache.Media{ID: id, Type: kind, Bytes: []byte("bytes of " + id), Owner: a.URI, At: w.clock()})
		})
		return w.addr.MediaURL("example.org", id)
	}
	for kind, want := range map[string]string{
		"image/png": "image/png", "audio/ogg; codecs=opus": "audio/ogg", "video/mp4": "video/mp4",
		"image/svg+xml": "application/octet-stream", "text/html": "application/octet-stream",
		"application/activity+json": "application/octet-stream", "": "application/octet-stream", "image": "application/octet-stream",
	} {
		got := s.get(put("m", kind), "*/*", "")
		h := got.Header()
		if got.Code != 200 || h.Get("Content-Type") != want || got.Body.String() != "bytes of m" {
			t.Errorf("%q is answered %d as %s", kind, got.Code, h.Get("Content-Type"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "default-src 'none'; sandbox" ||
			(h.Get("Content-Disposition") == "attachment") != (want == "application/octet-stream") {
			t.Errorf("%q goes out with %v", kind, h)
		}
	}
	open, _ := w.post(a, "open", translate.Public, nil)
	closed, _ := w.post(a, "closed", translate.Followers, nil)
	shown, hidden := put("shown", "image/png"), put("hidden", "image/png")
	w.update(func(tx *cache.Tx) error {
		if err := tx.UseMedia("shown", open.URI); err != nil {
			return err
		}
		return tx.UseMedia("hidden", closed.URI)
	})
	for target, want := range map[string]int{shown: 200, hidden: 404, w.addr.MediaURL("example.org", "never"): 404} {
		if got := s.get(target, "*/*", ""); got.Code != want {
			t.Errorf("%s is answered %d, want %d", target, got.Code, want)
		}
	}
	_, err := w.Pause(t.Context(), louise, "")
	w.must(err)
	if got := s.get(shown, "*/*", ""); got.Code != 404 {
		t.Errorf("what a paused account has shown is answered %d", got.Code)
	}
}

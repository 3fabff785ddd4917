package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// TestActorDocument shows what peers insist on (A1-A17).
func TestActorDocument(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.update(func(tx *cache.Tx) error {
		a.Name, a.Summary, a.IconURL, a.IconType = "Louise", "<p>Ferns & more</p>", "https://example.org/_ap/media/face", "image/png"
		a.Fields = []cache.Field{{Name: "Web", Value: `<a href="https://louise.test">louise.test</a>`}}
		return tx.PutAccount(a)
	})
	s := w.site()
	const id = "https://example.org/_ap/actor/louise@example.org"
	got := s.get(id, `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, "")
	doc := got.document(http.StatusOK)
	if !strings.Contains(strings.Join(got.Header().Values("Vary"), ","), "Accept") {
		t.Errorf("Vary is %q", got.Header().Values("Vary"))
	}
	if context, _ := doc["@context"].([]any); len(context) == 0 || context[0] != "https://www.w3.org/ns/activitystreams" {
		t.Errorf("the context is %v (A4)", doc["@context"])
	}
	key, _ := doc["publicKey"].(map[string]any)
	if pem, _ := key["publicKeyPem"].(string); !strings.HasPrefix(pem, "-----BEGIN PUBLIC KEY-----\n") {
		t.Errorf("the key is %q (A6)", pem)
	}
	for _, drop := range []string{"@context", "published", "updated"} {
		delete(doc, drop)
	}
	delete(key, "publicKeyPem")
	const base = "https://example.org/_ap/"
	want := map[string]any{
		"id": id, "type": "Person", "preferredUsername": "louise", "webfinger": "louise@example.org", "name": "Louise",
		"summary": "<p>Ferns & more</p>", "url": base + "@louise@example.org",
		"inbox": base + "inbox/louise@example.org", "outbox": base + "outbox/louise@example.org",
		"followers": base + "followers/louise@example.org", "following": base + "following/louise@example.org",
		"featured": base + "featured/louise@example.org", "endpoints": map[string]any{"sharedInbox": base + "shared_inbox"},
		"manuallyApprovesFollowers": false, "discoverable": true, "indexable": false,
		"tag":  []any{map[string]any{"type": "Link", "rel": "canonical", "href": "xmpp:louise@example.org?;node=urn%3Axmpp%3Amicroblog%3A0"}},
		"icon": map[string]any{"type": "Image", "mediaType": "image/png", "url": base + "media/face"},
		"attachment": []any{
			map[string]any{"type": "PropertyValue", "name": "XMPP", "value": `<a href="https://example.org/_ap/@louise@example.org" rel="me">louise@example.org</a>`},
			map[string]any{"type": "PropertyValue", "name": "Web", "value": `<a href="https://louise.test">louise.test</a>`},
		},
		"publicKey": map[string]any{"id": id + "#main-key", "owner": id},
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("the actor is not what it should be (-want +got):\n%s", diff)
	}
	if page := s.get(id, asBrowser, ""); page.Code != http.StatusSeeOther || page.Header().Get("Location") != "/_ap/@louise@example.org" {
		t.Errorf("a browser is answered %d %s (A1)", page.Code, page.Header().Get("Location"))
	}
	for _, missing := range []string{"pierre@example.net", "louise@example.net", "louise@example.org~2", "louise", "alice@mast.social", "___.x"} {
		if got := s.get(base+"actor/"+missing, asPeer, ""); got.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", missing, got.Code)
		}
	}
}

// TestActorKinds shows the actors that are not people who publish.
func TestActorKinds(t *testing.T) {
	w := newWorld(t)
	s := w.site()
	follower, err := w.ensureAccount(t.Context(), pierre)
	w.must(err)
	if doc := s.document(follower.URI); doc["discoverable"] != false || doc["type"] != "Person" {
		t.Errorf("who only follows is %v", doc)
	}
	w.update(func(tx *cache.Tx) error { // as nothing of ours does
		p := translate.Post{Kind: translate.KindNote, Origin: translate.OriginXMPP, Owner: actorOf(follower), Visibility: translate.Public, Published: w.clock()}
		w.name(follower, &p, "odd")
		_, _, err := tx.PutPost(p, nil, cache.PutOptions{Received: w.clock()})
		return err
	})
	if doc := s.document(w.addr.Outbox(acctOf(follower))); doc["totalItems"] != 0.0 || doc["first"] != nil {
		t.Errorf("the outbox of who only follows is %v", doc)
	}
	w.hold("pubsub.example.org", "news")
	_, err = w.Link(t.Context(), "pubsub.example.org", "news")
	w.must(err)
	w.running.Wait()
	node, err := w.accountOf(t.Context(), "pubsub.example.org", "news")
	w.must(err)
	if doc := s.document(node.URI); doc["type"] != "Service" || doc["preferredUsername"] != "___news---.40pubsub.2eexample.2eorg" {
		t.Errorf("a node is %v", doc)
	}
	long := stanza.NewJID(strings.Repeat("l", 80), "example.org")
	a := w.linkUser(string(long))
	if doc := s.document(a.URI); doc["webfinger"] != a.Acct || !strings.HasPrefix(a.Acct, "___.x") {
		t.Errorf("a long name is %s: %v", a.Acct, doc)
	}
	for _, host := range []string{"example.org", "example.net"} {
		id := "https://" + host + "/_ap/instance"
		doc := s.document(id)
		key, _ := doc["publicKey"].(map[string]any)
		if doc["id"] != id || doc["type"] != "Application" || doc["preferredUsername"] != host || doc["webfinger"] != host+"@"+host ||
			doc["inbox"] != "https://"+host+"/_ap/shared_inbox" || key["owner"] != id {
			t.Errorf("the instance actor is %v", doc)
		}
		if again, _ := s.document(id)["publicKey"].(map[string]any); again["publicKeyPem"] != key["publicKeyPem"] {
			t.Error("the key of the instance actor is another one each time")
		}
	}
}

// TestSomebodyElsesItem shows that a post is found below its owner only.
func TestSomebodyElsesItem(t *testing.T) {
	w := newWorld(t)
	a, b := w.linkUser(louise), w.linkUser(pierre)
	p, activity := w.post(a, "fern", translate.Public, nil)
	s := w.site()
	for _, target := range []string{
		w.addr.ItemURL(acctOf(b), idOf(p.URI)), w.addr.ItemPageURL(acctOf(b), idOf(p.URI)), w.addr.ItemSubURL(acctOf(b), idOf(p.URI), "replies"),
		w.addr.ActivityURL("example.net", idOf(activity)), w.addr.ActivityURL("example.org", "never"),
	} {
		if got := s.get(target, asPeer, ""); got.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", target, got.Code)
		}
	}
}

// TestFollowIsShown shows which activities about nobody's post can be fetched.
func TestFollowIsShown(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.knowKey(aliceURI)
	w.knowKey(bobURI)
	_, err := w.FollowHandle(t.Context(), louise, "alice@mast.social")
	w.must(err)
	follow := w.expect("Follow")[0]
	s := w.site()
	for signer, want := range map[string]int{"": 404, bobURI: 404, aliceURI: 200} {
		if got := s.get(follow.ID, asPeer, signer); got.Code != want {
			t.Errorf("%q gets %d, want %d", signer, got.Code, want)
		}
	}
	w.update(func(tx *cache.Tx) error {
		return tx.PutActivity(cache.Activity{ID: w.addr.ActivityURL("example.org", "odd"), Actor: w.addr.ActorURL(louise), Type: "Move", Raw: []byte(`{}`), At: w.clock()})
	})
	if got := s.get(w.addr.ActivityURL("example.org", "odd"), asPeer, ""); got.Code != 404 {
		t.Errorf("an activity about nothing that is named is shown to everybody: %d", got.Code)
	}
}

// TestPausedAndUnlinked shows what is left of an account that hides, and of one
// that left (design: consent; SEC-30).
func TestPausedAndUnlinked(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.knowKey(aliceURI)
	p, create := w.post(a, "fern", translate.Public, nil)
	theirs := w.remotePost(aliceURI, "moss", "public", "")
	w.update(func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(theirs, operator)
		if err != nil {
			return err
		}
		return w.like(tx, a, stored.Post, "")
	})
	like := w.expect("Like")[0].ID
	s, acct := w.site(), acctOf(a)
	finger := "https://example.org/.well-known/webfinger?resource=acct:" + louise
	of := []string{
		a.URI, w.addr.PageURL(acct), w.addr.Outbox(acct), w.addr.Outbox(acct) + "?page=0", w.addr.Followers(acct), w.addr.Following(acct),
		w.addr.Featured(acct), p.URI, p.URL, p.URI + "/replies", create, like, finger,
	}
	expect := func(what string, want func(target string) int) {
		t.Helper()
		for _, target := range of {
			accept := asPeer
			if strings.Contains(target, "/@") {
				accept = asBrowser
			}
			if got := s.get(target, accept, ""); got.Code != want(target) {
				t.Errorf("%s, %s is answered %d, want %d", what, target, got.Code, want(target))
			}
		}
	}
	expect("linked", func(string) int { return 200 })
	_, err := w.Pause(t.Context(), louise, "")
	w.must(err)
	expect("paused", func(string) int { return 404 })
	_, err = w.Resume(t.Context(), louise, "")
	w.must(err)
	w.running.Wait()
	expect("resumed", func(string) int { return 200 })
	_, err = w.Unlink(t.Context(), louise, "")
	w.must(err)
	w.running.Wait()
	expect("unlinked", func(target string) int {
		switch target {
		case finger, create, like:
			return 404
		}
		return 410
	})
	stone := s.get(a.URI, asPeer, "").document(http.StatusGone)
	if stone["type"] != "Tombstone" || stone["id"] != a.URI {
		t.Errorf("what is left is %v", stone)
	}
	if got := s.get(w.addr.ItemURL(acct, "never"), asPeer, ""); got.Code != 404 {
		t.Errorf("what never was is answered %d", got.Code)
	}
}

// TestLinkedAgain shows that a link after an unlink is another actor of the same
// handle.
func TestLinkedAgain(t *testing.T) {
	w := newWorld(t)
	s, a := w.site(), w.linkUser(louise)
	_, err := w.Unlink(t.Context(), louise, "")
	w.must(err)
	w.running.Wait()
	again := w.linkUser(louise)
	if again.URI != a.URI+"~2" || s.document(again.URI)["webfinger"] != louise || s.get(a.URI, asPeer, "").Code != http.StatusGone {
		t.Errorf("a later link is %s", again.URI)
	}
	if status, subject, self := s.finger(louise); status != 200 || subject != louise || self != again.URI {
		t.Errorf("the handle is answered %d %s %s", status, subject, self)
	}
}

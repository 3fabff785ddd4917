package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/e2e/lab"
)

// kind matches deliveries of a type.
func kind(name string) func(lab.Received) bool {
	return func(r lab.Received) bool { return r.Activity["type"] == name }
}

// TestScript has a peer that follows its own script do what Fedify would not.
func TestScript(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		peer, err := s.StartScript("rose", "mallory")
		s.must(err)
		s.link(s.louise)
		actor := s.actorURL(s.louise.Account.JID())
		doc, _ := s.object(actor)
		inbox, _ := doc["inbox"].(string)
		s.scriptFollow(peer, actor, inbox)
		t.Run("signatures", s.sub(func(s *site) { s.scriptSignatures(peer, inbox) }))
		t.Run("authority", s.sub(func(s *site) { s.scriptAuthority(peer, inbox) }))
		t.Run("addresses", s.sub(func(s *site) { s.scriptAddresses(peer, inbox) }))
		t.Run("odd activities", s.sub(func(s *site) { s.scriptOdd(peer, inbox) }))
		t.Run("retries", s.sub(func(s *site) { s.scriptRetries(peer) }))
		for _, r := range peer.Received() {
			if r.Fault != nil {
				t.Errorf("a delivery's signature: %v", r.Fault)
			}
		}
	})
}

func (s *site) scriptFollow(peer *lab.Script, actor, inbox string) {
	s.t.Helper()
	ctx := within(s.t, patience)
	rose := peer.Actor("rose")
	follow := rose.Activity("Follow", actor, actor)
	for range 2 { // once more with the same id has the same effect
		status, text, err := rose.Post(inbox, follow)
		s.must(err)
		if status != http.StatusAccepted {
			s.t.Fatalf("a Follow is answered %d: %s", status, text)
		}
	}
	got, err := peer.Await(ctx, "the Accept", kind("Accept"))
	s.must(err)
	if got.Activity["actor"] != actor {
		s.t.Errorf("the Accept is by %v", got.Activity["actor"])
	}
}

func (s *site) scriptSignatures(peer *lab.Script, inbox string) {
	rose := peer.Actor("rose")
	body := fmt.Appendf(nil, `{"@context":"https://www.w3.org/ns/activitystreams","id":"%s/activities/1","type":"Like","actor":"%s","object":"https://x.test/1"}`, rose.ID, rose.ID)
	for name, c := range map[string]struct {
		bend func(*http.Request) error
		want int
	}{
		"as it should be": {func(*http.Request) error { return nil }, http.StatusAccepted},
		"unsigned":        {func(r *http.Request) error { r.Header.Del("Signature"); return nil }, http.StatusUnauthorized},
		"another body's digest": {func(r *http.Request) error {
			r.Header.Set("Digest", "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
			return rose.Sign(r, "(request-target)", "host", "date", "digest")
		}, http.StatusUnauthorized},
		"no digest signed": {func(r *http.Request) error { return rose.Sign(r, "(request-target)", "host", "date") }, http.StatusUnauthorized},
		"no target signed": {func(r *http.Request) error { return rose.Sign(r, "host", "date", "digest") }, http.StatusUnauthorized},
		"a day old": {func(r *http.Request) error {
			r.Header.Set("Date", time.Now().Add(-24*time.Hour).UTC().Format(http.TimeFormat))
			return rose.Sign(r, "(request-target)", "host", "date", "digest")
		}, http.StatusUnauthorized},
		"no content type that we know": {func(r *http.Request) error {
			r.Header.Set("Content-Type", "text/plain")
			return rose.Sign(r, "(request-target)", "host", "date", "digest")
		}, http.StatusUnsupportedMediaType},
	} {
		request, err := rose.Request(inbox, body)
		s.must(err)
		s.must(c.bend(request))
		status, text, err := peer.Do(request)
		s.must(err)
		if status != c.want {
			s.t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
	}
}

// scriptAuthority has Mallory act on what is not his.
func (s *site) scriptAuthority(peer *lab.Script, inbox string) {
	ctx := within(s.t, patience)
	rose, mallory := peer.Actor("rose"), peer.Actor("mallory")
	jid := s.Names.ActorJID("rose", peer.Host)
	s.follow2(peer, "rose")
	note := rose.Note("<p>my own words</p>", lab.Public, rose.ID+"/followers")
	_, _, err := rose.Post(inbox, rose.Activity("Create", note, lab.Public))
	s.must(err)
	_, err = s.louise.Inbox.Await(ctx, "Rose's note", isEvent(jid, "my own words"))
	s.must(err)
	forged := map[string]any{}
	for k, v := range note {
		forged[k] = v
	}
	forged["content"] = "<p>put into her mouth</p>"
	for _, activity := range []map[string]any{
		mallory.Activity("Delete", note["id"]),
		mallory.Activity("Update", forged, lab.Public),
		mallory.Activity("Create", forged, lab.Public),
		mallory.Activity("Delete", rose.ID),
	} {
		_, _, err := mallory.Post(inbox, activity)
		s.must(err)
	}
	// What is signed by Mallory in Rose's name is refused at the door.
	as := rose.Activity("Delete", note["id"])
	if status, _, err := mallory.Post(inbox, as); err != nil || status < 400 || status >= 500 {
		s.t.Errorf("Mallory in Rose's name: %d, %v", status, err)
	}
	last := rose.Note("<p>and the last</p>", lab.Public)
	_, _, err = rose.Post(inbox, rose.Activity("Create", last, lab.Public))
	s.must(err)
	_, err = s.louise.Inbox.Await(ctx, "her last note", isEvent(jid, "and the last"))
	s.must(err)
	items, err := s.louise.Items(ctx, jid, lab.Microblog, lab.Page{MaxItems: 20})
	s.must(err)
	text := fmt.Sprint(items.List)
	if !strings.Contains(text, "my own words") || strings.Contains(text, "mouth") {
		s.t.Errorf("Mallory had an effect: %s", text)
	}
}

// scriptAddresses has posts named by the pages where people find them, both ways.
func (s *site) scriptAddresses(peer *lab.Script, inbox string) {
	s.t.Helper()
	ctx := within(s.t, patience)
	rose := peer.Actor("rose")
	note := rose.Note("<p>found by its page</p>", lab.Public)
	id, _ := note["id"].(string)
	peer.ServePage("/@rose/110", id)
	address := "https://" + peer.Host + "/@rose/110"
	now := time.Now().UTC().Format(time.RFC3339)
	publish := func(item, title string, e lab.Entry) {
		s.t.Helper()
		e.ID, e.Title, e.Author, e.Published, e.Updated = "tag:louise,"+item, title, s.louise.Account.JID(), now, now
		_, err := s.louise.Publish(ctx, "", lab.Microblog, item, e.XML(), nil)
		s.must(err)
	}
	publish("by-page", "I answer from the web address", lab.Entry{InReplyTo: address, InReplyToRef: address})
	_, err := peer.Await(ctx, "the answer", func(r lab.Received) bool {
		object, _ := r.Activity["object"].(map[string]any)
		return r.Activity["type"] == "Create" && object["inReplyTo"] == id
	})
	s.must(err)
	publish("shared", "shared", lab.Entry{Extra: []string{"<link rel='via' href='" + address + "'/>"}})
	_, err = peer.Await(ctx, "the boost", func(r lab.Received) bool { return r.Activity["type"] == "Announce" && r.Activity["object"] == id })
	s.must(err)
	nowhere := "https://" + peer.Host + "/@rose/nothing"
	publish("nowhere", "I answer nothing", lab.Entry{InReplyTo: nowhere})
	_, err = s.louise.Inbox.Await(ctx, "a word that it was not sent", isChat(s.Names.Component, "There is no fediverse post at "+nowhere))
	s.must(err)
	for _, r := range peer.Received() {
		if strings.Contains(fmt.Sprint(r.Activity), "I answer nothing") {
			s.t.Errorf("what answers nothing went out: %v", r.Activity)
		}
	}
	jid := s.Names.ActorJID("rose", peer.Host)
	s.follow2(peer, "rose")
	_, _, err = rose.Post(inbox, rose.Activity("Announce", []any{address}, lab.Public))
	s.must(err)
	_, err = s.louise.Inbox.Await(ctx, "Rose's boost by a list with the page", isEvent(jid, "found by its page"))
	s.must(err)
}

// follow2 subscribes Louise to an actor of the scripted peer, whose Accept is
// written here.
func (s *site) follow2(peer *lab.Script, name string) {
	s.t.Helper()
	ctx := within(s.t, patience)
	jid := s.Names.ActorJID(name, peer.Host)
	state, err := s.louise.Subscribe(ctx, jid, lab.Microblog)
	s.must(err)
	if state == "subscribed" {
		return
	}
	a := peer.Actor(name)
	follow, err := peer.Await(ctx, "the Follow", func(r lab.Received) bool {
		return r.Activity["type"] == "Follow" && r.Activity["object"] == a.ID
	})
	s.must(err)
	actor, _ := follow.Activity["actor"].(string)
	doc, _ := s.object(actor)
	inbox, _ := doc["inbox"].(string)
	_, _, err = a.Post(inbox, a.Activity("Accept", follow.Activity["id"], actor))
	s.must(err)
	_, err = s.louise.Inbox.Await(ctx, "the subscription", isSubscription(jid, "subscribed"))
	s.must(err)
}

// scriptOdd sends what the gateway has no use for: stored, 202, no harm.
func (s *site) scriptOdd(peer *lab.Script, inbox string) {
	rose := peer.Actor("rose")
	for _, kind := range []string{"Arrive", "Flag", "Move", "EmojiReact", "https://example.com/ns#Whatever", "Listen"} {
		if status, text, err := rose.Post(inbox, rose.Activity(kind, "https://nowhere.test/x")); err != nil || status != http.StatusAccepted {
			s.t.Errorf("%s: %d %s, %v", kind, status, text, err)
		}
	}
	for _, body := range []string{`[]`, `{`, `{"a":1,"a":2}`, `null`, ``, strings.Repeat("[", 5000), `{"@context":"https://www.w3.org/ns/activitystreams","type":"Create","actor":{"id":7},"id":[]}`} {
		request, err := rose.Request(inbox, []byte(body))
		s.must(err)
		if status, text, err := peer.Do(request); err != nil || status < 400 || status >= 500 {
			s.t.Errorf("%.40q: %d %s, %v, want a 4xx", body, status, text, err)
		}
	}
}

// scriptRetries answers with trouble first: the delivery comes again, once it is
// taken no more, and not before the time that was asked for.
func (s *site) scriptRetries(peer *lab.Script) {
	ctx := within(s.t, 3*patience)
	peer.Answer(lab.Answer{Status: http.StatusServiceUnavailable, RetryAfter: "2"}, lab.Answer{Status: http.StatusInternalServerError})
	s.must(s.louise.Blog(ctx, "retry", "Try, try again."))
	isIt := func(r lab.Received) bool {
		object, _ := r.Activity["object"].(map[string]any)
		content, _ := object["content"].(string)
		return r.Activity["type"] == "Create" && strings.Contains(content, "try again")
	}
	_, err := peer.Await(ctx, "the delivery that is taken", func(r lab.Received) bool { return isIt(r) && r.Status == http.StatusAccepted })
	s.must(err)
	ids := map[any]bool{}
	var tries []lab.Received
	for _, r := range peer.Received() {
		if isIt(r) {
			tries = append(tries, r)
			ids[r.Activity["id"]] = true
		}
	}
	if len(tries) != 3 || len(ids) != 1 {
		s.t.Errorf("%d tries with %d ids, want 3 with one", len(tries), len(ids))
	}
	if wait := tries[1].At.Sub(tries[0].At); wait < 2*time.Second {
		s.t.Errorf("Retry-After: 2 was followed by a try after %s", wait)
	}
}

package gateway

import (
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// TestReply shows what an entry may answer, and how wide.
func TestReply(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	note := w.remotePost(aliceURI, "question", "public", "")
	var at cache.Placement
	w.view(func(tx *cache.Tx) (err error) {
		at, err = tx.PlacementIn(note, aliceJID, feed)
		return err
	})
	inReplyTo := func(attr, uri string) *stanza.Element {
		return stanza.New(stanza.NSThread, "in-reply-to").Set(attr, uri)
	}
	for _, c := range []struct {
		name string
		el   *stanza.Element
		want any
	}{
		{"by item", inReplyTo("href", translate.InReplyToURI(at.Service, at.Node, at.ItemID)), note},
		{"by id", inReplyTo("ref", note), note},
		{"an item that nobody knows", inReplyTo("href", translate.InReplyToURI(pierre, feed, "x")), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			w.publish(louise, feed, w.entry("re "+c.name, "I answer.", c.el))
			made := w.deliveries()
			if len(made) == 0 || made[0].Object["inReplyTo"] != c.want {
				t.Errorf("sent %+v, want in reply to %v", made, c.want)
			}
		})
	}
}

// TestMentions shows who is named in a post, and told of it.
func TestMentions(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	p := w.linkUser(pierre)
	w.publish(louise, feed, w.entry("hi", "Hello @bob@pub.test, @pierre@example.net and @nobody@example.org!"))
	made := w.deliveries()
	inboxes := map[string]bool{}
	for _, a := range made {
		inboxes[a.inbox] = true
	}
	if len(inboxes) != 2 || !inboxes["https://pub.test/inbox"] {
		t.Errorf("delivered to %v", inboxes)
	}
	var names []string
	tags, _ := made[0].Object["tag"].([]any)
	for _, tag := range tags {
		if m := tag.(map[string]any); m["type"] == "Mention" {
			names = append(names, m["href"].(string))
		}
	}
	if got := strings.Join(names, " "); got != bobURI+" "+p.URI {
		t.Errorf("mentions %s", got)
	}
}

// TestBoost shows that a repeat becomes an Announce, once, of public posts only.
func TestBoost(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	note := w.remotePost(bobURI, "news", "public", "")
	secret := w.remotePost(bobURI, "secret", "direct", "")
	via := func(uri string) *stanza.Element {
		return stanza.New(stanza.NSAtom, "link").Set("rel", "via").Set("href", uri)
	}
	item := translate.PubSubURI(bobJID, feed, translate.ItemIDForRemote(w.itemKey, note))
	w.publish(louise, feed, w.entry("b1", "news", via(item)))
	made := w.deliveries()
	if types(made) != "Announce Announce" || made[0].uri != note {
		t.Fatalf("sent %+v", made)
	}
	to := map[string]bool{made[0].inbox: true, made[1].inbox: true}
	if !to["https://pub.test/inbox"] || !to["https://mast.social/inbox"] {
		t.Errorf("to %v, want followers and the author", to)
	}
	w.publish(louise, feed, w.entry("b2", "news", via(note)), w.entry("b3", "secret", via(secret)), w.entry("b4", "who?", via("https://blog.invalid/x")))
	w.expect("")
	w.retractItem(louise, feed, "b1")
	undo := w.deliveries()
	if types(undo) != "Undo Undo" || undo[0].Object["type"] != "Announce" || undo[0].uri != made[0].ID {
		t.Errorf("taken back by %+v", undo)
	}
}

// TestNodeOfAService shows that a node can be an actor too.
func TestNodeOfAService(t *testing.T) {
	w := newWorld(t)
	const service = "pubsub.example.org"
	w.xmpp.node(service, "news", nodeOpen)
	for _, c := range []struct {
		by, text, want string
	}{
		{pierre, "link pubsub.example.org/news", "Strangers cannot read a node pubsub.example.org/news of pierre"}, // a node of that name of his own
		{louise, "link pubsub.example.org", "cannot be linked"},
		{louise, "link pubsub.example.org/news", "@___news---.40pubsub.2eexample.2eorg@example.org"},
	} {
		if text, _ := w.obey(t.Context(), stanza.JID(c.by), c.text); !strings.Contains(text, c.want) {
			t.Errorf("%s: %s says %q", c.by, c.text, text)
		}
	}
	w.running.Wait()
	a, err := w.accountOf(t.Context(), service, "news")
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: aliceURI, Followee: a.URI, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	if !w.xmpp.subscribed(service, "news") {
		t.Error("the node is not subscribed")
	}
	w.pass(2 * time.Second)
	w.publish(service, "news", w.entry("n1", "News of the day."))
	if made := w.expect("Create")[0]; made.Object["attributedTo"] != a.URI {
		t.Errorf("sent %+v", made)
	}
}

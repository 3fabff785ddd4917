package gateway

import (
	"errors"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

const feed = stanza.NSMicroblog

// TestPublishOnce follows one item through its life: each change crosses once,
// whichever way and however often it is seen.
func TestPublishOnce(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	item := w.entry("fern", "The first fern.")
	w.publish(louise, feed, item)
	made := w.expect("Create")[0]
	if made.inbox != "https://mast.social/inbox" || !strings.Contains(made.text(), "The first fern.") || made.Object["attributedTo"] != a.URI {
		t.Errorf("sent %+v", made)
	}

	w.event(louise, louise, feed, item) // the last item again, as servers do at each login
	w.event(louise, "", feed, item)     // and without a stamp
	w.pull(t.Context(), a, true)
	w.expect("")

	w.pass(time.Second)
	w.publish(louise, feed, w.entry("fern", "The second fern."))
	edit := w.expect("Update")[0]
	if edit.uri != made.uri || !edit.time("updated").After(made.time("published")) {
		t.Errorf("the edit is %+v", edit)
	}
	w.pass(time.Second)
	w.publish(louise, feed, w.entry("fern", "The third fern."))
	again := w.expect("Update")[0]
	if again.ID == edit.ID || !again.time("updated").After(edit.time("updated")) {
		t.Errorf("the second edit is %+v after %+v", again, edit)
	}

	stale := w.clock()
	w.pass(time.Second)
	w.retractItem(louise, feed, "fern")
	gone := w.expect("Delete")[0]
	if gone.uri != made.uri || gone.Object["type"] != "Tombstone" {
		t.Errorf("the delete is %+v", gone)
	}
	w.retractItem(louise, feed, "fern")
	w.seen(t.Context(), a, xmpp.Item{ID: "fern", Payload: item.Child("", "")}, sighting{pulled: stale}) // an answer that was overtaken
	w.expect("")

	w.pass(time.Second)
	w.publish(louise, feed, w.entry("fern", "A new fern."))
	if reborn := w.expect("Create")[0]; reborn.uri == made.uri {
		t.Error("what comes after a retract is the deleted object")
	}
}

// TestEventsProveNothing shows which notifications have no effect.
func TestEventsProveNothing(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	fern := w.entry("fern", "The first fern.")
	w.hold(louise, feed, fern)
	for _, c := range []struct{ name, from, publisher string }{
		{"a client in its user's name", louise + "/phone", louise},
		{"somebody else", "eve@example.org", louise},
		{"a user that has not linked", pierre, pierre},
		{"published by somebody else", louise, "eve@example.org"},
		{"published by an actor of ours", louise, aliceJID},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			w.event(c.from, c.publisher, feed, fern)
			w.expect("")
		})
	}
	w.t = t
	w.event(louise, louise, feed, w.entry("0", "About this blog"), stanza.New("", "item").Set("id", "odd").Add(stanza.New("urn:odd", "odd")))
	w.expect("")
	w.event(louise, louise, feed, stanza.New("", "item").Set("id", "fern")) // without payload: it is fetched
	w.expect("Create")
}

// TestOnlyWhatStrangersRead shows that the node's own refusal counts, and no
// silence.
func TestOnlyWhatStrangersRead(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.publish(louise, feed, w.entry("one", "One."), w.entry("two", "Two."))
	w.expect("Create Create")

	w.access(louise, feed, nodeAway)
	w.event(louise, louise, feed, w.entry("three", "Three."))
	w.pull(t.Context(), a, false)
	w.expect("")
	if got := w.accessOf(t.Context(), a); got != cache.AccessOpen {
		t.Errorf("a server that does not answer makes the node %s", got)
	}
	w.access(louise, feed, nodeOpen)
	w.hold(louise, feed, w.entry("three", "Three."))
	w.pull(t.Context(), a, false)
	w.expect("Create")

	w.pass(2 * time.Second)
	w.access(louise, feed, nodeClosed)
	w.event(louise, louise, feed, w.entry("four", "For my contacts."))
	if got := types(w.deliveries()); got != "Delete Delete Delete" {
		t.Errorf("a node that closed sent %q, want its posts taken back and nothing new", got)
	}
	if text := w.xmpp.said(louise); !strings.Contains(text, "taken back") {
		t.Errorf("Louise was told %q", text)
	}
	w.event(louise, louise, feed, w.entry("five", "For my contacts too."))
	w.expect("")
	if text, _ := w.obey(t.Context(), louise, "status"); !strings.Contains(text, "not public, so nothing is published") {
		t.Errorf("status says %q", text)
	}

	w.access(louise, feed, nodeOpen) // what was taken back is not sent again by itself
	w.pass(time.Minute)
	w.pull(t.Context(), a, false)
	w.expect("")
	w.publish(louise, feed, w.entry("six", "For everybody."))
	w.expect("Create")
}

func (w *world) access(jid, node, access string) {
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	w.xmpp.nodes[jid+" "+node].access = access
}

// TestBeforeTheLink shows that only posts from the link on are federated, others
// when asked for.
func TestBeforeTheLink(t *testing.T) {
	w := newWorld(t)
	w.hold(louise, feed, w.entry("before", "Nobody was asked about this.")) // in the second of the link
	a := w.linkUser(louise)
	w.expect("")
	w.event(louise, louise, feed, w.xmpp.item(louise, feed, "before"))
	w.pull(t.Context(), a, false)
	old := w.entry("old", "Found in a drawer.")
	old.Child("", "").Child(stanza.NSAtom, "published").Nodes = []stanza.Node{{Text: "2019-05-05T05:05:05Z"}}
	w.publish(louise, feed, old)
	w.expect("")

	text, known := w.obey(t.Context(), louise, "import")
	if !known || !strings.HasPrefix(text, "2 older posts") {
		t.Errorf("import says %q", text)
	}
	made := w.expect("Create Create")
	if got := made[0].time("published"); got.Year() != 2019 {
		t.Errorf("the oldest was published %v", got)
	}
	w.obey(t.Context(), louise, "import")
	w.expect("")
}

func (s *fakeXMPP) item(jid, node, id string) *stanza.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.nodes[jid+" "+node].items {
		if it.Get("id") == id {
			return it
		}
	}
	s.t.Fatalf("%s holds no %s", node, id)
	return nil
}

// TestReconcile says of what was gone after an outage whether it was retracted.
func TestReconcile(t *testing.T) {
	for _, c := range []struct {
		name string
		held string // ids that the node holds afterwards
		want string // activities
	}{
		{"nothing happened", "1 2 3", ""},
		{"the newest was retracted", "1 2", "Delete"},
		{"one in the middle", "1 3", "Delete"},
		{"two of them", "1", "Delete Delete"},
		{"the oldest was dropped, or not", "2 3", ""},
		{"all but the newest were dropped", "3", ""},
		{"nothing is left: the owner is asked", "", ""},
		{"something new came, the rest was dropped", "4", "Create"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			a := w.linkUser(louise)
			all := map[string]*stanza.Element{}
			for _, id := range []string{"1", "2", "3", "4"} {
				w.pass(time.Minute)
				all[id] = w.entry(id, "Post "+id)
				if id != "4" {
					w.publish(louise, feed, all[id])
				}
			}
			w.expect("Create Create Create")
			w.pass(time.Minute)
			var held []*stanza.Element
			for _, id := range strings.Fields(c.held) {
				held = append(held, all[id])
			}
			w.xmpp.node(louise, feed, nodeOpen, held...)
			w.pull(t.Context(), a, false)
			w.expect(c.want)
		})
	}
}

// TestEditIsYoung shows that an item which was edited is dropped later: the
// order of a node is that of the last changes.
func TestEditIsYoung(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	for _, id := range []string{"1", "2", "1", "3"} {
		w.pass(time.Minute)
		w.publish(louise, feed, w.entry(id, "Post "+id+" of "+w.clock().String()))
	}
	w.expect("Create Create Update Create")
	w.pass(time.Minute)
	w.xmpp.node(louise, feed, nodeOpen, w.xmpp.item(louise, feed, "1"), w.xmpp.item(louise, feed, "3")) // max_items=2
	w.pull(t.Context(), a, false)
	w.expect("")
}

// TestEmptiedNode shows that nobody's posts are deleted over a node that is gone
// before its owner says so.
func TestEmptiedNode(t *testing.T) {
	for name, empty := range map[string]func(w *world){
		"purged": func(w *world) {
			w.xmpp.node(louise, feed, nodeOpen)
			w.notify(louise, stanza.New("", "purge").Set("node", feed))
		},
		"deleted": func(w *world) {
			w.xmpp.remove(louise, feed)
			w.notify(louise, stanza.New("", "delete").Set("node", feed))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.linkUser(louise)
			w.publish(louise, feed, w.entry("1", "One."), w.entry("2", "Two."))
			w.expect("Create Create")
			empty(w)
			for range 3 {
				w.pass(time.Hour)
				w.pull(t.Context(), a, true)
			}
			w.expect("")
			if n := len(w.notices("purge")); n != 1 {
				t.Errorf("Louise was asked %d times", n)
			}
			if text, _ := w.obey(t.Context(), louise, "purge"); !strings.HasPrefix(text, "2 posts are not in your microblog any more") {
				t.Errorf("purge asks %q", text)
			}
			if text, _ := w.obey(t.Context(), louise, "purge yes"); !strings.HasPrefix(text, "2 posts") {
				t.Errorf("purge says %q", text)
			}
			w.expect("Delete Delete")
		})
	}
}

// notices are the queued messages of the gateway that say something.
func (w *world) notices(text string) []messageWork {
	w.t.Helper()
	var out []messageWork
	w.view(func(tx *cache.Tx) error {
		jobs, err := tx.Jobs(cache.JobQuery{Kind: jobMessage, Limit: 1000})
		for _, j := range jobs {
			m, decodeErr := decode[messageWork](j)
			if err = errors.Join(err, decodeErr); strings.Contains(m.Notice, text) {
				out = append(out, m)
			}
		}
		return err
	})
	return out
}

// TestSilentServer shows that a subscription which is accepted and dead is found
// out.
func TestSilentServer(t *testing.T) {
	w := newWorld(t)
	w.connected(t.Context())
	a := w.linkUser(louise)
	w.reach(t.Context(), a)
	w.pass(time.Hour)
	w.hold(louise, feed, w.entry("quiet", "Nobody told you."))
	w.pass(3 * time.Hour)
	w.eachLinked(t.Context(), func(a cache.Account) { w.due(t.Context(), a, w.upSince(t.Context())) })
	w.expect("Create")
	a, err := w.accountOf(t.Context(), louise, "")
	w.must(err)
	if a.Reach.Rung != rungPull || a.Reach.Error == "" {
		t.Errorf("the record says %+v", a.Reach)
	}
	w.publish(louise, feed, w.entry("loud", "Now you are told."))
	a, err = w.accountOf(t.Context(), louise, "")
	w.must(err)
	if a.Reach.Rung == rungPull || a.Reach.Event.IsZero() {
		t.Errorf("after an event the record says %+v", a.Reach)
	}
}

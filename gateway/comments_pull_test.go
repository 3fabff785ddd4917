package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// TestMissedComments shows that comments, edits and retracts from while the link
// was down are found when it is up again, and later by the timer; nothing is
// federated twice, and nothing that is older than the link of its author.
func TestMissedComments(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.pass(time.Minute)
	old := w.entry("old", "From before I linked.").Set("publisher", pierre)
	w.pass(time.Minute)
	p := w.linkUser(pierre)
	node, post := w.commentsOf(louise, "fern")
	by := func(who string, item *stanza.Element) *stanza.Element { return item.Set("publisher", who+"/desk") }
	again := func() { w.pass(time.Second); w.connected(t.Context()) }

	zero, first := w.entry("c0", "Seen before."), w.entry("c1", "Seen.")
	w.hold(louise, node, zero, first)
	w.event(louise, pierre, node, zero, first)
	made := w.expect("Create Create")[1]
	again()
	w.expect("")

	w.pass(time.Minute)
	w.hold(louise, node, old, by(pierre, w.entry("c1", "Seen, and edited.")), by(pierre, w.entry("c2", "Missed.")),
		w.signed("c3", pierre, "Missed, without a stamp."), by("eve@example.org", w.entry("c4", "I have not linked.")),
		by(aliceJID, w.entry("c5", "I am on the fediverse.")), by(pierre, w.entry("h1", "♥")),
		by("eve@example.org", w.entry("c6", "I say that I am Pierre.")))
	w.questions(pierre)
	again()
	got := w.expect("Update Create")
	if got[0].uri != made.uri || got[1].Object["inReplyTo"] != post || got[1].Object["attributedTo"] != p.URI {
		t.Errorf("sent %+v", got)
	}
	if asked := w.questions(pierre); len(asked) != 0 {
		t.Errorf("Pierre is asked %q before the service", asked)
	}
	w.proofs()
	if asked := w.questions(pierre); len(asked) != 1 {
		t.Errorf("Pierre is asked %q", asked)
	}
	w.view(func(tx *cache.Tx) error {
		n, err := tx.Counts(post)
		if n.Likes != 1 || n.Replies != 3 {
			t.Errorf("there are %+v", n)
		}
		return err
	})
	for range 3 {
		again()
	}
	w.expect("")

	w.hold(louise, node, by(louise, w.entry("c2", "Not yours."))) // who overwrites it
	again()
	w.expect("")
	w.pass(time.Minute)
	w.xmpp.mu.Lock()
	w.xmpp.nodes[louise+" "+node].drop("c2") // retracted, and nobody told us
	w.xmpp.mu.Unlock()
	again()
	if gone := w.expect("Delete")[0]; gone.uri != got[1].uri {
		t.Errorf("deleted %s", gone.uri)
	}
	likes := func(want int) {
		t.Helper()
		w.view(func(tx *cache.Tx) error {
			n, err := tx.Counts(post)
			if n.Likes != want {
				t.Errorf("%d likes, want %d", n.Likes, want)
			}
			return err
		})
	}
	likes(1)
	w.pass(time.Minute)
	w.xmpp.mu.Lock()
	w.xmpp.nodes[louise+" "+node].drop("h1")
	w.xmpp.mu.Unlock()
	again()
	w.expect("")
	likes(0)
	again()
	w.retractItem(louise, node, "c1")
	w.expect("Delete")
	w.hold(louise, node, first) // an answer from before that
	again()
	w.expect("")

	w.pass(3 * time.Hour)
	w.hold(louise, node, by(pierre, w.entry("c7", "Missed again.")))
	w.eachLinked(t.Context(), func(a cache.Account) { w.due(t.Context(), a, w.upSince(t.Context())) })
	w.expect("Create")
	w.eachLinked(t.Context(), func(a cache.Account) { w.due(t.Context(), a, w.upSince(t.Context())) })
	w.expect("")

	w.xmpp.node(louise, node, nodeAway)
	again()
	w.expect("")
}

// proofs runs the jobs that find out whose comments are.
func (w *world) proofs() {
	w.t.Helper()
	w.pass(proveWait)
	w.turnOf("stanza")
}

// TestShownAgain shows that a comment which is not stamped where it is read is
// proved by the event of a new subscription: on Prosody, the last item of a node.
// What was written before its author linked does not cross so.
func TestShownAgain(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	node, post := w.commentsOf(louise, "fern")
	old := w.entry("old", "From before I linked.")
	w.pass(time.Minute)
	p := w.linkUser(pierre)
	w.questions(pierre)
	again := func() { w.pass(time.Second); w.connected(t.Context()); w.xmpp.settle(louise, ourComponent); w.proofs() }
	shows := func(item *stanza.Element, publisher string) {
		w.xmpp.mu.Lock()
		defer w.xmpp.mu.Unlock()
		w.xmpp.shows = map[string]*stanza.Element{}
		if item != nil {
			stamped := stanza.New("", "item").Set("id", item.Get("id")).Set("publisher", publisher).Add(item.Child("", ""))
			w.xmpp.shows[louise+" "+node] = stamped
		}
	}
	w.event(louise, pierre, node, old) // as when it is subscribed
	w.hold(louise, node, old)
	w.expect("")

	missed := w.signed("c1", pierre, "Missed.")
	w.hold(louise, node, missed)
	shows(missed, pierre)
	again()
	made := w.expect("Create")[0]
	if made.Object["attributedTo"] != p.URI || made.Object["inReplyTo"] != post {
		t.Errorf("sent %+v", made)
	}
	w.pass(time.Minute)
	edit := w.signed("c1", pierre, "Missed, and edited.")
	w.hold(louise, node, edit)
	shows(edit, pierre)
	again()
	if got := w.expect("Update")[0]; got.uri != made.uri {
		t.Errorf("edited %s", got.uri)
	}
	w.pass(time.Minute)
	forged := w.signed("c1", pierre, "Overwritten.")
	w.hold(louise, node, forged)
	shows(forged, "eve@example.org")
	again()
	w.expect("")
	if asked := w.questions(pierre); len(asked) != 1 || !strings.Contains(asked[0], "Overwritten") {
		t.Errorf("Pierre is asked %q", asked)
	}
	shows(nil, "")
	w.hold(louise, node, w.signed("c2", pierre, "Not shown again."))
	again()
	w.expect("")
	if asked := w.questions(pierre); len(asked) != 1 || !strings.Contains(asked[0], "Not shown again") {
		t.Errorf("Pierre is asked %q", asked)
	}
}

// TestRemovedMeanwhile shows that the owner's removal of comments from the
// fediverse counts also when nobody told of it; what was only dropped, or what the
// node never took, was not removed.
func TestRemovedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	node, post := w.commentsOf(louise, "fern")
	item := map[string]string{}
	for _, id := range []string{"one", "two", "three"} {
		w.pass(10 * time.Minute)
		reply := w.remotePost(bobURI, id, "public", `,"inReplyTo":"`+post+`"`)
		item[id] = w.itemOf(reply).ID
		w.shows(louise, node, reply, nil)
	}
	w.pass(10 * time.Minute)
	w.access(louise, node, nodeClosed)
	refused := w.remotePost(bobURI, "refused", "public", `,"inReplyTo":"`+post+`"`)
	w.shows(louise, node, refused, nil)
	item["refused"] = w.itemOf(refused).ID
	w.access(louise, node, nodeOpen)
	two := w.xmpp.item(louise, node, item["two"])
	drop := func(ids ...string) {
		w.xmpp.mu.Lock()
		defer w.xmpp.mu.Unlock()
		for _, id := range ids {
			w.xmpp.nodes[louise+" "+node].drop(item[id])
		}
	}
	removed := func(want ...string) {
		t.Helper()
		w.pass(10 * time.Minute)
		w.connected(t.Context())
		var got []string
		w.view(func(tx *cache.Tx) error {
			for _, id := range []string{"one", "two", "three", "refused"} {
				gone, err := commentRemoved(tx, bobURI+"/"+id, translate.Item{Service: louise, Node: node, ID: item[id]})
				if err != nil {
					return err
				}
				if gone {
					got = append(got, id)
				}
			}
			return nil
		})
		if !slices.Equal(got, want) {
			t.Errorf("removed: %q, want %q", got, want)
		}
	}
	removed()
	drop("one")
	removed() // the oldest may only have been dropped
	w.xmpp.node(louise, node, nodeAway)
	removed()
	w.xmpp.node(louise, node, nodeOpen) // emptied, or made anew
	removed()
	w.hold(louise, node, two)
	removed("three")
	if n := w.shows(louise, node, bobURI+"/three", nil); n != 1 {
		t.Errorf("an edit of the removed comment makes it %d", n)
	}
	if n := w.shows(louise, node, bobURI+"/refused", nil); n != 2 {
		t.Errorf("an edit of what was refused makes it %d", n)
	}
}

// TestClaimedDates shows that what strangers write into the date of a comment
// takes nobody's comments off the fediverse.
func TestClaimedDates(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.linkUser(pierre)
	node, _ := w.commentsOf(louise, "fern")
	forged := w.entry("e1", "I am as old as the hills.")
	w.pass(time.Hour)
	mine := w.entry("c1", "Dropped soon.")
	w.hold(louise, node, mine)
	w.event(louise, pierre, node, mine)
	w.expect("Create")
	w.pass(time.Hour)
	w.xmpp.node(louise, node, nodeOpen, forged.Set("publisher", "eve@example.org")) // max_items=1
	w.connected(t.Context())
	w.expect("")
}

package gateway

import (
	"testing"
	"time"

	"isthmus/cache"
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

	first := w.entry("c1", "Seen.")
	w.hold(louise, node, first)
	w.event(louise, pierre, node, first)
	made := w.expect("Create")[0]
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
	if asked := w.questions(pierre); len(asked) != 1 {
		t.Errorf("Pierre is asked %q", asked)
	}
	w.view(func(tx *cache.Tx) error {
		n, err := tx.Counts(post)
		if n.Likes != 1 || n.Replies != 2 {
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

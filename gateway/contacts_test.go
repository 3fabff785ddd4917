package gateway

import (
	"slices"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// presences takes the presences of a type that the gateway has sent, as from and
// to.
func (w *world) presences(kind string) (out []string) {
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	w.xmpp.sent = slices.DeleteFunc(w.xmpp.sent, func(el *stanza.Element) bool {
		if el.Name != "presence" || el.Get("type") != kind {
			return false
		}
		out = append(out, el.Get("from")+" "+el.Get("to"))
		return true
	})
	slices.Sort(out)
	return out
}

// TestFarewell shows that who saw the gateway or an actor come online sees them
// go when it ends, and come again when it is back; and nobody else.
func TestFarewell(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.presenceFrom(louise, aliceJID, "subscribe")
	w.presenceFrom(louise+"/phone", aliceJID, "probe") // at each login
	w.presenceFrom(pierre, aliceJID, "subscribe")
	w.presenceFrom(pierre, bobJID, "subscribe")
	w.presenceFrom(pierre, ourComponent, "subscribe")
	w.presenceFrom(pierre, bobJID, "unsubscribe") // who saw it go already
	w.presenceFrom("eve@example.org", `nobody\40mast.social@ap.example.org`, "probe")
	w.presences("")
	w.presences("unavailable")
	want := []string{aliceJID + " " + louise, aliceJID + " " + pierre, ourComponent + " " + pierre}

	w.connected(t.Context())
	w.xmpp.settle(louise, ourComponent)
	back := w.presences("")
	for range 2 {
		if !slices.Equal(back, want) {
			t.Errorf("back for %q, want %q", back, want)
		}
		w.connected(t.Context())
		w.xmpp.settle(louise, ourComponent)
		back = w.presences("")
	}
	w.update(func(tx *cache.Tx) error { return tx.SetActorGone(aliceURI, w.clock()) })
	w.connected(t.Context())
	w.xmpp.settle(louise, ourComponent)
	if back := w.presences(""); !slices.Equal(back, want[2:]) {
		t.Errorf("back for %q", back)
	}
	w.stop()
	if gone := w.presences("unavailable"); !slices.Equal(gone, want) {
		t.Errorf("gone for %q, want %q", gone, want)
	}
}

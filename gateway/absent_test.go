package gateway

import (
	"strings"
	"testing"
	"time"

	"isthmus/xmpp/stanza"
)

// TestRefusedOrAbsent: Prosody forbids strangers a node that is not there, as it
// does one that has closed. Only what has closed is taken back; of what is gone
// the owner is asked (design: deletes).
func TestRefusedOrAbsent(t *testing.T) {
	for _, tt := range []struct {
		name  string
		told  bool // a notification says that the node was deleted
		let   bool // the owner has let the gateway in
		there bool // the node is there, and closed to strangers
		asked bool
		taken bool
	}{
		{"closed", false, false, true, false, true},
		{"lost, and the gateway may ask", false, true, false, true, false},
		{"deleted, and the gateway may ask", true, true, false, true, false},
		{"deleted, and nobody may ask", true, false, false, true, false},
		{"deleted and made anew for some", true, true, true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.linkUser(louise)
			w.publish(louise, feed, w.entry("one", "First."))
			w.expect("Create")
			w.xmpp.mu.Lock()
			w.xmpp.prosody = true
			node := w.xmpp.nodes[louise+" "+feed]
			delete(w.xmpp.nodes, louise+" "+feed)
			switch {
			case tt.there && tt.let:
				node.access, node.lets, node.tells = modelWhitelist, map[string]bool{ourComponent: true}, true
				w.xmpp.nodes[louise+" "+feed] = node
			case tt.there, !tt.let:
				node.access = nodeClosed
				w.xmpp.nodes[louise+" "+feed] = node
			}
			w.xmpp.mu.Unlock()
			if tt.told {
				w.notify(louise, stanza.New("", "delete").Set("node", feed))
			}
			for range 3 {
				w.pass(time.Hour)
				a, err := w.accountOf(t.Context(), louise, "")
				w.must(err)
				w.pull(t.Context(), a, true)
			}
			if taken := strings.Contains(types(w.deliveries()), "Delete"); taken != tt.taken {
				t.Errorf("taken back: %t", taken)
			}
			if asked := w.notices("is empty or gone"); (len(asked) > 0) != tt.asked {
				t.Errorf("asked: %v", asked)
			}
		})
	}
}

package gateway

import (
	"testing"

	"isthmus/xmpp/stanza"
)

// TestProfileOfASlowServer: a server that cannot tell for a moment takes nobody's
// name away; one that says there is no vCard does.
func TestProfileOfASlowServer(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	for _, tt := range []struct {
		vcard      *stanza.Element
		away       bool
		name, note string
	}{
		{stanza.New(stanza.NSVCardTemp, "vCard").Add(stanza.Text(stanza.NSVCardTemp, "FN", "Louise Michel"), stanza.Text(stanza.NSVCardTemp, "DESC", "Teacher.")), false, "Louise Michel", "<p>Teacher.</p>"},
		{nil, true, "Louise Michel", "<p>Teacher.</p>"},
		{nil, false, "louise", ""},
	} {
		w.xmpp.mu.Lock()
		w.xmpp.vcards[louise], w.xmpp.noVCards = tt.vcard, tt.away
		w.xmpp.mu.Unlock()
		a, err := w.accountOf(t.Context(), louise, "")
		w.must(err)
		w.readProfile(t.Context(), a)
		a, err = w.accountOf(t.Context(), louise, "")
		w.must(err)
		if a.Name != tt.name || a.Summary != tt.note {
			t.Errorf("away %t: %q, %q, want %q, %q", tt.away, a.Name, a.Summary, tt.name, tt.note)
		}
	}
}

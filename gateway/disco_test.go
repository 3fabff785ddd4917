package gateway

import (
	"slices"
	"testing"

	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// TestCaps asks for what our presences announce, as servers do before they send
// news to the gateway (XEP-0163 §4.3): what is answered has the hash that was
// announced.
func TestCaps(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	is := func(from string) func(*stanza.Element) bool {
		return func(el *stanza.Element) bool {
			return el.Name == "presence" && el.Get("type") == "" && el.Get("from") == from
		}
	}
	w.presenceFrom(louise, aliceJID, "subscribe")
	w.presenceFrom(louise, ourComponent, "subscribed")
	for _, from := range []string{aliceJID, ourComponent} {
		c := w.xmpp.await("the presence of "+from, is(from)).Child(stanza.NSCaps, "c")
		got := w.xmpp.ask("get", "example.org", from, stanza.New(stanza.NSDiscoInfo, "query").Set("node", c.Get("node")+"#"+c.Get("ver")))
		if got.Get("type") != "result" {
			t.Fatalf("%s announces what it does not answer: %s", from, got)
		}
		info, err := xmpp.ParseDiscoInfo(got.Child(stanza.NSDiscoInfo, "query"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Ver() != c.Get("ver") {
			t.Errorf("%s announces %s and answers %s", from, c.Get("ver"), info.Ver())
		}
		wants := slices.Contains(info.Features, stanza.NSMicroblog+"+notify")
		if wants != (from == ourComponent) {
			t.Errorf("%s asks for news of microblogs: %v", from, wants)
		}
	}
}

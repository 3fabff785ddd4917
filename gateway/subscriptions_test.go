package gateway

import (
	"fmt"
	"testing"

	"isthmus/xmpp/stanza"
)

// TestTooManySubscriptions shows that subscriptions are counted for each user, not
// for each of their resources or each service (xmpp.md 1.3).
func TestTooManySubscriptions(t *testing.T) {
	w := newWorld(t)
	subscribe := func(from, to, node string) string {
		el := stanza.New("", "subscribe").Set("node", node).Set("jid", from)
		answer := w.xmpp.ask("set", from, to, stanza.New(stanza.NSPubSub, "pubsub").Add(el))
		if answer.Get("type") != "error" {
			return "result"
		}
		return answer.Child("", "error").Child(stanza.NSPubSubErrors, "too-many-subscriptions").Name
	}
	for i := range subscriptionsMost / 2 {
		from := fmt.Sprintf("eve@evil.test/%d", i)
		if got := subscribe(from, ourComponent, NodeTagPrefix+"moss") + subscribe(from, aliceJID, NodeReplies); got != "resultresult" {
			t.Fatalf("subscription %d is answered %s", i, got)
		}
	}
	const full = "too-many-subscriptions"
	for _, c := range []struct{ name, from, to, node, want string }{
		{"one more at an actor", "eve@evil.test/x", aliceJID, NodeReplies, full},
		{"one more of a hashtag", "eve@evil.test/x", ourComponent, NodeTagPrefix + "fern", full},
		{"one more without a resource", "eve@evil.test", bobJID, NodeReplies, full},
		{"one that she has", "eve@evil.test/0", aliceJID, NodeReplies, "result"},
		{"somebody of almost that name", "eve@evil.test2/0", aliceJID, NodeReplies, "result"},
	} {
		if got := subscribe(c.from, c.to, c.node); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

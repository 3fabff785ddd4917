package gateway

import (
	"testing"
	"time"

	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// TestEditedShare shows that an entry which stops to be a share, or becomes one,
// begins a new life: no Update is sent of what is of another kind.
func TestEditedShare(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	it := w.itemOf(w.remotePost(aliceURI, "moss", "public", ""))
	share := w.entry("b", "shared", stanza.New(stanza.NSAtom, "link").Set("rel", "via").
		Set("href", translate.PubSubURI(it.Service, it.Node, it.ID)))
	w.publish(louise, feed, share)
	first := w.expect("Announce")[0].uri
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("b", "Not a share any more."))
	seen := map[string]bool{}
	for _, d := range w.deliveries() {
		seen[d.Type] = true
		if d.Type == "Create" && d.uri == first {
			t.Errorf("the post has the id of the share, %s", first)
		}
	}
	if !seen["Create"] || seen["Update"] {
		t.Errorf("sent %v after the share became a post", seen)
	}
	w.pass(time.Minute)
	w.publish(louise, feed, share)
	seen = map[string]bool{}
	for _, d := range w.deliveries() {
		seen[d.Type] = true
	}
	if !seen["Announce"] || seen["Update"] {
		t.Errorf("sent %v after the post became a share", seen)
	}
}

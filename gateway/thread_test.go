package gateway

import (
	"testing"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// comments makes a post of Louise's with a comments node, and gives the node
// and the post's id.
func (w *world) commentsOf(service, item string) (node, uri string) {
	w.t.Helper()
	node = stanza.CommentsNodePrefix + item
	w.hold(service, node)
	w.publish(louise, feed, w.entry(item, "Talk to me.", stanza.New(stanza.NSAtom, "link").
		Set("rel", "replies").Set("href", translate.PubSubURI(service, node, ""))))
	return node, w.expect("Create")[0].uri
}

// TestComments shows which comments of XMPP users reach the fediverse.
func TestComments(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	p := w.linkUser(pierre)
	node, post := w.commentsOf(louise, "fern")
	if !w.xmpp.subscribed(louise, node) {
		t.Error("the comments are not subscribed")
	}
	for _, c := range []struct{ name, from, publisher string }{
		{"without a stamp", louise, ""},
		{"stamped by a client", louise + "/phone", pierre},
		{"from a service that says so", "pubsub.evil.test", pierre},
		{"by somebody who has not linked", louise, "eve@example.org"},
		{"by an actor of ours: it is on the fediverse already", louise, aliceJID},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			item := w.entry("c1", "Held back.")
			w.hold(louise, node, item)
			w.event(c.from, c.publisher, node, item)
			w.expect("")
		})
	}
	w.t = t
	w.hold(louise, node, w.entry("c2", "I like ferns."))
	w.event(louise, pierre+"/desk", node, stanza.New("", "item").Set("id", "c2")) // Movim's nodes leave payloads out
	made := w.expect("Create")[0]
	if made.Object["inReplyTo"] != post || made.Object["attributedTo"] != p.URI {
		t.Errorf("sent %+v", made)
	}
	w.pass(1e9)
	over := w.entry("c2", "I hate ferns.")
	w.hold(louise, node, over)
	w.event(louise, louise, node, over) // Prosody lets anybody overwrite an item
	w.expect("")
	w.event(louise, pierre, node, over)
	w.expect("Update")
	w.retractItem(louise, node, "c2")
	if gone := w.expect("Delete")[0]; gone.uri != made.uri {
		t.Errorf("the delete is of %s", gone.uri)
	}
}

// TestForeignStamp shows that a strange server cannot speak in the name of ours.
func TestForeignStamp(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.linkUser(pierre)
	const evil = "comments.evil.test"
	node, _ := w.commentsOf(evil, "fern")
	item := w.entry("c1", "I sell pills now.")
	w.hold(evil, node, item)
	w.event(evil, pierre, node, item)
	w.expect("")
	good, _ := w.commentsOf("pubsub.example.org", "moss")
	w.hold("pubsub.example.org", good, item)
	w.event("pubsub.example.org", pierre, good, item)
	w.expect("Create")
}

// TestHeartOnAComment shows that a ♥ goes to what it answers.
func TestHeartOnAComment(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	node, post := w.commentsOf(louise, "fern")
	answer := w.remotePost(aliceURI, "answer", "public", `,"inReplyTo":"`+post+`"`)
	w.update(func(tx *cache.Tx) error {
		_, err := tx.Place(cache.Placement{Service: louise, Node: node, ItemID: "a1", URI: answer, Publisher: aliceJID, PlacedAt: w.clock()})
		return err
	})
	heart := w.entry("h1", "♥", stanza.New(stanza.NSThread, "in-reply-to").Set("href", translate.InReplyToURI(louise, node, "a1")))
	w.hold(louise, node, heart)
	w.event(louise, louise, node, heart)
	w.event(louise, louise, node, heart)
	like := w.expect("Like")[0]
	if like.uri != answer || like.inbox != aliceURI+"/inbox" {
		t.Errorf("sent %+v", like)
	}
	w.retractItem(louise, node, "h1")
	if undo := w.expect("Undo")[0]; undo.Object["id"] != like.ID {
		t.Errorf("taken back by %+v", undo)
	}
	onPost := w.entry("h2", "♥")
	w.hold(louise, node, onPost)
	w.event(louise, louise, node, onPost) // of a post of ours: nobody else is told
	w.expect("")
	w.view(func(tx *cache.Tx) error {
		n, err := tx.Counts(post)
		if n.Likes != 1 {
			t.Errorf("%d likes", n.Likes)
		}
		return err
	})
}

// TestCommentsOfGonePost shows that a comment can be taken back when what it was
// about is gone already, and that nobody tells us of the node after that.
func TestCommentsOfGonePost(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.linkUser(pierre)
	for _, c := range []struct {
		name string
		end  func()
	}{
		{"retracted", func() { w.retractItem(louise, feed, "fern"); w.expect("Delete") }},
		{"unlinked", func() {
			_, err := w.Unlink(t.Context(), louise, "")
			w.must(err)
			w.running.Wait()
			w.deliveries()
		}},
	} {
		node, _ := w.commentsOf(louise, "fern")
		w.hold(louise, node, w.entry("c1", "Said by Pierre."))
		w.event(louise, pierre, node, w.entry("c1", "Said by Pierre."))
		made := w.expect("Create")[0]
		c.end()
		w.turnOf("stanza")
		if !w.xmpp.subscribed(louise, node) {
			t.Errorf("%s: the comments are not subscribed any more, while there is one", c.name)
		}
		w.retractItem(louise, node, "c1")
		if gone := w.expect("Delete")[0]; gone.uri != made.uri {
			t.Errorf("%s: deleted %s", c.name, gone.uri)
		}
		w.turnOf("stanza")
		if w.xmpp.subscribed(louise, node) {
			t.Errorf("%s: the comments are subscribed still", c.name)
		}
	}
}

// TestOverwrittenSinceEvent shows that an event without payload, as Movim has it,
// stamps nothing that somebody else has put there since.
func TestOverwrittenSinceEvent(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.linkUser(pierre)
	node, _ := w.commentsOf(louise, "fern")
	empty := stanza.New("", "item").Set("id", "c1")
	w.hold(louise, node, w.entry("c1", "I say this for Pierre.").Set("publisher", "eve@example.org/x"))
	w.event(louise, pierre, node, empty)
	w.expect("")
	w.hold(louise, node, w.entry("c1", "I say this.").Set("publisher", pierre+"/desk"))
	w.event(louise, pierre, node, empty)
	w.expect("Create")
}

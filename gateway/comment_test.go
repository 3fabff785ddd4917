package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// shows runs what an edit of a reply causes, with `between` in the time before its
// turn, and gives how many items the comments node holds then.
func (w *world) shows(service, node, reply string, between func()) int {
	w.t.Helper()
	var c *commentWork
	w.update(func(tx *cache.Tx) error {
		s, err := tx.PostByURI(reply, operator)
		if err == nil {
			c, err = w.commentFor(tx, s.Post)
		}
		return err
	})
	if between != nil {
		between()
	}
	if c != nil {
		w.must(w.runComment(w.t.Context(), w.commentJob(*c)))
	}
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	return len(w.xmpp.nodes[service+" "+node].items)
}

// TestOwnerRemovesComment shows that an edit does not bring back what the owner
// of the node has removed, also not when it was on its way already.
func TestOwnerRemovesComment(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	node, post := w.commentsOf(louise, "fern")
	reply := w.remotePost(bobURI, "re", "public", `,"inReplyTo":"`+post+`"`)
	other := w.remotePost(bobURI, "re2", "public", `,"inReplyTo":"`+post+`"`)
	if n := w.shows(louise, node, reply, nil); n != 1 {
		t.Fatalf("%d comments at first", n)
	}
	w.retractItem(louise, node, w.itemOf(reply).ID)
	if n := w.shows(louise, node, reply, nil); n != 0 {
		t.Errorf("%d comments after an edit of the removed one", n)
	}
	remove := func() { w.retractItem(louise, node, w.itemOf(other).ID) }
	if n := w.shows(louise, node, other, remove); n != 0 {
		t.Errorf("%d comments after an edit that was overtaken", n)
	}
	it := w.itemOf(reply)
	if got := w.read(louise+"/phone", it.Service, it.Node, it.ID); got != it.ID+" re" {
		t.Errorf("in its author's own node is %q", got)
	}
}

// TestIDsOfOthers shows that the id of what somebody else said in a thread cannot
// be taken, neither with a comment nor with a like (xmpp.md 1.3).
func TestIDsOfOthers(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	post := w.remotePost(aliceURI, "moss", "public", "")
	reply := w.remotePost(bobURI, "re", "public", `,"inReplyTo":"`+post+`"`)
	w.reaction(bobURI, bobURI+"/like", post, "")
	node := stanza.CommentsNodePrefix + w.itemOf(post).ID
	before := w.read(louise+"/x", aliceJID, node)
	for _, c := range []struct{ name, id, text, want string }{
		{"a comment over a comment", w.itemOf(reply).ID, "I am Bob.", "forbidden"},
		{"a like over a comment", w.itemOf(reply).ID, "♥", "forbidden"},
		{"a comment over a like", w.heartID(bobURI, post), "I am Bob.", "forbidden"},
		{"a like over a like", w.heartID(bobURI, post), "♥", "forbidden"},
		{"an id of her own", "mine", "I am Louise.", ""},
		{"the same again", "mine", "I am Louise Michel.", ""},
		{"a like of her own", "heart", "♥", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := w.xmpp.ask("set", louise+"/x", aliceJID, publishing(node, c.id, w.entry(c.id, c.text).Child("", "")))
			got := ""
			if answer.Get("type") == "error" {
				got = stanza.ParseError(answer).Condition
			}
			if got != c.want {
				t.Errorf("answer %q, want %q", got, c.want)
			}
			if after := w.read(louise+"/x", aliceJID, node); c.want != "" && after != before {
				t.Errorf("the node holds %s", after)
			}
		})
	}
}

// TestCommentRefused shows that a reply which the comments node does not take is
// told to the author of the post, also where the node is on a service.
func TestCommentRefused(t *testing.T) {
	for _, service := range []string{louise, "comments.example.org"} {
		w := newWorld(t)
		w.linkUser(louise)
		node, post := w.commentsOf(service, "fern")
		w.access(service, node, nodeClosed)
		reply := w.remotePost(bobURI, "re", "public", `,"inReplyTo":"`+post+`"`)
		w.xmpp.mu.Lock()
		w.xmpp.sent = nil
		w.xmpp.mu.Unlock()
		w.shows(service, node, reply, nil)
		w.xmpp.mu.Lock()
		told := 0
		for _, el := range w.xmpp.sent {
			if el.Name == "message" && el.Get("to") == louise && strings.Contains(el.ChildContent("", "body"), "Bob (@bob@pub.test) replied to your post “Talk to me.”:\nre") {
				told++
			}
		}
		w.xmpp.mu.Unlock()
		if told != 1 {
			t.Errorf("%s: told %d times", service, told)
		}
	}
}

// TestCommentSeenFromAbove shows that a comment can be edited and retracted in
// every node that shows it: the node of a post shows the answers to its answers.
func TestCommentSeenFromAbove(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.linkUser(pierre)
	post := w.remotePost(aliceURI, "moss", "public", "")
	reply := w.remotePost(bobURI, "re", "public", `,"inReplyTo":"`+post+`"`)
	above, below := stanza.CommentsNodePrefix+w.itemOf(post).ID, stanza.CommentsNodePrefix+w.itemOf(reply).ID
	put := func(from, to, node, text string) string {
		answer := w.xmpp.ask("set", from+"/x", to, publishing(node, "mine", w.entry("mine", text).Child("", "")))
		if answer.Get("type") == "error" {
			return stanza.ParseError(answer).Condition
		}
		return ""
	}
	take := func(from, to, node string) string {
		answer := w.xmpp.ask("set", from+"/x", to, retracting(node, "mine"))
		if answer.Get("type") == "error" {
			return stanza.ParseError(answer).Condition
		}
		return ""
	}
	put(louise, bobJID, below, "To Bob.")
	made := w.expect("Create Create")[0] // to Bob, and to Alice who follows Louise
	if got := put(pierre, aliceJID, above, "Not mine."); got != "forbidden" {
		t.Errorf("somebody else's edit is answered %q", got)
	}
	w.pass(2e9)
	if got := put(louise, aliceJID, above, "To Bob, edited."); got != "" {
		t.Errorf("an edit is answered %q", got)
	}
	edit := w.expect("Update Update")[0]
	if edit.uri != made.uri || edit.Object["inReplyTo"] != reply {
		t.Errorf("the edit is %+v", edit)
	}
	if got := take(pierre, aliceJID, above); got != "forbidden" {
		t.Errorf("somebody else's retract is answered %q", got)
	}
	if got := take(louise, aliceJID, above); got != "" {
		t.Errorf("a retract is answered %q", got)
	}
	if gone := w.expect("Delete Delete")[0]; gone.uri != made.uri {
		t.Errorf("deleted %s", gone.uri)
	}

	own := w.entry("own", "An answer from my own blog.", stanza.New("http://purl.org/syndication/thread/1.0", "in-reply-to").
		Set("ref", post).Set("href", post))
	w.publish(louise, feed, own)
	w.expect("Create")
	answer := w.xmpp.ask("set", louise+"/x", aliceJID, retracting(above, "own"))
	if got := stanza.ParseError(answer); got.Condition != "conflict" || !strings.Contains(got.Text, feed) {
		t.Errorf("what stands in a node of her own is retracted with %+v", got)
	}
	answer = w.xmpp.ask("set", louise+"/x", aliceJID, publishing(above, "own", own.Child("", "")))
	if got := stanza.ParseError(answer); got.Condition != "conflict" {
		t.Errorf("and edited with %+v", got)
	}
	w.expect("")
}

// TestLikesHideNoComment shows that who asks for the comments of a post that many
// like sees what was said: the likes come behind it.
func TestLikesHideNoComment(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	post := w.remotePost(aliceURI, "moss", "public", "")
	for i := range 30 {
		w.pass(time.Second)
		w.remotePost(bobURI, fmt.Sprintf("re%d", i), "public", `,"inReplyTo":"`+post+`"`)
	}
	for i := range 40 {
		w.pass(time.Second)
		who := fmt.Sprintf("https://mast.social/users/u%d", i)
		w.actor(who, fmt.Sprintf("u%d@mast.social", i), fmt.Sprintf(`u%d\40mast.social@ap.example.org`, i))
		w.reaction(who, who+"/l", post, "")
	}
	node := stanza.CommentsNodePrefix + w.itemOf(post).ID
	for _, c := range []struct {
		name, most      string
		comments, likes int
	}{{"all", "", 30, 40}, {"the newest", "20", 20, 0}, {"the newest 50", "50", 30, 20}} {
		items := stanza.New("", "items").Set("node", node).Set("max_items", c.most)
		list := w.xmpp.ask("get", louise+"/x", aliceJID, stanza.New(stanza.NSPubSub, "pubsub").Add(items)).
			Child(stanza.NSPubSub, "pubsub").Child("", "items")
		comments, likes := 0, 0
		for it := range list.Elements() {
			if translate.IsHeart(it.Child("", "")) {
				likes++
			} else {
				comments++
			}
		}
		if comments != c.comments || likes != c.likes {
			t.Errorf("%s: %d comments and %d likes", c.name, comments, likes)
		}
	}
}

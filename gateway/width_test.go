package gateway

import (
	"strings"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// inReplyTo says what an entry answers.
func inReplyTo(uri string) *stanza.Element {
	return stanza.New(stanza.NSThread, "in-reply-to").Set("ref", uri)
}

// theySay has the gateway know a post of Alice's that is for those, "" for
// everybody, and gives its id.
func (w *world) theySay(id, to string) string {
	w.t.Helper()
	if to == "" {
		return w.remotePost(aliceURI, id, "public", "")
	}
	return w.remotePost(aliceURI, id, "", `"to":["`+strings.Join(strings.Fields(to), `","`)+`"]`)
}

const louiseURI = "https://example.org/_ap/actor/louise@example.org"

// TestAnswerIsNoWider answers posts of every width, naming Bob, in a node that is
// open: Bob is told only if what is answered is for him too.
func TestAnswerIsNoWider(t *testing.T) {
	followers := aliceURI + "/followers"
	for _, c := range []struct {
		name, to string
		change   func(w *world, uri string)
		want     string
	}{
		{"a public post", "", nil, "Create mast.social, Create pub.test"},
		{"a post for followers", followers, nil, "Create mast.social"},
		{"a post for followers and Bob", followers + " " + bobURI, nil, "Create mast.social, Create pub.test"},
		{"a message", louiseURI, nil, "Create mast.social"},
		{"a message to Bob too", louiseURI + " " + bobURI, nil, "Create mast.social, Create pub.test"},
		{"a post for a collection", louiseURI + " " + aliceURI + "/friends", nil, "Create mast.social"},
		{"a message that is gone", louiseURI, func(w *world, uri string) { w.received(aliceURI, "Delete", uri) }, ""},
		{"a post for followers that is gone", followers, func(w *world, uri string) { w.received(aliceURI, "Delete", uri) }, ""},
		{"a public post that is gone", "", func(w *world, uri string) { w.received(aliceURI, "Delete", uri) }, ""}, // nobody would see what it answers
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.linkUser(louise)
			uri := w.theySay("said", c.to)
			if c.change != nil {
				c.change(w, uri)
			}
			w.publish(louise, feed, w.entry("i1", "I answer, @bob@pub.test.", inReplyTo(uri)))
			made := w.deliveries()
			if got := sentTo(made); got != c.want {
				t.Errorf("sent %q, want %q", got, c.want)
			}
			for _, m := range made {
				if personal := strings.Contains(m.inbox, "/users/") || strings.Contains(m.inbox, "/u/"); personal != (c.to != "") {
					t.Errorf("sent to %s", m.inbox)
				}
			}
		})
	}
}

// TestAnswerInPrivateNode answers an item of the node that only one of ours
// reads, as clients name items: by its address alone.
func TestAnswerInPrivateNode(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	uri := w.theySay("said", louiseURI+" "+aliceURI+"/friends")
	at := func(id string) *stanza.Element {
		return stanza.New(stanza.NSThread, "in-reply-to").Set("href", translate.InReplyToURI(aliceJID, NodePrivatePrefix+louise, id))
	}
	w.publish(louise, feed, w.entry("i1", "I answer.", at(translate.ItemIDForRemote(w.itemKey, uri))))
	if made := w.expect("Create")[0]; made.Object["inReplyTo"] != uri || made.inbox != aliceURI+"/inbox" {
		t.Errorf("sent %+v", made)
	}
	w.publish(louise, feed, w.entry("i2", "I answer what is not there any more.", at("nothing")))
	w.expect("")
}

// TestEditOfAnAnswer edits what was sent already so that it answers something
// else: an edit never widens, and who may not have it any more has it deleted.
func TestEditOfAnAnswer(t *testing.T) {
	for _, c := range []struct {
		name, first, then string
		want              string
	}{
		{"a message, then a public post", louiseURI, "", "Update mast.social"},
		{"a message with Bob, then one without", louiseURI + " " + bobURI, louiseURI, "Create mast.social, Delete mast.social, Delete pub.test"},
		{"a message, then one with Bob", louiseURI, louiseURI + " " + bobURI, "Update mast.social"},
		{"a public post, then a message", "", louiseURI, "Create mast.social, Delete mast.social, Delete pub.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.linkUser(louise)
			first, then := w.theySay("first", c.first), w.theySay("then", c.then)
			w.publish(louise, feed, w.entry("i1", "I answer, @bob@pub.test.", inReplyTo(first)))
			before := w.deliveries()
			w.pass(time.Minute)
			w.publish(louise, feed, w.entry("i1", "I answer better, @bob@pub.test.", inReplyTo(then)))
			made := w.deliveries()
			if got := sentTo(made); got != c.want {
				t.Errorf("sent %q, want %q", got, c.want)
			}
			for _, m := range made {
				if (m.uri == before[0].uri) != (m.Type != "Create") {
					t.Errorf("%s of %s, which was %s", m.Type, m.uri, before[0].uri)
				}
			}
		})
	}
}

// TestEditOfAnAnswerToWhatIsGone edits an answer to a message that is gone: who
// has it gets the edit, and nobody once it answers something else that is gone.
func TestEditOfAnAnswerToWhatIsGone(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	uri, other := w.theySay("message", louiseURI+" "+bobURI), w.theySay("other", louiseURI)
	w.publish(louise, feed, w.entry("i1", "I answer, @bob@pub.test.", inReplyTo(uri)))
	w.expect("Create Create")
	for _, gone := range []string{uri, other} {
		o, err := as2.Parse([]byte(`{"id":"` + gone + `/delete","type":"Delete","actor":"` + aliceURI + `","object":"` + gone + `"}`))
		w.must(err)
		actor, err := w.remoteByURI(t.Context(), aliceURI)
		w.must(err)
		w.must(w.dispatch(t.Context(), activity{Object: o, actor: actor}))
	}
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("i1", "I answer better, @bob@pub.test.", inReplyTo(uri)))
	if got := sentTo(w.deliveries()); got != "Update mast.social, Update pub.test" {
		t.Errorf("the edit sent %q", got)
	}
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("i1", "I answer the other, @bob@pub.test.", inReplyTo(other)))
	if got := sentTo(w.deliveries()); got != "Delete mast.social, Delete pub.test" {
		t.Errorf("an edit into another answer sent %q", got)
	}
}

// TestEditIntoOwnCircle edits what was a message to Alice into an answer to what
// Louise has for followers only, of whom Alice is none: it is deleted there.
func TestEditIntoOwnCircle(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	uri := w.theySay("message", louiseURI)
	w.update(func(tx *cache.Tx) error { _, err := tx.DeleteFollow(aliceURI, a.URI); return err })
	w.narrow(louise, modelPresence, true, true)
	w.say(louise, "followers-only on", "Followers-only is on")
	w.pass(2 * time.Second)
	w.publish(louise, feed, w.entry("root", "For friends."))
	w.narrow(louise, nodeOpen, true, true)
	w.deliveries()
	w.publish(louise, feed, w.entry("i1", "I answer.", inReplyTo(uri)))
	w.expect("Create")
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("i1", "I think of it.",
		stanza.New(stanza.NSThread, "in-reply-to").Set("href", translate.InReplyToURI(louise, feed, "root"))))
	if got := sentTo(w.deliveries()); got != "Delete mast.social" {
		t.Errorf("the edit sent %q", got)
	}
}

// TestEditReachesWhoHasIt takes somebody's name out of a post: they have it, so
// they get the edit and the Delete.
func TestEditReachesWhoHasIt(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.publish(louise, feed, w.entry("i1", "Hello @bob@pub.test."))
	w.expect("Create Create")
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("i1", "Hello."))
	if got := sentTo(w.deliveries()); got != "Update mast.social, Update pub.test" {
		t.Errorf("the edit sent %q", got)
	}
	w.retractItem(louise, feed, "i1")
	if got := sentTo(w.deliveries()); got != "Delete mast.social, Delete pub.test" {
		t.Errorf("the retract sent %q", got)
	}
}

// TestNarrowedMeanwhile shows that what its author narrows before users of ours
// were told of it is told to nobody in a node: not to subscribers, and not in the
// comments of what it answers.
func TestNarrowedMeanwhile(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	node, post := w.commentsOf(louise, "fern")
	root := w.remotePost(aliceURI, "root", "public", "")
	comments := stanza.CommentsNodePrefix + w.itemOf(root).ID
	w.update(func(tx *cache.Tx) error {
		_, err := tx.PutSubscription(cache.Subscription{Service: aliceJID, Node: comments, JID: eve, CreatedAt: w.clock()})
		return err
	})
	for _, parent := range []string{post, root} {
		uri := bobURI + "/re-" + idOf(parent)
		say := func(text, to string) {
			w.pass(time.Second)
			w.saysFrom(bobURI, `{"id":"`+uri+`","type":"Note","attributedTo":"`+bobURI+`","content":"<p>`+text+`</p>","published":"2026-11-21T08:00:00Z",
				"updated":"`+w.clock().UTC().Format(time.RFC3339)+`","inReplyTo":"`+parent+`","to":["`+to+`"]}`)
		}
		say("All may hear.", "https://www.w3.org/ns/activitystreams#Public")
		say("A secret.", a.URI)
	}
	w.runNotices()
	for _, j := range w.jobs(jobComment) {
		w.must(w.runComment(t.Context(), j))
	}
	w.xmpp.settle(louise, ourComponent)
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	for _, el := range w.xmpp.sent {
		if strings.Contains(el.String(), "A secret.") {
			t.Errorf("told: %s", el)
		}
	}
	for _, it := range w.xmpp.nodes[louise+" "+node].items {
		if strings.Contains(it.String(), "A secret.") {
			t.Errorf("in the comments: %s", it)
		}
	}
}

// saysFrom has the gateway take a post as its author says it now.
func (w *world) saysFrom(who, note string) {
	w.t.Helper()
	o, err := as2.Parse([]byte(note))
	w.must(err)
	actor, err := w.remoteByURI(w.t.Context(), who)
	w.must(err)
	w.must(w.take(w.t.Context(), taken{object: o, raw: []byte(note), owner: actor, wanted: true}))
}

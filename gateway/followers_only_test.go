package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// narrow gives the microblog of a user an access model. The gateway is let in,
// or not; the server tells the model, or says it in refusals.
func (w *world) narrow(jid, model string, letIn, tells bool) {
	w.t.Helper()
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	n := w.xmpp.nodes[jid+" "+feed]
	n.access, n.tells, n.lets = model, tells, map[string]bool{ourComponent: letIn}
}

// follows has an actor follow an account: let in by its owner, or by nobody.
func (w *world) follows(actor string, a cache.Account, approved bool) {
	w.t.Helper()
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{
			Follower: actor, Followee: a.URI, State: cache.FollowAccepted, Approved: approved, ActivityID: actor + "/follow",
			CreatedAt: w.clock(), UpdatedAt: w.clock(),
		})
	})
}

// say gives a command that has to succeed.
func (w *world) say(jid, text, want string) {
	w.t.Helper()
	answer, _ := w.obey(w.t.Context(), stanza.JID(jid), text)
	w.running.Wait()
	if !strings.Contains(answer, want) {
		w.t.Errorf("%s is answered %q, want %q", text, answer, want)
	}
}

// TestWhatCrosses publishes in nodes of every access model.
func TestWhatCrosses(t *testing.T) {
	for _, c := range []struct {
		model  string
		letIn  bool
		on     bool
		public bool
		want   bool
	}{
		{model: nodeOpen, letIn: true, public: true, want: true},
		{model: nodeOpen, letIn: true, on: true, public: true, want: true},
		{model: modelPresence, letIn: true},
		{model: modelPresence, letIn: true, on: true, want: true},
		{model: modelPresence, on: true},
		{model: modelRoster, letIn: true, on: true},
		{model: modelRoster, on: true},
		{model: modelWhitelist, letIn: true, on: true},
		{model: modelWhitelist, on: true},
		{model: nodeClosed, letIn: true, on: true},
		{model: nodeAway, letIn: true, on: true},
	} {
		for _, tells := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, let in %v, on %v, told %v", c.model, c.letIn, c.on, tells), func(t *testing.T) {
				w := newWorld(t)
				w.xmpp.node(louise, feed, c.model)
				w.narrow(louise, c.model, c.letIn, tells)
				a := w.linkUser(louise)
				if c.on {
					w.say(louise, "followers-only on", "Followers-only is on")
				}
				w.pass(2 * time.Second)
				w.publish(louise, feed, w.entry("event", "The first fern."))
				w.hold(louise, feed, w.entry("pulled", "The second fern."))
				w.pull(t.Context(), a, false)
				made := w.deliveries()
				want := ""
				if c.want {
					want = "Create Create"
				}
				if types(made) != want {
					t.Fatalf("sent %q, want %q", types(made), want)
				}
				for _, m := range made {
					if slices.Contains(append(m.To, m.Cc...), as2.Public) != c.public || c.public != (m.inbox == "https://mast.social/inbox") {
						t.Errorf("sent %+v", m)
					}
				}
			})
		}
	}
}

// TestFollowersOnly follows a post that is for followers only through its life,
// at every door.
func TestFollowersOnly(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise) // Alice was let in
	w.narrow(louise, modelPresence, true, true)
	w.hold(louise, feed, w.entry("before", "Before the switch."))
	w.pass(time.Second)
	w.say(louise, "followers-only on", "Followers-only is on")
	w.follows(bobURI, a, false)
	w.pass(2 * time.Second)
	w.publish(louise, feed, w.entry("fern", "A fern for friends, says @bob@pub.test."))
	made := w.expect("Create")[0]
	if made.inbox != aliceURI+"/inbox" || !slices.Equal(made.To, []string{w.addr.Followers(acctOf(a))}) || len(made.Cc) != 0 {
		t.Errorf("sent %+v", made)
	}
	if tags, _ := made.Object["tag"].([]any); slices.ContainsFunc(tags, func(tag any) bool { return tag.(map[string]any)["type"] == "Mention" }) {
		t.Errorf("names somebody who does not get it: %v", tags)
	}
	s := w.site()
	for who, want := range map[string]int{"": http.StatusNotFound, bobURI: http.StatusNotFound, aliceURI: http.StatusOK} {
		if who != "" {
			w.knowKey(who)
		}
		for _, target := range []string{made.uri, made.ID} {
			if got := s.get(target, asPeer, who); got.Code != want {
				t.Errorf("%q gets %s: %d", who, target, got.Code)
			}
		}
		if got := s.get(w.addr.Outbox(acctOf(a))+"?page=0", asPeer, who); strings.Contains(got.Body.String(), made.uri) {
			t.Errorf("%q finds it in the outbox", who)
		}
		w.view(func(tx *cache.Tx) error {
			res, err := tx.Search(cache.SearchQuery{Text: "fern", Viewer: cache.Viewer{Actor: who}, Any: true})
			if (len(res.Hits) > 0) && want != http.StatusOK {
				t.Errorf("%q finds it by search", who)
			}
			return err
		})
	}
	if doc := s.document(a.URI); doc["manuallyApprovesFollowers"] != true {
		t.Error("the actor does not say that its owner decides who follows")
	}
	w.event(louise, louise, feed, w.xmpp.item(louise, feed, "before")) // shown again at a login
	w.pull(t.Context(), a, true)
	w.expect("")

	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("fern", "A better fern for friends."))
	if edit := w.expect("Update")[0]; edit.inbox != aliceURI+"/inbox" || edit.uri != made.uri {
		t.Errorf("the edit is %+v", edit)
	}
	w.say(louise, "status", "1 follower is not approved.")
	w.say(louise, "followers", "(not approved)")
	w.say(louise, "approve bob@pub.test", "follows you now")
	w.deliveries()
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("moss", "Moss for friends."))
	if got := sentTo(w.deliveries()); got != "Create mast.social, Create pub.test" {
		t.Errorf("sent %q", got)
	}
	w.say(louise, "deny alice@mast.social yes", "does not follow")
	w.deliveries()
	w.retractItem(louise, feed, "fern") // who has it and does not follow any more, too
	if got := sentTo(w.deliveries()); got != "Delete mast.social, Delete pub.test" {
		t.Errorf("the retract sent %q", got)
	}
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("reed", "Reed for friends."))
	if got := sentTo(w.deliveries()); got != "Create pub.test" {
		t.Errorf("sent %q", got)
	}
	w.say(louise, "import", "1 older post ")
	w.expect("Create")
}

// TestSameServer shows that a follower gets nothing while somebody else on their
// server follows whom nobody let in: the server would show it to both.
func TestSameServer(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.narrow(louise, modelPresence, true, true)
	w.say(louise, "followers-only on", "Followers-only is on")
	const dave = "https://mast.social/users/dave"
	w.actor(dave, "dave@mast.social", `dave\40mast.social@ap.example.org`)
	w.knowKey(aliceURI)
	w.follows(dave, a, false)
	w.pass(2 * time.Second)
	w.publish(louise, feed, w.entry("fern", "A fern for friends."))
	w.expect("")
	var uri string
	w.view(func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(louise, feed, "fern", operator)
		uri = stored.Post.URI
		return err
	})
	if got := w.site().get(uri, asPeer, aliceURI); got.Code != http.StatusNotFound {
		t.Errorf("Alice's server gets it: %d", got.Code)
	}
	w.say(louise, "deny dave@mast.social yes", "does not follow")
	w.deliveries()
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("moss", "Moss for friends."))
	w.expect("Create")
}

// TestTransitions changes who may read a node.
func TestTransitions(t *testing.T) {
	to := func(access string) func(*world) {
		return func(w *world) { w.narrow(louise, access, true, true) }
	}
	type step struct {
		name   string
		change func(*world)
		want   string // what a look at the node sends then
		again  string // and an edit of the item
		fresh  string // and a new one: to whom
	}
	for name, steps := range map[string][]step{
		"closes and opens": {
			{"open", to(nodeOpen), "", "Update", as2.Public},
			{"presence", to(modelPresence), "Delete Delete", "Create", ""},
			{"open", to(nodeOpen), "", "Update", as2.Public},
			{"presence", to(modelPresence), "Delete", "Update", ""},
			{"whitelist", to(modelWhitelist), "Delete Delete Delete", "", "nobody"},
			{"presence", to(modelPresence), "Create Create", "Update", ""}, // what was changed meanwhile, as when a node opens
		},
		"the gateway is no contact any more": {
			{"presence", to(modelPresence), "Delete", "Create", ""},
			{"away", to(nodeAway), "", "", "nobody"},
			{"put out", func(w *world) { w.narrow(louise, modelPresence, false, true) }, "Delete Delete", "", "nobody"},
		},
		"switched off and on": {
			{"presence", to(modelPresence), "Delete", "Create", ""},
			{"off", func(w *world) {
				w.say(louise, "followers-only off", "To do it, send: followers-only off yes")
				w.say(louise, "followers-only off yes", "2 posts were taken back")
			}, "Delete Delete", "", "nobody"},
			{"on", func(w *world) { w.say(louise, "followers-only on", "") }, "", "", ""},
		},
		"paused": {
			{"presence", to(modelPresence), "Delete", "Create", ""},
			{"paused", func(w *world) { w.say(louise, "pause", "Paused") }, "", "", "nobody"},
			{"resumed", func(w *world) { w.say(louise, "resume", "Resumed") }, "Update", "Update", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.linkUser(louise)
			w.say(louise, "followers-only on", "")
			w.pass(2 * time.Second)
			w.publish(louise, feed, w.entry("item", "At first."))
			w.expect("Create")
			for i, s := range steps {
				w.pass(time.Minute)
				s.change(w)
				w.pass(2 * time.Second)
				a, err := w.accountOf(t.Context(), louise, "")
				w.must(err)
				w.pull(t.Context(), a, false)
				if got := w.deliveries(); types(got) != s.want {
					t.Errorf("%d, %s: a look sends %q, want %q: %+v", i, s.name, types(got), s.want, got)
				}
				w.publish(louise, feed, w.entry("item", fmt.Sprintf("In step %d.", i)))
				got := w.deliveries()
				if types(got) != s.again {
					t.Errorf("%d, %s: an edit sends %q, want %q", i, s.name, types(got), s.again)
				}
				for _, m := range got {
					if public := slices.Contains(m.To, as2.Public); public != (s.fresh == as2.Public && i == 0) {
						t.Errorf("%d, %s: the edit goes to %v", i, s.name, m.To)
					}
				}
				w.publish(louise, feed, w.entry(fmt.Sprintf("new-%d", i), "Something new."))
				got = w.deliveries()
				if s.fresh == "nobody" {
					if len(got) != 0 {
						t.Errorf("%d, %s: something new sends %q", i, s.name, types(got))
					}
					continue
				}
				if types(got) != "Create" || slices.Contains(got[0].To, as2.Public) != (s.fresh == as2.Public) {
					t.Errorf("%d, %s: something new sends %+v", i, s.name, got)
				}
			}
		})
	}
}

// TestAuthorize has the gateway let in by the owner of a node where a server
// says so by that alone.
func TestAuthorize(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.xmpp.mu.Lock()
	clear(w.xmpp.subs)
	w.xmpp.mu.Unlock()
	w.narrow(louise, modelAuthorize, false, false)
	w.say(louise, "followers-only on", "Followers-only is on")
	w.subscribe(t.Context(), a)
	w.pass(2 * time.Second)
	w.publish(louise, feed, w.entry("one", "While we wait."))
	w.expect("")
	w.narrow(louise, modelAuthorize, true, false)
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("two", "After we were let in."))
	made := w.expect("Create")[0]
	if slices.Contains(append(made.To, made.Cc...), as2.Public) {
		t.Errorf("sent %+v", made)
	}
	w.say(louise, "status", "for those you let in")
	w.xmpp.mu.Lock()
	clear(w.xmpp.subs)
	w.xmpp.mu.Unlock()
	w.subscribe(t.Context(), a) // at once: nobody is asked, so it is another model
	w.pass(time.Minute)
	w.publish(louise, feed, w.entry("three", "By which model?"))
	w.expect("")
}

// TestFollowersOnlyFollows shows who follows while the switch is on.
func TestFollowersOnlyFollows(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.say(pierre, "followers-only on", "not linked")
	w.say(louise, "followers-only maybe", "Say followers-only on")
	w.say(louise, "followers-only on", "Followers-only is on")
	w.say(louise, "lock off", "First send")
	bob, err := w.remoteByURI(t.Context(), bobURI)
	w.must(err)
	follow, err := as2.Parse([]byte(`{"id":"` + bobURI + `/f","type":"Follow","actor":"` + bobURI + `","object":"` + a.URI + `"}`))
	w.must(err)
	w.must(w.receiveFollow(t.Context(), activity{Object: follow, actor: bob}))
	w.view(func(tx *cache.Tx) error {
		f, err := tx.Follow(bobURI, a.URI)
		if f.State != cache.FollowPending || f.Approved {
			t.Errorf("the follow is %+v", f)
		}
		return err
	})
	w.expect("")
	w.presenceFrom(louise, bobJID, "subscribed") // as by the command
	w.view(func(tx *cache.Tx) error {
		f, err := tx.Follow(bobURI, a.URI)
		if f.State != cache.FollowAccepted || !f.Approved {
			t.Errorf("the follow is %+v", f)
		}
		return err
	})
	w.expect("Accept")
	w.must(w.receiveFollow(t.Context(), activity{Object: follow, actor: bob})) // again
	w.view(func(tx *cache.Tx) error {
		f, err := tx.Follow(bobURI, a.URI)
		if !f.Approved {
			t.Error("a Follow that comes again takes the approval away")
		}
		return err
	})
	w.say(louise, "followers-only off", "Followers-only is off. You still")
	w.say(louise, "lock off", "Everybody can follow")
}

// TestNarrowBoost shows that a repeat in a node that is not open does not cross.
func TestNarrowBoost(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.narrow(louise, modelPresence, true, true)
	w.say(louise, "followers-only on", "Followers-only is on")
	note := w.remotePost(bobURI, "news", "public", "")
	w.pass(2 * time.Second)
	w.publish(louise, feed, w.entry("b1", "news", stanza.New(stanza.NSAtom, "link").Set("rel", "via").Set("href", note)))
	w.expect("")
}

// TestNarrowReply shows that an answer in a node that is not open goes to the
// followers who were let in, and not to whom it answers.
func TestNarrowReply(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.narrow(louise, modelPresence, true, true)
	w.say(louise, "followers-only on", "Followers-only is on")
	note := w.remotePost(bobURI, "question", "public", "")
	w.pass(2 * time.Second)
	w.publish(louise, feed, w.entry("re", "I answer.", stanza.New(stanza.NSThread, "in-reply-to").Set("ref", note)))
	made := w.expect("Create")[0]
	if made.inbox != aliceURI+"/inbox" || made.Object["inReplyTo"] != note || len(made.Cc) != 0 {
		t.Errorf("sent %+v", made)
	}
	w.view(func(tx *cache.Tx) error {
		_, err := tx.PostByURI(made.uri, cache.Viewer{Actor: bobURI})
		if err == nil {
			t.Error("Bob sees it")
		}
		return nil
	})
}

// TestBeforeTheSwitch shows that what was published before the switch stays
// where it is, also if the gateway could not see then what there was.
func TestBeforeTheSwitch(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.narrow(louise, modelPresence, false, true)
	w.hold(louise, feed, w.entry("old", "From before."))
	old := w.xmpp.item(louise, feed, "old")
	w.pass(2 * time.Second)
	w.say(louise, "followers-only on", "Followers-only is on")
	w.narrow(louise, modelPresence, true, true)
	w.pass(2 * time.Second)
	a, err := w.accountOf(t.Context(), louise, "")
	w.must(err)
	w.pull(t.Context(), a, false)
	w.event(louise, louise, feed, old)
	w.expect("")
	w.publish(louise, feed, w.entry("new", "From now on."))
	w.expect("Create")
	w.say(louise, "import", "1 older post sent to the followers")
	w.expect("Create")
}

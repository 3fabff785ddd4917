package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// dueNow are the deliveries that would be made now, "type host"; those that wait
// for the end of a pause end in "later".
func (w *world) dueNow() string {
	w.t.Helper()
	var out []string
	for _, j := range w.jobs(jobDeliver) {
		d, err := decode[deliverJob](j)
		w.must(err)
		_, body, err := w.atHand(w.t.Context(), d)
		var act struct{ Type string }
		what, _, _ := strings.Cut(j.Note, " ")
		switch {
		case errors.Is(err, errPaused):
			out = append(out, what+" "+j.Host+" later")
		case err == nil && len(body) > 0:
			o, err := as2.Parse(body)
			w.must(err)
			act.Type = o.Type()
			out = append(out, act.Type+" "+j.Host)
		}
	}
	return strings.Join(out, ", ")
}

// received has the gateway do what an actor we know says.
func (w *world) received(who, kind, object string) {
	w.t.Helper()
	o, err := as2.Parse([]byte(`{"id":"` + who + `/` + kind + `","type":"` + kind + `","actor":"` + who + `","object":"` + object + `"}`))
	w.must(err)
	actor, err := w.remoteByURI(w.t.Context(), who)
	w.must(err)
	w.must(w.dispatch(w.t.Context(), activity{Object: o, actor: actor}))
}

// TestQueuedIsAskedAnew shows that what is queued does not go to those who may not
// have it any more when it is sent: "both must end delivery at once" (F6).
func TestQueuedIsAskedAnew(t *testing.T) {
	const dave = "https://mast.social/users/dave"
	for _, c := range []struct {
		name   string
		narrow bool // the post is for followers only, else a message to Alice
		change func(w *world, a cache.Account)
		want   string
	}{
		{"nothing", false, func(*world, cache.Account) {}, "Create mast.social"},
		{"her block", false, func(w *world, _ cache.Account) { w.say(louise, "block alice@mast.social yes", "Blocked") }, ""},
		{"her block of the server", false, func(w *world, _ cache.Account) { w.say(louise, "block mast.social yes", "Blocked") }, ""},
		{"her block of somebody else there", false, func(w *world, _ cache.Account) {
			w.update(func(tx *cache.Tx) error {
				return tx.PutBlock(cache.Block{Owner: "https://example.org/_ap/actor/louise@example.org", Target: dave})
			})
		}, "Create mast.social"},
		{"the other's block", false, func(w *world, a cache.Account) { w.received(aliceURI, "Block", a.URI) }, ""},
		{"the operator's", false, func(w *world, _ cache.Account) {
			_, err := w.Block(w.t.Context(), "", "mast.social", "spam")
			w.must(err)
		}, ""},
		{"a pause", false, func(w *world, _ cache.Account) { w.say(louise, "pause", "Paused") }, "Create mast.social later"},
		{"a pause and its end", false, func(w *world, _ cache.Account) {
			w.say(louise, "pause", "Paused")
			w.say(louise, "resume", "Resumed")
		}, "Create mast.social"},
		{"an unlink", false, func(w *world, _ cache.Account) { w.say(louise, "unlink yes", "Unlinked") }, "Delete mast.social"},
		{"an unlink after a follow request", false, func(w *world, _ cache.Account) {
			w.say(louise, "follow bob@pub.test", "")
			w.say(louise, "unlink yes", "Unlinked")
		}, "Delete pub.test, Delete mast.social"},
		{"nothing", true, func(*world, cache.Account) {}, "Create mast.social"},
		{"a follower denied", true, func(w *world, _ cache.Account) { w.say(louise, "deny alice@mast.social yes", "") }, "Reject mast.social"},
		{"a neighbour whom nobody let in", true, func(w *world, a cache.Account) {
			w.actor(dave, "dave@mast.social", `dave\40mast.social@ap.example.org`)
			w.follows(dave, a, false)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			a := w.linkUser(louise)
			if c.narrow {
				w.narrow(louise, modelPresence, true, true)
				w.say(louise, "followers-only on", "")
				w.pass(2 * time.Second)
				w.deliveries()
				w.publish(louise, feed, w.entry("fern", "A fern for friends."))
			} else {
				w.update(func(tx *cache.Tx) error { _, err := tx.DeleteFollow(aliceURI, a.URI); return err })
				w.chat(phone, aliceJID, "m1", "Between us.")
			}
			c.change(w, a)
			if got := w.dueNow(); got != c.want {
				t.Errorf("sends %q, want %q", got, c.want)
			}
		})
	}
}

// TestPauseIsNoAttempt shows that what waits for the end of a pause was not
// attempted: what takes it back takes its place, and is sent at once.
func TestPauseIsNoAttempt(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.publish(louise, feed, w.entry("fern", "A fern."))
	w.say(louise, "pause", "Paused")
	var jobs []cache.Job
	w.update(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Lease(cache.LeaseQuery{Kinds: []string{jobDeliver}, Now: w.clock(), Limit: 9, For: time.Minute})
		return err
	})
	for _, j := range jobs {
		if done := w.runJob(t.Context(), groups[0], j); done != 0 {
			t.Error("it was sent")
		}
	}
	if got := w.dueNow(); got != "Create mast.social later" {
		t.Errorf("waits: %q", got)
	}
	w.retractItem(louise, feed, "fern")
	if got := w.dueNow(); got != "Delete mast.social" {
		t.Errorf("after the retract: %q", got)
	}
}

// TestMentionOfTheBlocked shows that nobody is named to whom a block stands, and
// that their posts are not shared.
func TestMentionOfTheBlocked(t *testing.T) {
	for _, by := range []string{"Louise", "Bob"} {
		t.Run("blocked by "+by, func(t *testing.T) {
			w := newWorld(t)
			a := w.linkUser(louise)
			note := w.remotePost(bobURI, "note", "public", "")
			if by == "Bob" {
				w.received(bobURI, "Block", a.URI)
			} else {
				w.say(louise, "block bob@pub.test", "Blocked")
			}
			w.publish(louise, feed, w.entry("i1", "I mean @bob@pub.test.", stanza.New(stanza.NSThread, "in-reply-to").Set("ref", note)))
			made := w.expect("Create")[0]
			if strings.Contains(made.inbox, "pub.test") || strings.Contains(fmt.Sprint(made.Object["tag"]), bobURI) {
				t.Errorf("to %s: %v", made.inbox, made.Object["tag"])
			}
			w.publish(louise, feed, w.entry("b1", "note", stanza.New(stanza.NSAtom, "link").Set("rel", "via").Set("href", note)))
			w.expect("")
		})
	}
}

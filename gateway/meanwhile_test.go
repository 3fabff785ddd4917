package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// comes brings a signed activity and works on it; what it asks for stays on the
// queue.
func (f *fediverse) comes(signer *aptest.Actor, doc aptest.Doc) {
	f.t.Helper()
	body, err := json.Marshal(doc)
	f.must(err)
	o, err := as2.Parse(body)
	f.must(err)
	f.must(f.Receive(f.t.Context(), ap.Incoming{Body: body, Object: o, Signer: signer.ID, Host: "example.org", Digest: sha256.Sum256(body)}))
	f.run(jobActivity)
}

// run does the queued jobs of some kinds.
func (f *fediverse) run(kinds ...string) {
	f.t.Helper()
	for {
		var jobs []cache.Job
		f.update(func(tx *cache.Tx) (err error) {
			jobs, err = tx.Lease(cache.LeaseQuery{Kinds: kinds, Now: f.clock(), Limit: 100, For: time.Minute})
			return err
		})
		if len(jobs) == 0 {
			return
		}
		for _, j := range jobs {
			f.must(f.Gateway.work(f.t.Context(), groups[1], j))
			f.update(func(tx *cache.Tx) error { return tx.Ack(j.ID) })
		}
	}
}

// heard is what somebody was sent since it was last asked: items and chat.
func (f *fediverse) heard(to string) string {
	f.t.Helper()
	f.xmpp.mu.Lock()
	defer f.xmpp.mu.Unlock()
	var out []string
	f.xmpp.sent = slices.DeleteFunc(f.xmpp.sent, func(el *stanza.Element) bool {
		if el.Name != "message" || string(stanza.JID(el.Get("to")).Bare()) != to {
			return false
		}
		if e := el.Child(stanza.NSPubSubEvent, "event"); e != nil {
			if e.Child("", "items") == nil {
				return true
			}
			for it := range e.Child("", "items").Elements() {
				out = append(out, it.Child(stanza.NSAtom, "entry").ChildContent(stanza.NSAtom, "title"))
			}
		} else if el.Get("from") != ourComponent {
			body := el.ChildContent("", "body")
			if _, text, marked := strings.Cut(body, "Your answer is a private message.\n\n"); marked {
				body = text
			}
			out = append(out, body)
		}
		return true
	})
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestMeanwhile is for posts that overtake the Accept of a Follow: the follower
// gets them then, once, and nothing that is older.
func TestMeanwhile(t *testing.T) {
	f := newFediverse(t)
	other := f.linkUser(pierre)
	f.asked()
	note := func(text string, change aptest.Doc) aptest.Doc {
		return with(with(f.ann.Note(text), aptest.Doc{"published": f.clock().UTC().Format(time.RFC3339)}), change)
	}
	post := func(n aptest.Doc) { f.comes(f.ann, f.ann.Activity(as2.TypeCreate, n)) }
	private := aptest.Doc{"to": many(f.ann.Followers), "cc": many()}
	both := func() string {
		f.run(jobNotify, jobMessage, jobState)
		return f.heard(louise) + " | " + f.heard(pierre)
	}
	decide := func(edge cache.Follow, kind string) {
		f.comes(f.ann, f.ann.Activity(kind, aptest.Doc{"id": edge.ActivityID, "type": "Follow", "actor": edge.Follower, "object": edge.Followee}))
	}
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}

	first := f.follows(f.louise, f.ann, cache.FollowPending)
	f.pass(time.Minute + time.Second)
	boosted := f.carl.Note("Carl's.")
	post(note("One.", nil))
	post(note("For followers.", private))
	post(note("To Louise too.", aptest.Doc{"to": many(f.ann.Followers, f.louise.URI), "cc": many()}))
	f.comes(f.ann, with(f.ann.Activity(as2.TypeAnnounce, boosted["id"]), aptest.Doc{
		"to": many(as2.Public), "cc": many(f.ann.Followers), "published": f.clock().UTC().Format(time.RFC3339)}))
	check("before the Accept", both(), "To Louise too. | ")
	f.pass(time.Second)
	decide(first, as2.TypeAccept)
	check("with the Accept", both(), "For followers., One., 🔁 carl (@"+f.carl.Handle+") | ")
	decide(first, as2.TypeAccept)
	check("with another Accept", both(), " | ")

	second := f.follows(other, f.ann, cache.FollowPending)
	f.pass(2 * time.Minute)
	post(note("Old.", aptest.Doc{"published": f.clock().Add(-time.Hour).UTC().Format(time.RFC3339)}))
	post(note("Two.", nil))
	secret := note("For followers, again.", private)
	post(secret)
	post(note("Re.", aptest.Doc{"inReplyTo": boosted["id"]}))
	f.pass(time.Second)
	decide(second, as2.TypeAccept) // before anybody was told of anything
	check("both", both(), "For followers, again., Old., Two. | For followers, again., Two.")

	third := f.follows(f.louise, f.carl, cache.FollowPending)
	f.comes(f.carl, f.carl.Activity(as2.TypeCreate, with(f.carl.Note("Never."), aptest.Doc{"published": f.clock().UTC().Format(time.RFC3339)})))
	f.comes(f.carl, f.carl.Activity(as2.TypeReject, aptest.Doc{"id": third.ActivityID, "type": "Follow", "actor": third.Follower, "object": third.Followee}))
	check("after a Reject", both(), " | ")
}

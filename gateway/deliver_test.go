package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// jobs are the jobs of a kind, in any state.
func (w *world) jobs(kind string) []cache.Job {
	w.t.Helper()
	var jobs []cache.Job
	w.view(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Jobs(cache.JobQuery{Kind: kind, Limit: 1000})
		return err
	})
	return jobs
}

// turnOf does what a group of workers would do now, and returns how many jobs
// there were.
func (w *world) turnOf(name string) int {
	w.t.Helper()
	for _, gr := range groups {
		if gr.name != name {
			continue
		}
		jobs, _, err := w.turn(w.t.Context(), gr, nil, 100)
		w.must(err)
		for _, j := range jobs {
			if done := w.runJob(w.t.Context(), gr, j); done != 0 {
				w.update(func(tx *cache.Tx) error { return tx.Ack(done) })
			}
		}
		return len(jobs)
	}
	w.t.Fatalf("no group %s", name)
	return 0
}

// TestDirectFails shows that the sender of a direct message hears that it did
// not arrive: when it is refused, and when its time is over between two attempts.
func TestDirectFails(t *testing.T) {
	for _, c := range []struct {
		name            string
		status          int
		late            time.Duration
		condition, kind string
		text            string
	}{
		{"refused", http.StatusNotFound, 0, "service-unavailable", "cancel", "did not take"},
		{"away for days", http.StatusBadGateway, jobLife + time.Hour, "remote-server-timeout", "wait", "for days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFediverse(t)
			f.mast.Script("/users/ann/inbox", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) }))
			ann, err := f.remoteByURI(t.Context(), f.ann.ID)
			f.must(err)
			f.chat(phone, ann.JID, "m1", "Are you there?")
			f.turnOf("deliver")
			if c.late > 0 {
				if n := len(f.jobs(jobMessage)); n != 0 {
					t.Errorf("%d messages after the first attempt", n)
				}
				f.pass(c.late)
				f.turnOf("deliver")
			}
			if jobs := f.jobs(jobDeliver); len(jobs) != 1 || jobs[0].State != cache.JobFailed {
				t.Fatalf("the deliveries are %+v", jobs)
			}
			f.turnOf("stanza")
			el := f.xmpp.await("the error", func(el *stanza.Element) bool { return el.Get("type") == "error" && el.Get("id") == "m1" })
			e := stanza.ParseError(el)
			if e.Condition != c.condition || e.Type != c.kind || !strings.Contains(e.Text, c.text) {
				t.Errorf("told %s, %s: %s", e.Type, e.Condition, e.Text)
			}
			if el.Get("from") != ann.JID || el.Get("to") != phone {
				t.Errorf("told from %s to %s", el.Get("from"), el.Get("to"))
			}
		})
	}
}

// TestDirectFailsOffline shows that what a sender has to hear waits in the store
// while there is no link.
func TestDirectFailsOffline(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.chat(phone, aliceJID, "m1", "Are you there?")
	w.stop()
	w.pass(jobLife)
	w.turnOf("deliver")
	if n := w.turnOf("stanza"); n != 0 {
		t.Errorf("%d stanzas tried without a link", n)
	}
	jobs := w.jobs(jobMessage)
	if len(jobs) != 1 || jobs[0].State != cache.JobQueued || !strings.Contains(jobs[0].Note, phone) {
		t.Errorf("what is to be told: %+v", jobs)
	}
}

// TestInboxGone shows that a 410 of a shared inbox ends the follows of those who
// are gone, and of nobody else on that server.
func TestInboxGone(t *testing.T) {
	f := newFediverse(t)
	gone := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	for _, uri := range []string{f.ann.ID, f.carl.ID} {
		_, err := f.remoteByURI(t.Context(), uri)
		f.must(err)
		f.update(func(tx *cache.Tx) error {
			return tx.PutFollow(cache.Follow{Follower: uri, Followee: f.louise.URI, State: cache.FollowAccepted, CreatedAt: f.clock(), UpdatedAt: f.clock()})
		})
	}
	f.mast.Script("/inbox", gone)
	f.mast.Script("/users/ann", gone)
	f.pass(2 * doubtAge)
	for _, id := range []string{"one", "two"} {
		f.publish(louise, feed, f.entry(id, "Hello."))
	}
	f.turnOf("deliver")
	if jobs := f.jobs(jobDoubt); len(jobs) != 2 {
		t.Errorf("%d actors are in doubt", len(jobs))
	}
	f.turnOf("inbound")
	f.view(func(tx *cache.Tx) error {
		with, err := tx.FollowsWith(f.louise.URI, "mast.test")
		if !slices.Equal(with, []string{f.carl.ID}) {
			t.Errorf("the follows that are left: %v", with)
		}
		return err
	})
	if n := len(f.jobs(jobState)); n != 1 {
		t.Errorf("Louise is told %d times that Ann left", n)
	}
}

// TestReceipt shows that a receipt (XEP-0184) waits for the link, and tells of the
// actor that was written to, not of others in the conversation.
func TestReceipt(t *testing.T) {
	f := newFediverse(t)
	ann, err := f.remoteByURI(t.Context(), f.ann.ID)
	f.must(err)
	_, err = f.remoteByURI(t.Context(), f.carl.ID)
	f.must(err)
	group := f.ann.Note("Meet at noon.")
	group["to"], group["cc"] = []string{f.louise.URI, f.carl.ID}, []string{}
	f.get(f.ann, f.ann.Activity("Create", group), f.louise.Acct)
	f.update(func(tx *cache.Tx) error {
		return tx.PutMessage(cache.Message{ID: "g", Our: ann.JID, User: louise, Object: group["id"].(string), Origin: translate.OriginAP, At: f.clock()})
	})
	away := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	took := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	f.mast.Script("/users/ann/inbox", away)
	f.mast.Script("/users/carl/inbox", took)
	f.chat(phone, ann.JID, "m1", "Yes.", stanza.New(stanza.NSReceipts, "request"), stanza.New(stanza.NSReply, "reply").Set("id", "g").Set("to", ann.JID))
	f.turnOf("deliver")
	if jobs := f.jobs(jobMessage); len(jobs) != 0 {
		t.Errorf("before Ann's server has it: %+v", jobs)
	}
	f.mast.Script("/users/ann/inbox", took)
	f.stop() // the link is down when it arrives
	f.pass(time.Hour)
	f.turnOf("deliver")
	jobs := f.jobs(jobMessage)
	if len(jobs) != 1 {
		t.Fatalf("receipts: %+v", jobs)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = f.link.Run(ctx) }()
	f.eventually("the link", f.link.Online)
	f.must(f.runMessage(t.Context(), jobs[0]))
	el := f.xmpp.await("the receipt", func(el *stanza.Element) bool { return el.Child(stanza.NSReceipts, "received") != nil })
	if el.Child(stanza.NSReceipts, "received").Get("id") != "m1" || el.Get("to") != phone || el.Get("from") != ann.JID || el.Get("type") != "chat" || el.Get("id") == "" {
		t.Errorf("the receipt is %s", el)
	}
}

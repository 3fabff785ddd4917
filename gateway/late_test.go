package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// live runs the jobs of the world until the test ends.
func (w *world) live() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.runJobs(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done })
}

// TestXMPPAway: what came for users while their server was away for a week is
// sent when it is back, once and in order; nothing of it was tried, so nothing of
// it is too old.
func TestXMPPAway(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	const n = 200
	for i := range n {
		w.update(func(tx *cache.Tx) error { return tx.Enqueue(w.botJob(louise, fmt.Sprint("notice ", i))) })
		w.pass(10 * time.Minute)
	}
	w.pass(7 * 24 * time.Hour)
	w.xmpp.mu.Lock()
	w.xmpp.sent = nil
	w.xmpp.mu.Unlock()
	w.live()
	var got []string
	w.eventually("all that waited", func() bool {
		w.xmpp.mu.Lock()
		defer w.xmpp.mu.Unlock()
		got = got[:0]
		for _, el := range w.xmpp.sent {
			if body := el.ChildContent(stanza.NSComponent, "body"); strings.HasPrefix(body, "notice ") {
				got = append(got, body)
			}
		}
		return len(got) >= n
	})
	for i, body := range got {
		if want := fmt.Sprint("notice ", i); body != want {
			t.Fatalf("number %d is %q, want %q", i, body, want)
		}
	}
	w.view(func(tx *cache.Tx) error {
		failed, err := tx.Jobs(cache.JobQuery{State: cache.JobFailed})
		if len(failed) > 0 || len(got) != n {
			t.Errorf("%d were given up, and %d sent of %d", len(failed), len(got), n)
		}
		return err
	})
}

// TestOverdue: a job ends when it is too old, unless nobody was there to try it
// when it was due; then that attempt is its last. Behind a host that fails all end.
func TestOverdue(t *testing.T) {
	w := newWorld(t)
	failing := false
	for _, c := range []struct {
		name    string
		waits   time.Duration // since it was due
		failing bool
		tried   bool
	}{
		{"tried all the time", time.Minute, false, false},
		{"nobody was there", 24 * time.Hour, false, true},
		{"its host fails", 24 * time.Hour, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.failing && !failing {
				failing = true
				w.update(func(tx *cache.Tx) error {
					_, err := tx.HostFailed("mast.social", w.clock(), time.Time{})
					return err
				})
			}
			now := w.clock()
			w.update(func(tx *cache.Tx) error {
				return tx.Enqueue(cache.Job{Kind: "unknown", Host: "mast.social", CreatedAt: now.Add(-9 * 24 * time.Hour), RunAt: now.Add(-c.waits), ExpiresAt: now.Add(-time.Second)})
			})
			var jobs []cache.Job
			w.update(func(tx *cache.Tx) (err error) {
				jobs, err = tx.Lease(cache.LeaseQuery{Kinds: []string{"unknown"}, Now: now, Limit: 1, For: time.Minute})
				return err
			})
			w.runJob(t.Context(), groups[0], jobs[0])
			w.view(func(tx *cache.Tx) error {
				j, err := tx.Job(jobs[0].ID)
				if tried := strings.Contains(j.LastError, "no such kind"); j.State != cache.JobFailed || tried != c.tried {
					t.Errorf("%s: %s", j.State, j.LastError)
				}
				return err
			})
		})
	}
}

// TestDeadHost: a host that has failed for weeks costs one delivery at a time,
// whatever is posted, and gets what takes something back; when it is back, it gets
// all again.
func TestDeadHost(t *testing.T) {
	f := newFediverse(t)
	f.linkUser(louise)
	const dead = "mast.social"
	post := func(id string) int {
		f.publish(louise, feed, f.entry(id, id))
		n := 0
		f.view(func(tx *cache.Tx) error {
			jobs, err := tx.Jobs(cache.JobQuery{Kind: jobDeliver, Host: dead, Limit: 1000})
			n = len(jobs)
			return err
		})
		return n
	}
	f.update(func(tx *cache.Tx) error { _, err := tx.HostFailed(dead, f.clock(), time.Time{}); return err })
	if n := post("a") + post("b"); n != 1+2 {
		t.Fatalf("a host that fails for a moment got %d", n)
	}
	f.deliveries()
	f.pass(deadAfter + time.Hour)
	if post("c") != 1 || post("d") != 1 || post("e") != 1 {
		t.Error("a dead host gets more than one")
	}
	f.retractItem(louise, feed, "a")
	if n := post("f"); n != 2 {
		t.Errorf("a dead host has %d after a retract", n)
	}
	f.deliveries()
	f.update(func(tx *cache.Tx) error { return tx.HostHeard(dead, f.clock()) })
	if post("g") != 1 || post("h") != 2 {
		t.Error("a host that is back is left out")
	}
}

// TestHostBack: the first delivery that a host takes, whatever it is, ends its rest.
func TestHostBack(t *testing.T) {
	f := newFediverse(t)
	f.mast.Script(strings.TrimPrefix(f.ann.Inbox, f.mast.URL), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	actor, err := f.remoteByURI(t.Context(), f.ann.ID)
	f.must(err)
	host := hostname(actor.Inbox)
	f.update(func(tx *cache.Tx) error {
		for range circuitAfter {
			if _, err := tx.HostFailed(host, f.clock(), f.clock().Add(-time.Second)); err != nil {
				return err
			}
		}
		return nil
	})
	f.follows(f.louise, f.ann, cache.FollowAccepted)
	f.must(f.unfollowActor(t.Context(), stanza.JID(louise), actor))
	var jobs []cache.Job
	f.update(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Lease(cache.LeaseQuery{Kinds: []string{jobDeliver}, Now: f.clock(), Limit: 1, For: time.Minute})
		return err
	})
	if len(jobs) != 1 {
		t.Fatal("nothing to deliver")
	}
	if f.runJob(t.Context(), groups[0], jobs[0]) == 0 {
		f.view(func(tx *cache.Tx) error {
			j, err := tx.Job(jobs[0].ID)
			t.Fatal("not delivered: ", j.LastError, err)
			return nil
		})
	}
	f.view(func(tx *cache.Tx) error {
		h, err := tx.Host(host)
		if h.Failures != 0 || !h.CircuitUntil.IsZero() || !h.FailingSince.IsZero() {
			t.Errorf("still failing: %+v", h)
		}
		return err
	})
}

// TestClockAhead: what was noted while the clock was a year ahead is not waited
// for when it is right again.
func TestClockAhead(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.deliveries()
	right := w.clock()
	lease := func() int {
		n := 0
		w.update(func(tx *cache.Tx) error {
			jobs, err := tx.Lease(cache.LeaseQuery{Now: w.clock(), Limit: 10, For: time.Minute, PerHost: 4})
			for _, j := range jobs {
				n++
				err = errors.Join(err, tx.Retry(j.ID, w.clock().Add(time.Minute), "it failed", true))
			}
			return err
		})
		return n
	}
	w.pass(365 * 24 * time.Hour)
	w.publish(louise, feed, w.entry("a", "a"))
	w.freshen(t.Context(), a)
	w.must(w.tidy(t.Context()))
	if lease() == 0 {
		t.Fatal("no job")
	}
	w.update(func(tx *cache.Tx) error {
		_, err := tx.HostFailed("mast.social", w.clock(), w.clock().Add(circuitMost))
		return err
	})
	w.mu.Lock()
	w.now = right
	w.mu.Unlock()
	w.update(func(tx *cache.Tx) error { return tx.Enqueue(w.botJob(louise, "hello")) })
	if lease() == 0 {
		t.Error("jobs wait for a year")
	}
	a, err := w.accountOf(t.Context(), louise, "")
	w.must(err)
	if w.since(a.Reach.Pull) < pullEvery {
		t.Errorf("a node that was read in a year is not read before: %v", a.Reach.Pull)
	}
	if w.since(w.clock().Add(time.Second)) > time.Minute {
		t.Error("a second is taken for a wrong clock")
	}
}

// TestAfter2038: seconds that do not fit into 31 bits are dates like any other.
func TestAfter2038(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.publish(louise, feed, w.entry("before", "before"))
	w.expect("Create")
	w.pass(time.Date(2038, 1, 20, 0, 0, 0, 0, time.UTC).Sub(w.clock()))
	w.prune(t.Context())
	w.publish(louise, feed, w.entry("after", "after"))
	sent := w.expect("Create")
	if at := sent[0].time("published"); at.Unix() <= 1<<31 || at.After(w.clock()) {
		t.Errorf("published %v", at)
	}
	uri := w.remotePost(aliceURI, "late", "public", "")
	w.must(w.store.Index(t.Context()))
	w.view(func(tx *cache.Tx) error {
		page, err := tx.Items(cache.ItemQuery{Service: louise, Node: feed, Viewer: operator})
		if n := len(page.Items); n != 2 || page.Items[0].Item.ItemID != "after" && page.Items[1].Item.ItemID != "after" {
			t.Errorf("%d items", n)
		}
		stored, err2 := tx.PostByURI(uri, operator)
		found, err3 := tx.Search(cache.SearchQuery{Text: "after:2038-01-19", Viewer: operator, Any: true, Limit: 10})
		if len(found.Hits) != 2 || stored.Received.Unix() <= 1<<31 {
			t.Errorf("%d found, received %v", len(found.Hits), stored.Received)
		}
		return errors.Join(err, err2, err3)
	})
	w.update(func(tx *cache.Tx) error {
		if err := tx.Enqueue(w.botJob(louise, "hello")); err != nil {
			return err
		}
		jobs, err := tx.Lease(cache.LeaseQuery{Kinds: []string{jobMessage}, Now: w.clock(), Limit: 10, For: time.Minute})
		if len(jobs) != 1 {
			t.Errorf("%d jobs", len(jobs))
		}
		return err
	})
}

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

// awaitSync waits until a sync is in a state.
func (w *world) awaitSync(target, node string, state cache.SyncState) (s cache.Sync) {
	w.t.Helper()
	w.eventually("the sync to be "+string(state), func() bool {
		w.view(func(tx *cache.Tx) (err error) {
			s, err = tx.Sync(target, node)
			return err
		})
		return s.State == state
	})
	return s
}

// TestSyncNode fetches a node of a service elsewhere: its posts are kept for the
// operator, and nothing goes out. A second time only what changed is new.
func TestSyncNode(t *testing.T) {
	w := newWorld(t)
	const service, node = "pubsub.example.com", "ferns"
	items := []*stanza.Element{w.entry("a", "Adiantum"), w.entry("b", "Blechnum"), w.entry("c", "Cyathea")}
	w.hold(service, node, items...)
	ctx := t.Context()
	said, err := w.Sync(ctx, service, node)
	w.must(err)
	if !strings.Contains(said, "Fetching the history of pubsub.example.com node ferns") {
		t.Error(said)
	}
	if said, err = w.Sync(ctx, "xmpp:PubSub.example.com", node); err != nil || !strings.HasPrefix(said, "Already") {
		t.Errorf("a second sync: %q, %v", said, err)
	}
	w.drain(service, node)
	s := w.awaitSync(service, node, cache.SyncDone)
	if s.Seen != 3 || s.Fresh != 3 {
		t.Errorf("fetched %+v", s)
	}
	w.view(func(tx *cache.Tx) error { // what is said to be fetched is found, without waiting
		found, err := tx.Search(cache.SearchQuery{Text: "Blechnum", Any: true})
		if err == nil && (len(found.Hits) != 1 || found.Behind != 0) {
			t.Errorf("found %d, %d are not in the index", len(found.Hits), found.Behind)
		}
		return err
	})
	w.expect("")
	w.view(func(tx *cache.Tx) error {
		p, err := tx.PostByItem(service, node, "b", operator)
		if err != nil {
			return err
		}
		if p.Post.Owner.URI != translate.JIDURI(service) || p.Post.Visibility != translate.Public || p.Post.Origin != translate.OriginXMPP {
			t.Errorf("kept as %+v", p.Post)
		}
		return nil
	})
	if _, err := w.Sync(ctx, service, node); err != nil {
		t.Fatal(err)
	}
	w.drain(service, node)
	if s = w.awaitSync(service, node, cache.SyncDone); s.Seen != 3 || s.Fresh != 0 {
		t.Errorf("the second time %+v", s)
	}
}

// drain works on the jobs of a sync until it ends.
func (w *world) drain(target, node string) {
	w.t.Helper()
	for range 20 {
		w.pass(syncPause)
		var jobs []cache.Job
		w.update(func(tx *cache.Tx) (err error) {
			jobs, err = tx.Lease(cache.LeaseQuery{Kinds: []string{jobSync}, Now: w.clock(), Limit: 10, For: time.Minute})
			return err
		})
		for _, j := range jobs {
			w.must(w.runSync(w.t.Context(), j))
			w.update(func(tx *cache.Tx) error { return tx.Ack(j.ID) })
		}
		var s cache.Sync
		w.view(func(tx *cache.Tx) (err error) {
			s, err = tx.Sync(target, node)
			return err
		})
		if s.State != cache.SyncRunning {
			return
		}
	}
	w.t.Fatal("the sync does not end")
}

// TestSyncRefused names what cannot be fetched, and why.
func TestSyncRefused(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	for _, c := range []struct{ who, node, want string }{
		{louise, feed, "sending import"},
		{louise, "", "XMPP user here"},
		{aliceJID, "x", "give its handle"},
		{"not an address", "x", "no XMPP address"},
		{"alice@mast.social", "", "no outbox"},
	} {
		if _, err := w.Sync(t.Context(), c.who, c.node); err == nil || !strings.Contains(sayError(err), c.want) {
			t.Errorf("%s %s: %v, want %s", c.who, c.node, err, c.want)
		}
	}
	if _, err := w.StopSync(t.Context(), "pubsub.example.com", "never"); !isKind(err, NotFound) {
		t.Errorf("stopped what was never begun: %v", err)
	}
}

// TestSyncPages follows the pages of a history: to its end, round and round,
// stopped in the middle, and begun again.
func TestSyncPages(t *testing.T) {
	w := newWorld(t)
	start := func(target string) cache.Sync {
		s := cache.Sync{Target: target, State: cache.SyncRunning, StartedAt: w.clock(), UpdatedAt: w.clock()}
		w.update(func(tx *cache.Tx) error { return tx.PutSync(s) })
		return s
	}
	turn := func(s cache.Sync, next string) cache.Sync {
		w.update(func(tx *cache.Tx) error { return w.syncOn(tx, s, synced{next: next, seen: 10, fresh: 4}) })
		w.view(func(tx *cache.Tx) (err error) {
			s, err = tx.Sync(s.Target, s.Node)
			return err
		})
		return s
	}
	s := start("https://mast.social/ends")
	for i := range 5 {
		if s = turn(s, fmt.Sprint("p", i)); s.State != cache.SyncRunning || s.Cursor != fmt.Sprint("p", i) {
			t.Fatalf("after page %d: %+v", i, s)
		}
	}
	if s = turn(s, ""); s.State != cache.SyncDone || s.Pages != 6 || s.Seen != 60 || s.Fresh != 24 || s.Note != "" {
		t.Errorf("at the end: %+v", s)
	}
	s = start("https://mast.social/round")
	for i := 0; s.State == cache.SyncRunning && i < 100; i++ {
		s = turn(s, fmt.Sprint("p", i%7))
	}
	if s.State != cache.SyncDone || s.Pages > 30 || !strings.Contains(s.Note, "go round") {
		t.Errorf("pages that go round: %+v", s)
	}
	s = start("https://mast.social/stopped")
	w.update(func(tx *cache.Tx) error {
		s.State = cache.SyncStopped
		return tx.PutSync(s)
	})
	if s = turn(s, "p1"); s.State != cache.SyncStopped || s.Cursor != "p1" {
		t.Errorf("a page that was under way when it stopped: %+v", s)
	}
}

// TestTidy has the store forget old posts of others once a night, and not in the
// day.
func TestTidy(t *testing.T) {
	w := newWorld(t)
	old := w.remotePost(aliceURI, "old", "public", "")
	w.cfg.Cache.Keep = 24 * time.Hour
	w.cfg.Cache.Quiet.From, w.cfg.Cache.Quiet.To = 3*time.Hour, 5*time.Hour
	held := func() bool { return w.knows(t.Context(), old) }
	night := time.Date(2026, 12, 1, 4, 0, 0, 0, time.Local)
	w.pass(night.Add(-8 * time.Hour).Sub(w.clock()))
	w.must(w.tidy(t.Context()))
	if !held() {
		t.Fatal("the store was tidied in the evening")
	}
	w.pass(8 * time.Hour)
	w.must(w.tidy(t.Context()))
	if held() {
		t.Error("a night left an old post")
	}
	again := w.remotePost(aliceURI, "again", "public", "")
	w.cfg.Cache.Keep = time.Nanosecond
	w.pass(time.Minute)
	w.must(w.tidy(t.Context()))
	if !w.knows(t.Context(), again) {
		t.Error("one night tidied twice")
	}
}

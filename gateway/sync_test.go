package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
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

// TestTidyWait: hours that begin and end between two looks are not missed.
func TestTidyWait(t *testing.T) {
	w := newWorld(t)
	w.cfg.Cache.Quiet.From, w.cfg.Cache.Quiet.To = 3*time.Hour, 3*time.Hour+time.Minute
	w.pass(time.Date(2026, 12, 1, 2, 58, 40, 0, time.Local).Sub(w.clock()))
	if got := w.tidyWait(); got != 80*time.Second {
		t.Errorf("before the hours: %s", got)
	}
	for _, d := range []time.Duration{80 * time.Second, time.Hour} {
		w.pass(d)
		if got := w.tidyWait(); got != tidyLook {
			t.Errorf("in or after the hours: %s", got)
		}
	}
}

// TestSyncNodeRetracts: what is gone when a node is fetched again was retracted,
// unless it is older than all that is held, or the node was not read to its end.
func TestSyncNodeRetracts(t *testing.T) {
	w := newWorld(t)
	const service, node = "pubsub.example.com", "ferns"
	entry := map[string]*stanza.Element{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		entry[id] = w.entry(id, "fern "+id)
		w.pass(time.Hour)
	}
	fetch := func(note string, ids ...string) string {
		t.Helper()
		w.pass(time.Hour)
		w.hold(service, node)
		for id := range entry {
			w.xmpp.nodes[service+" "+node].drop(id)
		}
		for _, id := range ids {
			w.hold(service, node, entry[id])
		}
		_, err := w.Sync(t.Context(), service, node)
		w.must(err)
		w.drain(service, node)
		w.expect("")
		kept := ""
		w.view(func(tx *cache.Tx) error {
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				if _, err := tx.PostByItem(service, node, id, operator); err == nil {
					kept += id
				}
			}
			return nil
		})
		return kept
	}
	if kept := fetch("all", "a", "b", "c", "d", "e"); kept != "abcde" {
		t.Fatalf("kept %s", kept)
	}
	if kept := fetch("c retracted, a dropped", "b", "d", "e"); kept != "abde" {
		t.Errorf("c was retracted and a dropped, kept %s", kept)
	}
	if kept := fetch("emptied"); kept != "abde" {
		t.Errorf("an empty node tells nothing, kept %s", kept)
	}
	w.update(func(tx *cache.Tx) error {
		s, err := tx.Sync(service, node)
		w.must(err)
		s.State, s.StartedAt, s.Pages, s.Mark = cache.SyncRunning, w.clock(), 3, "round"
		w.must(tx.SyncSaw(service, node, []string{"b"}))
		w.must(tx.PutSync(s))
		return w.syncOn(tx, s, synced{next: "round"})
	})
	if kept := fetch("again", "a", "b", "d", "e"); kept != "abde" {
		t.Errorf("a history that goes round tells nothing, kept %s", kept)
	}
	if kept := fetch("d retracted", "a", "b", "e"); kept != "abe" {
		t.Errorf("d was retracted, kept %s", kept)
	}
}

// TestSyncBoosts: the boosts of a history are kept with what they boost, which its
// origin says everybody may see; nobody is told.
func TestSyncBoosts(t *testing.T) {
	f := newFediverse(t)
	everybody := aptest.Doc{"to": many(as2.Public)}
	boost := func(by *aptest.Actor, of any, change aptest.Doc) aptest.Doc {
		return with(with(by.Activity(as2.TypeAnnounce, of), everybody), change)
	}
	private := with(f.carl.Note("For followers."), aptest.Doc{"to": many(f.carl.Followers), "cc": nil})
	f.mast.Serve(strings.TrimPrefix(private["id"].(string), f.mast.URL), private)
	mine := f.ourPost("mine", "Mine.")
	want := []aptest.Doc{boost(f.ann, f.carl.Note("Neighbour.")["id"], nil), boost(f.ann, f.mal.Note("Stranger.")["id"], nil), boost(f.ann, mine, nil)}
	not := []aptest.Doc{
		boost(f.ann, private["id"], nil), boost(f.ann, "https://mast.test/none", nil), boost(f.carl, f.carl.Note("His own.")["id"], nil),
		boost(f.ann, f.carl.Note("Quietly.")["id"], aptest.Doc{"to": many(f.ann.Followers)}),
		boost(f.ann, f.mal.Note("From elsewhere.")["id"], aptest.Doc{"id": f.mal.ID + "/boost"}),
	}
	var items []any
	for _, d := range append(want, not...) {
		items = append(items, d)
	}
	f.mast.Serve("/users/ann/outbox", aptest.Doc{"@context": as2.ContextAS2, "id": f.ann.Outbox, "type": as2.TypeOrderedCollection, "orderedItems": items})
	sync := func() cache.Sync {
		t.Helper()
		_, err := f.Sync(t.Context(), f.ann.ID, "")
		f.must(err)
		f.drain(f.ann.ID, "")
		var s cache.Sync
		f.view(func(tx *cache.Tx) (err error) {
			s, err = tx.Sync(f.ann.ID, "")
			return err
		})
		return s
	}
	if s := sync(); s.State != cache.SyncDone || s.Fresh != len(want) {
		t.Errorf("%+v", s)
	}
	for _, d := range want {
		if got := f.held(d["id"].(string)); got != "public ann boost" {
			t.Errorf("boost of %s: %q", d["object"], got)
		}
		f.view(func(tx *cache.Tx) error {
			b, err := tx.PostByURI(d["id"].(string), operator)
			if err == nil && (b.Post.Item == nil || b.Post.Boost != d["object"]) {
				t.Errorf("kept as %+v", b.Post)
			}
			return err
		})
	}
	for _, d := range not {
		if got := f.held(d["id"].(string)); got != "absent" {
			t.Errorf("boost of %s: %q", d["object"], got)
		}
	}
	if asked := f.asked(); asked != "" {
		t.Errorf("somebody was told: %s", asked)
	}
	before := len(f.evil.Fetched())
	if s := sync(); s.Fresh != 0 {
		t.Errorf("the second time %+v", s)
	}
	if after := len(f.evil.Fetched()); after != before {
		t.Errorf("fetched again: %v", f.evil.Fetched()[before:])
	}
}

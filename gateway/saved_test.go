package gateway

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// runFoundJobs compares new posts with saved searches and runs what that queued.
func (w *world) runFoundJobs() {
	w.t.Helper()
	w.must(w.store.Index(w.t.Context()))
	_, err := w.matchFresh(w.t.Context())
	w.must(err)
	var jobs []cache.Job
	w.view(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Jobs(cache.JobQuery{Kind: jobFound, Limit: 1000})
		return err
	})
	for _, j := range jobs {
		w.must(w.runFound(w.t.Context(), j))
		w.update(func(tx *cache.Tx) error { return tx.DeleteJob(j.ID) })
	}
}

// TestSavedSearch shows the life of a search that is kept: it is read, told of
// live, and nobody else's to see.
func TestSavedSearch(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.searchable(a)
	w.linkUser(pierre)
	say := func(user, text string) string {
		answer, _ := w.obey(t.Context(), stanza.JID(user), text)
		return answer
	}
	for _, c := range []struct{ says, want string }{
		{"saved", "You have no saved searches."},
		{"save", "Write it like this: save"},
		{"save ferns", "Give a name"},
		{"save ferns is:fern", "I cannot read that search at character 4, “fern”"},
		{"save Ferns fern -moss", "Saved ferns. Subscribe to xmpp:ap.example.org?;node=urn%3Axmpp%3Aisthmus%3Asearch%3Aferns"},
		{"saved", "ferns: fern -moss"},
		{"forget lichen", "no saved search of that name"},
	} {
		if got := say(pierre, c.says); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.says, got, c.want)
		}
	}
	node := NodeSearchPrefix + "ferns"
	w.publish(louise, feed, w.entry("old", "An old fern."))
	w.must(w.store.Index(t.Context()))
	if got := w.titles(pierre+"/desk", node); len(got) != 1 || got[0] != "An old fern." {
		t.Errorf("the node shows %q", got)
	}
	// Absent and somebody else's are the same to the byte, but for the name.
	mine := strings.Join(w.titles(louise, node), "")
	none := strings.Join(w.titles(louise, NodeSearchPrefix+"never"), "")
	if mine != none || !strings.Contains(mine, "item-not-found") {
		t.Errorf("a stranger is told %q, and of an absent node %q", mine, none)
	}
	for _, from := range []string{louise, pierre} {
		nodes := w.xmpp.ask("get", from, ourComponent, stanza.New(stanza.NSDiscoItems, "query")).String()
		if strings.Contains(nodes, node) != (from == pierre) {
			t.Errorf("%s sees %s", from, nodes)
		}
	}
	if got := w.subscription("subscribe", louise, node); got.Get("type") != "error" {
		t.Errorf("a stranger may subscribe: %s", got)
	}
	if got := w.subscription("subscribe", pierre+"/desk", node); got.Get("type") != "result" {
		t.Fatalf("the owner may not subscribe: %s", got)
	}
	w.pass(1e9)
	w.publish(louise, feed, w.entry("moss", "fern and moss"))
	w.pass(1e9)
	w.publish(louise, feed, w.entry("new", "A new fern."))
	w.runFoundJobs()
	if title, _ := w.awaitEvent(pierre, node); title != "A new fern." {
		t.Errorf("told of %q", title)
	}
	w.pass(1e9)
	w.publish(louise, feed, w.entry("new", "A new oak."))
	w.runFoundJobs()
	if _, gone := w.awaitEvent(pierre, node); gone == "" {
		t.Error("an edit that does not match any more is not told")
	}
	w.pass(1e9)
	w.publish(louise, feed, w.entry("moss", "fern alone"))
	w.runFoundJobs()
	if title, _ := w.awaitEvent(pierre, node); title != "fern alone" {
		t.Errorf("told of %q", title)
	}
	w.retractItem(louise, feed, "moss")
	w.runFoundJobs()
	if _, gone := w.awaitEvent(pierre, node); gone == "" {
		t.Error("a deletion is not told")
	}
	if got := w.subscription("unsubscribe", pierre, node); got.Get("type") != "result" {
		t.Errorf("unsubscribing: %s", got)
	}
	w.pass(1e9)
	w.publish(louise, feed, w.entry("late", "A late fern."))
	w.view(func(tx *cache.Tx) error {
		waiting, err := tx.FreshPosts(10)
		if len(waiting) > 0 {
			t.Errorf("nobody watches, and %d posts wait", len(waiting))
		}
		return err
	})
	if got := say(pierre, "forget ferns"); !strings.Contains(got, "The search ferns (fern -moss) is deleted.") || !strings.HasSuffix(got, "To do it, send: forget ferns yes") {
		t.Errorf("forget asks %q", got)
	}
	if got := say(pierre, "forget ferns yes"); got != "Deleted the search ferns." {
		t.Errorf("forget says %q", got)
	}
}

// TestSavedBounds shows that nobody keeps searches without end, that strangers
// keep none, and that those of who left are not compared.
func TestSavedBounds(t *testing.T) {
	w := newWorld(t)
	w.searchable(w.linkUser(louise))
	w.linkUser(pierre)
	for i := range savedMost {
		_, err := w.Save(t.Context(), pierre, fmt.Sprintf("n%d fern", i))
		w.must(err)
	}
	if _, err := w.Save(t.Context(), pierre, "more fern"); !isKind(err, Forbidden) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := w.Save(t.Context(), "eve@evil.test", "mine fern"); !isKind(err, Forbidden) {
		t.Errorf("a stranger: %v", err)
	}
	w.subscription("subscribe", pierre, NodeSearchPrefix+"n1")
	_, err := w.Unlink(t.Context(), pierre, "")
	w.must(err)
	w.publish(louise, feed, w.entry("f", "A fern."))
	w.must(w.store.Index(t.Context()))
	_, err = w.matchFresh(t.Context())
	w.must(err)
	w.view(func(tx *cache.Tx) error {
		jobs, err := tx.Jobs(cache.JobQuery{Kind: jobFound, Limit: 10})
		if len(jobs) > 0 {
			t.Errorf("who left is told: %+v", jobs)
		}
		return err
	})
}

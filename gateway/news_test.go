package gateway

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"isthmus/cache"
)

// news runs the jobs that are due by now, and gives what Louise is told.
func (w *world) news() (out []string) {
	w.t.Helper()
	var jobs []cache.Job
	w.view(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Jobs(cache.JobQuery{Kind: jobNews, Limit: 1000})
		return err
	})
	for _, j := range jobs {
		if j.RunAt.After(w.clock()) {
			continue
		}
		w.must(w.runNews(w.t.Context(), j))
		w.update(func(tx *cache.Tx) error { return tx.DeleteJob(j.ID) })
	}
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	for _, el := range w.xmpp.sent {
		if el.Name == "message" && el.Get("from") == ourComponent && el.Get("to") == louise {
			out = append(out, el.ChildContent("", "body"))
		}
	}
	w.xmpp.sent = nil
	return out
}

// TestNews shows that likes, however many, are told in few messages, and those of
// one person once (SEC-41).
func TestNews(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	w.publish(louise, feed, w.entry("one", "First."))
	uri := w.expect("Create")[0].uri
	w.news()
	expect := func(want ...string) {
		t.Helper()
		if got := w.news(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	like := func(i int) {
		who := fmt.Sprintf("https://mast.social/users/u%d", i)
		w.actor(who, fmt.Sprintf("u%d@mast.social", i), fmt.Sprintf(`u%d\40mast.social@ap.example.org`, i))
		w.reaction(who, who+"/l", uri, "")
	}
	w.reaction(aliceURI, aliceURI+"/l", uri, "")
	expect()
	for i := range 41 {
		like(i)
	}
	w.pass(newsSoon)
	expect("Alice (@alice@mast.social) and 41 others like your post “First.”")
	for i := range 100 {
		w.undo(aliceURI, fmt.Sprintf("%s/l%d", aliceURI, i), uri, "")
		w.reaction(aliceURI, fmt.Sprintf("%s/l%d", aliceURI, i+1), uri, "")
	}
	w.pass(time.Hour)
	expect()
	for i := 50; i < 52; i++ {
		like(i)
	}
	w.pass(newsSoon)
	expect("U50 (@u50@mast.social) and 1 other like your post “First.”")
	like(60)
	w.pass(newsSoon)
	expect() // more so soon waits
	w.pass(newsAgain)
	expect("U60 (@u60@mast.social) likes your post “First.”")
	w.reaction(bobURI, bobURI+"/r", uri, "🌱")
	w.pass(newsSoon)
	expect("Bob (@bob@pub.test) reacted 🌱 to your post “First.”")
	w.pass(newsLife)
	w.update(func(tx *cache.Tx) error {
		_, err := tx.ForgetNews(w.clock(), 1000)
		return err
	})
	like(70)
	w.pass(newsSoon)
	expect("U70 (@u70@mast.social) likes your post “First.”")
}

// TestNewsMeanwhile shows that what comes while a message is sent is told by the
// next one, and that a message whose end was not noted goes out under the same id.
func TestNewsMeanwhile(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	note := func(actor string) {
		w.update(func(tx *cache.Tx) error {
			return w.tell(tx, cache.News{User: a.JID, Kind: newsFollow, Actor: actor})
		})
	}
	note(aliceURI)
	var seen cache.Untold
	w.view(func(tx *cache.Tx) (err error) {
		seen, err = tx.Untold(a.JID, newsFollow, 1)
		return err
	})
	note(bobURI) // the lane is busy: no job of its own
	if jobs := w.jobs(jobNews); len(jobs) != 1 {
		t.Fatalf("%d jobs", len(jobs))
	}
	w.update(func(tx *cache.Tx) error { return tx.MarkTold(seen, w.clock()) })
	w.pass(newsSoon)
	if got := w.news(); !slices.Equal(got, []string{"Bob (@bob@pub.test) follows you now."}) {
		t.Errorf("told %q", got)
	}
}

// TestNewsOfManyPosts shows that likes of many posts are told in one message.
func TestNewsOfManyPosts(t *testing.T) {
	w := newWorld(t)
	w.linkUser(louise)
	var posts []string
	for i := range 8 {
		w.publish(louise, feed, w.entry(fmt.Sprintf("p%d", i), fmt.Sprintf("Number %d.", i)))
		posts = append(posts, w.expect("Create")[0].uri)
	}
	w.news()
	for i, uri := range posts {
		w.reaction(aliceURI, fmt.Sprintf("%s/l%d", aliceURI, i), uri, "")
	}
	w.reaction(bobURI, bobURI+"/l", posts[1], "")
	w.retractItem(louise, feed, "p2")
	w.pass(newsSoon)
	want := "Alice (@alice@mast.social) likes your post “Number 0.”\nAlice (@alice@mast.social) and 1 other like your post “Number 1.”\n" +
		"Alice (@alice@mast.social) likes your post “Number 3.”\nAlice (@alice@mast.social) likes your post “Number 4.”\n… and likes of 3 more of your posts"
	if got := w.news(); len(got) != 1 || got[0] != want {
		t.Errorf("told %q", got)
	}
	w.reaction(bobURI, bobURI+"/l5", posts[5], "")
	w.pass(newsSoon)
	if got := w.news(); len(got) != 0 {
		t.Errorf("told %q so soon", got)
	}
	w.pass(newsAgain)
	if got := w.news(); !slices.Equal(got, []string{"Bob (@bob@pub.test) likes your post “Number 5.”"}) {
		t.Errorf("told %q", got)
	}
}

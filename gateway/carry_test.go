package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

const (
	newsService = "pubsub.example.org"
	eve         = "eve@example.org"
)

// newsNode links a node of a service, which Bob follows.
func (w *world) newsNode() cache.Account {
	w.t.Helper()
	w.xmpp.node(newsService, "news", nodeOpen)
	_, err := w.Link(w.t.Context(), newsService, "news")
	w.must(err)
	w.running.Wait()
	a, err := w.accountOf(w.t.Context(), newsService, "news")
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: bobURI, Followee: a.URI, State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	w.pass(2 * time.Second)
	return a
}

// posts puts an item into the node, as the service stamps it.
func (w *world) posts(publisher string, item *stanza.Element) {
	w.t.Helper()
	w.hold(newsService, "news", item)
	w.event(newsService, publisher, "news", item)
}

// sentTo sorts deliveries by what they are and where they go.
func sentTo(list []sentActivity) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Type+" "+hostname(a.inbox))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestCarried follows what a linked user posts in somebody else's node: it is
// theirs, the node announces it, and its followers get what becomes of it.
func TestCarried(t *testing.T) {
	w := newWorld(t)
	p := w.linkUser(pierre) // Alice follows
	news := w.newsNode()    // Bob follows
	item := w.entry("n1", "News by Pierre.")
	w.posts(pierre+"/phone", item)
	made := w.deliveries()
	if got := sentTo(made); got != "Announce pub.test, Create mast.social, Create pub.test" {
		t.Fatalf("sent %q", got)
	}
	uri := ""
	for _, a := range made {
		switch {
		case a.Type == "Create" && (a.Object["attributedTo"] != p.URI || !slices.Contains(a.Cc, news.URI)):
			t.Errorf("the Create is %+v", a)
		case a.Type == "Create":
			uri = a.uri
		case a.uri != uri || !slices.Contains(a.Cc, w.addr.Followers(acctOf(news))):
			t.Errorf("the Announce is %+v", a)
		}
	}
	s := w.site()
	if outbox := s.get(w.addr.Outbox(acctOf(news))+"?page=0", asPeer, ""); !strings.Contains(outbox.Body.String(), uri) {
		t.Errorf("the outbox of the node is %s", outbox.Body)
	}

	w.posts("", item) // as Prosody answers
	w.posts(pierre, item)
	w.pull(t.Context(), news, true)
	w.expect("")

	w.pass(time.Second)
	w.posts(pierre, w.entry("n1", "Better news by Pierre."))
	if got := sentTo(w.deliveries()); got != "Update mast.social, Update pub.test" {
		t.Errorf("the edit sent %q", got)
	}
	w.retractItem(newsService, "news", "n1")
	gone := w.deliveries()
	if got := sentTo(gone); got != "Delete mast.social, Delete pub.test" || gone[0].uri != uri {
		t.Errorf("the retract sent %q", got)
	}
	if got := s.get(uri, asPeer, ""); got.Code != http.StatusGone {
		t.Errorf("what was retracted answers %d", got.Code)
	}
}

// TestWhoseItIs says in whose name an item of a node goes out, by who published
// it.
func TestWhoseItIs(t *testing.T) {
	for _, c := range []struct {
		name, publisher, want string // the owner: pierre, news, or nobody
		before                func(w *world)
	}{
		{"linked", pierre, "pierre", nil},
		{"not linked", eve, "news", nil},
		{"of another server", "mallory@evil.test", "news", nil},
		{"not stamped", "", "news", nil},
		{"the service", newsService, "news", nil},
		{"one of our actors", aliceJID, "", nil},
		{"paused", pierre, "", func(w *world) { w.obey(w.t.Context(), pierre, "pause") }},
		{"left", pierre, "news", func(w *world) { w.obey(w.t.Context(), pierre, "unlink yes") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.linkUser(pierre)
			news := w.newsNode()
			if c.before != nil {
				c.before(w)
				w.running.Wait()
				w.deliveries()
			}
			w.posts(c.publisher, w.entry("n1", "News."))
			var owners []string
			for _, a := range w.deliveries() {
				if a.Type == "Create" {
					owner, _ := a.Object["attributedTo"].(string)
					owners = append(owners, owner)
				}
			}
			want := map[string][]string{"pierre": {p.URI, p.URI}, "news": {news.URI}}[c.want]
			if !slices.Equal(owners, want) {
				t.Errorf("goes out as by %v, want %v", owners, want)
			}
		})
	}
}

// TestNotYetTheirs shows that what somebody wrote before they linked is not
// theirs on the fediverse, and that a link makes nothing theirs afterwards.
func TestNotYetTheirs(t *testing.T) {
	w := newWorld(t)
	news := w.newsNode()
	old := w.entry("old", "Before.")
	w.posts(pierre, w.entry("n1", "Before the link."))
	if made := w.expect("Create"); made[0].Object["attributedTo"] != news.URI {
		t.Errorf("sent %+v", made)
	}
	w.pass(time.Hour)
	w.linkUser(pierre)
	w.posts(pierre, old)
	if made := w.expect("Create"); made[0].Object["attributedTo"] != news.URI {
		t.Errorf("sent %+v", made)
	}
	w.posts(pierre, w.entry("n1", "Edited after the link."))
	if made := w.expect("Update"); made[0].Object["attributedTo"] != news.URI {
		t.Errorf("sent %+v", made)
	}
}

// TestOverwritten shows that nobody edits in a node what somebody else published
// there, however the service lets them.
func TestOverwritten(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		want                bool
	}{
		{"their own", pierre, pierre, true},
		{"somebody else's", pierre, eve, false},
		{"a linked one's, of one who has not", eve, pierre, false},
		{"nobody says by whom", pierre, "", false},
		{"nobody says by whom, of one who has not linked", eve, "", false},
		{"nobody ever said", "", "", true},
		{"nobody said at first", "", eve, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.linkUser(pierre)
			w.newsNode()
			w.posts(c.first, w.entry("n1", "The first."))
			w.deliveries()
			w.pass(time.Minute)
			w.posts(c.second, w.entry("n1", "The second."))
			if got := types(w.deliveries()); strings.HasPrefix(got, "Update") != c.want || !c.want && got != "" {
				t.Errorf("sent %q", got)
			}
		})
	}
}

// TestFirstStamp shows that who is known late is known then.
func TestFirstStamp(t *testing.T) {
	w := newWorld(t)
	w.newsNode()
	item := w.entry("n1", "The first.")
	w.posts("", item)
	w.expect("Create")
	w.posts(eve, item)
	w.pass(time.Minute)
	w.posts("mallory@example.org", w.entry("n1", "Overwritten."))
	w.expect("")
	w.posts(eve, w.entry("n1", "The second."))
	w.expect("Update")
}

// TestStampOfTheNews shows that a stamp counts for the payload that it came
// with: an item may be somebody else's by the time that it is fetched.
func TestStampOfTheNews(t *testing.T) {
	w := newWorld(t)
	w.linkUser(pierre)
	news := w.newsNode()
	w.hold(newsService, "news", w.entry("n1", "By whom?"))
	w.event(newsService, pierre, "news", stanza.New("", "item").Set("id", "n1"))
	if made := w.expect("Create"); made[0].Object["attributedTo"] != news.URI {
		t.Errorf("sent %+v", made)
	}
}

// TestCarriedGoes shows what takes the posts of others in a node back.
func TestCarriedGoes(t *testing.T) {
	for name, act := range map[string]func(w *world, news cache.Account){
		"the node closes": func(w *world, news cache.Account) {
			w.access(newsService, "news", nodeClosed)
			w.pull(w.t.Context(), news, false)
		},
		"the node leaves": func(w *world, _ cache.Account) {
			w.obey(w.t.Context(), louise, "unlink pubsub.example.org/news yes")
		},
		"the node was emptied": func(w *world, _ cache.Account) {
			w.xmpp.node(newsService, "news", nodeOpen)
			w.obey(w.t.Context(), louise, "purge pubsub.example.org/news yes")
		},
		"their author leaves": func(w *world, _ cache.Account) { w.obey(w.t.Context(), pierre, "unlink yes") },
		"one was retracted while nobody told": func(w *world, news cache.Account) {
			w.xmpp.node(newsService, "news", nodeOpen, w.xmpp.item(newsService, "news", "n0"))
			w.pull(w.t.Context(), news, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.linkUser(pierre)
			news := w.newsNode()
			w.posts("", w.entry("n0", "The node says."))
			w.pass(time.Minute)
			w.posts(pierre, w.entry("n1", "News by Pierre."))
			uri := ""
			for _, a := range w.deliveries() {
				if a.Type == "Create" {
					uri = a.uri
				}
			}
			w.pass(time.Minute)
			act(w, news)
			w.running.Wait()
			told := map[string]bool{}
			for _, a := range w.deliveries() {
				if a.Type == "Delete" && (a.uri == uri || a.uri == w.addr.ActorURL("pierre@example.net")) {
					told[hostname(a.inbox)] = true
				}
			}
			if !told["mast.social"] || !told["pub.test"] {
				t.Errorf("told: %v", told)
			}
			w.view(func(tx *cache.Tx) error {
				if _, err := tx.PostByURI(uri, operator); err == nil {
					t.Error("it is still here")
				}
				list, err := tx.Outbox(news.URI, operator, cache.Page{Limit: 10})
				for _, b := range list {
					if b.Post.Kind == translate.KindBoost {
						t.Errorf("its boost is still here: %+v", b.Post)
					}
				}
				return err
			})
		})
	}
}

// TestCarriedNarrow shows that a node carries no reply that is not for
// everybody.
func TestCarriedNarrow(t *testing.T) {
	w := newWorld(t)
	w.linkUser(pierre)
	w.newsNode()
	secret := w.remotePost(aliceURI, "secret", "direct", "")
	w.posts(pierre, w.entry("n1", "I answer.", stanza.New(stanza.NSThread, "in-reply-to").Set("ref", secret)))
	if got := sentTo(w.deliveries()); strings.Contains(got, "pub.test") {
		t.Errorf("sent %q", got)
	}
}

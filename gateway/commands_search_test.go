package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// TestSearchPages reads all pages of a search, in chat and by XEP-0050.
func TestSearchPages(t *testing.T) {
	w := newWorld(t)
	w.searchable(w.linkUser(louise))
	const n = 2*pageLines + 3
	for i := range n {
		w.publish(louise, feed, w.entry(fmt.Sprintf("i%d", i), fmt.Sprintf("fern number %d.", i)))
		w.pass(1e9)
	}
	w.must(w.store.Index(t.Context()))
	say := func(text string) string {
		answer, _ := w.obey(t.Context(), stanza.JID(pierre), text)
		return answer
	}
	if got := say("more"); !strings.Contains(got, "nothing to go on with") {
		t.Errorf("more without a search: %q", got)
	}
	first := say("search fern")
	for _, want := range []string{
		fmt.Sprintf("louise (louise@example.org), 2026-11-21: fern number %d.\nhttps://example.org/_ap/@louise@example.org/", n-1),
		"\n\nTo see more, send: more",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is missing in %s", want, first)
		}
	}
	if strings.Contains(first, "xmpp:") || strings.Count(first, "\n") != 3*pageLines {
		t.Errorf("the page is no short list: %s", first)
	}
	if got := say("more"); !strings.Contains(got, fmt.Sprintf("fern number %d.", n-1-pageLines)) || strings.Contains(got, fmt.Sprintf("fern number %d.", n-pageLines)) {
		t.Errorf("the second page is %s", got)
	}
	if got := say("more"); !strings.Contains(got, "fern number 0.") || strings.Contains(got, "To see more") {
		t.Errorf("the last page is %s", got)
	}
	if got := say("more"); !strings.Contains(got, "nothing to go on with") {
		t.Errorf("behind the last page: %q", got)
	}
	say("search fern")
	w.pass(2 * bookmarkLife)
	if got := say("more"); !strings.Contains(got, "nothing to go on with") {
		t.Errorf("long after: %q", got)
	}
	if got := say("search fern is:fern"); !strings.Contains(got, "at character 9, “fern”") {
		t.Errorf("a wrong query: %q", got)
	}
	for text, want := range map[string]string{
		"count fern": "23 posts.", `count "number 3"`: "1 post.", "count moss": "No posts.", "count is:fern": "I cannot read that search at character 4",
	} {
		if got := say(text); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", text, got)
		}
	}
	w.adHocPages(n)
}

// TestSearchAnswers: each hit is two lines, with the one way to open it from a
// chat.
func TestSearchAnswers(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.say(louise, "follow alice@mast.social", "Asked")
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: a.URI, Followee: aliceURI, State: cache.FollowAccepted, Approved: true, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	w.remotePost(aliceURI, "moss", "public", `,"url":"https://mast.social/@alice/1","name":"`+strings.Repeat("and more ", 20)+`"`)
	w.remotePost(aliceURI, "lichen", "direct", "")
	w.publish(louise, feed, w.entry("fern", "A fern."))
	w.forFollowers(louise, "fern")
	w.must(w.store.Index(t.Context()))
	for words, want := range map[string]string{
		"moss":   "\nhttps://mast.social/@alice/1",
		"lichen": "\nNot public; see your chat with " + aliceJID,
		"fern":   "\nIn the node urn:xmpp:microblog:0 of louise@example.org",
	} {
		answer, _ := w.obey(t.Context(), louise, "search "+words)
		first, second, _ := strings.Cut(answer, "\n")
		if "\n"+second != want || len(first) > 260 {
			t.Errorf("search %s: %q, want the way %q", words, answer, want)
		}
	}
}

// TestSearchWarning: what is behind a warning is shown by neither face.
func TestSearchWarning(t *testing.T) {
	w := newWorld(t)
	w.searchable(w.linkUser(louise))
	w.publish(louise, feed, w.entry("i1", "covered fern"))
	w.must(w.store.Update(t.Context(), func(tx *cache.Tx) error {
		s, err := tx.PostByItem(louise, feed, "i1", cache.Viewer{})
		if err != nil {
			return err
		}
		s.Post.Warning = "plants"
		_, _, err = tx.PutPost(s.Post, nil, cache.PutOptions{Received: w.Gateway.now()})
		return err
	}))
	w.must(w.store.Index(t.Context()))
	answer, _ := w.obey(t.Context(), stanza.JID(pierre), "search fern")
	if !strings.Contains(answer, ": [plants]\n") || strings.Contains(answer, "covered") {
		t.Errorf("chat: %s", answer)
	}
	page, err := searchPage(t.Context(), order{w.Gateway, stanza.JID(pierre), "fern"}, "")
	w.must(err)
	if form := page.form().Element().String(); !strings.Contains(form, "[plants]") || strings.Contains(form, "covered") {
		t.Errorf("form: %s", form)
	}
}

// adHocPages turns the pages of a search by XEP-0050.
func (w *world) adHocPages(n int) {
	w.t.Helper()
	step := func(action, session string, form *xmpp.Form) *stanza.Element {
		c := stanza.New(stanza.NSCommands, "command").Set("node", "search").Set("action", action).Set("sessionid", session)
		answer := w.xmpp.ask("set", pierre+"/desk", ourComponent, c.Add(form.Element()))
		if answer.Get("type") == "error" {
			w.t.Fatalf("%s was answered %s", action, answer)
		}
		return answer.Child(stanza.NSCommands, "command")
	}
	id := step("execute", "", nil).Get("sessionid")
	var got []string
	for _, c := range []struct {
		action  string
		form    *xmpp.Form
		rows    int
		actions string
	}{
		{"complete", xmpp.NewForm(xmpp.FormSubmit, "").AddText(fieldWhat, "fern"), pageLines, "next complete"},
		{"next", nil, pageLines, "prev next complete"},
		{"next", nil, n - 2*pageLines, "prev complete"},
		{"prev", nil, pageLines, "prev next complete"},
		{"prev", nil, pageLines, "next complete"},
	} {
		answer := step(c.action, id, c.form)
		table := xmpp.ParseForm(answer.Child(stanza.NSForm, "x"))
		var actions []string
		for a := range answer.Child("", "actions").Elements() {
			actions = append(actions, a.Name)
		}
		if len(table.Items) != c.rows || len(table.Reported) != 5 || strings.Join(actions, " ") != c.actions || answer.Get("status") != "executing" {
			w.t.Errorf("%s: %d rows, %v, %s", c.action, len(table.Items), actions, answer.Get("status"))
		}
		got = append(got, answer.ChildContent("", "note"))
	}
	if want := "Posts 1 to 10|Posts 11 to 20|Posts 21 to 23|Posts 11 to 20|Posts 1 to 10"; strings.Join(got, "|") != want {
		w.t.Errorf("the notes are %q", got)
	}
	if answer := step("complete", id, nil); answer.Get("status") != "completed" {
		w.t.Errorf("the end is %s", answer)
	}
}

// TestBookmarks shows that no crowd of users makes them grow without end.
func TestBookmarks(t *testing.T) {
	b := newBookmarks()
	now := time.Now()
	for i := range bookmarkMost + 10 {
		b.put(bookmark{user: stanza.JID(fmt.Sprint(i)), cursor: "c", at: now})
	}
	if len(b.list) != bookmarkMost {
		t.Errorf("%d are kept", len(b.list))
	}
	if _, ok := b.take("3", now); ok {
		t.Error("the oldest was kept")
	}
}

// TestSuggest shows what suggestions are made of, and that follows of people who
// do not show them are not told.
func TestSuggest(t *testing.T) {
	w := newWorld(t)
	l, p := w.linkUser(louise), w.linkUser(pierre)
	w.update(func(tx *cache.Tx) error {
		for _, uri := range []string{aliceURI, bobURI} {
			a, err := tx.ActorByURI(uri)
			if err != nil {
				return err
			}
			a.Discoverable, a.Indexable = true, true
			if err := tx.PutActor(a); err != nil {
				return err
			}
		}
		for _, f := range [][2]string{{l.URI, aliceURI}, {p.URI, aliceURI}, {p.URI, bobURI}} {
			if err := tx.PutFollow(cache.Follow{Follower: f[0], Followee: f[1], State: cache.FollowAccepted, CreatedAt: w.clock(), UpdatedAt: w.clock()}); err != nil {
				return err
			}
		}
		return nil
	})
	w.remotePost(bobURI, "m", "public", `,"tag":[{"type":"Hashtag","name":"#Moss"}]`)
	suggest := func(user stanza.JID, arg string) string {
		text, err := w.Suggest(t.Context(), user, arg)
		w.must(err)
		return text
	}
	if got := suggest(louise, ""); !strings.Contains(got, "Bob (bob@pub.test): followed by 1 person you may know\nxmpp:"+bobJID) || strings.Contains(got, "Alice") {
		t.Errorf("by follows: %s", got)
	}
	if got := suggest(louise, "#MOSS"); !strings.Contains(got, "Bob (bob@pub.test): 1 post with #moss") || !strings.Contains(got, "isthmus%3Atag%3Amoss") {
		t.Errorf("by hashtag: %s", got)
	}
	if got := suggest(pierre, "moss"); strings.Contains(got, "Bob") {
		t.Errorf("whom one follows is suggested: %s", got)
	}
	for what, hide := range map[string]func(*cache.Account){
		"is hard to find":   func(a *cache.Account) { a.Discoverable = false },
		"only follows":      func(a *cache.Account) { a.State = cache.FollowerOnly },
		"is gone for now":   func(a *cache.Account) { a.State = cache.Paused },
		"has left for good": func(a *cache.Account) { a.State = cache.Unlinked },
	} {
		shy := p
		hide(&shy)
		w.update(func(tx *cache.Tx) error { return tx.PutAccount(shy) })
		if got := suggest(louise, ""); strings.Contains(got, "Bob (") {
			t.Errorf("the follows of somebody who %s are told: %s", what, got)
		}
		w.update(func(tx *cache.Tx) error { return tx.PutAccount(p) })
	}
}

// TestSuggestNodes: nodes in which much is posted are suggested, once they are
// linked and can be found.
func TestSuggestNodes(t *testing.T) {
	w := newWorld(t)
	const service, node, uri = "pubsub.example.org", "news", "xmpp:pubsub.example.org?;node=news"
	w.linkUser(louise)
	w.hold(service, node)
	_, err := w.Link(t.Context(), service, node)
	w.must(err)
	w.publish(service, node, w.tagged("n1", "Ferns #moss", "moss"), w.tagged("n2", "Oaks", "oak"))
	const elsewhere = "pubsub.example.com"
	w.hold(elsewhere, "ferns", w.tagged("e1", "Ferns #moss", "moss"))
	_, err = w.Sync(t.Context(), elsewhere, "ferns")
	w.must(err)
	w.drain(elsewhere, "ferns")
	a, err := w.accountOf(t.Context(), service, node)
	w.must(err)
	suggest := func(arg string) string {
		text, err := w.Suggest(t.Context(), louise, arg)
		w.must(err)
		if strings.Contains(text, elsewhere) {
			t.Errorf("a node that nobody linked is suggested: %s", text)
		}
		return text
	}
	for _, shown := range []bool{true, false} {
		a.Discoverable, a.Indexable = shown, shown
		w.update(func(tx *cache.Tx) error { return tx.PutAccount(a) })
		for arg, why := range map[string]string{"": "2 posts there lately", "moss": "1 post with #moss"} {
			if got := suggest(arg); strings.Contains(got, why+"\n"+uri) != shown || strings.Count(got, uri) > 1 {
				t.Errorf("suggest %s, can be found: %t: %s", arg, shown, got)
			}
		}
	}
}

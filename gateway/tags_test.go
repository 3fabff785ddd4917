package gateway

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// searchable has an account's posts found by everybody.
func (w *world) searchable(a cache.Account) {
	w.t.Helper()
	a.Indexable = true
	w.update(func(tx *cache.Tx) error { return tx.PutAccount(a) })
}

// tagged is an entry with hashtags.
func (w *world) tagged(id, title string, tags ...string) *stanza.Element {
	var cats []*stanza.Element
	for _, t := range tags {
		cats = append(cats, stanza.New(stanza.NSAtom, "category").Set("term", t))
	}
	return w.entry(id, title, cats...)
}

// runNotices runs the queued jobs that tell subscribers.
func (w *world) runNotices() {
	w.t.Helper()
	var jobs []cache.Job
	w.view(func(tx *cache.Tx) (err error) {
		jobs, err = tx.Jobs(cache.JobQuery{Kind: jobNotify, Limit: 1000})
		return err
	})
	for _, j := range jobs {
		w.must(w.runNotify(w.t.Context(), j))
		w.update(func(tx *cache.Tx) error { return tx.DeleteJob(j.ID) })
	}
}

// listed asks a node of the gateway's own for items, and gives their titles.
func (w *world) titles(from, node string, page ...*stanza.Element) []string {
	w.t.Helper()
	items := stanza.New("", "items").Set("node", node)
	answer := w.xmpp.ask("get", from, ourComponent, stanza.New(stanza.NSPubSub, "pubsub").Add(items).Add(page...))
	if answer.Get("type") == "error" {
		return []string{answer.Child("", "error").String()}
	}
	list, _, err := xmpp.ParseItems(answer.Child(stanza.NSPubSub, "pubsub"))
	w.must(err)
	var out []string
	for _, it := range list {
		out = append(out, it.Payload.ChildContent(stanza.NSAtom, "title"))
	}
	return out
}

// titleOf is the title of an item as it would be sent.
func titleOf(it xmpp.Item) string {
	_, rest, _ := strings.Cut(it.Payload.String(), "<title")
	_, rest, _ = strings.Cut(rest, ">")
	title, _, _ := strings.Cut(rest, "<")
	return title
}

// subscription asks for a subscription, or its end.
func (w *world) subscription(op, from, node string) *stanza.Element {
	w.t.Helper()
	jid := string(stanza.JID(from).Bare())
	el := stanza.New("", op).Set("node", node).Set("jid", jid)
	return w.xmpp.ask("set", from, ourComponent, stanza.New(stanza.NSPubSub, "pubsub").Add(el))
}

// awaitEvent waits for a notification from the gateway's own address.
func (w *world) awaitEvent(to, node string) (published, retracted string) {
	w.t.Helper()
	el := w.xmpp.await("news of "+node, func(el *stanza.Element) bool {
		items := el.Child(stanza.NSPubSubEvent, "event").Child("", "items")
		return el.Name == "message" && el.Get("from") == ourComponent && strings.HasPrefix(el.Get("to"), to) && items.Get("node") == node
	})
	items := el.Child(stanza.NSPubSubEvent, "event").Child("", "items")
	return items.Child("", "item").Child(stanza.NSAtom, "entry").ChildContent(stanza.NSAtom, "title"), items.Child("", "retract").Get("id")
}

// TestTagNodes shows who reads what in the nodes of hashtags.
func TestTagNodes(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	w.publish(louise, feed, w.tagged("one", "first #Moss", "Moss"))
	if got := w.titles(pierre, NodeTagPrefix+"moss"); len(got) != 0 {
		t.Errorf("an author who did not ask to be found is shown: %q", got)
	}
	w.searchable(a)
	w.pass(1e9)
	w.publish(louise, feed, w.tagged("two", "second #moss #Fern", "moss", "Fern"))
	w.pass(1e9)
	w.publish(louise, feed, w.tagged("three", "third #MÓSS", "MÓSS"))
	rsm := func(children ...*stanza.Element) *stanza.Element {
		return stanza.New(stanza.NSRSM, "set").Add(children...)
	}
	for _, c := range []struct {
		name, node string
		page       []*stanza.Element
		want       string
	}{
		{"all", "moss", nil, "third #MÓSS|second #moss #Fern|first #Moss"},
		{"any spelling", "%MoSS", nil, ""},
		{"spelt otherwise", "#MoSS", nil, "third #MÓSS|second #moss #Fern|first #Moss"},
		{"another", "fern", nil, "second #moss #Fern"},
		{"unused", "lichen", nil, ""},
		{"oldest first", "moss", []*stanza.Element{rsm(stanza.Text("", "max", "2"))}, "first #Moss|second #moss #Fern"},
		{"an unknown cursor", "moss", []*stanza.Element{rsm(stanza.Text("", "after", "?"))}, "item-not-found"},
		{"no name", "", nil, "item-not-found"},
		{"too long", strings.Repeat("x", 101), nil, "item-not-found"},
		{"not printable", "a\u200bb", nil, "item-not-found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			got := strings.Join(w.titles(pierre, NodeTagPrefix+c.node, c.page...), "|")
			if got != c.want && !(c.want == "item-not-found" && strings.Contains(got, c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	w.t = t
	info := w.xmpp.ask("get", pierre, ourComponent, stanza.New(stanza.NSDiscoInfo, "query").Set("node", NodeTagPrefix+"moss")).String()
	if !strings.Contains(info, "leaf") || !strings.Contains(info, "#moss") {
		t.Errorf("disco#info says %s", info)
	}
	nodes := w.xmpp.ask("get", pierre, ourComponent, stanza.New(stanza.NSDiscoItems, "query")).String()
	if !strings.Contains(nodes, NodeTagPrefix+"moss") || !strings.Contains(nodes, NodeTagPrefix+"fern") || strings.Contains(nodes, "lichen") {
		t.Errorf("disco#items says %s", nodes)
	}
}

// TestTagPages walks a node of a hashtag in both directions, page by page.
func TestTagPages(t *testing.T) {
	w := newWorld(t)
	w.searchable(w.linkUser(louise))
	var want []string
	for i := range 7 {
		title := fmt.Sprintf("post %d", i)
		want = append(want, title)
		w.publish(louise, feed, w.tagged(fmt.Sprintf("i%d", i), title, "moss"))
		w.pass(1e9)
	}
	for _, forward := range []bool{true, false} {
		var got []string
		page := xmpp.Page{Kind: xmpp.Newest, Max: 3}
		if forward {
			page.Kind = xmpp.Oldest
		}
		for {
			res, err := w.listItems(t.Context(), xmpp.ItemsRequest{NodeRequest: xmpp.NodeRequest{Request: xmpp.Request{From: pierre, To: ourComponent}, Node: NodeTagPrefix + "moss"}, Page: page})
			w.must(err)
			if len(res.Items) == 0 {
				break
			}
			for _, it := range res.Items {
				title := titleOf(it)
				if forward {
					got = append(got, title)
				} else {
					got = append([]string{title}, got...)
				}
				byID, err := w.listItems(t.Context(), xmpp.ItemsRequest{NodeRequest: xmpp.NodeRequest{Request: xmpp.Request{From: pierre, To: ourComponent}, Node: NodeTagPrefix + "moss"}, Page: xmpp.Page{Kind: xmpp.ByID, IDs: []string{it.ID, "nonsense"}}})
				w.must(err)
				if len(byID.Items) != 1 || titleOf(byID.Items[0]) != title {
					t.Errorf("%s by its id is %+v", title, byID.Items)
				}
			}
			if page.Kind, page.Cursor = xmpp.Before, res.Items[len(res.Items)-1].ID; forward {
				page.Kind = xmpp.After
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("forward %v: %q, want %q", forward, got, want)
		}
	}
}

// TestTagNews shows that subscribers of a hashtag hear of new posts with it, of
// edits that take it away, and of deletions; and nothing of those they block.
func TestTagNews(t *testing.T) {
	w := newWorld(t)
	w.searchable(w.linkUser(louise))
	p := w.linkUser(pierre)
	node := NodeTagPrefix + "moss"
	if got := w.subscription("subscribe", pierre+"/desk", NodeTagPrefix+"MOSS").String(); !strings.Contains(got, "'subscribed'") && !strings.Contains(got, `"subscribed"`) {
		t.Fatalf("subscribing was answered %s", got)
	}
	w.publish(louise, feed, w.tagged("one", "a post #moss", "Moss"))
	w.runNotices()
	if title, _ := w.awaitEvent(pierre, node); title != "a post #moss" {
		t.Errorf("told of %q", title)
	}
	w.pass(1e9)
	w.publish(louise, feed, w.tagged("one", "a post without", "fern"))
	w.runNotices()
	if title, gone := w.awaitEvent(pierre, node); title != "" || gone == "" {
		t.Errorf("the edit that took the tag away: %q, %q", title, gone)
	}
	w.pass(1e9)
	w.publish(louise, feed, w.tagged("one", "a post #moss again", "moss"))
	w.runNotices()
	if title, _ := w.awaitEvent(pierre, node); title != "a post #moss again" {
		t.Errorf("told of %q", title)
	}
	w.retractItem(louise, feed, "one")
	w.runNotices()
	if _, gone := w.awaitEvent(pierre, node); gone == "" {
		t.Error("the deletion is not told")
	}
	b, err := w.accountOf(t.Context(), louise, "")
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		return tx.PutBlock(cache.Block{Owner: p.URI, Target: b.URI, CreatedAt: w.clock()})
	})
	w.publish(louise, feed, w.tagged("two", "blocked #moss", "moss"))
	w.runNotices()
	w.update(func(tx *cache.Tx) error { _, err := tx.DeleteBlock(p.URI, b.URI); return err })
	w.pass(1e9)
	w.publish(louise, feed, w.tagged("three", "last #moss", "moss"))
	w.runNotices()
	if title, _ := w.awaitEvent(pierre, node); title != "last #moss" {
		t.Errorf("told of %q", title)
	}
	if got := w.subscription("unsubscribe", pierre+"/desk", node); got.Get("type") != "result" {
		t.Errorf("unsubscribing: %s", got)
	}
	if got := w.subscription("unsubscribe", pierre+"/desk", node).String(); !strings.Contains(got, "not-subscribed") {
		t.Errorf("unsubscribing twice: %s", got)
	}
}

// FuzzTagName shows that what is taken for a hashtag's name is folded, short and
// stays what it is.
func FuzzTagName(f *testing.F) {
	for _, s := range []string{"Moss", "#moss", "苔", "a b", "\x00", "ſ", "́x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := tagName(s)
		if !ok {
			return
		}
		if again, ok := tagName(name); !ok || again != name {
			t.Errorf("%q is %q, and that is %q, %v", s, name, again, ok)
		}
	})
}

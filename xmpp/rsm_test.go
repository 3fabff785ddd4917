package xmpp

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isthmus/xmpp/stanza"
)

func TestParsePage(t *testing.T) {
	const order = `<order xmlns='urn:xmpp:order-by:1' by='creation'/>`
	const desc = `<order xmlns='urn:xmpp:order-by:1' by='modification' desc='1'/>`
	set := func(s string) string { return "<set xmlns='http://jabber.org/protocol/rsm'>" + s + "</set>" }
	tests := []struct {
		items, around string
		want          Page // Max 0 stands for -1
	}{
		{"<items/>", "", Page{Kind: Newest}},
		{"<items max_items='20'/>", "", Page{Kind: Newest, Max: 20}},
		{"<items max_items=' +7 '/>", "", Page{Kind: Newest, Max: 7}},
		{"<items max_items='99999999999999999999'/>", "", Page{Kind: Newest, Max: maxCount}},
		{"<items max_items='20'/>", set(""), Page{Kind: Newest, Max: 20, Set: true}},
		{"<items/>", set(""), Page{Kind: Oldest, Set: true}},
		{"<items/>", set("<max>5</max>"), Page{Kind: Oldest, Max: 5, Set: true}},
		{"<items max_items='20'/>", set("<max>5</max>"), Page{Kind: Oldest, Max: 5, Set: true}},
		{"<items max_items='20'/>", set("<before/>"), Page{Kind: Newest, Max: 20, Set: true}},
		{"<items/>", set("<before>a b</before>"), Page{Kind: Before, Cursor: "a b", Set: true}},
		{"<items/>", set("<after>x</after><max>3</max>"), Page{Kind: After, Cursor: "x", Max: 3, Set: true}},
		{"<items/>", set("<after/><max>3</max>"), Page{Kind: Oldest, Max: 3, Set: true}},
		{"<items/>", set("<index>40</index><max>3</max>"), Page{Kind: AtIndex, Index: 40, Max: 3, Set: true}},
		{"<items><item id='b'/><item id='a'/><item id='b'/></items>", "", Page{Kind: ByID, IDs: []string{"b", "a"}}},

		{"<items max_items='4'/>", desc, Page{Kind: Newest, Max: 4, OrderBy: "modification"}},
		{"<items max_items='4'/>", order, Page{Kind: Newest, Reverse: true, Max: 4, OrderBy: "creation"}},
		{"<items/>", order, Page{Kind: Oldest, OrderBy: "creation"}},
		{"<items/>", set("<max>3</max>") + desc, Page{Kind: Newest, Max: 3, Set: true, OrderBy: "modification"}},
		{"<items/>", set("<max>3</max>") + order, Page{Kind: Oldest, Max: 3, Set: true, OrderBy: "creation"}},
		{"<items/>", set("<max>3</max><after>x</after>") + desc, Page{Kind: Before, Cursor: "x", Max: 3, Set: true, OrderBy: "modification"}},
		{"<items/>", set("<max>3</max><before>x</before>") + desc, Page{Kind: After, Cursor: "x", Reverse: true, Max: 3, Set: true, OrderBy: "modification"}},
		{"<items/>", set("<max>3</max><before/>") + desc, Page{Kind: Oldest, Reverse: true, Max: 3, Set: true, OrderBy: "modification"}},
		{"<items/>", set("<max>3</max><after>x</after>") + order, Page{Kind: After, Cursor: "x", Max: 3, Set: true, OrderBy: "creation"}},
		{"<items/>", set("<max>3</max><before>x</before>") + order, Page{Kind: Before, Cursor: "x", Reverse: true, Max: 3, Set: true, OrderBy: "creation"}},
		{"<items/>", set("<max>3</max><before/>") + order, Page{Kind: Newest, Reverse: true, Max: 3, Set: true, OrderBy: "creation"}},
	}
	for _, tt := range tests {
		root := parse(t, "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"+tt.items+tt.around+"</pubsub>")
		if tt.want.Max == 0 {
			tt.want.Max = -1
		}
		got, err := parsePage(root.Child("", "items"), root)
		if err != nil {
			t.Errorf("%s%s: %v", tt.items, tt.around, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s%s:\n%s", tt.items, tt.around, diff)
		}
	}
	bad := []struct{ items, around, condition string }{
		{"<items max_items='-1'/>", "", "bad-request"},
		{"<items max_items='1.5'/>", "", "bad-request"},
		{"<items><item/></items>", "", "bad-request"},
		{"<items/>", set("<max/>"), "bad-request"},
		{"<items/>", set("<max>-3</max>"), "bad-request"},
		{"<items/>", set("<index>x</index>"), "bad-request"},
		{"<items/>", set("<before/><after/>"), "bad-request"},
		{"<items/>", set("<index>1</index><before/>"), "bad-request"},
		{"<items/>", "<order xmlns='urn:xmpp:order-by:1'/>", "feature-not-implemented"},
		{"<items/>", "<order xmlns='urn:xmpp:order-by:1' by='creation' desc='x'/>", "bad-request"},
		{"<items/>", set("<index>1</index>") + desc, "feature-not-implemented"},
	}
	for _, tt := range bad {
		root := parse(t, "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"+tt.items+tt.around+"</pubsub>")
		if _, err := parsePage(root.Child("", "items"), root); !stanza.IsCondition(err, tt.condition) {
			t.Errorf("%s%s: %v, want %s", tt.items, tt.around, err, tt.condition)
		}
	}
}

// client pages through a node as one of the known clients does and returns the
// ids in the order in which it saw them.
type client struct {
	name string
	// first is the query that opens, next the one that follows an answer; nil
	// ends it.
	first func(size int) ItemsQuery
	next  func(size int, set *ResultSet) ItemsQuery
	order string
	// oldestFirst says in which order the pages show items, and forward in
	// which direction they follow each other.
	oldestFirst, forward bool
}

var clients = []client{
	{name: "Movim and Converse towards older",
		first: func(n int) ItemsQuery { return ItemsQuery{MaxItems: n} },
		next:  func(n int, s *ResultSet) ItemsQuery { return ItemsQuery{Max: n, Before: &s.Last} }},
	{name: "Libervia towards older",
		first: func(n int) ItemsQuery { return ItemsQuery{Max: n, Before: new(string)} },
		next:  func(n int, s *ResultSet) ItemsQuery { return ItemsQuery{Max: n, Before: &s.Last} }},
	{name: "slixmpp iterator", oldestFirst: true, forward: true,
		first: func(n int) ItemsQuery { return ItemsQuery{Max: n} },
		next:  func(n int, s *ResultSet) ItemsQuery { return ItemsQuery{Max: n, After: &s.Last} }},
	{name: "newest first by order, onwards", order: "<order xmlns='urn:xmpp:order-by:1' by='creation' desc='true'/>",
		first: func(n int) ItemsQuery { return ItemsQuery{Max: n} },
		next:  func(n int, s *ResultSet) ItemsQuery { return ItemsQuery{Max: n, After: &s.Last} }},
	{name: "newest first by order, from the end", order: "<order xmlns='urn:xmpp:order-by:1' by='creation' desc='true'/>", forward: true,
		first: func(n int) ItemsQuery { return ItemsQuery{Max: n, Before: new(string)} },
		next:  func(n int, s *ResultSet) ItemsQuery { return ItemsQuery{Max: n, Before: &s.First} }},
	{name: "oldest first by order, from the end", order: "<order xmlns='urn:xmpp:order-by:1' by='creation'/>", oldestFirst: true,
		first: func(n int) ItemsQuery { return ItemsQuery{Max: n, Before: new(string)} },
		next:  func(n int, s *ResultSet) ItemsQuery { return ItemsQuery{Max: n, Before: &s.First} }},
}

// TestWalks has every client see every item once, in one order, whatever the
// size of the pages and the bytes that fit in an answer.
func TestWalks(t *testing.T) {
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				n := rapid.IntRange(0, 12).Draw(rt, "items")
				size := rapid.IntRange(1, 14).Draw(rt, "page")
				w := newWorld(n)
				for i := range w.items {
					text := strings.Repeat("x", rapid.IntRange(0, 400).Draw(rt, "bytes"))
					w.items[i].Payload = stanza.Text("urn:e", "e", text)
				}
				r := w.router(t)
				r.services.AnswerBytes = rapid.IntRange(400, 2000).Draw(rt, "budget")
				checkWalk(rt, r, c, size, n)
			})
		})
	}
}

func checkWalk(rt *rapid.T, r *Router, c client, size, n int) {
	var seen []string
	q := c.first(size)
	for range n + 2 {
		req := ItemsIQ(louise, alice, stanza.NSMicroblog, q)
		if c.order != "" {
			order, err := stanza.Parse([]byte(c.order), "", stanza.Limits{})
			if err != nil {
				rt.Fatal(err)
			}
			req.Child("", "pubsub").Add(order)
		}
		payload, err := r.HandleIQ(rt.Context(), iqFrom(req))
		if err != nil {
			rt.Fatalf("%v", err)
		}
		items, set, err := ParseItems(payload)
		if err != nil || set == nil || set.Count != n {
			rt.Fatalf("set %+v, error %v", set, err)
		}
		if len(items) == 0 {
			break
		}
		ids := make([]string, len(items))
		for i, item := range items {
			ids[i] = item.ID
		}
		if len(ids) > size || set.First != ids[0] || set.Last != ids[len(ids)-1] {
			rt.Fatalf("page of %d, %v, has set %+v", size, ids, set)
		}
		// The index counts in the order that the page shows.
		first, _ := strconv.Atoi(strings.TrimPrefix(ids[0], "i"))
		if want := map[bool]int{true: first - 1, false: n - first}[c.oldestFirst]; set.Index != want {
			rt.Fatalf("index %d of %s among %d, want %d", set.Index, ids[0], n, want)
		}
		if c.oldestFirst != c.forward {
			slices.Reverse(ids)
		}
		seen = append(seen, ids...)
		q = c.next(size, set)
	}
	var want []string
	for i := range n {
		want = append(want, "i"+strconv.Itoa(i+1))
	}
	if !c.forward {
		slices.Reverse(want)
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		rt.Fatalf("pages of %d:\n%s", size, diff)
	}
}

// TestListPages has pages of a list, in both directions, hold every entry once.
func TestListPages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 9).Draw(rt, "entries")
		size := rapid.IntRange(1, 10).Draw(rt, "page")
		budget := rapid.IntRange(60, 200).Draw(rt, "budget")
		backwards := rapid.Bool().Draw(rt, "backwards")
		var all []entry
		var want []string
		for i := range n {
			id := strconv.Itoa(i)
			all = append(all, newEntry(id, stanza.New("", "item").Set("node", id)))
			want = append(want, id)
		}
		var seen []string
		p := Page{Kind: Oldest, Max: size, Set: true}
		if backwards {
			p.Kind = Newest
		}
		for {
			list := stanza.New("", "query")
			if err := answerList(list, list, all, p, budget); err != nil {
				rt.Fatal(err)
			}
			var ids []string
			for c := range list.Children("", "item") {
				ids = append(ids, c.Get("node"))
			}
			set := ParseResultSet(list.Child("", "set"))
			if len(ids) == 0 {
				break
			}
			if at, _ := strconv.Atoi(ids[0]); set.Index != at || set.Count != n {
				rt.Fatalf("set %+v of %v", set, ids)
			}
			if backwards {
				seen = append(ids, seen...)
				p = Page{Kind: Before, Cursor: set.First, Max: size, Set: true}
			} else {
				seen = append(seen, ids...)
				p = Page{Kind: After, Cursor: set.Last, Max: size, Set: true}
			}
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestBigItems(t *testing.T) {
	w := newWorld(3)
	w.items[1].Payload = stanza.Text("urn:e", "e", strings.Repeat("&", maxAnswer))
	r := w.router(t)
	ask := func(q ItemsQuery) ([]Item, *ResultSet) {
		el := answer(t, r, ItemsIQ(louise, alice, stanza.NSMicroblog, q))
		if got := len(stanza.Append(nil, el, stanza.NSComponent)); got > 192<<10 {
			t.Errorf("an answer of %d bytes", got)
		}
		items, set, err := ParseItems(reparse(t, el).Child(stanza.NSPubSub, "pubsub"))
		if err != nil {
			t.Fatal(err)
		}
		return items, set
	}
	items, _ := ask(ItemsQuery{})
	if len(items) != 3 || !items[1].NeedsFetch() || items[0].NeedsFetch() {
		t.Errorf("an item that never fits must come without payload: %+v", items)
	}

	half := stanza.Text("urn:e", "e", strings.Repeat("x", maxAnswer*2/3))
	w.items[0].Payload, w.items[1].Payload = half, half
	items, set := ask(ItemsQuery{IDs: []string{"i1", "i2", "i3"}})
	if len(items) != 1 || set == nil || set.Count != 3 {
		t.Errorf("items by name that do not all fit must say so: %d items, set %+v", len(items), set)
	}
	items, set = ask(ItemsQuery{MaxItems: 3})
	if len(items) != 2 || set.Last != "i2" || set.Count != 3 {
		t.Errorf("a cut page: %d items, set %+v", len(items), set)
	}
}

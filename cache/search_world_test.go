package cache

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
)

// vocabulary are the words of random posts and queries.
var vocabulary = []string{"cat", "cats", "dog", "Straße", "天気", "天", "été", "ﬁn"}

// decorate gives the posts of a world what searches ask for.
func (w *world) decorate(t *rapid.T) {
	word := rapid.SampledFrom(vocabulary)
	some := func(what string, of int) bool { return rapid.IntRange(0, of).Draw(t, what) == 0 }
	for i, uri := range w.order {
		p := w.posts[uri]
		p.Text = strings.Join(rapid.SliceOfN(word, 0, 4).Draw(t, "text"), " ")
		if some("long", 1) {
			p.Text += strings.Repeat(" dogged", 5)
		}
		p.HTML = rapid.SampledFrom([]string{"", "<p>" + p.Text + "</p>", p.Text + "<br/>the end"}).Draw(t, "html")
		p.Owner.Name = rapid.SampledFrom([]string{"", "Zed", "Cat Dog"}).Draw(t, "name")
		p.Author = rapid.SampledFrom([]translate.Actor{{}, p.Owner, {Name: "Zed"}, {URI: people[0], Name: "Cats"}}).Draw(t, "author")
		p.Tags = rapid.SliceOfN(rapid.SampledFrom([]string{"Cats", "dogs", "Été"}), 0, 2).Draw(t, "tags")
		p.Lang = rapid.SampledFrom([]string{"", "fr", "pt-BR", "pt", "ptx"}).Draw(t, "lang")
		p.Sensitive = some("sensitive", 3)
		if some("title", 2) {
			p.Title = word.Draw(t, "title")
		}
		if some("warning", 3) {
			p.Warning = word.Draw(t, "warning")
		}
		if some("link", 3) {
			p.Text += " https://x.example/"
		}
		if some("edited", 2) {
			p.Updated = day.Add(time.Duration(rapid.IntRange(i, 30).Draw(t, "updated")) * time.Second)
		}
		for range rapid.IntRange(0, 2).Draw(t, "media") {
			p.Media = append(p.Media, translate.Media{
				URL: "https://m", MediaType: rapid.SampledFrom([]string{"", "image/png", "video/mp4"}).Draw(t, "media type"),
				Alt: rapid.SampledFrom([]string{"", "A Cat", "ÉTÉ", "50%"}).Draw(t, "alt"), Size: int64(rapid.IntRange(0, 3).Draw(t, "size")),
			})
		}
		if some("mention", 2) {
			p.Mentions = []translate.Mention{{Actor: translate.Actor{URI: rapid.SampledFrom(people).Draw(t, "mentioned")}}}
		}
		if some("item", 2) {
			p.Item = &translate.Item{Service: "blog.example", Node: rapid.SampledFrom([]string{"n", "m"}).Draw(t, "node"), ID: fmt.Sprint("i", i)}
		}
		if p.Kind != translate.KindBoost {
			w.shape(t, &p)
		}
		w.posts[uri] = p
	}
}

// shape makes some notes something else.
func (w *world) shape(t *rapid.T, p *translate.Post) {
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		p.Kind = translate.KindArticle
	case 1:
		p.Kind, p.Event = translate.KindEvent, &translate.Event{Start: day, Place: rapid.SampledFrom([]string{"", "Paris"}).Draw(t, "place")}
	case 2:
		p.Kind = translate.KindQuestion
		p.Poll = &translate.Poll{Options: []translate.Option{{Text: "x", Votes: int64(rapid.IntRange(0, 2).Draw(t, "votes"))}}}
	}
}

// asked is a part of a query: its text, and what it means, written plainly.
type asked struct {
	text   string
	match  func(p translate.Post) bool
	boosts bool
}

// asker draws queries for a viewer.
type asker struct {
	t *rapid.T
	w *world
	v Viewer // an operator only if the search is for everything
}

func pick[T any](a asker, what string, list ...T) T { return rapid.SampledFrom(list).Draw(a.t, what) }

// or draws a query; its parts are nested depth deep.
func (a asker) or(depth int) asked {
	q := a.and(depth)
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(a.t, "ors") {
		l, r := q, a.and(depth)
		q = asked{l.text + " OR " + r.text, func(p translate.Post) bool { return l.match(p) || r.match(p) }, l.boosts || r.boosts}
	}
	return q
}

func (a asker) and(depth int) asked {
	q := a.part(depth)
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 2}).Draw(a.t, "ands") {
		l, r := q, a.part(depth)
		q = asked{l.text + pick(a, "and", " ", " AND ", "  ") + r.text, func(p translate.Post) bool { return l.match(p) && r.match(p) }, l.boosts || r.boosts}
	}
	return q
}

func (a asker) part(depth int) asked {
	n := rapid.IntRange(0, 9).Draw(a.t, "part")
	switch {
	case n == 0 && depth > 0:
		q := a.or(depth - 1)
		q.text = "(" + q.text + ")"
		return q
	case n == 1 && depth > 0:
		q := a.part(depth - 1)
		not := pick(a, "not", "-", "NOT ")
		if q.text[0] == '-' { // -- is a dash
			not = "NOT "
		}
		return asked{not + q.text, func(p translate.Post) bool { return !q.match(p) }, q.boosts}
	case n < 5:
		return a.words()
	case n < 8:
		return a.term()
	}
	f := a.filter()
	f.text = "where:" + Quote(f.text)
	return f
}

func (a asker) words() asked {
	first := pick(a, "word", vocabulary...)
	switch rapid.IntRange(0, 3).Draw(a.t, "form") {
	case 0:
		return asked{text: `"` + first + ` ` + pick(a, "word", vocabulary...) + `"`}.words(false)
	case 1:
		cut := pick(a, "prefix", "ca", "stra", "天", "d", "f")
		return asked{text: cut + "*"}.words(true)
	}
	return asked{text: first}.words(false)
}

func (q asked) words(prefix bool) asked {
	want := words(Fold(strings.Trim(q.text, `"*`)))
	q.match = func(p translate.Post) bool {
		if p.Kind == translate.KindBoost {
			return false
		}
		for i, column := range ftsRow(Stored{Post: p}, nil)[1:] {
			if i == authorColumn { // a name is not what the post says
				continue
			}
			have := words(column.(string))
			for i := 0; i+len(want) <= len(have); i++ {
				last := i + len(want) - 1
				if slices.Equal(have[i:last], want[:len(want)-1]) &&
					(have[last] == want[len(want)-1] || prefix && strings.HasPrefix(have[last], want[len(want)-1])) {
					return true
				}
			}
		}
		return false
	}
	return q
}

func (a asker) term() asked {
	who := pick(a, "who", people...)
	by := func(uris ...string) func(p translate.Post) bool {
		return func(p translate.Post) bool { return slices.Contains(uris, p.Owner.URI) }
	}
	at := rapid.IntRange(0, 12).Draw(a.t, "second")
	moment := day.Add(time.Duration(at) * time.Second)
	stamp := moment.Format(time.RFC3339)
	value := func(v string, match func(p translate.Post) bool) asked { return asked{text: v, match: match} }
	return pick(a, "term",
		value("from:"+who, by(who)),
		value("from:@u4@ours.example", by(people[4])),
		value("from:u5@ours", by(people[5])),
		value("from:me", func(p translate.Post) bool { return a.v.Actor != "" && p.Owner.URI == a.v.Actor }),
		value("from:u4", by(people[4])),
		value("from:A.example", func(p translate.Post) bool { return hostOf(p.Owner.URI) == "a.example" }),
		value("from:zed", by(people[2], people[4])), value(`from:"Zed Été"`, by(people[4])), value("from:ze", by()),
		value("from:zed@x", by()), value(`from:"été zed"`, by()),
		value("from:nobody@x", func(translate.Post) bool { return false }),
		value("to:"+who, func(p translate.Post) bool {
			return len(p.Mentions) > 0 && p.Mentions[0].URI == who || visCode(p.Visibility) > 1 && slices.Contains(p.To, who)
		}),
		value("#cats", hasTag("Cats")), value("tag:ete", hasTag("Été")), value("tag:bird", hasTag("bird")),
		a.in("n", "blog.example", "n"), a.in("blog.example", "blog.example", "m"), a.in("blog.example/m", "blog.example", "m"), a.in("s/n", "s", "n"),
		value("lang:pt", func(p translate.Post) bool { return p.Lang == "pt" || p.Lang == "pt-BR" }),
		value("lang:pt-br", func(p translate.Post) bool { return p.Lang == "pt-BR" }),
		value("before:"+stamp, func(p translate.Post) bool { return p.Published.Before(moment) }),
		value("after:"+stamp, func(p translate.Post) bool { return !p.Published.Before(moment) }),
		value("on:2026-11", func(translate.Post) bool { return true }),
		value("is:reply", func(p translate.Post) bool { return p.ReplyTo != "" }),
		asked{"is:boost", func(p translate.Post) bool { return p.Kind == translate.KindBoost }, true},
		value("is:article", func(p translate.Post) bool { return p.Kind == translate.KindArticle }),
		value("is:poll", func(p translate.Post) bool { return p.Kind == translate.KindQuestion }),
		value("is:edited", func(p translate.Post) bool { return !p.Updated.IsZero() }),
		value("is:direct", func(p translate.Post) bool { return p.Visibility == translate.Direct }),
		value("has:media", func(p translate.Post) bool { return len(p.Media) > 0 }),
		value("has:image", func(p translate.Post) bool {
			return slices.ContainsFunc(p.Media, func(m translate.Media) bool { return m.MediaType == "image/png" })
		}),
		value("has:cw", func(p translate.Post) bool { return p.Warning != "" || p.Sensitive }),
		value("has:link", func(p translate.Post) bool { return strings.Contains(p.Text, "https://") }),
		value("has:title", func(p translate.Post) bool { return p.Title != "" }),
		value("has:tag", func(p translate.Post) bool { return len(p.Tags) > 0 }),
		value("has:poll", func(p translate.Post) bool { return p.Poll != nil }),
	)
}

func hasTag(tag string) func(p translate.Post) bool {
	return func(p translate.Post) bool { return slices.Contains(p.Tags, tag) }
}

// in is where a post stands: all are in the node n of s, some somewhere else.
func (a asker) in(value, service, node string) asked {
	return asked{text: "in:" + value, match: func(p translate.Post) bool {
		if !a.v.Operator && visCode(p.Visibility) > 1 && p.Owner.URI != a.v.Actor {
			return false
		}
		switch {
		case value == "n", value == "s/n":
			return true
		case p.Item == nil:
			return false
		case value == "blog.example":
			return p.Item.Service == service
		}
		return p.Item.Service == service && p.Item.Node == node
	}}
}

// filter draws a filter, which stands in the text of the query or beside it.
func (a asker) filter() asked {
	size := int64(rapid.IntRange(0, 3).Draw(a.t, "n"))
	word := pick(a, "word", vocabulary...)
	who := pick(a, "who", people...)
	moment := day.Add(time.Duration(rapid.IntRange(0, 20).Draw(a.t, "second")) * time.Second)
	media := func(test func(m translate.Media) bool) func(p translate.Post) bool {
		return func(p translate.Post) bool { return slices.ContainsFunc(p.Media, test) }
	}
	not := func(f func(p translate.Post) bool) func(p translate.Post) bool {
		return func(p translate.Post) bool { return !f(p) }
	}
	titled := func(p translate.Post) bool { return p.Title == word }
	tagged := func(p translate.Post) bool { return slices.Contains(p.Tags, "Cats") || slices.Contains(p.Tags, "x") }
	lower := func(p translate.Post) bool {
		return slices.ContainsFunc(p.Tags, func(s string) bool { s = strings.ToLower(s); return s == "cats" || s == "été" })
	}
	cat := media(func(m translate.Media) bool { return m.Alt == "A Cat" })
	return pick(a, "filter",
		asked{text: "title == " + word, match: titled}, asked{text: "title != " + word, match: not(titled)},
		asked{text: `title == ""`, match: func(p translate.Post) bool { return p.Title == "" }},
		asked{text: "title exists", match: func(p translate.Post) bool { return p.Title != "" }},
		asked{text: "title >= d", match: func(p translate.Post) bool { return p.Title >= "d" }},
		asked{text: "kind == poll", match: func(p translate.Post) bool { return p.Kind == translate.KindQuestion }},
		asked{text: "kind not-in note,Question", match: func(p translate.Post) bool { return p.Kind != translate.KindNote && p.Kind != translate.KindQuestion }},
		asked{"kind == boost", func(p translate.Post) bool { return p.Kind == translate.KindBoost }, true},
		asked{"kind in boost,event", func(p translate.Post) bool { return p.Kind == translate.KindBoost || p.Kind == translate.KindEvent }, true},
		asked{text: "lang in fr,pt", match: func(p translate.Post) bool { return p.Lang == "fr" || p.Lang == "pt" }},
		asked{text: "lang not-in [\"\",\"pt\"]", match: func(p translate.Post) bool { return p.Lang != "" && p.Lang != "pt" }},
		asked{text: fmt.Sprint("media.size >= ", size), match: media(func(m translate.Media) bool { return m.Size > 0 && m.Size >= size })},
		asked{text: fmt.Sprint("media.size < ", size), match: media(func(m translate.Media) bool { return m.Size > 0 && m.Size < size })},
		asked{text: "media.size between 1,2", match: media(func(m translate.Media) bool { return m.Size == 1 || m.Size == 2 })},
		asked{text: fmt.Sprint("media[1].size == ", size), match: func(p translate.Post) bool { return size > 0 && len(p.Media) > 1 && p.Media[1].Size == size }},
		asked{text: "media.alt ilike %été%", match: media(func(m translate.Media) bool { return m.Alt == "ÉTÉ" })},
		asked{text: "media.alt like A_C%", match: cat}, asked{text: "media.alt not-like A_C%", match: not(cat)},
		asked{text: "media.alt like a%", match: func(translate.Post) bool { return false }},
		asked{text: "media exists", match: func(p translate.Post) bool { return len(p.Media) > 0 }},
		asked{text: "tags overlap Cats,x", match: tagged}, asked{text: "tags disjoint Cats,x", match: not(tagged)},
		asked{text: "tags ioverlap CATS,ÉTÉ", match: lower}, asked{text: "tags idisjoint CATS,ÉTÉ", match: not(lower)},
		asked{text: "sensitive == true", match: func(p translate.Post) bool { return p.Sensitive }},
		asked{text: "sensitive == false", match: func(p translate.Post) bool { return !p.Sensitive }},
		asked{text: "event exists", match: func(p translate.Post) bool { return p.Event != nil }},
		asked{text: `event.place == ""`, match: func(p translate.Post) bool { return p.Event != nil && p.Event.Place == "" }},
		asked{text: "event.place != Paris", match: func(p translate.Post) bool { return p.Event == nil || p.Event.Place != "Paris" }},
		asked{text: fmt.Sprint("poll.options.votes <= ", size), match: func(p translate.Post) bool { return p.Poll != nil && p.Poll.Options[0].Votes <= size }},
		asked{text: "poll.options.votes == 0", match: func(p translate.Post) bool { return p.Poll != nil && p.Poll.Options[0].Votes == 0 }},
		asked{text: "poll.voters == 0", match: func(p translate.Post) bool { return p.Poll != nil }},
		asked{text: "poll.voters exists", match: func(p translate.Post) bool { return p.Poll != nil }},
		asked{text: "poll.multiple == false", match: func(p translate.Post) bool { return p.Poll != nil }},
		asked{text: "media.width exists", match: func(translate.Post) bool { return false }},
		asked{text: "media.width != 0", match: func(translate.Post) bool { return true }},
		asked{text: "author exists", match: func(translate.Post) bool { return true }},
		asked{text: "author.uri == " + who, match: func(p translate.Post) bool { return p.Author.URI == who }},
		asked{text: "author.name != Zed", match: func(p translate.Post) bool { return p.Author.Name != "Zed" }},
		asked{text: "html exists", match: func(p translate.Post) bool { return p.HTML != "" }},
		asked{text: "html ilike %" + word + "%", match: func(p translate.Post) bool { return strings.Contains(strings.ToLower(p.HTML), strings.ToLower(word)) }},
		asked{text: "html like <p>%", match: func(p translate.Post) bool { return strings.HasPrefix(p.HTML, "<p>") }},
		asked{text: "mentions.uri == " + who, match: func(p translate.Post) bool { return len(p.Mentions) > 0 && p.Mentions[0].URI == who }},
		asked{text: "owner.uri != " + who, match: func(p translate.Post) bool { return p.Owner.URI != who }},
		asked{text: "updated > " + moment.Format(time.RFC3339), match: func(p translate.Post) bool { return p.Updated.After(moment) }},
		asked{text: "updated != " + moment.Format(time.RFC3339), match: func(p translate.Post) bool { return !p.Updated.Equal(moment) }},
		asked{text: "published <= " + moment.Format(time.RFC3339), match: func(p translate.Post) bool { return !p.Published.After(moment) }},
		asked{text: "published == 2026-11", match: func(translate.Post) bool { return true }},
		asked{text: "published != 2026", match: func(translate.Post) bool { return false }},
		asked{text: "published in 2025," + moment.Format(time.RFC3339), match: func(p translate.Post) bool { return p.Published.Equal(moment) }},
		asked{text: "received exists", match: func(translate.Post) bool { return true }},
	)
}

// orders are the keys of random orders, with the values that are compared: a
// string, a number, or nil for none.
var orders = map[string]func(p translate.Post) any{
	"published":      func(p translate.Post) any { return float64(p.Published.Unix()) },
	"received":       func(translate.Post) any { return 0.0 },
	"title":          func(p translate.Post) any { return p.Title },
	"owner.uri":      func(p translate.Post) any { return p.Owner.URI },
	"sensitive":      func(p translate.Post) any { return map[bool]float64{true: 1}[p.Sensitive] },
	"updated":        func(p translate.Post) any { return float64(max(p.Published.Unix(), p.Updated.Unix())) },
	"media[0].size":  mediaSize,
	"event.place":    func(p translate.Post) any { return eventPlace(p) },
	"published:asc":  func(p translate.Post) any { return float64(p.Published.Unix()) },
	"-media[0].size": mediaSize,
	"title:desc":     func(p translate.Post) any { return p.Title },
	"html":           func(p translate.Post) any { return p.HTML },
	"author.name":    func(p translate.Post) any { return p.Author.Name },
	"poll.voters":    pollVoters,
}

func mediaSize(p translate.Post) any {
	if len(p.Media) == 0 || p.Media[0].Size == 0 {
		return nil
	}
	return float64(p.Media[0].Size)
}

func pollVoters(p translate.Post) any {
	if p.Poll == nil {
		return nil
	}
	return float64(p.Poll.Voters)
}

func eventPlace(p translate.Post) any {
	if p.Event == nil {
		return nil
	}
	return p.Event.Place
}

// compare orders two posts by one key; none comes last either way.
func compare(a, b any, desc bool) int {
	if a == nil || b == nil {
		return cmp.Compare(map[bool]int{true: 1}[a == nil], map[bool]int{true: 1}[b == nil])
	}
	n := 0
	if s, ok := a.(string); ok {
		n = cmp.Compare(s, b.(string))
	} else {
		n = cmp.Compare(a.(float64), b.(float64))
	}
	if desc {
		return -n
	}
	return n
}

// finds is what a search may find at all, written plainly (issue: who may see).
func (w *world) finds(v Viewer, q SearchQuery, p translate.Post, boosts bool) bool {
	switch {
	case p.Kind == translate.KindBoost && !boosts:
		return false
	case v.Operator, v.Actor != "" && p.Owner.URI == v.Actor:
		return true
	}
	switch p.Visibility {
	case translate.Public:
		return q.Any || !w.shy[p.Owner.URI] || w.follows[[2]string{v.Actor, p.Owner.URI}] == FollowAccepted
	case translate.Unlisted:
		return false
	}
	return v.Actor != ""
}

// TestSearchWorld compares searches of the whole language, with filters and
// orders, for every viewer, with a reader of the same posts who knows no SQL,
// and walks their pages: each hit comes exactly once, in order.
func TestSearchWorld(t *testing.T) {
	s := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		w.decorate(rt)
		err := s.Update(t.Context(), func(tx *Tx) error {
			if err := w.store(tx, rapid.Bool().Draw(rt, "blocks first")); err != nil {
				return err
			}
			if err := w.age(rt, tx); err != nil {
				return err
			}
			if err := indexAll(tx); err != nil {
				return err
			}
			for range 6 {
				w.ask(rt, tx)
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			rt.Fatal(err)
		}
	})
}

// age gives some posts the form in which the first release stored them.
func (w *world) age(t *rapid.T, tx *Tx) error {
	for _, uri := range w.order {
		if !w.deleted[uri] && rapid.Bool().Draw(t, "first form") {
			err := tx.run("UPDATE bodies SET parsed = jsonb(?) WHERE post_id = (SELECT id FROM posts WHERE uri = ?)", firstForm(t, w.posts[uri]), uri)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// ask draws a search and compares what it finds.
func (w *world) ask(t *rapid.T, tx *Tx) {
	v := Viewer{Actor: rapid.SampledFrom(append([]string{"", "", "https://x.sub.a.example/y"}, people...)).Draw(t, "viewer")}
	v.Operator = rapid.IntRange(0, 4).Draw(t, "operator") == 0
	q := SearchQuery{Viewer: v, Any: rapid.Bool().Draw(t, "any"), All: rapid.Bool().Draw(t, "all"), Now: day}
	v.Operator = v.Operator && q.All
	a := asker{t: t, w: w, v: v}
	parts := a.or(2)
	q.Text = parts.text
	match, boosts := parts.match, parts.boosts
	if rapid.IntRange(0, 3).Draw(t, "beside") == 0 {
		f := a.filter()
		read, err := ParseFilter(f.text)
		if err != nil {
			t.Fatal(err)
		}
		q.Filters = []Filter{read}
		boosts = boosts || f.boosts
		match = func(p translate.Post) bool { return parts.match(p) && f.match(p) }
	}
	var keys []string
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "keys") {
		keys = append(keys, rapid.SampledFrom([]string{"published", "received", "title", "owner.uri", "sensitive", "updated", "media[0].size",
			"event.place", "published:asc", "-media[0].size", "title:desc", "html", "author.name", "poll.voters"}).Draw(t, "key"))
		o, err := ParseOrder(keys[len(keys)-1])
		if err != nil {
			t.Fatal(err)
		}
		q.Order = append(q.Order, o)
	}
	want := w.visible(v, func(p translate.Post) bool { return w.finds(v, q, p, boosts) && match(p) })
	slices.Reverse(want)
	slices.SortStableFunc(want, func(x, y string) int {
		for i, k := range keys {
			if n := compare(orders[k](w.posts[x]), orders[k](w.posts[y]), q.Order[i].Desc); n != 0 {
				return n
			}
		}
		return 0
	})
	q.Limit = rapid.IntRange(1, 4).Draw(t, "limit")
	if got := walkAll(t, tx, q); !slices.Equal(got, want) {
		t.Fatalf("Search(%+v):\n got %v\nwant %v", q, got, want)
	}
	countAll(t, tx, q, len(want))
	if len(keys) == 0 { // ranked, it finds the same, each once
		q.Order = []Order{{By: byRelevance, Desc: true}}
		got := walkAll(t, tx, q)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("Search(%+v):\n got %v\nwant %v", q, got, want)
		}
	}
}

// countAll compares counts of a search, to the end and up to some.
func countAll(t *rapid.T, tx *Tx, q SearchQuery, want int) {
	for _, most := range []int{0, 1, 3} {
		got, err := tx.Count(q, most)
		if err != nil {
			t.Fatalf("Count(%+v): %v", q, err)
		}
		if more := most > 0 && want > most; got.More != more || !more && got.Posts != want || more && got.Posts != most {
			t.Fatalf("Count(%+v, %d) = %+v of %d", q, most, got, want)
		}
	}
}

// walkAll goes through the pages of a search to the end.
func walkAll(t interface{ Fatalf(string, ...any) }, tx *Tx, q SearchQuery) (uris []string) {
	for range 1000 {
		res, err := tx.Search(q)
		if err != nil {
			t.Fatalf("Search(%+v): %v", q, err)
		}
		for _, h := range res.Hits {
			uris = append(uris, h.Post.URI)
		}
		if q.Cursor = res.Cursor; q.Cursor == "" {
			return uris
		}
	}
	t.Fatalf("Search(%+v) has no end", q)
	return nil
}

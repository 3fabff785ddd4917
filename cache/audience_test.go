package cache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
)

// world is a random state of the store, kept in Go too.
type world struct {
	posts   map[string]translate.Post
	order   []string // URIs, in the order of ids
	extra   map[[2]string]bool
	follows map[[2]string]FollowState
	let     map[[2]string]bool // followers who were approved
	blocks  map[[2]string]bool
	paused  map[string]bool
	shy     map[string]bool // not indexable
	deleted map[string]bool
}

// people are actors on hosts some of which are below others; the last two are
// ours.
var people = []string{
	"https://a.example/1", "https://a.example/2", "https://sub.a.example/3", "https://b.example/4",
	"https://ours.example/5", "https://ours.example/6",
}

var targets = append([]string{"a.example", "sub.a.example", "b.example", "example"}, people...)

func drawWorld(t *rapid.T) *world {
	w := &world{
		posts: map[string]translate.Post{}, extra: map[[2]string]bool{}, follows: map[[2]string]FollowState{}, let: map[[2]string]bool{},
		blocks: map[[2]string]bool{}, paused: map[string]bool{}, shy: map[string]bool{}, deleted: map[string]bool{},
	}
	person := rapid.SampledFrom(people)
	for i := range rapid.IntRange(1, 12).Draw(t, "posts") {
		owner := person.Draw(t, "owner")
		p := note(fmt.Sprintf("%s/p%d", owner, i), owner, "word")
		p.Published = day.Add(time.Duration(i) * time.Second)
		p.Visibility = rapid.SampledFrom(visCodes).Draw(t, "visibility")
		p.To = rapid.SliceOfN(person, 0, 2).Draw(t, "to")
		p.Tags = []string{"Tag"}
		if i > 0 {
			parent := rapid.SampledFrom(w.order).Draw(t, "parent")
			switch rapid.IntRange(0, 3).Draw(t, "relation") {
			case 0:
				p.Kind, p.Boost, p.Author.URI = translate.KindBoost, parent, w.posts[parent].Owner.URI
			case 1, 2:
				p.ReplyTo = parent
			}
		}
		w.posts[p.URI] = p
		w.order = append(w.order, p.URI)
		if rapid.IntRange(0, 3).Draw(t, "extra") == 0 {
			w.extra[[2]string{p.URI, person.Draw(t, "received by")}] = true
		}
	}
	for range rapid.IntRange(0, 8).Draw(t, "follows") {
		pair := [2]string{person.Draw(t, "follower"), person.Draw(t, "followee")}
		w.follows[pair] = rapid.SampledFrom([]FollowState{FollowAccepted, FollowAccepted, FollowPending, FollowRejected}).Draw(t, "state")
		w.let[pair] = rapid.IntRange(0, 3).Draw(t, "approved") > 0
	}
	for range rapid.IntRange(0, 3).Draw(t, "blocks") {
		owner := ""
		if rapid.Bool().Draw(t, "personal") {
			owner = person.Draw(t, "blocker")
		}
		w.blocks[[2]string{owner, rapid.SampledFrom(targets).Draw(t, "target")}] = true
	}
	for _, a := range people {
		w.shy[a] = rapid.IntRange(0, 3).Draw(t, "shy") == 0
	}
	w.paused[people[4]] = rapid.IntRange(0, 3).Draw(t, "paused") == 0
	for _, uri := range w.order {
		w.deleted[uri] = rapid.IntRange(0, 9).Draw(t, "deleted") == 0
	}
	return w
}

// store puts the world into the store, the blocks before or after the rest.
func (w *world) store(tx *Tx, blocksFirst bool) error {
	steps := []func(*Tx) error{w.storePeople, w.storePosts, w.storeBlocks}
	if blocksFirst {
		slices.Reverse(steps)
		slices.Reverse(steps[1:])
	}
	for _, step := range steps {
		if err := step(tx); err != nil {
			return err
		}
	}
	for uri, deleted := range w.deleted {
		if !deleted {
			continue
		}
		if _, err := tx.DeletePost(uri, w.posts[uri].Owner.URI, day); err != nil && !errors.Is(err, ErrGone) {
			return err
		}
	}
	return nil
}

// names are what people are called.
var names = [...]string{"", "Cat", "Zed", "Cat Dog", "Zed Été", ""}

func (w *world) storePeople(tx *Tx) error {
	for i, a := range people {
		var err error
		if i < 4 {
			err = tx.PutActor(Actor{URI: a, Name: names[i], Indexable: !w.shy[a]})
		} else {
			acc := louise()
			acc.URI, acc.Acct, acc.JID, acc.Indexable = a, fmt.Sprintf("u%d@ours.example", i), fmt.Sprintf("u%d@ours", i), !w.shy[a]
			acc.Name = names[i]
			if w.paused[a] {
				acc.State = Paused
			}
			err = tx.PutAccount(acc)
		}
		if err != nil {
			return err
		}
	}
	for pair, state := range w.follows {
		if err := tx.PutFollow(Follow{Follower: pair[0], Followee: pair[1], State: state, Approved: w.let[pair]}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) storePosts(tx *Tx) error {
	for _, uri := range w.order {
		var extra []string
		for e := range w.extra {
			if e[0] == uri {
				extra = append(extra, e[1])
			}
		}
		if _, _, err := tx.PutPost(w.posts[uri], nil, PutOptions{Received: day.Add(time.Hour), Addressees: extra}); err != nil {
			return err
		}
		if _, err := tx.Place(Placement{Service: "s", Node: "n", ItemID: uri, URI: uri, PlacedAt: day}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) storeBlocks(tx *Tx) error {
	for b := range w.blocks {
		if err := tx.PutBlock(Block{Owner: b[0], Target: b[1]}); err != nil {
			return err
		}
	}
	return nil
}

// blocked reports whether owner blocks actor, or its domain.
func (w *world) blocked(owner, actor string) bool {
	if actor == "" {
		return false
	}
	host := hostOf(actor)
	for b := range w.blocks {
		if b[0] == owner && (b[1] == actor || isDomain(b[1]) && (host == b[1] || strings.HasSuffix(host, "."+b[1]))) {
			return true
		}
	}
	return false
}

// gone reports whether a post is deleted, by itself or with what it boosts.
func (w *world) gone(uri string) bool {
	return w.deleted[uri] || w.posts[uri].Boost != "" && w.gone(w.posts[uri].Boost)
}

// sees is the audience rule, written plainly.
func (w *world) sees(v Viewer, uri string) bool {
	if w.gone(uri) {
		return false
	}
	if v.Operator {
		return true
	}
	if w.blocked("", v.Actor) {
		return false
	}
	p := w.posts[uri]
	return w.mayRead(v, p) && (p.Boost == "" || w.mayRead(v, w.posts[p.Boost]))
}

func (w *world) mayRead(v Viewer, p translate.Post) bool {
	if v.Actor != "" && v.Actor == p.Owner.URI {
		return true
	}
	for _, a := range []string{p.Owner.URI, p.Author.URI} {
		if a == "" {
			continue
		}
		if w.blocked("", a) || w.paused[a] || v.Actor != "" && (w.blocked(a, v.Actor) || w.blocked(v.Actor, a)) {
			return false
		}
	}
	switch {
	case p.Visibility == translate.Public, p.Visibility == translate.Unlisted:
		return true
	case v.Actor == "":
		return false
	case slices.Contains(p.To, v.Actor), w.extra[[2]string{p.URI, v.Actor}]:
		return true
	}
	return p.Visibility == translate.Followers && w.admits(p.Owner.URI, v.Actor)
}

// admits reports whether a follower gets what is for followers only: approved,
// and nobody else on their server follows who is not.
func (w *world) admits(owner, who string) bool {
	for pair, state := range w.follows {
		if pair[1] == owner && hostOf(pair[0]) == hostOf(who) && state == FollowAccepted && !w.let[pair] {
			return false
		}
	}
	return w.follows[[2]string{who, owner}] == FollowAccepted
}

// visible are the URIs that the viewer sees of those that match, in order.
func (w *world) visible(v Viewer, match func(p translate.Post) bool) []string {
	var list []string
	for _, uri := range w.order {
		if w.sees(v, uri) && match(w.posts[uri]) {
			list = append(list, uri)
		}
	}
	return list
}

// answers reports whether a post is a descendant of root.
func (w *world) answers(p translate.Post, root string) bool {
	for p.ReplyTo != "" {
		if p.ReplyTo == root {
			return true
		}
		p = w.posts[p.ReplyTo]
	}
	return false
}

func (w *world) width(width Width, p translate.Post) bool {
	switch width {
	case PublicOnly:
		return p.Visibility == translate.Public
	case PublicOrUnlisted:
		return p.Visibility == translate.Public || p.Visibility == translate.Unlisted
	}
	return true
}

// TestAudience compares every door with the plain rule, for every viewer
// (SEC-25 to 29).
func TestAudience(t *testing.T) {
	s := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		blocksFirst := rapid.Bool().Draw(rt, "blocks first")
		// Every world lives in one update that is rolled back.
		err := s.Update(t.Context(), func(tx *Tx) error {
			if err := w.store(tx, blocksFirst); err != nil {
				return err
			}
			if err := indexAll(tx); err != nil {
				return err
			}
			for _, actor := range append([]string{"", "https://stranger.example/x", "https://x.sub.a.example/y"}, people...) {
				w.check(rt, tx, Viewer{Actor: actor})
			}
			w.check(rt, tx, Viewer{Operator: true})
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			rt.Fatal(err)
		}
	})
}

var errUndo = errors.New("undo")

// indexAll is Index inside a transaction.
func indexAll(tx *Tx) error {
	rows, err := all(tx, tx.store.scanIndexRow, "SELECT "+indexColumns+" FROM "+postsBodies+" WHERE p.indexed = 0 ORDER BY p.id")
	if err != nil {
		return err
	}
	return tx.index(rows)
}

func (w *world) check(t *rapid.T, tx *Tx, v Viewer) {
	same := func(door string, want []string, got []Stored, err error) {
		t.Helper()
		var uris []string
		for _, s := range got {
			uris = append(uris, s.Post.URI)
		}
		if err != nil || !slices.Equal(uris, want) {
			t.Fatalf("%s for %+v:\n got %v\nwant %v\n err %v", door, v, uris, want, err)
		}
	}
	for _, uri := range w.order {
		_, err := tx.PostByURI(uri, v)
		if sees := w.sees(v, uri); sees != (err == nil) || err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatalf("PostByURI(%s) for %+v: %v, may be seen: %v", uri, v, err, sees)
		}
		_, err = tx.PostByItem("s", "n", uri, v)
		if sees := w.sees(v, uri); sees != (err == nil) {
			t.Fatalf("PostByItem(%s) for %+v: %v, may be seen: %v", uri, v, err, sees)
		}
	}
	for _, width := range []Width{AnyWidth, PublicOnly, PublicOrUnlisted} {
		page := Page{Ascending: true, Limit: 100, Width: width}
		in := func(p translate.Post) bool { return w.width(width, p) }
		items, err := tx.Items(ItemQuery{Service: "s", Node: "n", Viewer: v, Width: width, Ascending: true, Limit: 100, Count: true, Position: true})
		same("Items", w.visible(v, in), items.Items, err)
		if items.Count != len(items.Items) {
			t.Fatalf("Items counts %d of %d", items.Count, len(items.Items))
		}
		owner := people[0]
		out, err := tx.Outbox(owner, v, page)
		mine := func(p translate.Post) bool { return in(p) && p.Owner.URI == owner }
		same("Outbox", w.visible(v, mine), out, err)
		n, err := tx.CountOutbox(owner, v, width)
		if n != len(out) || err != nil {
			t.Fatalf("CountOutbox says %d, not %d, %v", n, len(out), err)
		}
		root := w.order[0]
		got, err := tx.Thread(root, v, page)
		same("Thread", w.visible(v, func(p translate.Post) bool { return in(p) && w.answers(p, root) }), got, err)
		n, err = tx.CountThread(root, v, width)
		if n != len(got) || err != nil {
			t.Fatalf("CountThread says %d, not %d, %v", n, len(got), err)
		}
		got, err = tx.Replies(root, v, page)
		same("Replies", w.visible(v, func(p translate.Post) bool { return in(p) && p.ReplyTo == root }), got, err)
		got, err = tx.Boosts(root, v, page)
		same("Boosts", w.visible(v, func(p translate.Post) bool { return in(p) && p.Boost == root }), got, err)
	}
	public := func(p translate.Post) bool { return p.Visibility == translate.Public }
	for _, owner := range people {
		got, err := tx.Admitted(v.Actor, owner)
		if err != nil || got != w.admits(owner, v.Actor) {
			t.Fatalf("Admitted(%s, %s): %v, %v", v.Actor, owner, got, err)
		}
	}
	got, err := tx.Tagged("#tág", v, Page{Ascending: true, Limit: 100})
	same("Tagged", w.visible(v, public), got, err)
	got, err = tx.Tagged("tag", v, Page{Ascending: true, Limit: 100, Indexable: true})
	same("Tagged, indexable", w.visible(v, func(p translate.Post) bool { return public(p) && !w.shy[p.Owner.URI] }), got, err)
	w.checkSearch(t, tx, v)
}

func (w *world) checkSearch(t *rapid.T, tx *Tx, v Viewer) {
	for _, q := range []SearchQuery{{}, {Any: true}, {All: true}, {Text: "word"}, {Text: "word", Any: true}, {Text: "word", All: true}, {Text: "-other"}} {
		q.Viewer, q.Limit = v, 100
		stranger := v
		stranger.Operator = v.Operator && q.All
		want := w.visible(stranger, func(p translate.Post) bool {
			switch {
			case p.Kind == translate.KindBoost:
				return false
			case stranger.Operator, v.Actor != "" && p.Owner.URI == v.Actor:
				return true
			}
			switch p.Visibility {
			case translate.Public:
				return q.Any || !w.shy[p.Owner.URI] || w.follows[[2]string{v.Actor, p.Owner.URI}] == FollowAccepted
			case translate.Unlisted:
				return false
			}
			return v.Actor != "" // what is not for everybody is found by its readers
		})
		slices.Reverse(want)
		res, err := tx.Search(q)
		var uris []string
		for _, h := range res.Hits {
			uris = append(uris, h.Post.URI)
		}
		if err != nil || !slices.Equal(uris, want) {
			t.Fatalf("Search(%+v):\n got %v\nwant %v\n err %v", q, uris, want, err)
		}
	}
}

// TestUnblock: taking a block back shows what only it hid.
func TestUnblock(t *testing.T) {
	s := open(t)
	s.put(t, note("https://sub.a.example/1", "https://sub.a.example/u", "x"))
	seen := func() bool {
		ok := false
		s.view(t, func(tx *Tx) error {
			_, err := tx.PostByURI("https://sub.a.example/1", Viewer{})
			ok = err == nil
			return nil
		})
		return ok
	}
	targets := []string{"a.example", "sub.a.example", "https://sub.a.example/u", "example"}
	for _, b := range targets {
		s.update(t, func(tx *Tx) error { return tx.PutBlock(Block{Target: b}) })
	}
	for i, b := range targets {
		if seen() {
			t.Errorf("seen before %s was unblocked", b)
		}
		s.update(t, func(tx *Tx) error { _, err := tx.DeleteBlock("", b); return err })
		if want := i == len(targets)-1; seen() != want {
			t.Errorf("after %s was unblocked: seen %v", b, !want)
		}
	}
}

// TestPause: a paused account is hidden from the next read on, and comes back.
func TestPause(t *testing.T) {
	s := open(t)
	a := louise()
	s.update(t, func(tx *Tx) error { return tx.PutAccount(a) })
	s.put(t, note("https://example.org/1", a.URI, "x"))
	for _, state := range []AccountState{Paused, Linked, Unlinked, FollowerOnly} {
		s.update(t, func(tx *Tx) error { return tx.SetAccountState(a.URI, state, day) })
		s.view(t, func(tx *Tx) error {
			_, err := tx.PostByURI("https://example.org/1", Viewer{Actor: alice})
			if hidden := state == Paused || state == Unlinked; hidden != errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", state, err)
			}
			_, err = tx.PostByURI("https://example.org/1", Viewer{Actor: a.URI})
			return err
		})
	}
}

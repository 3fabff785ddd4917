package cache

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
)

// TestItemsWalk walks nodes of random content in both directions, in both
// orders, for several viewers, with pages of random sizes: every visible item
// comes once and in order, and Count and Index are right.
func TestItemsWalk(t *testing.T) {
	s := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		err := s.Update(t.Context(), func(tx *Tx) error {
			if err := drawNode(rt, tx); err != nil {
				return err
			}
			for _, actor := range []string{"", bob, alice} {
				for _, modified := range []bool{false, true} {
					for _, width := range []Width{AnyWidth, PublicOrUnlisted} {
						walkNode(rt, tx, ItemQuery{
							Service: "s", Node: "n", Viewer: Viewer{Actor: actor}, Width: width, ByModified: modified,
							Reacted: rapid.Bool().Draw(rt, "reacted"), Count: true, Position: true,
						})
					}
				}
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			rt.Fatal(err)
		}
	})
}

// drawNode fills a node: with few dates, so that many are equal; with edits,
// retracts and deletions; and another node with the same posts.
func drawNode(t *rapid.T, tx *Tx) error {
	for i := range rapid.IntRange(0, 20).Draw(t, "items") {
		p := note(fmt.Sprintf("https://a.example/%d", i), alice, "x")
		p.Published = day.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "published")) * time.Second)
		p.Visibility = rapid.SampledFrom(visCodes).Draw(t, "visibility")
		p.To = rapid.SampledFrom([][]string{nil, {bob}}).Draw(t, "to")
		p.Item = &translate.Item{Service: "s", Node: "n", ID: fmt.Sprintf("i%d", i)}
		received := day.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "received")) * time.Second)
		if _, _, err := tx.PutPost(p, nil, PutOptions{Received: received}); err != nil {
			return err
		}
		if _, err := tx.Place(Placement{Service: "s", Node: "other", ItemID: p.Item.ID, URI: p.URI, PlacedAt: received}); err != nil {
			return err
		}
		if rapid.Bool().Draw(t, "liked") {
			if _, err := tx.PutReaction(Reaction{Actor: bob, Object: p.URI, Kind: Like, CreatedAt: day}); err != nil {
				return err
			}
		}
		var err error
		switch rapid.IntRange(0, 6).Draw(t, "then") {
		case 0:
			p.Text = "edited"
			_, _, err = tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "edited")) * time.Second)})
		case 1:
			_, err = tx.RetractItem("s", "n", p.Item.ID, day)
		case 2:
			_, err = tx.DeletePost(p.URI, alice, day)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walkNode compares all ways through a node with one plain list.
func walkNode(t *rapid.T, tx *Tx, q ItemQuery) {
	want := plainItems(t, tx, q)
	if rapid.Bool().Draw(t, "asked what is known") {
		q.Known = func(s Stored, _ Version) bool { return s.Post.URI != "" }
	}
	for _, ascending := range []bool{true, false} {
		q.Ascending = ascending
		var got []string
		var last string
		for {
			q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
			if ascending {
				q.After = last
			} else {
				q.Before = last
			}
			page, err := tx.Items(q)
			if err != nil {
				t.Fatal(err)
			}
			if page.Count != len(want) || page.Index != len(got) {
				t.Fatalf("count %d index %d, want %d and %d", page.Count, page.Index, len(want), len(got))
			}
			if len(page.Items) == 0 {
				break
			}
			for _, s := range page.Items {
				got = append(got, s.Item.ItemID)
			}
			last = got[len(got)-1]
			checkIndexed(t, tx, q, page)
		}
		q.After, q.Before = "", ""
		if !ascending {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: got %v, want %v", q, got, want)
		}
	}
}

// checkIndexed asks for the same page by its position.
func checkIndexed(t *rapid.T, tx *Tx, q ItemQuery, page ItemPage) {
	q.After, q.Before, q.Start = "", "", page.Index
	again, err := tx.Items(q)
	if err != nil || again.Index != page.Index || len(again.Items) != len(page.Items) || again.Items[0].ID != page.Items[0].ID {
		t.Fatalf("by position %d: %v, %v", q.Start, again, err)
	}
}

// plainItems are the ids of the visible items, oldest first, sorted in Go.
func plainItems(t *rapid.T, tx *Tx, q ItemQuery) []string {
	type item struct {
		id       string
		post     int64
		modified int64
	}
	live, err := tx.NodeItems(q.Service, q.Node, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var list []item
	for _, l := range live {
		s, err := tx.PostByURI(l.URI, q.Viewer)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if q.Width == PublicOrUnlisted && visCode(s.Post.Visibility) > 1 {
			continue
		}
		if reactions, err := tx.Reactions(l.URI, 0, 1); err != nil || q.Reacted && len(reactions) == 0 {
			continue
		}
		list = append(list, item{l.ItemID, s.ID, s.Modified.UnixMilli()})
	}
	slices.SortFunc(list, func(a, b item) int {
		if q.ByModified && a.modified != b.modified {
			return cmp.Compare(a.modified, b.modified)
		}
		return cmp.Compare(a.post, b.post)
	})
	var ids []string
	for _, i := range list {
		ids = append(ids, i.id)
	}
	return ids
}

func TestItemsEdges(t *testing.T) {
	s := open(t)
	for i := range 5 {
		p := note(fmt.Sprintf("https://a.example/%d", i), alice, "x")
		p.Published = day.Add(time.Duration(i) * time.Second)
		p.Item = &translate.Item{Service: "s", Node: "n", ID: fmt.Sprintf("i%d", i)}
		if i == 2 {
			p.Visibility = translate.Direct
		}
		s.put(t, p)
	}
	s.update(t, func(tx *Tx) error { _, err := tx.RetractItem("s", "n", "i3", day); return err })
	s.view(t, func(tx *Tx) error {
		base := ItemQuery{Service: "s", Node: "n", Count: true, Position: true}
		for name, c := range map[string]struct {
			change func(q *ItemQuery)
			want   []string
			err    error
		}{
			"newest first":     {func(*ItemQuery) {}, []string{"i4", "i1", "i0"}, nil},
			"count only":       {func(q *ItemQuery) { q.Limit = -1 }, nil, nil},
			"between":          {func(q *ItemQuery) { q.After, q.Before = "i0", "i4" }, []string{"i1"}, nil},
			"unknown cursor":   {func(q *ItemQuery) { q.Before = "x" }, nil, ErrNotFound},
			"invisible cursor": {func(q *ItemQuery) { q.Before = "i2" }, nil, ErrNotFound},
			"retracted cursor": {func(q *ItemQuery) { q.After = "i3" }, nil, ErrNotFound},
			"owner's cursor":   {func(q *ItemQuery) { q.Before, q.Viewer.Actor = "i2", alice }, []string{"i1", "i0"}, nil},
			"unknown node":     {func(q *ItemQuery) { q.Node = "x" }, nil, nil},
			"its cursor":       {func(q *ItemQuery) { q.Node, q.After = "x", "i1" }, nil, ErrNotFound},
			"past the end":     {func(q *ItemQuery) { q.Start = 10 }, nil, nil},
		} {
			q := base
			c.change(&q)
			page, err := tx.Items(q)
			var got []string
			for _, i := range page.Items {
				got = append(got, i.Item.ItemID)
				if i.Item.Service != "s" || i.Item.Node != "n" {
					t.Errorf("%s: %+v", name, i.Item)
				}
			}
			if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
			if q.Limit < 0 && page.Count != 3 {
				t.Errorf("%s: count %d", name, page.Count)
			}
		}
		list, err := tx.ItemsByID(base, []string{"i1", "x", "i4", "i2", "i3", "i1"})
		if len(list) != 3 || list[0].Item.ItemID != "i1" || list[1].Item.ItemID != "i4" {
			t.Errorf("%v, %v", list, err)
		}
		return err
	})
}

// TestPages walks the other listings.
func TestPages(t *testing.T) {
	s := open(t)
	var uris []string
	for i := range 23 {
		p := note(fmt.Sprintf("https://a.example/%d", i), alice, "x")
		p.Published = day.Add(time.Duration(i/2) * time.Second)
		p.ReplyTo, p.Tags = "https://b.example/root", []string{"t"}
		p.Mentions = []translate.Mention{{Actor: translate.Actor{URI: bob}}}
		s.put(t, p)
		uris = append(uris, p.URI)
	}
	const root = "https://b.example/root"
	s.view(t, func(tx *Tx) error {
		for name, list := range map[string]func(p Page) ([]Stored, error){
			"outbox":   func(p Page) ([]Stored, error) { return tx.Outbox(alice, Viewer{}, p) },
			"tagged":   func(p Page) ([]Stored, error) { return tx.Tagged("t", Viewer{}, p) },
			"replies":  func(p Page) ([]Stored, error) { return tx.Replies(root, Viewer{}, p) },
			"thread":   func(p Page) ([]Stored, error) { return tx.Thread(root, Viewer{}, p) },
			"mentions": func(p Page) ([]Stored, error) { return tx.Mentioning(bob, Viewer{}, p) },
		} {
			for _, ascending := range []bool{true, false} {
				var got []string
				p := Page{Ascending: ascending, Limit: 4}
				for {
					page, err := list(p)
					if err != nil {
						return err
					}
					if len(page) == 0 {
						break
					}
					for _, x := range page {
						got = append(got, x.Post.URI)
					}
					if ascending {
						p.After = page[len(page)-1].ID
					} else {
						p.Before = page[len(page)-1].ID
					}
				}
				if !ascending {
					slices.Reverse(got)
				}
				if !slices.Equal(got, uris) {
					t.Errorf("%s, ascending %v: %v", name, ascending, got)
				}
			}
		}
		return nil
	})
}

func TestThread(t *testing.T) {
	s := open(t)
	// root <- a <- b <- c, with b deleted; root <- d; and a loop x <-> y.
	for i, e := range [][2]string{{"root", ""}, {"a", "root"}, {"b", "a"}, {"c", "b"}, {"d", "root"}, {"x", "y"}, {"y", "x"}} {
		p := note("https://a.example/"+e[0], alice, "x")
		p.Published = day.Add(time.Duration(i) * time.Second)
		if e[1] != "" {
			p.ReplyTo = "https://a.example/" + e[1]
		}
		s.put(t, p)
	}
	s.update(t, func(tx *Tx) error { _, err := tx.DeletePost("https://a.example/b", alice, day); return err })
	names := func(list []Stored) (out []string) {
		for _, x := range list {
			out = append(out, x.Post.URI[len("https://a.example/"):])
		}
		return out
	}
	s.view(t, func(tx *Tx) error {
		thread, err := tx.Thread("https://a.example/root", Viewer{}, Page{Ascending: true})
		if got := names(thread); !slices.Equal(got, []string{"a", "c", "d"}) {
			t.Errorf("thread %v", got)
		}
		loop, err2 := tx.Thread("https://a.example/x", Viewer{}, Page{})
		if got := names(loop); !slices.Equal(got, []string{"y"}) {
			t.Errorf("loop %v", got)
		}
		up, err3 := tx.Ancestors("https://a.example/y", Viewer{}, 100)
		if got := names(up); !slices.Equal(got, []string{"x"}) {
			t.Errorf("ancestors in a loop %v", got)
		}
		up, err4 := tx.Ancestors("https://a.example/c", Viewer{}, 100)
		if got := names(up); got != nil {
			t.Errorf("ancestors behind a deleted post %v", got)
		}
		up, err5 := tx.Ancestors("https://a.example/a", Viewer{}, 100)
		if got := names(up); !slices.Equal(got, []string{"root"}) {
			t.Errorf("ancestors %v", got)
		}
		c, err6 := tx.Counts("https://a.example/root")
		if c != (Counts{Replies: 2}) {
			t.Errorf("%+v", c)
		}
		return errors.Join(err, err2, err3, err4, err5, err6)
	})
}

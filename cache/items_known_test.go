package cache

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/translate"
)

// TestItemsKnown reads a node for somebody who remembers posts by their version:
// they get what others get, whatever changes, and posts of a version that they
// have are not read again.
func TestItemsKnown(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "first")
	p.Item = &translate.Item{Service: "s", Node: "n", ID: "i1"}
	put := func(tx *Tx) error {
		_, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Hour)})
		return err
	}
	known := map[Version]translate.Post{}
	for _, step := range []struct {
		name  string
		do    func(tx *Tx) error
		fresh bool // the post has to be read
		items int
	}{
		{"created", put, true, 1},
		{"nothing", func(*Tx) error { return nil }, false, 1},
		{"the same again", put, false, 1},
		{"liked", func(tx *Tx) error {
			_, err := tx.PutReaction(Reaction{Actor: bob, Object: p.URI, Kind: Like, CreatedAt: day})
			return err
		}, false, 1},
		{"edited", func(tx *Tx) error { p.Text, p.Updated = "second", day.Add(2*time.Hour); return put(tx) }, true, 1},
		{"edited back", func(tx *Tx) error { p.Text, p.Updated = "first", day.Add(3*time.Hour); return put(tx) }, true, 1},
		{"renamed", func(tx *Tx) error { p.Owner.Name = "Alicia"; return put(tx) }, true, 1},
		{"narrowed", func(tx *Tx) error { p.Visibility = translate.Direct; return put(tx) }, false, 0},
		{"widened", func(tx *Tx) error { p.Visibility = translate.Unlisted; return put(tx) }, true, 1},
		{"retracted", func(tx *Tx) error { _, err := tx.RetractItem("s", "n", "i1", day); return err }, false, 0},
		{"forgotten", func(tx *Tx) error {
			id, err := one(tx, value[int64], "SELECT id FROM posts")
			if err != nil {
				return err
			}
			return tx.forget(candidate{id: id, uri: p.URI, indexed: unindexed})
		}, false, 0},
		{"another with its id", func(tx *Tx) error { p.URI, p.Text = "https://a.example/2", "third"; return put(tx) }, true, 1},
		{"deleted", func(tx *Tx) error { _, err := tx.DeletePost(p.URI, alice, day); return err }, false, 0},
	} {
		s.update(t, step.do)
		s.view(t, func(tx *Tx) error {
			q := ItemQuery{Service: "s", Node: "n", Count: true}
			want, err := tx.Items(q)
			if err != nil {
				return err
			}
			fresh := false
			versions := map[int64]Version{}
			q.Known = func(s Stored, v Version) bool {
				_, ok := known[v]
				fresh, versions[s.ID] = fresh || !ok, v
				return ok
			}
			got, err := tx.Items(q)
			if err != nil {
				return err
			}
			for i, s := range got.Items {
				if v := versions[s.ID]; s.Post.URI != "" {
					known[v] = s.Post
				}
				got.Items[i].Post = known[versions[s.ID]]
			}
			if diff := cmp.Diff(want, got); diff != "" || len(got.Items) != step.items || fresh != step.fresh {
				t.Errorf("%s: %d items, read anew: %v %s", step.name, len(got.Items), fresh, diff)
			}
			return nil
		})
	}
}

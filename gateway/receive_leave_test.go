package gateway

import (
	"testing"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// TestReactionsOfWhoLeaves shows that with an actor its likes go from everywhere:
// also from the nodes of users where they stand as comments.
func TestReactionsOfWhoLeaves(t *testing.T) {
	f := newFediverse(t)
	node, post := f.commentsOf(louise, "fern")
	f.asked()
	items := func() (ids []string) {
		f.xmpp.mu.Lock()
		defer f.xmpp.mu.Unlock()
		for _, it := range f.xmpp.nodes[louise+" "+node].items {
			ids = append(ids, it.Get("id")+" "+it.Child(stanza.NSAtom, "entry").ChildContent(stanza.NSAtom, "title"))
		}
		return ids
	}
	likes := func(want int) {
		t.Helper()
		f.view(func(tx *cache.Tx) error {
			n, err := tx.Counts(post)
			if n.Likes != want || n.Reactions != want {
				t.Errorf("there are %+v, want %d of each", n, want)
			}
			return err
		})
		if got := items(); len(got) != want {
			t.Errorf("the comments are %q, want %d", got, want)
		}
	}
	for _, who := range []struct{ like, react map[string]any }{
		{f.carl.Activity(as2.TypeLike, post), f.carl.Activity(as2.TypeEmojiReact, post)},
		{f.ann.Activity(as2.TypeLike, post), f.ann.Activity(as2.TypeEmojiReact, post)},
	} {
		signer := f.carl
		if who.like["actor"] == f.ann.ID {
			signer = f.ann
		}
		who.react["content"] = "🥕"
		f.comes(signer, who.like)
		f.comes(signer, who.react)
		f.run(jobComment, jobAttach)
	}
	likes(2)
	f.comes(f.carl, f.carl.Activity(as2.TypeDelete, f.carl.ID))
	f.run(jobComment, jobAttach, jobNotify)
	likes(1)
	f.view(func(tx *cache.Tx) error {
		left, err := tx.ReactionsOf(f.carl.ID, 10)
		if len(left) > 0 {
			t.Errorf("left are %+v", left)
		}
		return err
	})
}

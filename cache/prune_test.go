package cache

import (
	"context"
	"errors"
	"testing"
	"time"

	"isthmus/translate"
)

// TestPrunePosts: only what can be fetched again and nobody here touched goes.
func TestPrunePosts(t *testing.T) {
	s := open(t)
	us := louise().URI
	post := func(name string, change func(p *translate.Post)) translate.Post {
		p := note("https://a.example/"+name, alice, "x")
		p.Item = &translate.Item{Service: "s", Node: "n", ID: name}
		if change != nil {
			change(&p)
		}
		s.put(t, p)
		return p
	}
	s.update(t, func(tx *Tx) error { return tx.PutAccount(louise()) })
	plain := post("plain", nil)
	post("boosted by a stranger", nil)
	post("for followers", func(p *translate.Post) { p.Visibility = translate.Followers })
	post("mentions us", func(p *translate.Post) { p.Mentions = []translate.Mention{{Actor: translate.Actor{URI: us}}} })
	post("ours", func(p *translate.Post) { p.Owner.URI, p.Origin = us, translate.OriginXMPP })
	answered, liked, shared := post("answered", nil), post("liked", nil), post("commented", nil)
	post("our answer", func(p *translate.Post) {
		p.Owner.URI, p.Origin, p.ReplyTo = us, translate.OriginXMPP, answered.URI
	})
	s.update(t, func(tx *Tx) error {
		_, err := tx.PutReaction(Reaction{Actor: us, Object: liked.URI, Kind: Like, Origin: translate.OriginXMPP})
		_, err2 := tx.PutReaction(Reaction{Actor: bob, Object: plain.URI, Kind: Like, Origin: translate.OriginAP})
		_, err3 := tx.Place(Placement{Service: "pubsub", Node: "comments", ItemID: "i", URI: shared.URI})
		return errors.Join(err, err2, err3)
	})
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.update(t, func(tx *Tx) error {
		if n, err := tx.PrunePosts(day.Add(time.Hour), 10); n != 0 || err != nil {
			t.Errorf("%d young posts were pruned, %v", n, err)
		}
		n, err := tx.PrunePosts(day.Add(2*time.Hour), 1)
		m, err2 := tx.PrunePosts(day.Add(2*time.Hour), 10)
		left, err3 := tx.count("SELECT count(*) FROM posts")
		if n != 1 || m != 1 || left != 7 {
			t.Errorf("%d and %d pruned, %d left", n, m, left)
		}
		return errors.Join(err, err2, err3)
	})
	s.put(t, plain) // comes back as it was
	s.view(t, func(tx *Tx) error {
		_, err := tx.PostByItem("s", "n", "plain", Viewer{})
		return err
	})
}

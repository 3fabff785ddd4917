package cache

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
)

// TestForget: only what can be fetched again and nobody here touched goes.
func TestForget(t *testing.T) {
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
	old := Forgetting{Selection: Selection{Before: day.Add(2 * time.Hour)}}
	for _, tt := range []struct {
		name string
		f    Forgetting
		want int
	}{
		{"young posts", Forgetting{Selection: Selection{Before: day.Add(time.Hour)}}, 0},
		{"another host", Forgetting{Selection: Selection{Host: "b.example"}}, 0},
		{"another kind", Forgetting{Selection: Selection{Kind: translate.KindArticle}}, 0},
		{"another actor", Forgetting{Selection: Selection{Actor: bob}}, 0},
		{"another node", Forgetting{Selection: Selection{Service: "s", Node: "m"}}, 0},
		{"large posts", Forgetting{Selection: Selection{Larger: 1 << 20}}, 0},
		{"what has a rule of its own", Forgetting{Except: []translate.Kind{translate.KindNote}}, 0},
		{"the node", Forgetting{Selection: Selection{Service: "s", Node: "n"}}, 2},
		{"the host", Forgetting{Selection: Selection{Host: "A.example"}}, 2},
		{"everything", Forgetting{}, 2},
	} {
		got, err := s.Forget(context.Background(), tt.f, true, nil)
		if got.Posts != tt.want || got.Kinds[translate.KindNote] != tt.want || err != nil {
			t.Errorf("of %s %+v would be forgotten, %v; want %d", tt.name, got, err, tt.want)
		}
	}
	got, err := s.Forget(context.Background(), old, false, nil)
	again, err2 := s.Forget(context.Background(), old, false, nil)
	if err := errors.Join(err, err2); got.Posts != 2 || got.Bytes == 0 || again.Posts != 0 || err != nil {
		t.Errorf("%+v and %+v were forgotten, %v", got, again, err)
	}
	s.view(t, func(tx *Tx) error {
		left, err := tx.count("SELECT count(*) FROM posts")
		if left != 7 {
			t.Errorf("%d left", left)
		}
		return err
	})
	s.put(t, plain) // comes back as it was
	s.view(t, func(tx *Tx) error {
		_, err := tx.PostByItem("s", "n", "plain", Viewer{})
		return err
	})
}

// TestForgetThreads: a thread is forgotten from its ends; what is answered by a
// post that stays, stays too. What would be forgotten is what is forgotten.
func TestForgetThreads(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		n := rapid.IntRange(1, 40).Draw(rt, "posts")
		parent := make([]int, n)
		keeps := make([]bool, n)
		for i := range n {
			parent[i] = rapid.IntRange(-1, i-1).Draw(rt, "parent")
			keeps[i] = rapid.IntRange(0, 5).Draw(rt, "kept") == 0
			p := note(fmt.Sprintf("https://a.example/%d", i), alice, "x")
			p.Published = day.Add(time.Duration(rapid.IntRange(0, 50).Draw(rt, "minute")) * time.Minute)
			if parent[i] >= 0 {
				p.ReplyTo = fmt.Sprintf("https://a.example/%d", parent[i])
			}
			if keeps[i] {
				p.Visibility = translate.Followers
			}
			s.put(t, p)
		}
		for i := n - 1; i >= 0; i-- { // what is kept keeps what it answers
			if keeps[i] && parent[i] >= 0 {
				keeps[parent[i]] = true
			}
		}
		would, err := s.Forget(context.Background(), Forgetting{}, true, nil)
		did, err2 := s.Forget(context.Background(), Forgetting{}, false, nil)
		if err := errors.Join(err, err2); err != nil || would.Posts != did.Posts || would.Bytes != did.Bytes {
			rt.Fatalf("would forget %+v, did %+v, %v", would, did, err)
		}
		s.view(t, func(tx *Tx) error {
			for i := range n {
				held, err := tx.exists("SELECT 1 FROM posts WHERE uri = ?", fmt.Sprintf("https://a.example/%d", i))
				if err != nil || held != keeps[i] {
					rt.Errorf("post %d is held: %t, want %t, %v", i, held, keeps[i], err)
				}
			}
			return nil
		})
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestForgetCopies: copies of nodes elsewhere are forgotten, what our own people
// wrote is not.
func TestForgetCopies(t *testing.T) {
	s := open(t)
	put := func(jid string) {
		item := translate.Item{Service: jid, Node: "n", ID: "i"}
		s.put(t, translate.Post{
			URI: translate.PubSubURI(jid, "n", "i"), Kind: translate.KindNote, Origin: translate.OriginXMPP,
			Owner: translate.Actor{URI: translate.JIDURI(jid), JID: jid}, Item: &item, Text: "x", Visibility: translate.Public,
		})
	}
	put("pierre@elsewhere.example")
	put("louise@example.org")
	f := Forgetting{Ours: []string{"example.org"}}
	if got, err := s.Forget(context.Background(), f, false, nil); got.Posts != 1 || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	s.update(t, func(tx *Tx) error { return tx.ForgetCopy("louise@example.org", "n", "i") })
	s.view(t, func(tx *Tx) error {
		left, err := tx.count("SELECT count(*) FROM posts")
		if left != 0 {
			t.Errorf("%d left", left)
		}
		return err
	})
}

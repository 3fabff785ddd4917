package cache

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/translate"
)

// beginnings fills a store with posts whose words begin alike, some in most posts
// and some in few.
func beginnings(t *testing.T, s *Store) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	s.update(t, func(tx *Tx) error {
		for i := range 700 {
			var text []string
			for word, of := range map[string]int{"bird": 2, "Bäth": 30, "bus": 300, "cat": 2, "cow": 25, "天気": 9} {
				if r.IntN(of) == 0 {
					text = append(text, word)
				}
			}
			slices.Sort(text)
			p := note(fmt.Sprint("https://h.example/", i), fmt.Sprint("https://h.example/u", i%3), strings.Join(text, " "))
			p.Published = day.Add(time.Duration(i) * time.Second)
			switch i % 40 {
			case 1:
				p.ReplyTo = "https://h.example/0"
			case 2:
				p.Title = "bath tub"
			case 3:
				p.Tags = []string{"bees"}
			case 4:
				p.Kind, p.Boost = translate.KindBoost, "https://h.example/0"
			case 5:
				p.Visibility = translate.Unlisted
			}
			if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Hour)}); err != nil {
				return err
			}
		}
		for i := range 2 {
			if err := tx.PutActor(Actor{URI: fmt.Sprint("https://h.example/u", i), Acct: fmt.Sprint("u", i, "@h.example"), Indexable: true}); err != nil {
				return err
			}
		}
		return indexAll(tx)
	})
}

// TestGlance: a look at the newest posts finds what the index finds, in any page,
// and so does a look at posts that are given.
func TestGlance(t *testing.T) {
	s := open(t)
	beginnings(t, s)
	s.view(t, func(tx *Tx) error {
		for _, text := range []string{
			"b*", "ba*", "bu*", "bus*", "x*", "-b*", "cat b*", "cat -b*", "cow (ba* OR bu*)", "is:reply OR bu*", "-(is:reply ba*)", `"bird c"*`, "天 b*",
			"b* sort:published:asc", "b* has:title", "ba* tag:bees", "b* from:nobody", "is:boost b*", `b* where:"title exists"`, "b* after:2026-11-20T12:05:00Z",
		} {
			for _, v := range []Viewer{{}, {Operator: true}} {
				for _, limit := range []int{25, 90} {
					q := SearchQuery{Text: text, Viewer: v, All: v.Operator, Limit: limit, Now: day}
					want := indexOnly(t, tx, q)
					if got := walkAll(t, tx, q); !slices.Equal(got, want) {
						t.Errorf("%s by %d for %+v: %d found, want %d", text, limit, v, len(got), len(want))
					}
					if q.Within.Posts = everyID(t, tx); strings.Contains(text, "asc") {
						slices.Reverse(want)
						q.Text = strings.TrimSuffix(text, " sort:published:asc")
					}
					if got := walkAll(t, tx, q); !slices.Equal(got, want) {
						t.Errorf("%s by %d for %+v, among those given: %d found, want %d", text, limit, v, len(got), len(want))
					}
				}
			}
		}
		return nil
	})
}

// indexOnly is what the index finds of a search.
func indexOnly(t *testing.T, tx *Tx, q SearchQuery) (uris []string) {
	t.Helper()
	a, ok, err := q.read()
	if err != nil || !ok {
		t.Fatalf("%+v: %v", q, err)
	}
	found, err := tx.walked(a, 5000)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	for _, c := range found {
		uri, err := one(tx, value[string], "SELECT uri FROM posts WHERE id = ?", c.ID)
		if err != nil {
			t.Fatal(err)
		}
		uris = append(uris, uri)
	}
	return uris
}

func everyID(t *testing.T, tx *Tx) []int64 {
	t.Helper()
	ids, err := all(tx, value[int64], "SELECT id FROM posts")
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestGlanceEnds: a beginning that most posts have is answered from the newest
// posts, and one that few have is left to the index.
func TestGlanceEnds(t *testing.T) {
	s := open(t)
	beginnings(t, s)
	s.view(t, func(tx *Tx) error {
		for text, want := range map[string]bool{"b*": true, "bi*": true, "bird": false, "bird*": false, "bus*": false, "bu*": false, "b* sort:title": false, "b* sort:relevance": false} {
			a, _, err := SearchQuery{Text: text, All: true, Viewer: Viewer{Operator: true}}.read()
			if err != nil {
				return err
			}
			found, ok, err := tx.glance(a, 20)
			if err != nil || ok != want || ok && len(found) != 20 {
				t.Errorf("%s: %d posts, %t, %v", text, len(found), ok, err)
			}
		}
		return nil
	})
}

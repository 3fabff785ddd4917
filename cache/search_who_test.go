package cache

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"isthmus/translate"
)

// crowd adds people called zed on many hosts, each with two posts: a public one,
// and one to the person before.
func crowd(t testing.TB, s *Store, n int) {
	t.Helper()
	s.update(t, func(tx *Tx) error {
		for i := range n {
			uri := func(i int) string { return fmt.Sprintf("https://z%d.example/zed", i) }
			if err := tx.PutActor(Actor{URI: uri(i), Acct: fmt.Sprintf("zed@z%d.example", i), Indexable: true}); err != nil {
				return err
			}
			for j := range 2 {
				p := note(fmt.Sprintf("%s/%d", uri(i), j), uri(i), "crowd")
				p.Published = day.Add(time.Duration(2*i+j) * time.Second)
				if j == 1 && i%2 == 0 {
					p.Mentions = []translate.Mention{{Actor: translate.Actor{URI: uri((i + n - 1) % n)}}}
				} else if j == 1 {
					p.Visibility, p.To = translate.Direct, []string{uri(i - 1)}
				}
				if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Hour)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestManyPeople: a name without a host is everybody who has it, also where it
// is to be left out.
func TestManyPeople(t *testing.T) {
	for _, n := range []int{2, maxArms, maxPeople, maxPeople + 1, 3 * maxPeople} {
		s := open(t)
		library(t, s)
		crowd(t, s, n)
		s.view(t, func(tx *Tx) error {
			for text, want := range map[string]int{
				"from:zed":                       2 * n,
				"from:zed -is:direct":            2*n - n/2,
				"crowd -from:zed":                0,
				"-from:zed":                      7,
				"from:zed OR from:u":             2*n + 7,
				"from:zed from:z1.example":       2,
				"to:zed":                         n,
				"-to:zed":                        n + 7,
				"to:zed from:zed is:direct":      n / 2,
				"from:zed@z1.example":            2,
				"from:ze":                        0,
				"from:zed lang:de":               0,
				"(from:zed is:public) OR to:zed": 2 * n,
			} {
				q := SearchQuery{Text: text, Viewer: Viewer{Operator: true}, All: true, Limit: 7}
				got := walkAll(t, tx, q)
				if len(got) != want || len(slices.Compact(slices.Sorted(slices.Values(got)))) != want {
					t.Errorf("%s of %d finds %d, want %d", text, n, len(got), want)
				}
			}
			return nil
		})
	}
}

package cache

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
)

// TestWithin compares parts of a search with the whole of it.
func TestWithin(t *testing.T) {
	s := open(t)
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	owners := []string{"https://a.example/1", "https://b.example/2"}
	s.update(t, func(tx *Tx) error {
		for i, o := range owners {
			if err := tx.PutActor(Actor{URI: o, Acct: fmt.Sprintf("n%d@x.example", i), Indexable: true}); err != nil {
				return err
			}
		}
		if err := tx.PutSavedSearch(SavedSearch{Owner: "me@example.org", Name: "n", Query: "fern", Watched: true}); err != nil {
			return err
		}
		for i := range 40 {
			p := translate.Post{
				URI: fmt.Sprintf("https://a.example/p%d", i), Kind: translate.KindNote, Origin: translate.OriginAP, Visibility: translate.Public,
				Owner: translate.Actor{URI: owners[i%2], JID: "j@x.example"}, Text: "fern", Published: day.Add(time.Duration(i*7%40) * time.Hour),
			}
			if i%3 == 0 {
				p.Text = "moss"
			}
			if i%4 == 0 {
				p.Tags = []string{"Moss"}
			}
			if i%5 < 2 {
				p.Item = &translate.Item{Service: "j@x.example", Node: fmt.Sprintf("node%d", i%5), ID: fmt.Sprint(i)}
			}
			if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day.AddDate(0, 0, 9)}); err != nil {
				return err
			}
			if i%6 == 0 {
				if err := tx.Freshen(p.URI); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	var whole []Hit
	s.view(t, func(tx *Tx) error {
		res, err := tx.Search(SearchQuery{Limit: 500, Order: []Order{{By: "published"}}})
		whole = res.Hits
		return err
	})
	if len(whole) != 40 {
		t.Fatalf("%d posts", len(whole))
	}
	number := func(h Hit) (i int) {
		_, _ = fmt.Sscanf(h.Post.URI, "https://a.example/p%d", &i)
		return i
	}
	rapid.Check(t, func(t *rapid.T) {
		some := func(name string) int64 {
			if rapid.Bool().Draw(t, name+" open") {
				return 0
			}
			return rapid.SampledFrom(whole).Draw(t, name).ID + int64(rapid.IntRange(-1, 1).Draw(t, name+" beside"))
		}
		x := Within{After: some("after"), Before: some("before"), Fresh: rapid.Bool().Draw(t, "fresh")}
		x.Owner = rapid.SampledFrom([]string{"", owners[0], owners[1], "https://nobody.example/"}).Draw(t, "owner")
		x.Tag = rapid.SampledFrom([]string{"", "", "#MOSS", "fern"}).Draw(t, "tag")
		if x.Node = rapid.SampledFrom([]string{"", "", "node0", "node1", "node2"}).Draw(t, "node"); x.Node != "" {
			x.Service = "j@x.example"
		}
		text := rapid.SampledFrom([]string{"", "fern", "-fern", "moss OR fern"}).Draw(t, "text")
		desc := rapid.Bool().Draw(t, "newest first")
		var want, got []int
		for _, h := range whole {
			i := number(h)
			fern := i%3 != 0
			if h.ID > x.After && (x.Before == 0 || h.ID < x.Before) && (!x.Fresh || i%6 == 0) && (x.Owner == "" || x.Owner == owners[i%2]) &&
				(x.Tag == "" || x.Tag == "#MOSS" && i%4 == 0) && (x.Node == "" || x.Node == fmt.Sprintf("node%d", i%5) && i%5 < 2) &&
				(text != "fern" || fern) && (text != "-fern" || !fern) {
				want = append(want, i)
			}
		}
		if desc {
			slices.Reverse(want)
		}
		err := s.View(t.Context(), func(tx *Tx) error {
			res, err := tx.Search(SearchQuery{Text: text, Limit: 500, Order: []Order{{By: "published", Desc: desc}}, Within: x})
			for _, h := range res.Hits {
				got = append(got, number(h))
			}
			return err
		})
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%+v %q: %v, want %v (%v)", x, text, got, want, err)
		}
	})
}

package cache

import (
	"fmt"
	"testing"
	"time"
)

// TestFilterDates: a year, month or day of a filter is all of it, as in the
// language, and what counts back counts from the time of the search.
func TestFilterDates(t *testing.T) {
	s := open(t)
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i, at := range []string{"2026-11-20T23:59:59.999Z", "2026-11-21T00:00:00Z", "2026-11-21T23:59:59.999Z", "2026-11-22T00:00:00Z", "2026-12-01T00:00:00Z"} {
		p := note(fmt.Sprintf("https://h.example/%d", i), alice, "x")
		var err error
		if p.Published, err = time.Parse(time.RFC3339, at); err != nil {
			t.Fatal(err)
		}
		s.update(t, func(tx *Tx) error {
			_, _, err := tx.PutPost(p, nil, PutOptions{Received: p.Published})
			return err
		})
	}
	for text, want := range map[string]string{
		"== 2026-11-21":                        "12",
		"!= 2026-11-21":                        "034",
		"< 2026-11-21":                         "0",
		"<= 2026-11-21":                        "012",
		"> 2026-11-21":                         "34",
		">= 2026-11-21":                        "1234",
		"between 2026-11-21,2026-11-21":        "12",
		"between 2026-11-20,2026-11-21":        "012",
		"between 2026-11-21T00:00:00Z,2026":    "1234",
		"in 2026-11-20,2026-12":                "04",
		"not-in 2026-11-20,2026-12":            "123",
		"overlap 2026-11-21":                   "12",
		"ioverlap 2026-11-21":                  "12",
		"== 2026-11":                           "0123",
		"> 2026-11":                            "4",
		"== 2026":                              "01234",
		"== 2026-11-21T00:00:00Z":              "1",
		"> 2026-11-21T00:00:00Z":               "234",
		"<= 2026-11-21T00:00:00Z":              "01",
		"> 9d":                                 "234",
		"between 10d,8d":                       "0123",
		`== "2026-11-21"`:                      "12",
		`in ["2026-11-21","2026-12-01T00:00"]`: "124",
	} {
		f, err := ParseFilter("published " + text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, q := range []SearchQuery{{Filters: []Filter{f}}, {Text: "where:" + Quote("published "+text)}} {
			q.Any, q.Now, q.Order = true, now, []Order{{By: "published"}}
			got := ""
			s.view(t, func(tx *Tx) error {
				res, err := tx.Search(q)
				for _, h := range res.Hits {
					got += h.Post.URI[len(h.Post.URI)-1:]
				}
				return err
			})
			if got != want {
				t.Errorf("published %s finds %s, want %s", text, got, want)
			}
		}
	}
}

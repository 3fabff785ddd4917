package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/translate"
)

const (
	alice = "https://a.example/alice"
	bob   = "https://b.example/bob"
	carol = "https://c.example/carol"
)

// whole is a post with every field filled.
func whole() translate.Post {
	return translate.Post{
		URI: "https://a.example/1", Kind: translate.KindArticle, Origin: translate.OriginAP,
		Owner:  translate.Actor{URI: alice, Handle: "alice@a.example", JID: `alice\40a.example@ap`, Name: "Alice"},
		Author: translate.Actor{URI: bob, Handle: "bob@b.example", JID: `bob\40b.example@ap`, Name: "Bob"},
		Title:  "Title", HTML: "<p>x &lt; y</p>", Text: "x < y \u2028 \x00 \"quoted\" 🎉", Lang: "de", Summary: "sum",
		Translations: []translate.Translation{{Lang: "en", Title: "T", HTML: "<p>h</p>", Text: "h"}},
		Source:       &translate.Source{Content: "x < y", MediaType: "text/markdown"},
		Warning:      "cw", Sensitive: true, Tags: []string{"Café", "two"},
		Mentions: []translate.Mention{{Actor: translate.Actor{URI: carol, Name: "C"}, Text: "@carol"}},
		Emoji:    []translate.Emoji{{Shortcode: "blob", URL: "https://e", MediaType: "image/png", ID: "e1"}},
		Media:    []translate.Media{{URL: "https://m", MediaType: "image/jpeg", Alt: "alt", Size: 7, Width: 1, Height: 2, Duration: "PT1S", Blurhash: "b", Focus: &[2]float64{0.5, -1}}},
		Links:    []translate.Link{{URL: "https://l", Title: "l", MediaType: "text/html"}},
		URL:      "https://a.example/@alice/1", ReplyTo: "https://b.example/0", ReplyRef: &translate.Item{Service: "s", Node: "n", ID: "r"},
		Quote: "https://q", Thread: "tag:x", Visibility: translate.Followers, To: []string{"https://a.example/alice/followers"}, Cc: []string{carol},
		Item:      &translate.Item{Service: `alice\40a.example@ap`, Node: "urn:xmpp:microblog:0", ID: "i1"},
		Comments:  &translate.Node{Service: "s", Name: "urn:xmpp:microblog:0:comments/i1"},
		Published: day.Add(123456 * time.Microsecond), Updated: day.Add(time.Hour),
	}
}

func TestPostRoundTrip(t *testing.T) {
	s := open(t)
	want := whole()
	raw := []byte(`{"type":"Article"}`)
	s.update(t, func(tx *Tx) error {
		_, change, err := tx.PutPost(want, raw, PutOptions{Received: day.Add(2 * time.Hour), RawType: "application/atom+xml", Via: "outbox"})
		if change != Created {
			t.Error(change)
		}
		return err
	})
	s.view(t, func(tx *Tx) error {
		got, err := tx.PostByURI(want.URI, Viewer{Actor: alice})
		if diff := cmp.Diff(want, got.Post); diff != "" {
			t.Error(diff)
		}
		if err != nil {
			return err
		}
		if got.ID>>idBits != want.Published.UnixMilli() || !got.Received.Equal(day.Add(2*time.Hour)) {
			t.Errorf("%+v", got)
		}
		back, kind, err := tx.Raw(want.URI, Viewer{Actor: alice})
		if string(back) != string(raw) || kind != "application/atom+xml" || err != nil {
			t.Error(string(back), kind, err)
		}
		if _, _, err := tx.Raw(want.URI, Viewer{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("a stranger read the document: %v", err)
		}
		placed, err := tx.Placements(want.URI)
		wantPlaced := []Placement{{
			Service: want.Item.Service, Node: want.Item.Node, ItemID: "i1", URI: want.URI, Publisher: want.Owner.JID, Life: 1,
			Via: "outbox", PlacedAt: day.Add(2 * time.Hour),
		}}
		if diff := cmp.Diff(wantPlaced, placed); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

// TestOddText: text that is not UTF-8 is repaired, never refused.
func TestOddText(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "a\xffb\x00c")
	s.put(t, p)
	s.view(t, func(tx *Tx) error {
		got, err := tx.PostByURI(p.URI, Viewer{})
		if got.Post.Text != "a\uFFFDb\x00c" {
			t.Errorf("%q", got.Post.Text)
		}
		return err
	})
}

func TestPutPostChanges(t *testing.T) {
	base := note("https://a.example/1", alice, "text")
	base.Updated = day.Add(time.Minute)
	for name, c := range map[string]struct {
		change func(p *translate.Post)
		want   Change
		err    error
	}{
		"again":         {func(*translate.Post) {}, Same, nil},
		"later again":   {func(p *translate.Post) { p.Updated = day.Add(time.Hour) }, Same, nil},
		"renamed":       {func(p *translate.Post) { p.Owner.Name, p.Owner.JID = "New", "new@x" }, Same, nil},
		"order of cc":   {func(p *translate.Post) { p.Cc = []string{carol, bob} }, Same, nil},
		"placed":        {func(p *translate.Post) { p.Comments = &translate.Node{Service: "s", Name: "n"} }, Same, nil},
		"parent found":  {func(p *translate.Post) { p.ReplyRef = nil }, Same, nil},
		"text":          {func(p *translate.Post) { p.Text = "edited" }, Updated, nil},
		"audience":      {func(p *translate.Post) { p.Visibility = translate.Direct }, Updated, nil},
		"addressees":    {func(p *translate.Post) { p.Cc = nil }, Updated, nil},
		"late edit":     {func(p *translate.Post) { p.Text, p.Updated = "older", day.Add(time.Second) }, Same, nil},
		"other kind":    {func(p *translate.Post) { p.Kind = translate.KindArticle }, Same, nil},
		"another owner": {func(p *translate.Post) { p.Owner.URI = bob }, "", ErrConflict},
		"other origin":  {func(p *translate.Post) { p.Origin = translate.OriginXMPP }, "", ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			p := base
			p.Cc, p.ReplyRef = []string{bob, carol}, &translate.Item{ID: "x"}
			id := s.put(t, p)
			c.change(&p)
			var got Change
			err := s.Update(context.Background(), func(tx *Tx) error {
				again, change, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(2 * time.Hour)})
				if err == nil && again != id {
					t.Errorf("the id changed from %d to %d", id, again)
				}
				got = change
				return err
			})
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q, %v", got, err)
			}
			s.view(t, func(tx *Tx) error {
				stored, err := tx.PostByURI(p.URI, Viewer{Operator: true})
				if stored.Post.Kind != translate.KindNote {
					t.Errorf("the kind became %s", stored.Post.Kind)
				}
				if name == "renamed" && stored.Post.Owner.Name != "New" {
					t.Error("the new name was not stored")
				}
				if name == "late edit" && stored.Post.Text != "text" {
					t.Error("a late edit undid a later one")
				}
				if (stored.Modified.After(stored.Received)) != (c.want == Updated) {
					t.Errorf("modified at %v", stored.Modified)
				}
				return err
			})
		})
	}
}

// TestEditOfTheFuture: no edit is later than when it came, the same again is no
// edit, whatever date it has, and a real one is taken after it.
func TestEditOfTheFuture(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "text")
	p.Updated = day.AddDate(70, 0, 0)
	for i, c := range []struct {
		change func()
		want   Change
		at     time.Time
	}{
		{func() {}, Created, day},
		{func() {}, Same, day},
		{func() { p.Updated = p.Updated.AddDate(1, 0, 0) }, Same, day},
		{func() { p.Text = "edited" }, Updated, day.Add(3 * time.Hour)},
		{func() { p.Text, p.Updated = "on time", day.Add(4*time.Hour) }, Updated, day.Add(4 * time.Hour)},
		{func() { p.Text, p.Updated = "late", day.Add(2*time.Hour) }, Same, day.Add(4 * time.Hour)},
	} {
		c.change()
		s.update(t, func(tx *Tx) error {
			_, change, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Duration(i) * time.Hour)})
			if change != c.want {
				t.Errorf("%d: %s, want %s", i, change, c.want)
			}
			return err
		})
		s.view(t, func(tx *Tx) error {
			stored, err := tx.PostByURI(p.URI, Viewer{})
			if err != nil {
				return err
			}
			row, err := one(tx, value[int64], "SELECT updated FROM posts")
			if !stored.Post.Updated.Equal(c.at) || row != c.at.UnixMilli() {
				t.Errorf("%d: edited at %s and %d, want %s", i, stored.Post.Updated, row, c.at)
			}
			return err
		})
	}
}

// TestPostIDs: ids are unique, follow the sort date, and are not used again.
func TestPostIDs(t *testing.T) {
	s := open(t)
	type made struct{ id, sort int64 }
	var list []made
	used := map[int64]bool{}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		p := note(fmt.Sprintf("https://a.example/%d", i), alice, "x")
		p.Published = day.Add(time.Duration(r.IntN(5)) * time.Second)
		switch r.IntN(10) {
		case 0:
			p.Published = time.Time{} // not known: received counts
		case 1:
			p.Published = day.AddDate(100, 0, 0) // in the future: received counts
		case 2:
			p.Published = time.Date(1492, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		sort := int64(day.Add(time.Hour).UnixMilli())
		if !p.Published.IsZero() {
			sort = max(1, min(sort, p.Published.UnixMilli()))
		}
		id := s.put(t, p)
		if used[id] {
			t.Fatalf("id %d was given twice", id)
		}
		used[id] = true
		list = append(list, made{id, sort})
		if r.IntN(3) == 0 {
			s.update(t, func(tx *Tx) error {
				_, err := tx.DeletePost(p.URI, alice, day)
				return err
			})
		}
	}
	slices.SortFunc(list, func(a, b made) int { return int(min(max(a.id-b.id, -1), 1)) })
	if !slices.IsSortedFunc(list, func(a, b made) int { return int(min(max(a.sort-b.sort, -1), 1)) }) {
		t.Error("ids do not follow the sort date")
	}
}

// TestFullMillisecond: when all ids of a millisecond are taken, the one before
// lends some.
func TestFullMillisecond(t *testing.T) {
	s := open(t)
	id := s.put(t, note("https://a.example/1", alice, "x"))
	last := (id>>idBits+1)<<idBits - 1
	s.update(t, func(tx *Tx) error {
		return tx.run(`INSERT INTO tombstones (uri, post_id, owner, kind, origin, vis, deleted_by, deleted_at)
			VALUES ('x', ?, '', '', '', 0, '', 0)`, last)
	})
	if got := s.put(t, note("https://a.example/2", alice, "x")); got>>idBits != id>>idBits-1 {
		t.Errorf("id %d follows %d", got, last)
	}
}

// TestDeleteIsComplete deletes a post and looks for its words in every table
// (SEC-31).
// dump looks for text in all columns of all tables, unpacked.
// TestLateBoost: a boost of what is deleted shows nothing.
// TestDeleteBoosts: the Delete of a post that is not held ends its boosts, if it
// is its author's.
// TestUpdateDoesNotRevive: an edit of a post whose item was retracted, because
// its audience narrowed, does not bring the item back.

// A post of which nobody says when it was published has the date on which it
// came, and keeps it.
func TestPutPostWithoutDate(t *testing.T) {
	s := open(t)
	p := note("https://a.example/undated", alice, "x")
	p.Published = time.Time{}
	for i, text := range []string{"x", "an edit"} {
		p.HTML, p.Text, p.Updated = "<p>"+text+"</p>", text, day.Add(time.Duration(i)*time.Hour)
		s.update(t, func(tx *Tx) error {
			_, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Duration(i) * time.Hour)})
			return err
		})
	}
	old := note("https://a.example/old", alice, "x")
	s.update(t, func(tx *Tx) error {
		_, _, err := tx.PutPost(old, nil, PutOptions{Received: day})
		return errors.Join(err, tx.run("UPDATE posts SET published = 0 WHERE uri = ?", old.URI),
			tx.run("UPDATE bodies SET parsed = jsonb_remove(parsed, '$.published') WHERE post_id = (SELECT id FROM posts WHERE uri = ?)", old.URI))
	})
	s.view(t, func(tx *Tx) error {
		for _, uri := range []string{p.URI, old.URI} {
			got, err := tx.PostByURI(uri, Viewer{})
			if err != nil {
				return err
			}
			if !got.Post.Published.Equal(day) {
				t.Errorf("%s is from %v, want %v", uri, got.Post.Published, day)
			}
		}
		return nil
	})
}

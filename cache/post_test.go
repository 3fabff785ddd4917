package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

func TestEarlyDelete(t *testing.T) {
	s := open(t)
	const uri = "https://a.example/1"
	s.update(t, func(tx *Tx) error {
		if _, err := tx.DeletePost(uri, alice, day); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return errors.Join(tx.RememberDelete(uri, bob, day), tx.RememberDelete(uri, bob, day))
	})
	s.put(t, note(uri, alice, "bob's Delete does not bind"))
	const uri2 = "https://a.example/2"
	s.update(t, func(tx *Tx) error {
		err := tx.RememberDelete(uri2, alice, day)
		bad, err2 := tx.Forbidden(uri2, alice)
		fine, err3 := tx.Forbidden(uri2, bob)
		if !bad || fine {
			t.Error(bad, fine)
		}
		return errors.Join(err, err2, err3)
	})
	err := s.Update(context.Background(), func(tx *Tx) error {
		_, _, err := tx.PutPost(note(uri2, alice, "x"), nil, PutOptions{Received: day})
		return err
	})
	if !errors.Is(err, ErrGone) {
		t.Errorf("a post came after its Delete: %v", err)
	}
}

// TestDeleteIsComplete deletes a post and looks for its words in every table
// (SEC-31).
func TestDeleteIsComplete(t *testing.T) {
	s := open(t)
	const secret = "xyzzyplugh"
	p := whole()
	p.Visibility = translate.Public
	p.Title, p.HTML, p.Text, p.Warning, p.Summary = secret, secret, secret, secret, secret
	p.Tags, p.Source.Content, p.Media[0].Alt, p.Translations[0].Text = []string{secret}, secret, secret, secret
	boost := translate.Post{
		URI: "https://b.example/boost", Kind: translate.KindBoost, Origin: translate.OriginAP, Owner: translate.Actor{URI: bob},
		Author: translate.Actor{URI: alice}, Boost: p.URI, Text: secret, Visibility: translate.Public, Published: day,
		Item: &translate.Item{Service: "b", Node: "urn:xmpp:microblog:0", ID: "boost"},
	}
	reply := note("https://c.example/reply", carol, "stays")
	reply.ReplyTo = p.URI
	s.update(t, func(tx *Tx) error {
		for _, p := range []translate.Post{p, boost, reply} {
			if _, _, err := tx.PutPost(p, []byte(p.Text), PutOptions{Received: day.Add(time.Hour), Addressees: []string{carol}}); err != nil {
				return err
			}
		}
		_, err := tx.Place(Placement{Service: "s", Node: "second", ItemID: "i2", URI: p.URI, PlacedAt: day})
		_, err2 := tx.PutReaction(Reaction{Actor: carol, Object: p.URI, Kind: Emoji, Content: secret})
		return errors.Join(err, err2,
			tx.PutActivity(Activity{ID: "https://a.example/create", Object: p.URI, Raw: []byte(secret), At: day}),
			tx.PutMedia(Media{ID: "mine", Bytes: []byte(secret), At: day}), tx.UseMedia("mine", p.URI),
			tx.PutMedia(Media{ID: "shared", Bytes: []byte("both"), At: day}), tx.UseMedia("shared", p.URI), tx.UseMedia("shared", reply.URI),
			tx.AddReceipt(p.URI, alice, "h.example", day))
	})
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.view(t, func(tx *Tx) error {
		res, err := tx.Search(SearchQuery{Text: secret, Any: true})
		if len(res.Hits) != 1 || len(dump(t, tx, secret)) < 5 {
			t.Fatalf("the test does not test: %d hits, found in %v", len(res.Hits), dump(t, tx, secret))
		}
		return err
	})
	s.update(t, func(tx *Tx) error {
		removed, err := tx.DeletePost(p.URI, alice, day.Add(2*time.Hour))
		if err != nil {
			return err
		}
		var gone []string
		for _, r := range removed {
			for _, l := range r.Placements {
				gone = append(gone, r.URI+" "+l.Node+" "+l.ItemID)
			}
		}
		want := []string{p.URI + " urn:xmpp:microblog:0 i1", p.URI + " second i2", boost.URI + " urn:xmpp:microblog:0 boost"}
		if diff := cmp.Diff(want, gone); diff != "" {
			t.Error(diff)
		}
		return nil
	})
	s.view(t, func(tx *Tx) error {
		if left := dump(t, tx, secret); len(left) > 0 {
			t.Errorf("the content is still in %v", left)
		}
		if res, err := tx.Search(SearchQuery{Text: secret, All: true, Viewer: Viewer{Operator: true}}); len(res.Hits) > 0 || err != nil {
			t.Errorf("search finds %d, %v", len(res.Hits), err)
		}
		for _, uri := range []string{p.URI, boost.URI} {
			tomb, err := tx.Tombstone(uri)
			if tomb.By != alice || !tomb.DeletedAt.Equal(day.Add(2*time.Hour)) || err != nil {
				t.Errorf("%+v, %v", tomb, err)
			}
		}
		a, err := tx.Activity("https://a.example/create")
		if a.Raw != nil || err != nil {
			t.Errorf("%+v, %v", a, err)
		}
		if _, err := tx.Media("shared", Viewer{}); err != nil {
			t.Errorf("a file that another post shows: %v", err)
		}
		old, err := tx.PlacementByItem(p.Item.Service, p.Item.Node, "i1")
		if old.URI != p.URI || old.RetractedAt.IsZero() || err != nil {
			t.Errorf("%+v, %v", old, err)
		}
		if hosts, err := tx.ReceiptHosts(p.URI); len(hosts) != 1 || err != nil {
			t.Error(hosts, err)
		}
		replies, err := tx.Thread(p.URI, Viewer{}, Page{})
		if len(replies) != 1 {
			t.Errorf("%d replies are left", len(replies))
		}
		return err
	})
	err := s.Update(context.Background(), func(tx *Tx) error {
		_, err := tx.DeletePost(p.URI, alice, day)
		_, _, err2 := tx.PutPost(p, nil, PutOptions{Received: day})
		if !errors.Is(err, ErrGone) || !errors.Is(err2, ErrGone) {
			t.Error(err, err2)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dump looks for text in all columns of all tables, unpacked.
func dump(t *testing.T, tx *Tx, text string) []string {
	t.Helper()
	tables, err := all(tx, value[string], "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'posts_fts%'")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, table := range tables {
		columns, err := all(tx, value[string], "SELECT name FROM pragma_table_info(?)", table)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range columns {
			values, err := all(tx, value[[]byte], fmt.Sprintf("SELECT CAST(%q AS BLOB) FROM %q", c, table))
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if c == "raw" {
					if v, err = unpack(v); err != nil {
						t.Fatal(err)
					}
				}
				if strings.Contains(string(v), text) {
					found = append(found, table+"."+c)
				}
			}
		}
	}
	return found
}

// TestLateBoost: a boost of what is deleted shows nothing.
func TestLateBoost(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "x")
	s.put(t, p)
	s.update(t, func(tx *Tx) error { _, err := tx.DeletePost(p.URI, alice, day); return err })
	boost := note("https://b.example/boost", bob, "x")
	boost.Kind, boost.Boost = translate.KindBoost, p.URI
	s.put(t, boost)
	s.view(t, func(tx *Tx) error {
		if _, err := tx.PostByURI(boost.URI, Viewer{Actor: carol}); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return nil
	})
}

// TestDeleteBoosts: the Delete of a post that is not held ends its boosts, if it
// is its author's.
func TestDeleteBoosts(t *testing.T) {
	s := open(t)
	boost := translate.Post{
		URI: "https://b.example/boost", Kind: translate.KindBoost, Origin: translate.OriginAP, Owner: translate.Actor{URI: bob},
		Author: translate.Actor{URI: alice}, Boost: "https://a.example/1", Visibility: translate.Public, Published: day,
	}
	s.put(t, boost)
	s.update(t, func(tx *Tx) error {
		if _, err := tx.DeletePost(boost.Boost, carol, day); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		got, err := tx.BoostBy(bob, boost.Boost)
		if got.Post.URI != boost.URI || err != nil {
			t.Error(got, err)
		}
		removed, err := tx.DeletePost(boost.Boost, alice, day)
		if len(removed) != 1 || removed[0].URI != boost.URI || err != nil {
			t.Error(removed, err)
		}
		return nil
	})
}

func TestPurge(t *testing.T) {
	s := open(t)
	for i := range 25 {
		s.put(t, note(fmt.Sprintf("https://a.example/%d", i), alice, "x"))
	}
	s.put(t, note("https://b.example/1", bob, "x"))
	for range 3 {
		s.update(t, func(tx *Tx) error { _, err := tx.PurgeOwner(alice, alice, day, 10); return err })
	}
	s.update(t, func(tx *Tx) error {
		left, err := tx.PurgeOwner(alice, alice, day, 10)
		n, err2 := tx.count("SELECT count(*) FROM posts")
		if len(left) != 0 || n != 1 {
			t.Errorf("%d left, %d in all", len(left), n)
		}
		if err := errors.Join(tx.PutActor(Actor{URI: alice}), tx.PutKey(RemoteKey{ID: "k", Owner: alice})); err != nil {
			return err
		}
		if err := tx.ForgetActor(alice, day); err != nil {
			return err
		}
		_, err3 := tx.ActorByURI(alice)
		_, err4 := tx.Key("k")
		if !errors.Is(err3, ErrNotFound) || !errors.Is(err4, ErrNotFound) {
			t.Error(err3, err4)
		}
		return errors.Join(err, err2)
	})
}

func TestPlacements(t *testing.T) {
	s := open(t)
	for i := range 3 {
		s.put(t, note(fmt.Sprintf("https://a.example/%d", i), alice, "x"))
	}
	place := func(uri, item string, wantItem string, wantLife int, wantErr error) {
		t.Helper()
		err := s.Update(context.Background(), func(tx *Tx) error {
			p, err := tx.Place(Placement{Service: "s", Node: "n", ItemID: item, URI: uri, PlacedAt: day})
			if err == nil && (p.ItemID != wantItem || p.Life != wantLife || !p.RetractedAt.IsZero()) {
				t.Errorf("placed as %+v", p)
			}
			return err
		})
		if !errors.Is(err, wantErr) {
			t.Errorf("Place(%s, %s): %v", uri, item, err)
		}
	}
	retract := func(item string, wantErr error) {
		t.Helper()
		err := s.Update(context.Background(), func(tx *Tx) error {
			_, err := tx.RetractItem("s", "n", item, day.Add(time.Hour))
			return err
		})
		if !errors.Is(err, wantErr) {
			t.Errorf("RetractItem(%s): %v", item, err)
		}
	}
	const one, two, three = "https://a.example/0", "https://a.example/1", "https://a.example/2"
	place("https://a.example/none", "i", "", 0, ErrNotFound)
	place(one, "i", "i", 1, nil)
	place(one, "other", "i", 1, nil) // assigned once
	place(two, "i", "", 0, ErrConflict)
	retract("i", nil)
	retract("i", ErrNotFound)
	place(one, "i", "i", 1, nil) // comes back
	retract("i", nil)
	s.view(t, func(tx *Tx) error {
		life, err := tx.NextLife("s", "n", "i")
		fresh, err2 := tx.NextLife("s", "n", "new")
		if life != 2 || fresh != 1 {
			t.Error(life, fresh)
		}
		return errors.Join(err, err2)
	})
	place(two, "i", "i", 2, nil)        // the next life is another post's
	place(one, "i", "", 0, ErrConflict) // whose id is taken now
	place(three, "j", "j", 1, nil)
	s.view(t, func(tx *Tx) error {
		p, err := tx.PlacementByItem("s", "n", "i")
		if p.URI != two || p.Life != 2 {
			t.Errorf("%+v", p)
		}
		list, err2 := tx.NodeItems("s", "n", "", 10)
		if len(list) != 2 || list[0].ItemID != "i" || list[1].ItemID != "j" {
			t.Errorf("%+v", list)
		}
		nodes, err3 := tx.NodesOf("s")
		if !slices.Equal(nodes, []string{"n"}) {
			t.Error(nodes)
		}
		return errors.Join(err, err2, err3)
	})
}

// TestUpdateDoesNotRevive: an edit of a post whose item was retracted, because
// its audience narrowed, does not bring the item back.
func TestUpdateDoesNotRevive(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "x")
	p.Item = &translate.Item{Service: "s", Node: "n", ID: "i"}
	s.put(t, p)
	s.update(t, func(tx *Tx) error { _, err := tx.RetractItem("s", "n", "i", day); return err })
	p.Text = "edited"
	s.put(t, p)
	s.view(t, func(tx *Tx) error {
		page, err := tx.Items(ItemQuery{Service: "s", Node: "n"})
		if len(page.Items) != 0 {
			t.Error("the item came back")
		}
		return err
	})
}

func TestReceipts(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for _, r := range [][2]string{{"o1", "h1"}, {"o1", "h2"}, {"o1", "h1"}, {"o2", "h3"}} {
			if err := tx.AddReceipt(r[0], alice, r[1], day); err != nil {
				return err
			}
		}
		one, err := tx.ReceiptHosts("o1")
		all, err2 := tx.HostsReached(alice)
		if !slices.Equal(one, []string{"h1", "h2"}) || !slices.Equal(all, []string{"h1", "h2", "h3"}) {
			t.Error(one, all)
		}
		return errors.Join(err, err2)
	})
}

func TestReactions(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		r := Reaction{Actor: alice, Object: "o", Kind: Like, Activity: "a1", Origin: translate.OriginAP, CreatedAt: day}
		isNew, err := tx.PutReaction(r)
		r2 := r
		r2.Activity, r2.HeartItem, r2.CreatedAt = "", "heart", day.Add(time.Hour)
		again, err2 := tx.PutReaction(r2)
		if !isNew || again || err != nil || err2 != nil {
			t.Error(isNew, again, err, err2)
		}
		r.HeartItem = "heart"
		got, err := tx.ReactionByActivity("a1")
		r.ID = got.ID
		if diff := cmp.Diff(r, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		for _, emoji := range []string{"🎉", "😀"} {
			if _, err := tx.PutReaction(Reaction{Actor: alice, Object: "o", Kind: Emoji, Content: emoji}); err != nil {
				t.Error(err)
			}
		}
		c, err := tx.Counts("o")
		if c != (Counts{Likes: 1, Reactions: 2}) || err != nil {
			t.Error(c, err)
		}
		hearts, err := tx.CountHearts("o")
		if hearts != 1 || err != nil {
			t.Error(hearts, err)
		}
		page, err := tx.Reactions("o", got.ID, 10)
		if len(page) != 2 || page[0].Content != "🎉" || err != nil {
			t.Error(page, err)
		}
		ok, err := tx.DeleteReaction(alice, "o", Like, "")
		gone, err2 := tx.DeleteReaction(alice, "o", Like, "")
		if !ok || gone || err != nil || err2 != nil {
			t.Error(ok, gone, err, err2)
		}
		if _, err := tx.Reaction(alice, "o", Like, ""); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		_, err = tx.ReactionByActivity("")
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return nil
	})
}

func TestActivities(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		first, err := tx.SeenActivity("a", [32]byte{1}, day)
		again, err2 := tx.SeenActivity("a", [32]byte{1}, day)
		otherBody, err3 := tx.SeenActivity("a", [32]byte{2}, day.Add(time.Hour))
		if first || !again || otherBody {
			t.Error(first, again, otherBody)
		}
		if err := errors.Join(err, err2, err3); err != nil {
			return err
		}
		a := Activity{ID: "https://ours/1", Actor: alice, Type: "Create", Object: "o", State: "queued", Raw: []byte(`{"x":1}`), At: day}
		if err := tx.PutActivity(a); err != nil {
			return err
		}
		a.State = "sent"
		if err := tx.SetActivityState(a.ID, "sent"); err != nil {
			return err
		}
		got, err := tx.Activity(a.ID)
		if diff := cmp.Diff(a, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		n, err := tx.PruneActivities(day.Add(time.Minute), day.Add(time.Minute), 10)
		if n != 2 || err != nil {
			t.Errorf("%d pruned, %v", n, err)
		}
		if _, err := tx.Activity(a.ID); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		forgotten, err := tx.SeenActivity("a", [32]byte{1}, day)
		kept, err2 := tx.SeenActivity("a", [32]byte{2}, day)
		if forgotten || !kept {
			t.Error(forgotten, kept)
		}
		return errors.Join(err, err2)
	})
}

func TestMessages(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		m := Message{ID: "1", Our: "alice@ap", User: "louise@x", Object: "o", Origin: translate.OriginAP, Thread: "t", At: day}
		later := m
		later.ID, later.Object, later.At = "2", "p", day.Add(time.Hour)
		if err := errors.Join(tx.PutMessage(later), tx.PutMessage(m), tx.PutMessage(m)); err != nil {
			return err
		}
		stolen := m
		stolen.Object = "p"
		if err := tx.PutMessage(stolen); !errors.Is(err, ErrConflict) {
			t.Errorf("another object under the same id: %v", err)
		}
		got, err := tx.MessageByID("1", m.Our, m.User)
		if got != m || err != nil {
			t.Error(got, err)
		}
		if _, err := tx.MessageByID("1", m.Our, "other@x"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		list, err := tx.MessagesByObject("o")
		if len(list) != 1 || err != nil {
			t.Error(list, err)
		}
		last, err := tx.LastMessage(m.Our, m.User)
		if last != later {
			t.Error(last)
		}
		return err
	})
}

func TestMedia(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "x")
	p.Visibility = translate.Direct
	p.To = []string{bob}
	s.put(t, p)
	s.update(t, func(tx *Tx) error {
		m := Media{ID: "m", Type: "image/png", Bytes: []byte{1, 2}, Source: "hash", Owner: alice, At: day}
		return errors.Join(tx.PutMedia(m), tx.UseMedia("m", p.URI), tx.PutMedia(Media{ID: "avatar", Owner: alice}))
	})
	for v, want := range map[Viewer]error{{}: ErrNotFound, {Actor: carol}: ErrNotFound, {Actor: bob}: nil, {Actor: alice}: nil, {Operator: true}: nil} {
		s.view(t, func(tx *Tx) error {
			if m, err := tx.Media("m", v); !errors.Is(err, want) || err == nil && len(m.Bytes) != 2 {
				t.Errorf("%+v: %v", v, err)
			}
			if _, err := tx.Media("avatar", v); err != nil {
				t.Errorf("avatar for %+v: %v", v, err)
			}
			return nil
		})
	}
	s.update(t, func(tx *Tx) error {
		m, err := tx.MediaBySource("hash", alice)
		if m.ID != "m" || err != nil {
			t.Error(m, err)
		}
		if _, err := tx.MediaBySource("hash", bob); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if err := tx.DeleteMedia("m"); err != nil {
			t.Error(err)
		}
		if err := tx.DeleteMedia("m"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		return nil
	})
}

func TestPack(t *testing.T) {
	var p packer
	for _, raw := range [][]byte{nil, {}, []byte("x"), rawNote, []byte(strings.Repeat("a", 1<<20))} {
		b := p.pack(raw)
		got, err := unpack(b)
		if string(got) != string(raw) || (got == nil) != (len(b) == 0) || err != nil {
			t.Errorf("%d bytes came back as %d, %v", len(raw), len(got), err)
		}
	}
	if n := len(p.pack(rawNote)); n > len(rawNote)/3 {
		t.Errorf("a note of %d bytes is packed into %d", len(rawNote), n)
	}
	for _, bad := range [][]byte{{9, 1}, {packedDict1, 0xff, 0xff}} {
		if _, err := unpack(bad); err == nil {
			t.Errorf("unpacked %v", bad)
		}
	}
}

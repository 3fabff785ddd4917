package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/translate"
)

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
					if v, err = tx.store.packer.unpack(v); err != nil {
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
		if err := tx.forgetActor(alice, ""); err != nil {
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

package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"isthmus/translate"
)

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

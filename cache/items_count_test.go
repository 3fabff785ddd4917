package cache

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"isthmus/translate"
)

// TestNodeCounts does at random what places, moves, changes and deletes items,
// and counts them anew after each step.
func TestNodeCounts(t *testing.T) {
	s := open(t)
	var counts invariant
	for _, i := range invariants {
		if i.what == "a wrong count of items" {
			counts = i
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		err := s.Update(t.Context(), func(tx *Tx) error {
			for range rapid.IntRange(1, 25).Draw(rt, "steps") {
				if err := countedStep(rt, tx); err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
					return err
				}
				wrong, err := tx.violated(counts)
				if err != nil || len(wrong) > 0 {
					return fmt.Errorf("wrong in %v: %w", wrong, err)
				}
				if empty, err := tx.exists("SELECT 1 FROM node_counts WHERE items <= 0"); err != nil || empty {
					return fmt.Errorf("a row of nothing: %w", err)
				}
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			rt.Fatal(err)
		}
	})
}

func countedStep(t *rapid.T, tx *Tx) error {
	n := rapid.IntRange(0, 3).Draw(t, "post")
	uri := fmt.Sprintf("https://a.example/%d", n)
	node := rapid.SampledFrom([]string{"m", "n"}).Draw(t, "node")
	at := day.Add(time.Hour)
	switch rapid.IntRange(0, 8).Draw(t, "step") {
	case 0, 1:
		p := translate.Post{URI: uri, Kind: translate.KindNote, Origin: translate.OriginAP, Owner: translate.Actor{URI: alice}, Published: day,
			Visibility: rapid.SampledFrom([]translate.Visibility{translate.Public, translate.Unlisted, translate.Followers}).Draw(t, "audience"),
			Author:     translate.Actor{URI: rapid.SampledFrom([]string{alice, bob, ""}).Draw(t, "author")},
			Boost:      rapid.SampledFrom([]string{"", "", "https://b.example/1"}).Draw(t, "boost"),
			Item:       &translate.Item{Service: "s", Node: node, ID: fmt.Sprint("i", n)}}
		_, _, err := tx.PutPost(p, nil, PutOptions{Received: at})
		return err
	case 2:
		_, err := tx.Place(Placement{Service: "s", Node: node, ItemID: fmt.Sprint("i", rapid.IntRange(0, 3).Draw(t, "item")), URI: uri, PlacedAt: at})
		return err
	case 3:
		_, err := tx.RetractItem("s", node, fmt.Sprint("i", n), at)
		return err
	case 4:
		_, err := tx.DeletePost(uri, alice, at)
		return err
	case 5:
		id, err := one(tx, value[int64], "SELECT id FROM posts WHERE uri = ?", uri)
		if err != nil {
			return err
		}
		return tx.forget(candidate{id: id, uri: uri})
	case 6:
		return tx.RetractAll("s", alice, at)
	case 7:
		err := tx.run("DELETE FROM posts WHERE uri = ?", uri) // as verify mends
		for _, i := range invariants {
			if i.what == "a live item without post" {
				err = errors.Join(err, tx.restore(i))
			}
		}
		return err
	}
	return tx.run("DELETE FROM tombstones") // so that there are more to delete
}

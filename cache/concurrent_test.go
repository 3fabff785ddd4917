package cache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestConcurrent does everything at once; the check at the end of the test
// says whether the parts still fit.
func TestConcurrent(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	end := time.Now().Add(2 * time.Second)
	var wg sync.WaitGroup
	work := func(name string, n int, fn func(r *rand.Rand) error) {
		for g := range n {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), 7))
				for time.Now().Before(end) {
					if err := fn(r); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrGone) {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
	}
	uri := func(r *rand.Rand) string { return fmt.Sprintf("https://a.example/%d", r.IntN(500)) }
	work("put", 3, func(r *rand.Rand) error {
		p := note(uri(r), alice, fmt.Sprintf("text %d", r.IntN(10)))
		p.Visibility = visCodes[r.IntN(len(visCodes))]
		return s.Update(ctx, func(tx *Tx) error {
			if _, _, err := tx.PutPost(p, rawNote, PutOptions{Received: day.Add(time.Hour)}); err != nil {
				return err
			}
			_, err := tx.Place(Placement{Service: "s", Node: "n", ItemID: p.URI, URI: p.URI, PlacedAt: day})
			return errors.Join(err, tx.Enqueue(Job{Kind: "deliver", Host: fmt.Sprint(r.IntN(5)), Lane: p.URI, CreatedAt: day}))
		})
	})
	work("delete", 1, func(r *rand.Rand) error {
		return s.Update(ctx, func(tx *Tx) error { _, err := tx.DeletePost(uri(r), alice, day); return err })
	})
	work("lease", 2, func(r *rand.Rand) error {
		return s.Update(ctx, func(tx *Tx) error {
			jobs, err := tx.Lease(LeaseQuery{Now: day, Limit: 5, For: time.Minute, PerHost: 3})
			for _, j := range jobs {
				err = errors.Join(err, tx.Ack(j.ID))
			}
			return err
		})
	})
	work("block", 1, func(r *rand.Rand) error {
		return s.Update(ctx, func(tx *Tx) error {
			_, err := tx.DeleteBlock("", "a.example")
			if r.IntN(2) == 0 {
				err = tx.PutBlock(Block{Target: "a.example"})
			}
			return err
		})
	})
	work("read", 3, func(r *rand.Rand) error {
		return s.View(ctx, func(tx *Tx) error {
			_, err := tx.Items(ItemQuery{Service: "s", Node: "n", Count: true, Position: true, Viewer: Viewer{Actor: bob}})
			_, err2 := tx.Search(SearchQuery{Text: "text", Any: true})
			_, err3 := tx.PostByURI(uri(r), Viewer{})
			return errors.Join(err, err2, err3)
		})
	})
	work("maintain", 1, func(r *rand.Rand) error {
		path := filepath.Join(t.TempDir(), "copy.db")
		_, err := s.Stats(ctx)
		_, err2 := Backup(ctx, s.path, path)
		return errors.Join(err, err2, s.Checkpoint(ctx), s.Check(ctx))
	})
	wg.Wait()
}

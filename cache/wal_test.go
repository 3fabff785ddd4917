package cache

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWALBounded: the log does not grow for ever when somebody reads all the time.
func TestWALBounded(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "test.db"))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 2 {
		readers.Go(func() {
			time.Sleep(time.Duration(i) * 7 * time.Millisecond)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.View(context.Background(), func(tx *Tx) error {
					_, err := tx.count("SELECT count(*) FROM meta")
					time.Sleep(40 * time.Millisecond)
					return err
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	most := int64(0)
	for i := range 300 {
		block := strings.Repeat(string(rune('a'+i%26)), 1<<20)
		s.update(t, func(tx *Tx) error { return tx.SetMeta("block", block) })
		if info, err := os.Stat(filepath.Join(dir, "test.db-wal")); err == nil {
			most = max(most, info.Size())
		}
	}
	close(stop)
	readers.Wait()
	if most > 2*walMost {
		t.Errorf("the log had %d MB", most>>20)
	}
}

package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Stats are the sizes of the store.
type Stats struct {
	FileBytes, WALBytes, FreeBytes int64
	Posts, Actors, Accounts        int
	Follows, Jobs, Unindexed       int
	Updates                        int // that wait for the writer or run
}

// Stats measures the store.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	st := Stats{Updates: int(s.queued.Load())}
	for suffix, size := range map[string]*int64{"": &st.FileBytes, "-wal": &st.WALBytes} {
		info, err := os.Stat(s.path + suffix)
		if err == nil {
			*size = info.Size()
		} else if !errors.Is(err, os.ErrNotExist) {
			return st, fmt.Errorf("measure the store: %w", err)
		}
	}
	err := s.View(ctx, func(tx *Tx) error {
		for query, n := range map[string]*int{
			"SELECT count(*) FROM posts":                   &st.Posts,
			"SELECT count(*) FROM actors":                  &st.Actors,
			"SELECT count(*) FROM accounts":                &st.Accounts,
			"SELECT count(*) FROM follows":                 &st.Follows,
			"SELECT count(*) FROM jobs":                    &st.Jobs,
			"SELECT count(*) FROM posts WHERE indexed = 0": &st.Unindexed,
		} {
			var err error
			if *n, err = tx.count(query); err != nil {
				return err
			}
		}
		var err error
		st.FreeBytes, err = one(tx, value[int64],
			"SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size")
		return err
	})
	if err != nil {
		return st, fmt.Errorf("measure the store: %w", err)
	}
	return st, nil
}

// errUnsound is what Check wraps.
var errUnsound = errors.New("the store is damaged")

// Check runs SQLite's integrity check, the full-text index's, and our own.
func (s *Store) Check(ctx context.Context) error {
	var found []string
	err := s.View(ctx, func(tx *Tx) error {
		if err := tx.freshText(); err != nil {
			return err
		}
		lines, err := all(tx, value[string], "SELECT integrity_check FROM pragma_integrity_check")
		if err != nil {
			return err
		}
		for _, l := range lines {
			if l != "ok" {
				found = append(found, l)
			}
		}
		for _, i := range invariants {
			rows, err := tx.violated(i)
			if err != nil {
				return err
			}
			for _, r := range rows {
				found = append(found, i.what+": "+r)
			}
		}
		return nil
	})
	if err == nil {
		err = s.Update(ctx, func(tx *Tx) error { // a command in the form of an INSERT
			return tx.run("INSERT INTO posts_fts (posts_fts) VALUES ('integrity-check')")
		})
	}
	if err != nil {
		return fmt.Errorf("check the store: %w", err)
	}
	if len(found) > 0 {
		return fmt.Errorf("%w: %s", errUnsound, strings.Join(found, "; "))
	}
	return nil
}

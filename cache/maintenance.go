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

// checks are our own invariants: each query returns rows that must not be.
var checks = map[string]string{
	"a post without body":        "SELECT uri FROM posts p WHERE NOT EXISTS (SELECT 1 FROM bodies WHERE post_id = p.id)",
	"a post and its tombstone":   "SELECT uri FROM posts JOIN tombstones USING (uri)",
	"a live item without post":   "SELECT item FROM placements l WHERE retracted_at = 0 AND NOT EXISTS (SELECT 1 FROM posts WHERE id = l.post_id)",
	"a text of a deleted post":   "SELECT CAST(id AS TEXT) FROM posts_fts_docsize WHERE id NOT IN (SELECT id FROM posts WHERE indexed = 1)",
	"a post missing in the text": "SELECT uri FROM posts WHERE indexed = 1 AND id NOT IN (SELECT id FROM posts_fts_docsize)",
	"a lane with two heads":      "SELECT lane FROM jobs WHERE lane <> '' AND state < 2 AND head = 1 GROUP BY lane HAVING count(*) > 1",
	"a lane without head": `SELECT lane FROM jobs WHERE lane <> '' AND state < 2 GROUP BY lane
		HAVING max(head = 1 OR state = 1) = 0`,
	"a ready job without turn": `SELECT CAST(id AS TEXT) FROM jobs j WHERE state = 0 AND head = 1 AND NOT EXISTS
		(SELECT 1 FROM job_queues q WHERE q.id = j.queue AND q.turn < 9223372036854775807)`,
	"a wrong count of leases": `SELECT kind || ' ' || host FROM job_queues q WHERE inflight <>
		(SELECT count(*) FROM jobs j WHERE j.queue = q.id AND j.state = 1)`,
}

// Check runs SQLite's integrity check, the full-text index's, and our own.
func (s *Store) Check(ctx context.Context) error {
	var found []string
	err := s.View(ctx, func(tx *Tx) error {
		// A search makes FTS5 read its structure anew. The check does not, and
		// would find what this connection remembers from an earlier snapshot.
		if _, err := tx.count("SELECT count(*) FROM posts_fts WHERE posts_fts MATCH '\"x\"'"); err != nil {
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
		for what, query := range checks {
			rows, err := all(tx, value[string], query+" LIMIT 10")
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			for _, r := range rows {
				found = append(found, what+": "+r)
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

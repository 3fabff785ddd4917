package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoRoom says that the disk has not enough free space for what was asked.
var ErrNoRoom = errors.New("not enough free space on the disk")

// Vacuumed is what a vacuum did.
type Vacuumed struct {
	Before, After int64         // bytes of the file
	Merged        int           // steps in which the full-text index was rewritten
	Held          time.Duration // how long updates waited for the file to be rewritten
}

// mergePages is how much of the full-text index one transaction rewrites, so
// that updates wait for some milliseconds only.
const mergePages = 64

// Vacuum gives free pages back to the disk, and leaves no byte of what was
// deleted in the file, the log or the full-text index. Deleted words stay in
// the segments of the index until these are merged, and pieces of rows that
// were once moved stay in pages whatever secure_delete says; so the index is
// merged first, in small steps, and then the whole file is written anew.
//
// The last part needs as much space again and keeps updates waiting.
func (s *Store) Vacuum(ctx context.Context) (v Vacuumed, err error) {
	if v.Before, err = s.size(); err != nil {
		return v, err
	}
	if err := s.room(2 * v.Before); err != nil { // the copy, and the log that brings it in
		return v, err
	}
	if v.Merged, err = s.mergeText(ctx); err != nil {
		return v, err
	}
	start := time.Now()
	if err := s.alone(ctx, "VACUUM"); err != nil {
		return v, err
	}
	v.Held = time.Since(start)
	if err := s.Checkpoint(ctx); err != nil {
		return v, err
	}
	err = s.Update(ctx, func(tx *Tx) error { return tx.run("DELETE FROM meta WHERE key = ?", metaDeleted) })
	if err != nil {
		return v, fmt.Errorf("note the vacuum: %w", err)
	}
	v.After, err = s.size()
	return v, err
}

// size is how long the database file is.
func (s *Store) size() (int64, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0, fmt.Errorf("measure the store: %w", err)
	}
	return info.Size(), nil
}

// room tells whether the disk of the database has so many bytes free.
func (s *Store) room(need int64) error {
	free, err := freeBytes(filepath.Dir(s.path))
	if err != nil {
		return fmt.Errorf("measure the disk: %w", err)
	}
	if free < need {
		return fmt.Errorf("%w: %d MB are needed beside the database and %d MB are free", ErrNoRoom, need>>20+1, free>>20)
	}
	return nil
}

// textTables returns the full-text tables of the store.
func (tx *Tx) textTables() ([]string, error) {
	return all(tx, value[string], `SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%' ORDER BY name`)
}

// mergeText rewrites the full-text indexes without what was deleted, a few
// pages in each transaction (sqlite.org/fts5.html §6.8). A negative number
// begins a merge of all segments; positive ones go on with it.
func (s *Store) mergeText(ctx context.Context) (steps int, err error) {
	var tables []string
	err = s.View(ctx, func(tx *Tx) (err error) {
		tables, err = tx.textTables()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("list the full-text tables: %w", err)
	}
	for _, t := range tables {
		for pages := -mergePages; ; pages = mergePages {
			changed := 0
			err := s.Update(ctx, func(tx *Tx) error {
				before, err := tx.count("SELECT total_changes()")
				if err != nil {
					return err
				}
				if err := tx.run(fmt.Sprintf("INSERT INTO %[1]s (%[1]s, rank) VALUES ('merge', ?)", t), pages); err != nil {
					return err
				}
				after, err := tx.count("SELECT total_changes()")
				changed = after - before
				return err
			})
			if err != nil {
				return steps, fmt.Errorf("merge %s: %w", t, err)
			}
			steps++
			if changed < 2 { // sqlite.org/fts5.html §6.8: nothing was left to do
				break
			}
		}
	}
	return steps, nil
}

// checkpointTries is how often a checkpoint is tried while readers are in its
// way; they are short.
const checkpointTries = 20

// Checkpoint writes the log back into the database file and empties it.
func (s *Store) Checkpoint(ctx context.Context) error {
	for try := 0; ; try++ {
		busy := 0
		err := s.betweenUpdates(ctx, func() error {
			return s.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, new(int), new(int))
		})
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		if busy == 0 {
			return nil
		}
		if try == checkpointTries {
			return fmt.Errorf("checkpoint: %w: somebody reads all the time", ErrBusy)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return waited(ctx)
		}
	}
}

// alone runs a statement that cannot be in a transaction.
func (s *Store) alone(ctx context.Context, query string) error {
	if err := s.betweenUpdates(ctx, func() error { return s.writer.exec(query) }); err != nil {
		return fmt.Errorf("%s: %w", strings.ToLower(query), err)
	}
	return nil
}

// betweenUpdates runs fn in the writer's place, outside of transactions.
func (s *Store) betweenUpdates(ctx context.Context, fn func() error) error {
	done := make(chan error, 1)
	select {
	case s.between <- func() { done <- typed(fn()) }:
	case <-ctx.Done():
		return waited(ctx)
	case <-s.closing:
		return ErrClosed
	}
	return <-done
}

package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// metaReindex is how far a rebuild of the full-text index is: posts up to that
// id have been taken out of the index and queued for it again.
const metaReindex = "full text is rebuilt up to"

// reindexBatch is how many posts are out of the index at a time while it is
// rebuilt.
const reindexBatch = 500

// Reindexed is how far a rebuild of the full-text index is.
type Reindexed struct{ Done, Posts int }

// Reindex builds the full-text index anew from the posts while the store
// serves: a few posts at a time leave the index and come back. Where it is cut
// off, the next call goes on.
func (s *Store) Reindex(ctx context.Context, told func(Reindexed)) (Reindexed, error) {
	var r Reindexed
	err := s.View(ctx, func(tx *Tx) (err error) {
		r.Posts, err = tx.count("SELECT count(*) FROM posts WHERE indexed <> 2")
		return err
	})
	for n := reindexBatch; err == nil && n == reindexBatch; {
		err = s.Update(ctx, func(tx *Tx) (err error) {
			n, err = tx.reindexSome()
			return err
		})
		if err == nil {
			err = s.Index(ctx)
		}
		r.Done += n
		if told != nil && err == nil {
			told(r)
		}
	}
	if err != nil {
		return r, fmt.Errorf("rebuild the full text: %w", err)
	}
	return r, nil
}

// Reindexing tells whether a rebuild of the index was cut off.
func (tx *Tx) Reindexing() (bool, error) {
	return tx.exists("SELECT 1 FROM meta WHERE key = ?", metaReindex)
}

// reindexSome takes the next posts out of the index, and says how many they
// are. Less than a batch is the end: what comes later is indexed as it comes.
func (tx *Tx) reindexSome() (int, error) {
	after := int64(0)
	text, err := tx.Meta(metaReindex)
	if err == nil {
		after, err = strconv.ParseInt(text, 10, 64)
	} else if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if err != nil {
		return 0, err
	}
	if after == 0 { // the people come with it, at once
		if err := tx.refillPeople(); err != nil {
			return 0, err
		}
	}
	ids, err := all(tx, value[int64], "SELECT id FROM posts WHERE id > ? AND indexed <> 2 ORDER BY id LIMIT ? + 0", after, reindexBatch)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := tx.unindex(id, indexed); err != nil {
			return 0, err
		}
		if err := tx.reform(id); err != nil {
			return 0, err
		}
	}
	if len(ids) < reindexBatch {
		return len(ids), tx.run("DELETE FROM meta WHERE key = ?", metaReindex)
	}
	return len(ids), tx.SetMeta(metaReindex, strconv.FormatInt(ids[len(ids)-1], 10))
}

// clearText empties full-text indexes that cannot be read any more. Posts come
// back by themselves, and until then searches by word find less; people come
// back at once.
func (s *Store) clearText(ctx context.Context) error {
	err := s.Update(ctx, func(tx *Tx) error {
		tables, err := tx.textTables()
		if err != nil {
			return err
		}
		for _, t := range tables {
			if err := tx.run(fmt.Sprintf("INSERT INTO %[1]s (%[1]s) VALUES ('delete-all')", t)); err != nil {
				return err
			}
		}
		tx.after.posts = true
		if err := tx.run("UPDATE posts SET indexed = 0 WHERE indexed = 1"); err != nil {
			return err
		}
		return tx.refillPeople()
	})
	if err != nil {
		return fmt.Errorf("clear the full text: %w", err)
	}
	return nil
}

// refillPeople brings everybody back into an empty index of people.
func (tx *Tx) refillPeople() error {
	type person struct{ table, uri, name, handle, summary string }
	list, err := all(tx, func(r row) (p person, err error) {
		err = r.Scan(&p.table, &p.uri, &p.name, &p.handle, &p.summary)
		return p, err
	}, `SELECT 'actors', uri, name, acct, summary FROM actors UNION ALL SELECT 'accounts', uri, name, acct, summary FROM accounts`)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := tx.indexPerson(p.table, p.uri, p.name, p.handle, p.summary); err != nil {
			return err
		}
	}
	return nil
}

// freshText makes FTS5 read its structure anew. SQLite's check does not, and
// would find what this connection remembers from an earlier snapshot.
func (tx *Tx) freshText() error {
	tables, err := tx.textTables()
	for i := 0; err == nil && i < len(tables); i++ {
		_, err = tx.count(fmt.Sprintf(`SELECT count(*) FROM %[1]s WHERE %[1]s MATCH '"x"'`, tables[i]))
	}
	return err
}

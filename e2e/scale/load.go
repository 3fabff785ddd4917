package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the bare SQLite beside the store

	"isthmus/cache"
	"isthmus/translate"
)

// batch is how many posts one transaction brings while the store is loaded.
const batch = 200

// made is a post with its document.
type made struct {
	post translate.Post
	raw  []byte
}

// disk writes and syncs a file as large as the documents of a tenth of the posts.
func (b *bench) disk(context.Context) error {
	f, err := os.Create(filepath.Join(filepath.Dir(b.file), "disk"))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block, total, begin := make([]byte, 1<<20), max(64, b.posts/10*2/1024), time.Now()
	for range total {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	b.diskRate = float64(total) / time.Since(begin).Seconds()
	b.row("disk, written in order and synced", fmt.Sprintf("%.0f MiB/s", b.diskRate), "", "")
	return nil
}

// bareLoad has SQLite alone take a tenth of the posts: the documents in one
// table, their text in an index, nothing else.
func (b *bench) bareLoad(ctx context.Context) error {
	file := filepath.Join(filepath.Dir(b.file), "bare.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return err
	}
	defer os.Remove(file)
	defer db.Close()
	for _, query := range []string{
		"CREATE TABLE posts (id INTEGER PRIMARY KEY, uri TEXT UNIQUE, raw BLOB)",
		"CREATE VIRTUAL TABLE found USING fts5 (text, content = '', contentless_delete = 1)",
	} {
		if _, err := db.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	c, took := newCorpus(1, b.posts), time.Duration(0)
	n := b.posts / 10
	for first := 0; first < n; first += batch {
		list, err := c.batch(first, min(batch, n-first))
		if err != nil {
			return err
		}
		begin := time.Now()
		if err := bareInsert(ctx, db, first, list); err != nil {
			return err
		}
		took += time.Since(begin)
	}
	b.bareRate = float64(n) / took.Seconds()
	return nil
}

func bareInsert(ctx context.Context, db *sql.DB, first int, list []made) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for i, m := range list {
		if _, err := tx.ExecContext(ctx, "INSERT INTO posts VALUES (?, ?, ?)", first+i, m.post.URI, m.raw); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO found (rowid, text) VALUES (?, ?)", first+i, m.post.Text); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (c *corpus) batch(first, n int) (list []made, err error) {
	list = make([]made, n)
	for i := range list {
		if list[i].post, list[i].raw, err = c.post(first + i); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// load fills the store, to a tenth and then to the end, and asks the same
// questions at both.
func (b *bench) load(ctx context.Context) error {
	var err error
	if b.store, err = cache.Open(ctx, b.file, b.log); err != nil {
		return err
	}
	if err := b.people(ctx); err != nil {
		return err
	}
	b.corpus = newCorpus(1, b.posts)
	made, begin := time.Duration(0), time.Now()
	if made, err = b.fill(ctx, 0, b.posts/10); err != nil {
		return err
	}
	took := time.Since(begin) - made
	if b.young, err = b.ask(ctx); err != nil {
		return err
	}
	begin = time.Now()
	more, err := b.fill(ctx, b.posts/10, b.posts)
	if err != nil {
		return err
	}
	took += time.Since(begin) - more
	rate := float64(b.posts) / took.Seconds()
	b.row(fmt.Sprintf("load %d posts, indexed, one writer", b.posts), fmt.Sprintf("%.0f posts/s", rate),
		fmt.Sprintf("%.0f posts/s bare SQLite: documents and text, no more", b.bareRate), fmt.Sprintf("%.2f", rate/b.bareRate))
	return nil
}

// people tells the store of all actors.
func (b *bench) people(ctx context.Context) error {
	for first := uint64(0); first < actors; first += batch {
		err := b.store.Update(ctx, func(tx *cache.Tx) error {
			for n := first; n < first+batch; n++ {
				if err := tx.PutActor(cached(n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fill brings posts into the store, to the index included, and returns how long
// it took to make them.
func (b *bench) fill(ctx context.Context, first, end int) (making time.Duration, err error) {
	for ; first < end; first += batch {
		begin := time.Now()
		list, err := b.corpus.batch(first, min(batch, end-first))
		if err != nil {
			return making, err
		}
		making += time.Since(begin)
		if err := b.put(ctx, list); err != nil {
			return making, err
		}
	}
	return making, b.store.Index(ctx)
}

// put stores posts in one transaction.
func (b *bench) put(ctx context.Context, list []made) error {
	return b.store.Update(ctx, func(tx *cache.Tx) error {
		for _, m := range list {
			if _, _, err := tx.PutPost(m.post, m.raw, cache.PutOptions{Received: m.post.Published.Add(time.Second)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// size says what the posts weigh, and the parts.
func (b *bench) size(ctx context.Context) error {
	if err := b.store.Checkpoint(ctx); err != nil {
		return err
	}
	info, err := os.Stat(b.file)
	if err != nil {
		return err
	}
	per := info.Size() / int64(b.posts)
	var raw int
	some, err := newCorpus(1, b.posts).batch(0, 1000)
	if err != nil {
		return err
	}
	for _, m := range some {
		raw += len(m.raw)
	}
	breakdown, err := b.store.Breakdown(ctx)
	if err != nil {
		return err
	}
	var parts []string
	for _, p := range breakdown.Parts {
		if n := p.Bytes / int64(b.posts); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.Name, n))
		}
	}
	b.row("bytes per post: "+strings.Join(parts, ", "), fmt.Sprintf("%d", per), fmt.Sprintf("%d the document alone", raw/1000),
		fmt.Sprintf("%.2f", float64(per)*1000/float64(raw)))
	return nil
}

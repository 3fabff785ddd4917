package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"isthmus/cache"
)

// counts counts what a common word is in: for a stranger, of whom each post is
// asked whether it may be found, and for an operator who may find everything.
func (b *bench) counts(ctx context.Context) error {
	db, err := b.open()
	if err != nil {
		return err
	}
	defer db.Close()
	for _, c := range []struct {
		what string
		rank uint64
		all  bool
		most int
	}{
		{"a common word", 0, false, 0}, {"a common word, up to 10,000", 0, false, 10_000}, {"a common word, for who may see everything", 0, true, 0},
		{"a middling word", 3000, false, 0}, {"a rare word", 50_000, false, 0},
	} {
		word, found := b.corpus.languages[0].word(c.rank), cache.Counted{}
		took, err := repeat(func() error {
			return b.store.View(ctx, func(tx *cache.Tx) (err error) {
				found, err = tx.Count(cache.SearchQuery{Text: word, All: c.all, Viewer: cache.Viewer{Operator: c.all}}, c.most)
				return err
			})
		})
		if err != nil {
			return fmt.Errorf("count %s: %w", c.what, err)
		}
		query, args := "SELECT count(*) FROM posts_fts WHERE posts_fts MATCH ?", []any{word}
		if c.most > 0 {
			query, args = "SELECT count(*) FROM (SELECT 1 FROM posts_fts WHERE posts_fts MATCH ? LIMIT ?)", []any{word, c.most}
		}
		bare, err := repeat(func() error { return db.QueryRowContext(ctx, query, args...).Scan(new(int)) })
		if err != nil {
			return fmt.Errorf("count %s with SQLite alone: %w", c.what, err)
		}
		b.row(fmt.Sprintf("count of %s: %d posts", c.what, found.Posts), took.String(), milliseconds(bare.at(0.5))+" bare SQLite, who may find them aside",
			fmt.Sprintf("%.1f", float64(took.at(0.5))/float64(bare.at(0.5))))
	}
	return nil
}

// walks follows the cursor of a middling word to the end, and has SQLite alone
// do the same.
func (b *bench) walks(ctx context.Context) error {
	word := b.corpus.languages[0].word(300)
	found, took, err := b.walk(ctx, word)
	if err != nil {
		return fmt.Errorf("walk: %w", err)
	}
	rows, bare, err := b.bareWalk(ctx, word)
	if err != nil {
		return fmt.Errorf("walk with SQLite alone: %w", err)
	}
	rate, limit := float64(found)/took.Seconds(), float64(rows)/bare.Seconds()
	b.row(fmt.Sprintf("cursor to the end of %d posts, %d a page", found, walkPage), fmt.Sprintf("%.0f posts/s", rate),
		fmt.Sprintf("%.0f posts/s bare SQLite: row numbers and what the rows hold", limit), fmt.Sprintf("%.2f", rate/limit))
	return nil
}

// walkPage is how many posts a page of a walk has.
const walkPage = 500

func (b *bench) walk(ctx context.Context, word string) (found int, took time.Duration, err error) {
	begin := time.Now()
	for q := (cache.SearchQuery{Text: word, Limit: walkPage}); ; {
		var res cache.SearchResult
		err := b.store.View(ctx, func(tx *cache.Tx) (err error) {
			res, err = tx.Search(q)
			return err
		})
		if err != nil {
			return found, 0, err
		}
		if found += len(res.Hits); res.Cursor == "" {
			return found, time.Since(begin), nil
		}
		q.Cursor = res.Cursor
	}
}

func (b *bench) bareWalk(ctx context.Context, word string) (found int, took time.Duration, err error) {
	db, err := b.open()
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	begin := time.Now()
	for last := int64(1) << 62; ; {
		n, err := barePage(ctx, db, word, &last)
		if found += n; n < walkPage || err != nil {
			return found, time.Since(begin), err
		}
	}
}

// barePage reads the page of the rows before last.
func barePage(ctx context.Context, db *sql.DB, word string, last *int64) (n int, err error) {
	rows, err := db.QueryContext(ctx, `SELECT f.rowid, json(parsed) FROM posts_fts f JOIN bodies ON post_id = f.rowid
		WHERE posts_fts MATCH ? AND f.rowid < ? ORDER BY f.rowid DESC LIMIT ?`, word, *last, walkPage)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		var text string
		if err := rows.Scan(last, &text); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

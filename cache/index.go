package cache

import (
	"context"
	"fmt"
	"strings"
	"time"

	"isthmus/translate"
)

// The indexer waits this long for more posts, and takes this many at a time:
// posts are found within a second, and the writer is never held for long.
const (
	indexDelay = 200 * time.Millisecond
	indexRetry = 5 * time.Second
	indexBatch = 200
)

// indexLoop feeds the full-text index until the store closes.
func (s *Store) indexLoop() {
	defer close(s.indexerDone)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-s.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	wake(s.postsReady) // what the last run left
	if err := s.resumeReindex(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("rebuild the full text", "err", err)
	}
	for {
		select {
		case <-s.postsReady:
		case <-s.closing:
			return
		}
		delay := indexDelay
		for {
			select {
			case <-time.After(delay):
			case <-s.closing:
				return
			}
			err := s.Index(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			s.log.Error("index posts", "err", err)
			delay = indexRetry
		}
	}
}

// resumeReindex goes on with a rebuild that a new version asks for, or that was
// cut off. It takes half of the time, so that others can write meanwhile.
func (s *Store) resumeReindex(ctx context.Context) error {
	for begun := false; ; {
		at, going := time.Now(), false
		err := s.Update(ctx, func(tx *Tx) (err error) {
			if going, err = tx.Reindexing(); !going || err != nil {
				return err
			}
			return tx.rebuildSome()
		})
		if err != nil || !going {
			return err
		}
		if !begun {
			begun = true
			s.log.Info("the full-text index is built anew; until it is done, some searches take longer")
		}
		select {
		case <-time.After(time.Since(at)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// rebuildSome takes posts out of the index and brings them back at once, so that
// nobody misses what was found before; with them come new posts, which are behind
// them in the queue.
func (tx *Tx) rebuildSome() error {
	if _, err := tx.reindexSome(); err != nil {
		return err
	}
	rows, err := tx.waiting(2 * reindexBatch)
	if err != nil {
		return err
	}
	return tx.index(rows)
}

// indexRow is a post that waits, and its text.
type indexRow struct {
	Stored
	// Which post it was, and which version of it: numbers of posts that are gone
	// are given again.
	rev      int64
	uri      string
	modified int64
	fts      []any // rowid and the columns of posts_fts, nil if it cannot be read
}

// Index brings all posts that wait for it into the full-text index. The store
// does so by itself within a second of a commit.
func (s *Store) Index(ctx context.Context) error {
	for {
		var rows []indexRow
		err := s.View(ctx, func(tx *Tx) (err error) {
			rows, err = tx.waiting(indexBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("read posts to index: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := s.Update(ctx, func(tx *Tx) error { return tx.index(rows) }); err != nil {
			return fmt.Errorf("index posts: %w", err)
		}
	}
}

// waiting reads posts that wait for the index. Upwards: it is slow when row numbers
// go back and forth.
func (tx *Tx) waiting(limit int) ([]indexRow, error) {
	return all(tx, tx.store.scanIndexRow, "SELECT "+indexColumns+" FROM "+postsBodies+" WHERE p.indexed = 0 ORDER BY p.id LIMIT ? + 0", limit)
}

// indexColumns are read by scanIndexRow.
const indexColumns = storedColumns + ", p.rev, p.uri, p.modified, p.updated > 0"

func (s *Store) scanIndexRow(r row) (x indexRow, err error) {
	var parsed []byte
	var edited bool
	if err := r.Scan(&x.ID, when{&x.Received}, when{&x.Modified}, &parsed, &x.rev, &x.uri, &x.modified, &edited); err != nil {
		return x, err
	}
	if err := x.decode(parsed); err != nil {
		s.log.Error("a post cannot be indexed", "err", err)
		return x, nil
	}
	x.fts = ftsRow(x.Stored, marks(x.Post, edited))
	return x, nil
}

// ftsRow is what the index knows of a post, folded, with its marks.
func ftsRow(s Stored, marks []string) []any {
	row := []any{s.ID}
	for _, list := range said(s.Post) {
		row = append(row, foldAll(list))
	}
	last := len(row) - 1
	row[last] = row[last].(string) + " " + strings.Join(marks, " ")
	return row
}

// authorColumn is the one of them that words are not looked for in.
const authorColumn = 3

// said is what a post says, by the columns of the index.
func said(p translate.Post) [5][]string {
	text, title := []string{p.Text, p.Summary}, []string{p.Title}
	for _, t := range p.Translations {
		text, title = append(text, t.Text), append(title, t.Title)
	}
	for _, m := range p.Media {
		text = append(text, m.Alt)
	}
	author := p.Author
	if author.URI == "" {
		author = p.Owner
	}
	return [5][]string{title, text, {p.Warning}, {author.Name, author.Handle}, p.Tags}
}

// border stands between what is not one text, so that no phrase runs from one into
// the other. Like the marks it is nothing that people write or can ask for.
const border = "\ue001"

func foldAll(list []string) string {
	var folded []string
	for _, s := range list {
		if s = Fold(s); s != "" {
			folded = append(folded, s)
		}
	}
	return strings.Join(folded, " "+border+" ")
}

// isSign reports whether a word is a mark or a border.
func isSign(word string) bool {
	return strings.HasPrefix(word, markSign) || strings.HasPrefix(word, border)
}

// index stores the rows, except those whose posts changed or went meanwhile.
func (tx *Tx) index(rows []indexRow) error {
	for _, x := range rows {
		state := indexed
		if x.fts == nil {
			state = indexNever
		}
		n, err := tx.exec("UPDATE posts SET indexed = ? WHERE id = ? AND rev = ? AND uri = ? AND modified = ? AND indexed = 0",
			state, x.ID, x.rev, x.uri, x.modified)
		if err != nil {
			return err
		}
		if n == 0 || x.fts == nil {
			continue
		}
		err = tx.run("INSERT INTO posts_fts (rowid, title, text, warning, author, tags) VALUES (?, ?, ?, ?, ?, ?)", x.fts...)
		if err != nil {
			return err
		}
	}
	return nil
}

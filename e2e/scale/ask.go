package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/cache"
)

// question is asked of the store; bare is its like for SQLite alone, which
// answers with row numbers. Where grows is true, the answer has to look at all
// that the words are in.
type question struct {
	what  string
	query cache.SearchQuery
	bare  string
	word  string
	grows bool
}

const newest = "SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? ORDER BY rowid DESC LIMIT 20"

// asked are the questions. The ranks of the words are those of a corpus in
// which every second post is in that language.
func asked(c *corpus) []question {
	en := c.languages[0]
	common, middling, rare := en.word(0), en.word(3000), en.word(50_000)
	busy, quiet := actor(0), actor(actors/2)
	week := "after:" + start.Add(span-7*24*time.Hour).Format(time.DateOnly)
	owned := "SELECT id FROM posts WHERE owner = ? ORDER BY id DESC LIMIT 20"
	tagged := "SELECT post_id FROM tags WHERE tag = ? ORDER BY post_id DESC LIMIT 20"
	return []question{
		{what: "newest 20, a common word", query: cache.SearchQuery{Text: common}, bare: newest, word: common},
		{what: "newest 20, a middling word", query: cache.SearchQuery{Text: middling}, bare: newest, word: middling},
		{what: "newest 20, a rare word", query: cache.SearchQuery{Text: rare}, bare: newest, word: rare},
		{what: "newest 20, two words", query: cache.SearchQuery{Text: common + " " + middling}, bare: newest, word: common + " " + middling},
		{what: "newest 20, words that begin with two letters", query: cache.SearchQuery{Text: "ba*"}, bare: newest, word: "ba*"},
		{what: "newest 20 of a frequent tag", query: cache.SearchQuery{Text: "tag:tag0"}, bare: tagged, word: "tag0"},
		{what: "newest 20 of a rare tag", query: cache.SearchQuery{Text: "tag:tag4000"}, bare: tagged, word: "tag4000"},
		{what: "newest 20 of the busiest author", query: cache.SearchQuery{Text: "from:" + busy.Handle}, bare: owned, word: busy.URI},
		{what: "newest 20 of a quiet author", query: cache.SearchQuery{Text: "from:" + quiet.Handle}, bare: owned, word: quiet.URI},
		{what: "newest 20 by a field (language)", query: cache.SearchQuery{Filters: []cache.Filter{{Path: "lang", Op: "==", Value: "th"}}},
			bare: "SELECT post_id FROM bodies WHERE parsed ->> 'lang' = ? ORDER BY post_id DESC LIMIT 20", word: "th"},
		{what: "newest 20 of a small host", query: cache.SearchQuery{Text: "from:host5.example"},
			bare: "SELECT id FROM posts WHERE owner_host = ? ORDER BY id DESC LIMIT 20", word: "host5.example"},
		{what: "polls, of which there are none", query: cache.SearchQuery{Text: "is:poll"},
			bare: "SELECT id FROM posts WHERE kind = ? ORDER BY id DESC LIMIT 20", word: "question"},
		{what: "a common word, in a language that has it not", query: cache.SearchQuery{Text: common + " lang:th"},
			bare: "SELECT f.rowid FROM posts_fts f JOIN bodies ON post_id = f.rowid WHERE posts_fts MATCH ? AND parsed ->> 'lang' = 'th' ORDER BY f.rowid DESC LIMIT 20", word: common},
		{what: "best 20 of the last week, a common word", query: cache.SearchQuery{Text: common + " " + week, Order: []cache.Order{{By: "relevance", Desc: true}}},
			bare: fmt.Sprintf("SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? AND rowid >= %d ORDER BY rank LIMIT 20", start.Add(span-7*24*time.Hour).UnixMilli()<<20),
			word: common, grows: true},
	}
}

// times are how long a question took, sorted.
type times []time.Duration

func (t times) at(share float64) time.Duration { return t[min(len(t)-1, int(share*float64(len(t))))] }

func (t times) String() string {
	return fmt.Sprintf("%s, 99 %% %s", milliseconds(t.at(0.5)), milliseconds(t.at(0.99)))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}

// repeat does something a hundred times, or for three seconds.
func repeat(do func() error) (times, error) {
	var t times
	for begin := time.Now(); len(t) < 100 && (len(t) < 3 || time.Since(begin) < 3*time.Second); {
		at := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		t = append(t, time.Since(at))
	}
	slices.Sort(t)
	return t, nil
}

// ask asks all questions.
func (b *bench) ask(ctx context.Context) ([]times, error) {
	var all []times
	for _, q := range asked(b.corpus) {
		t, err := repeat(func() error {
			return b.store.View(ctx, func(tx *cache.Tx) error {
				_, err := tx.Search(q.query)
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.what, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// bare asks SQLite alone the same, on the same file: row numbers, and what the
// rows hold.
func (b *bench) bare(ctx context.Context) ([]times, error) {
	db, err := b.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var all []times
	for _, q := range asked(b.corpus) {
		t, err := repeat(func() error { return bareAnswer(ctx, db, q) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.what, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// open opens the file with SQLite alone.
func (b *bench) open() (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+b.file+"?mode=ro&_pragma=busy_timeout(5000)")
}

func bareAnswer(ctx context.Context, db *sql.DB, q question) error {
	rows, err := db.QueryContext(ctx, q.bare, q.word)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		var text string
		err := db.QueryRowContext(ctx, "SELECT json(parsed) FROM bodies WHERE post_id = ?", id).Scan(&text)
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// questions asks at rest, and while 500 posts a second arrive.
func (b *bench) questions(ctx context.Context) error {
	b.row("memory with all posts", resident(), "", "")
	bare, err := b.bare(ctx)
	if err != nil {
		return err
	}
	rest, err := b.ask(ctx)
	if err != nil {
		return err
	}
	var busy []times
	rate, err := b.whileArriving(ctx, func() (err error) {
		busy, err = b.ask(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for i, q := range asked(b.corpus) {
		beside := fmt.Sprintf("%s bare SQLite; %s with a tenth of the posts; %s while posts arrive",
			milliseconds(bare[i].at(0.5)), milliseconds(b.young[i].at(0.5)), busy[i])
		b.row(q.what, rest[i].String(), beside, fmt.Sprintf("%.1f", float64(rest[i].at(0.5))/float64(bare[i].at(0.5))))
	}
	b.row("posts that arrived meanwhile, each in its own update", fmt.Sprintf("%.0f/s", rate), "500/s asked for", fmt.Sprintf("%.2f", rate/500))
	b.row("memory after the questions", resident(), "", "")
	return errors.Join(b.counts(ctx), b.walks(ctx))
}

// whileArriving does something while 500 posts a second are put, one in an
// update, and says how many came.
func (b *bench) whileArriving(ctx context.Context, do func() error) (rate float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	arrived, failed := atomic.Int64{}, make(chan error, 1)
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := b.posts; ctx.Err() == nil; <-tick.C {
			var puts sync.WaitGroup
			for range 10 {
				list, err := b.corpus.batch(n, 1)
				n++
				puts.Go(func() {
					if err == nil {
						err = b.put(ctx, list)
					}
					if err == nil {
						arrived.Add(1)
					} else if ctx.Err() == nil {
						select {
						case failed <- err:
						default:
						}
					}
				})
			}
			puts.Wait()
		}
	})
	begin := time.Now()
	err = do()
	rate = float64(arrived.Load()) / time.Since(begin).Seconds()
	cancel()
	wait.Wait()
	select {
	case e := <-failed:
		err = errors.Join(err, e)
	default:
	}
	return rate, err
}

// reindex builds the index anew while posts are asked for.
func (b *bench) reindex(ctx context.Context) error {
	begin, done := time.Now(), make(chan error, 1)
	go func() {
		_, err := b.store.Reindex(ctx, nil)
		done <- err
	}()
	during, err := b.ask(ctx)
	if err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	took := time.Since(begin)
	b.row("index built anew while serving", fmt.Sprintf("%.0f posts/s", float64(b.posts)/took.Seconds()),
		fmt.Sprintf("%s for the newest 20 of a common word meanwhile", during[0]), "")
	return b.store.Close()
}

// resident is the memory of this process, store and benchmark, without the
// pages of the file that the system keeps for it anyway.
func resident() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}

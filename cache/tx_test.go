package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"database/sql"
)

func TestOpenLocksOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	openAt(t, path)
	_, err := Open(context.Background(), path, quiet(t))
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("second Open: %v", err)
	}
	if want := fmt.Sprintf("process %d", os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
}

func TestOpenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space?and#odd%20.db")
	s := openAt(t, path)
	s.put(t, note("https://a.example/1", "https://a.example/u", "kept"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	s.view(t, func(tx *Tx) error {
		_, err := tx.PostByURI("https://a.example/1", Viewer{})
		return err
	})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file of private keys has mode %v", info.Mode())
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	if err := openAt(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign.db")
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, query := range map[string]string{
		newer:   "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)",
		foreign: "CREATE TABLE theirs (x)",
	} {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(context.Background(), newer, quiet(t))
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "number 99") {
		t.Errorf("newer database: %v", err)
	}
	_, err = Open(context.Background(), foreign, quiet(t))
	if err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("foreign database: %v", err)
	}
	if _, err = Open(context.Background(), garbage, quiet(t)); !errors.Is(err, ErrDamaged) {
		t.Errorf("garbage: %v", err)
	}
}

// TestGroups runs good and bad updates together: each fails alone.
func TestGroups(t *testing.T) {
	s := open(t)
	boom := errors.New("boom")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			key := fmt.Sprint(i)
			var got error
			func() {
				defer func() {
					if r := recover(); (r != nil) != (i%4 == 2) {
						t.Errorf("update %d: recovered %v", i, r)
					}
				}()
				got = s.Update(context.Background(), func(tx *Tx) error {
					if err := tx.SetMeta(key, "v"); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return boom
					case 2:
						panic("boom")
					case 3:
						return tx.run("INSERT INTO meta (key, value) VALUES (?, NULL)", "null")
					}
					return nil
				})
			}()
			if want := i%4 == 1; errors.Is(got, boom) != want {
				t.Errorf("update %d: %v", i, got)
			}
			if want := i%4 == 3; got == nil == want && i%4 != 1 {
				t.Errorf("update %d: %v", i, got)
			}
		})
	}
	wg.Wait()
	s.view(t, func(tx *Tx) error {
		for i := range 200 {
			_, err := tx.Meta(fmt.Sprint(i))
			if (i%4 == 0) != (err == nil) {
				t.Errorf("update %d left %v", i, err)
			}
		}
		return nil
	})
}

// TestGoexit ends the goroutine inside an update; the writer lives on.
func TestGoexit(t *testing.T) {
	s := open(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Update(context.Background(), func(tx *Tx) error {
			if err := tx.SetMeta("k", "v"); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
	}()
	<-done
	s.update(t, func(tx *Tx) error {
		if _, err := tx.Meta("k"); !errors.Is(err, ErrNotFound) {
			t.Errorf("Goexit left %v", err)
		}
		return nil
	})
}

func TestTxMisuse(t *testing.T) {
	s := open(t)
	var kept *Tx
	s.update(t, func(tx *Tx) error { kept = tx; return nil })
	if err := kept.SetMeta("k", "v"); !errors.Is(err, errOver) {
		t.Errorf("use after the end: %v", err)
	}
	err := s.View(context.Background(), func(tx *Tx) error { return tx.SetMeta("k", "v") })
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("write in a view: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(context.Background(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("update after Close: %v", err)
	}
	if err := s.View(context.Background(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("view after Close: %v", err)
	}
}

// TestUpdateContext: a context ends the wait for a turn, never an update that
// has begun.
func TestUpdateContext(t *testing.T) {
	s := open(t)
	begun, release := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		first <- s.Update(ctx, func(tx *Tx) error {
			close(begun)
			<-release
			return tx.SetMeta("first", "v")
		})
	}()
	<-begun
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(20*time.Millisecond))
	defer cancelLate()
	ran := false
	err := s.Update(late, func(*Tx) error { ran = true; return nil })
	if !errors.Is(err, ErrBusy) || !errors.Is(err, context.DeadlineExceeded) || ran {
		t.Errorf("an update that got no turn: %v, ran %v", err, ran)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("an update that had begun: %v", err)
	}
}

// TestSnapshot: a view sees one state.
func TestSnapshot(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error { return tx.SetMeta("k", "1") })
	s.view(t, func(tx *Tx) error {
		before, err := tx.Meta("k")
		if err != nil {
			return err
		}
		s.update(t, func(tx *Tx) error { return tx.SetMeta("k", "2") })
		after, err := tx.Meta("k")
		if before != after {
			t.Errorf("the view saw %s, then %s", before, after)
		}
		return err
	})
}

// TestCancelTorture cancels reads at random moments and checks that no
// connection stays interrupted (go.md §1.4).
func TestCancelTorture(t *testing.T) {
	s := open(t)
	for i := range 300 {
		s.put(t, note(fmt.Sprintf("https://a.example/%d", i), "https://a.example/u", strings.Repeat("word ", 50)))
	}
	const query = `SELECT count(*) FROM posts a, posts b, bodies c WHERE json(c.parsed) LIKE '%' || a.uri || b.uri || '%'`
	var wg sync.WaitGroup
	var cancelled, done atomic.Int64
	end := time.Now().Add(time.Second)
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for i := 0; time.Now().Before(end); i++ {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(3000))*time.Microsecond)
				err := s.View(ctx, func(tx *Tx) error {
					_, err := tx.count(query)
					return err
				})
				cancel()
				switch {
				case errors.Is(err, context.DeadlineExceeded):
					cancelled.Add(1)
				case err != nil:
					t.Errorf("cancelled query: %v", err)
				}
				if err := s.View(context.Background(), func(tx *Tx) error {
					_, err := tx.PostByURI("https://a.example/7", Viewer{})
					return err
				}); err != nil {
					t.Errorf("query after a cancelled one: %v", err)
				}
				ctx, cancel = context.WithTimeout(context.Background(), time.Duration(r.IntN(300))*time.Microsecond)
				err = s.Update(ctx, func(tx *Tx) error { return tx.SetMeta(fmt.Sprint(g, " ", i), "v") })
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("update: %v", err)
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if cancelled.Load() == 0 {
		t.Error("nothing was cancelled")
	}
	t.Logf("%d of %d reads were cancelled", cancelled.Load(), done.Load())
}

// TestDiskFull fills the file: the updates that do not fit fail as temporary,
// and leave nothing; the store works on.
func TestDiskFull(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error { return tx.SetMeta("before", "v") })
	pages := 0
	s.update(t, func(tx *Tx) (err error) { pages, err = tx.count("PRAGMA page_count"); return err })
	limit := func(n int) {
		if err := s.alone(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 50)
	var wg sync.WaitGroup
	var ok, full atomic.Int64
	for i := range 64 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			err := s.Update(context.Background(), func(tx *Tx) error {
				if err := tx.PutMedia(Media{ID: id, Bytes: make([]byte, 20_000)}); err != nil {
					return err
				}
				return tx.Enqueue(Job{Kind: "k", Host: id, CreatedAt: day})
			})
			switch {
			case err == nil:
				ok.Add(1)
			case errors.Is(err, ErrTemporary):
				full.Add(1)
			default:
				t.Errorf("update on a full disk: %v", err)
			}
		})
	}
	wg.Wait()
	if ok.Load() == 0 || full.Load() == 0 {
		t.Errorf("%d updates fitted, %d did not", ok.Load(), full.Load())
	}
	limit(1 << 30)
	s.update(t, func(tx *Tx) error {
		media, err := tx.count("SELECT count(*) FROM media")
		if err != nil {
			return err
		}
		jobs, err := tx.count("SELECT count(*) FROM jobs")
		if int64(media) != ok.Load() || media != jobs {
			t.Errorf("%d updates succeeded; they left %d files and %d jobs", ok.Load(), media, jobs)
		}
		return err
	})
}

// TestSwallowedError: an update that hides that the disk is full still fails,
// and so does what it does afterwards.
func TestSwallowedError(t *testing.T) {
	s := open(t)
	pages := 0
	s.update(t, func(tx *Tx) (err error) { pages, err = tx.count("PRAGMA page_count"); return err })
	if err := s.alone(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages+5)); err != nil {
		t.Fatal(err)
	}
	err := s.Update(context.Background(), func(tx *Tx) error {
		if err := tx.PutMedia(Media{ID: "big", Bytes: make([]byte, 1<<20)}); err == nil {
			t.Error("it fitted")
		}
		_ = tx.SetMeta("half", "v")
		return nil
	})
	if !errors.Is(err, ErrTemporary) {
		t.Errorf("update: %v", err)
	}
	s.view(t, func(tx *Tx) error {
		if _, err := tx.Meta("half"); !errors.Is(err, ErrNotFound) {
			t.Errorf("half an update was stored: %v", err)
		}
		return nil
	})
}

// TestBusy: another process that holds the write lock makes updates busy.
func TestBusy(t *testing.T) {
	s := open(t)
	if err := s.alone(context.Background(), "PRAGMA busy_timeout = 10"); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(s.path, 1000, false))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("INSERT INTO meta (key, value) VALUES ('x', x'00')"); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(context.Background(), func(tx *Tx) error { return tx.SetMeta("k", "v") }); !errors.Is(err, ErrBusy) {
		t.Errorf("update: %v", err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.update(t, func(tx *Tx) error { return tx.SetMeta("k", "v") })
}

func TestDurable(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		tx.Durable()
		return tx.SetMeta("k", "v")
	})
	if s.wal.file == nil {
		t.Error("the log was not synced")
	}
}

func TestMaintenance(t *testing.T) {
	s := open(t)
	s.put(t, note("https://a.example/1", "https://a.example/u", "one"))
	ctx := context.Background()
	st, err := s.Stats(ctx)
	if err != nil || st.Posts != 1 || st.FileBytes == 0 {
		t.Errorf("stats %+v, %v", st, err)
	}
	if err := s.Checkpoint(ctx); err != nil {
		t.Error(err)
	}
	if _, err := s.Vacuum(ctx); err != nil {
		t.Error(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if n, err := Backup(ctx, s.path, copied); n == 0 || err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(ctx, s.path, copied); !errors.Is(err, fs.ErrExist) {
		t.Error("a backup overwrote a file")
	}
	openAt(t, copied).view(t, func(tx *Tx) error {
		_, err := tx.PostByURI("https://a.example/1", Viewer{})
		return err
	})
}

// TestCheckFinds: the check notices what it is for.
func TestCheckFinds(t *testing.T) {
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "x.db"), quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.put(t, note("https://a.example/1", "https://a.example/u", "one"))
	s.update(t, func(tx *Tx) error { return tx.run("DELETE FROM bodies") })
	if err := s.Check(context.Background()); !errors.Is(err, errUnsound) {
		t.Errorf("check: %v", err)
	}
}

package cache

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"isthmus/cache/cachetest"
	"isthmus/translate"
)

// quiet is a logger for tests: what it says shows when the test fails.
func quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

// fresh is a new store, made once.
var fresh = cachetest.NewFresh(func(path string) error {
	s, err := Open(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return s.Close()
})

// open opens a new store that is checked and closed after the test.
func open(t testing.TB) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	fresh.At(t, path)
	return openAt(t, path)
}

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !errors.Is(s.View(context.Background(), func(*Tx) error { return nil }), ErrClosed) {
			if err := s.Check(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// update runs fn and fails the test if it fails.
func (s *Store) update(t testing.TB, fn func(tx *Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) view(t testing.TB, fn func(tx *Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// day is a fixed time of the tests.
var day = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// note is a public note by owner.
func note(uri, owner, text string) translate.Post {
	return translate.Post{
		URI: uri, Kind: translate.KindNote, Origin: translate.OriginAP,
		Owner: translate.Actor{URI: owner, JID: "a@x"}, Text: text, HTML: "<p>" + text + "</p>",
		Visibility: translate.Public, Published: day,
	}
}

// put stores a post and returns its id.
func (s *Store) put(t testing.TB, p translate.Post) int64 {
	t.Helper()
	var id int64
	s.update(t, func(tx *Tx) (err error) {
		id, _, err = tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Hour)})
		return err
	})
	return id
}

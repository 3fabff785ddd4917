package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/cache"
	"isthmus/config"
)

// TestEngineAsksBack: the gateway itself ends nothing for ever without a yes,
// whichever command asks for it.
func TestEngineAsksBack(t *testing.T) {
	b := newBench(t, serveConfig(t))
	cfg, err := config.Load(b.config, b.env)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []call{
		{Name: "unlink", As: "louise@example.org"},
		{Name: "as", As: "louise@example.org", Args: []string{"unlink"}},
	} {
		store, err := cache.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		e, err := newEngine(t.Context(), cfg, store, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if err := store.Update(t.Context(), func(tx *cache.Tx) error {
			return tx.PutAccount(cache.Account{
				URI: "https://example.org/_ap/actor/louise@example.org", Acct: "louise@example.org", JID: "louise@example.org",
				Kind: cache.Person, State: cache.Linked, Generation: 1, Access: cache.AccessOpen, CreatedAt: now, UpdatedAt: now, LinkedAt: now,
			})
		}); err != nil {
			t.Fatal(err)
		}
		state := func() cache.AccountState {
			a, err := store.AccountOf(t.Context(), "louise@example.org", "")
			if err != nil {
				t.Fatal(err)
			}
			return a.State
		}
		out, err := e.Do(t.Context(), c)
		if err != nil || !strings.Contains(out.Ask, "would leave the fediverse") || state() != cache.Linked {
			t.Errorf("%+v: %+v, %v, and she is %s", c, out, err, state())
		}
		out, err = e.Do(t.Context(), c.with(optionYes, "true"))
		if err != nil || out.Ask != "" || !strings.HasPrefix(strings.Join(out.Text, ""), "Unlinked") || state() != cache.Unlinked {
			t.Errorf("%+v, sure: %+v, %v, and she is %s", c, out, err, state())
		}
	}
}

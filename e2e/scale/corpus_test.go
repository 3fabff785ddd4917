package main

import (
	"log/slog"
	"path/filepath"
	"testing"

	"isthmus/cache"
)

// TestCorpus: the store agrees that its posts are what their documents say.
func TestCorpus(t *testing.T) {
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	store, err := cache.Open(ctx, filepath.Join(t.TempDir(), "scale.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const posts = 300
	b := &bench{posts: posts, log: log, store: store, corpus: newCorpus(1, posts)}
	if err := b.people(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := b.fill(ctx, 0, posts); err != nil {
		t.Fatal(err)
	}
	sum, err := store.Verify(ctx, cache.Verification{Found: func(f cache.Finding) {
		t.Errorf("%s: %s", f.Where, f.What)
	}})
	if err != nil || sum.Posts != posts || sum.Compared != posts {
		t.Errorf("%+v, %v", sum, err)
	}
}

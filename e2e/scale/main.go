// Command scale measures the store with a million posts: how fast they are
// loaded and indexed, what they weigh, how long questions take while more
// arrive, each beside what bare SQLite does on the same file and beside the disk.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"isthmus/cache"
)

func main() {
	posts := flag.Int("posts", 1_000_000, "how many posts to make")
	dir := flag.String("dir", "", "where to make the store; a temporary folder, removed at the end, if not given")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, *dir, max(*posts, 10_000)); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// row is a line of the table.
type row struct{ what, measured, beside, ratio string }

// bench is one run.
type bench struct {
	file  string
	posts int
	log   *slog.Logger
	rows  []row

	corpus   *corpus
	store    *cache.Store
	young    []times // the questions with a tenth of the posts
	diskRate float64 // MiB/s
	bareRate float64 // posts/s
}

func (b *bench) row(what, measured, beside, ratio string) {
	b.rows = append(b.rows, row{what, measured, beside, ratio})
}

func (b *bench) print() {
	fmt.Println("| what | measured | beside it, same run | ratio |")
	fmt.Println("| --- | --- | --- | --- |")
	for _, r := range b.rows {
		fmt.Printf("| %s | %s | %s | %s |\n", r.what, r.measured, r.beside, r.ratio)
	}
}

func measure(ctx context.Context, dir string, posts int) error {
	if dir == "" {
		made, err := os.MkdirTemp("", "isthmus-scale-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		dir = made
	}
	b := &bench{file: filepath.Join(dir, "scale.db"), posts: posts,
		log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	defer b.print()
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"disk", b.disk}, {"bare load", b.bareLoad}, {"load", b.load}, {"size", b.size}, {"questions", b.questions}, {"index", b.reindex},
	} {
		fmt.Fprintln(os.Stderr, "scale:", part.name)
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

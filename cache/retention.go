package cache

import (
	"context"
	"fmt"
	"time"

	"isthmus/translate"
)

// Retention is how long posts are kept that can be fetched again; see Forget
// for what is kept however old it is.
type Retention struct {
	Keep      time.Duration                    // 0: for ever
	KeepKinds map[translate.Kind]time.Duration // of single kinds, instead of Keep; 0: for ever
	MaxBytes  int64                            // of what is in use in the file; 0: no limit
	Ours      []string                         // domains of our users
}

// retainStep is by how much of the posts a store that is too large goes back at
// a time, and retainLeast what is kept even then.
const (
	retainSteps = 40
	retainLeast = 24 * time.Hour
)

// Retain forgets what is older than it should be, and then the oldest posts
// until the store is small enough.
func (s *Store) Retain(ctx context.Context, r Retention, now time.Time) (Forgotten, error) {
	sum := Forgotten{Kinds: map[translate.Kind]int{}}
	forget := func(f Forgetting) error {
		f.Ours = r.Ours
		got, err := s.Forget(ctx, f, false, nil)
		sum.Posts += got.Posts
		sum.Bytes += got.Bytes
		for k, n := range got.Kinds {
			sum.Kinds[k] += n
		}
		return err
	}
	all := Forgetting{}
	for kind, keep := range r.KeepKinds {
		all.Except = append(all.Except, kind)
		if keep > 0 {
			if err := forget(Forgetting{Selection: Selection{Kind: kind, Before: now.Add(-keep)}}); err != nil {
				return sum, err
			}
		}
	}
	if r.Keep > 0 {
		all.Before = now.Add(-r.Keep)
		if err := forget(all); err != nil {
			return sum, err
		}
	}
	if r.MaxBytes <= 0 {
		return sum, nil
	}
	for step := 1; step <= retainSteps; step++ {
		used, before, err := s.usage(ctx, step)
		if err != nil || used <= r.MaxBytes {
			return sum, err
		}
		least := now.Add(-retainLeast)
		if before.IsZero() || before.After(least) {
			before, step = least, retainSteps
		}
		if err := forget(Forgetting{Selection: Selection{Before: before}}); err != nil {
			return sum, err
		}
	}
	used, _, err := s.usage(ctx, 0)
	if err == nil && used > r.MaxBytes {
		s.log.Warn("the store is larger than it should be, and nothing more can be forgotten", "megabytes", used>>20, "max_size", r.MaxBytes>>20)
	}
	return sum, err
}

// usage returns how much of the file is in use, and the time before which so
// many of the steps' posts were received.
func (s *Store) usage(ctx context.Context, step int) (used int64, before time.Time, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		used, err = one(tx, value[int64], `SELECT (page_count - freelist_count) * page_size
			FROM pragma_page_count, pragma_freelist_count, pragma_page_size`)
		if err != nil {
			return err
		}
		at, err := one(tx, value[int64], `SELECT coalesce((SELECT received FROM posts ORDER BY id LIMIT 1
			OFFSET (SELECT count(*) FROM posts) * ? / ?), 0)`, step, retainSteps)
		before = moment(at)
		return err
	})
	if err != nil {
		return 0, before, fmt.Errorf("measure the store: %w", err)
	}
	return used, before, nil
}

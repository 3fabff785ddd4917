package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"isthmus/cache"
)

// shownFindings is how many findings are listed one by one.
const shownFindings = 1000

func (r reports) verify(ctx context.Context, c call, out io.Writer) (report, error) {
	n := 0
	var sum cache.Verified
	tell := every(progressEvery, func() { fmt.Fprintf(out, "%d posts so far\n", sum.Posts) })
	sum, err := r.store.Verify(ctx, cache.Verification{
		Repair: c.Options["repair"] == "true",
		Told: func(v cache.Verified) {
			sum = v
			tell()
		},
		Found: func(f cache.Finding) {
			if n++; n > shownFindings {
				return
			}
			end := "mended"
			if !f.Mended {
				end = f.Remedy
			}
			fmt.Fprintf(out, "%s: %s; %s\n", printable(f.Where), printable(f.What), end)
		},
	})
	if err != nil {
		return report{}, err
	}
	looked := fmt.Sprintf("%s looked at, %d compared with the original", counted(sum.Posts, "post was", "posts were"), sum.Compared)
	switch left := sum.Findings - sum.Mended; {
	case sum.Findings == 0:
		return say("%s. All is well.", looked), nil
	case left == 0:
		return say("%s. %s.", looked, counted(sum.Findings, "thing was wrong and is mended", "things were wrong and are mended")), nil
	default:
		return report{}, fmt.Errorf("%s; %s wrong, %d mended", looked, counted(sum.Findings, "thing is", "things are"), sum.Mended)
	}
}

func (r reports) reindex(ctx context.Context, out io.Writer) (report, error) {
	var at cache.Reindexed
	tell := every(progressEvery, func() { fmt.Fprintf(out, "%d of %d posts\n", at.Done, at.Posts) })
	done, err := r.store.Reindex(ctx, func(x cache.Reindexed) {
		at = x
		tell()
	})
	if err != nil {
		return report{}, fmt.Errorf("%w; after %d posts, and the next call goes on there", err, done.Done)
	}
	return say("%s in the index.", counted(done.Done, "post is", "posts are")), nil
}

func (r reports) vacuum(ctx context.Context) (report, error) {
	v, err := r.store.Vacuum(ctx)
	if errors.Is(err, cache.ErrNoRoom) {
		return report{}, fmt.Errorf("%w; make room, or copy it with isthmus cache backup to another disk and put the copy in its place", err)
	}
	if err != nil {
		return report{}, err
	}
	return say("The database went from %s to %s. New posts waited for %v.", size(v.Before), size(v.After), v.Held.Round(time.Millisecond)), nil
}

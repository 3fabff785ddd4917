package gateway

import (
	"context"
	"errors"
	"time"

	"isthmus/cache"
)

// The store is tidied once a day, in the quiet hours of the configuration.
const (
	tidyLook  = 5 * time.Minute
	tidyAgain = 20 * time.Hour // since the last time: one for each night
	tidyWaits = 72 * time.Hour // for quiet hours: a machine may be off at night
	metaTidy  = "tidied"
	metaWaits = "to be tidied since"
)

// runTidy waits for the quiet hours, until ctx ends.
func (g *Gateway) runTidy(ctx context.Context) {
	for {
		if err := g.tidy(ctx); err != nil && ctx.Err() == nil {
			g.log.Error("tidy the store", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(g.tidyWait()):
		}
	}
}

// tidyWait is how long it is to the next look: short hours begin between two.
func (g *Gateway) tidyWait() time.Duration {
	if begin := g.cfg.Cache.Quiet.Until(g.now().Local()); begin > 0 {
		return min(begin, tidyLook)
	}
	return tidyLook
}

// tidy forgets what need not be kept any longer, and then rewrites the database
// if anything was deleted since it was last rewritten, so that nothing is left
// of it.
func (g *Gateway) tidy(ctx context.Context) error {
	now := g.now()
	if due, err := g.tidyDue(ctx, now); err != nil || !due {
		return err
	}
	forgotten, err := g.store.Retain(ctx, g.retention(), now)
	if err != nil {
		return err
	}
	var due bool
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		due, err = tx.VacuumDue()
		return err
	})
	if err != nil {
		return err
	}
	if due {
		v, err := g.store.Vacuum(ctx)
		if errors.Is(err, cache.ErrNoRoom) {
			g.log.Warn("the database was not rewritten", "error", err, "remedy", "make room on its disk")
		} else if err != nil {
			return err
		} else {
			g.log.Info("database rewritten", "before", v.Before, "after", v.After, "forgotten", forgotten.Posts, "held", v.Held)
		}
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		if err := tx.DeleteMeta(metaWaits); err != nil {
			return err
		}
		return tx.SetMeta(metaTidy, now.UTC().Format(time.RFC3339))
	})
}

// tidyDue tells whether the store is to be tidied now: once in the quiet hours of
// each day, or when these were missed for days.
func (g *Gateway) tidyDue(ctx context.Context, now time.Time) (bool, error) {
	quiet := g.cfg.Cache.Quiet
	switch {
	case g.since(g.noted(ctx, metaTidy)) < tidyAgain, quiet.From == quiet.To:
		return false, nil
	case quiet.Contains(now.Local()):
		return true, nil
	}
	if waits := g.noted(ctx, metaWaits); !waits.IsZero() {
		return g.since(waits) > tidyWaits, nil
	}
	return false, g.store.Update(ctx, func(tx *cache.Tx) error {
		return tx.SetMeta(metaWaits, now.UTC().Format(time.RFC3339))
	})
}

// retention is what the configuration says of keeping.
func (g *Gateway) retention() cache.Retention {
	c := g.cfg.Cache
	return cache.Retention{Keep: c.Keep, MaxBytes: c.MaxBytes, Ours: g.cfg.Ours(), KeepKinds: c.KeepKinds}
}

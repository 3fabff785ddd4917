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
	metaTidy  = "tidied"
)

// runTidy waits for the quiet hours, until ctx ends.
func (g *Gateway) runTidy(ctx context.Context) {
	tick := time.NewTicker(tidyLook)
	defer tick.Stop()
	for {
		if err := g.tidy(ctx); err != nil && ctx.Err() == nil {
			g.log.Error("tidy the store", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tidy forgets what need not be kept any longer, and then rewrites the database
// if anything was deleted since it was last rewritten, so that nothing is left
// of it.
func (g *Gateway) tidy(ctx context.Context) error {
	now := g.now()
	if !g.cfg.Cache.Quiet.Contains(now.Local()) || now.Sub(g.tidied(ctx)) < tidyAgain {
		return nil
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
		if err := tx.ForgetNews(now.Add(-newsLife)); err != nil {
			return err
		}
		return tx.SetMeta(metaTidy, now.UTC().Format(time.RFC3339))
	})
}

func (g *Gateway) tidied(ctx context.Context) time.Time {
	var text string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		text, err = tx.Meta(metaTidy)
		return err
	})
	at, parseErr := time.Parse(time.RFC3339, text)
	if err != nil || parseErr != nil {
		return time.Time{}
	}
	return at
}

// retention is what the configuration says of keeping.
func (g *Gateway) retention() cache.Retention {
	c := g.cfg.Cache
	return cache.Retention{Keep: c.Keep, MaxBytes: c.MaxBytes, Ours: g.cfg.Ours(), KeepKinds: c.KeepKinds}
}

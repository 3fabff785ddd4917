package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"isthmus/cache"
)

// How long is kept what nobody refers to any more.
const (
	seenLife     = 60 * 24 * time.Hour  // what came, against repeats (D7)
	activityLife = 365 * 24 * time.Hour // what we sent
	failedLife   = 14 * 24 * time.Hour  // jobs that were given up,
	failedMost   = 10_000               // and how many of them
	idleLife     = 90 * 24 * time.Hour  // remote actors that nothing points to
	idleEvery    = 20 * time.Hour       // how often these are looked for
	pruneStep    = 1000                 // rows of a kind in one transaction
)

// metaIdle is where the store keeps when remote actors were looked through.
const metaIdle = "looked for actors to forget"

// prune drops what was kept for long enough. It is cheap and asks for no quiet
// hours: a machine that is off at night tidies too.
func (g *Gateway) prune(ctx context.Context) {
	now := g.now()
	for what, drop := range map[string]func(*cache.Tx) (int, error){
		"activities": func(tx *cache.Tx) (int, error) {
			return tx.PruneActivities(now.Add(-seenLife), now.Add(-activityLife), pruneStep)
		},
		"failed jobs": func(tx *cache.Tx) (int, error) {
			return tx.PruneFailed(now.Add(-failedLife), failedMost, pruneStep)
		},
		"notices": func(tx *cache.Tx) (int, error) { return tx.ForgetNotices(now.Add(-noticeLife), pruneStep) },
		"news":    func(tx *cache.Tx) (int, error) { return tx.ForgetNews(now.Add(-newsLife), pruneStep) },
	} {
		for n := pruneStep; n >= pruneStep && ctx.Err() == nil; {
			err := g.store.Update(ctx, func(tx *cache.Tx) (err error) {
				n, err = drop(tx)
				return err
			})
			if err != nil {
				n = 0
				if ctx.Err() == nil {
					g.log.Error("prune", "what", what, "error", err)
				}
			}
		}
	}
	if g.since(g.noted(ctx, metaIdle)) < idleEvery {
		return
	}
	if err := g.forgetIdle(ctx, now); err != nil && ctx.Err() == nil {
		g.log.Error("forget who is not referred to", "error", err)
	}
}

// forgetIdle forgets remote actors and hosts that nothing here points to, and
// marks of what is not there any more. Who is asked for again is read again.
func (g *Gateway) forgetIdle(ctx context.Context, now time.Time) error {
	if err := g.letGo(ctx); err != nil {
		return err
	}
	before := now.Add(-idleLife)
	actors, err := g.store.ForgetActors(ctx, cache.Idle{
		Before: before, Unrelated: []string{jobDeliver, jobNotify, jobFound},
		Drop: func(tx *cache.Tx, actor string) error { return tx.DeleteMeta(outboxKey(actor)) },
	})
	if err != nil {
		return err
	}
	hosts, err := g.store.ForgetHosts(ctx, before)
	if err != nil {
		return err
	}
	marks, err := g.forgetMarks(ctx)
	if err != nil {
		return err
	}
	if actors+hosts+marks > 0 {
		g.log.Info("forgot what nothing refers to", "actors", actors, "hosts", hosts, "marks", marks)
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		return tx.SetMeta(metaIdle, now.UTC().Format(time.RFC3339))
	})
}

// staleMarks tell for each kind of mark whether one is of no use any more.
func (g *Gateway) staleMarks() map[string]func(*cache.Tx, cache.MetaEntry) (bool, error) {
	return map[string]func(*cache.Tx, cache.MetaEntry) (bool, error){
		outboxPrefix: func(_ *cache.Tx, m cache.MetaEntry) (bool, error) {
			at, err := time.Parse(time.RFC3339, m.Value)
			return err != nil || g.since(at) > backfillAge, nil
		},
		watchPrefix: func(tx *cache.Tx, m cache.MetaEntry) (bool, error) {
			var w watch
			if json.Unmarshal([]byte(m.Value), &w) != nil {
				return true, nil
			}
			_, err := tx.PostByURI(w.URI, operator)
			return isMissing(err)
		},
		heartPrefix: func(tx *cache.Tx, m cache.MetaEntry) (bool, error) {
			var h heartMark
			if json.Unmarshal([]byte(m.Value), &h) != nil {
				return false, nil // taken back, and nobody knows among what it stood
			}
			_, err := tx.PostByURI(cmp.Or(h.Root, h.Object), operator)
			return isMissing(err)
		},
		unsentPrefix: func(tx *cache.Tx, m cache.MetaEntry) (bool, error) {
			var u unsent
			if json.Unmarshal([]byte(m.Value), &u) != nil {
				return true, nil
			}
			a, err := tx.AccountByJID(u.JID, u.Node)
			if gone, err := isMissing(err); err != nil || gone {
				return gone, err
			}
			return a.State == cache.Unlinked, nil
		},
		rosterPrefix: func(tx *cache.Tx, m cache.MetaEntry) (bool, error) {
			user := strings.TrimPrefix(m.Key, rosterPrefix)
			_, err := tx.AccountByJID(user, "")
			if gone, err := isMissing(err); err != nil || !gone {
				return false, err
			}
			has, err := tx.HasContact(cache.Contact{Our: g.addr.Component(), User: user})
			return !has, err
		},
	}
}

// isMissing tells whether an error says that something is not there.
func isMissing(err error) (bool, error) {
	if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone) {
		return true, nil
	}
	return false, err
}

// forgetMarks deletes the marks that are of no use any more, and says how many.
func (g *Gateway) forgetMarks(ctx context.Context) (int, error) {
	forgotten := 0
	for prefix, stale := range g.staleMarks() {
		for after, more := "", true; more; {
			err := g.store.Update(ctx, func(tx *cache.Tx) error {
				page, err := tx.MetaAfter(prefix, after, 100)
				if err != nil {
					return err
				}
				more = len(page) == 100
				for _, m := range page {
					after = m.Key
					if gone, err := stale(tx, m); err != nil {
						return err
					} else if !gone {
						continue
					}
					if err := tx.DeleteMeta(m.Key); err != nil {
						return err
					}
					forgotten++
				}
				return nil
			})
			if err != nil {
				return forgotten, err
			}
		}
	}
	return forgotten, nil
}

package gateway

import (
	"context"
	"math"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
)

// since is how long ago something was noted. What a clock noted that was ahead
// was long ago, or it would be waited for until that time comes.
func (g *Gateway) since(at time.Time) time.Duration {
	ago := g.now().Sub(at)
	if ago < -time.Minute {
		return math.MaxInt64
	}
	return ago
}

// noted is the time that the store keeps under a key, zero for none.
func (g *Gateway) noted(ctx context.Context, key string) time.Time {
	var text string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		text, err = tx.Meta(key)
		return err
	})
	at, parseErr := time.Parse(time.RFC3339, text)
	if err != nil || parseErr != nil {
		return time.Time{}
	}
	return at
}

// lateBy is how much later than planned a job is begun when nobody was there to
// begin it: the XMPP server or the machine was away.
const lateBy = time.Hour

// overdue tells whether a job has reached the end of its life. One that was not
// begun when it was due has one more attempt, or all that came while the XMPP
// server was away for a week would be lost, untried. Behind a host that fails
// jobs are late as well, and there may be thousands: they end.
func (g *Gateway) overdue(ctx context.Context, j cache.Job) (old, late bool) {
	now := g.now()
	if j.ExpiresAt.IsZero() || now.Before(j.ExpiresAt) {
		return false, false
	}
	if now.Sub(j.RunAt) < lateBy {
		return true, false
	}
	h, err := g.store.Host(ctx, j.Host)
	return true, err == nil && h.FailingSince.IsZero()
}

// fails tells whether a host did not take what it was sent last.
func (g *Gateway) fails(ctx context.Context, host string) bool {
	h, err := g.store.Host(ctx, host)
	return err == nil && (h.Failures > 0 || !h.CircuitUntil.IsZero())
}

// deadAfter is how long a host fails, without a word of its own, until what goes
// to all followers is not queued for it any more.
const deadAfter = 14 * 24 * time.Hour

// dead tells whether a host is left out of what goes to followers: one delivery
// at a time shows whether it is back (D5). What takes something back is queued
// whatever the host does.
func (g *Gateway) dead(tx *cache.Tx, o outgoing, host string) (bool, error) {
	if !o.followers || o.act.Type == as2.TypeDelete || o.act.Type == as2.TypeUndo {
		return false, nil
	}
	h, err := tx.Host(host)
	if err != nil || h.FailingSince.IsZero() || g.since(h.FailingSince) < deadAfter || g.since(h.LastInbound) < deadAfter {
		return false, err
	}
	return tx.HostBusy(host)
}

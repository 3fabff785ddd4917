package cache

import (
	"cmp"
	"fmt"
	"time"
)

// clockStep is by how much the clock may go back unnoticed, and waitMost longer
// than anything is ever put off.
const (
	clockStep = time.Second
	waitMost  = 24 * time.Hour
)

// setClock notes the time. When the clock has gone back since, or nobody knows,
// what was noted by the clock that was ahead must not be waited for: a machine
// may start with the date of a year to come.
func (tx *Tx) setClock(now time.Time) error {
	at := millis(now)
	last := cmp.Or(tx.after.clock, tx.before.clock, tx.store.clock.Load())
	tx.after.clock = at
	if last != 0 && at >= last-clockStep.Milliseconds() {
		return nil
	}
	latest := millis(now.Add(waitMost))
	for _, s := range []struct {
		query string
		args  []any
	}{
		{"UPDATE jobs SET run_at = ?1 WHERE state = 0 AND run_at > ?2", []any{at, latest}},
		{"UPDATE hosts SET circuit_until = ?1 WHERE circuit_until > ?2", []any{at, latest}},
		{"UPDATE job_queues SET served = ?1 WHERE served > ?1", []any{at}},
		{`UPDATE job_queues SET turn = max(served, coalesce((SELECT min(run_at) FROM jobs
			WHERE queue = job_queues.id AND state = 0 AND head = 1), turn))
			WHERE turn > ?1 AND turn < ?2`, []any{at, int64(never)}},
	} {
		n, err := tx.exec(s.query, s.args...)
		if err != nil {
			return fmt.Errorf("set the clock: %w", err)
		}
		if n > 0 {
			tx.wrote(heldHost, "")
			tx.after.ready("")
		}
	}
	return nil
}

package cache

import (
	"errors"
	"fmt"
	"time"
)

// leased returns the job if it is leased; if it came back or is gone, there is
// nothing to end.
func (tx *Tx) leased(id int64) (Job, bool, error) {
	j, err := tx.Job(id)
	if errors.Is(err, ErrNotFound) {
		return j, false, nil
	}
	return j, err == nil && j.State == JobLeased, err
}

// Ack ends jobs that were done; their lanes go on.
func (tx *Tx) Ack(ids ...int64) error {
	if err := tx.remove(ids); err != nil {
		return fmt.Errorf("ack jobs: %w", err)
	}
	return nil
}

// remove deletes jobs in any state; those that are gone already do not matter.
func (tx *Tx) remove(ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := toJSON(ids)
	if err != nil {
		return err
	}
	type gone struct {
		queue int64
		lane  string
		state int
	}
	jobs, err := all(tx, func(r row) (g gone, err error) {
		err = r.Scan(&g.queue, &g.lane, &g.state)
		return g, err
	}, "DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?)) RETURNING queue, lane, state", list)
	if err != nil {
		return err
	}
	landed, earliest := make(map[int64]int, 1), make(turns, 1)
	var lanes []string
	for _, g := range jobs {
		if g.state == stateLeased {
			landed[g.queue]++
		}
		if g.lane != "" {
			lanes = append(lanes, g.lane)
		}
	}
	if err := tx.promoteAll(lanes, earliest); err != nil {
		return err
	}
	for queue, n := range landed {
		if err := tx.landed(queue, n); err != nil {
			return err
		}
	}
	return tx.readyAll(earliest)
}

// Extend prolongs a lease.
func (tx *Tx) Extend(id int64, until time.Time) error {
	return tx.must("UPDATE jobs SET leased_until = ? WHERE id = ? AND state = 1", millis(until), id)
}

// SetPayload replaces the payload of a job, such as a cursor in it: the job goes
// on there when it comes back.
func (tx *Tx) SetPayload(id int64, payload []byte) error {
	return tx.must("UPDATE jobs SET payload = ? WHERE id = ?", payload, id)
}

// Retry puts a leased job back until runAt. attempted says whether the attempt
// counts, so whether something may have reached the peer.
func (tx *Tx) Retry(id int64, runAt time.Time, cause string, attempted bool) error {
	j, ok, err := tx.leased(id)
	if err == nil && ok {
		err = tx.requeue(j, runAt, cause, attempted)
	}
	if err != nil {
		return fmt.Errorf("retry job %d: %w", id, err)
	}
	return nil
}

// Fail gives a leased job up. It is kept for inspection, and its lane goes on.
func (tx *Tx) Fail(id int64, cause string) error {
	j, ok, err := tx.leased(id)
	if err == nil && ok {
		if err = tx.landed(j.queue, 1); err == nil {
			err = tx.fail(j.ID, j.Lane, cause)
		}
	}
	if err != nil {
		return fmt.Errorf("fail job %d: %w", id, err)
	}
	return nil
}

func (tx *Tx) fail(id int64, lane, cause string) error {
	err := tx.run("UPDATE jobs SET state = 2, head = 0, leased_until = 0, last_error = ? WHERE id = ?", cause, id)
	if err != nil {
		return err
	}
	return tx.promoteNow(lane)
}

// PruneFailed forgets up to limit failed jobs: those made before a time, and the
// oldest of more than keep. It returns how many rows went.
func (tx *Tx) PruneFailed(before time.Time, keep, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = 2 AND created_at < max(?1,
			coalesce((SELECT created_at FROM jobs WHERE state = 2 ORDER BY created_at DESC LIMIT 1 OFFSET ?2 + 0), 0))
		ORDER BY created_at LIMIT ?3 + 0)`, millis(before), keep, limitOr(limit, 1000))
	if err != nil {
		return 0, fmt.Errorf("prune failed jobs: %w", err)
	}
	return int(n), nil
}

// CancelUnattempted deletes the jobs of a lane that nobody tried yet, and
// returns how many (D3: a Delete takes them back, and nothing else).
func (tx *Tx) CancelUnattempted(lane string) (int, error) {
	if lane == "" {
		return 0, nil
	}
	ids, err := all(tx, value[int64], `SELECT id FROM jobs WHERE lane = ? AND lane <> ''
		AND state = 0 AND attempts = 0 ORDER BY id DESC`, lane)
	if err == nil {
		err = tx.Ack(ids...)
	}
	if err != nil {
		return 0, fmt.Errorf("cancel lane %s: %w", lane, err)
	}
	return len(ids), nil
}

// RetryNow makes a job due at once: one that waits, or one that failed, which
// goes back to its place in its lane.
func (tx *Tx) RetryNow(id int64, now time.Time) error {
	j, err := tx.Job(id)
	if err == nil && j.State == JobLeased {
		err = ErrConflict
	}
	if err == nil {
		err = tx.retryNow(j, now)
	}
	if err != nil {
		return fmt.Errorf("retry job %d now: %w", id, err)
	}
	return nil
}

func (tx *Tx) retryNow(j Job, now time.Time) error {
	if j.State == JobFailed {
		err := tx.run("UPDATE jobs SET state = 0, run_at = ?, expires_at = 0 WHERE id = ?", millis(now), j.ID)
		if err != nil {
			return err
		}
		if j.Lane != "" {
			// Whoever was the head and is not leased waits behind it.
			if err := tx.run("UPDATE jobs SET head = 0 WHERE lane = ? AND lane <> '' AND state = 0", j.Lane); err != nil {
				return err
			}
			return tx.promoteNow(j.Lane)
		}
		if err := tx.run("UPDATE jobs SET head = 1 WHERE id = ?", j.ID); err != nil {
			return err
		}
		return tx.ready(j.queue, millis(now))
	}
	if err := tx.run("UPDATE jobs SET run_at = ? WHERE id = ?", millis(now), j.ID); err != nil {
		return err
	}
	tx.wrote(heldHost, j.Host)
	if err := tx.run("UPDATE hosts SET circuit_until = 0 WHERE name = ?", j.Host); err != nil {
		return err
	}
	tx.after.ready(j.Kind)
	return tx.turnHost(j.Host)
}

// DeleteJob deletes a job that is not leased.
func (tx *Tx) DeleteJob(id int64) error {
	j, err := tx.Job(id)
	if err == nil && j.State == JobLeased {
		err = ErrConflict
	}
	if err == nil {
		err = tx.remove([]int64{id})
	}
	if err == nil {
		err = tx.settle(j.queue)
	}
	if err != nil {
		return fmt.Errorf("delete job %d: %w", id, err)
	}
	return nil
}

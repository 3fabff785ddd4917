package cache

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// LeaseQuery asks for work.
type LeaseQuery struct {
	Now     time.Time
	Kinds   []string // nil: all
	Limit   int
	For     time.Duration // how long the lease holds
	PerHost int           // most leased at once for one kind and host; 0: no limit
}

// Lease takes jobs that are due, at most Limit. Hosts take turns; those behind
// an open circuit and those with PerHost jobs leased are passed over. A leased
// job has to be ended with Ack, Retry or Fail before the lease is over, or it
// comes back.
func (tx *Tx) Lease(q LeaseQuery) ([]Job, error) {
	if err := tx.expireLeases(q.Now); err != nil {
		return nil, fmt.Errorf("lease jobs: %w", err)
	}
	kinds := q.Kinds
	if kinds == nil {
		var err error
		if kinds, err = all(tx, value[string], "SELECT DISTINCT kind FROM job_queues ORDER BY kind"); err != nil {
			return nil, fmt.Errorf("lease jobs: %w", err)
		}
	}
	var jobs []Job
	for len(jobs) < q.Limit {
		before := len(jobs)
		for i, kind := range kinds { // an equal share each; the next round gives out what was left
			share := (q.Limit - len(jobs) + len(kinds) - i - 1) / (len(kinds) - i)
			got, err := tx.leaseKind(q, kind, share)
			if err != nil {
				return nil, fmt.Errorf("lease jobs of %s: %w", kind, err)
			}
			jobs = append(jobs, got...)
		}
		if len(jobs) == before {
			break
		}
	}
	return jobs, nil
}

// due is a queue whose turn it is.
type due struct {
	host     string
	inflight int
	circuit  int64 // when the host may be tried again
}

// leaseKind leases at most n jobs of a kind, going round its hosts. Every round
// leases a job or moves a turn into the future, so it ends.
func (tx *Tx) leaseKind(q LeaseQuery, kind string, n int) ([]Job, error) {
	var jobs []Job
	for len(jobs) < n {
		// Jobs for no host have no limit: it is there to be gentle to hosts.
		turns, err := all(tx, func(r row) (d due, err error) {
			err = r.Scan(&d.host, &d.inflight, &d.circuit)
			return d, err
		}, `SELECT q.host, q.inflight, coalesce((SELECT circuit_until FROM hosts WHERE name = q.host), 0)
			FROM job_queues q WHERE q.kind = ?1 AND q.turn <= ?2 AND (q.host = '' OR ?3 <= 0 OR q.inflight < ?3)
			ORDER BY q.turn LIMIT ?4 + 0`, kind, millis(q.Now), q.PerHost, n)
		if err != nil || len(turns) == 0 {
			return jobs, err
		}
		got, err := tx.leaseRound(q, kind, turns, n-len(jobs))
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, got...)
	}
	return jobs, nil
}

// leaseRound gives every queue an equal share of n, as far as it has jobs.
func (tx *Tx) leaseRound(q LeaseQuery, kind string, turns []due, n int) ([]Job, error) {
	var jobs []Job
	for i, d := range turns {
		if len(jobs) >= n {
			break
		}
		if d.circuit > millis(q.Now) {
			if err := tx.run("UPDATE job_queues SET turn = ? WHERE kind = ? AND host = ?", d.circuit, kind, d.host); err != nil {
				return nil, err
			}
			continue
		}
		take := (n - len(jobs) + len(turns) - i - 1) / (len(turns) - i)
		if d.host != "" && q.PerHost > 0 {
			take = min(take, q.PerHost-d.inflight)
		}
		got, err := tx.leaseHost(q, kind, d.host, take)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, got...)
	}
	return jobs, nil
}

// leaseHost leases at most n jobs of one queue and sends it to the end of the
// line.
func (tx *Tx) leaseHost(q LeaseQuery, kind, host string, n int) ([]Job, error) {
	var jobs []Job
	for len(jobs) < n {
		got, err := all(tx, scanJob, `UPDATE jobs SET state = 1, leased_until = ?1 WHERE id IN (
				SELECT id FROM jobs WHERE kind = ?2 AND host = ?3 AND state = 0 AND head = 1 AND run_at <= ?4
				ORDER BY run_at, id LIMIT ?5 + 0)
			RETURNING `+jobColumns,
			millis(q.Now.Add(q.For)), kind, host, millis(q.Now), n-len(jobs))
		if err != nil {
			return nil, err
		}
		if len(got) == 0 {
			break
		}
		slices.SortFunc(got, func(a, b Job) int { // RETURNING has no order
			return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.ID, b.ID))
		})
		for _, j := range got {
			if j.ExpiresAt.IsZero() || j.ExpiresAt.After(q.Now) {
				jobs = append(jobs, j)
				continue
			}
			if err := tx.fail(j, "gave up: it is too old"); err != nil {
				return nil, err
			}
		}
	}
	return jobs, tx.run(`UPDATE job_queues SET inflight = inflight + ?1, served = ?2, turn = max(?2, coalesce(
			(SELECT min(run_at) FROM jobs WHERE kind = ?3 AND host = ?4 AND state = 0 AND head = 1), ?5))
		WHERE kind = ?3 AND host = ?4`,
		len(jobs), millis(q.Now), kind, host, int64(never))
}

// expireLeases brings back jobs whose worker did not end them in time. It may
// have tried, so that counts as an attempt.
func (tx *Tx) expireLeases(now time.Time) error {
	late, err := all(tx, scanJob, "SELECT "+jobColumns+" FROM jobs WHERE state = 1 AND leased_until <= ? LIMIT 1000", millis(now))
	if err != nil {
		return err
	}
	for _, j := range late {
		if err := tx.requeue(j, j.RunAt, "the lease ran out", true); err != nil {
			return err
		}
	}
	return nil
}

// releaseLeases brings back all leased jobs, when the store is opened.
func (tx *Tx) releaseLeases() error {
	leased, err := all(tx, scanJob, "SELECT "+jobColumns+" FROM jobs WHERE state = 1")
	if err != nil {
		return fmt.Errorf("release leases: %w", err)
	}
	for _, j := range leased {
		if err := tx.requeue(j, j.RunAt, "the program ended", true); err != nil {
			return fmt.Errorf("release leases: %w", err)
		}
	}
	// Queues without work are left where they are while the program runs.
	err = tx.run(`DELETE FROM job_queues WHERE NOT EXISTS (SELECT 1 FROM jobs j
		WHERE j.kind = job_queues.kind AND j.host = job_queues.host AND j.state = 0 AND j.head = 1)`)
	if err != nil {
		return fmt.Errorf("tidy queues: %w", err)
	}
	return nil
}

// requeue puts a leased job back. It keeps its place in its lane.
func (tx *Tx) requeue(j Job, runAt time.Time, cause string, attempted bool) error {
	n := 0
	if attempted {
		n = 1
	}
	err := tx.run(`UPDATE jobs SET state = 0, leased_until = 0, run_at = ?, last_error = ?, attempts = attempts + ? WHERE id = ?`,
		millis(runAt), cause, n, j.ID)
	if err == nil {
		err = tx.landed(line{j.Kind, j.Host}, 1)
	}
	if err != nil {
		return err
	}
	if j.Lane == "" {
		return tx.ready(j.Kind, j.Host, millis(runAt))
	}
	// An older job of its lane may have come back meanwhile.
	if err := tx.run("UPDATE jobs SET head = 0 WHERE id = ?", j.ID); err != nil {
		return err
	}
	return tx.promote(j.Lane)
}

// landed notes that jobs of a queue are not leased any more, which makes room
// for others.
func (tx *Tx) landed(l line, n int) error {
	tx.after.jobs = true
	return tx.run("UPDATE job_queues SET inflight = max(0, inflight - ?) WHERE kind = ? AND host = ?", n, l.kind, l.host)
}

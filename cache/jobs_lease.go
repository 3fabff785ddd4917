package cache

import (
	"cmp"
	"errors"
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

// Lease takes jobs that are due, at most Limit, also those that are too old:
// whoever leases them gives them up and tells whom it concerns. Hosts take turns; those behind
// an open circuit and those with PerHost jobs leased are passed over. A leased
// job has to be ended with Ack, Retry or Fail before the lease is over, or it
// comes back.
func (tx *Tx) Lease(q LeaseQuery) ([]Job, error) {
	if err := tx.setClock(q.Now); err != nil {
		return nil, fmt.Errorf("lease jobs: %w", err)
	}
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
	list, err := toJSON(kinds)
	if err != nil {
		return nil, fmt.Errorf("lease jobs: %w", err)
	}
	l := leaser{tx: tx, LeaseQuery: q}
	var jobs []Job
	for len(jobs) < q.Limit {
		before := len(jobs)
		kinds, err := all(tx, value[string], `SELECT value FROM json_each(?)
			WHERE EXISTS (SELECT 1 FROM job_queues WHERE kind = value AND turn <= ?) ORDER BY key`, list, millis(q.Now))
		if err != nil {
			return nil, fmt.Errorf("lease jobs: %w", err)
		}
		for i, kind := range kinds { // an equal share each; the next round gives out what was left
			share := (q.Limit - len(jobs) + len(kinds) - i - 1) / (len(kinds) - i)
			got, err := l.leaseKind(kind, share)
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

// leaser leases jobs for one query.
type leaser struct {
	LeaseQuery
	tx   *Tx
	left int // queues that have more jobs which are due, as far as was seen
}

// due is a queue whose turn it is.
type due struct {
	id       int64
	host     string
	inflight int
	circuit  int64 // when the host may be tried again
}

// leaseKind leases at most n jobs of a kind, going round its hosts. Every round
// leases a job or moves a turn into the future, so it ends.
func (l *leaser) leaseKind(kind string, n int) ([]Job, error) {
	var jobs []Job
	for len(jobs) < n {
		// Jobs for no host have no limit: it is there to be gentle to hosts. One
		// that had to rest gets a single job, which shows whether it is back:
		// thousands that are away must not take all workers (SEC-42).
		queues, err := all(l.tx, func(r row) (d due, err error) {
			err = r.Scan(&d.id, &d.host, &d.inflight, &d.circuit)
			return d, err
		}, `SELECT id, host, inflight, circuit FROM (SELECT q.id, q.host, q.inflight, q.turn,
				coalesce((SELECT circuit_until FROM hosts WHERE name = q.host), 0) AS circuit
				FROM job_queues q WHERE q.kind = ?1 AND q.turn <= ?2)
			WHERE host = '' OR ?3 <= 0 OR inflight < iif(circuit > 0, 1, ?3)
			ORDER BY turn LIMIT ?4 + 0`, kind, millis(l.Now), l.PerHost, n)
		if err != nil || len(queues) == 0 {
			return jobs, err
		}
		asked := n - len(jobs)
		l.left = 0
		got, err := l.leaseRound(queues, asked)
		if err != nil {
			return nil, err
		}
		for _, j := range got {
			j.Kind = kind
			jobs = append(jobs, j)
		}
		if len(queues) < asked && l.left == 0 {
			return jobs, nil // all that are due were emptied
		}
	}
	return jobs, nil
}

// leaseRound gives every queue an equal share of n, as far as it has jobs.
func (l *leaser) leaseRound(queues []due, n int) ([]Job, error) {
	var ids []int64
	for i, d := range queues {
		if len(ids) >= n {
			break
		}
		if d.circuit > millis(l.Now) {
			if err := l.tx.run("UPDATE job_queues SET turn = ? WHERE id = ?", d.circuit, d.id); err != nil {
				return nil, err
			}
			continue
		}
		take := (n - len(ids) + len(queues) - i - 1) / (len(queues) - i)
		if d.host != "" && l.PerHost > 0 {
			most := l.PerHost
			if d.circuit > 0 {
				most = 1
			}
			take = min(take, most-d.inflight)
		}
		got, err := l.takeFrom(d.id, take)
		if err != nil {
			return nil, err
		}
		ids = append(ids, got...)
	}
	return l.leaseIDs(ids)
}

// takeFrom picks at most n jobs that are due from a queue, counts them as
// leased, and sends the queue to the end of the line.
func (l *leaser) takeFrom(queue int64, n int) ([]int64, error) {
	type ready struct {
		id, runAt int64
	}
	heads, err := all(l.tx, func(r row) (j ready, err error) {
		err = r.Scan(&j.id, &j.runAt)
		return j, err
	}, `SELECT id, run_at FROM jobs WHERE queue = ? AND state = 0 AND head = 1
		ORDER BY run_at, id LIMIT ? + 0`, queue, n+1)
	if err != nil {
		return nil, err
	}
	var ids []int64
	now, turn := millis(l.Now), int64(never)
	for _, j := range heads {
		if j.runAt > now || len(ids) == n {
			turn = min(turn, j.runAt)
			continue
		}
		ids = append(ids, j.id)
	}
	if turn <= now {
		l.left++
	}
	err = l.tx.run("UPDATE job_queues SET inflight = inflight + ?, served = ?, turn = ? WHERE id = ?",
		len(ids), now, max(turn, now), queue)
	return ids, err
}

// leaseIDs leases jobs that were picked, in the order of their dates.
func (l *leaser) leaseIDs(ids []int64) ([]Job, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := toJSON(ids)
	if err != nil {
		return nil, err
	}
	jobs, err := all(l.tx, scanJob, `UPDATE jobs AS j SET state = 1, leased_until = ? WHERE id IN (SELECT value FROM json_each(?))
		RETURNING id, '', (SELECT host FROM job_queues WHERE id = queue), lane, payload, note, run_at, expires_at,
			created_at, attempts, last_error, state, leased_until, queue`,
		millis(l.Now.Add(l.For)), list)
	slices.SortFunc(jobs, func(a, b Job) int { // RETURNING has no order
		return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.ID, b.ID))
	})
	return jobs, err
}

// expireLeases brings back jobs whose worker did not end them in time. It may
// have tried, so that counts as an attempt.
func (tx *Tx) expireLeases(now time.Time) error {
	late, err := all(tx, scanJob, "SELECT "+jobColumns+jobTables+"WHERE j.state = 1 AND j.leased_until <= ? LIMIT 1000", millis(now))
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
	leased, err := all(tx, scanJob, "SELECT "+jobColumns+jobTables+"WHERE j.state = 1")
	if err != nil {
		return fmt.Errorf("release leases: %w", err)
	}
	for _, j := range leased {
		if err := tx.requeue(j, j.RunAt, "the program ended", true); err != nil {
			return fmt.Errorf("release leases: %w", err)
		}
	}
	return nil
}

// tidyQueues deletes the queues without jobs, which are left where they are while
// the program runs. For each, SQLite would look through all jobs whether one
// refers to it, which the condition says already: after days with hosts away that
// took longer than all else at the start.
func (s *Store) tidyQueues() error {
	err := errors.Join(s.writer.exec("PRAGMA foreign_keys = 0"),
		s.writer.exec("DELETE FROM job_queues WHERE id NOT IN (SELECT queue FROM jobs)"),
		s.writer.exec("PRAGMA foreign_keys = 1"))
	if err != nil {
		return fmt.Errorf("tidy queues: %w", typed(err))
	}
	return nil
}

// requeue puts a leased job back. It keeps its place in its lane.
func (tx *Tx) requeue(j Job, runAt time.Time, cause string, attempted bool) error {
	n, head := 0, j.Lane == ""
	if attempted {
		n = 1
	}
	err := tx.run(`UPDATE jobs SET state = 0, head = ?, leased_until = 0, run_at = ?, last_error = ?,
		attempts = attempts + ? WHERE id = ?`, head, millis(runAt), cause, n, j.ID)
	if err == nil {
		err = tx.landed(j.queue, 1)
	}
	if err != nil {
		return err
	}
	if head {
		return tx.ready(j.queue, millis(runAt))
	}
	return tx.promoteNow(j.Lane) // it, or an older one that came back meanwhile
}

// landed notes that jobs of a queue are not leased any more, which makes room
// for others that wait for the same host.
func (tx *Tx) landed(queue int64, n int) error {
	kinds, err := all(tx, value[string], `UPDATE job_queues SET inflight = max(0, inflight - ?1) WHERE id = ?2
		RETURNING iif(host <> '' AND turn < ?3, kind, '')`, n, queue, int64(never))
	if err == nil && len(kinds) > 0 && kinds[0] != "" {
		tx.after.ready(kinds[0])
	}
	return err
}

package cache

import (
	"fmt"
	"time"
)

// Job is work that was written in the transaction that caused it.
type Job struct {
	ID        int64
	Kind      string
	Host      string // remote host, "" for none: fairness and circuits are per host
	Lane      string // jobs of one lane run one after the other; "" for no order
	Payload   []byte
	Note      string    // for people: what it is about
	RunAt     time.Time // zero: CreatedAt
	ExpiresAt time.Time // zero: never
	CreatedAt time.Time

	// Read only.
	Attempts    int
	LastError   string
	State       JobState
	LeasedUntil time.Time
}

// JobState is the state of a job.
type JobState string

// The states of jobs. Done jobs are deleted.
const (
	JobQueued JobState = "queued"
	JobLeased JobState = "leased"
	JobFailed JobState = "failed" // given up, kept for inspection
)

// The states as stored.
const (
	stateQueued = iota
	stateLeased
	stateFailed
)

var jobStates = []JobState{stateQueued: JobQueued, stateLeased: JobLeased, stateFailed: JobFailed}

// never is the turn of a queue without ready jobs.
const never = 1<<63 - 1

const jobColumns = `id, kind, host, lane, payload, note, run_at, expires_at, created_at, attempts, last_error, state,
	leased_until`

func scanJob(r row) (j Job, err error) {
	var state int
	err = r.Scan(&j.ID, &j.Kind, &j.Host, &j.Lane, &j.Payload, &j.Note, when{&j.RunAt}, when{&j.ExpiresAt}, when{&j.CreatedAt},
		&j.Attempts, &j.LastError, &state, when{&j.LeasedUntil})
	if err == nil {
		j.State = jobStates[state]
	}
	return j, err
}

// line is a kind and host: one row of job_queues.
type line struct{ kind, host string }

// Enqueue writes jobs; they can be leased once the transaction is committed.
func (tx *Tx) Enqueue(jobs ...Job) error {
	earliest := make(turns, 1)
	for _, j := range jobs {
		if j.RunAt.IsZero() {
			j.RunAt = j.CreatedAt
		}
		head, err := tx.enqueue(j)
		if err != nil {
			return fmt.Errorf("enqueue %s for %s: %w", j.Kind, j.Host, err)
		}
		if head {
			earliest.add(line{j.Kind, j.Host}, millis(j.RunAt))
		}
	}
	if err := tx.readyAll(earliest); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	return nil
}

// turns collects when lines have work, so that each is told once.
type turns map[line]int64

func (t turns) add(l line, at int64) {
	if first, ok := t[l]; !ok || at < first {
		t[l] = at
	}
}

func (tx *Tx) readyAll(t turns) error {
	for l, at := range t {
		if err := tx.ready(l.kind, l.host, at); err != nil {
			return err
		}
	}
	return nil
}

// enqueue writes a job and reports whether it is the head of its lane.
func (tx *Tx) enqueue(j Job) (bool, error) {
	head := true
	if j.Lane != "" {
		behind, err := tx.exists("SELECT 1 FROM jobs WHERE lane = ? AND lane <> '' AND state < 2 LIMIT 1", j.Lane)
		if err != nil {
			return false, err
		}
		head = !behind
	}
	return head, tx.run(`INSERT INTO jobs (kind, host, lane, note, state, head, run_at, leased_until, expires_at, attempts,
		created_at, last_error, payload) VALUES (?, ?, ?, ?, 0, ?, ?, 0, ?, 0, ?, '', ?)`,
		j.Kind, j.Host, j.Lane, j.Note, head, millis(j.RunAt), millis(j.ExpiresAt), millis(j.CreatedAt), j.Payload)
}

// ready tells the queue of a kind and host that a job may run at a time. A host
// never moves before those that were served earlier.
func (tx *Tx) ready(kind, host string, runAt int64) error {
	tx.after.jobs = true
	return tx.run(`INSERT INTO job_queues (kind, host, turn, served, inflight) VALUES (?, ?, ?, 0, 0)
		ON CONFLICT DO UPDATE SET turn = max(excluded.turn, served) WHERE turn > max(excluded.turn, served)`,
		kind, host, runAt)
}

// promote makes the oldest job of a lane its head, unless one is leased.
func (tx *Tx) promote(lane string) error {
	l, at, ok, err := tx.promoteHead(lane)
	if err != nil || !ok {
		return err
	}
	return tx.ready(l.kind, l.host, at)
}

// promoteHead is promote without telling the queue; it returns which to tell.
func (tx *Tx) promoteHead(lane string) (l line, at int64, ok bool, err error) {
	if lane == "" {
		return l, 0, false, nil
	}
	heads, err := all(tx, func(r row) (h struct {
		line
		at int64
	}, err error) {
		err = r.Scan(&h.kind, &h.host, &h.at)
		return h, err
	}, `UPDATE jobs SET head = 1 WHERE head = 0
			AND id = (SELECT min(id) FROM jobs WHERE lane = ?1 AND lane <> '' AND state = 0)
			AND NOT EXISTS (SELECT 1 FROM jobs WHERE lane = ?1 AND lane <> '' AND state = 1)
		RETURNING kind, host, run_at`, lane)
	if err != nil || len(heads) == 0 {
		return l, 0, false, err
	}
	return heads[0].line, heads[0].at, true, nil
}

// settle computes the turn of a queue from its jobs: never before served.
func (tx *Tx) settle(kind, host string) error {
	return tx.run(`UPDATE job_queues SET turn = max(served, coalesce((SELECT min(run_at) FROM jobs
			WHERE kind = ?1 AND host = ?2 AND state = 0 AND head = 1), ?3))
		WHERE kind = ?1 AND host = ?2`, kind, host, int64(never))
}

// turnHost lets the queues of a host run again after its circuit changed.
func (tx *Tx) turnHost(host string) error {
	kinds, err := all(tx, value[string], "SELECT kind FROM job_queues WHERE host = ?", host)
	if err != nil {
		return err
	}
	for _, k := range kinds {
		if err := tx.settle(k, host); err != nil {
			return err
		}
		tx.after.jobs = true
	}
	return nil
}

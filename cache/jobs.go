package cache

import (
	"errors"
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

	queue int64
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

const jobColumns = `j.id, q.kind, q.host, j.lane, j.payload, j.note, j.run_at, j.expires_at, j.created_at, j.attempts,
	j.last_error, j.state, j.leased_until, j.queue`

const jobTables = " FROM jobs j CROSS JOIN job_queues q ON q.id = j.queue "

func scanJob(r row) (j Job, err error) {
	var state int
	err = r.Scan(&j.ID, &j.Kind, &j.Host, &j.Lane, &j.Payload, &j.Note, when{&j.RunAt}, when{&j.ExpiresAt}, when{&j.CreatedAt},
		&j.Attempts, &j.LastError, &state, when{&j.LeasedUntil}, &j.queue)
	if err == nil {
		j.State = jobStates[state]
	}
	return j, err
}

// Enqueue writes jobs; they can be leased once the transaction is committed.
func (tx *Tx) Enqueue(jobs ...Job) error {
	earliest := make(turns, 1)
	for _, j := range jobs {
		if j.RunAt.IsZero() {
			j.RunAt = j.CreatedAt
		}
		queue, err := tx.queue(j.Kind, j.Host)
		if err != nil {
			return fmt.Errorf("enqueue %s for %s: %w", j.Kind, j.Host, err)
		}
		head, err := tx.enqueue(queue, j)
		if err != nil {
			return fmt.Errorf("enqueue %s for %s: %w", j.Kind, j.Host, err)
		}
		if head {
			tx.after.ready(j.Kind)
			earliest.add(queue, millis(j.RunAt))
		}
	}
	if err := tx.readyAll(earliest); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	return nil
}

// queue returns the number of the queue of a kind and host.
func (tx *Tx) queue(kind, host string) (int64, error) {
	k := heldKey{heldQueue, kind + " " + host}
	if id, ok := tx.store.held.get(k); ok { // queues stay while the program runs
		return id.(int64), nil
	}
	id, err := one(tx, value[int64], "SELECT id FROM job_queues WHERE kind = ? AND host = ?", kind, host)
	if errors.Is(err, ErrNotFound) {
		id, err = one(tx, value[int64], `INSERT INTO job_queues (kind, host, turn, served, inflight) VALUES (?, ?, ?, 0, 0)
			RETURNING id`, kind, host, int64(never))
	}
	if err == nil {
		tx.made(k, id)
	}
	return id, err
}

// enqueue writes a job and reports whether it is the head of its lane.
func (tx *Tx) enqueue(queue int64, j Job) (bool, error) {
	head := true
	if j.Lane != "" {
		behind, err := tx.LaneBusy(j.Lane)
		if err != nil {
			return false, err
		}
		head = !behind
	}
	return head, tx.run(`INSERT INTO jobs (queue, lane, note, state, head, run_at, leased_until, expires_at, attempts,
		created_at, last_error, payload) VALUES (?, ?, ?, 0, ?, ?, 0, ?, 0, ?, '', ?)`,
		queue, j.Lane, j.Note, head, millis(j.RunAt), millis(j.ExpiresAt), millis(j.CreatedAt), j.Payload)
}

// LaneBusy tells whether a lane has jobs that are not over.
func (tx *Tx) LaneBusy(lane string) (bool, error) {
	return tx.exists("SELECT 1 FROM jobs WHERE lane = ? AND lane <> '' AND state < 2 LIMIT 1", lane)
}

// LanesFrom counts the jobs that are not over in all lanes that begin so, up to
// most.
func (tx *Tx) LanesFrom(prefix string, most int) (int, error) {
	return tx.count(`SELECT count(*) FROM (SELECT 1 FROM jobs WHERE lane >= ?1 AND lane < ?1 || char(0x10ffff) AND lane <> ''
		AND state < 2 LIMIT ?2 + 0)`, prefix, most)
}

// turns collects when queues have work, so that each is told once.
type turns map[int64]int64

func (t turns) add(queue, at int64) {
	if first, ok := t[queue]; !ok || at < first {
		t[queue] = at
	}
}

func (tx *Tx) readyAll(t turns) error {
	for queue, at := range t {
		if err := tx.ready(queue, at); err != nil {
			return err
		}
	}
	return nil
}

// ready tells a queue that a job may run at a time. A queue never moves before
// those that were served earlier.
func (tx *Tx) ready(queue, runAt int64) error {
	kinds, err := all(tx, value[string], `UPDATE job_queues SET turn = max(?1, served) WHERE id = ?2 AND turn > max(?1, served)
		RETURNING kind`, runAt, queue)
	for _, kind := range kinds {
		tx.after.ready(kind)
	}
	return err
}

// promote makes the oldest job of a lane its head, unless one is leased, and
// notes its queue.
func (tx *Tx) promote(lane string, t turns) error {
	if lane == "" {
		return nil
	}
	type next struct {
		id, queue, at int64
		head, leased  bool
	}
	n, err := one(tx, func(r row) (n next, err error) {
		err = r.Scan(&n.id, &n.queue, &n.at, &n.head, &n.leased)
		return n, err
	}, `SELECT id, queue, run_at, head, EXISTS (SELECT 1 FROM jobs WHERE lane = ?1 AND lane <> '' AND state = 1)
		FROM jobs WHERE lane = ?1 AND lane <> '' AND state = 0 ORDER BY id LIMIT 1`, lane)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || n.head || n.leased {
		return err
	}
	t.add(n.queue, n.at)
	return tx.run("UPDATE jobs SET head = 1 WHERE id = ?", n.id)
}

// promoteAll is promote for many lanes, of which few have jobs that wait.
func (tx *Tx) promoteAll(lanes []string, t turns) error {
	if len(lanes) == 0 {
		return nil
	}
	list, err := toJSON(lanes)
	if err != nil {
		return err
	}
	waiting, err := all(tx, value[string], `SELECT DISTINCT value FROM json_each(?)
		WHERE EXISTS (SELECT 1 FROM jobs WHERE lane = value AND lane <> '' AND state = 0)`, list)
	if err != nil {
		return err
	}
	for _, lane := range waiting {
		if err := tx.promote(lane, t); err != nil {
			return err
		}
	}
	return nil
}

// promoteNow is promote for one lane.
func (tx *Tx) promoteNow(lane string) error {
	t := turns{}
	if err := tx.promote(lane, t); err != nil {
		return err
	}
	return tx.readyAll(t)
}

// settle computes the turn of a queue from its jobs: never before served.
func (tx *Tx) settle(queue int64) error {
	return tx.run(`UPDATE job_queues SET turn = max(served, coalesce((SELECT min(run_at) FROM jobs
		WHERE queue = ?1 AND state = 0 AND head = 1), ?2)) WHERE id = ?1`, queue, int64(never))
}

// turnHost lets the queues of a host run again after its circuit changed.
func (tx *Tx) turnHost(host string) error {
	queues, err := all(tx, value[int64], "SELECT id FROM job_queues WHERE host = ?", host)
	if err != nil {
		return err
	}
	for _, q := range queues {
		if err := tx.settle(q); err != nil {
			return err
		}
	}
	tx.after.ready("")
	return nil
}

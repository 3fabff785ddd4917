package cache

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// TestPruneFailed: jobs that failed are kept for a time, and the newest of many.
func TestPruneFailed(t *testing.T) {
	s := open(t)
	const n = 30
	s.update(t, func(tx *Tx) error {
		var err error
		for i := range n {
			at := day.Add(time.Duration(i) * time.Hour)
			err = errors.Join(err, tx.Enqueue(Job{Kind: "k", Host: fmt.Sprint("h", i%3), CreatedAt: at, Lane: "lane"}))
			jobs, err2 := tx.Lease(LeaseQuery{Now: at, Limit: 1, For: time.Minute})
			err = errors.Join(err, err2, tx.Fail(jobs[0].ID, "no"))
		}
		return errors.Join(err, tx.Enqueue(Job{Kind: "k", CreatedAt: day})) // one that waits
	})
	left := func(before time.Time, keep, limit, want int) {
		t.Helper()
		s.update(t, func(tx *Tx) error {
			_, err := tx.PruneFailed(before, keep, limit)
			jobs, err2 := tx.Jobs(JobQuery{State: JobFailed})
			if len(jobs) != want || want > 0 && !jobs[want-1].CreatedAt.Equal(day.Add((n-1)*time.Hour)) {
				t.Errorf("before %v, keep %d, limit %d: %d left, want the newest %d", before, keep, limit, len(jobs), want)
			}
			waiting, err3 := tx.Jobs(JobQuery{State: JobQueued})
			if len(waiting) != 1 {
				t.Error("a job that waits is gone")
			}
			return errors.Join(err, err2, err3)
		})
	}
	left(day, 100, 100, n)
	left(day.Add(2*time.Hour), 100, 1, n-1)
	left(day.Add(2*time.Hour), 100, 100, n-2)
	left(day, 9, 100, 10)
	left(day.Add(1000*time.Hour), 100, 100, 0)
}

// TestHostsAway: a thousand hosts that are away, with many jobs each, do not keep
// one that answers waiting: each that had to rest has one worker at a time. A host
// that is back gets all of it.
func TestHostsAway(t *testing.T) {
	s := open(t)
	const away = 1000
	now := day
	s.update(t, func(tx *Tx) error {
		for i := range away {
			name := fmt.Sprintf("away%d", i)
			for range 3 {
				if err := tx.Enqueue(Job{Kind: "deliver", Host: name, CreatedAt: day}); err != nil {
					return err
				}
			}
			if _, err := tx.HostFailed(name, day, day.Add(time.Minute)); err != nil {
				return err
			}
		}
		return nil
	})
	lease := func(limit int) (jobs []Job) {
		s.update(t, func(tx *Tx) (err error) {
			jobs, err = tx.Lease(LeaseQuery{Now: now, Limit: limit, For: time.Minute, PerHost: 4})
			return err
		})
		return jobs
	}
	if n := len(lease(100)); n != 0 {
		t.Fatalf("%d jobs for hosts that rest", n)
	}
	now = now.Add(2 * time.Minute)
	s.update(t, func(tx *Tx) error { return tx.Enqueue(Job{Kind: "deliver", Host: "well", CreatedAt: now}) })
	jobs := lease(2 * away)
	perHost := map[string]int{}
	for _, j := range jobs {
		perHost[j.Host]++
	}
	if len(jobs) != away+1 || perHost["well"] != 1 || perHost["away7"] != 1 {
		t.Fatalf("%d jobs, %d for the host that answers, %d for one that is away", len(jobs), perHost["well"], perHost["away7"])
	}
	s.update(t, func(tx *Tx) error {
		var err error
		for _, j := range jobs {
			if j.Host == "away7" || j.Host == "well" {
				err = errors.Join(err, tx.Ack(j.ID), tx.HostWorked(j.Host))
				continue
			}
			_, err2 := tx.HostFailed(j.Host, now, now.Add(time.Hour))
			err = errors.Join(err, err2, tx.Retry(j.ID, now.Add(time.Hour), "away", true))
		}
		return err
	})
	if back := lease(2 * away); len(back) != 2 || back[0].Host != "away7" || back[1].Host != "away7" {
		t.Errorf("%d jobs for the host that is back", len(back))
	}
}

// TestClockBack: what was noted by a clock that was ahead is not waited for, and
// what was put off by hours still is.
func TestClockBack(t *testing.T) {
	s := open(t)
	lease := func(at time.Time) int {
		n := 0
		s.update(t, func(tx *Tx) error {
			jobs, err := tx.Lease(LeaseQuery{Now: at, Limit: 10, For: time.Minute, PerHost: 4})
			for _, j := range jobs {
				n++
				err = errors.Join(err, tx.Retry(j.ID, at.Add(6*time.Hour), "no", true))
			}
			return err
		})
		return n
	}
	ahead := day.AddDate(3, 0, 0)
	s.update(t, func(tx *Tx) error {
		_, err := tx.HostFailed("resting", ahead, ahead.Add(6*time.Hour))
		return errors.Join(err, tx.Enqueue(Job{Kind: "k", Host: "a", CreatedAt: ahead}, Job{Kind: "k", Host: "resting", CreatedAt: ahead}))
	})
	if n := lease(ahead); n != 1 {
		t.Fatalf("%d leased", n)
	}
	err := s.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Lease(LeaseQuery{Now: day, Limit: 10, For: time.Minute})
		return errors.Join(err, errUndo)
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	if n := lease(day); n != 2 { // also after a try that was taken back
		t.Errorf("%d leased once the clock is right, want both", n)
	}
	if lease(day.Add(time.Second)) != 0 || lease(day.Add(7*time.Hour)) != 2 {
		t.Error("what was put off by hours")
	}
	s.update(t, func(tx *Tx) error { return tx.Enqueue(Job{Kind: "k", Host: "a", CreatedAt: day}) })
	if n := lease(day.Add(-time.Hour)); n != 0 {
		t.Errorf("%d leased before their time", n)
	}
	if n := lease(day); n != 1 {
		t.Errorf("%d leased: a host that was served by the clock that was ahead waits", n)
	}
}

// TestOpenAfterOutage: opening a store in which thousands of jobs were given up
// does not look at each of them for each host.
func TestOpenAfterOutage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s := openAt(t, path)
	const hosts, failed = 3000, 10_000
	s.update(t, func(tx *Tx) error {
		for i := range hosts {
			if err := tx.Enqueue(Job{Kind: "deliver", Host: fmt.Sprint("h", i), CreatedAt: day}); err != nil {
				return err
			}
		}
		if err := tx.run("DELETE FROM jobs"); err != nil {
			return err
		}
		return tx.run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO jobs (queue, lane, note, state, head, run_at, leased_until, expires_at, attempts, created_at, last_error, payload)
			SELECT (SELECT min(id) FROM job_queues), '', 'x', 2, 0, 0, 0, 0, 3, 1, 'away', zeroblob(500) FROM n`, failed)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	again := openAt(t, path)
	opened := time.Since(start)
	again.view(t, func(tx *Tx) error {
		start := time.Now()
		for range 100 {
			if n, err := tx.count("SELECT count(*) FROM jobs WHERE payload <> zeroblob(500)"); n != 0 || err != nil {
				t.Error(n, err)
			}
		}
		if looked := time.Since(start); opened > looked { // it was five times as much
			t.Errorf("opened in %v; looking at all jobs a hundred times takes %v", opened, looked)
		}
		n, err := tx.count("SELECT count(*) FROM job_queues")
		if n != 1 {
			t.Errorf("%d queues, want the one with jobs", n)
		}
		fk, err2 := tx.count("PRAGMA foreign_keys")
		if fk != 1 {
			t.Error("foreign keys are off")
		}
		return errors.Join(err, err2)
	})
	again.update(t, func(tx *Tx) error {
		fk, err := tx.count("PRAGMA foreign_keys")
		if fk != 1 {
			t.Error("foreign keys are off where it is written")
		}
		return err
	})
}

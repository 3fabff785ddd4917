package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// jobModel is what the queue should do, written plainly.
type jobModel struct {
	now      time.Time
	jobs     map[int64]*Job
	circuits map[string]time.Time
}

// lane are the jobs of a lane that are not over, oldest first.
func (m *jobModel) lane(lane string) []*Job {
	var list []*Job
	for _, j := range m.jobs {
		if j.Lane == lane && j.State != JobFailed {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *Job) int { return int(a.ID - b.ID) })
	return list
}

// may reports whether a job may be leased now, but for the limit per host.
func (m *jobModel) may(j *Job) bool {
	if j.State != JobQueued || j.RunAt.After(m.now) || m.circuits[j.Host].After(m.now) {
		return false
	}
	if j.Lane == "" {
		return true
	}
	lane := m.lane(j.Lane)
	return lane[0] == j && !slices.ContainsFunc(lane, func(o *Job) bool { return o.State == JobLeased })
}

func (m *jobModel) inflight(kind, host string) int {
	n := 0
	for _, j := range m.jobs {
		if j.Kind == kind && j.Host == host && j.State == JobLeased {
			n++
		}
	}
	return n
}

// room reports whether one more job of a host may be leased: of a host that had
// to rest only one, until it has worked.
func (m *jobModel) room(q LeaseQuery, j Job) bool {
	most := q.PerHost
	if _, rested := m.circuits[j.Host]; rested {
		most = 1
	}
	return q.PerHost == 0 || j.Host == "" || m.inflight(j.Kind, j.Host) < most
}

// expire does what the queue does first when it is asked for work.
func (m *jobModel) expire() {
	for _, j := range m.jobs {
		if j.State == JobLeased && !j.LeasedUntil.After(m.now) {
			j.State, j.LeasedUntil = JobQueued, time.Time{}
			j.Attempts++
			j.LastError = "the lease ran out"
		}
	}
}

func (m *jobModel) pick(t *rapid.T, state JobState) *Job {
	var ids []int64
	for id, j := range m.jobs {
		if state == "" || j.State == state {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	return m.jobs[rapid.SampledFrom(ids).Draw(t, "job")]
}

var (
	jobHosts = []string{"", "a", "b", "c"}
	jobLanes = []string{"", "", "l1", "l2", "l3"}
	jobKinds = []string{"deliver", "fetch"}
)

// TestJobs runs random operations on the queue and the model, and compares them.
func TestJobs(t *testing.T) {
	s := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		err := s.Update(t.Context(), func(tx *Tx) error {
			m := &jobModel{now: day, jobs: map[int64]*Job{}, circuits: map[string]time.Time{}}
			for range rapid.IntRange(1, 60).Draw(rt, "steps") {
				if err := m.step(rt, tx); err != nil {
					return err
				}
				m.compare(rt, tx)
			}
			return errUndo
		})
		if !errors.Is(err, errUndo) {
			rt.Fatal(err)
		}
	})
}

func (m *jobModel) step(t *rapid.T, tx *Tx) error {
	switch rapid.IntRange(0, 11).Draw(t, "step") {
	case 0, 1, 2:
		return m.enqueue(t, tx)
	case 3, 4, 5:
		return m.lease(t, tx)
	case 6:
		m.now = m.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
	case 7:
		host := rapid.SampledFrom(jobHosts[1:]).Draw(t, "host")
		if rapid.Bool().Draw(t, "heard") {
			delete(m.circuits, host)
			return tx.HostHeard(host, m.now)
		}
		m.circuits[host] = m.now.Add(time.Minute)
		_, err := tx.HostFailed(host, m.now, m.circuits[host])
		return err
	case 8:
		lane := rapid.SampledFrom(jobLanes[2:]).Draw(t, "lane")
		n, err := tx.CancelUnattempted(lane)
		for _, j := range m.lane(lane) {
			if j.State == JobQueued && j.Attempts == 0 {
				delete(m.jobs, j.ID)
				n--
			}
		}
		if n != 0 {
			t.Fatalf("CancelUnattempted was off by %d", n)
		}
		return err
	case 9:
		return m.admin(t, tx)
	default:
		return m.end(t, tx)
	}
	return nil
}

func (m *jobModel) enqueue(t *rapid.T, tx *Tx) error {
	var batch []Job
	for range rapid.IntRange(1, 4).Draw(t, "batch") {
		j := Job{
			Kind: rapid.SampledFrom(jobKinds).Draw(t, "kind"), Host: rapid.SampledFrom(jobHosts).Draw(t, "host"),
			Lane: rapid.SampledFrom(jobLanes).Draw(t, "lane"), Payload: []byte("p"), CreatedAt: m.now,
		}
		if rapid.Bool().Draw(t, "later") {
			j.RunAt = m.now.Add(time.Duration(rapid.IntRange(-30, 60).Draw(t, "run at")) * time.Second)
		}
		if rapid.IntRange(0, 5).Draw(t, "expires") == 0 {
			j.ExpiresAt = m.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "expires at")) * time.Second)
		}
		batch = append(batch, j)
	}
	last, err := one(tx, value[int64], "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'jobs'), 0)")
	if err != nil {
		return err
	}
	for i, j := range batch {
		j.ID, j.State = last+int64(i)+1, JobQueued
		if j.RunAt.IsZero() {
			j.RunAt = j.CreatedAt
		}
		m.jobs[j.ID] = &j
	}
	return tx.Enqueue(batch...)
}

func (m *jobModel) lease(t *rapid.T, tx *Tx) error {
	q := LeaseQuery{Now: m.now, Limit: rapid.IntRange(1, 8).Draw(t, "limit"), For: 30 * time.Second, PerHost: rapid.IntRange(0, 2).Draw(t, "per host")}
	q.Kinds = rapid.SampledFrom([][]string{nil, {"deliver"}, {"fetch"}, {"fetch", "deliver"}}).Draw(t, "kinds")
	got, err := tx.Lease(q)
	if err != nil {
		return err
	}
	m.expire()
	if len(got) > q.Limit {
		t.Fatalf("%d leased of at most %d", len(got), q.Limit)
	}
	for _, j := range got {
		old := m.jobs[j.ID]
		if old == nil || !m.may(old) || q.Kinds != nil && !slices.Contains(q.Kinds, j.Kind) {
			t.Fatalf("leased %+v, which is %+v", j, old)
		}
		if !m.room(q, j) {
			t.Fatalf("more than %d leased for %s", q.PerHost, j.Host)
		}
		old.State, old.LeasedUntil = JobLeased, m.now.Add(q.For)
	}
	if len(got) == q.Limit {
		return nil
	}
	for _, j := range m.jobs { // nothing that could be leased was left
		if m.may(j) && m.room(q, *j) && (q.Kinds == nil || slices.Contains(q.Kinds, j.Kind)) {
			t.Fatalf("%d of %d leased, but not %+v", len(got), q.Limit, j)
		}
	}
	return nil
}

// end ends a leased job in one of three ways, or one that is not leased, which
// changes nothing but for Ack.
func (m *jobModel) end(t *rapid.T, tx *Tx) error {
	state := JobLeased
	if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
		state = ""
	}
	j := m.pick(t, state)
	if j == nil {
		return nil
	}
	leased := j.State == JobLeased
	switch rapid.IntRange(0, 2).Draw(t, "end") {
	case 0:
		delete(m.jobs, j.ID)
		return tx.Ack(j.ID, 1<<40)
	case 1:
		if leased {
			j.State, j.LastError, j.LeasedUntil = JobFailed, "failed", time.Time{}
		}
		return tx.Fail(j.ID, "failed")
	}
	runAt, attempted := m.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "again"))*time.Second), rapid.Bool().Draw(t, "attempted")
	if leased {
		j.State, j.RunAt, j.LastError, j.LeasedUntil = JobQueued, runAt, "again", time.Time{}
		if attempted {
			j.Attempts++
		}
	}
	return tx.Retry(j.ID, runAt, "again", attempted)
}

func (m *jobModel) admin(t *rapid.T, tx *Tx) error {
	j := m.pick(t, "")
	if j == nil {
		return nil
	}
	var err error
	if rapid.Bool().Draw(t, "delete") {
		if err = tx.DeleteJob(j.ID); err == nil {
			delete(m.jobs, j.ID)
		}
	} else if err = tx.RetryNow(j.ID, m.now); err == nil {
		if j.State == JobFailed {
			j.ExpiresAt = time.Time{}
		} else {
			delete(m.circuits, j.Host)
		}
		j.State, j.RunAt = JobQueued, m.now
	}
	if leased := j.State == JobLeased; leased != errors.Is(err, ErrConflict) {
		t.Fatalf("%+v: %v", j, err)
	}
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

func (m *jobModel) compare(t *rapid.T, tx *Tx) {
	stored, err := tx.Jobs(JobQuery{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	var want []Job
	for _, j := range m.jobs {
		want = append(want, *j)
	}
	slices.SortFunc(want, func(a, b Job) int { return int(a.ID - b.ID) })
	if diff := cmp.Diff(want, stored, cmpopts.IgnoreUnexported(Job{})); diff != "" {
		t.Fatal(diff)
	}
	for _, i := range invariants {
		if found, err := tx.violated(i); err != nil || len(found) > 0 {
			t.Fatalf("%s: %v, %v", i.what, found, err)
		}
	}
}

// TestJobsFair: a host with a backlog does not hold up the others, and a dead
// one nobody (SEC-42).
func TestJobsFair(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		for i := range 1000 {
			if err := tx.Enqueue(Job{Kind: "deliver", Host: "big", Lane: fmt.Sprint(i), CreatedAt: day}); err != nil {
				return err
			}
		}
		for i := range 1000 {
			if err := tx.Enqueue(Job{Kind: "deliver", Host: "dead", CreatedAt: day, Note: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		for i := range 100 {
			if err := tx.Enqueue(Job{Kind: "deliver", Host: fmt.Sprintf("small%d", i), CreatedAt: day.Add(time.Minute)}); err != nil {
				return err
			}
		}
		_, err := tx.HostFailed("dead", day, day.AddDate(0, 0, 1))
		return err
	})
	now := day.Add(2 * time.Minute)
	served := map[string]int{}
	for range 12 {
		s.update(t, func(tx *Tx) error {
			jobs, err := tx.Lease(LeaseQuery{Now: now, Limit: 10, For: time.Minute, PerHost: 2})
			for _, j := range jobs {
				served[j.Host]++
				err = errors.Join(err, tx.Ack(j.ID))
			}
			return err
		})
		now = now.Add(time.Millisecond)
	}
	if len(served) != 101 || served["dead"] != 0 || served["big"] < 2 || served["big"] > 20 {
		t.Errorf("%d hosts were served, big %d times, dead %d times", len(served), served["big"], served["dead"])
	}
}

func TestJobsReady(t *testing.T) {
	s := open(t)
	signal, other := s.JobsReady("k"), s.JobsReady("other")
	ready := func() bool {
		select {
		case <-other:
			t.Error("a kind was signalled for the jobs of another")
		default:
		}
		select {
		case <-signal:
			return true
		default:
			return false
		}
	}
	err := s.Update(context.Background(), func(tx *Tx) error {
		return errors.Join(tx.Enqueue(Job{Kind: "k", CreatedAt: day}), errUndo)
	})
	if ready() {
		t.Errorf("signalled what was rolled back: %v", err)
	}
	later := day.Add(time.Hour)
	s.update(t, func(tx *Tx) error {
		return tx.Enqueue(Job{Kind: "k", CreatedAt: day, RunAt: later, Lane: "l"}, Job{Kind: "k", CreatedAt: day, Lane: "l"})
	})
	if !ready() {
		t.Error("enqueued jobs were not signalled")
	}
	s.update(t, func(tx *Tx) error {
		next, err := tx.NextRun(day)
		if !next.Equal(later) {
			t.Errorf("next run %v", next)
		}
		jobs, err2 := tx.Lease(LeaseQuery{Now: later, Limit: 9, For: time.Minute})
		if len(jobs) != 1 {
			t.Errorf("%d leased", len(jobs))
		}
		next, err3 := tx.NextRun(later)
		if !next.Equal(later.Add(time.Minute)) {
			t.Errorf("next run with a lease %v", next)
		}
		return errors.Join(err, err2, err3)
	})
	ready()
	s.update(t, func(tx *Tx) error {
		jobs, err := tx.Jobs(JobQuery{State: JobLeased, Kind: "k"})
		if len(jobs) != 1 {
			t.Fatal(jobs)
		}
		return errors.Join(err, tx.Extend(jobs[0].ID, later.Add(time.Hour)), tx.SetPayload(jobs[0].ID, []byte("cursor")), tx.Ack(jobs[0].ID))
	})
	if !ready() {
		t.Error("the next job of a lane was not signalled")
	}
	s.view(t, func(tx *Tx) error {
		stats, err := tx.JobStats()
		want := []JobStat{{Kind: "k", State: JobQueued, Count: 1, Oldest: day}}
		if diff := cmp.Diff(want, stats); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

// TestJobPayload: a job that saved its cursor goes on there after its lease
// ended.
func TestJobPayload(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error { return tx.Enqueue(Job{Kind: "k", CreatedAt: day, Payload: []byte("start")}) })
	for i, want := range []string{"start", "cursor"} {
		s.update(t, func(tx *Tx) error {
			jobs, err := tx.Lease(LeaseQuery{Now: day.Add(time.Duration(i) * time.Hour), Limit: 1, For: time.Minute})
			if err != nil || len(jobs) != 1 || string(jobs[0].Payload) != want || jobs[0].Attempts != i {
				t.Fatalf("%+v, %v", jobs, err)
			}
			return tx.SetPayload(jobs[0].ID, []byte("cursor"))
		})
	}
	if err := s.Update(context.Background(), func(tx *Tx) error { return tx.Extend(99, day) }); !errors.Is(err, ErrNotFound) {
		t.Errorf("extend nothing: %v", err)
	}
}

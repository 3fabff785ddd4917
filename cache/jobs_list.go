package cache

import "time"

// JobQuery selects jobs for people to look at; zero fields select all.
type JobQuery struct {
	Kind, Host, Lane string
	State            JobState
	After            int64 // ID of the last job of the page before
	Limit            int   // 0: 100
}

// JobStat counts jobs.
type JobStat struct {
	Kind, Host string
	State      JobState
	Count      int
	Oldest     time.Time // the earliest CreatedAt
}

// Job returns a job.
func (tx *Tx) Job(id int64) (Job, error) {
	return one(tx, scanJob, "SELECT "+jobColumns+jobTables+"WHERE j.id = ?", id)
}

// Jobs returns a page of jobs in the order of their ids.
func (tx *Tx) Jobs(q JobQuery) ([]Job, error) {
	state := -1
	for code, s := range jobStates {
		if s == q.State {
			state = code
		}
	}
	return all(tx, scanJob, "SELECT "+jobColumns+jobTables+`WHERE j.id > ?1 AND (?2 = '' OR q.kind = ?2)
		AND (?3 = '' OR q.host = ?3) AND (?4 < 0 OR j.state = ?4) AND (?5 = '' OR j.lane = ?5) ORDER BY j.id LIMIT ?6 + 0`,
		q.After, q.Kind, q.Host, state, q.Lane, limitOr(q.Limit, 100))
}

// JobStats counts the jobs of each kind, host and state.
func (tx *Tx) JobStats() ([]JobStat, error) {
	return all(tx, func(r row) (s JobStat, err error) {
		var state int
		err = r.Scan(&s.Kind, &s.Host, &state, &s.Count, when{&s.Oldest})
		if err == nil {
			s.State = jobStates[state]
		}
		return s, err
	}, `SELECT q.kind, q.host, s.state, s.n, s.oldest
		FROM (SELECT queue, state, count(*) n, min(created_at) oldest FROM jobs GROUP BY queue, state) s
		JOIN job_queues q ON q.id = s.queue ORDER BY 1, 2, 3`)
}

// NextRun returns when the next job may become due after now, for a worker
// that found nothing to sleep until; zero if there is none. JobsReady wakes it
// earlier if work comes.
func (tx *Tx) NextRun(now time.Time) (time.Time, error) {
	next, err := one(tx, value[int64], `SELECT min(
		coalesce((SELECT min(turn) FROM job_queues WHERE turn > ?1), ?2),
		coalesce((SELECT min(leased_until) FROM jobs WHERE state = 1), ?2))`, millis(now), int64(never))
	if err != nil || next == never {
		return time.Time{}, err
	}
	return moment(next), nil
}

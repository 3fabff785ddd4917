package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"isthmus/ap"
	"isthmus/cache"
)

// The kinds of jobs.
const (
	jobDeliver  = "deliver"  // POST an activity to an inbox
	jobActivity = "activity" // do what a received activity says
	jobFetch    = "fetch"    // get a post, or what it answers, from its origin
	jobBackfill = "backfill" // read an actor's outbox
	jobNotify   = "notify"   // tell the subscribers of nodes of ours
	jobComment  = "comment"  // publish to, or retract from, a node of somebody else
	jobAttach   = "attach"   // tell of a reaction to a post, where it stands
	jobMessage  = "message"  // a chat message to one of our users
	jobState    = "state"    // tell a follower how the followed decided
	jobProfile  = "profile"  // tell followers of a changed profile
	jobSync     = "sync"     // read a page of a whole history
	jobDoubt    = "doubt"    // look whether an actor is gone
	jobNews     = "news"     // tell a user of likes, boosts and follows, many at a time
	jobFound    = "found"    // tell the owner of a saved search of a post
	jobProve    = "prove"    // ask whose a comment is that its service does not stamp
	jobUnwatch  = "unwatch"  // end a subscription to comments
	jobRefer    = "refer"    // publish an item once what it answers or repeats is found
)

// group is a set of workers that share kinds of jobs.
type group struct {
	name    string
	kinds   []string
	workers int
	perHost int           // most at once for one host
	lease   time.Duration // longer than one job may take
	online  bool          // only while the XMPP link is up
}

// groups are the workers. Deliveries wait for other hosts most of the time,
// stanzas for ours.
var groups = []group{
	{name: "deliver", kinds: []string{jobDeliver, jobProfile}, workers: 32, perHost: 4, lease: 2 * time.Minute},
	// Those of one site do not take all: what it names may be on hosts that never answer.
	{name: "inbound", kinds: []string{jobActivity, jobFetch, jobBackfill, jobSync, jobDoubt}, workers: 16, perHost: 6, lease: 5 * time.Minute},
	{name: "stanza", kinds: []string{jobNotify, jobComment, jobAttach, jobMessage, jobState, jobNews, jobFound, jobProve, jobUnwatch, jobRefer}, workers: 32, lease: 2 * time.Minute, online: true},
}

// linger is how long a turn waits for jobs that are about to end, so that under
// load it ends and leases many at once.
const linger = 2 * time.Millisecond

// Jobs are given up after this long; deletions are tried for longer (BR-4).
const (
	jobLife    = 4 * 24 * time.Hour
	deleteLife = 10 * 24 * time.Hour
)

// permanentError ends a job: trying again cannot help.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// permanent marks an error as one that no retry mends.
func permanent(format string, args ...any) error {
	return permanentError{fmt.Errorf(format, args...)}
}

// payload encodes the payload of a job.
func payload(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // only types of ours, which can all be encoded
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return b
}

// decode reads the payload of a job.
func decode[T any](j cache.Job) (T, error) {
	var v T
	if err := json.Unmarshal(j.Payload, &v); err != nil {
		return v, permanent("read payload: %w", err)
	}
	return v, nil
}

// runJobs works on jobs until ctx ends, and then waits for those under way.
func (g *Gateway) runJobs(ctx context.Context) {
	var wg sync.WaitGroup
	for _, gr := range groups {
		wg.Go(func() { g.runGroup(ctx, gr) })
	}
	wg.Wait()
}

// runGroup leases jobs of a group as its workers become free. Jobs that ended
// and those that take their place share a transaction, so under load the jobs
// of many workers cost one.
func (g *Gateway) runGroup(ctx context.Context, gr group) {
	ready := g.store.JobsReady(gr.kinds...)
	var up <-chan struct{}
	if gr.online {
		up = g.linkUp
	}
	todo, ended := make(chan cache.Job, gr.workers), make(chan int64, gr.workers)
	var wg sync.WaitGroup
	for range gr.workers {
		wg.Go(func() {
			for j := range todo {
				ended <- g.runJob(ctx, gr, j)
			}
		})
	}
	busy := 0
	var done []int64
	end := func(id int64) {
		if busy--; id != 0 {
			done = append(done, id)
		}
	}
	for ctx.Err() == nil {
		jobs, wait, err := g.turn(ctx, gr, done, gr.workers-busy)
		if err == nil {
			done = done[:0]
		}
		for _, j := range jobs {
			busy++
			todo <- j
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-ready:
		case <-up:
		case <-timer.C:
		case id := <-ended:
			end(id)
		}
		timer.Stop()
		// The others may be done in a moment, and share the transaction.
		for soon := time.After(linger); busy > 0 && soon != nil; {
			select {
			case id := <-ended:
				end(id)
			case <-soon:
				soon = nil
			}
		}
	}
	close(todo)
	wg.Wait()
	close(ended)
	for id := range ended {
		end(id)
	}
	g.settle("jobs", func(tx *cache.Tx) error { return tx.Ack(done...) })
}

// turn ends the jobs that are done, leases at most n, and tells how long to
// sleep if nothing wakes us.
func (g *Gateway) turn(ctx context.Context, gr group, done []int64, n int) ([]cache.Job, time.Duration, error) {
	const least, most = 100 * time.Millisecond, 5 * time.Second
	if gr.online && !g.link.Online() {
		n = 0
	}
	if n == 0 && len(done) == 0 {
		return nil, most, nil
	}
	now := g.now()
	var jobs []cache.Job
	var next time.Time
	err := g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		if err := tx.Ack(done...); err != nil || n == 0 {
			return err
		}
		jobs, err = tx.Lease(cache.LeaseQuery{Now: now, Kinds: gr.kinds, Limit: n, For: gr.lease, PerHost: gr.perHost})
		if err == nil && len(jobs) < n {
			next, err = tx.NextRun(now)
		}
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			g.log.Error("lease jobs", "group", gr.name, "error", err)
		}
		return nil, most, err
	}
	if next.IsZero() {
		return jobs, most, nil
	}
	return jobs, min(max(next.Sub(now), least), most), nil
}

// runJob runs one job. If it is done its id is returned, and it is yet to be
// acknowledged; otherwise it is settled here.
func (g *Gateway) runJob(ctx context.Context, gr group, j cache.Job) (done int64) {
	old, late := g.overdue(ctx, j)
	if old && !late {
		g.giveUp(j, tooOldError{j.LastError})
		return 0
	}
	err := g.work(ctx, gr, j)
	if err == nil {
		return j.ID
	}
	if ctx.Err() != nil {
		return 0 // shutting down: the lease ends by itself and the job is run again
	}
	if errors.As(err, new(permanentError)) {
		g.giveUp(j, err)
		return 0
	}
	if errors.Is(err, errPaused) {
		g.settle(j.Note, func(tx *cache.Tx) error { return tx.Retry(j.ID, g.now().Add(pausedAgain), err.Error(), false) })
		return 0
	}
	if old && (!gr.online || g.link.Online()) {
		g.giveUp(j, tooOldError{err.Error()})
		return 0
	}
	now := g.now()
	at := now.Add(backoff(j.Attempts))
	var status *ap.StatusError
	if errors.As(err, &status) && status.RetryAfter > 0 {
		at = now.Add(max(min(status.RetryAfter, 6*time.Hour), time.Second))
	}
	g.log.Info("job will be tried again", "job", j.ID, "kind", j.Kind, "about", j.Note, "attempts", j.Attempts, "at", at, "error", err)
	g.settle(j.Note, func(tx *cache.Tx) error { return tx.Retry(j.ID, at, err.Error(), true) })
	return 0
}

// tooOldError is why a job was given up at the end of its life.
type tooOldError struct{ last string }

func (e tooOldError) Error() string {
	if e.last == "" {
		return "gave up: it is too old"
	}
	return "gave up: it is too old; the last time: " + e.last
}

// giveUp fails a job. Whoever has to hear of it is told by a job of the same
// transaction, so also after a restart, and when the link is up again.
func (g *Gateway) giveUp(j cache.Job, cause error) {
	g.log.Warn("job given up", "job", j.ID, "kind", j.Kind, "about", j.Note, "attempts", j.Attempts, "error", cause)
	g.settle(j.Note, func(tx *cache.Tx) error {
		if err := tx.Fail(j.ID, cause.Error()); err != nil {
			return err
		}
		switch j.Kind {
		case jobDeliver:
			return g.deliveryFailed(tx, j, cause)
		case jobSync:
			return g.syncFailed(tx, j, cause)
		case jobRefer:
			return g.referFailed(tx, j)
		}
		return nil
	})
}

// work runs a job within its lease.
func (g *Gateway) work(ctx context.Context, gr group, j cache.Job) (err error) {
	ctx, cancel := context.WithTimeout(ctx, gr.lease-10*time.Second)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			g.log.Error("job panicked", "job", j.ID, "kind", j.Kind, "about", j.Note, "panic", r)
			err = permanent("panic: %v", r)
		}
	}()
	switch j.Kind {
	case jobDeliver:
		return g.deliver(ctx, j)
	case jobActivity:
		return g.runActivity(ctx, j)
	case jobFetch:
		return g.runFetch(ctx, j)
	case jobBackfill:
		return g.runBackfill(ctx, j)
	case jobSync:
		return g.runSync(ctx, j)
	case jobDoubt:
		return g.runDoubt(ctx, j)
	case jobNotify:
		return g.runNotify(ctx, j)
	case jobComment:
		return g.runComment(ctx, j)
	case jobAttach:
		return g.runAttach(ctx, j)
	case jobMessage:
		return g.runMessage(ctx, j)
	case jobState:
		return g.runState(ctx, j)
	case jobProfile:
		return g.runProfile(ctx, j)
	case jobNews:
		return g.runNews(ctx, j)
	case jobFound:
		return g.runFound(ctx, j)
	case jobProve:
		return g.runProve(ctx, j)
	case jobUnwatch:
		return g.runUnwatch(ctx, j)
	case jobRefer:
		return g.runRefer(ctx, j)
	}
	return permanent("no such kind of job: %s", j.Kind)
}

// settle writes how jobs ended. If it cannot, their leases end and they run
// again.
func (g *Gateway) settle(what string, fn func(tx *cache.Tx) error) {
	if err := g.store.Update(context.Background(), fn); err != nil {
		g.log.Error("settle job", "about", what, "error", err)
	}
}

// backoff is how long to wait after that many attempts: from seconds to six
// hours, with a jitter of a quarter, so that a host that comes back is not
// met by everything at once (D1).
func backoff(attempts int) time.Duration {
	d := 10 * time.Second << min(attempts, 12)
	d = min(d, 6*time.Hour)
	return d + rand.N(d/4)
}

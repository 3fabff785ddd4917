package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// A group is at most this many updates, or what fits into this time.
const (
	groupSize = 500
	groupTime = 5 * time.Millisecond
)

// The states of an update that waits for its turn.
const (
	waiting int32 = iota
	running
	cancelled
)

// update is a call of Update. Its function runs in the caller's goroutine,
// while the writer waits: so a panic unwinds the caller and nobody else.
type update struct {
	ctx   context.Context
	state atomic.Int32
	turn  chan *Tx   // from the writer: your turn
	ran   chan error // to the writer: the function's result
	done  chan error // from the writer: the commit's result
}

var errPanicked = errors.New("the update panicked")

// Update runs fn in a read-write transaction and returns when it is committed.
// Updates that come together share a commit; if fn fails or panics, only its
// own changes are rolled back. fn is not begun once ctx is over, and not
// stopped once begun. It must not call Update or View of the same store.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error {
	u := &update{ctx: ctx, turn: make(chan *Tx, 1), ran: make(chan error, 1), done: make(chan error, 1)}
	s.queued.Add(1)
	defer s.queued.Add(-1)
	select { // unbuffered: what is sent is taken by a living writer
	case s.queue <- u:
	case <-ctx.Done():
		return waited(ctx)
	case <-s.closing:
		return ErrClosed
	}
	var tx *Tx
	select {
	case tx = <-u.turn:
	case err := <-u.done:
		return err
	case <-ctx.Done():
		if u.state.CompareAndSwap(waiting, cancelled) {
			return waited(ctx)
		}
		select {
		case tx = <-u.turn:
		case err := <-u.done:
			return err
		}
	}
	u.call(fn, tx)
	return <-u.done
}

// waited is the error of an update whose context ended before its turn: a
// deadline means that the store is too slow now.
func waited(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
	return ctx.Err()
}

// call runs fn and hands the transaction back, even when fn panics or ends the
// goroutine.
func (u *update) call(fn func(tx *Tx) error, tx *Tx) {
	err := errPanicked
	defer func() {
		tx.over = true
		u.ran <- err
	}()
	err = fn(tx)
}

// writeLoop owns the writing connection.
func (s *Store) writeLoop() {
	defer close(s.writerDone)
	for {
		select {
		case u := <-s.queue:
			s.writeGroup(u)
			s.cutLog()
		case fn := <-s.between:
			fn()
		case <-s.closing:
			return
		}
	}
}

// group is the updates that share a transaction.
type group struct {
	members   []*update // that ran well
	after     effects
	open      bool
	committed bool
	broken    error
}

// writeGroup runs first and whatever waits behind it, and commits them.
func (s *Store) writeGroup(first *update) {
	var g group
	n, start := 0, time.Now()
	for u := first; u != nil; {
		s.writeOne(&g, u)
		u = nil
		if n++; g.broken == nil && n < groupSize && time.Since(start) < groupTime {
			u = s.more(n)
		}
	}
	err := g.broken
	if err == nil && g.open {
		err = s.commit(&g)
	}
	if err != nil {
		s.log.Error("updates failed together", "updates", len(g.members), "err", err)
		err = fmt.Errorf("commit: %w", err)
		s.rollback(&g)
	}
	if g.committed {
		s.signal(g.after)
	}
	for _, u := range g.members {
		u.done <- err
	}
}

// more returns an update for a group of n, if one waits. It lets those who are
// about to queue do so, since a commit costs more than an update.
func (s *Store) more(n int) *update {
	for range 10 {
		select {
		case u := <-s.queue:
			return u
		default:
		}
		if s.queued.Load() <= int64(n) {
			return nil
		}
		runtime.Gosched()
	}
	return nil
}

// writeOne runs one update inside the group. A first update needs no
// savepoint: rolling it back is rolling back everything.
func (s *Store) writeOne(g *group, u *update) {
	if !u.state.CompareAndSwap(waiting, running) {
		return
	}
	begin, undo := "SAVEPOINT one", "ROLLBACK TO one"
	if !g.open {
		begin, undo = "BEGIN IMMEDIATE", ""
	}
	if err := s.writer.exec(begin); err != nil {
		err = typed(err)
		if g.open {
			g.broken = err
		}
		u.done <- fmt.Errorf("begin: %w", err)
		return
	}
	alone := !g.open
	g.open = true
	tx := &Tx{ctx: context.WithoutCancel(u.ctx), conn: s.writer, store: s, write: true, version: s.held.now(), before: g.after}
	u.turn <- tx
	err := <-u.ran
	if tx.broken != nil { // even if fn did not pass it on
		g.broken = tx.broken
		g.members = append(g.members, u)
		return
	}
	if err == nil {
		g.members = append(g.members, u)
		g.after.add(tx.after)
		if !alone {
			err = s.writer.exec("RELEASE one")
			g.broken = typed(err)
		}
		return
	}
	if alone {
		s.rollback(g)
	} else if e := s.writer.exec(undo); e != nil {
		g.broken = typed(e)
	} else if e := s.writer.exec("RELEASE one"); e != nil {
		g.broken = typed(e)
	}
	u.done <- err
}

// commit commits the group, and sends the log to the disk if one asked for it.
func (s *Store) commit(g *group) error {
	if err := s.writer.exec("COMMIT"); err != nil {
		return typed(err)
	}
	g.open, g.committed = false, true
	if !g.after.durable {
		return nil
	}
	if err := s.wal.sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrTemporary, err)
	}
	return nil
}

// rollback ends the transaction of the group. SQLite may have done so already.
func (s *Store) rollback(g *group) {
	if !g.open {
		return
	}
	g.open = false
	if err := s.writer.exec("ROLLBACK"); err != nil && sqlCode(err) != 1 {
		s.log.Error("roll back", "err", err)
	}
}

// signal tells those who wait for it what was committed.
func (s *Store) signal(e effects) {
	if len(e.wrote) > 0 || len(e.made) > 0 {
		s.held.committed(e)
	}
	if len(e.jobs) > 0 {
		s.workers.wake(e.jobs)
	}
	if e.posts {
		wake(s.postsReady)
	}
	if e.clock != 0 {
		s.clock.Store(e.clock)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

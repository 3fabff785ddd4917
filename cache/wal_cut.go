package cache

import (
	"context"
	"errors"
	"os"
	"time"
)

// The log of SQLite begins anew only when nobody reads what is in it. Where
// somebody reads all the time it would grow for ever; so when it is long, readers
// wait for those who were there before them, and the log is emptied.
const (
	walMost  = 64 << 20               // bytes
	walWait  = 250 * time.Millisecond // for those who read
	walAgain = 5 * time.Second        // after somebody read for longer
)

// cutLog empties the log if it is too long. It runs in the writer's place.
func (s *Store) cutLog() {
	if time.Now().Before(s.wal.later) {
		return
	}
	info, err := os.Stat(s.wal.path)
	if err != nil || info.Size() < walMost {
		return
	}
	all, give := s.takeReaders(walWait)
	defer give()
	busy := 1
	if all {
		err = errors.Join(s.writer.exec("PRAGMA busy_timeout = 0"), // who reads besides is not waited for
			s.writer.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, new(int), new(int)),
			s.writer.exec("PRAGMA busy_timeout = 5000"))
	}
	if err != nil {
		s.log.Warn("empty the log of the database", "error", typed(err))
	}
	if busy != 0 || err != nil {
		s.wal.later = time.Now().Add(walAgain)
	}
}

// takeReaders takes the places of all who may read, as far as they come free in
// time, tells whether these are all, and gives what returns them.
func (s *Store) takeReaders(wait time.Duration) (all bool, give func()) {
	var taken []*conn
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for late := false; !late && len(taken) < cap(s.readers); {
		select {
		case c := <-s.readers:
			taken = append(taken, c)
		case <-timer.C:
			late = true
		}
	}
	return len(taken) == cap(s.readers), func() {
		for _, c := range taken {
			s.readers <- c
		}
	}
}

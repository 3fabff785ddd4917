package cache

import (
	"slices"
	"sync"
)

// workers are those who wait for jobs, each for some kinds.
type workers struct {
	mu   sync.Mutex
	list []worker
}

type worker struct {
	kinds []string // nil: all
	ready chan struct{}
}

// JobsReady gives a channel that is signalled after each commit that made jobs
// of these kinds ready to lease, or of any kind if none is named. Each call
// gives another one, for as long as the store is open.
func (s *Store) JobsReady(kinds ...string) <-chan struct{} {
	w := worker{kinds: kinds, ready: make(chan struct{}, 1)}
	s.workers.mu.Lock()
	defer s.workers.mu.Unlock()
	s.workers.list = append(s.workers.list, w)
	return w.ready
}

// wake signals those who wait for one of the kinds; "" stands for all.
func (ws *workers) wake(kinds map[string]bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.list {
		if w.kinds == nil || kinds[""] || slices.ContainsFunc(w.kinds, func(k string) bool { return kinds[k] }) {
			wake(w.ready)
		}
	}
}

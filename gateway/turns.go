package gateway

import (
	"context"
	"sync"
	"time"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// What others may have us search: a question can be made to look at every post,
// and the readers of the store have other work.
const (
	searchTurns = 2               // searches at a time, and one for each asker
	searchTime  = 3 * time.Second // that one may take, the wait for its turn included
)

// turns are taken by searches.
type turns struct {
	free chan struct{}

	mu     sync.Mutex
	asking map[stanza.JID]chan struct{} // closed when the asker's search ends
}

func newTurns() *turns {
	return &turns{free: make(chan struct{}, searchTurns), asking: map[stanza.JID]chan struct{}{}}
}

// take waits for a turn until ctx ends. Strangers on the web are nobody, who
// may ask several things at a time.
func (t *turns) take(ctx context.Context, who stanza.JID) (end func(), err error) {
	done := make(chan struct{})
	for who != "" {
		t.mu.Lock()
		before := t.asking[who]
		if before == nil {
			t.asking[who] = done
			t.mu.Unlock()
			break
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	leave := func() {
		if who != "" {
			t.mu.Lock()
			delete(t.asking, who)
			t.mu.Unlock()
		}
		close(done)
	}
	select {
	case t.free <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
	return func() { <-t.free; leave() }, nil
}

// search reads the store for a search that somebody else asks for.
func (g *Gateway) search(ctx context.Context, who stanza.JID, read func(tx *cache.Tx) error) error {
	limit, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	end, err := g.searches.take(limit, who.Bare())
	if err == nil {
		defer end()
		err = g.store.View(limit, read)
	}
	if err != nil && limit.Err() != nil && ctx.Err() == nil {
		return because(Busy, err, "the search took too long: ask for less, or try again soon")
	}
	return err
}

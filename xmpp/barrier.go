package xmpp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"isthmus/xmpp/stanza"
)

// maxPings is how many pings of barriers are under way at once. Calls that come
// while these are share the next one.
const maxPings = 2

// barriers prove that the server has read what we sent, which a component has
// no other means to know (XEP-0114 has no XEP-0198): a ping that is sent last,
// from our domain to our domain, goes through the server's router, and its
// return shows that all before it was read. Prosody 0.12 and ejabberd 23.01
// both send the request back to us; an answer in its place counts as well.
type barriers struct {
	mu     sync.Mutex
	next   *barrier // not sent yet, calls may join
	flying map[string]*barrier
	wanted chan struct{}
}

type barrier struct {
	id   string
	back chan struct{}
}

func newBarriers() *barriers {
	return &barriers{flying: make(map[string]*barrier), wanted: make(chan struct{}, 1)}
}

// join returns the next barrier to be sent.
func (b *barriers) join() *barrier {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = &barrier{id: rand.Text(), back: make(chan struct{})}
		b.want()
	}
	return b.next
}

func (b *barriers) want() {
	select {
	case b.wanted <- struct{}{}:
	default:
	}
}

// launch takes the next barrier to send, if there is one and not too many are
// under way. From here on nobody can join it.
func (b *barriers) launch() *barrier {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.next
	if next == nil || len(b.flying) >= maxPings {
		return nil
	}
	b.flying[next.id], b.next = next, nil
	return next
}

// landed takes note of a stanza that may be a barrier's ping, or the answer to
// it, and tells whether it is. Nobody else can know its id.
func (b *barriers) landed(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.flying[id]
	if !ok {
		return false
	}
	delete(b.flying, id)
	close(f.back)
	if b.next != nil {
		b.want()
	}
	return true
}

// ping sends the pings of barriers until the link is down.
func (l *link) ping() error {
	for {
		select {
		case <-l.barriers.wanted:
		case <-l.ctx.Done():
			return nil
		}
		for b := l.barriers.launch(); b != nil; b = l.barriers.launch() {
			iq := stanza.New("", "iq").Set("type", "get").Set("id", b.id).Set("to", string(l.c.domain)).Add(stanza.New(stanza.NSPing, "ping"))
			// The last lane is written when the others are empty: what was
			// queued before goes before.
			err := l.queue(l.ctx, laneNotify, iq)
			if errors.Is(err, ErrOffline) {
				return nil // nothing more is sent, the link is about to end
			}
			if err != nil {
				return err
			}
		}
	}
}

// Barrier returns when the server has provably read everything that was sent
// before on this connection. It cannot know what was sent before on another,
// see Deliver. Without a deadline in ctx it waits for RequestTimeout.
func (c *Component) Barrier(ctx context.Context) error {
	l := c.link.Load()
	if l == nil {
		return ErrOffline
	}
	return l.barrier(ctx)
}

func (l *link) barrier(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.c.cfg.RequestTimeout)
		defer cancel()
	}
	b := l.barriers.join()
	select {
	case <-b.back:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait until the XMPP server has read: %w", ctx.Err())
	case <-l.ctx.Done():
		return ErrOffline
	}
}

// Deliver sends stanzas and returns nil when the server has provably read them
// all. They all go over one connection: when it is lost before the proof,
// Deliver fails, and whoever acts on that sends them all again, so that they
// arrive at least once.
func (c *Component) Deliver(ctx context.Context, els ...*stanza.Element) error {
	l := c.link.Load()
	if l == nil {
		return ErrOffline
	}
	for _, el := range els {
		if err := l.send(ctx, el); err != nil {
			return err
		}
	}
	return l.barrier(ctx)
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	"isthmus/e2e/lab"
)

// await polls until a count has been reached.
func (b *bench) await(ctx context.Context, what string, count func() (have, want int)) error {
	for {
		have, want := count()
		if have >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %d of %d: %w", what, have, want, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// items reads pages from the cache, beside pings that take the same way.
func (b *bench) items(ctx context.Context) error {
	n := b.n(4000)
	jid := b.lab.Names.ActorJID("author0", b.peer.Host)
	ask := func(do func() error) (rate, error) {
		return b.timed(n, func() error { return together(n, 8, func(int) error { return do() }) })
	}
	ping, err := ask(func() error {
		_, err := b.louise.IQ(ctx, "get", b.lab.Names.Component, "<ping xmlns='urn:xmpp:ping'/>")
		return err
	})
	if err != nil {
		return err
	}
	last := ""
	page, err := ask(func() error {
		got, err := b.louise.Items(ctx, jid, lab.Microblog, lab.Page{Max: 10, Before: &last})
		if err == nil && len(got.List) != min(10, b.n(2000)/authors) {
			err = fmt.Errorf("a page of %d items", len(got.List))
		}
		return err
	})
	b.rows = append(b.rows, page.against("items from the cache, pages of 10, 8 at once", ping.perSecond(), "pings through the same Prosody and client"))
	return err
}

// follows has many actors follow Louise.
func (b *bench) follows(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	b.peer.CountOnly()
	n := 1000
	for i := range n {
		b.peer.Add(fmt.Sprintf("f%d", i))
	}
	before := b.peer.Count()
	r, err := b.timed(n, func() error {
		err := together(n, 8, func(i int) error {
			a := b.peer.Actor(fmt.Sprintf("f%d", i))
			status, text, err := a.Post(b.inbox, a.Activity("Follow", b.actor, b.actor))
			if err == nil && status != http.StatusAccepted {
				err = fmt.Errorf("a Follow is answered %d: %s", status, text)
			}
			return err
		})
		if err != nil {
			return err
		}
		return b.await(ctx, "the Accepts", func() (int, int) { return b.peer.Count() - before, n })
	})
	if err != nil {
		return err
	}
	sign, _, err := rsaRates()
	b.rows = append(b.rows, r.against("Follow to Accept, actors not met before, 8 at once", sign, "RSA signatures, one core; the peer signs on the same machine"))
	return err
}

// fanOut publishes one post to all of them, each with an inbox of its own.
func (b *bench) fanOut(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	before, err := usage(b.gateway.Pid())
	if err != nil {
		return err
	}
	count, n := b.peer.Count(), 1000
	var peak peakMemory
	stop := peak.watch(b.gateway.Pid())
	r, err := b.timed(n, func() error {
		if err := b.louise.Blog(ctx, "fan-out", "One post for a thousand inboxes."); err != nil {
			return err
		}
		return b.await(ctx, "the deliveries", func() (int, int) { return b.peer.Count() - count, n })
	})
	stop()
	if err != nil {
		return err
	}
	sign, _, err := rsaRates()
	b.rows = append(b.rows, r.against("fan-out: one post to 1,000 inboxes", sign*float64(runtime.NumCPU()), "RSA signatures, all cores"),
		row{what: "memory over that", measured: fmt.Sprintf("%s before, at most %s", mebibytes(before.resident), mebibytes(peak.most()))})
	return err
}

// peakMemory watches the resident memory of a process.
type peakMemory struct {
	mu  sync.Mutex
	top int64
}

func (p *peakMemory) watch(pid int) (stop func()) {
	end := make(chan struct{})
	go func() {
		for {
			if u, err := usage(pid); err == nil {
				p.mu.Lock()
				p.top = max(p.top, u.resident)
				p.mu.Unlock()
			}
			select {
			case <-end:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() { close(end) }
}

func (p *peakMemory) most() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.top
}

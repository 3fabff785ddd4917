package xmpp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/xmpp/stanza"
)

// link is one connection, after the handshake. Its goroutines end when ctx
// does; the cause is why.
type link struct {
	c        *Component
	conn     net.Conn
	framer   *framer
	lim      stanza.Limits
	inner    string // the stream's default namespace
	out      *outbox
	replies  replies
	barriers *barriers
	written  chan struct{} // closed when the writer has ended

	ctx  context.Context
	fail context.CancelCauseFunc

	lastRead atomic.Int64 // when bytes came last, or the wait for them began, as Unix nanoseconds
	busy     atomic.Bool  // the reading goroutine is not waiting for bytes
}

// serviceWait is how long the reading goroutine waits for room for a message
// of a configured service.
const serviceWait = 5 * time.Second

// Read reads from the server for the framer, and takes note of signs of life.
func (l *link) Read(b []byte) (int, error) {
	l.lastRead.Store(time.Now().UnixNano())
	l.busy.Store(false)
	n, err := l.conn.Read(b)
	l.busy.Store(true)
	l.c.stats.bytesIn.Add(uint64(n))
	return n, err
}

// serve works until the connection is lost, or closed after stop. It returns
// why.
func (l *link) serve(stop <-chan struct{}) error {
	var wg sync.WaitGroup
	run := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				l.fail(err)
			}
		})
	}
	run(l.read)
	run(l.ping)
	run(l.watch)
	run(func() error {
		defer close(l.written)
		return l.write()
	})
	// Not waited for here: a handler that does not end must not keep the
	// component from connecting again.
	l.c.running.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				l.c.panicked("connected", p)
			}
		}()
		l.c.handler.HandleConnected(l.ctx)
	})
	select {
	case <-stop:
		l.close()
	case <-l.ctx.Done():
	}
	l.fail(net.ErrClosed)
	_ = l.conn.Close()
	wg.Wait()
	return context.Cause(l.ctx)
}

// closeWait is how long the server has to read what is left and to close the
// stream in turn.
const closeWait = 2 * time.Second

// close ends the stream in good order (RFC 6120 §4.4): all that is queued goes
// out first.
func (l *link) close() {
	l.out.end()
	late := time.NewTimer(closeWait)
	defer late.Stop()
	select {
	case <-l.written:
	case <-late.C:
		return
	case <-l.ctx.Done():
		return
	}
	select {
	case <-late.C:
	case <-l.ctx.Done(): // the server closed it too
	}
}

// watch notices a dead connection, and takes requests out of the queues that
// have waited for too long.
func (l *link) watch() error {
	tick := time.NewTicker(min(l.c.cfg.PingAfter/4, 5*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
			return nil
		}
		for _, t := range l.c.tasks.expired(time.Now().Add(-l.c.cfg.IQTimeout)) {
			a := responder{link: t.link, start: t.start}
			a.failNow(stanza.NewError("remote-server-timeout", ""))
		}
		// A server that sends nothing for so long is asked for a sign of life.
		silent := time.Since(time.Unix(0, l.lastRead.Load()))
		switch {
		case l.busy.Load():
		case silent > l.c.cfg.PingAfter+l.c.cfg.PingTimeout:
			return fmt.Errorf("no sign of life from the XMPP server for %s", silent.Round(time.Second))
		case silent > l.c.cfg.PingAfter:
			l.barriers.join()
		}
	}
}

// read reads stanzas until the stream ends. It never runs a handler, and never
// waits for the writer.
func (l *link) read() error {
	for {
		fr, err := l.framer.next()
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the XMPP server closed the connection")
		case errors.Is(err, errStreamEnd):
			return err
		case err != nil:
			return fmt.Errorf("read from the XMPP server: %w", err)
		}
		l.c.stats.stanzasIn.Add(1)
		if err := l.sort(fr); err != nil {
			return err
		}
	}
}

// sort decides what becomes of an element. Only the server's own error is one.
func (l *link) sort(fr frame) error {
	start, err := stanza.ParseStart(fr.data, l.inner, l.lim)
	if err != nil {
		l.c.drop(&stanza.Element{}, "unreadable stanza", err)
		return nil
	}
	if start.Space == stanza.NSStream {
		if start.Name != "error" {
			return nil
		}
		el, err := l.parse(fr)
		if err != nil {
			el = start
		}
		return parseStreamError(el)
	}
	switch known := start.Space == stanza.NSComponent || start.Space == stanza.NSClient; {
	case known && start.Name == "iq":
		l.sortIQ(start, fr)
	case known && (start.Name == "message" || start.Name == "presence"):
		l.hand(start, fr)
	default:
		l.c.drop(start, "unknown element", nil)
	}
	return nil
}

func (l *link) sortIQ(start *stanza.Element, fr frame) {
	kind := start.Get("type")
	isAnswer := kind == "result" || kind == "error"
	from := stanza.JID(start.Get("from"))
	if from.Bare() == l.c.domain && l.barriers.landed(start.Get("id")) {
		return
	}
	if isAnswer {
		if !l.replies.take(start, fr) {
			// Late, or from somebody who was not asked: never answered.
			l.c.log.Debug("an answer that nobody waits for", "peer", from.Domain())
		}
		return
	}
	l.hand(start, fr)
}

// hand gives a stanza to the workers.
func (l *link) hand(start *stanza.Element, fr frame) {
	from := stanza.JID(start.Get("from"))
	switch {
	case fr.over:
		l.refuse(start, stanza.NewError("policy-violation", fmt.Sprintf("The stanza is over %d bytes.", l.c.cfg.MaxStanzaIn)))
		return
	case from == "":
		// The server stamps every stanza (XEP-0114 §3); nobody could be
		// answered.
		l.c.drop(start, start.Name, errors.New("no from"))
		return
	}
	t := task{
		link: l, start: start, frame: fr, arrived: time.Now(),
		from: string(from.Bare()), to: string(stanza.JID(start.Get("to")).Bare()),
	}
	ok, room := l.c.tasks.add(t)
	if !ok && room != nil && start.Name == "message" && l.c.isService(from) {
		ok = l.await(t, room)
	}
	if !ok {
		l.refuse(start, stanza.NewError("resource-constraint", "Too much at once. Try again later."))
	}
}

// await waits for room for a message of a configured service. Its bursts are
// what the gateway is there for, and what is not read waits in the server.
func (l *link) await(t task, room <-chan struct{}) bool {
	late := time.NewTimer(serviceWait)
	defer late.Stop()
	for {
		select {
		case <-room:
		case <-late.C:
			return false
		case <-l.ctx.Done():
			return false
		}
		var ok bool
		if ok, room = l.c.tasks.add(t); ok || room == nil {
			return ok
		}
	}
}

// parse reads a whole stanza. Some servers send the namespace of clients to
// components; inside it is one and the same.
func (l *link) parse(fr frame) (*stanza.Element, error) {
	el, err := stanza.Parse(fr.data, l.inner, l.lim)
	if err != nil || el.Space != stanza.NSClient {
		return el, err
	}
	el.Space = stanza.NSComponent
	for child := range el.Children(stanza.NSClient, "") {
		child.Space = stanza.NSComponent
	}
	return el, nil
}

// send checks and queues a stanza.
func (l *link) send(ctx context.Context, el *stanza.Element) error {
	return l.queue(ctx, laneOf(el), el)
}

func (l *link) queue(ctx context.Context, ln lane, el *stanza.Element) error {
	buf, _ := l.c.scratch.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer l.c.scratch.Put(buf)
	b, err := l.c.render((*buf)[:0], el)
	if err != nil {
		return err
	}
	*buf = b
	return l.out.put(ctx, ln, b, l.ctx.Done())
}

package xmpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"isthmus/xmpp/stanza"
)

// lane is a priority of what goes out.
type lane int

const (
	laneReply  lane = iota // answers, for which somebody waits
	laneDirect             // presence, our own requests, chat
	laneNotify             // notifications, of which there can be many
	lanes
)

const (
	// laneBytes is how much of a lane may wait before Send does. A full lane
	// is one write, so it also bounds what an answer waits behind.
	laneBytes = 256 << 10
	// urgentBytes is how much more the reading goroutine may add, which must
	// never wait.
	urgentBytes = 4 << 20

	writeTimeout = 60 * time.Second
	// A space after this much silence keeps middleboxes from forgetting the
	// connection (RFC 6120 §4.6.1).
	spaceAfter = 30 * time.Second
)

// outbox holds what the writer is to write. Stanzas are in it as the bytes that
// will be sent, so that the writer only copies and a stanza is known to fit
// before it is accepted.
type outbox struct {
	mu     sync.Mutex
	queued [lanes][]byte
	count  [lanes]int
	spare  []byte        // to be filled next, while the writer writes another
	room   chan struct{} // closed when a lane was taken
	wake   chan struct{} // tells the writer that there is something
	ending bool          // no more is accepted
}

func newOutbox() *outbox {
	return &outbox{room: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// put queues a stanza and waits while its lane is full.
func (o *outbox) put(ctx context.Context, ln lane, b []byte, down <-chan struct{}) error {
	for {
		room, err := o.tryPut(ln, b, laneBytes)
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return fmt.Errorf("wait for the XMPP server to read: %w", ctx.Err())
		case <-down:
			return ErrOffline
		}
	}
}

// putNow queues a stanza without waiting, or fails.
func (o *outbox) putNow(ln lane, b []byte) error {
	room, err := o.tryPut(ln, b, urgentBytes)
	if room != nil {
		err = errors.New("too much waits for the XMPP server to read")
	}
	return err
}

// tryPut returns what to wait for when the lane holds too much already.
func (o *outbox) tryPut(ln lane, b []byte, limit int) (room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ending {
		return nil, ErrOffline
	}
	if q := o.queued[ln]; len(q) > 0 && len(q)+len(b) > limit {
		return o.room, nil
	}
	o.queued[ln] = append(o.queued[ln], b...)
	o.count[ln]++
	o.signal()
	return nil, nil
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns what is queued in the first lane that holds anything. used is
// what it returned before, to be used again.
func (o *outbox) take(used []byte) (b []byte, count int, ending bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if used != nil && cap(used) <= 2*laneBytes {
		o.spare = used[:0]
	}
	for ln := range o.queued {
		if b = o.queued[ln]; len(b) > 0 {
			count = o.count[ln]
			o.queued[ln], o.count[ln], o.spare = o.spare, 0, nil
			close(o.room)
			o.room = make(chan struct{})
			return b, count, false
		}
	}
	return nil, 0, o.ending
}

// end lets the writer write what is queued, and no more.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ending = true
	o.signal()
}

// write is the writer: it owns the sending half of the connection until the
// outbox ended and is empty, or the link is down.
func (l *link) write() error {
	idle := time.NewTimer(spaceAfter)
	defer idle.Stop()
	var b []byte
	var n int
	var ending bool
	for {
		b, n, ending = l.out.take(b)
		if len(b) > 0 {
			if err := writeAll(l.conn, b); err != nil {
				return err
			}
			l.c.stats.stanzasOut.Add(uint64(n))
			l.c.stats.bytesOut.Add(uint64(len(b)))
			continue
		}
		if ending {
			return writeAll(l.conn, []byte("</stream:stream>"))
		}
		idle.Reset(spaceAfter)
		select {
		case <-l.out.wake:
		case <-idle.C:
			if err := writeAll(l.conn, []byte(" ")); err != nil {
				return err
			}
		case <-l.ctx.Done():
			return nil
		}
	}
}

func writeAll(conn net.Conn, b []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("write to the XMPP server: %w", err)
	}
	if _, err := conn.Write(b); err != nil {
		return fmt.Errorf("write to the XMPP server: %w", err)
	}
	return nil
}

// laneOf is the lane of a stanza.
func laneOf(el *stanza.Element) lane {
	switch kind := el.Get("type"); el.Name {
	case "iq":
		if kind == "result" || kind == "error" {
			return laneReply
		}
	case "message":
		if kind == "headline" || el.Child(stanza.NSPubSubEvent, "event") != nil {
			return laneNotify
		}
	}
	return laneDirect
}

// render appends a stanza as it is to be sent, after the checks that keep the
// server from closing the stream over it.
func (c *Component) render(dst []byte, el *stanza.Element) ([]byte, error) {
	if el == nil {
		return nil, ErrStanza
	}
	kind := el.Name
	if kind != "iq" && kind != "message" && kind != "presence" || el.Space != "" && el.Space != stanza.NSComponent {
		return nil, fmt.Errorf("%w: <%s xmlns='%s'/>", ErrStanza, kind, el.Space)
	}
	if t := el.Get("type"); kind == "iq" && (t == "" || el.Get("id") == "" && t != "result" && t != "error") {
		return nil, fmt.Errorf("%w: an iq without id or type", ErrStanza)
	}
	if err := c.checkTo(stanza.JID(el.Get("to"))); err != nil {
		return nil, err
	}
	from, err := c.ownAddress(stanza.JID(el.Get("from")))
	if err != nil {
		return nil, err
	}
	// A copy, because the caller's element may be shared.
	out := stanza.Element{Space: stanza.NSComponent, Name: kind, Nodes: el.Nodes}
	out.Attrs = append(make([]stanza.Attr, 0, len(el.Attrs)+1), stanza.Attr{Name: "from", Value: string(from)})
	for _, a := range el.Attrs {
		if a.Name != "from" || a.Space != "" {
			out.Attrs = append(out.Attrs, a)
		}
	}
	n := len(dst)
	dst = stanza.Append(dst, &out, stanza.NSComponent)
	if size := len(dst) - n; size > c.cfg.MaxStanzaOut {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooBig, size, c.cfg.MaxStanzaOut)
	}
	return dst, nil
}

// checkTo refuses what ejabberd closes the stream for.
func (c *Component) checkTo(to stanza.JID) error {
	if to.Domain() == "" {
		return fmt.Errorf("%w: to %q", ErrAddress, to)
	}
	return nil
}

// ownAddress is the address of ours that a stanza is from; the component's own
// when it names none. Prosody closes the stream over a foreign domain, one in
// upper case, and an empty local part or resource; ejabberd over the first.
func (c *Component) ownAddress(from stanza.JID) (stanza.JID, error) {
	if from == "" {
		return c.domain, nil
	}
	domain, bare := from.Domain(), from.Bare()
	if strings.ToLower(domain) != string(c.domain) || from[len(bare):] == "/" || bare[0] == '@' {
		return "", fmt.Errorf("%w: from %q", ErrAddress, from)
	}
	if domain == string(c.domain) {
		return from, nil
	}
	return bare[:len(bare)-len(domain)] + c.domain + from[len(bare):], nil
}

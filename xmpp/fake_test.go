package xmpp

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/xmpp/stanza"
)

const (
	ourDomain = "ap.example.org"
	streamID  = "<3>"
)

// handlerFuncs is a Handler of functions, each of which may be nil.
type handlerFuncs struct {
	iq        func(ctx context.Context, iq IQ) (*stanza.Element, error)
	message   func(ctx context.Context, m *stanza.Element)
	presence  func(ctx context.Context, p *stanza.Element)
	connected func(ctx context.Context)
}

func (h handlerFuncs) HandleIQ(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if h.iq == nil {
		return nil, stanza.NewError("service-unavailable", "")
	}
	return h.iq(ctx, iq)
}

func (h handlerFuncs) HandleMessage(ctx context.Context, m *stanza.Element) {
	if h.message != nil {
		h.message(ctx, m)
	}
}

func (h handlerFuncs) HandlePresence(ctx context.Context, p *stanza.Element) {
	if h.presence != nil {
		h.presence(ctx, p)
	}
}

func (h handlerFuncs) HandleConnected(ctx context.Context) {
	if h.connected != nil {
		h.connected(ctx)
	}
}

// fakeServer is an XMPP server that the test plays. It lives in the test's
// bubble: its connections are pipes.
type fakeServer struct {
	t     testing.TB
	c     *Component
	conns chan *fakeConn // of each successful handshake
	ended chan error     // what Run returned
	stop  context.CancelFunc

	mu    sync.Mutex
	dials []time.Time
	// greet is what the server does on a new connection; shakeHands if nil.
	greet func(c *fakeConn) error
}

// fakeConn is one connection, seen from the server.
type fakeConn struct {
	t    testing.TB
	conn net.Conn
	f    *framer
	in   chan *stanza.Element // what the component sent; closed at its end
	end  error                // how the stream ended, after in was closed
	// deaf keeps the server from sending back what is addressed to our domain,
	// as real ones do.
	deaf atomic.Bool
	raw  func(*stanza.Element) // sees everything, before in

	passed []*stanza.Element // by ask
}

// startFake runs a component against a fake server.
func startFake(t testing.TB, cfg Config, h Handler, options ...func(*fakeServer)) *fakeServer {
	t.Helper()
	cfg.Domain, cfg.Server, cfg.Secret = ourDomain, "server:5347", "s3cret"
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s := &fakeServer{t: t, c: New(cfg, nil), conns: make(chan *fakeConn, 16), ended: make(chan error, 1)}
	for _, o := range options {
		o(s)
	}
	s.c.dial = s.dial
	s.c.SetHandler(h)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.ended <- s.c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err, ok := <-s.ended; ok && err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func (s *fakeServer) dial(context.Context, string) (net.Conn, error) {
	s.mu.Lock()
	s.dials = append(s.dials, time.Now())
	greet := s.greet
	s.mu.Unlock()
	ours, theirs := net.Pipe()
	c := &fakeConn{t: s.t, conn: ours, in: make(chan *stanza.Element, 4096)}
	c.f = newFramer(ours, 1<<30)
	if greet == nil {
		greet = (*fakeConn).shakeHands
	}
	go func() {
		if err := greet(c); err != nil {
			_ = ours.Close()
			return
		}
		s.conns <- c
		c.read()
	}()
	return theirs, nil
}

// shakeHands is the server's half of XEP-0114 §3.
func (c *fakeConn) shakeHands() error {
	tag, err := c.f.header()
	if err != nil {
		return err
	}
	head, err := stanza.ParseHeader(tag, stanza.Limits{})
	if err != nil || head.Get("to") != ourDomain || head.Inner != stanza.NSComponent || !head.Is(stanza.NSStream, "stream") {
		return fmt.Errorf("header %s: %w", tag, err)
	}
	c.send(`<?xml version='1.0'?><stream:stream xmlns:stream='` + stanza.NSStream + `' xmlns='` + stanza.NSComponent + `' id='&lt;3&gt;'>`)
	fr, err := c.f.next()
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(streamID + "s3cret"))
	if want := "<handshake>" + hex.EncodeToString(sum[:]) + "</handshake>"; string(fr.data) != want {
		c.t.Errorf("handshake %s, want %s", fr.data, want)
	}
	c.send(`<handshake/>`)
	return nil
}

// read takes what the component sends, to the end of the stream.
func (c *fakeConn) read() {
	defer close(c.in)
	for {
		fr, err := c.f.next()
		if err != nil {
			c.end = err
			if errors.Is(err, errStreamEnd) {
				_, _ = io.WriteString(c.conn, `</stream:stream>`)
			}
			_ = c.conn.Close()
			return
		}
		el, err := stanza.Parse(fr.data, stanza.NSComponent, stanza.Limits{})
		if err != nil {
			c.t.Errorf("the component sent what is not well-formed: %v\n%.500s", err, fr.data)
			continue
		}
		if c.raw != nil {
			c.raw(el)
		}
		if !c.deaf.Load() && el.Get("to") == ourDomain {
			c.send(string(fr.data))
			continue
		}
		c.in <- el
	}
}

// send writes to the component; an error only shows as the end of the stream.
func (c *fakeConn) send(xml string) { _, _ = io.WriteString(c.conn, xml) }

// next is the next stanza from the component.
func (c *fakeConn) next() *stanza.Element {
	c.t.Helper()
	select {
	case el, ok := <-c.in:
		if !ok {
			c.t.Fatalf("the stream ended: %v", c.end)
		}
		return el
	case <-time.After(10 * time.Minute):
		c.t.Fatal("the component sent nothing")
		return nil
	}
}

// ask sends a request that the link itself must pass on or answer, and waits
// for the answer to it. It proves that the stream is up.
func (c *fakeConn) ask(id string) *stanza.Element {
	c.t.Helper()
	c.send(`<iq type='get' id='` + id + `' from='probe@example.net/x' to='` + ourDomain + `'><ping xmlns='urn:xmpp:ping'/></iq>`)
	for {
		el := c.next()
		if el.Get("id") == id {
			return el
		}
		c.passed = append(c.passed, el)
	}
}

// rest is what the component sent and nobody has looked at.
func (c *fakeConn) rest() []*stanza.Element {
	els := c.passed
	c.passed = nil
	for len(c.in) > 0 {
		els = append(els, c.next())
	}
	return els
}

// message is a message with a body.
func message(from, to, body string) string {
	return fmt.Sprintf("<message from='%s' to='%s' type='chat'><body>%s</body></message>", from, to, body)
}

// outgoing is a message of ours.
func outgoing(to, body string) *stanza.Element {
	return stanza.New("", "message").Set("to", to).Add(stanza.Text("", "body", body))
}

// condition is the condition of an error stanza, or its type.
func condition(el *stanza.Element) string {
	if el.Get("type") != "error" {
		return el.Get("type")
	}
	e := stanza.ParseError(el)
	return strings.TrimSpace(e.Type + " " + e.Condition)
}

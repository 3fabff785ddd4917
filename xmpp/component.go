// Package xmpp is the gateway as an XMPP component (XEP-0114): the link to the
// server, which must survive anything a stranger sends, and the protocols
// spoken over it. It knows nothing of the other side of the gateway.
package xmpp

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"isthmus/xmpp/stanza"
)

// Config says how to reach the server and what to bear. Zero limits mean
// their defaults.
type Config struct {
	Domain stanza.JID // the component's domain
	Server string     // host:port of the server's component listener
	Secret string     // shared with the server
	Log    *slog.Logger

	// Services are peers, such as configured pubsub services, whose bursts of
	// messages are waited for when their queue is full. Those of others are
	// dropped.
	Services []string

	MaxStanzaIn    int           // bytes; 1 MiB. Larger ones are skipped, an IQ answered.
	MaxStanzaOut   int           // bytes; 192 KiB
	Workers        int           // handlers that run at once; 64
	PeerWorkers    int           // of them, for one peer; 8
	PeerQueue      int           // stanzas waiting, for one peer; 2048
	QueueBytes     int           // bytes waiting in all; 64 MiB
	IQTimeout      time.Duration // until an unanswered request is answered with an error; 25 s
	RequestTimeout time.Duration // of Request when ctx has no deadline; 30 s
	ShutdownGrace  time.Duration // for handlers under way when Run ends; 5 s
}

// IQ is a request to us (RFC 6120 §8.2.3).
type IQ struct {
	From, To stanza.JID
	ID       string
	Type     string // get or set
	Payload  *stanza.Element
	Lang     string
}

// Handler is what the component does with stanzas. Stanzas of one peer (bare
// from) to one of our addresses (bare to) are handled in order, one at a time;
// others at the same time (RFC 6120 §10.1). Handlers may block: they hold up
// only their own peer.
type Handler interface {
	// HandleIQ returns the payload of the result, nil for an empty one. An
	// error that is a *stanza.Error is answered as it is, one with a method
	// StanzaError() *stanza.Error is asked for it, and any other answers
	// internal-server-error.
	HandleIQ(ctx context.Context, iq IQ) (*stanza.Element, error)
	// HandleMessage is also called with bounces (type error).
	HandleMessage(ctx context.Context, m *stanza.Element)
	// HandlePresence is called with every kind of presence, error included.
	HandlePresence(ctx context.Context, p *stanza.Element)
	// HandleConnected is called after each handshake. ctx ends with the
	// connection.
	HandleConnected(ctx context.Context)
}

// Errors of Send, Request and Barrier.
var (
	ErrOffline = errors.New("not connected to the XMPP server")
	ErrTooBig  = errors.New("stanza is over the size limit")
	ErrAddress = errors.New("stanza has no to, or a from that is not ours")
)

// Component is the link to the server.
type Component struct {
	cfg     Config
	handler Handler
}

// New makes a component. The handler may be nil until SetHandler.
func New(cfg Config, h Handler) *Component {
	return &Component{cfg: cfg, handler: h}
}

// SetHandler sets the handler; it must be called before Run.
func (c *Component) SetHandler(h Handler) { c.handler = h }

// Run connects, and connects again whenever the link is lost, until ctx ends.
func (c *Component) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Online tells whether the link is up.
func (c *Component) Online() bool { return false }

// Send queues a stanza for the writer and waits while the queue is full. It
// does not wait until the server has read it: see Barrier and Deliver.
func (c *Component) Send(ctx context.Context, el *stanza.Element) error { return ErrOffline }

// Deliver sends stanzas over one connection and returns nil when the server
// has provably read them all.
func (c *Component) Deliver(ctx context.Context, els ...*stanza.Element) error { return ErrOffline }

// Request sends an IQ, to which it gives an id, and waits for the answer of
// the peer that it is addressed to: the result's payload (nil if it is empty)
// or a *stanza.Error.
func (c *Component) Request(ctx context.Context, iq *stanza.Element) (*stanza.Element, error) {
	return nil, ErrOffline
}

// Barrier returns when the server has provably read everything that was sent
// before on this connection.
func (c *Component) Barrier(ctx context.Context) error { return ErrOffline }

// Stats are counters since the start.
type Stats struct {
	StanzasIn, StanzasOut, BytesIn, BytesOut uint64
	Connects                                 uint64 // successful handshakes
	Dropped                                  uint64 // stanzas refused for load, size or syntax
}

// Stats returns the counters.
func (c *Component) Stats() Stats { return Stats{} }

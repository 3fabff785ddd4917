// Package xmpp is the gateway as an XMPP component (XEP-0114): the link to the
// server, which must survive anything a stranger sends, and the protocols
// spoken over it. It knows nothing of the other side of the gateway.
package xmpp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

	// Home are the domains whose users the gateway is there for. All others
	// together never have all of the workers, and each has fewer.
	Home []string

	// Closing is called when Run ends, after the handlers, while stanzas can
	// still be sent. The stream closes when it returns.
	Closing func(ctx context.Context)

	MaxStanzaIn    int           // bytes; 1 MiB. Larger ones are skipped, an IQ answered.
	MaxStanzaOut   int           // bytes; 192 KiB
	Workers        int           // handlers that run at once; 64
	PeerWorkers    int           // of them, for one peer; 8. A quarter for a domain that is not Home, three for all those.
	PeerQueue      int           // stanzas waiting, for one peer; 2048
	QueueBytes     int           // bytes waiting in all, an eighth of it for one peer; 64 MiB
	IQTimeout      time.Duration // until an unanswered request is answered with an error; 25 s
	RequestTimeout time.Duration // of Request when ctx has no deadline; 30 s
	ShutdownGrace  time.Duration // for handlers under way when Run ends, and again for Closing; 5 s
	PingAfter      time.Duration // of silence until the server is asked for a sign of life; 1 min
	PingTimeout    time.Duration // from then until the link is given up; 30 s
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
// only their own peer. Their ctx ends when Run ends, after ShutdownGrace.
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

// Errors of Send, Deliver, Request and Barrier.
var (
	ErrOffline = errors.New("not connected to the XMPP server")
	ErrTooBig  = errors.New("stanza is over the size limit")
	ErrAddress = errors.New("stanza has no valid to, or a from that is not ours")
	ErrStanza  = errors.New("not a stanza that can be sent")
)

// Component is the link to the server.
type Component struct {
	cfg      Config
	domain   stanza.JID // in lower case, as both servers want it
	handler  Handler
	log      *slog.Logger
	tasks    *dispatcher
	handling context.Context // of handlers; ends after ShutdownGrace
	dial     func(ctx context.Context, address string) (net.Conn, error)

	link      atomic.Pointer[link]
	open      openRequests
	running   sync.WaitGroup // workers, and handlers of HandleConnected
	lastError atomic.Pointer[error]
	scratch   sync.Pool // *[]byte
	dropLog   throttle
	stats     counters
}

// New makes a component. The handler may be nil until SetHandler.
func New(cfg Config, h Handler) *Component {
	cfg = cfg.withDefaults()
	c := &Component{
		cfg: cfg, handler: h, log: cfg.Log, dial: dialTCP,
		domain: stanza.JID(strings.ToLower(string(cfg.Domain))),
	}
	c.tasks = newDispatcher(cfg, c.handle)
	return c
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.MaxStanzaIn = cmp.Or(c.MaxStanzaIn, 1<<20)
	c.MaxStanzaOut = cmp.Or(c.MaxStanzaOut, 192<<10)
	c.Workers = cmp.Or(c.Workers, 64)
	c.PeerWorkers = cmp.Or(c.PeerWorkers, 8)
	c.PeerQueue = cmp.Or(c.PeerQueue, 2048)
	c.QueueBytes = cmp.Or(c.QueueBytes, 64<<20)
	c.IQTimeout = cmp.Or(c.IQTimeout, 25*time.Second)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 30*time.Second)
	c.ShutdownGrace = cmp.Or(c.ShutdownGrace, 5*time.Second)
	c.PingAfter = cmp.Or(c.PingAfter, time.Minute)
	c.PingTimeout = cmp.Or(c.PingTimeout, 30*time.Second)
	return c
}

// SetHandler sets the handler; it must be called before Run.
func (c *Component) SetHandler(h Handler) { c.handler = h }

// Online tells whether the link is up.
func (c *Component) Online() bool { return c.link.Load() != nil }

// Err is why the link is down, nil while it is up or was never tried.
func (c *Component) Err() error {
	if err := c.lastError.Load(); err != nil {
		return *err
	}
	return nil
}

// Send queues a stanza for the writer and waits while its queue is full. It
// does not wait until the server has read it: see Deliver. Stanzas of one kind
// keep their order; answers overtake presence and chat, and these overtake
// notifications. A stanza without from is sent from the component's domain.
func (c *Component) Send(ctx context.Context, el *stanza.Element) error {
	l := c.link.Load()
	if l == nil {
		return ErrOffline
	}
	return l.send(ctx, el)
}

// isService tells whether an address is one of the configured services.
func (c *Component) isService(from stanza.JID) bool {
	return slices.Contains(c.cfg.Services, string(from.Bare()))
}

// Stats are counters since the start.
type Stats struct {
	StanzasIn, StanzasOut, BytesIn, BytesOut uint64
	Connects                                 uint64 // successful handshakes
	Dropped                                  uint64 // stanzas refused for load, size or syntax, and answers that could not be sent
}

type counters struct {
	stanzasIn, stanzasOut, bytesIn, bytesOut, connects, dropped atomic.Uint64
}

// Stats returns the counters.
func (c *Component) Stats() Stats {
	s := &c.stats
	return Stats{
		StanzasIn: s.stanzasIn.Load(), StanzasOut: s.stanzasOut.Load(),
		BytesIn: s.bytesIn.Load(), BytesOut: s.bytesOut.Load(),
		Connects: s.connects.Load(), Dropped: s.dropped.Load(),
	}
}

// throttle allows something once in a while.
type throttle struct{ last atomic.Int64 }

func (t *throttle) allow() bool {
	now, last := time.Now().UnixNano(), t.last.Load()
	return (last == 0 || time.Duration(now-last) > 10*time.Second) && t.last.CompareAndSwap(last, now)
}

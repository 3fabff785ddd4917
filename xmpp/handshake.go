package xmpp

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"isthmus/xmpp/stanza"
)

const (
	dialTimeout = 10 * time.Second
	// handshakeTimeout is long, because a server that starts accepts
	// connections before it answers them.
	handshakeTimeout = 20 * time.Second
	userTimeout      = 60 * time.Second
)

// dialTCP connects to the server's component listener.
func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{
		Timeout:         dialTimeout,
		Control:         setUserTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3},
	}
	return d.DialContext(ctx, "tcp", address)
}

// connect dials and shakes hands. The link belongs to nobody else until serve.
func (c *Component) connect(ctx context.Context) (*link, error) {
	conn, err := c.dial(ctx, c.cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("connect to the XMPP server: %w", err)
	}
	l := &link{c: c, conn: conn, out: newOutbox(), barriers: newBarriers(), written: make(chan struct{})}
	l.framer = newFramer(l, c.cfg.MaxStanzaIn)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := l.handshake(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	l.ctx, l.fail = context.WithCancelCause(context.WithoutCancel(ctx))
	return l, nil
}

// handshake is XEP-0114 §3.
func (l *link) handshake() error {
	cfg := l.c.cfg
	if err := l.conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	open := fmt.Sprintf("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' to='%s'>",
		stanza.NSComponent, stanza.NSStream, l.c.domain)
	if _, err := io.WriteString(l.conn, open); err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	tag, err := l.framer.header()
	if err != nil {
		return fmt.Errorf("shake hands with %s: is this the server's component port? %w", cfg.Server, err)
	}
	head, err := stanza.ParseHeader(tag, stanza.Limits{})
	if err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	l.inner, l.lim = head.Inner, stanza.Limits{Prefixes: head.Prefixes}
	if l.inner != stanza.NSComponent {
		// A port for clients; what it says of our domain would mislead.
		return &StreamError{Condition: "invalid-namespace", Text: "it speaks " + l.inner}
	}
	sum := sha1.Sum([]byte(head.Get("id") + cfg.Secret))
	if _, err := fmt.Fprintf(l.conn, "<handshake>%s</handshake>", hex.EncodeToString(sum[:])); err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	if err := l.expect("handshake"); err != nil {
		return err
	}
	if err := l.conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	return nil
}

// expect reads one element, which has to be of that name.
func (l *link) expect(name string) error {
	fr, err := l.framer.next()
	if errors.Is(err, io.EOF) || errors.Is(err, errStreamEnd) {
		return fmt.Errorf("shake hands with %s: the server hung up; is this its component port?", l.c.cfg.Server)
	}
	if err != nil {
		return fmt.Errorf("shake hands: %w", err)
	}
	el, err := l.parse(fr)
	switch {
	case err != nil:
		return fmt.Errorf("shake hands: %w", err)
	case el.Is(stanza.NSStream, "error"):
		return parseStreamError(el)
	case el.Name != name:
		return fmt.Errorf("shake hands: the server sent <%s/>; is %s its component port?", el.Name, l.c.cfg.Server)
	}
	return nil
}

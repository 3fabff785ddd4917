package xmpp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"mellium.im/xmpp/jid"
)

// Validate tells what is wrong with the settings. A domain of ours has to be
// right, however odd others' may be.
func (c Config) Validate() error {
	j, err := jid.Parse(string(c.Domain))
	if err != nil {
		return fmt.Errorf("component domain %q: %w", c.Domain, err)
	}
	if j.Localpart() != "" || j.Resourcepart() != "" {
		return fmt.Errorf("component domain %q is not a domain", c.Domain)
	}
	if _, _, err := net.SplitHostPort(c.Server); err != nil {
		return fmt.Errorf("XMPP server %q: %w", c.Server, err)
	}
	if c.Secret == "" {
		return errors.New("the component's secret is empty")
	}
	return nil
}

// backoff is how long to wait before connecting again.
type backoff struct {
	random func() float64 // in [0, 1)
	failed int            // in a row
}

const (
	backoffFirst = time.Second
	backoffMax   = time.Minute
	// A link that lived for so long was no failure.
	stable = time.Minute
	// What only an operator can put right, and a conflict, in which each of two
	// programs would throw the other one out, are tried less often.
	backoffSlow = 30 * time.Second
)

// next takes note of a link that lived for a while and ended with err.
func (b *backoff) next(err error, lived time.Duration) time.Duration {
	if lived >= stable {
		b.failed = 0
	}
	wait := min(backoffMax, backoffFirst<<min(b.failed, 10))
	b.failed++
	var e *StreamError
	if errors.As(err, &e) && e.needsOperator() {
		wait = max(wait, backoffSlow)
	}
	// Half of it is random, so that gateways do not come back all at once.
	return wait/2 + time.Duration(b.random()*float64(wait/2))
}

// Run connects, and connects again whenever the link is lost, until ctx ends.
// Then it lets handlers finish, sends what is queued and closes the stream, all
// within some seconds. It fails only if the settings are wrong. It must be
// called once.
func (c *Component) Run(ctx context.Context) error {
	if err := c.cfg.Validate(); err != nil {
		return err
	}
	if c.handler == nil {
		return errors.New("the component has no handler")
	}
	handling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	c.handling = handling
	for range c.cfg.Workers {
		c.running.Go(c.tasks.worker)
	}
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		<-ctx.Done()
		c.drain(cancel)
		c.closing(ctx)
	}()
	b := backoff{random: rand.Float64}
	for ctx.Err() == nil {
		c.retry(ctx, stop, &b)
	}
	<-stop
	c.await()
	return nil
}

// await waits until handlers have ended. They were told to; one that does not
// must not keep the program from ending.
func (c *Component) await() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.running.Wait()
	}()
	late := time.NewTimer(c.cfg.ShutdownGrace)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		c.log.Error("handlers of stanzas did not end when told to")
	}
}

// retry connects once, works until the link is lost, and waits.
func (c *Component) retry(ctx context.Context, stop <-chan struct{}, b *backoff) {
	var lived time.Duration
	l, err := c.connect(ctx)
	if err == nil {
		start := time.Now()
		err = c.serve(l, stop)
		lived = time.Since(start)
	}
	if ctx.Err() != nil {
		return
	}
	c.lastError.Store(&err)
	wait := b.next(err, lived)
	attrs := []any{"error", err, "server", c.cfg.Server, "retry_in", wait.Round(time.Millisecond)}
	if r := remedy(err); r != "" {
		attrs = append(attrs, "remedy", r)
	}
	c.log.Error("no link to the XMPP server", attrs...)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// serve makes a link the one that Send uses, while it lives.
func (c *Component) serve(l *link, stop <-chan struct{}) error {
	c.stats.connects.Add(1)
	c.lastError.Store(nil)
	c.link.Store(l)
	defer c.link.Store(nil)
	c.log.Info("linked to the XMPP server", "server", c.cfg.Server, "component", string(c.domain))
	return l.serve(stop)
}

// closing lets the owner of the component say what it has to say at last.
func (c *Component) closing(ctx context.Context) {
	if c.cfg.Closing == nil || !c.Online() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.ShutdownGrace)
	defer cancel()
	c.cfg.Closing(ctx)
}

// drain lets handlers end what they have begun, for a while. Whoever asked and
// gets no answer any more is told so, and whose chat message nobody reads any more.
func (c *Component) drain(cancel context.CancelFunc) {
	c.tasks.stop()
	late := time.NewTimer(c.cfg.ShutdownGrace)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for over := false; !over && !c.tasks.idle(); {
		select {
		case <-tick.C:
		case <-late.C:
			over = true
		}
	}
	for _, t := range c.tasks.end() {
		t.link.refuse(t.start, errRestart())
	}
	c.open.each(func(a *responder) { a.failNow(errRestart()) })
	cancel()
}

package xmpp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"isthmus/xmpp/stanza"
)

// responder gives the one answer to a request. Whoever is first gives it: the
// handler, the clock or the end of the program.
type responder struct {
	link  *link
	start *stanza.Element // the request's start tag
	given atomic.Bool
}

// result answers with a payload, which may be nil.
func (a *responder) result(payload *stanza.Element) {
	if a.given.Swap(true) {
		return
	}
	l := a.link
	err := l.queue(l.ctx, laneReply, reply(a.start, "result").Add(payload))
	if errors.Is(err, ErrTooBig) {
		l.c.log.Warn("an answer is too big", "error", err)
		err = l.queue(l.ctx, laneReply, errorReply(a.start, stanza.NewError("resource-constraint", "The answer is too big. Ask for less at once.")))
	}
	a.lost(err)
}

// fail answers with an error.
func (a *responder) fail(e *stanza.Error) {
	if a.given.Swap(true) {
		return
	}
	a.lost(a.link.queue(a.link.ctx, laneReply, errorReply(a.start, e)))
}

// failNow answers without waiting for the writer.
func (a *responder) failNow(e *stanza.Error) {
	if a.given.Swap(true) {
		return
	}
	b, err := a.link.c.render(nil, errorReply(a.start, e))
	if err == nil {
		err = a.link.out.putNow(laneReply, b)
	}
	a.lost(err)
}

func (a *responder) lost(err error) {
	if err != nil && !errors.Is(err, ErrOffline) && !errors.Is(err, context.Canceled) {
		a.link.c.drop(a.start, "answer", err)
	}
}

// openRequests are the requests whose handlers run.
type openRequests struct {
	mu  sync.Mutex
	all map[*responder]struct{}
}

func (o *openRequests) add(a *responder) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = make(map[*responder]struct{})
	}
	o.all[a] = struct{}{}
}

func (o *openRequests) remove(a *responder) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, a)
}

func (o *openRequests) each(f func(*responder)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for a := range o.all {
		f(a)
	}
}

// errRestart answers what the end of the program leaves undone.
func errRestart() *stanza.Error {
	return stanza.NewError("recipient-unavailable", "The gateway is being restarted.")
}

// reply is an answer without payload: from where the request went, to where it
// came from, byte for byte. The id may be empty; Prosody passes on such
// requests.
func reply(start *stanza.Element, kind string) *stanza.Element {
	return &stanza.Element{Name: start.Name, Attrs: []stanza.Attr{
		{Name: "type", Value: kind}, {Name: "id", Value: start.Get("id")},
		{Name: "from", Value: start.Get("to")}, {Name: "to", Value: start.Get("from")},
	}}
}

func errorReply(start *stanza.Element, e *stanza.Error) *stanza.Element {
	whole := *e
	if usual := stanza.NewError(e.Condition, ""); usual.Condition != e.Condition || e.Type == "" {
		whole.Condition, whole.Type = usual.Condition, usual.Type
	}
	return reply(start, "error").Add(whole.Element())
}

// stanzaError is the error that tells the peer what a handler returned.
func (c *Component) stanzaError(err error) *stanza.Error {
	var e *stanza.Error
	if errors.As(err, &e) && e != nil {
		return e
	}
	var has interface{ StanzaError() *stanza.Error }
	if errors.As(err, &has) {
		if e := has.StanzaError(); e != nil {
			return e
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return stanza.NewError("remote-server-timeout", "")
	case errors.Is(err, context.Canceled):
		return errRestart()
	}
	c.log.Error("a request failed", "error", err)
	return stanza.NewError("internal-server-error", "")
}

// handle runs the handler of a stanza, on a worker.
func (c *Component) handle(t task) {
	name := t.start.Name
	if name == "iq" {
		c.handleIQ(t)
		return
	}
	el, err := t.link.parse(t.frame)
	if err != nil {
		c.drop(t.start, name, err)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			c.panicked(name, p)
		}
	}()
	if name == "message" {
		c.handler.HandleMessage(c.handling, el)
	} else {
		c.handler.HandlePresence(c.handling, el)
	}
}

// panicked logs what a handler panicked with. A stanza that does that must not
// end the program for everybody.
func (c *Component) panicked(name string, p any) {
	c.log.Error("a handler panicked", "stanza", name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

func (c *Component) handleIQ(t task) {
	a := &responder{link: t.link, start: t.start}
	iq, problem := t.link.request(t)
	if problem != nil {
		a.fail(problem)
		return
	}
	ctx, cancel := context.WithDeadline(c.handling, t.arrived.Add(c.cfg.IQTimeout))
	defer cancel()
	c.open.add(a)
	defer c.open.remove(a)
	late := context.AfterFunc(ctx, func() { a.failNow(c.stanzaError(ctx.Err())) })
	defer late()
	if ctx.Err() != nil {
		return // it waited for too long
	}
	defer func() {
		if p := recover(); p != nil {
			c.panicked("iq", p)
			a.fail(stanza.NewError("internal-server-error", ""))
		}
	}()
	payload, err := c.handler.HandleIQ(ctx, iq)
	if err != nil {
		a.fail(c.stanzaError(err))
		return
	}
	a.result(payload)
}

// request reads a request (RFC 6120 §8.2.3).
func (l *link) request(t task) (IQ, *stanza.Error) {
	el, err := l.parse(t.frame)
	switch {
	case errors.Is(err, stanza.ErrLimit):
		return IQ{}, stanza.NewError("policy-violation", err.Error())
	case err != nil:
		return IQ{}, stanza.NewError("bad-request", err.Error())
	}
	iq := IQ{
		From: stanza.JID(el.Get("from")), To: stanza.JID(el.Get("to")),
		ID: el.Get("id"), Type: el.Get("type"), Lang: el.Lang(),
	}
	if iq.Type != "get" && iq.Type != "set" {
		return IQ{}, stanza.NewError("bad-request", "An iq is of type get, set, result or error.")
	}
	for child := range el.Elements() {
		if iq.Payload != nil {
			return IQ{}, stanza.NewError("bad-request", "A request has one child.")
		}
		iq.Payload = child
	}
	if iq.Payload == nil {
		return IQ{}, stanza.NewError("bad-request", "A request has a child.")
	}
	return iq, nil
}

// refuse answers, without waiting for anything, a stanza that no handler will
// see. A chat message is sent back so that its author knows; what else asks for
// no answer is dropped, and so is an answer.
func (l *link) refuse(start *stanza.Element, e *stanza.Error) {
	kind := start.Get("type")
	l.c.drop(start, start.Name, e)
	request := start.Name == "iq" && kind != "result" && kind != "error"
	chat := start.Name == "message" && kind == "chat"
	if !request && !chat || start.Get("from") == "" {
		return
	}
	a := responder{link: l, start: start}
	a.failNow(e)
}

// drop counts a stanza that is not handled or not sent. Its addresses are not
// logged, and strangers cannot fill the log.
func (c *Component) drop(start *stanza.Element, what string, why error) {
	c.stats.dropped.Add(1)
	level := slog.LevelDebug
	if c.dropLog.allow() {
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, "stanza dropped", "what", what,
		"peer", stanza.JID(start.Get("from")).Domain(), "reason", why, "dropped", c.stats.dropped.Load())
}

package xmpp

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"

	"isthmus/xmpp/stanza"
)

// maxPending bounds the requests that wait for an answer.
const maxPending = 16 << 10

// replies are our requests that wait for an answer, on one connection.
type replies struct {
	mu      sync.Mutex
	waiting map[string]waiter // by id
}

// waiter is one request.
type waiter struct {
	to     stanza.JID
	answer chan frame
}

// add registers a request under a new id, which nobody can guess. ok is false
// when too many wait.
func (r *replies) add(to stanza.JID) (id string, w waiter, ok bool) {
	id, w = rand.Text(), waiter{to: to, answer: make(chan frame, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) >= maxPending {
		return "", w, false
	}
	if r.waiting == nil {
		r.waiting = make(map[string]waiter)
	}
	r.waiting[id] = w
	return id, w, true
}

func (r *replies) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, id)
}

// take hands an answer to the request it is for, if it comes from the peer that
// was asked. Any other is nobody's.
func (r *replies) take(start *stanza.Element, fr frame) bool {
	id := start.Get("id")
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.waiting[id]
	if !ok || !samePeer(w.to, stanza.JID(start.Get("from"))) {
		return false
	}
	delete(r.waiting, id)
	w.answer <- fr
	return true
}

// samePeer tells whether an answer's from is the address that was asked. The
// server prepares what we write, which changes the case of all but the
// resource (RFC 7622 §3.2, §3.3).
func samePeer(asked, from stanza.JID) bool {
	return asked == from || asked.Resource() == from.Resource() && strings.EqualFold(string(asked.Bare()), string(from.Bare()))
}

// Request sends an IQ, to which it gives an id, and waits for the answer of
// the peer that it is addressed to: the result's payload (nil if it is empty)
// or a *stanza.Error. Without a deadline in ctx it waits for RequestTimeout.
func (c *Component) Request(ctx context.Context, iq *stanza.Element) (*stanza.Element, error) {
	l := c.link.Load()
	if l == nil {
		return nil, ErrOffline
	}
	if t := iq.Get("type"); iq == nil || iq.Name != "iq" || t != "get" && t != "set" {
		return nil, fmt.Errorf("%w: a request is an iq of type get or set", ErrStanza)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.RequestTimeout)
		defer cancel()
	}
	to := stanza.JID(iq.Get("to"))
	id, w, ok := l.replies.add(to)
	if !ok {
		return nil, fmt.Errorf("ask %s: %d requests wait for answers already", to.Domain(), maxPending)
	}
	defer l.replies.remove(id)
	asked := *iq
	asked.Attrs = append([]stanza.Attr{{Name: "id", Value: id}}, iq.Attrs...)
	if err := l.send(ctx, &asked); err != nil {
		return nil, err
	}
	select {
	case fr := <-w.answer:
		return l.result(fr)
	case <-ctx.Done():
		return nil, fmt.Errorf("ask %s: no answer: %w", to.Domain(), ctx.Err())
	case <-l.ctx.Done():
		return nil, ErrOffline
	}
}

// result reads an answer.
func (l *link) result(fr frame) (*stanza.Element, error) {
	if fr.over {
		return nil, fmt.Errorf("answer is over %d bytes: %w", l.c.cfg.MaxStanzaIn, ErrTooBig)
	}
	el, err := l.parse(fr)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if el.Get("type") == "error" {
		return nil, stanza.ParseError(el)
	}
	for payload := range el.Elements() {
		return payload, nil
	}
	return nil, nil
}

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Slix is an XMPP client on slixmpp, in e2e/slix/driver.py: a second opinion
// beside Client.
type Slix struct {
	Account Account
	driver  *driver

	mu      sync.Mutex
	events  []SlixEvent
	changed chan struct{}
}

// SlixEvent is something that arrived at a slixmpp client.
type SlixEvent struct {
	Event, Kind, JID, Node, ID, Publisher, Title, Type, Body, Why string
}

// SlixItem is an item as slixmpp reads it.
type SlixItem struct{ ID, Publisher, Title, Text string }

// StartSlix logs an account in with slixmpp.
func (l *Lab) StartSlix(ctx context.Context, s *Server, a Account) (*Slix, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	dir, err := l.folder("slix-" + a.JID())
	if err != nil {
		return nil, err
	}
	// Debian's slixmpp belongs to Debian's Python, whatever else is in the path.
	python, err := program("/usr/bin/python3", "python3-slixmpp")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(python, filepath.Join(root, "e2e", "slix", "driver.py"), a.JID()+"/slix", a.Password, s.C2S, l.CA.File())
	x := &Slix{Account: a, changed: make(chan struct{})}
	if x.driver, err = startDriver(dir, "slix", cmd, x.happened); err != nil {
		return nil, err
	}
	l.onClose(x.Close)
	if _, err := x.Await(ctx, "login", func(e SlixEvent) bool { return e.Event == "ready" }); err != nil {
		return nil, fmt.Errorf("log in as %s with slixmpp: %w\n%s", a.JID(), err, tail(x.driver.proc.Log, 20))
	}
	return x, nil
}

// Close logs out.
func (x *Slix) Close() error { return x.driver.close() }

// happened remembers an event.
func (x *Slix) happened(line []byte) {
	var e SlixEvent
	if json.Unmarshal(line, &e) != nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.events = append(x.events, e)
	close(x.changed)
	x.changed = make(chan struct{})
}

// do runs a request of the driver. A stanza error comes back as *StanzaError.
func (x *Slix) do(ctx context.Context, request map[string]any, into any) error {
	err := x.driver.do(ctx, request, into)
	if refused := (*driverError)(nil); errors.As(err, &refused) {
		return &StanzaError{Condition: refused.Condition, Text: refused.Text}
	}
	return err
}

// Publish puts an item into a node; "" as to is one's own account.
func (x *Slix) Publish(ctx context.Context, to, node, id, payload string, options map[string]string) (string, error) {
	request := map[string]any{"do": "publish", "to": to, "node": node, "id": id, "payload": payload}
	if to == "" {
		request["to"] = x.Account.JID()
	}
	if options != nil {
		request["options"] = options
	}
	var got string
	err := x.do(ctx, request, &got)
	if got == "" {
		got = id
	}
	return got, err
}

// Retract removes an item.
func (x *Slix) Retract(ctx context.Context, to, node, id string) error {
	if to == "" {
		to = x.Account.JID()
	}
	return x.do(ctx, map[string]any{"do": "retract", "to": to, "node": node, "id": id}, nil)
}

// Subscribe subscribes to a node and returns the state.
func (x *Slix) Subscribe(ctx context.Context, to, node string) (string, error) {
	var state string
	err := x.do(ctx, map[string]any{"do": "subscribe", "to": to, "node": node}, &state)
	return state, err
}

// Unsubscribe ends a subscription.
func (x *Slix) Unsubscribe(ctx context.Context, to, node string) error {
	return x.do(ctx, map[string]any{"do": "unsubscribe", "to": to, "node": node}, nil)
}

// Items fetches items.
func (x *Slix) Items(ctx context.Context, to, node string, most int) ([]SlixItem, error) {
	var items []SlixItem
	err := x.do(ctx, map[string]any{"do": "items", "to": to, "node": node, "max": most}, &items)
	return items, err
}

// Walk fetches all items with slixmpp's own iterator over result sets.
func (x *Slix) Walk(ctx context.Context, to, node string) ([]SlixItem, error) {
	var items []SlixItem
	err := x.do(ctx, map[string]any{"do": "walk", "to": to, "node": node}, &items)
	return items, err
}

// Features asks for disco#info and returns the features.
func (x *Slix) Features(ctx context.Context, to, node string) ([]string, error) {
	var info struct{ Features []string }
	request := map[string]any{"do": "info", "to": to}
	if node != "" {
		request["node"] = node
	}
	err := x.do(ctx, request, &info)
	return info.Features, err
}

// Message sends a chat message.
func (x *Slix) Message(ctx context.Context, to, body string) error {
	return x.do(ctx, map[string]any{"do": "message", "to": to, "body": body}, nil)
}

// Reply answers a message (XEP-0461).
func (x *Slix) Reply(ctx context.Context, to, id, body string) error {
	return x.do(ctx, map[string]any{"do": "reply", "to": to, "id": id, "body": body}, nil)
}

// React reacts to a message (XEP-0444).
func (x *Slix) React(ctx context.Context, to, id string, emoji ...string) error {
	return x.do(ctx, map[string]any{"do": "react", "to": to, "id": id, "emoji": append([]string{}, emoji...)}, nil)
}

// Await waits for an event that matches, from the beginning on.
func (x *Slix) Await(ctx context.Context, what string, match func(SlixEvent) bool) (SlixEvent, error) {
	for {
		x.mu.Lock()
		changed, events := x.changed, x.events
		x.mu.Unlock()
		for _, e := range events {
			if match(e) {
				return e, nil
			}
		}
		select {
		case <-changed:
		case <-x.driver.proc.done:
			return SlixEvent{}, fmt.Errorf("slixmpp ended while waiting for %s:\n%s", what, tail(x.driver.proc.Log, 20))
		case <-ctx.Done():
			var lines []string
			for _, e := range events {
				lines = append(lines, fmt.Sprintf("%+v", e))
			}
			return SlixEvent{}, fmt.Errorf("slixmpp waited for %s: %w; what came:\n%s", what, ctx.Err(), strings.Join(lines, "\n"))
		}
	}
}

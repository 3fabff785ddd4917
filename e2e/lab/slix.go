package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Slix is an XMPP client on slixmpp, in e2e/slix/driver.py: a second opinion
// beside Client.
type Slix struct {
	Account Account
	proc    *Process
	in      io.WriteCloser

	mu      sync.Mutex
	n       int
	answers map[int]chan slixLine
	events  []SlixEvent
	changed chan struct{}
}

// SlixEvent is something that arrived at a slixmpp client.
type SlixEvent struct {
	Event, Kind, JID, Node, ID, Publisher, Title, Type, Body, Why string
}

// SlixItem is an item as slixmpp reads it.
type SlixItem struct{ ID, Publisher, Title, Text string }

type slixLine struct {
	N     int             `json:"n"`
	OK    json.RawMessage `json:"ok"`
	Error string          `json:"error"`
	Text  string          `json:"text"`
	SlixEvent
}

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
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, write := io.Pipe()
	x := &Slix{Account: a, in: in, answers: map[int]chan slixLine{}, changed: make(chan struct{})}
	if x.proc, err = startProcess(dir, "slix", cmd, write); err != nil {
		return nil, err
	}
	go x.read(out)
	go func() { <-x.proc.done; write.Close() }()
	l.onClose(x.Close)
	if _, err := x.Await(ctx, "login", func(e SlixEvent) bool { return e.Event == "ready" }); err != nil {
		return nil, fmt.Errorf("log in as %s with slixmpp: %w\n%s", a.JID(), err, tail(x.proc.Log, 20))
	}
	return x, nil
}

// Close logs out.
func (x *Slix) Close() error {
	_ = x.in.Close()
	select {
	case <-x.proc.done:
		return nil
	case <-time.After(5 * time.Second):
		return x.proc.Stop()
	}
}

func (x *Slix) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var line slixLine
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		x.mu.Lock()
		if line.Event != "" {
			x.events = append(x.events, line.SlixEvent)
			close(x.changed)
			x.changed = make(chan struct{})
		} else if answer := x.answers[line.N]; answer != nil {
			answer <- line
			delete(x.answers, line.N)
		}
		x.mu.Unlock()
	}
}

// do runs a request of the driver. A stanza error comes back as *StanzaError.
func (x *Slix) do(ctx context.Context, request map[string]any, into any) error {
	x.mu.Lock()
	x.n++
	request["n"] = x.n
	answer := make(chan slixLine, 1)
	x.answers[x.n] = answer
	text, err := json.Marshal(request)
	if err == nil {
		_, err = x.in.Write(append(text, '\n'))
	}
	x.mu.Unlock()
	if err != nil {
		return fmt.Errorf("ask slixmpp to %v: %w", request["do"], err)
	}
	select {
	case line := <-answer:
		if line.Error != "" {
			return &StanzaError{Condition: line.Error, Text: line.Text}
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(line.OK, into)
	case <-x.proc.done:
		return fmt.Errorf("slixmpp ended:\n%s", tail(x.proc.Log, 20))
	case <-ctx.Done():
		return fmt.Errorf("slixmpp: %v: %w", request["do"], ctx.Err())
	}
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
		case <-x.proc.done:
			return SlixEvent{}, fmt.Errorf("slixmpp ended while waiting for %s:\n%s", what, tail(x.proc.Log, 20))
		case <-ctx.Done():
			var lines []string
			for _, e := range events {
				lines = append(lines, fmt.Sprintf("%+v", e))
			}
			return SlixEvent{}, fmt.Errorf("slixmpp waited for %s: %w; what came:\n%s", what, ctx.Err(), strings.Join(lines, "\n"))
		}
	}
}

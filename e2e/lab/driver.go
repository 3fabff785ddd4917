package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// driver is a program of another language that does what a test asks for: a JSON
// object a line on its input is a request, one a line on its output an answer to
// it or an event.
type driver struct {
	proc *Process
	in   io.WriteCloser

	mu      sync.Mutex
	n       int
	answers map[int]chan driverLine
}

type driverLine struct {
	N     int             `json:"n"`
	OK    json.RawMessage `json:"ok"`
	Error string          `json:"error"`
	Text  string          `json:"text"`
	Event string          `json:"event"`
}

// driverError is what a driver could not do.
type driverError struct{ Condition, Text string }

func (e *driverError) Error() string { return e.Condition + ": " + e.Text }

// startDriver starts a driver. Events are handed over as they came, one at a time.
func startDriver(dir, name string, cmd *exec.Cmd, event func(line []byte)) (*driver, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, write := io.Pipe()
	d := &driver{in: in, answers: map[int]chan driverLine{}}
	if d.proc, err = startProcess(dir, name, cmd, write); err != nil {
		return nil, err
	}
	go d.read(out, event)
	go func() { <-d.proc.done; write.Close() }()
	return d, nil
}

// close ends the driver by ending its input.
func (d *driver) close() error {
	_ = d.in.Close()
	select {
	case <-d.proc.done:
		return nil
	case <-time.After(5 * time.Second):
		return d.proc.Stop()
	}
}

func (d *driver) read(out io.Reader, event func(line []byte)) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var line driverLine
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		if line.Event != "" {
			event(lines.Bytes())
			continue
		}
		d.mu.Lock()
		if answer := d.answers[line.N]; answer != nil {
			answer <- line
			delete(d.answers, line.N)
		}
		d.mu.Unlock()
	}
}

// do runs a request. What the driver could not do comes back as *driverError.
func (d *driver) do(ctx context.Context, request map[string]any, into any) error {
	d.mu.Lock()
	d.n++
	request["n"] = d.n
	answer := make(chan driverLine, 1)
	d.answers[d.n] = answer
	text, err := json.Marshal(request)
	if err == nil {
		_, err = d.in.Write(append(text, '\n'))
	}
	d.mu.Unlock()
	if err != nil {
		return fmt.Errorf("ask %s to %v: %w", d.proc.Name, request["do"], err)
	}
	select {
	case line := <-answer:
		if line.Error != "" {
			return &driverError{line.Error, line.Text}
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(line.OK, into)
	case <-d.proc.done:
		return fmt.Errorf("%s ended:\n%s", d.proc.Name, tail(d.proc.Log, 20))
	case <-ctx.Done():
		return fmt.Errorf("%s: %v: %w", d.proc.Name, request["do"], ctx.Err())
	}
}

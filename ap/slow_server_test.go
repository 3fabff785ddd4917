package ap

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// nothing is a backend that must not be asked.
type nothing struct{ Backend }

// noPages are pages that must not be asked for.
type noPages struct{ Pages }

// pipes is a listener whose connections are in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowBody does not wait for ever for a body that comes byte by byte (L2,
// SEC-36). The clock is the bubble's.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := NewServer(ServerConfig{Path: "/_ap", Hosts: []string{"example.org"}, Backend: nothing{}, Pages: noPages{}})
		if err != nil {
			t.Fatal(err)
		}
		listener := make(pipes, 1)
		server := &http.Server{Handler: s, ReadHeaderTimeout: time.Second}
		var wait sync.WaitGroup
		wait.Go(func() { _ = server.Serve(listener) })
		ours, theirs := net.Pipe()
		listener <- theirs
		start := time.Now()
		wait.Go(func() {
			_, err := io.WriteString(ours, "POST /_ap/shared_inbox HTTP/1.1\r\nHost: example.org\r\nContent-Length: 100000\r\n\r\n")
			for err == nil {
				time.Sleep(time.Second)
				_, err = io.WriteString(ours, " ")
			}
		})
		resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); resp.StatusCode != http.StatusRequestTimeout || took > maxWait+bodyTimeout+2*time.Second {
			t.Errorf("%d after %v", resp.StatusCode, took)
		}
		_ = resp.Body.Close()
		_ = ours.Close()
		close(listener)
		_ = server.Shutdown(context.Background())
		wait.Wait()
	})
}

package ap

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/ap/sig"
)

// acquainted is a backend that knows one key, and must not be asked for others.
type acquainted struct {
	Backend
	key PublicKey
}

func (a acquainted) KeyAtHand(_ context.Context, id string) (PublicKey, bool) {
	return a.key, id == a.key.ID
}
func (acquainted) Blocked(context.Context, string) bool    { return false }
func (acquainted) Receive(context.Context, Incoming) error { return nil }

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

// hall is a server on connections in memory.
type hall struct {
	listener pipes
	key      *rsa.PrivateKey
	wait     sync.WaitGroup
	server   *http.Server
}

func newHall(t *testing.T, places int) *hall {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	alice := "https://mast.test/users/alice"
	s, err := NewServer(ServerConfig{
		Path: "/_ap", Hosts: []string{"example.org"}, Pages: noPages{}, MaxInFlight: places,
		Backend: acquainted{key: PublicKey{ID: alice + "#main-key", Owner: alice, Key: &key.PublicKey}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{listener: make(pipes, 8), key: key, server: &http.Server{Handler: s, ReadHeaderTimeout: time.Second}}
	h.wait.Go(func() { _ = h.server.Serve(h.listener) })
	return h
}

func (h *hall) close() {
	close(h.listener)
	_ = h.server.Shutdown(context.Background())
	h.wait.Wait()
}

// post sends a body that is signed with a key, byte by byte if slow, and gives
// the answer.
func (h *hall) post(t *testing.T, keyID string, body []byte, slow bool) (status int) {
	ours, theirs := net.Pipe()
	h.listener <- theirs
	defer func() { _ = ours.Close() }()
	r, err := http.NewRequest(http.MethodPost, "https://example.org/_ap/shared_inbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	if err := sig.Sign(r, body, keyID, h.key, time.Now()); err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	_, _ = fmt.Fprintf(&head, "POST /_ap/shared_inbox HTTP/1.1\r\nHost: example.org\r\nContent-Length: %d\r\n", len(body))
	_ = r.Header.Write(&head)
	h.wait.Go(func() {
		_, err := io.WriteString(ours, head.String()+"\r\n")
		if !slow && err == nil {
			_, _ = ours.Write(body)
			return
		}
		for i := 0; err == nil && i < len(body); i++ {
			time.Sleep(time.Second)
			_, err = ours.Write(body[i : i+1])
		}
	})
	resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

const knownKey = "https://mast.test/users/alice#main-key"

// TestSlowBody does not wait for ever for a body that comes byte by byte (L2,
// SEC-36). The clock is the bubble's.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, 0)
		start := time.Now()
		if status := h.post(t, knownKey, make([]byte, 100_000), true); status != http.StatusRequestTimeout {
			t.Errorf("%d", status)
		}
		if took := time.Since(start); took > 3*maxWait+bodyTimeout+2*time.Second {
			t.Errorf("after %v", took)
		}
		h.close()
	})
}

// TestSlowStrangers lets somebody known in while many whom nobody knows send
// byte by byte (SEC-36).
func TestSlowStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, 4)
		for i := range 6 {
			h.wait.Go(func() {
				h.post(t, fmt.Sprintf("https://evil%d.test/users/mallory#main-key", i), make([]byte, 100), true)
			})
		}
		time.Sleep(time.Second)
		start := time.Now()
		body := []byte(`{"id":"https://mast.test/likes/1","type":"Like","actor":"https://mast.test/users/alice","object":"https://example.org/x"}`)
		if status := h.post(t, knownKey, body, false); status != http.StatusAccepted || time.Since(start) > 0 {
			t.Errorf("somebody known: %d after %v", status, time.Since(start))
		}
		h.close()
	})
}

package ap

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowPeers gives up on peers that send a byte a second, in the headers or
// in the body (L2, SEC-36). The clock is the bubble's.
func TestSlowPeers(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\nContent-Length: 100000\r\n\r\n"
	for name, c := range map[string]struct {
		first string
		drip  string
		limit time.Duration
	}{
		"nothing at all": {"", "", firstByteTimeout},
		"endless header": {"HTTP/1.1 200 OK\r\nX-A: ", "a", firstByteTimeout},
		"endless body":   {head, " ", totalTimeout},
		"body that ends": {head, "", totalTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := NewClient(ClientConfig{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowPorts: []int{80}})
				if err != nil {
					t.Fatal(err)
				}
				var peers sync.WaitGroup
				transport := client.http.Transport.(*http.Transport)
				transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					peers.Go(func() { drip(theirs, c.first, c.drip) })
					return ours, nil
				}
				start := time.Now()
				if _, err := client.Get(t.Context(), "http://127.0.0.1/x", nil); err == nil || !Temporary(err) {
					t.Errorf("%v", err)
				}
				if took := time.Since(start); took > c.limit+time.Second {
					t.Errorf("gave up after %v", took)
				}
				transport.CloseIdleConnections()
				peers.Wait()
			})
		})
	}
}

// drip answers a request slowly, until nobody listens any more.
func drip(conn net.Conn, first, piece string) {
	defer func() { _ = conn.Close() }()
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return
	}
	if _, err := conn.Write([]byte(first)); err != nil {
		return
	}
	for {
		time.Sleep(time.Second)
		if _, err := conn.Write([]byte(piece)); err != nil {
			return
		}
	}
}

package aptest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server that knows only what it was told.
type names struct {
	conn    net.PacketConn
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	asked   map[string]int // how many questions for addresses each name has had
}

func startNames(tb testing.TB) *names {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	n := &names{conn: conn, answers: map[string][][]netip.Addr{}, asked: map[string]int{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.run()
	}()
	tb.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return n
}

func (n *names) set(host string, answers ...[]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[host], n.asked[host] = answers, 0
}

// resolver asks this name server.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *names) run() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if b := n.answer(buf[:size]); b != nil {
			_, _ = n.conn.WriteTo(b, from)
		}
	}
}

// answer answers a question. A and AAAA of one lookup come one after the other
// and count as one.
func (n *names) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	host := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	n.mu.Lock()
	lists, ok := n.answers[host]
	turn := n.asked[host] / 2
	n.asked[host]++
	n.mu.Unlock()
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	} else if len(lists) > 0 {
		m.Answers = records(q, lists[min(turn, len(lists)-1)])
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

func records(q dnsmessage.Question, list []netip.Addr) (out []dnsmessage.Resource) {
	for _, a := range list {
		h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			out = append(out, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			out = append(out, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return out
}

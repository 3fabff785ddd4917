package xmpp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/xmpp/stanza"
)

// benchLink links a component to a server on loopback that only shakes hands.
func benchLink(b *testing.B, h Handler) (c *Component, server net.Conn, f *framer) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	c = New(Config{Domain: ourDomain, Server: ln.Addr().String(), Secret: "s3cret"}, h)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	server, err = ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	fake := &fakeConn{t: b, conn: server, f: newFramer(server, 1<<20)}
	if err := fake.shakeHands(); err != nil {
		b.Fatal(err)
	}
	for !c.Online() {
		time.Sleep(time.Millisecond)
	}
	b.Cleanup(func() {
		cancel()
		_ = server.Close()
		_ = ln.Close()
		<-ended
	})
	return c, server, fake.f
}

// flood writes n stanzas, of which one gives the i-th.
func flood(w io.Writer, n int, one func(i int) string) {
	var buf strings.Builder
	for i := range n {
		buf.WriteString(one(i))
		if buf.Len() > 64<<10 || i == n-1 {
			if _, err := io.WriteString(w, buf.String()); err != nil {
				return
			}
			buf.Reset()
		}
	}
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stanzas/s")
}

func benchEntry() *stanza.Element {
	e := stanza.New(stanza.NSAtom, "entry").Add(stanza.Text("", "title", strings.Repeat("Il pleut sur l’été & la mer. ", 15)))
	for i := range 12 {
		e.Add(stanza.New("", "link").Set("rel", "alternate").Set("type", "text/html").Set("href", fmt.Sprintf("https://mast.social/@alice/11234567890123456%d?a=b&c=d", i)))
	}
	return e
}

// benchEvent is a notification of about 2.4 KB.
func benchEvent(payload *stanza.Element) *stanza.Element {
	return stanza.New("", "message").Set("type", "headline").Set("id", "abcdefghijklmnop").Set("to", "louise@example.org").Set("from", `alice\40mast.social@ap.example.org`).
		Add(stanza.New(stanza.NSPubSubEvent, "event").Add(stanza.New("", "items").Set("node", stanza.NSMicroblog).Add(
			stanza.New("", "item").Set("id", "abcdefghijklmnopqrstuvwxyz").Add(payload))))
}

// BenchmarkRequests is a request of 300 bytes in, framed, decoded, dispatched
// and answered with 1 KB.
func BenchmarkRequests(b *testing.B) {
	answer := stanza.Text("n", "q", strings.Repeat("x", 1000))
	_, server, f := benchLink(b, handlerFuncs{iq: func(context.Context, IQ) (*stanza.Element, error) { return answer, nil }})
	filler := strings.Repeat("<item id='x'/>", 10)
	b.ResetTimer()
	go flood(server, b.N, func(i int) string {
		return fmt.Sprintf("<iq type='get' id='%d' from='user%d@example.net/r' to='ap.example.org'><pubsub xmlns='%s'><items node='n'>%s</items></pubsub></iq>", i, i%500, stanza.NSPubSub, filler)
	})
	for range b.N {
		if _, err := f.next(); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}

// BenchmarkEvents is notifications in, up to their handler.
func BenchmarkEvents(b *testing.B) {
	var handled atomic.Int64
	done := make(chan struct{})
	c, server, _ := benchLink(b, handlerFuncs{message: func(context.Context, *stanza.Element) {
		if handled.Add(1) == int64(b.N) {
			close(done)
		}
	}})
	c.cfg.Services = []string{"pubsub.example.org"}
	event := string(stanza.Append(nil, benchEvent(benchEntry()).Set("to", ourDomain).Set("from", "pubsub.example.org"), ""))
	b.SetBytes(int64(len(event)))
	b.ResetTimer()
	go flood(server, b.N, func(int) string { return event })
	<-done
	perSecond(b)
}

func benchSend(b *testing.B, el *stanza.Element) {
	c, server, _ := benchLink(b, handlerFuncs{})
	go func() { _, _ = io.Copy(io.Discard, server) }()
	b.SetBytes(int64(len(stanza.Append(nil, el, ""))))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := c.Send(b.Context(), el); err != nil {
			b.Fatal(err)
		}
	}
	for c.Stats().StanzasOut < uint64(b.N) {
		time.Sleep(100 * time.Microsecond)
	}
	perSecond(b)
}

// BenchmarkSend is notifications out, each rendered.
func BenchmarkSend(b *testing.B) { benchSend(b, benchEvent(benchEntry())) }

// BenchmarkSendPrerendered is a notification to many: only its head is rendered.
func BenchmarkSendPrerendered(b *testing.B) {
	el := benchEvent(benchEntry())
	event := el.Nodes[0].El
	el.Nodes[0].El = stanza.Prerender(event)
	benchSend(b, el)
}

// BenchmarkFramingLimit is the limit of BenchmarkEvents: the same bytes framed,
// from memory.
func BenchmarkFramingLimit(b *testing.B) {
	event := string(stanza.Append(nil, benchEvent(benchEntry()), ""))
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, streamHead)
		flood(w, b.N, func(int) string { return event })
		_ = w.Close()
	}()
	f := newFramer(r, 1<<20)
	if _, err := f.header(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(event)))
	b.ResetTimer()
	for {
		if _, err := f.next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}

// BenchmarkLoopbackLimit is the limit of both directions: the same bytes over
// the same kind of connection, untouched.
func BenchmarkLoopbackLimit(b *testing.B) {
	event := string(stanza.Append(nil, benchEvent(benchEntry()), ""))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		flood(conn, b.N, func(int) string { return event })
		_ = conn.Close()
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	b.SetBytes(int64(len(event)))
	b.ResetTimer()
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 64<<10)); err != nil {
		b.Fatal(err)
	}
	perSecond(b)
}

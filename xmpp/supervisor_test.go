package xmpp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/xmpp/stanza"
)

func TestValidate(t *testing.T) {
	good := Config{Domain: "ap.example.org", Server: "127.0.0.1:5347", Secret: "x"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"no domain":         func(c *Config) { c.Domain = "" },
		"a user":            func(c *Config) { c.Domain = "x@example.org" },
		"a resource":        func(c *Config) { c.Domain = "example.org/x" },
		"space":             func(c *Config) { c.Domain = "a b" },
		"no port":           func(c *Config) { c.Server = "127.0.0.1" },
		"no server":         func(c *Config) { c.Server = "" },
		"no secret":         func(c *Config) { c.Secret = "" },
		"control in domain": func(c *Config) { c.Domain = "a\x00b" },
	} {
		cfg := good
		change(&cfg)
		if err := cfg.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if err := New(cfg, handlerFuncs{}).Run(t.Context()); err == nil {
			t.Errorf("%s: ran", name)
		}
	}
	if err := New(good, nil).Run(t.Context()); err == nil {
		t.Error("ran without handler")
	}
}

func TestBackoff(t *testing.T) {
	var half float64
	b := backoff{random: func() float64 { return half }}
	lost := errors.New("lost")
	for _, half = range []float64{0, 0.999} {
		b.failed = 0
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			want *= time.Second
			got := b.next(lost, 0)
			if got < want/2 || got > want || half == 0 && got != want/2 {
				t.Errorf("attempt %d after %s, want about %s", i, got, want)
			}
		}
	}
	half = 0
	if got := b.next(lost, stable); got != backoffFirst/2 {
		t.Errorf("after a stable link %s", got)
	}
	for range 100 {
		b.next(lost, 0) // must not overflow
	}
	if got := b.next(lost, 0); got != backoffMax/2 {
		t.Error(got)
	}
	for _, condition := range []string{"conflict", "not-authorized", "host-unknown", "invalid-namespace"} {
		b.failed = 0
		if got := b.next(fmt.Errorf("x: %w", &StreamError{Condition: condition}), 0); got < backoffSlow/2 {
			t.Errorf("%s: %s", condition, got)
		}
	}
}

func TestReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connected, ended atomic.Int32
		s := startFake(t, Config{}, handlerFuncs{connected: func(ctx context.Context) {
			connected.Add(1)
			<-ctx.Done()
			ended.Add(1)
		}})
		for i, how := range []string{"", "</stream:stream>", `<stream:error><system-shutdown xmlns='` + stanza.NSStreamErrors + `'/></stream:error></stream:stream>`, "</stream:stream>"} {
			c := <-s.conns
			synctest.Wait()
			if !s.c.Online() || s.c.Err() != nil || int(connected.Load()) != i+1 {
				t.Fatalf("connection %d: online %v, %v, handled %d", i, s.c.Online(), s.c.Err(), connected.Load())
			}
			c.ask("probe")
			c.send(how)
			_ = c.conn.Close()
			synctest.Wait()
			if s.c.Online() || s.c.Err() == nil || ended.Load() != connected.Load() {
				t.Errorf("after %q: online %v, %v, %d of %d handlers ended", how, s.c.Online(), s.c.Err(), ended.Load(), connected.Load())
			}
		}
	})
}

// A server that refuses is asked again, ever more slowly, for ever.
func TestRefused(t *testing.T) {
	tests := []struct {
		name  string
		greet func(c *fakeConn) error
		err   string
		calls [2]int // in the first hour, at least and at most
		says  string
	}{
		{"hangs up", func(*fakeConn) error { return io.EOF }, "closed", [2]int{60, 125}, ""},
		{"wrong secret", streamError("not-authorized"), "not-authorized", [2]int{55, 150}, "xmpp.secret"},
		{"unknown component", streamError("host-unknown"), "host-unknown", [2]int{55, 150}, "add the component"},
		{"conflict", streamError("conflict"), "conflict", [2]int{55, 150}, "other program"},
		{"client port", func(c *fakeConn) error {
			_, _ = c.f.header()
			c.send("<?xml version='1.0'?><stream:stream xmlns:stream='" + stanza.NSStream + "' xmlns='jabber:client' id='1'>")
			return io.EOF
		}, "jabber:client", [2]int{55, 150}, "port for components"},
		{"web server", func(c *fakeConn) error {
			go func() { _, _ = io.Copy(io.Discard, c.conn) }()
			c.send("HTTP/1.1 400 Bad Request\r\n\r\n")
			return io.EOF
		}, "component port", [2]int{60, 125}, ""},
		{"says nothing", func(c *fakeConn) error {
			_, err := io.Copy(io.Discard, c.conn)
			return errors.Join(err, io.EOF)
		}, "timeout", [2]int{40, 125}, ""},
		{"sends without end", func(c *fakeConn) error {
			go func() { _, _ = io.Copy(io.Discard, c.conn) }()
			for {
				if _, err := io.WriteString(c.conn, strings.Repeat(" ", 1000)); err != nil {
					return err
				}
			}
		}, "component port", [2]int{60, 125}, ""},
		{"another answer", func(c *fakeConn) error {
			_, _ = c.f.header()
			c.send("<?xml version='1.0'?><stream:stream xmlns:stream='" + stanza.NSStream + "' xmlns='jabber:component:accept' id='1'><ok/>")
			_, err := io.Copy(io.Discard, c.conn)
			return errors.Join(err, io.EOF)
		}, "<ok/>", [2]int{60, 125}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := startFake(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, handlerFuncs{}, func(s *fakeServer) { s.greet = tt.greet })
				time.Sleep(time.Hour)
				s.mu.Lock()
				defer s.mu.Unlock()
				if n := len(s.dials); n < tt.calls[0] || n > tt.calls[1] {
					t.Errorf("%d attempts in an hour", n)
				}
				if s.c.Online() || s.c.Err() == nil || !strings.Contains(s.c.Err().Error(), tt.err) {
					t.Errorf("error %v", s.c.Err())
				}
				s.stop()
				synctest.Wait()
				if !strings.Contains(log.String(), tt.says) {
					t.Errorf("the log does not say what to do: %.500s", log.String())
				}
			})
		})
	}
}

func streamError(condition string) func(c *fakeConn) error {
	return func(c *fakeConn) error {
		if _, err := c.f.header(); err != nil {
			return err
		}
		c.send("<?xml version='1.0'?><stream:stream xmlns:stream='" + stanza.NSStream + "' xmlns='jabber:component:accept' id='1'>")
		if _, err := c.f.next(); err != nil {
			return err
		}
		c.send(`<stream:error><` + condition + ` xmlns='` + stanza.NSStreamErrors + `'/><text xmlns='` + stanza.NSStreamErrors + `'>no</text></stream:error></stream:stream>`)
		return io.EOF
	}
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		// A server that only answers pings is alive.
		time.Sleep(24 * time.Hour)
		if s.c.Stats().Connects != 1 {
			t.Errorf("%d connections", s.c.Stats().Connects)
		}
		// One that is gone without a word is not.
		c.deaf.Store(true)
		lost := time.Now()
		<-s.conns
		if took := time.Since(lost); took < time.Minute || took > 3*time.Minute {
			t.Errorf("a dead connection was noticed after %s", took)
		}
	})
}

// A handler that is slow must not make the link look dead.
func TestBusyReaderIsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{PeerQueue: 1, PingAfter: 2 * time.Second, PingTimeout: time.Second, Services: []string{"pubsub.example.org"}},
			handlerFuncs{message: func(context.Context, *stanza.Element) { time.Sleep(4 * time.Second) }})
		c := <-s.conns
		for range 20 {
			c.send(message("pubsub.example.org", ourDomain, "x"))
		}
		time.Sleep(2 * time.Minute)
		if st := s.c.Stats(); st.Connects != 1 || st.Dropped != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{iq: func(ctx context.Context, iq IQ) (*stanza.Element, error) {
			switch iq.Payload.Name {
			case "slow":
				time.Sleep(2 * time.Second)
				return nil, ctx.Err()
			case "obedient":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			time.Sleep(24 * time.Hour)
			return nil, nil
		}})
		c := <-s.conns
		for i, kind := range []string{"slow", "obedient", "deaf", "deaf"} {
			// The last one waits behind the other deaf one.
			c.send(fmt.Sprintf(`<iq type='get' id='%d' from='%s@b' to='ap.example.org'><%s xmlns='n'/></iq>`, i, kind, kind))
		}
		for _, kind := range []string{"chat", "headline", "error"} {
			c.send(fmt.Sprintf(`<message type='%s' id='%s' from='deaf@b' to='ap.example.org'><body>hi</body></message>`, kind, kind))
		}
		synctest.Wait()
		s.stop()
		synctest.Wait()
		c.send(`<iq type='get' id='late' from='late@b' to='ap.example.org'><slow xmlns='n'/></iq>`)
		// What handlers still send goes out, and can be proved to.
		if err := s.c.Deliver(t.Context(), outgoing("a@b", "last")); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		got := make(map[string]string)
		for el := range c.in {
			got[el.Get("id")] = condition(el)
		}
		if !errors.Is(c.end, errStreamEnd) {
			t.Errorf("the stream ended with %v", c.end)
		}
		want := map[string]string{
			"0": "result", "1": "wait recipient-unavailable", "2": "wait recipient-unavailable", "3": "wait recipient-unavailable",
			"late": "wait resource-constraint", "": "", "chat": "wait recipient-unavailable",
		}
		for id, w := range want {
			if got[id] != w {
				t.Errorf("%q answered %q, want %q", id, got[id], w)
			}
		}
		for _, id := range []string{"headline", "error"} {
			if _, ok := got[id]; ok {
				t.Errorf("%s is answered", id)
			}
		}
		if err := s.c.Send(t.Context(), outgoing("a@b", "x")); !errors.Is(err, ErrOffline) {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		if len(s.ended) != 1 {
			t.Error("Run waits for a handler that does not end")
		}
		time.Sleep(48 * time.Hour) // for that handler to end
	})
}

// What is queued goes out, even when somebody waits for proof at that moment.
func TestShutdownSendsWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		synctest.Wait()
		hold := make(chan struct{})
		c.raw = func(*stanza.Element) { <-hold }
		const n = 100
		for range n {
			if err := s.c.Send(t.Context(), outgoing("a@b", strings.Repeat("x", 1000))); err != nil {
				t.Fatal(err)
			}
		}
		s.stop()
		synctest.Wait()
		proof := make(chan error, 1)
		go func() { proof <- s.c.Barrier(t.Context()) }()
		synctest.Wait()
		close(hold)
		synctest.Wait()
		if got := len(c.rest()); got != n || !errors.Is(c.end, errStreamEnd) {
			t.Errorf("%d arrived, then %v", got, c.end)
		}
		if err := <-proof; !errors.Is(err, ErrOffline) {
			t.Errorf("without proof: %v", err)
		}
	})
}

func TestShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{iq: func(context.Context, IQ) (*stanza.Element, error) { return nil, nil }})
		c := <-s.conns
		synctest.Wait()
		// A server that reads nothing any more.
		hold := make(chan struct{})
		c.raw = func(*stanza.Element) { <-hold }
		for range 3 {
			_ = s.c.Send(t.Context(), outgoing("a@b", "x"))
		}
		start := time.Now()
		s.stop()
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		close(s.ended)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
		close(hold)
	})
}

func TestStopWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{}, func(s *fakeServer) {
			s.greet = func(*fakeConn) error { return io.EOF }
		})
		time.Sleep(time.Hour)
		start := time.Now()
		s.stop()
		if err := <-s.ended; err != nil || time.Since(start) > time.Second {
			t.Error(err, time.Since(start))
		}
		close(s.ended)
	})
}

// The real dialer, with its options, against a real socket.
func TestDial(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := dialTCP(t.Context(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = ln.Close()
	_, err = dialTCP(t.Context(), ln.Addr().String())
	if remedy(err) == "" {
		t.Errorf("no remedy for %v", err)
	}
}

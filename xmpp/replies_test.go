package xmpp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

func ping(to string) *stanza.Element {
	return stanza.New("", "iq").Set("type", "get").Set("to", to).Add(stanza.New(stanza.NSPing, "ping"))
}

func TestRequest(t *testing.T) {
	// ID stands for the id of the request.
	tests := []struct {
		name, to, answers string
		want, wantErr     string
	}{
		{"result", "a@b", `<iq type='result' id='ID' from='a@b'/>`, "", ""},
		{"payload", "a@b", `<iq type='result' id='ID' from='a@b'><q xmlns='n'>x</q><r/></iq>`, `<q xmlns='n'>x</q>`, ""},
		{"error", "a@b", `<iq type='error' id='ID' from='a@b'><q xmlns='n'/><error type='auth'><forbidden xmlns='` + stanza.NSStanzaErrors + `'/></error></iq>`, "", "forbidden"},
		{"error without error", "a@b", `<iq type='error' id='ID' from='a@b'/>`, "", "undefined-condition"},
		{"prepared by the server", "Ä@B/R", `<iq type='result' id='ID' from='ä@b/R'/>`, "", ""},
		{"another peer first", "a@b", `<iq type='result' id='ID' from='c@b'><q xmlns='n'/></iq><iq type='result' id='ID' from='a@b'/>`, "", ""},
		{"a resource of the peer first", "a@b", `<iq type='result' id='ID' from='a@b/c'><q xmlns='n'/></iq><iq type='result' id='ID' from='a@b'/>`, "", ""},
		{"the bare peer first", "a@b/c", `<iq type='result' id='ID' from='a@b'><q xmlns='n'/></iq><iq type='result' id='ID' from='a@b/c'/>`, "", ""},
		{"resources are exact", "a@b/c", `<iq type='result' id='ID' from='a@b/C'/>`, "", "no answer"},
		{"no from", "a@b", `<iq type='result' id='ID'/>`, "", "no answer"},
		{"a request with its id", "a@b", `<iq type='get' id='ID' from='a@b' to='ap.example.org'><q xmlns='n'/></iq>`, "", "no answer"},
		{"another id", "a@b", `<iq type='result' id='x' from='a@b'/>`, "", "no answer"},
		{"nothing", "a@b", ``, "", "no answer"},
		{"twice", "a@b", `<iq type='result' id='ID' from='a@b'><q xmlns='1'/></iq><iq type='result' id='ID' from='a@b'><q xmlns='2'/></iq>`, `<q xmlns='1'/>`, ""},
		{"over the limit", "a@b", `<iq type='result' id='ID' from='a@b'>` + strings.Repeat("x", 2<<20) + `</iq>`, "", "size limit"},
		{"not well-formed", "a@b", `<iq type='result' id='ID' from='a@b'>&x;</iq>`, "", "read answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startFake(t, Config{}, handlerFuncs{})
				c := <-s.conns
				synctest.Wait()
				go func() {
					asked := c.next()
					if asked.Get("to") != tt.to || asked.Get("from") != ourDomain || len(asked.Get("id")) < 20 {
						t.Errorf("asked %s", asked)
					}
					c.send(strings.ReplaceAll(tt.answers, "ID", asked.Get("id")))
				}()
				start := time.Now()
				got, err := s.c.Request(t.Context(), ping(tt.to))
				if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("error %v, want %q", err, tt.wantErr)
				}
				if diff := cmp.Diff(tt.want, got.String()); diff != "" {
					t.Error(diff)
				}
				if took := time.Since(start); tt.wantErr == "no answer" && took != 30*time.Second {
					t.Errorf("gave up after %s", took)
				}
				s.c.link.Load().replies.mu.Lock()
				defer s.c.link.Load().replies.mu.Unlock()
				if n := len(s.c.link.Load().replies.waiting); n != 0 {
					t.Errorf("%d requests still wait", n)
				}
			})
		})
	}
}

func TestRequestOfNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		if _, err := s.c.Request(t.Context(), ping("a@b")); !errors.Is(err, ErrOffline) {
			t.Error(err)
		}
		<-s.conns
		synctest.Wait()
		for _, el := range []*stanza.Element{nil, stanza.New("", "message"), ping("a@b").Set("type", "result"), ping("a@b").Set("type", "")} {
			if _, err := s.c.Request(t.Context(), el); !errors.Is(err, ErrStanza) {
				t.Errorf("%s: %v", el, err)
			}
		}
		if _, err := s.c.Request(t.Context(), ping("")); !errors.Is(err, ErrAddress) {
			t.Error(err)
		}
	})
}

func TestRequestEndsWithTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		synctest.Wait()
		go func() {
			c.next()
			_ = c.conn.Close()
		}()
		start := time.Now()
		if _, err := s.c.Request(t.Context(), ping("a@b")); !errors.Is(err, ErrOffline) || time.Since(start) != 0 {
			t.Error(err, time.Since(start))
		}
	})
}

// A handler that asks its own peer must not wait behind itself.
func TestRequestInHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *fakeServer
		s = startFake(t, Config{Workers: 1}, handlerFuncs{iq: func(ctx context.Context, iq IQ) (*stanza.Element, error) {
			return s.c.Request(ctx, ping(string(iq.From)))
		}})
		c := <-s.conns
		c.send(`<iq type='get' id='1' from='a@b/c' to='ap.example.org'><q xmlns='n'/></iq>`)
		asked := c.next()
		c.send(`<iq type='result' id='` + asked.Get("id") + `' from='a@b/c' to='ap.example.org'><r xmlns='n'/></iq>`)
		if el := c.next(); el.Get("id") != "1" || el.Child("n", "r") == nil {
			t.Errorf("answered %s", el)
		}
	})
}

func TestBarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		synctest.Wait()
		for range 3 {
			if err := s.c.Send(t.Context(), outgoing("a@b", "x")); err != nil {
				t.Fatal(err)
			}
			if err := s.c.Barrier(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(c.in) != 1 {
				t.Fatal("the barrier fell before the server had read")
			}
			<-c.in
		}
	})
}

// TestBarriersShare has a server that answers pings late: many callers must not
// make many pings, and none may be served by a ping sent before its call.
func TestBarriersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pings []string
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		synctest.Wait()
		c.deaf.Store(true)
		wait := func(n int) (back chan error) {
			back = make(chan error, n)
			for range n {
				go func() { back <- s.c.Barrier(t.Context()) }()
			}
			synctest.Wait()
			for _, el := range c.rest() {
				if el.Get("to") == ourDomain {
					pings = append(pings, el.Get("id"))
				}
			}
			return back
		}
		answer := func(i int, xml string) {
			c.send(strings.ReplaceAll(xml, "ID", pings[i]))
			synctest.Wait()
		}
		const itself = `<iq type='get' id='ID' from='ap.example.org' to='ap.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`
		first, second, third := wait(1), wait(1), wait(10)
		if len(pings) != 2 {
			t.Fatalf("%d pings", len(pings))
		}
		answer(0, strings.ReplaceAll(itself, "from='ap.example.org'", "from='evil.example'"))
		if len(first) != 0 {
			t.Fatal("a stranger felled the barrier")
		}
		answer(0, itself)
		if len(first) != 1 || len(second) != 0 || len(third) != 0 {
			t.Fatal(len(first), len(second), len(third))
		}
		fourth := wait(5)
		if len(pings) != 3 {
			t.Fatalf("%d pings", len(pings))
		}
		// Any round trip counts.
		answer(2, `<iq type='error' id='ID' from='ap.example.org' to='ap.example.org'/>`)
		if len(third) != 10 || len(second) != 0 || len(fourth) != 0 {
			t.Fatal(len(second), len(third), len(fourth))
		}
		answer(1, itself)
		_ = c.conn.Close()
		synctest.Wait()
		if len(second) != 1 || len(fourth) != 5 {
			t.Fatal(len(second), len(fourth))
		}
		for range 5 {
			if err := <-fourth; !errors.Is(err, ErrOffline) {
				t.Errorf("without proof: %v", err)
			}
		}
		// The server's answers were not for the handler, and got no answer.
		for el := range c.in {
			if el.Get("type") != "get" {
				t.Errorf("sent %s", el)
			}
		}
	})
}

func TestDeliverNeedsOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		synctest.Wait()
		if err := s.c.Deliver(t.Context(), outgoing("a@b", "1"), outgoing("a@b", "2")); err != nil {
			t.Fatal(err)
		}
		c.deaf.Store(true)
		done := make(chan error, 1)
		go func() { done <- s.c.Deliver(t.Context(), outgoing("a@b", "3")) }()
		synctest.Wait()
		_ = c.conn.Close()
		<-s.conns // linked again
		if err := <-done; !errors.Is(err, ErrOffline) {
			t.Errorf("delivered over a lost connection: %v", err)
		}
		synctest.Wait()
		if err := s.c.Barrier(t.Context()); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.c.Deliver(ctx, outgoing("", "x")); !errors.Is(err, ErrAddress) {
			t.Error(err)
		}
	})
}

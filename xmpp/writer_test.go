package xmpp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isthmus/xmpp/stanza"
)

func TestRender(t *testing.T) {
	msg := func(from, to string) *stanza.Element {
		return stanza.New("", "message").Set("from", from).Set("to", to)
	}
	tests := []struct {
		name string
		el   *stanza.Element
		want string
		err  error
	}{
		{"from is filled in", msg("", "a@b"), `<message from='ap.example.org' to='a@b'/>`, nil},
		{"a JID of ours", msg(`alice\40x@ap.example.org/r`, "a@b"), `<message from='alice\40x@ap.example.org/r' to='a@b'/>`, nil},
		{"upper-case domain", msg("Alice@AP.Example.ORG/Re@s/x", "a@b"), `<message from='Alice@ap.example.org/Re@s/x' to='a@b'/>`, nil},
		{"upper-case domain alone", msg("AP.Example.ORG", "a@b"), `<message from='ap.example.org' to='a@b'/>`, nil},
		{"foreign domain", msg("x@evil.example", "a@b"), "", ErrAddress},
		{"subdomain", msg("x@a.ap.example.org", "a@b"), "", ErrAddress},
		{"parent domain", msg("example.org", "a@b"), "", ErrAddress},
		{"our domain in the resource", msg("evil.example/x@ap.example.org", "a@b"), "", ErrAddress},
		{"our domain after another", msg("x@evil.example@ap.example.org", "a@b"), "", ErrAddress},
		{"empty local part", msg("@ap.example.org", "a@b"), "", ErrAddress},
		{"empty resource", msg("x@ap.example.org/", "a@b"), "", ErrAddress},
		{"only a slash", msg("/", "a@b"), "", ErrAddress},
		{"no to", msg("", ""), "", ErrAddress},
		{"to without domain", msg("", "a@"), "", ErrAddress},
		{"to is a resource", msg("", "/x"), "", ErrAddress},
		{"nothing", nil, "", ErrStanza},
		{"no stanza", stanza.New("", "r").Set("to", "a@b"), "", ErrStanza},
		{"namespace of clients", stanza.New(stanza.NSClient, "message").Set("to", "a@b"), "", ErrStanza},
		{"our namespace", stanza.New(stanza.NSComponent, "presence").Set("to", "a@b").Add(stanza.New(stanza.NSComponent, "x")), `<presence from='ap.example.org' to='a@b'><x/></presence>`, nil},
		{"iq without id", stanza.New("", "iq").Set("to", "a@b").Set("type", "get"), "", ErrStanza},
		{"iq without type", stanza.New("", "iq").Set("to", "a@b").Set("id", "1"), "", ErrStanza},
		{"two from", &stanza.Element{Name: "message", Attrs: []stanza.Attr{{Name: "from", Value: "x@ap.example.org"}, {Name: "to", Value: "a@b"}, {Name: "from", Value: "x@evil.example"}}},
			`<message from='x@ap.example.org' to='a@b'/>`, nil},
		{"prerendered", stanza.Prerender(msg("", "a@b")), `<message from='ap.example.org' to='a@b'/>`, nil},
		{"too big", outgoing("a@b", strings.Repeat("x", 192<<10)), "", ErrTooBig},
		{"too big once escaped", outgoing("a@b", strings.Repeat("&", 40_000)), "", ErrTooBig},
		{"just fits", outgoing("a@b", strings.Repeat("x", 190<<10)), "<", nil},
	}
	c := New(Config{Domain: "AP.example.org"}, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.el.String()
			b, err := c.render([]byte("^"), tt.el)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.want != "<" && tt.want != "" {
				if diff := cmp.Diff("^"+tt.want, string(b)); diff != "" {
					t.Error(diff)
				}
			}
			if after := tt.el.String(); after != before {
				t.Errorf("the element was changed: %s", after)
			}
		})
	}
}

// Whatever a stanza of ours holds, the server gets one stanza, from us.
func TestRenderAnything(t *testing.T) {
	c := New(Config{Domain: ourDomain}, nil)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.SampledFrom([]string{"from", "to", "x@" + ourDomain, "evil.example", "xmlns", stanza.NSComponent, ""}))
		el := stanza.New("", rapid.SampledFrom([]string{"message", "presence", "iq"}).Draw(t, "name"))
		for range rapid.IntRange(0, 6).Draw(t, "attrs") {
			el.Attrs = append(el.Attrs, stanza.Attr{Space: text.Draw(t, "space"), Name: text.Draw(t, "attr"), Value: text.Draw(t, "value")})
		}
		el.Add(stanza.Text(text.Draw(t, "ns"), text.Draw(t, "child"), text.Draw(t, "text")))
		b, err := c.render(nil, el)
		if err != nil {
			return
		}
		got, err := stanza.Parse(b, stanza.NSComponent, stanza.Limits{Name: 1 << 10})
		if err != nil {
			t.Fatalf("%v\n%q", err, b)
		}
		if got.Name != el.Name || got.Space != stanza.NSComponent || stanza.JID(got.Get("from")).Domain() != ourDomain || got.Get("to") == "" {
			t.Fatalf("%q", b)
		}
	})
}

func TestPriorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		synctest.Wait()
		hold := make(chan struct{})
		first := true
		c.raw = func(*stanza.Element) {
			if first {
				first = false
				<-hold
			}
		}
		send := func(el *stanza.Element) {
			t.Helper()
			if err := s.c.Send(t.Context(), el); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			send(outgoing("a@b", "held")) // the writer waits in the second
			synctest.Wait()
		}
		event := func(id string) *stanza.Element {
			return stanza.New("", "message").Set("to", "a@b").Set("id", id).Add(stanza.New(stanza.NSPubSubEvent, "event"))
		}
		send(event("n1"))
		send(stanza.New("", "message").Set("type", "headline").Set("to", "a@b").Set("id", "n2"))
		send(stanza.New("", "presence").Set("to", "a@b").Set("id", "p1"))
		send(outgoing("a@b", "").Set("id", "m1"))
		send(stanza.New("", "iq").Set("type", "get").Set("to", "a@b").Set("id", "q1"))
		send(event("n3"))
		send(stanza.New("", "iq").Set("type", "result").Set("to", "a@b").Set("id", "r1"))
		send(stanza.New("", "iq").Set("type", "error").Set("to", "a@b").Set("id", "r2"))
		close(hold)
		synctest.Wait()
		var got []string
		for _, el := range c.rest() {
			got = append(got, el.Get("id"))
		}
		if diff := cmp.Diff([]string{"", "", "r1", "r2", "p1", "m1", "q1", "n1", "n2", "n3"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSendWaitsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		if err := s.c.Send(t.Context(), outgoing("a@b", "x")); !errors.Is(err, ErrOffline) {
			t.Error(err)
		}
		c := <-s.conns
		synctest.Wait()
		hold := make(chan struct{})
		c.raw = func(*stanza.Element) { <-hold }
		big := outgoing("a@b", strings.Repeat("x", 100_000))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		sent := 0
		var err error
		for err == nil {
			if err = s.c.Send(ctx, big); err == nil {
				sent++
			}
		}
		if !errors.Is(err, context.DeadlineExceeded) || sent > 10 {
			t.Errorf("%d sent, then %v", sent, err)
		}
		// Answers still have room, and the reading goroutine never waits.
		if err := s.c.Send(t.Context(), stanza.New("", "iq").Set("type", "result").Set("to", "a@b").Set("id", "1")); err != nil {
			t.Error(err)
		}
		close(hold)
		synctest.Wait()
		if got := len(c.rest()); got != sent+1 {
			t.Errorf("%d arrived, %d sent", got, sent+1)
		}
	})
}

// Stanzas of one sender keep their order, and none is lost or torn, whoever
// else sends.
func TestSendConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		synctest.Wait()
		const senders, each = 20, 100
		for i := range senders {
			go func() {
				for n := range each {
					if err := s.c.Send(t.Context(), outgoing(fmt.Sprintf("%d@b", i), fmt.Sprint(n)+strings.Repeat(" ", n*50))); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		next := make(map[string]int)
		for range senders * each {
			el := c.next()
			to := el.Get("to")
			if body := strings.TrimSpace(el.ChildContent("", "body")); body != fmt.Sprint(next[to]) {
				t.Fatalf("%s got %s, want %d", to, body, next[to])
			}
			next[to]++
		}
		synctest.Wait()
		if s.c.Stats().StanzasOut != senders*each {
			t.Errorf("%+v", s.c.Stats())
		}
	})
}

package xmpp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

// hostile are the replay files: stanzas that strangers can send. In an id,
// "answer" says that it must be answered once, with an error if more follows;
// anything else must never be answered. Files are templates, so that large
// stanzas are not stored.
func hostile(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("testdata/hostile/*.xml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no replay files", err)
	}
	files := make(map[string]string)
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		tmpl, err := template.New(p).Funcs(template.FuncMap{"repeat": strings.Repeat, "attributes": attributes}).Parse(string(b))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := tmpl.Execute(&out, nil); err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(p)] = out.String()
	}
	return files
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

func TestHostileStanzas(t *testing.T) {
	for name, xml := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startFake(t, Config{}, handlerFuncs{})
				c := <-s.conns
				c.send(xml)
				synctest.Wait()
				c.send(xml) // twice, because state could be left behind
				synctest.Wait()
				last := c.ask("probe")
				if got := condition(last); got != "cancel service-unavailable" {
					t.Errorf("the probe was answered %s", got)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := s.c.Stats().Connects; got != 1 {
					t.Errorf("%d connections", got)
				}
				answers := make(map[string]int)
				for _, el := range c.rest() {
					checkAnswer(t, el)
					answers[el.Get("id")]++
				}
				checkAnswers(t, xml, answers)
			})
		})
	}
}

// checkAnswer checks what no answer of the link may lack.
func checkAnswer(t *testing.T, el *stanza.Element) {
	t.Helper()
	id := el.Get("id")
	_, want, _ := strings.Cut(id, "answer ")
	if got := condition(el); want != "" && !strings.HasSuffix(got, want) {
		t.Errorf("%s: answered %s", id, got)
	}
	if !strings.HasSuffix(string(stanza.JID(el.Get("from")).Domain()), ourDomain) || el.Get("to") == "" {
		t.Errorf("answer from %q to %q", el.Get("from"), el.Get("to"))
	}
}

func checkAnswers(t *testing.T, xml string, answers map[string]int) {
	t.Helper()
	for rest := xml; ; {
		_, after, found := strings.Cut(rest, ` id='`)
		if !found {
			break
		}
		id, tail, _ := strings.Cut(after, `'`)
		rest = tail
		want := 0
		if strings.HasPrefix(id, "answer") || strings.Contains(id, " answer") {
			want = 2 // the file was sent twice
		}
		if answers[id] != want {
			t.Errorf("%q answered %d times, want %d", id, answers[id], want)
		}
		delete(answers, id)
	}
	for id, n := range answers {
		t.Errorf("%d answers to %q, which nobody asked", n, id)
	}
}

func TestIQAnswers(t *testing.T) {
	ext := stanza.NewError("not-allowed", "no").PubSub("closed-node")
	tests := []struct {
		name   string
		handle func(ctx context.Context, iq IQ) (*stanza.Element, error)
		want   string
	}{
		{"nothing", func(context.Context, IQ) (*stanza.Element, error) { return nil, nil }, `<iq xmlns='jabber:component:accept' from='ap.example.org' type='result' id='1' to='a@b/c'/>`},
		{"payload", func(context.Context, IQ) (*stanza.Element, error) { return stanza.Text("n", "q", "x"), nil },
			`<iq xmlns='jabber:component:accept' from='ap.example.org' type='result' id='1' to='a@b/c'><q xmlns='n'>x</q></iq>`},
		{"stanza error", func(context.Context, IQ) (*stanza.Element, error) { return nil, fmt.Errorf("wrapped: %w", ext) },
			`<iq xmlns='jabber:component:accept' from='ap.example.org' type='error' id='1' to='a@b/c'><error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text><closed-node xmlns='http://jabber.org/protocol/pubsub#errors'/></error></iq>`},
		{"error that knows", func(context.Context, IQ) (*stanza.Element, error) { return nil, knowing{} }, "auth forbidden"},
		{"other error", func(context.Context, IQ) (*stanza.Element, error) { return nil, errors.New("secret path") },
			`<iq xmlns='jabber:component:accept' from='ap.example.org' type='error' id='1' to='a@b/c'><error type='cancel'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`},
		{"unknown condition", func(context.Context, IQ) (*stanza.Element, error) {
			return nil, &stanza.Error{Condition: "no such thing"}
		}, "cancel undefined-condition"},
		{"panic", func(context.Context, IQ) (*stanza.Element, error) { panic("x") }, "cancel internal-server-error"},
		{"deadline kept", func(ctx context.Context, _ IQ) (*stanza.Element, error) { <-ctx.Done(); return nil, ctx.Err() }, "wait remote-server-timeout"},
		{"deadline ignored", func(context.Context, IQ) (*stanza.Element, error) { time.Sleep(time.Hour); return nil, nil }, "wait remote-server-timeout"},
		{"result too big", func(context.Context, IQ) (*stanza.Element, error) {
			return stanza.Text("n", "q", strings.Repeat("&", 100_000)), nil
		}, "wait resource-constraint"},
		{"panic after the deadline", func(context.Context, IQ) (*stanza.Element, error) { time.Sleep(time.Hour); panic("x") }, "wait remote-server-timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startFake(t, Config{}, handlerFuncs{iq: tt.handle})
				c := <-s.conns
				c.send(`<iq type='set' id='1' from='a@b/c' to='ap.example.org'><q xmlns='n'/></iq>`)
				got := c.next()
				if strings.HasPrefix(tt.want, "<") {
					if diff := cmp.Diff(tt.want, got.String()); diff != "" {
						t.Error(diff)
					}
				} else if condition(got) != tt.want {
					t.Errorf("answered %s", got)
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if len(c.in) > 0 {
					t.Errorf("then %s", c.next())
				}
			})
		})
	}
}

type knowing struct{}

func (knowing) Error() string              { return "secret" }
func (knowing) StanzaError() *stanza.Error { return stanza.NewError("forbidden", "") }

// Without an id, a request is still one.
func TestEmptyID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{})
		c := <-s.conns
		for _, id := range []string{"", " id=''"} {
			c.send(`<iq type='get' from='a@b/c' to='ap.example.org'` + id + `><q xmlns='n'/></iq>`)
			if el := c.next(); el.Get("id") != "" || el.Get("to") != "a@b/c" || condition(el) != "cancel service-unavailable" {
				t.Errorf("answered %s", el)
			}
		}
	})
}

func TestIQIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got IQ
		s := startFake(t, Config{}, handlerFuncs{iq: func(_ context.Context, iq IQ) (*stanza.Element, error) {
			got = iq
			return nil, nil
		}})
		c := <-s.conns
		// The namespace of clients is read as ours.
		c.send(`<iq xmlns='jabber:client' type='set' xml:lang='fr' id='&lt;' from='☃@b/&apos;' to='Ü@ap.example.org/x'> <q xmlns='n'/>` + "\n</iq>")
		el := c.next()
		want := IQ{From: "☃@b/'", To: "Ü@ap.example.org/x", ID: "<", Type: "set", Lang: "fr", Payload: stanza.New("n", "q")}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *stanza.Element) bool { return a.String() == b.String() })); diff != "" {
			t.Error(diff)
		}
		if el.Get("from") != string(want.To) || el.Get("to") != string(want.From) || el.Get("id") != "<" || el.Get("type") != "result" {
			t.Errorf("answered %s", el)
		}
	})
}

func TestOrderPerPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		release := make(chan struct{})
		s := startFake(t, Config{}, handlerFuncs{message: func(_ context.Context, m *stanza.Element) {
			body := m.ChildContent("", "body")
			if body == "0" {
				<-release
			}
			got = append(got, body)
		}})
		c := <-s.conns
		var want []string
		for i := range 500 {
			c.send(message("slow@example.net/"+fmt.Sprint(i%7), ourDomain, fmt.Sprint(i)))
			want = append(want, fmt.Sprint(i))
		}
		// Others, and other addresses of ours, do not wait for it.
		if got := condition(c.ask("1")); got != "cancel service-unavailable" {
			t.Error(got)
		}
		c.send(`<iq type='get' id='2' from='slow@example.net/1' to='x@` + ourDomain + `'><q xmlns='n'/></iq>`)
		if got := c.next().Get("id"); got != "2" {
			t.Error(got)
		}
		if len(got) > 0 {
			t.Fatal("a message was handled before an earlier one")
		}
		close(release)
		synctest.Wait()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		handled := 0
		s := startFake(t, Config{PeerQueue: 5, PeerWorkers: 1}, handlerFuncs{
			message: func(context.Context, *stanza.Element) { <-release; handled++ },
			iq:      func(context.Context, IQ) (*stanza.Element, error) { return nil, nil },
		})
		c := <-s.conns
		const slow = "slow@example.net/1"
		c.send(message(slow, ourDomain, "runs"))
		synctest.Wait()
		for range 3 {
			c.send(message(slow, ourDomain, "waits"))
		}
		for id := range 5 {
			c.send(fmt.Sprintf(`<iq type='get' id='%d' from='%s' to='%s'><q xmlns='n'/></iq>`, id, slow, ourDomain))
		}
		c.send(`<message type='headline' from='slow@example.net/2' to='ap.example.org'/>`)
		c.send(`<message type='error' from='slow@example.net/2' to='ap.example.org'/>`)
		c.send(`<presence from='slow@example.net/2' to='ap.example.org'/>`)
		c.send(message("slow@example.net/3", ourDomain, "too much"))
		c.ask("probe")
		close(release)
		synctest.Wait()
		var got []string
		for _, el := range c.rest() {
			got = append(got, el.Name+el.Get("id")+" "+condition(el))
		}
		const busy = "wait resource-constraint"
		want := []string{"iq2 " + busy, "iq3 " + busy, "iq4 " + busy, "message " + busy, "iq0 result", "iq1 result"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if handled != 4 || s.c.Stats().Dropped != 7 {
			t.Errorf("%d handled, %d dropped", handled, s.c.Stats().Dropped)
		}
	})
}

func TestQueueBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := startFake(t, Config{QueueBytes: 80_000, Workers: 1}, handlerFuncs{iq: func(context.Context, IQ) (*stanza.Element, error) {
			<-release
			return nil, nil
		}})
		c := <-s.conns
		// Each is 4 KB, of which a peer may have two and all twenty.
		for peer := range 12 {
			for range 3 {
				c.send(fmt.Sprintf(`<iq type='get' id='%d' from='a%d@b' to='%s'><q xmlns='n'>%s</q></iq>`, peer, peer, ourDomain, strings.Repeat("x", 3900)))
			}
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		got := make(map[string]int)
		for _, el := range c.rest() {
			got[condition(el)]++
		}
		if want := map[string]int{"result": 20, "wait resource-constraint": 16}; !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
	})
}

func TestFullQueueAnswersOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		s := startFake(t, Config{PeerQueue: 3, PeerWorkers: 1}, handlerFuncs{iq: func(context.Context, IQ) (*stanza.Element, error) {
			<-stuck // whatever ctx says
			return nil, nil
		}})
		c := <-s.conns
		for id := range 10 {
			c.send(fmt.Sprintf(`<iq type='get' id='%d' from='a@b/c' to='%s'><q xmlns='n'/></iq>`, id, ourDomain))
			synctest.Wait()
		}
		time.Sleep(5 * time.Minute)
		close(stuck)
		synctest.Wait()
		got := make(map[string]int)
		for _, el := range c.rest() {
			got[condition(el)]++
		}
		// The first runs and three wait; of these, two are taken out of the
		// queue behind the stuck one, or run too late.
		if want := map[string]int{"wait remote-server-timeout": 4, "wait resource-constraint": 6}; !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
	})
}

func TestServicesAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := startFake(t, Config{PeerQueue: 2, Services: []string{"pubsub.example.org"}}, handlerFuncs{message: func(context.Context, *stanza.Element) {
			time.Sleep(time.Second)
			n++
		}})
		c := <-s.conns
		for range 50 {
			c.send(message("pubsub.example.org", ourDomain, "event"))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n != 50 || s.c.Stats().Dropped != 0 {
			t.Errorf("%d handled, %d dropped", n, s.c.Stats().Dropped)
		}
	})
}

func TestHandlersOfMessagesMayPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFake(t, Config{}, handlerFuncs{
			message:   func(context.Context, *stanza.Element) { panic("m") },
			presence:  func(context.Context, *stanza.Element) { panic("p") },
			connected: func(context.Context) { panic("c") },
		})
		c := <-s.conns
		c.send(message("a@b", ourDomain, "x") + `<presence from='a@b' to='ap.example.org'/>`)
		synctest.Wait()
		c.ask("probe")
	})
}

package gateway

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/cache/cachetest"
	"isthmus/config"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// The addresses of the tests' world.
const (
	ourComponent = "ap.example.org"
	louise       = "louise@example.org"
	pierre       = "pierre@example.net"
	aliceURI     = "https://mast.social/users/alice"
	aliceJID     = `alice\40mast.social@ap.example.org`
	bobURI       = "https://pub.test/u/bob"
	bobJID       = `bob\40pub.test@ap.example.org`
)

// world is a gateway over a store of its own and a fake XMPP server, with two
// actors that it knows: Alice and Bob. Its jobs are looked at, and not run.
type world struct {
	*Gateway
	t    testing.TB
	xmpp *fakeXMPP
	stop func() // ends the link in good order
	file string // of the store

	mu  sync.Mutex
	now time.Time
}

// testKeys are keys that all tests share: making one takes longer than most of
// them.
var testKeys = sync.OnceValues(func() ([]*rsa.PrivateKey, error) {
	keys := make([]*rsa.PrivateKey, 4)
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
})

// fresh is a new store, made once.
var fresh = cachetest.NewFresh(func(path string) error {
	s, err := cache.Open(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return s.Close()
})

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, xmpp: startFakeXMPP(t), now: time.Date(2026, 11, 21, 8, 0, 0, 700e6, time.UTC)}
	w.file = filepath.Join(t.TempDir(), "isthmus.db")
	fresh.At(t, w.file)
	store, err := cache.Open(t.Context(), w.file, slog.New(slog.DiscardHandler))
	w.must(err)
	cfg := config.Config{
		Consent: "opt-in",
		Domains: []config.Domain{{Name: "example.org", URL: mustURL(t, "https://example.org")}, {Name: "example.net", URL: mustURL(t, "https://example.net")}},
		XMPP: config.XMPP{
			Component: ourComponent, Server: w.xmpp.listener.Addr().String(), Secret: "s", Services: []string{"pubsub.example.org"}, Admins: []string{louise},
		},
		HTTP:       config.HTTP{Path: "/_ap"},
		Federation: config.Federation{AllowPorts: []int{443}},
	}
	w.Gateway, err = New(t.Context(), Options{Config: cfg, Store: store, Log: slog.New(slog.DiscardHandler), Version: "test", Now: w.clock})
	w.must(err)
	keys, err := testKeys()
	w.must(err)
	for _, key := range keys {
		w.keys.spare <- key
	}
	w.actor(aliceURI, "alice@mast.social", aliceJID)
	w.actor(bobURI, "bob@pub.test", bobJID)
	looked := make(chan struct{}, 1)
	w.link.SetHandler(afterConnected{w.router, looked})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.link.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(func() {
		w.stop()
		w.running.Wait()
		_ = store.Close()
	})
	w.eventually("the link", w.link.Online)
	<-looked // or its look for what was missed finds what a test does next
	return w
}

// afterConnected tells once what follows a handshake is done.
type afterConnected struct {
	xmpp.Handler
	done chan struct{}
}

func (a afterConnected) HandleConnected(ctx context.Context) {
	a.Handler.HandleConnected(ctx)
	select {
	case a.done <- struct{}{}:
	default:
	}
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	for range 4000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("waited in vain for %s", what)
}

func (w *world) update(fn func(*cache.Tx) error) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), fn))
}

func (w *world) view(fn func(*cache.Tx) error) {
	w.t.Helper()
	w.must(w.store.View(w.t.Context(), fn))
}

// actor has the gateway know a remote actor.
func (w *world) actor(uri, acct, jid string) {
	w.t.Helper()
	name, host, _ := strings.Cut(acct, "@")
	w.update(func(tx *cache.Tx) error {
		err := tx.PutActor(cache.Actor{
			URI: uri, Acct: acct, Type: "Person", Name: strings.ToUpper(name[:1]) + name[1:], URL: uri, Inbox: uri + "/inbox",
			SharedInbox: "https://" + host + "/inbox", Followers: uri + "/followers", FetchedAt: w.clock(),
		})
		if err != nil {
			return err
		}
		_, err = tx.Bind(jid, uri, w.clock())
		return err
	})
}

// linkUser links somebody whose node is open, followed by Alice, whom they let in.
func (w *world) linkUser(jid string) cache.Account {
	w.t.Helper()
	w.xmpp.mu.Lock()
	node := w.xmpp.nodes[jid+" "+stanza.NSMicroblog]
	w.xmpp.mu.Unlock()
	if node == nil {
		w.xmpp.node(jid, stanza.NSMicroblog, nodeOpen)
	}
	_, err := w.Link(w.t.Context(), stanza.JID(jid), "")
	w.must(err)
	w.running.Wait() // what the link began
	a, err := w.accountOf(w.t.Context(), stanza.JID(jid), "")
	w.must(err)
	w.update(func(tx *cache.Tx) error {
		return tx.PutFollow(cache.Follow{Follower: aliceURI, Followee: a.URI, State: cache.FollowAccepted, Approved: true, CreatedAt: w.clock(), UpdatedAt: w.clock()})
	})
	w.pass(2 * time.Second)
	return a
}

// entry is an item with an Atom entry that was written now.
func (w *world) entry(id, title string, more ...*stanza.Element) *stanza.Element {
	e := stanza.New(stanza.NSAtom, "entry").Add(
		stanza.Text(stanza.NSAtom, "id", "tag:example.org,2026:"+id),
		stanza.Text(stanza.NSAtom, "title", title),
		stanza.Text(stanza.NSAtom, "published", w.clock().UTC().Format(time.RFC3339)),
		stanza.Text(stanza.NSAtom, "updated", w.clock().UTC().Format(time.RFC3339)))
	return stanza.New("", "item").Set("id", id).Add(e.Add(more...))
}

// publish puts items into an open node, and has its subscribers told.
func (w *world) publish(jid, node string, items ...*stanza.Element) {
	w.t.Helper()
	w.hold(jid, node, items...)
	w.event(jid, jid, node, items...)
}

// hold puts items into an open node, in silence; those of the same id go.
func (w *world) hold(jid, node string, items ...*stanza.Element) {
	w.xmpp.mu.Lock()
	defer w.xmpp.mu.Unlock()
	n := w.xmpp.nodes[jid+" "+node]
	if n == nil {
		n = &fakeNode{access: nodeOpen}
		w.xmpp.nodes[jid+" "+node] = n
	}
	for _, it := range items {
		n.drop(it.Get("id"))
		n.items = append(n.items, it)
	}
}

func (n *fakeNode) drop(id string) {
	for i, it := range n.items {
		if it.Get("id") == id {
			n.items = append(n.items[:i:i], n.items[i+1:]...)
			return
		}
	}
}

// event tells the gateway of items, as stamped by the publisher ("" for none).
func (w *world) event(from, publisher, node string, items ...*stanza.Element) {
	w.t.Helper()
	list := stanza.New("", "items").Set("node", node)
	for _, it := range items {
		stamped := stanza.New("", "item").Set("id", it.Get("id")).Set("publisher", publisher)
		for c := range it.Elements() {
			stamped.Add(c)
		}
		list.Add(stamped)
	}
	w.notify(from, list)
}

// retract takes an item out of a node, and has its subscribers told.
func (w *world) retractItem(jid, node, id string) {
	w.t.Helper()
	w.xmpp.mu.Lock()
	if n := w.xmpp.nodes[jid+" "+node]; n != nil {
		n.drop(id)
	}
	w.xmpp.mu.Unlock()
	w.notify(jid, stanza.New("", "items").Set("node", node).Add(stanza.New("", "retract").Set("id", id)))
}

func (w *world) notify(from string, what *stanza.Element) {
	w.t.Helper()
	w.xmpp.send(stanza.New("", "message").Set("type", "headline").Set("from", from).Set("to", ourComponent).
		Add(stanza.New(stanza.NSPubSubEvent, "event").Add(what)))
	w.xmpp.settle(from, ourComponent)
}

// chat sends a message, with elements beside its body.
func (w *world) chat(from, to, id, body string, more ...*stanza.Element) {
	w.t.Helper()
	m := stanza.New("", "message").Set("type", "chat").Set("id", id).Set("from", from).Set("to", to)
	if body != "" {
		m.Add(stanza.Text(stanza.NSComponent, "body", body))
	}
	w.xmpp.send(m.Add(more...))
	w.xmpp.settle(from, to)
}

// presenceFrom sends a presence.
func (w *world) presenceFrom(from, to, kind string) {
	w.t.Helper()
	w.xmpp.send(stanza.New("", "presence").Set("type", kind).Set("from", from).Set("to", to))
	w.xmpp.settle(from, to)
}

// sentActivity is a queued delivery.
type sentActivity struct {
	Type   string         `json:"type"`
	ID     string         `json:"id"`
	To     []string       `json:"to"`
	Cc     []string       `json:"cc"`
	Object map[string]any `json:"-"`
	uri    string         // of the object
	inbox  string
}

// deliveries are the activities that wait to be delivered, taken off the queue.
func (w *world) deliveries() []sentActivity {
	w.t.Helper()
	var out []sentActivity
	w.update(func(tx *cache.Tx) error {
		jobs, err := tx.Jobs(cache.JobQuery{Kind: jobDeliver, Limit: 1000})
		if err != nil {
			return err
		}
		for _, j := range jobs {
			d, err := decode[deliverJob](j)
			if err != nil {
				return err
			}
			act, err := tx.Activity(d.Activity)
			if err != nil {
				return err
			}
			if err := tx.DeleteJob(j.ID); err != nil {
				return err
			}
			if len(act.Raw) == 0 {
				continue // its object was deleted before it went out
			}
			a := sentActivity{inbox: d.Inbox}
			var raw struct {
				Object json.RawMessage `json:"object"`
			}
			if err := json.Unmarshal(act.Raw, &a); err != nil {
				return err
			}
			if err := json.Unmarshal(act.Raw, &raw); err != nil {
				return err
			}
			if json.Unmarshal(raw.Object, &a.uri) != nil {
				if err := json.Unmarshal(raw.Object, &a.Object); err != nil {
					return err
				}
				a.uri, _ = a.Object["id"].(string)
			}
			out = append(out, a)
		}
		return nil
	})
	return out
}

// types are the types of activities, in order.
func types(list []sentActivity) string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Type
	}
	return strings.Join(names, " ")
}

// expect takes the deliveries off the queue, which have to be of these types.
func (w *world) expect(want string) []sentActivity {
	w.t.Helper()
	got := w.deliveries()
	if types(got) != want {
		w.t.Fatalf("sent %q, want %q", types(got), want)
	}
	return got
}

func (a sentActivity) text() string {
	content, _ := a.Object["content"].(string)
	return content
}

func (a sentActivity) time(name string) time.Time {
	s, _ := a.Object[name].(string)
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

// remotePost has the gateway know a post of Alice's or Bob's.
func (w *world) remotePost(owner, id, visibility string, fields string) string {
	w.t.Helper()
	uri := owner + "/" + id
	to := map[string]string{
		"public": `"to":["https://www.w3.org/ns/activitystreams#Public"]`,
		"direct": `"to":["https://example.org/_ap/actor/louise@example.org"]`,
	}[visibility]
	body := fmt.Sprintf(`{"id":%q,"type":"Note","attributedTo":%q,"content":"<p>%s</p>","published":%q,%s%s}`,
		uri, owner, id, w.clock().UTC().Format(time.RFC3339), to, fields)
	o, err := as2.Parse([]byte(body))
	w.must(err)
	who, err := w.remoteByURI(w.t.Context(), owner)
	w.must(err)
	w.must(w.take(w.t.Context(), taken{object: o, raw: []byte(body), owner: who, wanted: true, quiet: true}))
	return uri
}

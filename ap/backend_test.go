package ap_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"isthmus/ap"
	"isthmus/ap/aptest"
	"isthmus/ap/as2"
)

// statusError is an error of the backend.
type statusError int

func (e statusError) Error() string   { return "secret of the backend" }
func (e statusError) HTTPStatus() int { return int(e) }

// backend is a world behind the server: keys, documents and what came in.
type backend struct {
	mu        sync.Mutex
	keys      map[string]ap.PublicKey // cached
	origin    map[string]ap.PublicKey // what a refresh finds
	keyErr    map[string]error
	fetching  func()   // what a key that is not known takes
	asked     []string // key ids, with ! for a refresh
	blocked   map[string]bool
	known     map[string]bool
	received  []ap.Incoming
	receive   func(context.Context, ap.Incoming) error
	lookups   []ap.CollectionLookup
	documents func(q ap.CollectionLookup) (any, error)
}

func newBackend() *backend {
	return &backend{keys: map[string]ap.PublicKey{}, origin: map[string]ap.PublicKey{}, keyErr: map[string]error{}, blocked: map[string]bool{}, known: map[string]bool{}}
}

// trust makes an actor's key known.
func (b *backend) trust(a *aptest.Actor) {
	b.keys[a.KeyID] = ap.PublicKey{ID: a.KeyID, Owner: a.ID, Key: &a.Key.PublicKey}
	b.origin[a.KeyID] = b.keys[a.KeyID]
}

func (b *backend) PublicKey(_ context.Context, keyID string, refresh bool) (ap.PublicKey, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	from, mark := b.keys, ""
	if refresh {
		from, mark = b.origin, "!"
	}
	b.asked = append(b.asked, keyID+mark)
	if err := b.keyErr[keyID+mark]; err != nil {
		return ap.PublicKey{}, err
	}
	k, ok := from[keyID]
	if !ok {
		if b.fetching != nil {
			b.mu.Unlock()
			b.fetching()
			b.mu.Lock()
		}
		return k, statusError(401)
	}
	return k, nil
}

// KeyAtHand counts for no question.
func (b *backend) KeyAtHand(_ context.Context, keyID string) (ap.PublicKey, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.keys[keyID]
	return k, ok && b.keyErr[keyID] == nil
}

func (b *backend) Blocked(_ context.Context, host string) bool { return b.blocked[host] }
func (b *backend) Known(_ context.Context, actor string) bool  { return b.known[actor] }

func (b *backend) Receive(ctx context.Context, in ap.Incoming) error {
	if b.receive != nil {
		return b.receive(ctx, in)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.received = append(b.received, in)
	return nil
}

func (b *backend) find(q ap.CollectionLookup) (any, error) {
	b.mu.Lock()
	b.lookups = append(b.lookups, q)
	b.mu.Unlock()
	if b.documents != nil {
		return b.documents(q)
	}
	return &as2.Note{Context: as2.ContextAS2, ID: "https://example.org/x", Type: as2.TypeNote, Content: q.Acct + " " + q.ID + " " + string(q.Kind)}, nil
}

func (b *backend) Actor(_ context.Context, q ap.Lookup) (any, error) {
	return b.find(ap.CollectionLookup{Lookup: q, Kind: "actor"})
}
func (b *backend) InstanceActor(_ context.Context, host string) (any, error) {
	return b.find(ap.CollectionLookup{Lookup: ap.Lookup{Host: host}, Kind: "instance"})
}
func (b *backend) Object(_ context.Context, q ap.Lookup) (any, error) {
	return b.find(ap.CollectionLookup{Lookup: q, Kind: "object"})
}
func (b *backend) Creation(_ context.Context, q ap.Lookup) (any, error) {
	return b.find(ap.CollectionLookup{Lookup: q, Kind: "create"})
}
func (b *backend) Activity(_ context.Context, q ap.Lookup) (any, error) {
	return b.find(ap.CollectionLookup{Lookup: q, Kind: "activity"})
}
func (b *backend) Collection(_ context.Context, q ap.CollectionLookup) (any, error) { return b.find(q) }

// last is the last lookup.
func (b *backend) last() ap.CollectionLookup {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lookups) == 0 {
		return ap.CollectionLookup{}
	}
	return b.lookups[len(b.lookups)-1]
}

// discard is a backend that keeps nothing, for benchmarks.
type discard struct{ *backend }

func (d discard) PublicKey(_ context.Context, keyID string, _ bool) (ap.PublicKey, error) {
	return d.keys[keyID], nil
}
func (d discard) KeyAtHand(_ context.Context, keyID string) (ap.PublicKey, bool) {
	k, ok := d.keys[keyID]
	return k, ok
}
func (discard) Receive(context.Context, ap.Incoming) error { return nil }
func (d discard) Actor(_ context.Context, q ap.Lookup) (any, error) {
	return d.documents(ap.CollectionLookup{Lookup: q})
}

// pages shows which page it is.
type pages struct{}

func (pages) ActorPage(w http.ResponseWriter, _ *http.Request, acct string) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "page of "+acct)
}
func (pages) PostPage(w http.ResponseWriter, _ *http.Request, acct, id string) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "page of "+acct+" about "+id)
}
func (pages) Media(w http.ResponseWriter, r *http.Request, id string) {
	w.Header().Set("Content-Type", r.URL.Query().Get("type"))
	_, _ = io.WriteString(w, "media "+id)
}

// logLines collects what is logged.
type logLines struct {
	mu sync.Mutex
	strings.Builder
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(b)
}

func (l *logLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

func (l *logLines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

package lab

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Script is a fediverse server that does what a test writes down, mistakes
// included. It shares no code with the gateway: it signs and checks signatures
// itself.
type Script struct {
	Host string

	lab      *Lab
	web      *http.Client
	key      *rsa.PrivateKey
	pem      string
	mu       sync.Mutex
	actors   map[string]*ScriptActor
	objects  map[string]any // by path
	received []Received
	changed  chan struct{}
	answers  []Answer // of the inboxes, to the next deliveries
	keys     map[string]*rsa.PublicKey
	count    int
	discard  bool
}

// ScriptActor is an actor of a scripted peer.
type ScriptActor struct {
	ID, Inbox string
	// Extra members of the actor document, or others instead of the usual ones.
	Extra map[string]any
	peer  *Script
}

// Received is a POST to an inbox of a scripted peer.
type Received struct {
	At       time.Time
	Path     string
	Activity map[string]any
	Signer   string // key id
	Fault    error  // what is wrong with its signature, nil for nothing
	Status   int    // what it was answered
}

// Answer is what an inbox says to a delivery instead of 202.
type Answer struct {
	Status     int
	RetryAfter string
}

// StartScript starts the scripted peer of the site, with actors.
func (l *Lab) StartScript(names ...string) (*Script, error) {
	return l.StartScriptAt(l.Names.Script, l.Names.Scr, names...)
}

// StartScriptAt starts a scripted peer at a host name and its address.
func (l *Lab) StartScriptAt(host, address string, names ...string) (*Script, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	s := &Script{
		Host: host, lab: l, key: key, web: l.Web(), actors: map[string]*ScriptActor{}, objects: map[string]any{},
		changed: make(chan struct{}), keys: map[string]*rsa.PublicKey{},
		pem: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}
	for _, name := range names {
		s.Add(name)
	}
	pair, err := l.CA.Issue(host)
	if err != nil {
		return nil, err
	}
	certificate, err := pair.TLS()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "443"))
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", host, err)
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	go server.ServeTLS(listener, "", "")
	l.onClose(server.Close)
	return s, nil
}

// Add makes an actor.
func (s *Script) Add(name string) *ScriptActor {
	id := "https://" + s.Host + "/users/" + name
	a := &ScriptActor{ID: id, Inbox: id + "/inbox", peer: s, Extra: map[string]any{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actors[name] = a
	return a
}

// Actor is an actor by name.
func (s *Script) Actor(name string) *ScriptActor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.actors[name]
}

// Serve gives an object, with its own id, to whoever asks.
func (s *Script) Serve(object map[string]any) {
	id, _ := object["id"].(string)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[strings.TrimPrefix(id, "https://"+s.Host)] = object
}

// ServePage gives a web page that names the document of an object, and nothing
// else, to whoever asks for a path.
func (s *Script) ServePage(path, document string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[path] = page("<!DOCTYPE html><html><head><title>A page</title><link rel=\"alternate\" type=\"" + ActivityJSON +
		"\" href=\"" + document + "\"></head><body><p>For people.</p></body></html>")
}

// page is served as it is.
type page string

// Answer sets what the inboxes say to the next deliveries.
func (s *Script) Answer(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// CountOnly has deliveries counted but neither checked nor kept.
func (s *Script) CountOnly() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard = true
}

// Count is the number of deliveries so far.
func (s *Script) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Received are the deliveries so far.
func (s *Script) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// Await waits for a delivery that matches.
func (s *Script) Await(ctx context.Context, what string, match func(Received) bool) (Received, error) {
	for {
		s.mu.Lock()
		changed, all := s.changed, s.received
		s.mu.Unlock()
		if i := slices.IndexFunc(all, match); i >= 0 {
			return all[i], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			text, _ := json.Marshal(all)
			return Received{}, fmt.Errorf("%s waited for %s: %w; what came:\n%.4000s", s.Host, what, ctx.Err(), text)
		}
	}
}

// document is the actor as others read it.
func (a *ScriptActor) document() map[string]any {
	name := a.ID[strings.LastIndex(a.ID, "/")+1:]
	doc := map[string]any{
		"@context": []any{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       a.ID, "type": "Person", "preferredUsername": name, "name": "Script " + name,
		"inbox": a.Inbox, "outbox": a.ID + "/outbox", "followers": a.ID + "/followers",
		"publicKey": map[string]any{"id": a.ID + "#main-key", "owner": a.ID, "publicKeyPem": a.peer.pem},
	}
	for k, v := range a.Extra {
		doc[k] = v
	}
	return doc
}

// ServeHTTP answers as a fediverse server.
func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.receive(w, r)
		return
	}
	document, kind := s.find(r), ActivityJSON
	if r.URL.Path == "/.well-known/webfinger" {
		kind = "application/jrd+json"
	}
	if document == nil {
		http.NotFound(w, r)
		return
	}
	if html, ok := document.(page); ok {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, string(html))
		return
	}
	w.Header().Set("Content-Type", kind)
	_ = json.NewEncoder(w).Encode(document)
}

func (s *Script) find(r *http.Request) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if object, ok := s.objects[r.URL.Path]; ok {
		return object
	}
	if r.URL.Path == "/.well-known/webfinger" {
		name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Query().Get("resource"), "acct:"), "@"+s.Host)
		if a := s.actors[name]; ok && a != nil {
			return map[string]any{"subject": "acct:" + name + "@" + s.Host, "links": []any{
				map[string]any{"rel": "self", "type": ActivityJSON, "href": a.ID}}}
		}
		return nil
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/users/"), "/")
	a := s.actors[name]
	switch {
	case a == nil:
		return nil
	case rest == "":
		return a.document()
	case rest == "outbox" || rest == "followers":
		return map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": a.ID + "/" + rest,
			"type": "OrderedCollection", "totalItems": 0, "orderedItems": []any{}}
	}
	return nil
}

// receive takes a delivery.
func (s *Script) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.count++
	answer := Answer{Status: http.StatusAccepted}
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	discard := s.discard
	s.mu.Unlock()
	if answer.RetryAfter != "" {
		w.Header().Set("Retry-After", answer.RetryAfter)
	}
	w.WriteHeader(answer.Status)
	if discard {
		return
	}
	got := Received{At: time.Now(), Path: r.URL.Path, Status: answer.Status}
	got.Signer, got.Fault = s.verify(r, body)
	_ = json.Unmarshal(body, &got.Activity)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, got)
	close(s.changed)
	s.changed = make(chan struct{})
}

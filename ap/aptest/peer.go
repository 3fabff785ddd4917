package aptest

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// Peer is a server of the fediverse. Its inboxes keep what they get; a request
// whose signature does not verify gets 401 and is not kept.
type Peer struct {
	Host string // with the port, as it stands in handles and URLs
	URL  string // https://Host

	world  *World
	client *http.Client

	mu       sync.Mutex
	changed  *sync.Cond
	files    map[string]file
	scripts  map[string]http.Handler
	actors   map[string]*Actor
	received []Received
	fetched  []string
	failures []failure
	signed   bool // whether GETs must be signed
	ids      int
}

// Doc is a document; what is being served is changed within Change.
type Doc map[string]any

// file is something that a peer serves.
type file struct {
	contentType string
	body        []byte
	doc         Doc
}

// failure is how an inbox answers instead of taking what it gets.
type failure struct {
	status     int
	retryAfter string
}

// Received is what came to an inbox.
type Received struct {
	Path   string
	Header http.Header
	Body   []byte
	Object *as2.Object
	KeyID  string // of the signature, which has been verified
}

// Peer adds a server to the world.
func (w *World) Peer(host string) *Peer {
	p := &Peer{Host: w.Authority(host), URL: "https://" + w.Authority(host), world: w, client: w.HTTP(),
		files: map[string]file{}, scripts: map[string]http.Handler{}, actors: map[string]*Actor{}}
	p.changed = sync.NewCond(&p.mu)
	w.Handle(host, p)
	return p
}

// Serve serves a document below the peer's URL.
func (p *Peer) Serve(path string, doc Doc) { p.put(path, file{contentType: as2.MediaType, doc: doc}) }

// ServeAs serves bytes below the peer's URL.
func (p *Peer) ServeAs(path, contentType string, body []byte) {
	p.put(path, file{contentType: contentType, body: body})
}

func (p *Peer) put(path string, f file) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[path] = f
}

// Script answers a path with a handler, whatever else is there; nil ends that.
func (p *Peer) Script(path string, h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h == nil {
		delete(p.scripts, path)
		return
	}
	p.scripts[path] = h
}

// Change runs f while no document is being served.
func (p *Peer) Change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Remove stops serving a path; it answers 404 from then on.
func (p *Peer) Remove(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, path)
}

// Fail makes the inboxes answer the next n deliveries with a status.
func (p *Peer) Fail(n, status int, retryAfter string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.failures = append(p.failures, failure{status, retryAfter})
	}
}

// RequireSigned makes the peer answer unsigned GETs of documents with 401.
func (p *Peer) RequireSigned(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signed = on
}

// Received is all that came to the inboxes so far.
func (p *Peer) Received() []Received {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.received)
}

// Fetched is the targets of all GETs so far.
func (p *Peer) Fetched() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.fetched)
}

// Wait returns the first activity received that match accepts. The test fails
// when none comes for a long time.
func (p *Peer) Wait(match func(Received) bool) Received {
	p.world.tb.Helper()
	late := false
	timer := time.AfterFunc(20*time.Second, func() {
		p.mu.Lock()
		late = true
		p.mu.Unlock()
		p.changed.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for seen := 0; ; {
		for ; seen < len(p.received); seen++ {
			if match(p.received[seen]) {
				return p.received[seen]
			}
		}
		if late {
			var got []string
			for _, r := range p.received {
				got = append(got, r.Object.Type()+" "+r.Object.ID)
			}
			p.world.tb.Fatalf("%s did not get what it waits for; it got %q", p.Host, got)
		}
		p.changed.Wait()
	}
}

// WaitType is Wait for the first activity of a type.
func (p *Peer) WaitType(kind string) Received {
	p.world.tb.Helper()
	return p.Wait(func(r Received) bool { return r.Object.Type() == kind })
}

// ServeHTTP answers as the peer.
func (p *Peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	script := p.scripts[r.URL.Path]
	if r.Method == http.MethodGet {
		p.fetched = append(p.fetched, r.RequestURI)
	}
	p.mu.Unlock()
	switch {
	case script != nil:
		script.ServeHTTP(w, r)
	case r.Method == http.MethodPost:
		p.inbox(w, r)
	case r.URL.Path == "/.well-known/webfinger":
		p.webfinger(w, r)
	default:
		p.get(w, r)
	}
}

// get serves a file.
func (p *Peer) get(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	f, ok := p.files[r.URL.Path]
	if g, found := p.files[r.URL.RequestURI()]; found {
		f, ok = g, true
	}
	signed := p.signed
	body := f.body
	var err error
	if f.doc != nil {
		body, err = json.Marshal(f.doc, json.Deterministic(true))
	}
	p.mu.Unlock()
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case !ok:
		http.Error(w, "not here", http.StatusNotFound)
		return
	case signed:
		if _, err := p.verify(r, nil); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
	}
	w.Header().Set("Content-Type", f.contentType)
	_, _ = w.Write(body)
}

// webfinger answers for the peer's actors.
func (p *Peer) webfinger(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.actors {
		if r.URL.Query().Get("resource") == "acct:"+a.Handle {
			w.Header().Set("Content-Type", "application/jrd+json")
			_, _ = fmt.Fprintf(w, `{"subject":"acct:%s","links":[{"rel":"self","type":%q,"href":%q}]}`, a.Handle, as2.MediaType, a.ID)
			return
		}
	}
	http.Error(w, "not here", http.StatusNotFound)
}

// inbox keeps an activity.
func (p *Peer) inbox(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	if len(p.failures) > 0 {
		f := p.failures[0]
		p.failures = p.failures[1:]
		p.mu.Unlock()
		if f.retryAfter != "" {
			w.Header().Set("Retry-After", f.retryAfter)
		}
		http.Error(w, "told to fail", f.status)
		return
	}
	p.mu.Unlock()
	keyID, err := p.verify(r, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	o, err := as2.Parse(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.received = append(p.received, Received{Path: r.URL.Path, Header: r.Header, Body: body, Object: o, KeyID: keyID})
	p.mu.Unlock()
	p.changed.Broadcast()
	w.WriteHeader(http.StatusAccepted)
}

// verify verifies a signature with the key that its key id serves now.
func (p *Peer) verify(r *http.Request, body []byte) (string, error) {
	s, err := sig.Verify(sig.Request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header, Body: body},
		sig.Policy{Now: time.Now(), Hosts: func(h string) bool { return h == p.Host }})
	if err != nil {
		return "", err
	}
	key, err := p.fetchKey(s.KeyID)
	if err != nil {
		return "", fmt.Errorf("key %s: %w", s.KeyID, err)
	}
	return s.KeyID, s.VerifyWith(key)
}

func (p *Peer) fetchKey(id string) (*rsa.PublicKey, error) {
	r, err := http.NewRequest(http.MethodGet, strings.SplitN(id, "#", 2)[0], nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", as2.MediaType)
	resp, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, errors.Join(err, errors.New("status "+strconv.Itoa(resp.StatusCode)))
	}
	o, err := as2.Parse(bytes.Clone(body))
	if err != nil {
		return nil, err
	}
	for _, k := range o.PublicKeys {
		block, _ := pem.Decode([]byte(k.PEM))
		if k.ID != id || block == nil {
			continue
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if key, ok := parsed.(*rsa.PublicKey); ok && err == nil {
			return key, nil
		}
	}
	return nil, errors.New("not in the document")
}

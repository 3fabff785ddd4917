package aptest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// Actor is somebody on a peer.
type Actor struct {
	Name      string
	Handle    string // name@host:port
	ID        string
	KeyID     string
	Inbox     string
	Outbox    string
	Followers string
	Key       *rsa.PrivateKey
	Doc       Doc // its document, which may be changed before it is fetched

	peer *Peer
}

// keyPool makes the keys of actors once for all worlds, since that takes long:
// the first actor of every world has the same key, and so on.
var keyPool struct {
	sync.Mutex
	keys []*rsa.PrivateKey
}

// nextKey is a key that no other actor of this world has.
func (w *World) nextKey() *rsa.PrivateKey {
	w.mu.Lock()
	n := w.keys
	w.keys++
	w.mu.Unlock()
	keyPool.Lock()
	defer keyPool.Unlock()
	for len(keyPool.keys) <= n {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			w.tb.Fatal(err)
		}
		keyPool.keys = append(keyPool.keys, k)
	}
	return keyPool.keys[n]
}

// PEM is the SPKI form of a public key.
func PEM(key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Actor adds somebody to a peer: document, WebFinger, inboxes, empty outbox.
func (p *Peer) Actor(name string) *Actor {
	id := p.URL + "/users/" + name
	a := &Actor{Name: name, Handle: name + "@" + p.Host, ID: id, KeyID: id + "#main-key", Inbox: id + "/inbox",
		Outbox: id + "/outbox", Followers: id + "/followers", Key: p.world.nextKey(), peer: p}
	a.Doc = Doc{
		"@context": []any{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       id, "type": as2.TypePerson, "preferredUsername": name, "name": name,
		"url": p.URL + "/@" + name, "inbox": a.Inbox, "outbox": a.Outbox, "followers": a.Followers,
		"following": id + "/following", "endpoints": Doc{"sharedInbox": p.URL + "/inbox"},
		"manuallyApprovesFollowers": false, "discoverable": true, "indexable": true,
		"publicKey": Doc{"id": a.KeyID, "owner": id, "publicKeyPem": PEM(&a.Key.PublicKey)},
	}
	p.Serve("/users/"+name, a.Doc)
	for _, c := range []string{"outbox", "followers", "following"} {
		p.Serve("/users/"+name+"/"+c, Doc{"@context": as2.ContextAS2, "id": id + "/" + c, "type": as2.TypeOrderedCollection, "totalItems": 0, "orderedItems": []any{}})
	}
	p.mu.Lock()
	p.actors[name] = a
	p.mu.Unlock()
	return a
}

// SigningKey is the actor's key as ap.Client takes it.
func (a *Actor) SigningKey() *ap.Key { return &ap.Key{ID: a.KeyID, Private: a.Key} }

// Note is a public post of the actor, which is served at its id.
func (a *Actor) Note(content string) Doc {
	path, id := a.newID("notes")
	n := Doc{"@context": as2.ContextAS2, "id": id, "type": as2.TypeNote, "attributedTo": a.ID, "content": content,
		"published": time.Now().UTC().Format(time.RFC3339), "url": id,
		"to": []any{as2.Public}, "cc": []any{a.Followers}}
	a.peer.Serve(path, n)
	return n
}

// Activity is something that the actor does; it is served at its id. Its
// audience is that of the object, if that is a Doc.
func (a *Actor) Activity(kind string, object any) Doc {
	path, id := a.newID("activities")
	d := Doc{"@context": as2.ContextAS2, "id": id, "type": kind, "actor": a.ID, "object": object}
	if o, ok := object.(Doc); ok {
		for _, member := range []string{"to", "cc"} {
			if v, ok := o[member]; ok {
				d[member] = v
			}
		}
	}
	a.peer.Serve(path, d)
	return d
}

func (a *Actor) newID(kind string) (path, id string) {
	a.peer.mu.Lock()
	defer a.peer.mu.Unlock()
	a.peer.ids++
	path = fmt.Sprintf("/users/%s/%s/%d", a.Name, kind, a.peer.ids)
	return path, a.peer.URL + path
}

// Post signs a document and delivers it; it returns the answer's status and
// text.
func (a *Actor) Post(inbox string, doc Doc) (status int, text string) {
	a.peer.world.tb.Helper()
	body, err := json.Marshal(doc, json.Deterministic(true))
	if err != nil {
		a.peer.world.tb.Fatal(err)
	}
	return a.PostBytes(inbox, body, nil)
}

// PostBytes signs bytes and delivers them. change, if not nil, may spoil the
// request after it was signed.
func (a *Actor) PostBytes(inbox string, body []byte, change func(*http.Request)) (status int, text string) {
	tb := a.peer.world.tb
	tb.Helper()
	r, err := http.NewRequest(http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Content-Type", as2.MediaType)
	if err := sig.Sign(r, body, a.KeyID, a.Key, time.Now()); err != nil {
		tb.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	return a.peer.exchange(r)
}

// Get fetches a document, signed by the actor.
func (a *Actor) Get(url string) (status int, text string) {
	tb := a.peer.world.tb
	tb.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Accept", as2.MediaType)
	if err := sig.Sign(r, nil, a.KeyID, a.Key, time.Now()); err != nil {
		tb.Fatal(err)
	}
	return a.peer.exchange(r)
}

// exchange makes a request as the peer.
func (p *Peer) exchange(r *http.Request) (status int, text string) {
	tb := p.world.tb
	tb.Helper()
	resp, err := p.client.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

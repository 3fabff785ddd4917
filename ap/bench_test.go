package ap_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/ap/sig"
)

// Each of these stands beside what it cannot be faster than: run them together
// and compare the ratios.

// benchActor is the owner of the Create that is read in as2's benchmark.
const benchActor = "https://mast.test/ap/users/116000000000000001"

// BenchmarkInbox is the whole way of a Create of 4 KB, without network and
// store.
func BenchmarkInbox(b *testing.B) {
	h := newHouse(b, nil)
	body, err := os.ReadFile("as2/testdata/mastodon-create.json")
	if err != nil {
		b.Fatal(err)
	}
	keyID := benchActor + "#main-key"
	h.backend.keys[keyID] = ap.PublicKey{ID: keyID, Owner: benchActor, Key: &h.alice.Key.PublicKey}
	s := newServer(b, discard{h.backend}, nil)
	r := httptest.NewRequest(http.MethodPost, "https://example.org/_ap/shared_inbox", nil)
	r.RequestURI = "/_ap/shared_inbox"
	r.Header.Set("Content-Type", as2.MediaType)
	if err := sig.Sign(r, body, keyID, h.alice.Key, time.Now()); err != nil {
		b.Fatal(err)
	}
	r.ContentLength = int64(len(body))
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusAccepted {
			b.Fatal(w.Code, w.Body)
		}
	}
}

// BenchmarkInboxBareRSA is the one RSA operation of that.
func BenchmarkInboxBareRSA(b *testing.B) {
	h := newHouse(b, nil)
	sum := sha256.Sum256([]byte("x"))
	s, err := rsa.SignPKCS1v15(nil, h.alice.Key, crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := rsa.VerifyPKCS1v15(&h.alice.Key.PublicKey, crypto.SHA256, sum[:], s); err != nil {
			b.Fatal(err)
		}
	}
}

// benchDocument is an actor as it is served.
func benchDocument() *as2.Actor {
	const id = "https://example.org/_ap/actor/louise@example.org"
	return &as2.Actor{Context: as2.ContextActor, ID: id, Type: as2.TypePerson, PreferredUsername: "louise", Name: "Louise", Summary: "<p>Gardener</p>",
		Inbox: id, Outbox: id, Followers: id, Following: id, Featured: id, Endpoints: &as2.Endpoints{SharedInbox: id},
		PublicKey: &as2.Key{ID: id + "#main-key", Owner: id, PublicKeyPEM: string(bytes.Repeat([]byte("x"), 450))}}
}

// BenchmarkActor serves an actor, written anew each time.
func BenchmarkActor(b *testing.B) {
	back := newBackend()
	doc := benchDocument()
	back.documents = func(ap.CollectionLookup) (any, error) { return doc, nil }
	benchmarkGET(b, newServer(b, discard{back}, nil))
}

// BenchmarkActorBytes serves an actor that the backend keeps as bytes.
func BenchmarkActorBytes(b *testing.B) {
	back := newBackend()
	body, err := as2.Marshal(benchDocument())
	if err != nil {
		b.Fatal(err)
	}
	back.documents = func(ap.CollectionLookup) (any, error) { return body, nil }
	benchmarkGET(b, newServer(b, discard{back}, nil))
}

// BenchmarkActorBareHandler is a handler that does nothing but send the bytes.
func BenchmarkActorBareHandler(b *testing.B) {
	body, err := as2.Marshal(benchDocument())
	if err != nil {
		b.Fatal(err)
	}
	benchmarkGET(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", as2.MediaType)
		_, _ = w.Write(body)
	}))
}

func benchmarkGET(b *testing.B, h http.Handler) {
	r := httptest.NewRequest(http.MethodGet, "https://example.org/_ap/actor/louise@example.org", nil)
	r.Header.Set("Accept", `application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"`)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

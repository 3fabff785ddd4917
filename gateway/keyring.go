package gateway

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"

	"isthmus/ap"
	"isthmus/cache"
)

// keyBits is the size of the keys of our actors (S1, A6).
const keyBits = 2048

// keyring holds the private keys in use, and a few made in advance, so that
// nobody waits for one.
type keyring struct {
	g     *Gateway
	spare chan *rsa.PrivateKey

	mu   sync.RWMutex
	keys map[string]*ap.Key // by actor URI
}

func newKeyring(g *Gateway) *keyring {
	return &keyring{g: g, spare: make(chan *rsa.PrivateKey, 4), keys: map[string]*ap.Key{}}
}

// run makes keys in advance until ctx ends.
func (k *keyring) run(ctx context.Context) {
	for {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			k.g.log.Error("make a key", "error", err)
			return
		}
		select {
		case k.spare <- key:
		case <-ctx.Done():
			return
		}
	}
}

// take gives a new key in PEM: PKCS #8, and SPKI for the world (A6).
func (k *keyring) take() (private, public string, err error) {
	var key *rsa.PrivateKey
	select {
	case key = <-k.spare:
	default:
		if key, err = rsa.GenerateKey(rand.Reader, keyBits); err != nil {
			return "", "", fmt.Errorf("make a key: %w", err)
		}
	}
	priv, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", fmt.Errorf("encode a private key: %w", err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", "", fmt.Errorf("encode a public key: %w", err)
	}
	return pemText("PRIVATE KEY", priv), pemText("PUBLIC KEY", pub), nil
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// of gives the key that an actor of ours signs with.
func (k *keyring) of(a cache.Account) (*ap.Key, error) {
	return k.parsed(a.URI, a.PrivateKeyPEM)
}

func (k *keyring) parsed(uri, text string) (*ap.Key, error) {
	k.mu.RLock()
	key := k.keys[uri]
	k.mu.RUnlock()
	if key != nil {
		return key, nil
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("key of %s: no PEM", uri)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", uri, err)
	}
	r, ok := private.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key of %s is %T", uri, private)
	}
	key = &ap.Key{ID: k.g.addr.KeyID(uri), Private: r}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) > 10_000 { // parsing again costs less than keeping all
		clear(k.keys)
	}
	k.keys[uri] = key
	return key, nil
}

// instance gives the key of the gateway's own actor on a host, made at the
// first use.
func (k *keyring) instance(ctx context.Context, host string) (*ap.Key, string, error) {
	var private, public string
	name := "instance key " + host
	load := func(tx *cache.Tx) (err error) {
		if private, err = tx.Meta(name); err != nil {
			return err
		}
		public, err = tx.Meta(name + " public")
		return err
	}
	err := k.g.store.View(ctx, load)
	if errors.Is(err, cache.ErrNotFound) || err == nil && private == "" {
		priv, pub, makeErr := k.take()
		if makeErr != nil {
			return nil, "", makeErr
		}
		err = k.g.store.Update(ctx, func(tx *cache.Tx) error {
			if err := load(tx); err == nil && private != "" {
				return nil // another request was first
			}
			private, public = priv, pub
			if err := tx.SetMeta(name, priv); err != nil {
				return err
			}
			return tx.SetMeta(name+" public", pub)
		})
	}
	if err != nil {
		return nil, "", fmt.Errorf("key of the instance actor: %w", err)
	}
	key, err := k.parsed(k.g.addr.Instance(host), private)
	return key, public, err
}

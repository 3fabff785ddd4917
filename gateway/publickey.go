package gateway

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// A key whose signature did not verify is read anew at most this often (S4).
const keyRefresh = time.Minute

// PublicKey finds the key of a remote actor, and its owner. The owner's own
// document must list it: what a key says of itself proves nothing (S5).
func (g *Gateway) PublicKey(ctx context.Context, id string, refresh bool) (ap.PublicKey, error) {
	if g.addr.IsLocalURL(id) {
		return ap.PublicKey{}, fail(Unauthorized, "keys of this server sign nothing here")
	}
	if !refresh {
		if k, ok := g.recent.keys.GetIfPresent(id); ok {
			return k, nil
		}
	}
	stored, err := g.storedKey(ctx, id)
	known := err == nil && stored.PEM != ""
	if known && (!refresh || g.since(stored.FetchedAt) < keyRefresh) {
		return g.parsedKey(stored)
	}
	if err != nil && !errors.Is(err, cache.ErrNotFound) {
		return ap.PublicKey{}, because(Temporary, err, "the store is busy")
	}
	return fly(ctx, g, "key "+id, func(ctx context.Context) (ap.PublicKey, error) {
		return g.fetchKey(ctx, id)
	})
}

// KeyAtHand is a key that is known already.
func (g *Gateway) KeyAtHand(ctx context.Context, id string) (ap.PublicKey, bool) {
	if g.addr.IsLocalURL(id) {
		return ap.PublicKey{}, false
	}
	if k, ok := g.recent.keys.GetIfPresent(id); ok {
		return k, true
	}
	stored, err := g.storedKey(ctx, id)
	if err != nil || stored.PEM == "" {
		return ap.PublicKey{}, false
	}
	k, err := g.parsedKey(stored)
	return k, err == nil
}

func (g *Gateway) storedKey(ctx context.Context, id string) (stored cache.RemoteKey, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		stored, err = tx.Key(id)
		return err
	})
	return stored, err
}

// fetchKey reads a key from its origin: the actor itself, or a document of the
// key whose owner lists it (GoToSocial's …/main-key).
func (g *Gateway) fetchKey(ctx context.Context, id string) (ap.PublicKey, error) {
	address, _, _ := strings.Cut(id, "#")
	if err := g.hostAllowed(ctx, address); err != nil {
		return ap.PublicKey{}, err
	}
	key, _, err := g.keys.instance(ctx, g.primary())
	if err != nil {
		return ap.PublicKey{}, err
	}
	doc, err := g.client.Get(ctx, address, key)
	if err != nil {
		if isStatus(err, 410) {
			return ap.PublicKey{}, because(Gone, err, "that key is gone")
		}
		return ap.PublicKey{}, keyError(err)
	}
	owner := doc.Object.ID
	if !doc.Object.IsActor() || owner != address {
		owner = ""
		for _, k := range doc.Object.PublicKeys {
			if k.ID == id {
				owner = k.Owner
			}
		}
	}
	if owner == "" || hostname(owner) != hostname(id) {
		return ap.PublicKey{}, fail(Unauthorized, "the key cannot be verified")
	}
	actor, err := g.fetchActor(ctx, owner)
	if err != nil {
		return ap.PublicKey{}, err
	}
	var stored cache.RemoteKey
	err = g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		if err := adoptKey(tx, actor, id, g.now()); err != nil {
			return err
		}
		stored, err = tx.Key(id)
		return err
	})
	if errors.Is(err, cache.ErrNotFound) || err == nil && stored.Owner != owner {
		return ap.PublicKey{}, fail(Unauthorized, "the key cannot be verified")
	}
	if err != nil {
		return ap.PublicKey{}, because(Temporary, err, "the store is busy")
	}
	return g.parsedKey(stored)
}

// putKeys stores the keys that an actor document lists as its own (S5), and gives
// the ids of those that are not what they were.
func putKeys(tx *cache.Tx, o *as2.Object, now time.Time) (changed []string, err error) {
	listed := map[string]bool{}
	for _, k := range o.PublicKeys {
		if k.Owner != "" && k.Owner != o.ID || hostname(k.ID) != hostname(o.ID) {
			continue
		}
		old, err := tx.Key(k.ID)
		if err != nil && !errors.Is(err, cache.ErrNotFound) {
			return nil, err
		}
		// SEC-5: what is in another document is its owner's when that agrees.
		if document, _, _ := strings.Cut(k.ID, "#"); document != o.ID && old.Owner != o.ID {
			continue
		}
		if old.PEM != k.PEM || old.Owner != o.ID {
			changed = append(changed, k.ID)
		}
		listed[k.ID] = true
		if err := tx.PutKey(cache.RemoteKey{ID: k.ID, Owner: o.ID, PEM: k.PEM, FetchedAt: now}); err != nil {
			return nil, err
		}
	}
	old, err := tx.KeysOf(o.ID)
	if err != nil {
		return nil, err
	}
	for _, k := range old {
		if !listed[k.ID] {
			changed = append(changed, k.ID)
			if err := tx.DeleteKey(k.ID); err != nil {
				return nil, err
			}
		}
	}
	return changed, nil
}

// adoptKey stores a key that has a document of its own, which names an actor who
// lists it.
func adoptKey(tx *cache.Tx, a cache.Actor, id string, now time.Time) error {
	o, err := as2.Parse(a.Raw)
	if err != nil {
		return fmt.Errorf("read the keys of %s: %w", a.URI, err)
	}
	for _, k := range o.PublicKeys {
		if k.ID == id && (k.Owner == "" || k.Owner == a.URI) {
			return tx.PutKey(cache.RemoteKey{ID: id, Owner: a.URI, PEM: k.PEM, FetchedAt: now})
		}
	}
	return nil
}

// keyError is fetchError for keys: one that is not there proves nothing, one
// whose host is away may prove something later (S7).
func keyError(err error) error {
	if ap.Temporary(err) {
		return because(Temporary, err, "the key cannot be fetched now")
	}
	return because(Unauthorized, err, "the key cannot be verified")
}

func (g *Gateway) parsedKey(k cache.RemoteKey) (ap.PublicKey, error) {
	key, err := parsePublicKey(k.PEM)
	if err != nil {
		return ap.PublicKey{}, because(Unauthorized, err, "the key cannot be read")
	}
	pub := ap.PublicKey{ID: k.ID, Owner: k.Owner, Key: key}
	g.recent.keys.Set(k.ID, pub)
	return pub, nil
}

// parsePublicKey reads an RSA key in SPKI or PKCS #1 of 2048 to 8192 bits.
func parsePublicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	var key *rsa.PublicKey
	if pub, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		var ok bool
		if key, ok = pub.(*rsa.PublicKey); !ok {
			return nil, fmt.Errorf("key is %T", pub)
		}
	} else if key, err = x509.ParsePKCS1PublicKey(block.Bytes); err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if bits := key.N.BitLen(); bits < keyBits || bits > 8192 {
		return nil, fmt.Errorf("key has %d bits", bits)
	}
	return key, nil
}

// Blocked tells whether the operator blocked a host, whatever port it is on.
func (g *Gateway) Blocked(ctx context.Context, host string) bool {
	blocked, err := g.store.HostBlocked(ctx, host)
	if name, _, split := net.SplitHostPort(host); split == nil && err == nil && !blocked {
		blocked, err = g.store.HostBlocked(ctx, name)
	}
	if err != nil {
		g.log.Error("read blocks", "host", host, "error", err)
	}
	return blocked
}

// Known tells whether a remote actor was ever heard of (V5).
func (g *Gateway) Known(ctx context.Context, actor string) bool {
	_, err := g.store.Actor(ctx, actor)
	return !errors.Is(err, cache.ErrNotFound)
}

package cache

import (
	"context"
	"slices"
	"sync"
)

// maxHeldAccounts bounds the accounts in memory, a few KiB each.
const maxHeldAccounts = 1024

// heldAccounts are accounts as they were read, by URI. They hold until the next
// commit that writes an account, which forgets all of them before its Update
// returns: whoever asks after a change sees it.
type heldAccounts struct {
	mu      sync.RWMutex
	version int // counts commits that wrote accounts
	byURI   map[string]Account
}

func (h *heldAccounts) get(uri string) (a Account, version int, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	a, ok = h.byURI[uri]
	return a, h.version, ok
}

// put keeps an account that was read after version was taken. If there was a
// commit since, the snapshot may be older than that, and is not kept.
func (h *heldAccounts) put(a Account, version int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.version != version {
		return
	}
	if h.byURI == nil || len(h.byURI) >= maxHeldAccounts {
		h.byURI = make(map[string]Account)
	}
	h.byURI[a.URI] = a
}

func (h *heldAccounts) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.version++
	h.byURI = nil
}

// Account is AccountByURI outside of a transaction, from memory if it can: every
// request for an actor and every delivery asks for one.
func (s *Store) Account(ctx context.Context, uri string) (Account, error) {
	a, version, ok := s.accounts.get(uri)
	if !ok {
		err := s.View(ctx, func(tx *Tx) (err error) {
			a, err = tx.AccountByURI(uri)
			return err
		})
		if err != nil {
			return a, err
		}
		s.accounts.put(a, version)
	}
	a.Fields = slices.Clone(a.Fields) // the caller's own
	return a, nil
}

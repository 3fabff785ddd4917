package cache

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// maxHeld bounds the rows in memory, a few KiB each.
const maxHeld = 4096

// maxHeldDocument is the longest document of an actor that is kept.
const maxHeldDocument = 8 << 10

// heldKind is a kind of rows that are kept in memory.
type heldKind uint8

// The kinds. Each request and each post that comes asks for several of them, and
// they seldom change.
const (
	heldAccount heldKind = iota // by URI, and by JID and node
	heldActor                   // by URI, and by JID
	heldHost                    // by name
	heldBlocks                  // all in one, under ""
	heldQueue                   // number of a queue of jobs, by kind and host
	heldNode                    // number of a node, by service and name
	heldWatched                 // whether any saved search is watched, under ""
)

// heldKey names a row; with name "", all of a kind.
type heldKey struct {
	kind heldKind
	name string
}

// memory are rows as they were read. They hold until a commit that writes them,
// which forgets them before its Update returns: whoever asks after a change sees
// it.
type memory struct {
	mu      sync.RWMutex
	version int // counts commits that wrote such rows
	rows    map[heldKey]any
}

func (h *memory) get(k heldKey) (any, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	v, ok := h.rows[k]
	return v, ok
}

// now is the version that what is read from here on is put with.
func (h *memory) now() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.version
}

// put keeps a row that was read after version was taken. If there was a commit
// since, the snapshot may be older than that, and is not kept.
func (h *memory) put(k heldKey, v any, version int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := v.(Actor)
	if h.version == version && (!ok || len(a.Raw) <= maxHeldDocument) {
		h.keep(k, v)
	}
}

func (h *memory) keep(k heldKey, v any) {
	if h.rows == nil || len(h.rows) >= maxHeld {
		h.rows = make(map[heldKey]any)
	}
	h.rows[k] = v
}

// committed forgets what a commit wrote, and keeps what was made by it.
func (h *memory) committed(e effects) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(e.wrote) > 0 {
		h.version++
	}
	for k := range e.wrote {
		delete(h.rows, k)
		if k.name == "" {
			for other := range h.rows {
				if other.kind == k.kind {
					delete(h.rows, other)
				}
			}
		}
	}
	for k, v := range e.made {
		h.keep(k, v)
	}
}

// wrote notes that the transaction writes a row that may be held, or with name
// "" any of its kind: from here on it is read from the database.
func (tx *Tx) wrote(kind heldKind, name string) {
	if tx.after.wrote == nil {
		tx.after.wrote = make(map[heldKey]bool, 1)
	}
	tx.after.wrote[heldKey{kind, name}] = true
	tx.after.unmake(heldKey{kind, name})
}

// unmake drops what was made of rows that were written after that.
func (e *effects) unmake(k heldKey) {
	delete(e.made, k)
	for made := range e.made {
		if k.name == "" && made.kind == k.kind {
			delete(e.made, made)
		}
	}
}

// made notes the number of a row, which never changes: it is kept if the
// transaction is committed, and no later one of the same commit deletes the row.
func (tx *Tx) made(k heldKey, id int64) {
	if tx.after.made == nil {
		tx.after.made = make(map[heldKey]any, 1)
	}
	tx.after.made[k] = id
}

// maybeWritten tells whether a row may have changes that are not committed yet,
// by this transaction or one that shares the commit.
func (tx *Tx) maybeWritten(k heldKey) bool {
	whole := heldKey{kind: k.kind}
	return tx.after.wrote[k] || tx.after.wrote[whole] || tx.before.wrote[k] || tx.before.wrote[whole]
}

// holds tells whether a row is held, and so is there.
func (tx *Tx) holds(k heldKey) bool {
	_, ok := tx.store.held.get(k)
	return ok && !tx.maybeWritten(k)
}

// remembered reads a row from memory if it can. In a View it may be newer than
// the snapshot, never older than what was committed when that began.
func remembered[V any](tx *Tx, k heldKey, read func() (V, error)) (V, error) {
	if tx.maybeWritten(k) {
		return read()
	}
	if v, ok := tx.store.held.get(k); ok {
		return v.(V), nil
	}
	v, err := read()
	if err == nil {
		tx.store.held.put(k, v, tx.version)
	}
	return v, err
}

// direct is remembered outside of a transaction, which it only begins if it must.
func direct[V any](ctx context.Context, s *Store, k heldKey, read func(*Tx) (V, error)) (v V, err error) {
	if v, ok := s.held.get(k); ok {
		return v.(V), nil
	}
	err = s.View(ctx, func(tx *Tx) (err error) {
		v, err = read(tx)
		return err
	})
	return v, err
}

// Account is AccountByURI outside of a transaction, from memory if it can: every
// request for an actor and every delivery asks for one.
func (s *Store) Account(ctx context.Context, uri string) (Account, error) {
	a, err := direct(ctx, s, heldKey{heldAccount, uri}, func(tx *Tx) (Account, error) { return tx.AccountByURI(uri) })
	a.Fields = slices.Clone(a.Fields) // the caller's own
	return a, err
}

// AccountOf is AccountByJID outside of a transaction, as Account: every request
// of a user asks for theirs.
func (s *Store) AccountOf(ctx context.Context, jid, node string) (Account, error) {
	a, err := direct(ctx, s, heldKey{heldAccount, jid + "\n" + node}, func(tx *Tx) (Account, error) { return tx.AccountByJID(jid, node) })
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

// ActorOf is ActorByJID outside of a transaction, as Actor: every request to one
// asks for it.
func (s *Store) ActorOf(ctx context.Context, jid string) (Actor, error) {
	a, err := direct(ctx, s, heldKey{heldActor, "\n" + jid}, func(tx *Tx) (Actor, error) { return tx.ActorByJID(jid) })
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

// Actor is ActorByURI outside of a transaction, from memory if it can: every
// activity asks for its actor. Its document must not be changed.
func (s *Store) Actor(ctx context.Context, uri string) (Actor, error) {
	a, err := direct(ctx, s, heldKey{heldActor, uri}, func(tx *Tx) (Actor, error) { return tx.ActorByURI(uri) })
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

// Host is Host outside of a transaction, from memory if it can: every delivery
// asks.
func (s *Store) Host(ctx context.Context, name string) (Host, error) {
	return direct(ctx, s, heldKey{heldHost, name}, func(tx *Tx) (Host, error) { return tx.Host(name) })
}

// HostBlocked is HostBlocked outside of a transaction, from memory if it can:
// every request to an inbox asks.
func (s *Store) HostBlocked(ctx context.Context, host string) (bool, error) {
	if v, ok := s.held.get(heldKey{kind: heldBlocks}); ok {
		if b := v.(blockSet); b.whole {
			return b.anyOf("", domains(strings.ToLower(host))), nil
		}
	}
	var blocked bool
	err := s.View(ctx, func(tx *Tx) (err error) {
		blocked, err = tx.HostBlocked(host)
		return err
	})
	return blocked, err
}

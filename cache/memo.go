package cache

import (
	"context"
	"slices"
	"sync"
)

// maxMemo bounds the rows of a kind in memory, a few KiB each.
const maxMemo = 1024

// memo are rows as they were read, by a key. They hold until the next commit
// that writes a row of their kind, which forgets all of them before its Update
// returns: whoever asks after a change sees it.
type memo[T any] struct {
	mu      sync.RWMutex
	version int // counts those commits
	rows    map[string]T
}

func (m *memo[T]) get(key string) (v T, version int, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok = m.rows[key]
	return v, m.version, ok
}

// put keeps a row that was read after version was taken. If there was a commit
// since, the snapshot may be older than that, and is not kept.
func (m *memo[T]) put(key string, v T, version int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version != version {
		return
	}
	if m.rows == nil || len(m.rows) >= maxMemo {
		m.rows = make(map[string]T)
	}
	m.rows[key] = v
}

func (m *memo[T]) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version++
	m.rows = nil
}

// remembered reads a row from memory if it can.
func remembered[T any](ctx context.Context, s *Store, m *memo[T], key string, read func(*Tx) (T, error)) (T, error) {
	v, version, ok := m.get(key)
	if ok {
		return v, nil
	}
	err := s.View(ctx, func(tx *Tx) (err error) {
		v, err = read(tx)
		return err
	})
	if err == nil {
		m.put(key, v, version)
	}
	return v, err
}

// Account is AccountByURI outside of a transaction, from memory if it can: every
// request for an actor and every delivery asks for one.
func (s *Store) Account(ctx context.Context, uri string) (Account, error) {
	a, err := remembered(ctx, s, &s.accounts, uri, func(tx *Tx) (Account, error) { return tx.AccountByURI(uri) })
	a.Fields = slices.Clone(a.Fields) // the caller's own
	return a, err
}

// AccountOf is AccountByJID outside of a transaction, as Account: every request
// of a user asks for theirs.
func (s *Store) AccountOf(ctx context.Context, jid, node string) (Account, error) {
	a, err := remembered(ctx, s, &s.accounts, jid+"\n"+node, func(tx *Tx) (Account, error) { return tx.AccountByJID(jid, node) })
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

// Actor is ActorByURI outside of a transaction, from memory if it can: every
// activity asks for its actor. Its document must not be changed.
func (s *Store) Actor(ctx context.Context, uri string) (Actor, error) {
	a, err := remembered(ctx, s, &s.actors, uri, func(tx *Tx) (Actor, error) { return tx.ActorByURI(uri) })
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

// ActorOf is ActorByJID outside of a transaction, as Actor: every request to one
// asks for it.
func (s *Store) ActorOf(ctx context.Context, jid string) (Actor, error) {
	a, err := remembered(ctx, s, &s.actors, "\n"+jid, func(tx *Tx) (Actor, error) { return tx.ActorByJID(jid) })
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

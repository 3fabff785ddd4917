package cache

import (
	"errors"
	"fmt"
	"time"
)

// Binding ties a JID of ours to a remote actor (design §2).
type Binding struct {
	JID, URI string
	BoundAt  time.Time
	EndedAt  time.Time // zero while it holds
}

func scanBinding(r row) (b Binding, err error) {
	err = r.Scan(&b.JID, &b.URI, when{&b.BoundAt}, when{&b.EndedAt})
	return b, err
}

const bindingColumns = "SELECT jid, uri, bound_at, ended_at FROM bindings "

// Bind ties jid to uri at first sight and returns the binding that uri has:
// an earlier one stays, whatever its JID. If jid is bound to another actor, it
// returns that binding and ErrConflict.
func (tx *Tx) Bind(jid, uri string, at time.Time) (Binding, error) {
	b, err := one(tx, scanBinding, bindingColumns+"WHERE uri = ? AND ended_at = 0", uri)
	if !errors.Is(err, ErrNotFound) {
		return b, err
	}
	b, err = one(tx, scanBinding, bindingColumns+"WHERE jid = ? AND ended_at = 0", jid)
	if err == nil {
		return b, fmt.Errorf("bind %s to %s: %w: it is bound to %s", jid, uri, ErrConflict, b.URI)
	}
	if !errors.Is(err, ErrNotFound) {
		return b, err
	}
	tx.wrote(heldActor, "")
	err = tx.run("INSERT INTO bindings (jid, uri, bound_at, ended_at) VALUES (?, ?, ?, 0)", jid, uri, millis(at))
	if err != nil {
		return Binding{}, fmt.Errorf("bind %s to %s: %w", jid, uri, err)
	}
	return Binding{JID: jid, URI: uri, BoundAt: moment(millis(at))}, nil
}

// Rebind ends the bindings that jid and uri have, ties them to each other, and
// returns the binding that jid had.
func (tx *Tx) Rebind(jid, uri string, at time.Time) (old Binding, err error) {
	old, err = one(tx, scanBinding, bindingColumns+"WHERE jid = ? AND ended_at = 0", jid)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return old, fmt.Errorf("rebind %s: %w", jid, err)
	}
	if err == nil && old.URI == uri {
		return old, nil
	}
	tx.wrote(heldActor, "")
	err = tx.run("UPDATE bindings SET ended_at = max(?, 1) WHERE (jid = ? OR uri = ?) AND ended_at = 0", millis(at), jid, uri)
	if err == nil {
		err = tx.run("INSERT INTO bindings (jid, uri, bound_at, ended_at) VALUES (?, ?, ?, 0)", jid, uri, millis(at))
	}
	if err != nil {
		return old, fmt.Errorf("rebind %s to %s: %w", jid, uri, err)
	}
	return old, nil
}

// Bindings returns all bindings that a JID ever had, newest first.
func (tx *Tx) Bindings(jid string) ([]Binding, error) {
	return all(tx, scanBinding, bindingColumns+"WHERE jid = ? ORDER BY id DESC", jid)
}

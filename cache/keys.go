package cache

import (
	"fmt"
	"time"
)

// RemoteKey is a public key of a remote actor.
type RemoteKey struct {
	ID, Owner, PEM string
	FetchedAt      time.Time
	FailedUntil    time.Time // no new fetch before this
}

const keyColumns = "SELECT id, owner, pem, fetched_at, failed_until FROM keys "

func scanKey(r row) (k RemoteKey, err error) {
	err = r.Scan(&k.ID, &k.Owner, &k.PEM, when{&k.FetchedAt}, when{&k.FailedUntil})
	return k, err
}

// PutKey stores a key, or with an empty PEM that it could not be fetched.
func (tx *Tx) PutKey(k RemoteKey) error {
	err := tx.run(`INSERT INTO keys (id, owner, pem, fetched_at, failed_until) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, pem = excluded.pem,
			fetched_at = excluded.fetched_at, failed_until = excluded.failed_until`,
		k.ID, k.Owner, k.PEM, millis(k.FetchedAt), millis(k.FailedUntil))
	if err != nil {
		return fmt.Errorf("put key %s: %w", k.ID, err)
	}
	return nil
}

// Key returns the key with that id.
func (tx *Tx) Key(id string) (RemoteKey, error) {
	return one(tx, scanKey, keyColumns+"WHERE id = ?", id)
}

// KeysOf returns the keys of an actor.
func (tx *Tx) KeysOf(owner string) ([]RemoteKey, error) {
	return all(tx, scanKey, keyColumns+"WHERE owner = ? ORDER BY id", owner)
}

// DeleteKey forgets a key.
func (tx *Tx) DeleteKey(id string) error {
	return tx.run("DELETE FROM keys WHERE id = ?", id)
}

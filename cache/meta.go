package cache

import (
	"errors"
	"fmt"
	"io"
)

// Meta returns a setting that the database keeps.
func (tx *Tx) Meta(key string) (string, error) {
	b, err := one(tx, value[[]byte], "SELECT value FROM meta WHERE key = ?", key)
	return string(b), err
}

// SetMeta keeps a setting.
func (tx *Tx) SetMeta(key, value string) error {
	return tx.run("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
		key, []byte(value))
}

// DeleteMeta forgets a setting.
func (tx *Tx) DeleteMeta(key string) error { return tx.run("DELETE FROM meta WHERE key = ?", key) }

// MetaEntry is a setting and its key.
type MetaEntry struct{ Key, Value string }

// MetaAfter returns a page of the settings whose keys begin with a prefix, in
// the order of their keys, after one of them.
func (tx *Tx) MetaAfter(prefix, after string, limit int) ([]MetaEntry, error) {
	return all(tx, func(r row) (e MetaEntry, err error) {
		var value []byte
		err = r.Scan(&e.Key, &value)
		e.Value = string(value)
		return e, err
	}, "SELECT key, value FROM meta WHERE key > ?1 AND key >= ?2 AND key < ?2 || char(0x10FFFF) ORDER BY key LIMIT ?3 + 0",
		after, prefix, limitOr(limit, 100))
}

// Pin keeps a setting, and returns a *PinError if it has changed since somebody
// got an account or an address: public URLs, path and component are in ids that
// were given out then (design §2). Until then it was perhaps a slip.
func (tx *Tx) Pin(key, value string) error {
	stored, err := tx.Meta("pin:" + key)
	if errors.Is(err, ErrNotFound) {
		return tx.SetMeta("pin:"+key, value)
	}
	if err == nil && stored != value {
		given, err := tx.exists("SELECT 1 WHERE EXISTS (SELECT 1 FROM accounts) OR EXISTS (SELECT 1 FROM bindings)")
		if err != nil {
			return err
		}
		if !given {
			return tx.SetMeta("pin:"+key, value)
		}
		return &PinError{Key: key, Stored: stored, Given: value}
	}
	return err
}

// SecretIDs is the name of the secret that item ids come from, which every store
// has from its first start.
const SecretIDs = "item ids"

// secretSize is how many bytes secrets have, secretKey what their keys begin with.
const (
	secretSize = 32
	secretKey  = "secret:"
)

// SecretKey is the key under which Meta has a secret.
func SecretKey(name string) string { return secretKey + name }

// Secret returns a secret of this instance; it is made from random at first
// use.
func (tx *Tx) Secret(name string, size int, random io.Reader) ([]byte, error) {
	stored, err := tx.Meta(secretKey + name)
	if err == nil {
		return []byte(stored), nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("make secret %s: %w", name, err)
	}
	return b, tx.SetMeta(secretKey+name, string(b))
}

// metaDeleted says that something was deleted since the file was last written
// anew, so that pieces of it may still be in the file.
const metaDeleted = "deleted since the last vacuum"

// noteDeleted notes that a vacuum has something to do.
func (tx *Tx) noteDeleted() error {
	return tx.run("INSERT INTO meta (key, value) VALUES (?, x'31') ON CONFLICT DO NOTHING", metaDeleted)
}

// VacuumDue tells whether something was deleted since the last vacuum.
func (tx *Tx) VacuumDue() (bool, error) {
	return tx.exists("SELECT 1 FROM meta WHERE key = ?", metaDeleted)
}

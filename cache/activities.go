package cache

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Activity is an activity that came or went.
type Activity struct {
	ID      string
	Actor   string
	Type    string
	Object  string // URI; its deletion takes the body away
	State   string
	Inbound bool
	Raw     []byte // nil when the object was deleted
	At      time.Time
}

// SeenActivity reports whether an activity came before, and notes it. Id and
// body count together, since some peers use the id of an Update again.
func (tx *Tx) SeenActivity(id string, digest [32]byte, at time.Time) (bool, error) {
	key := sha256.Sum256(append(digest[:], id...))
	n, err := tx.exec("INSERT INTO seen (key, at) VALUES (?, ?) ON CONFLICT DO NOTHING", key[:16], millis(at))
	if err != nil {
		return false, fmt.Errorf("note activity %s: %w", id, err)
	}
	return n == 0, nil
}

// PutActivity stores an activity, or changes it.
func (tx *Tx) PutActivity(a Activity) error {
	err := tx.run(`INSERT INTO activities (uri, actor, type, object, state, inbound, at, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (uri) DO UPDATE SET actor = excluded.actor, type = excluded.type, object = excluded.object,
			state = excluded.state, inbound = excluded.inbound, at = excluded.at, raw = excluded.raw`,
		a.ID, a.Actor, a.Type, a.Object, a.State, a.Inbound, millis(a.At), tx.store.packer.pack(a.Raw))
	if err != nil {
		return fmt.Errorf("put activity %s: %w", a.ID, err)
	}
	return nil
}

// Activity returns a stored activity.
func (tx *Tx) Activity(id string) (Activity, error) {
	return one(tx, func(r row) (a Activity, err error) {
		var raw []byte
		err = r.Scan(&a.ID, &a.Actor, &a.Type, &a.Object, &a.State, &a.Inbound, when{&a.At}, &raw)
		if err == nil {
			a.Raw, err = tx.store.packer.unpack(raw)
		}
		return a, err
	}, "SELECT uri, actor, type, object, state, inbound, at, raw FROM activities WHERE uri = ?", id)
}

// SetActivityState changes the state of a stored activity.
func (tx *Tx) SetActivityState(id, state string) error {
	return tx.must("UPDATE activities SET state = ? WHERE uri = ?", state, id)
}

// PruneActivities forgets up to limit each of the activities noted before
// seenBefore and of those stored before storedBefore, and of early Deletes as
// old as the former. It returns how many rows went.
func (tx *Tx) PruneActivities(seenBefore, storedBefore time.Time, limit int) (int, error) {
	total := int64(0)
	for _, p := range []struct {
		query  string
		before time.Time
	}{
		{"DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE at < ? ORDER BY at LIMIT ? + 0)", seenBefore},
		{`DELETE FROM early_deletes WHERE (uri, signer) IN
			(SELECT uri, signer FROM early_deletes WHERE at < ? ORDER BY at LIMIT ? + 0)`, seenBefore},
		{"DELETE FROM activities WHERE id IN (SELECT id FROM activities WHERE at < ? ORDER BY at LIMIT ? + 0)", storedBefore},
	} {
		n, err := tx.exec(p.query, millis(p.before), limitOr(limit, 1000))
		if err != nil {
			return 0, fmt.Errorf("prune activities: %w", err)
		}
		total += n
	}
	return int(total), nil
}

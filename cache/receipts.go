package cache

import (
	"fmt"
	"time"
)

// AddReceipt notes that a host got an object of an owner; an actor is an object
// of itself. Receipts outlive the object, so that a Delete reaches every host
// that ever got it (design §3).
func (tx *Tx) AddReceipt(object, owner, host string, at time.Time) error {
	err := tx.run("INSERT INTO receipts (object, host, owner, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		object, host, owner, millis(at))
	if err != nil {
		return fmt.Errorf("add receipt of %s: %w", object, err)
	}
	return nil
}

// ReceiptHosts returns the hosts that got an object.
func (tx *Tx) ReceiptHosts(object string) ([]string, error) {
	return all(tx, value[string], "SELECT host FROM receipts WHERE object = ? ORDER BY host", object)
}

// HostsReached returns the hosts that ever got anything of an owner.
func (tx *Tx) HostsReached(owner string) ([]string, error) {
	return all(tx, value[string], "SELECT DISTINCT host FROM receipts WHERE owner = ? ORDER BY host", owner)
}

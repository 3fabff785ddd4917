package cache

import (
	"fmt"
	"time"
)

// Subscription is a subscription to a pubsub node that is not a follow, such
// as to comments.
type Subscription struct {
	Service, Node, JID string
	SubID              string
	CreatedAt          time.Time
}

const subscriptionColumns = "SELECT service, node, jid, subid, created_at FROM subscriptions "

func scanSubscription(r row) (s Subscription, err error) {
	err = r.Scan(&s.Service, &s.Node, &s.JID, &s.SubID, when{&s.CreatedAt})
	return s, err
}

// PutSubscription stores a subscription and reports whether it is new.
func (tx *Tx) PutSubscription(s Subscription) (bool, error) {
	n, err := tx.exec(`INSERT INTO subscriptions (service, node, jid, subid, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, s.Service, s.Node, s.JID, s.SubID, millis(s.CreatedAt))
	if err != nil {
		return false, fmt.Errorf("put subscription of %s to %s: %w", s.JID, s.Node, err)
	}
	return n > 0, nil
}

// DeleteSubscription ends a subscription and reports whether there was one.
func (tx *Tx) DeleteSubscription(service, node, jid string) (bool, error) {
	n, err := tx.exec("DELETE FROM subscriptions WHERE service = ? AND node = ? AND jid = ?", service, node, jid)
	return n > 0, err
}

// Subscription returns the subscription of a JID to a node.
func (tx *Tx) Subscription(service, node, jid string) (Subscription, error) {
	return one(tx, scanSubscription, subscriptionColumns+"WHERE service = ? AND node = ? AND jid = ?", service, node, jid)
}

// Subscribers returns a page of the subscriptions to a node in the order of
// their JIDs. after is the last JID of the page before.
func (tx *Tx) Subscribers(service, node, after string, limit int) ([]Subscription, error) {
	return all(tx, scanSubscription, subscriptionColumns+`WHERE service = ? AND node = ? AND jid > ? ORDER BY jid LIMIT ? + 0`,
		service, node, after, limitOr(limit, 500))
}

// SubscriptionsOf returns the subscriptions of a JID on one service, or on all
// for "".
func (tx *Tx) SubscriptionsOf(jid, service string) ([]Subscription, error) {
	return all(tx, scanSubscription, subscriptionColumns+`WHERE jid = ?1 AND (?2 = '' OR service = ?2)
		ORDER BY service, node`, jid, service)
}

// HasSubscribers tells whether anybody is subscribed to a node.
func (tx *Tx) HasSubscribers(service, node string) (bool, error) {
	return tx.exists("SELECT 1 FROM subscriptions WHERE service = ? AND node = ? LIMIT 1", service, node)
}

// CountSubscriptions is how many subscriptions a bare JID has, on all services
// and under all its resources.
func (tx *Tx) CountSubscriptions(bare string) (int, error) {
	return one(tx, value[int], "SELECT count(*) FROM subscriptions WHERE jid = ?1 OR jid >= ?1 || '/' AND jid < ?1 || '0'", bare)
}

package cache

import (
	"errors"
	"fmt"
)

// HostInbox is an inbox on a host: the shared one, or that of any actor who
// still lives there; "" when nobody is known. It is where a Delete goes when
// the followers it once reached have left.
func (tx *Tx) HostInbox(host string) (string, error) {
	for _, scheme := range []string{"https://", "http://"} {
		a, err := one(tx, scanActor, "SELECT "+actorColumns+actorTables+`WHERE a.uri >= ? AND a.uri < ? AND a.gone_at = 0
			ORDER BY a.shared_inbox = '' LIMIT 1`, scheme+host+"/", scheme+host+"0") // "0" follows "/"
		if err == nil {
			return deliveryInbox(a), nil
		}
		if !errors.Is(err, ErrNotFound) {
			return "", fmt.Errorf("find an inbox on %s: %w", host, err)
		}
	}
	return "", nil
}

// ReactionsBy returns the reactions of one actor to an object.
func (tx *Tx) ReactionsBy(actor, object string) ([]Reaction, error) {
	return all(tx, scanReaction, reactionColumns+"WHERE object = ? AND actor = ? ORDER BY id", object, actor)
}

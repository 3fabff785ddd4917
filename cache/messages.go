package cache

import (
	"fmt"
	"time"

	"isthmus/translate"
)

// Message maps a chat message to an object.
type Message struct {
	ID     string // stanza or origin id
	Our    string // bare JID of ours
	User   string // bare JID of the user
	Object string // URI
	Origin translate.Origin
	Thread string
	At     time.Time
}

const messageColumns = "SELECT id, our, user, object, origin, thread, at FROM messages "

func scanMessage(r row) (m Message, err error) {
	err = r.Scan(&m.ID, &m.Our, &m.User, &m.Object, &m.Origin, &m.Thread, when{&m.At})
	return m, err
}

// PutMessage stores which object a message is; the first answer stays, and
// another one is an ErrConflict.
func (tx *Tx) PutMessage(m Message) error {
	n, err := tx.exec(`INSERT INTO messages (id, our, user, object, origin, thread, at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET thread = excluded.thread WHERE object = excluded.object`,
		m.ID, m.Our, m.User, m.Object, string(m.Origin), m.Thread, millis(m.At))
	if err == nil && n == 0 {
		err = ErrConflict
	}
	if err != nil {
		return fmt.Errorf("put message %s: %w", m.ID, err)
	}
	return nil
}

// MessageByID returns the message between two JIDs with that id.
func (tx *Tx) MessageByID(id, our, user string) (Message, error) {
	return one(tx, scanMessage, messageColumns+"WHERE id = ? AND our = ? AND user = ?", id, our, user)
}

// MessagesByObject returns all messages that an object is.
func (tx *Tx) MessagesByObject(object string) ([]Message, error) {
	return all(tx, scanMessage, messageColumns+"WHERE object = ? ORDER BY at, id", object)
}

// LastMessage returns the latest message between two JIDs.
func (tx *Tx) LastMessage(our, user string) (Message, error) {
	return one(tx, scanMessage, messageColumns+"WHERE our = ? AND user = ? ORDER BY at DESC LIMIT 1", our, user)
}

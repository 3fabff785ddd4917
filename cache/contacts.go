package cache

import "fmt"

// Contact is somebody to whom one of our addresses has shown itself as
// available. Both are bare JIDs.
type Contact struct{ Our, User string }

// PutContact notes a contact.
func (tx *Tx) PutContact(c Contact) error {
	if err := tx.run("INSERT INTO contacts (our, user) VALUES (?, ?) ON CONFLICT DO NOTHING", c.Our, c.User); err != nil {
		return fmt.Errorf("put contact %s of %s: %w", c.User, c.Our, err)
	}
	return nil
}

// HasContact tells whether a contact is noted.
func (tx *Tx) HasContact(c Contact) (bool, error) {
	return tx.exists("SELECT 1 FROM contacts WHERE our = ? AND user = ?", c.Our, c.User)
}

// DeleteContact forgets a contact and reports whether there was one.
func (tx *Tx) DeleteContact(c Contact) (bool, error) {
	n, err := tx.exec("DELETE FROM contacts WHERE our = ? AND user = ?", c.Our, c.User)
	return n > 0, err
}

// Contacts returns a page of all contacts in their order. after is the last of
// the page before.
func (tx *Tx) Contacts(after Contact, limit int) ([]Contact, error) {
	return all(tx, func(r row) (c Contact, err error) {
		err = r.Scan(&c.Our, &c.User)
		return c, err
	}, "SELECT our, user FROM contacts WHERE (our, user) > (?, ?) ORDER BY our, user LIMIT ? + 0",
		after.Our, after.User, limitOr(limit, 500))
}

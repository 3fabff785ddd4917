package cache

import (
	"fmt"
	"time"
)

// Notice is a message that told a user of a post. It is forgotten with the post.
type Notice struct {
	User   string // bare JID
	ID     string // of the message
	Object string // URI of the post
	Text   string // as it was sent
	At     time.Time
}

const noticeColumns = "SELECT user, id, object, text, at FROM notices "

func scanNotice(r row) (n Notice, err error) {
	err = r.Scan(&n.User, &n.ID, &n.Object, &n.Text, when{&n.At})
	return n, err
}

// PutNotice notes which post a message tells of.
func (tx *Tx) PutNotice(n Notice) error {
	err := tx.run("INSERT INTO notices (user, id, object, text, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		n.User, n.ID, n.Object, n.Text, millis(n.At))
	if err != nil {
		return fmt.Errorf("note the notice %s to %s: %w", n.ID, n.User, err)
	}
	return nil
}

// NoticeByID returns the notice to a user with that id.
func (tx *Tx) NoticeByID(user, id string) (Notice, error) {
	return one(tx, scanNotice, noticeColumns+"WHERE user = ? AND id = ?", user, id)
}

// Notices returns the last notices to a user, the newest first.
func (tx *Tx) Notices(user string, limit int) ([]Notice, error) {
	return all(tx, scanNotice, noticeColumns+"WHERE user = ? ORDER BY at DESC, id LIMIT ?", user, limit)
}

// ForgetNotices drops up to limit of what is older than that, and says how many.
func (tx *Tx) ForgetNotices(before time.Time, limit int) (int, error) {
	n, err := tx.exec("DELETE FROM notices WHERE (user, id) IN (SELECT user, id FROM notices WHERE at < ? ORDER BY at LIMIT ? + 0)",
		millis(before), limitOr(limit, 1000))
	if err != nil {
		return 0, fmt.Errorf("forget notices: %w", err)
	}
	return int(n), nil
}

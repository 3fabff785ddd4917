package cache

import (
	"errors"
	"fmt"
	"time"
)

// News is what a user is to hear of: that somebody likes a post, or follows.
type News struct {
	User, Kind, Post string // Post is "" for what is not about one
	Actor            string
	Word             string
	At               time.Time
}

// PutNews notes something to tell, and reports whether it is new: of one person,
// kind and post there is one.
func (tx *Tx) PutNews(n News) (bool, error) {
	count, err := tx.exec(`INSERT INTO news (user, kind, post, actor, word, at, told) VALUES (?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT DO NOTHING`, n.User, n.Kind, n.Post, n.Actor, n.Word, millis(n.At))
	if err != nil {
		return false, fmt.Errorf("note the %s of %s for %s: %w", n.Kind, n.Actor, n.User, err)
	}
	return count > 0, nil
}

// Untold is the first of what a user has not been told of a post, how many there
// are, and the last of them.
type Untold struct {
	First       News
	Count, Last int64
}

// Untold returns what is to be told, ErrNotFound if there is nothing.
func (tx *Tx) Untold(user, kind, post string) (Untold, error) {
	return one(tx, func(r row) (u Untold, err error) {
		u.First = News{User: user, Kind: kind, Post: post}
		err = r.Scan(&u.First.Actor, &u.First.Word, when{&u.First.At}, &u.Count, &u.Last)
		return u, err
	}, `SELECT actor, word, at, count(*) OVER (), max(seq) OVER () FROM news
		WHERE user = ? AND kind = ? AND post = ? AND told = 0 ORDER BY seq LIMIT 1`, user, kind, post)
}

// MarkTold notes that a user was told of all up to the last of u.
func (tx *Tx) MarkTold(u Untold, at time.Time) error {
	return tx.run("UPDATE news SET told = ? WHERE user = ? AND kind = ? AND post = ? AND told = 0 AND seq <= ?",
		max(millis(at), 1), u.First.User, u.First.Kind, u.First.Post, u.Last)
}

// LastTold is when a user was last told of such things, zero for never.
func (tx *Tx) LastTold(user, kind, post string) (at time.Time, err error) {
	ms, err := one(tx, value[int64], "SELECT coalesce(max(told), 0) FROM news WHERE user = ? AND kind = ? AND post = ?", user, kind, post)
	if err != nil || ms == 0 {
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return time.Time{}, err
	}
	return moment(ms), nil
}

// ForgetNews drops what is older than that.
func (tx *Tx) ForgetNews(before time.Time) error {
	return tx.run("DELETE FROM news WHERE at < ?", millis(before))
}

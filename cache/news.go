package cache

import (
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

// Untold is what a user has not been told of a kind.
type Untold struct {
	User, Kind string
	Posts      []UntoldPost // the first of those that it is about
	More       int          // how many there are besides
	Last       int64
}

// UntoldPost is the first of what is to be told of a post, and how many there are.
type UntoldPost struct {
	First News
	Count int
}

// Untold returns what is to be told, of at most so many posts; ErrNotFound if
// there is nothing.
func (tx *Tx) Untold(user, kind string, most int) (Untold, error) {
	u := Untold{User: user, Kind: kind}
	var posts int
	list, err := all(tx, func(r row) (p UntoldPost, err error) {
		p.First = News{User: user, Kind: kind}
		err = r.Scan(&p.First.Post, &p.First.Actor, &p.First.Word, when{&p.First.At}, &p.Count, &posts, &u.Last)
		return p, err
	}, `SELECT post, actor, word, at, n, count(*) OVER (), last FROM (
			SELECT post, actor, word, at, seq, count(*) OVER (PARTITION BY post) n,
				row_number() OVER (PARTITION BY post ORDER BY seq) place, max(seq) OVER () last
			FROM news WHERE user = ? AND kind = ? AND told = 0)
		WHERE place = 1 ORDER BY seq LIMIT ?`, user, kind, most)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	u.Posts, u.More = list, posts-len(list)
	return u, err
}

// MarkTold notes that a user was told of all up to the last of u.
func (tx *Tx) MarkTold(u Untold, at time.Time) error {
	return tx.run("UPDATE news SET told = ? WHERE user = ? AND kind = ? AND told = 0 AND seq <= ?",
		max(millis(at), 1), u.User, u.Kind, u.Last)
}

// LastTold is when a user was last told of such things, zero for never.
func (tx *Tx) LastTold(user, kind string) (at time.Time, err error) {
	ms, err := one(tx, value[int64], "SELECT coalesce(max(told), 0) FROM news WHERE user = ? AND kind = ?", user, kind)
	if err != nil || ms == 0 {
		return time.Time{}, err
	}
	return moment(ms), nil
}

// ForgetNews drops up to limit of what is older than that, and says how many.
func (tx *Tx) ForgetNews(before time.Time, limit int) (int, error) {
	n, err := tx.exec("DELETE FROM news WHERE seq IN (SELECT seq FROM news WHERE at < ? ORDER BY at LIMIT ? + 0)",
		millis(before), limitOr(limit, 1000))
	if err != nil {
		return 0, fmt.Errorf("forget news: %w", err)
	}
	return int(n), nil
}

package cache

import (
	"errors"
	"fmt"
)

// Suggestion is somebody whom a viewer could follow, and why.
type Suggestion struct {
	Someone
	Posts     int // with the hashtag, among the newest; or
	Followers int // people who show whom they follow, and follow what the viewer does
}

// suggestAmong bounds what suggestions are made of: posts, and follows at each
// step.
const suggestAmong = 1000

// SuggestByTag returns those who write most with a hashtag now, in public.
func (tx *Tx) SuggestByTag(tag string, v Viewer, limit int) ([]Suggestion, error) {
	return tx.suggest(v, limit, func(s *Suggestion, n int) { s.Posts = n }, `SELECT owner, count(*) FROM
		(SELECT p.owner FROM tags t CROSS JOIN posts p ON p.id = t.post_id
			WHERE t.tag = ?1 AND p.vis = 0 AND p.kind <> 'boost' AND `+indexable+` ORDER BY t.post_id DESC LIMIT ?2 + 0)
		GROUP BY owner ORDER BY 2 DESC, 1 LIMIT ?2 + 0`, foldTag(tag), suggestAmong)
}

// SuggestNodes returns nodes of services in which most is posted now, in public,
// with a hashtag unless it is "". A node is suggested once it is linked and can be
// found, as a person is: that it can be read is no wish to be shown around.
func (tx *Tx) SuggestNodes(tag string, v Viewer, limit int) ([]Suggestion, error) {
	posts, args := "SELECT uri, owner, vis, kind FROM posts ORDER BY id DESC LIMIT ?1 + 0", []any{suggestAmong}
	if tag != "" {
		posts = "SELECT p.uri, p.owner, p.vis, p.kind FROM tags t CROSS JOIN posts p ON p.id = t.post_id WHERE t.tag = ?2 ORDER BY t.post_id DESC LIMIT ?1 + 0"
		args = append(args, foldTag(tag))
	}
	return tx.suggest(v, limit, func(s *Suggestion, n int) { s.Posts = n }, `SELECT a.uri, count(*) FROM (`+posts+`) p
		CROSS JOIN placements l ON l.uri = p.uri CROSS JOIN nodes n ON n.id = l.node_id CROSS JOIN accounts a ON a.jid = n.service AND a.node = n.name
		WHERE p.vis = 0 AND p.kind <> 'boost' AND l.retracted_at = 0 AND a.node <> '' AND a.state = 'linked' AND `+indexable+`
		GROUP BY a.uri ORDER BY 2 DESC, 1 LIMIT ?1 + 0`, args...)
}

// showsFollows is the condition that the account of a follower shows whom it follows:
// it is linked, so that its list of these is there for everybody, and asked to
// be found. No other follow of anybody is looked at.
const showsFollows = "EXISTS (SELECT 1 FROM accounts a WHERE a.uri = f.follower AND a.state = 'linked' AND a.discoverable)"

// SuggestByFollows returns those who are followed by people who follow somebody
// whom the viewer follows, as far as these show whom they follow. Who follows
// nobody gets those who are followed by most.
func (tx *Tx) SuggestByFollows(v Viewer, limit int) ([]Suggestion, error) {
	const peers = `SELECT DISTINCT follower FROM (SELECT f.follower FROM follows mine CROSS JOIN follows f ON f.followee = mine.followee
		WHERE mine.follower = ?1 AND mine.state = 'accepted' AND f.state = 'accepted' AND f.follower <> ?1 AND ` + showsFollows + ` LIMIT ?2 + 0)`
	count := func(s *Suggestion, n int) { s.Followers = n }
	if v.Actor != "" {
		list, err := tx.suggest(v, limit, count, `SELECT followee, count(*) FROM
			(SELECT f.followee FROM (`+peers+`) o CROSS JOIN follows f ON f.follower = o.follower WHERE f.state = 'accepted' LIMIT 10 * ?2 + 0)
			GROUP BY followee ORDER BY 2 DESC, 1 LIMIT ?2 + 0`, v.Actor, suggestAmong)
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
	return tx.suggest(v, limit, count, `SELECT followee, count(*) FROM
		(SELECT f.followee FROM follows f WHERE f.state = 'accepted' AND `+showsFollows+` ORDER BY f.id DESC LIMIT 10 * ?2 + 0)
		GROUP BY followee ORDER BY 2 DESC, 1 LIMIT ?2 + 0`, v.Actor, suggestAmong)
}

// suggest reads actors with a number, and leaves out whom the viewer follows or
// may not be shown.
func (tx *Tx) suggest(v Viewer, limit int, count func(*Suggestion, int), query string, args ...any) ([]Suggestion, error) {
	type row1 struct {
		uri string
		n   int
	}
	rows, err := all(tx, func(r row) (x row1, err error) {
		err = r.Scan(&x.uri, &x.n)
		return x, err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	var out []Suggestion
	for _, x := range rows {
		who, shown, err := tx.someoneByURI(x.uri)
		if err != nil {
			return nil, fmt.Errorf("suggest: %w", err)
		}
		if !shown || who.URI == v.Actor || who.JID == "" {
			continue
		}
		if _, err := tx.Follow(v.Actor, who.URI); err == nil {
			continue
		} else if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if ok, err := tx.maySee(v, who.URI); err != nil || !ok {
			if err != nil {
				return nil, err
			}
			continue
		}
		s := Suggestion{Someone: who}
		count(&s, x.n)
		if out = append(out, s); len(out) >= limit {
			break
		}
	}
	return out, nil
}

// someoneByURI reads a person of either world.
func (tx *Tx) someoneByURI(uri string) (Someone, bool, error) {
	id, err := one(tx, value[int64], "SELECT id * 2 FROM actors WHERE uri = ?1 UNION ALL SELECT id * 2 + 1 FROM accounts WHERE uri = ?1 LIMIT 1", uri)
	if errors.Is(err, ErrNotFound) {
		return Someone{}, false, nil
	}
	if err != nil {
		return Someone{}, false, err
	}
	return tx.someone(id)
}

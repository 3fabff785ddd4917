package cache

import (
	"fmt"
	"time"
)

// prunable are the posts p that nobody here would miss: of remote people, for
// everybody, received before ?1, in nobody's timeline but their owner's own,
// and without any answer, reaction or mention of ours. Their origin has them.
const prunable = `p.origin = 'ap' AND p.vis <= 1 AND p.received < ?1
	AND NOT EXISTS (SELECT 1 FROM posts o WHERE (o.reply_to = p.uri OR o.boost = p.uri) AND o.origin <> 'ap')
	AND NOT EXISTS (SELECT 1 FROM reactions WHERE object = p.uri AND origin <> 'ap')
	AND NOT EXISTS (SELECT 1 FROM mentions m JOIN accounts a ON a.uri = m.actor WHERE m.post_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM addressees WHERE post_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM messages WHERE object = p.uri)
	AND NOT EXISTS (SELECT 1 FROM media_uses WHERE object = p.uri)
	AND (SELECT count(*) FROM placements WHERE uri = p.uri) <= 1`

// PrunePosts forgets up to limit posts that were received before a time and can
// be fetched again, the oldest first, and returns how many. No tombstone stays,
// and a post that is fetched again gets its item id anew from its URI.
func (tx *Tx) PrunePosts(before time.Time, limit int) (int, error) {
	type old struct {
		id      int64
		uri     string
		indexed int
	}
	posts, err := all(tx, func(r row) (o old, err error) {
		err = r.Scan(&o.id, &o.uri, &o.indexed)
		return o, err
	}, "SELECT p.id, p.uri, p.indexed FROM posts p WHERE "+prunable+" ORDER BY p.id LIMIT ?2 + 0",
		millis(before), limitOr(limit, 500))
	if err != nil {
		return 0, fmt.Errorf("prune posts: %w", err)
	}
	for _, p := range posts {
		if p.indexed == indexed {
			if err := tx.run("DELETE FROM posts_fts WHERE rowid = ?", p.id); err != nil {
				return 0, fmt.Errorf("prune %s: %w", p.uri, err)
			}
		}
		for _, q := range []string{
			"DELETE FROM placements WHERE uri = ?",
			"DELETE FROM reactions WHERE object = ?",
			"DELETE FROM posts WHERE uri = ?",
		} {
			if err := tx.run(q, p.uri); err != nil {
				return 0, fmt.Errorf("prune %s: %w", p.uri, err)
			}
		}
	}
	return len(posts), nil
}

package cache

import (
	"errors"
	"fmt"

	"isthmus/translate"
)

// Page asks for a part of a list that is ordered by (sort date, id).
type Page struct {
	Before, After int64 // ids, exclusive; 0: open
	Limit         int   // 0: 20
	Ascending     bool  // oldest first; else newest first
	Width         Width
	Indexable     bool // only authors who asked to be found (SEC-28)
}

// sql returns the conditions, order and limit of the page, and their arguments
// ?n, ?n+1 and ?n+2.
func (p Page) sql(n int) (string, []any) {
	before := p.Before
	if before == 0 {
		before = 1<<63 - 1
	}
	cond := fmt.Sprintf(" AND p.id > ?%d AND p.id < ?%d%s", n, n+1, p.Width.sql())
	if p.Indexable {
		cond += " AND " + indexable
	}
	return cond + fmt.Sprintf(" ORDER BY p.id%s LIMIT ?%d + 0", descending(!p.Ascending), n+2),
		[]any{p.After, before, limitOr(p.Limit, 20)}
}

func descending(yes bool) string {
	if yes {
		return " DESC"
	}
	return ""
}

// indexable is the condition that the owner of p asked to be found in searches
// (FEP-5feb). It is evaluated at read time, so that taking it back works at
// once.
const indexable = `(EXISTS (SELECT 1 FROM actors WHERE uri = p.owner AND indexable)
	OR EXISTS (SELECT 1 FROM accounts WHERE uri = p.owner AND indexable))`

// list runs a query for posts that the viewer may see. from are the tables,
// with posts as p and bodies as b; more begins with AND or is empty, and its
// arguments start at ?3.
func (tx *Tx) list(v Viewer, from, more string, args ...any) ([]Stored, error) {
	a, err := tx.audience(v)
	if err != nil {
		return nil, err
	}
	where, args := a.where(more, args...)
	return all(tx, scanStored, "SELECT "+storedColumns+" FROM "+from+where, args...)
}

const postsBodies = "posts p JOIN bodies b ON b.post_id = p.id"

// PostByURI returns a post, if the viewer may see it.
func (tx *Tx) PostByURI(uri string, v Viewer) (Stored, error) {
	return first(tx.list(v, postsBodies, " AND p.uri = ?3", uri))
}

// first returns the only element of a list, or ErrNotFound.
func first[T any](list []T, err error) (T, error) {
	var zero T
	if err != nil {
		return zero, err
	}
	if len(list) == 0 {
		return zero, ErrNotFound
	}
	return list[0], nil
}

// Visibility returns whom a post is for. It is a look at one row.
func (tx *Tx) Visibility(uri string) (translate.Visibility, error) {
	code, err := one(tx, value[int], "SELECT vis FROM posts WHERE uri = ?", uri)
	return visOf(code), err
}

// Raw returns the document that a post came as, if the viewer may see the post.
func (tx *Tx) Raw(uri string, v Viewer) (raw []byte, mediaType string, err error) {
	a, err := tx.audience(v)
	if err != nil {
		return nil, "", err
	}
	type document struct {
		raw  []byte
		kind string
	}
	where, args := a.where(" AND p.uri = ?3", uri)
	d, err := one(tx, func(r row) (d document, err error) {
		err = r.Scan(&d.raw, &d.kind)
		return d, err
	}, "SELECT b.raw, b.raw_type FROM "+postsBodies+where, args...)
	if err != nil {
		return nil, "", err
	}
	if raw, err = tx.store.packer.unpack(d.raw); err != nil {
		return nil, "", fmt.Errorf("document of %s: %w", uri, err)
	}
	if raw == nil {
		return nil, "", ErrNotFound
	}
	if d.kind == "" {
		d.kind = "application/activity+json"
	}
	return raw, d.kind, nil
}

// Outbox returns a page of an owner's posts that the viewer may see.
func (tx *Tx) Outbox(owner string, v Viewer, p Page) ([]Stored, error) {
	more, args := p.sql(4)
	return tx.list(v, postsBodies, " AND p.owner = ?3"+more, append([]any{owner}, args...)...)
}

// CountOutbox counts what Outbox returns in all.
func (tx *Tx) CountOutbox(owner string, v Viewer, w Width) (int, error) {
	return tx.countPosts(v, "posts p", " AND p.owner = ?3"+w.sql(), owner)
}

func (tx *Tx) countPosts(v Viewer, from, more string, args ...any) (int, error) {
	a, err := tx.audience(v)
	if err != nil {
		return 0, err
	}
	where, args := a.where(more, args...)
	return tx.count("SELECT count(*) FROM "+from+where, args...)
}

// Tagged returns a page of the public posts with a tag; case and marks do not
// matter.
func (tx *Tx) Tagged(tag string, v Viewer, p Page) ([]Stored, error) {
	p.Width = PublicOnly
	more, args := p.sql(4)
	return tx.list(v, "tags t CROSS JOIN posts p ON p.id = t.post_id JOIN bodies b ON b.post_id = p.id",
		" AND t.tag = ?3"+more, append([]any{foldTag(tag)}, args...)...)
}

// Mentioning returns a page of the posts that mention an actor.
func (tx *Tx) Mentioning(actor string, v Viewer, p Page) ([]Stored, error) {
	more, args := p.sql(4)
	return tx.list(v, "mentions m CROSS JOIN posts p ON p.id = m.post_id JOIN bodies b ON b.post_id = p.id",
		" AND m.actor = ?3"+more, append([]any{actor}, args...)...)
}

// Boosts returns a page of the boosts of a post.
func (tx *Tx) Boosts(uri string, v Viewer, p Page) ([]Stored, error) {
	more, args := p.sql(4)
	return tx.list(v, postsBodies, " AND p.boost = ?3 AND p.kind = 'boost'"+more, append([]any{uri}, args...)...)
}

// BoostBy returns the boost of a post by an actor, whoever may see it.
func (tx *Tx) BoostBy(actor, uri string) (Stored, error) {
	return first(tx.list(Viewer{Operator: true}, postsBodies,
		" AND p.boost = ?3 AND p.owner = ?4 AND p.kind = 'boost' ORDER BY p.id DESC LIMIT 1", uri, actor))
}

// Counts are the public numbers of a post.
type Counts struct {
	Replies, Likes, Boosts, Reactions int
}

// Counts returns the numbers of a post that a stranger may see.
func (tx *Tx) Counts(uri string) (c Counts, err error) {
	if c.Replies, err = tx.countPosts(Viewer{}, "posts p", " AND p.reply_to = ?3", uri); err != nil {
		return c, err
	}
	if c.Boosts, err = tx.countPosts(Viewer{}, "posts p", " AND p.boost = ?3 AND p.kind = 'boost'", uri); err != nil {
		return c, err
	}
	if c.Likes, err = tx.count("SELECT count(*) FROM reactions WHERE object = ? AND kind = 'like'", uri); err != nil {
		return c, err
	}
	c.Reactions, err = tx.count("SELECT count(*) FROM reactions WHERE object = ? AND kind <> 'like'", uri)
	return c, err
}

// The walk through a thread stops at this many posts.
const maxThread = 10_000

// thread is the table of all descendants of ?3, whoever may see them. It goes
// through deleted posts, which keep what they answered.
var thread = fmt.Sprintf(`(WITH RECURSIVE d (uri) AS (
		SELECT ?3
		UNION SELECT c.uri FROM d CROSS JOIN posts c ON c.reply_to = d.uri
		UNION SELECT c.uri FROM d CROSS JOIN tombstones c ON c.reply_to = d.uri
		LIMIT %d)
	SELECT uri FROM d) d CROSS JOIN posts p ON p.uri = d.uri`, maxThread)

// Thread returns a page of all descendants of a post that the viewer may see,
// also behind those that the viewer may not see.
func (tx *Tx) Thread(uri string, v Viewer, p Page) ([]Stored, error) {
	more, args := p.sql(4)
	return tx.list(v, thread+" JOIN bodies b ON b.post_id = p.id", " AND p.uri <> ?3"+more,
		append([]any{uri}, args...)...)
}

// CountThread counts what Thread returns in all.
func (tx *Tx) CountThread(uri string, v Viewer, w Width) (int, error) {
	return tx.countPosts(v, thread, " AND p.uri <> ?3"+w.sql(), uri)
}

// Replies returns a page of the direct replies to a post.
func (tx *Tx) Replies(uri string, v Viewer, p Page) ([]Stored, error) {
	more, args := p.sql(4)
	return tx.list(v, postsBodies, " AND p.reply_to = ?3"+more, append([]any{uri}, args...)...)
}

// Ancestors returns what a post answers, nearest first, at most depth posts up
// to the first that is not held or that the viewer may not see.
func (tx *Tx) Ancestors(uri string, v Viewer, depth int) ([]Stored, error) {
	s, err := tx.PostByURI(uri, v)
	if err != nil {
		return nil, err
	}
	var list []Stored
	seen := map[string]bool{uri: true}
	for len(list) < min(depth, maxThread) && s.Post.ReplyTo != "" && !seen[s.Post.ReplyTo] {
		seen[s.Post.ReplyTo] = true
		s, err = tx.PostByURI(s.Post.ReplyTo, v)
		if errors.Is(err, ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

package cache

import "fmt"

// FoldTag is the form in which tags are compared, without # and spaces.
func FoldTag(tag string) string { return foldTag(tag) }

// TagUse is how much a tag is used.
type TagUse struct {
	Tag            string // folded
	Posts, Authors int
}

// popularAmong is how many posts PopularTags looks at, however many there are.
const popularAmong = 5000

// PopularTags returns the tags that most people use now: among the newest posts,
// in those that are public and whose authors asked to be found.
func (tx *Tx) PopularTags(limit int) ([]TagUse, error) {
	a, err := tx.audience(Viewer{})
	if err != nil {
		return nil, err
	}
	where, args := a.where(PublicOnly.sql()+" AND p.kind <> 'boost' AND "+indexable, popularAmong, limitOr(limit, 20))
	list, err := all(tx, func(r row) (u TagUse, err error) {
		err = r.Scan(&u.Tag, &u.Posts, &u.Authors)
		return u, err
	}, `SELECT t.tag, count(*), count(DISTINCT p.owner) FROM (SELECT * FROM posts ORDER BY id DESC LIMIT ?3 + 0) p
		CROSS JOIN tags t ON t.post_id = p.id`+where+` GROUP BY t.tag ORDER BY 3 DESC, 2 DESC, 1 LIMIT ?4 + 0`, args...)
	if err != nil {
		return nil, fmt.Errorf("popular tags: %w", err)
	}
	return list, nil
}

// PostByID returns the post with that number, if the viewer may see it.
func (tx *Tx) PostByID(id int64, v Viewer) (Stored, error) {
	return first(tx.list(v, postsBodies, " AND p.id = ?3", id))
}

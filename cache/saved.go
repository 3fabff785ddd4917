package cache

import (
	"errors"
	"fmt"
	"time"
)

// SavedSearch is a search that somebody keeps under a name. A watched one tells
// its owner of new matches.
type SavedSearch struct {
	ID          int64
	Owner, Name string // a bare JID; the name folded
	Query       string
	Watched     bool
	CreatedAt   time.Time
}

const savedColumns = "SELECT id, owner, name, query, watched, created_at FROM saved_searches "

func scanSaved(r row) (s SavedSearch, err error) {
	err = r.Scan(&s.ID, &s.Owner, &s.Name, &s.Query, &s.Watched, when{&s.CreatedAt})
	return s, err
}

// PutSavedSearch stores a search under its owner's name for it, and forgets what
// the owner was told of for another query. Whether it is watched stays.
func (tx *Tx) PutSavedSearch(s SavedSearch) error {
	before, err := tx.SavedSearch(s.Owner, s.Name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("save search: %w", err)
	}
	if err == nil && before.Query != s.Query {
		err = tx.run("DELETE FROM saved_hits WHERE search = ?", before.ID)
	} else {
		err = nil
	}
	if err == nil {
		tx.wrote(heldWatched, "")
		err = tx.run(`INSERT INTO saved_searches (owner, name, query, watched, created_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query`, s.Owner, s.Name, s.Query, s.Watched, millis(s.CreatedAt))
	}
	if err != nil {
		return fmt.Errorf("save search: %w", err)
	}
	return nil
}

// SavedSearch returns the search that an owner calls by that name.
func (tx *Tx) SavedSearch(owner, name string) (SavedSearch, error) {
	return one(tx, scanSaved, savedColumns+"WHERE owner = ? AND name = ?", owner, name)
}

// SavedSearchByID returns a search by its number, which is not used again.
func (tx *Tx) SavedSearchByID(id int64) (SavedSearch, error) {
	return one(tx, scanSaved, savedColumns+"WHERE id = ?", id)
}

// SavedSearches returns the searches of an owner by name.
func (tx *Tx) SavedSearches(owner string) ([]SavedSearch, error) {
	return all(tx, scanSaved, savedColumns+"WHERE owner = ? ORDER BY name", owner)
}

// WatchSavedSearch switches telling of new matches on or off, and reports
// whether that was a change.
func (tx *Tx) WatchSavedSearch(id int64, on bool) (bool, error) {
	tx.wrote(heldWatched, "")
	n, err := tx.exec("UPDATE saved_searches SET watched = ?2 WHERE id = ?1 AND watched <> ?2", id, on)
	if err == nil && !on {
		err = tx.run("DELETE FROM saved_hits WHERE search = ?", id)
	}
	return n > 0, err
}

// DeleteSavedSearch forgets a search and reports whether there was one.
func (tx *Tx) DeleteSavedSearch(owner, name string) (bool, error) {
	tx.wrote(heldWatched, "")
	n, err := tx.exec("DELETE FROM saved_searches WHERE owner = ? AND name = ?", owner, name)
	return n > 0, err
}

// Freshen has a new or changed post compared with the watched searches, if there
// are any.
func (tx *Tx) Freshen(uri string) error {
	watched, err := remembered(tx, heldKey{kind: heldWatched}, func() (bool, error) {
		return tx.exists("SELECT 1 FROM saved_searches WHERE watched = 1 LIMIT 1")
	})
	if err == nil && watched {
		err = tx.run(`INSERT INTO fresh_posts (post_id, rev) SELECT id, rev FROM posts WHERE uri = ? AND kind <> 'boost'
			ON CONFLICT DO UPDATE SET rev = excluded.rev`, uri)
	}
	if err != nil {
		return fmt.Errorf("queue %s for the saved searches: %w", uri, err)
	}
	return nil
}

// FreshPost is a post that waits to be compared with the watched searches.
type FreshPost struct{ ID, Rev int64 }

// FreshPosts returns posts that wait and that the full text knows, in the order
// of their numbers.
func (tx *Tx) FreshPosts(limit int) ([]FreshPost, error) {
	return all(tx, func(r row) (f FreshPost, err error) {
		err = r.Scan(&f.ID, &f.Rev)
		return f, err
	}, "SELECT t.post_id, t.rev FROM fresh_posts t JOIN posts p ON p.id = t.post_id WHERE p.indexed <> 0 ORDER BY t.post_id LIMIT ? + 0", limit)
}

// WatchedSearches returns a page of the watched searches in the order of their
// numbers, without those of owners who left.
func (tx *Tx) WatchedSearches(after int64, limit int) ([]SavedSearch, error) {
	return all(tx, scanSaved, savedColumns+`WHERE watched = 1 AND id > ?1
		AND coalesce((SELECT state FROM accounts a WHERE a.jid = owner AND a.node = '' ORDER BY a.generation DESC LIMIT 1), '') <> ?2
		ORDER BY id LIMIT ?3 + 0`, after, string(Unlinked), limit)
}

// SetHit notes whether the owner of a search knows of a post, and reports
// whether that was a change.
func (tx *Tx) SetHit(search, post int64, on bool) (bool, error) {
	query := "DELETE FROM saved_hits WHERE search = ? AND post_id = ?"
	if on {
		query = "INSERT OR IGNORE INTO saved_hits (search, post_id) SELECT s.id, p.id FROM saved_searches s, posts p WHERE s.id = ? AND p.id = ?"
	}
	n, err := tx.exec(query, search, post)
	return n > 0, err
}

// HitsOf returns the searches whose owners know of a post.
func (tx *Tx) HitsOf(post int64) ([]int64, error) {
	return all(tx, value[int64], "SELECT search FROM saved_hits WHERE post_id = ? ORDER BY search", post)
}

// DoneFresh takes posts off the queue, unless they changed again.
func (tx *Tx) DoneFresh(posts []FreshPost) error {
	for _, f := range posts {
		if err := tx.run("DELETE FROM fresh_posts WHERE post_id = ? AND rev = ?", f.ID, f.Rev); err != nil {
			return fmt.Errorf("note compared posts: %w", err)
		}
	}
	return nil
}

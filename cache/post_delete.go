package cache

import (
	"errors"
	"fmt"
	"time"

	"isthmus/translate"
)

// Tombstone is what is left of a deleted post.
type Tombstone struct {
	URI, Owner string
	Kind       translate.Kind
	Origin     translate.Origin
	Visibility translate.Visibility
	By         string
	DeletedAt  time.Time
}

// Removed is a post that was deleted, and where it was.
type Removed struct {
	Tombstone
	Placements []Placement // that were live
}

const tombstoneColumns = "uri, owner, kind, origin, vis, deleted_by, deleted_at"

func scanTombstone(r row) (t Tombstone, err error) {
	var vis int
	err = r.Scan(&t.URI, &t.Owner, &t.Kind, &t.Origin, &vis, &t.By, when{&t.DeletedAt})
	t.Visibility = visOf(vis)
	return t, err
}

// DeletePost deletes a post and its boosts: their content goes from every
// table and index (SEC-31), and tombstones and placements stay for answers of
// 410. It returns what was deleted, the post itself first. ErrGone means that it
// already was, ErrNotFound that it is not held; then boosts of it whose author
// is by are deleted all the same, and returned without the error if there were
// any.
func (tx *Tx) DeletePost(uri, by string, at time.Time) ([]Removed, error) {
	var list []Removed
	whose := ""
	removed, err := tx.deletePost(uri, by, at)
	switch {
	case err == nil:
		list = append(list, removed)
	case errors.Is(err, ErrNotFound) && by != "":
		whose = by
	default:
		return nil, fmt.Errorf("delete post %s: %w", uri, err)
	}
	boosts, e := tx.boostsToDelete(uri, whose)
	if e != nil {
		return nil, e
	}
	if err != nil && len(boosts) == 0 {
		return nil, fmt.Errorf("delete post %s: %w", uri, err)
	}
	for i := 0; i < len(boosts); i++ {
		r, err := tx.deletePost(boosts[i], by, at)
		if err != nil {
			return nil, fmt.Errorf("delete boost %s: %w", boosts[i], err)
		}
		list = append(list, r)
		more, err := tx.boostsToDelete(boosts[i], "") // nobody should, but somebody may boost a boost
		if err != nil {
			return nil, err
		}
		boosts = append(boosts, more...)
	}
	return list, nil
}

// boostsToDelete returns the boosts of a post, or those of one author.
func (tx *Tx) boostsToDelete(uri, author string) ([]string, error) {
	boosts, err := all(tx, value[string], `SELECT uri FROM posts WHERE boost = ?1 AND kind = 'boost'
		AND (?2 = '' OR author = ?2) ORDER BY id`, uri, author)
	if err != nil {
		return nil, fmt.Errorf("boosts of %s: %w", uri, err)
	}
	return boosts, nil
}

func (tx *Tx) deletePost(uri, by string, at time.Time) (Removed, error) {
	type old struct {
		id      int64
		indexed int
		t       Tombstone
		replyTo string
	}
	o, err := one(tx, func(r row) (o old, err error) {
		var vis int
		err = r.Scan(&o.id, &o.indexed, &o.t.Owner, &o.t.Kind, &o.t.Origin, &vis, &o.replyTo)
		o.t.Visibility = visOf(vis)
		return o, err
	}, "SELECT id, indexed, owner, kind, origin, vis, coalesce(reply_to, '') FROM posts WHERE uri = ?", uri)
	if errors.Is(err, ErrNotFound) {
		if _, err := tx.Tombstone(uri); err == nil {
			return Removed{}, ErrGone
		}
	}
	if err != nil {
		return Removed{}, err
	}
	o.t.URI, o.t.By, o.t.DeletedAt = uri, by, moment(millis(at))
	err = tx.run(`INSERT INTO tombstones (uri, post_id, owner, kind, origin, vis, reply_to, deleted_by, deleted_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		uri, o.id, o.t.Owner, string(o.t.Kind), string(o.t.Origin), visCode(o.t.Visibility), orNull(o.replyTo), by, millis(at))
	if err != nil {
		return Removed{}, err
	}
	places, err := all(tx, scanPlacement, placementQuery+"WHERE l.uri = ? AND l.retracted_at = 0 ORDER BY n.id, l.item", uri)
	if err != nil {
		return Removed{}, err
	}
	return Removed{Tombstone: o.t, Placements: places}, tx.erase(uri, o.id, o.indexed == indexed, at)
}

// erase takes a post out of every table; rows that refer to posts cascade.
func (tx *Tx) erase(uri string, id int64, inIndex bool, at time.Time) error {
	if err := tx.noteDeleted(); err != nil {
		return err
	}
	if inIndex {
		if err := tx.run("DELETE FROM posts_fts WHERE rowid = ?", id); err != nil {
			return err
		}
	}
	err := tx.run(`UPDATE placements SET post_id = NULL, retracted_at = iif(retracted_at = 0, max(?, 1), retracted_at)
		WHERE uri = ?`, millis(at), uri)
	if err != nil {
		return err
	}
	for _, q := range []string{
		"DELETE FROM posts WHERE uri = ?",
		"DELETE FROM reactions WHERE object = ?",
		"UPDATE activities SET raw = NULL WHERE object = ? AND object <> ''",
		`DELETE FROM media WHERE id IN (SELECT media FROM media_uses u WHERE u.object = ?1
			AND NOT EXISTS (SELECT 1 FROM media_uses o WHERE o.media = u.media AND o.object <> ?1))`,
		"DELETE FROM media_uses WHERE object = ?",
		"DELETE FROM notices WHERE object = ?",
	} {
		if err := tx.run(q, uri); err != nil {
			return err
		}
	}
	return nil
}

// Tombstone returns what is left of a deleted post.
func (tx *Tx) Tombstone(uri string) (Tombstone, error) {
	return one(tx, scanTombstone, "SELECT "+tombstoneColumns+" FROM tombstones WHERE uri = ?", uri)
}

// RememberDelete notes a Delete that came before what it deletes. It binds only
// if the signer turns out to be the owner (design §3).
func (tx *Tx) RememberDelete(uri, signer string, at time.Time) error {
	err := tx.run(`INSERT INTO early_deletes (uri, signer, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		uri, signer, millis(at))
	if err != nil {
		return fmt.Errorf("remember delete of %s: %w", uri, err)
	}
	return nil
}

// Forbidden reports whether a post of that author was deleted before it came.
func (tx *Tx) Forbidden(uri, author string) (bool, error) {
	return tx.exists("SELECT 1 FROM early_deletes WHERE uri = ? AND signer = ?", uri, author)
}

// PurgeOwner deletes up to limit posts of an owner, the newest first, such as
// those of an actor who is gone. Nothing is left when it returns none.
func (tx *Tx) PurgeOwner(owner, by string, at time.Time, limit int) ([]Removed, error) {
	uris, err := all(tx, value[string], "SELECT uri FROM posts WHERE owner = ? ORDER BY id DESC LIMIT ? + 0",
		owner, limitOr(limit, 100))
	if err != nil {
		return nil, fmt.Errorf("purge %s: %w", owner, err)
	}
	var list []Removed
	for _, u := range uris {
		r, err := tx.DeletePost(u, by, at)
		if errors.Is(err, ErrGone) { // a boost of their own post went with it
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("purge %s: %w", owner, err)
		}
		list = append(list, r...)
	}
	return list, nil
}

package cache

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/translate"
)

// held is what PutPost has to know of the post that it may replace.
type held struct {
	id                 int64
	owner              string
	kind               translate.Kind
	origin             translate.Origin
	hash               []byte
	published, updated int64
	received           int64
	indexed            int
	parsed             []byte
}

func scanHeld(r row) (h held, err error) {
	err = r.Scan(&h.id, &h.owner, &h.kind, &h.origin, &h.hash, &h.published, &h.updated, &h.received, &h.indexed, &h.parsed)
	return h, err
}

// PutPost creates or changes a post. Its id, kind and date of publication stay
// what they were first. If p.Item is set, it is placed there.
//
// ErrGone means that the post was deleted, also by a Delete that came before
// it; ErrConflict that the post has another owner or origin, or that its item
// belongs to another post.
func (tx *Tx) PutPost(p translate.Post, raw []byte, o PutOptions) (int64, Change, error) {
	id, change, err := tx.putPost(p, raw, o)
	if err != nil {
		return 0, "", fmt.Errorf("put post %s: %w", p.URI, err)
	}
	return id, change, nil
}

func (tx *Tx) putPost(p translate.Post, raw []byte, o PutOptions) (int64, Change, error) {
	if p.URI == "" || p.Owner.URI == "" || o.Received.IsZero() {
		return 0, "", errors.New("URI, owner and time of receipt are needed")
	}
	gone, err := tx.exists(`SELECT 1 WHERE EXISTS (SELECT 1 FROM tombstones WHERE uri = ?1)
		OR EXISTS (SELECT 1 FROM early_deletes WHERE uri = ?1 AND signer = ?2)`, p.URI, p.Owner.URI)
	if err != nil {
		return 0, "", err
	}
	if gone {
		return 0, "", ErrGone
	}
	if o.New {
		return tx.createPost(p, raw, o)
	}
	h, err := one(tx, scanHeld, `SELECT p.id, p.owner, p.kind, p.origin, p.hash, p.published, p.updated, p.received, p.indexed,
		json(b.parsed) FROM posts p JOIN bodies b ON b.post_id = p.id WHERE p.uri = ?`, p.URI)
	switch {
	case errors.Is(err, ErrNotFound):
		return tx.createPost(p, raw, o)
	case err != nil:
		return 0, "", err
	}
	change, err := tx.changePost(h, p, raw, o)
	return h.id, change, err
}

func (tx *Tx) createPost(p translate.Post, raw []byte, o PutOptions) (int64, Change, error) {
	if err := tx.seeHost(hostOf(p.Owner.URI)); err != nil {
		return 0, "", err
	}
	if p.Published.IsZero() { // nobody says when it was published: when it came
		p.Published = o.Received.UTC().Truncate(time.Millisecond)
	}
	id, err := tx.newID(sortTime(p.Published, o.Received))
	if err != nil {
		return 0, "", err
	}
	hash, err := digest(p)
	if err != nil {
		return 0, "", err
	}
	p.Updated = o.dated(p.Updated)
	index := unindexed
	if p.Kind == translate.KindBoost {
		index = indexNever
	}
	author, authorHost, err := tx.authorOf(p)
	if err != nil {
		return 0, "", err
	}
	received := millis(o.Received)
	err = tx.run(`INSERT INTO posts (id, uri, owner, owner_host, author, author_host, kind, origin, vis, reply_to, boost,
			hash, published, updated, received, modified, rev, indexed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
		id, p.URI, p.Owner.URI, hostOf(p.Owner.URI), author, authorHost, string(p.Kind), string(p.Origin), visCode(p.Visibility),
		orNull(p.ReplyTo), orNull(p.Boost), hash, millis(p.Published), millis(p.Updated), received, received, index)
	if err == nil {
		err = tx.putBody(id, p, raw, o)
	}
	if err == nil {
		err = tx.putSides(id, p)
	}
	if err == nil {
		err = tx.addAddressees(id, o.Addressees)
	}
	if err == nil {
		err = tx.placeOwn(id, p, o)
	}
	tx.after.posts = tx.after.posts || index == unindexed
	return id, Created, err
}

// authorOf returns the columns of an author who is not the owner. Their host
// is hidden as the owner's is.
func (tx *Tx) authorOf(p translate.Post) (uri, host any, err error) {
	if p.Author.URI == "" || p.Author.URI == p.Owner.URI {
		return nil, nil, nil
	}
	h := hostOf(p.Author.URI)
	return p.Author.URI, h, tx.seeHost(h)
}

// changePost stores a post that is held: an edit, the same again, or only what
// is not part of an edit, such as a name.
func (tx *Tx) changePost(h held, p translate.Post, raw []byte, o PutOptions) (Change, error) {
	if h.owner != p.Owner.URI || h.origin != p.Origin {
		return "", fmt.Errorf("it is %s's, from %s: %w", h.owner, h.origin, ErrConflict)
	}
	var old Stored
	if err := old.decode(h.parsed); err != nil {
		return "", err
	}
	p.Kind = h.kind // fixed when it is first published (design §3)
	p.Published = old.Post.Published
	if p.Item == nil {
		p.Item = old.Post.Item
	}
	if p.Comments == nil {
		p.Comments = old.Post.Comments
	}
	if err := tx.addAddressees(h.id, o.Addressees); err != nil {
		return "", err
	}
	hash, err := digest(p)
	if err != nil {
		return "", err
	}
	// An edit of a remote post that arrives after a later one is not one.
	when := o.dated(p.Updated)
	late := p.Origin == translate.OriginAP && !p.Updated.IsZero() && millis(when) < h.updated
	if late || bytes.Equal(hash, h.hash) {
		switch {
		case late:
			p = old.Post
		case when.Before(p.Updated): // each time that it comes would be later
			p.Updated = time.Time{}
		}
		return Same, tx.refreshPost(h, old, p, o)
	}
	p.Updated = when
	if err := tx.rewritePost(h, p, hash, o); err != nil {
		return "", err
	}
	if err := tx.putBody(h.id, p, raw, o); err != nil {
		return "", err
	}
	if err := tx.clearSides(h.id); err != nil {
		return "", err
	}
	if err := tx.putSides(h.id, p); err != nil {
		return "", err
	}
	return Updated, tx.placeOwn(h.id, p, o)
}

// refreshPost stores what is not part of an edit.
func (tx *Tx) refreshPost(h held, old Stored, p translate.Post, o PutOptions) error {
	if p.Updated.IsZero() {
		p.Updated = old.Post.Updated
	}
	was, err := formOf(old.Post)
	if err != nil {
		return err
	}
	is, err := formOf(p)
	if err != nil {
		return err
	}
	if was != is {
		if err := tx.run("UPDATE bodies SET parsed = jsonb(?) WHERE post_id = ?", is, h.id); err != nil {
			return err
		}
		err := tx.run("UPDATE posts SET updated = max(updated, ?), rev = rev + 1 WHERE id = ?", millis(p.Updated), h.id)
		if err != nil {
			return err
		}
		if err := tx.unindex(h.id, h.indexed); err != nil {
			return err
		}
	}
	return tx.placeOwn(h.id, p, o)
}

// rewritePost changes the row of a post that was edited. The full-text row goes
// in the same transaction, so that nothing finds what was taken away.
func (tx *Tx) rewritePost(h held, p translate.Post, hash []byte, o PutOptions) error {
	author, authorHost, err := tx.authorOf(p)
	if err != nil {
		return err
	}
	if err := tx.noteDeleted(); err != nil { // what the post said before
		return err
	}
	modified := max(millis(o.Received), h.received)
	err = tx.run(`UPDATE posts SET author = ?, author_host = ?, vis = ?, reply_to = ?, boost = ?, hash = ?, updated = ?,
		modified = ?, rev = rev + 1 WHERE id = ?`,
		author, authorHost, visCode(p.Visibility), orNull(p.ReplyTo), orNull(p.Boost), hash, max(millis(p.Updated), h.updated),
		modified, h.id)
	if err != nil {
		return err
	}
	if err := tx.run("UPDATE placements SET modified = ? WHERE uri = ? AND retracted_at = 0", modified, p.URI); err != nil {
		return err
	}
	return tx.unindex(h.id, h.indexed)
}

// unindex takes a post out of the full text and queues it for the indexer.
func (tx *Tx) unindex(id int64, was int) error {
	if was != indexed {
		tx.after.posts = tx.after.posts || was == unindexed
		return nil
	}
	tx.after.posts = true
	if err := tx.run("DELETE FROM posts_fts WHERE rowid = ?", id); err != nil {
		return err
	}
	return tx.run("UPDATE posts SET indexed = 0 WHERE id = ?", id)
}

func (tx *Tx) putBody(id int64, p translate.Post, raw []byte, o PutOptions) error {
	parsed, err := formOf(p)
	if err != nil {
		return err
	}
	return tx.run(`INSERT INTO bodies (post_id, parsed, raw_type, raw) VALUES (?, jsonb(?), ?, ?)
		ON CONFLICT (post_id) DO UPDATE SET parsed = excluded.parsed, raw_type = excluded.raw_type, raw = excluded.raw`,
		id, parsed, o.RawType, tx.store.packer.pack(raw))
}

// placeOwn places a post where p.Item says, unless it was there before: what was
// retracted since only comes back by Place.
func (tx *Tx) placeOwn(id int64, p translate.Post, o PutOptions) error {
	if p.Item == nil {
		return nil
	}
	node, err := tx.putNode(p.Item.Service, p.Item.Node)
	if err != nil {
		return err
	}
	placed, err := tx.exists("SELECT 1 FROM placements WHERE uri = ? AND node_id = ? LIMIT 1", p.URI, node)
	if err != nil || placed {
		return err
	}
	_, err = tx.placeNew(node, id, Placement{
		Service: p.Item.Service, Node: p.Item.Node, ItemID: p.Item.ID,
		URI: p.URI, Publisher: cmp.Or(o.Publisher, p.Owner.JID), Via: o.Via, PlacedAt: o.Received,
	})
	return err
}

// clearSides empties the side tables of a post, but for the addressees that are
// not from it.
func (tx *Tx) clearSides(id int64) error {
	for _, clear := range []string{
		"DELETE FROM tags WHERE post_id = ?",
		"DELETE FROM mentions WHERE post_id = ?",
		"DELETE FROM addressees WHERE post_id = ? AND extra = 0",
	} {
		if err := tx.run(clear, id); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) putTags(id int64, p translate.Post) error {
	for _, t := range p.Tags {
		if tag := foldTag(t); tag != "" {
			if err := tx.run("INSERT OR IGNORE INTO tags (tag, post_id) VALUES (?, ?)", tag, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// putSides fills the side tables of a post.
func (tx *Tx) putSides(id int64, p translate.Post) error {
	if err := tx.putTags(id, p); err != nil {
		return err
	}
	for _, m := range p.Mentions {
		if m.URI != "" {
			if err := tx.run("INSERT OR IGNORE INTO mentions (actor, post_id) VALUES (?, ?)", m.URI, id); err != nil {
				return err
			}
		}
	}
	if visCode(p.Visibility) <= visCode(translate.Unlisted) {
		return nil
	}
	for _, a := range slices.Concat(p.To, p.Cc) {
		if err := tx.run("INSERT OR IGNORE INTO addressees (post_id, actor, extra) VALUES (?, ?, 0)", id, a); err != nil {
			return err
		}
	}
	return nil
}

// addAddressees adds actors who may see a post, whatever its to and cc say.
func (tx *Tx) addAddressees(id int64, actors []string) error {
	for _, a := range actors {
		err := tx.run(`INSERT INTO addressees (post_id, actor, extra) VALUES (?, ?, 1)
			ON CONFLICT DO UPDATE SET extra = 1 WHERE extra = 0`, id, a)
		if err != nil {
			return err
		}
	}
	return nil
}

// AddAddressee lets an actor see a post, whatever its to and cc say.
func (tx *Tx) AddAddressee(uri, actor string) error {
	id, err := one(tx, value[int64], "SELECT id FROM posts WHERE uri = ?", uri)
	if err == nil {
		err = tx.addAddressees(id, []string{actor})
	}
	if err != nil {
		return fmt.Errorf("add addressee of %s: %w", uri, err)
	}
	return nil
}

// Addressees returns who besides the owner may see a post that is not for
// everybody: whom to and cc name, collections too, and who was added.
func (tx *Tx) Addressees(uri string) ([]string, error) {
	return all(tx, value[string], `SELECT a.actor FROM posts p JOIN addressees a ON a.post_id = p.id
		WHERE p.uri = ? ORDER BY a.actor`, uri)
}

// foldTag is the form in which tags are compared.
func foldTag(tag string) string {
	return strings.ReplaceAll(Fold(strings.TrimPrefix(strings.TrimSpace(tag), "#")), " ", "")
}

package cache

import (
	"fmt"
	"time"
)

// Media is a file that exists in XMPP only.
type Media struct {
	ID, Type string
	Bytes    []byte
	Source   string // hash of what it was made from
	Owner    string // actor URI
	At       time.Time
}

// PutMedia stores a file.
func (tx *Tx) PutMedia(m Media) error {
	if m.Bytes == nil {
		m.Bytes = []byte{}
	}
	err := tx.run(`INSERT INTO media (id, type, source, owner, at, bytes) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET type = excluded.type, source = excluded.source, owner = excluded.owner,
			at = excluded.at, bytes = excluded.bytes`,
		m.ID, m.Type, m.Source, m.Owner, millis(m.At), m.Bytes)
	if err != nil {
		return fmt.Errorf("put media %s: %w", m.ID, err)
	}
	return nil
}

// UseMedia notes that a post shows a file. The file is then only for those who
// may see one of its posts, and goes with the last of them.
func (tx *Tx) UseMedia(id, object string) error {
	err := tx.run("INSERT INTO media_uses (object, media) VALUES (?, ?) ON CONFLICT DO NOTHING", object, id)
	if err != nil {
		return fmt.Errorf("use media %s: %w", id, err)
	}
	return nil
}

func scanMedia(r row) (m Media, err error) {
	err = r.Scan(&m.ID, &m.Type, &m.Source, &m.Owner, when{&m.At}, &m.Bytes)
	return m, err
}

const mediaColumns = "SELECT id, type, source, owner, at, bytes FROM media "

// Media returns a file if the viewer may see a post that shows it, or if no
// post does, as with the pictures of profiles.
func (tx *Tx) Media(id string, v Viewer) (Media, error) {
	used, err := tx.exists("SELECT 1 FROM media_uses WHERE media = ? LIMIT 1", id)
	if err != nil {
		return Media{}, err
	}
	if used {
		a, err := tx.audience(v)
		if err != nil {
			return Media{}, err
		}
		where, args := a.where(" AND u.media = ?3 LIMIT 1", id)
		seen, err := tx.exists("SELECT 1 FROM media_uses u CROSS JOIN posts p ON p.uri = u.object"+where, args...)
		if err == nil && !seen {
			err = ErrNotFound
		}
		if err != nil {
			return Media{}, err
		}
	}
	if v.Operator {
		return one(tx, scanMedia, mediaColumns+"WHERE id = ?", id)
	}
	return one(tx, scanMedia, mediaColumns+`WHERE id = ?
		AND (owner = ? OR NOT EXISTS (SELECT 1 FROM hidden WHERE name = owner))`, id, v.Actor)
}

// MediaBySource returns the file that was made from the same bytes by the same
// owner.
func (tx *Tx) MediaBySource(source, owner string) (Media, error) {
	if source == "" {
		return Media{}, ErrNotFound
	}
	return one(tx, scanMedia, mediaColumns+"WHERE source = ? AND owner = ? AND source <> ''", source, owner)
}

// DropPictures deletes the files of an owner that no post shows, such as those
// of a profile, but one, "" for none, and says how many there were.
func (tx *Tx) DropPictures(owner, keep string) (int, error) {
	n, err := tx.exec("DELETE FROM media WHERE owner = ? AND id <> ? AND NOT EXISTS (SELECT 1 FROM media_uses WHERE media = media.id)",
		owner, keep)
	if err == nil && n > 0 {
		err = tx.noteDeleted()
	}
	if err != nil {
		return 0, fmt.Errorf("drop pictures of %s: %w", owner, err)
	}
	return int(n), nil
}

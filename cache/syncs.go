package cache

import "time"

// SyncState is how a sync stands.
type SyncState string

// The states of syncs.
const (
	SyncRunning SyncState = "running"
	SyncDone    SyncState = "done"
	SyncFailed  SyncState = "failed"
	SyncStopped SyncState = "stopped"
)

// Sync is a history that is fetched to its end: of the actor Target, a URI, or
// of Node at the service Target, a JID.
type Sync struct {
	Target, Node         string
	State                SyncState
	Cursor               string // the page that is next; "" is the first
	Mark                 string // a page from before, to notice pages that go round
	Pages, Seen, Fresh   int    // pages read, posts in them, and which of those were new or edited
	Note                 string // what is in the way
	StartedAt, UpdatedAt time.Time
}

const syncColumns = "SELECT target, node, state, cursor, mark, pages, seen, fresh, note, started_at, updated_at FROM syncs "

func scanSync(r row) (s Sync, err error) {
	err = r.Scan(&s.Target, &s.Node, &s.State, &s.Cursor, &s.Mark, &s.Pages, &s.Seen, &s.Fresh, &s.Note,
		when{&s.StartedAt}, when{&s.UpdatedAt})
	return s, err
}

// PutSync stores a sync.
func (tx *Tx) PutSync(s Sync) error {
	return tx.run(`INSERT INTO syncs (target, node, state, cursor, mark, pages, seen, fresh, note, started_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, cursor = excluded.cursor,
		mark = excluded.mark, pages = excluded.pages, seen = excluded.seen, fresh = excluded.fresh, note = excluded.note,
		started_at = excluded.started_at, updated_at = excluded.updated_at`,
		s.Target, s.Node, string(s.State), s.Cursor, s.Mark, s.Pages, s.Seen, s.Fresh, s.Note, millis(s.StartedAt), millis(s.UpdatedAt))
}

// Sync returns a sync.
func (tx *Tx) Sync(target, node string) (Sync, error) {
	return one(tx, scanSync, syncColumns+"WHERE target = ? AND node = ?", target, node)
}

// Syncs returns the syncs, those that changed last first.
func (tx *Tx) Syncs() ([]Sync, error) {
	return all(tx, scanSync, syncColumns+"ORDER BY updated_at DESC LIMIT 500")
}

// SyncSaw notes items that a sync of a node has read.
func (tx *Tx) SyncSaw(target, node string, items []string) error {
	for _, item := range items {
		if err := tx.run("INSERT OR IGNORE INTO sync_seen (target, node, item) VALUES (?, ?, ?)", target, node, item); err != nil {
			return err
		}
	}
	return nil
}

// ForgetSyncSeen forgets what SyncSaw noted.
func (tx *Tx) ForgetSyncSeen(target, node string) error {
	return tx.run("DELETE FROM sync_seen WHERE target = ? AND node = ?", target, node)
}

// SyncMissing returns the posts of an owner that a sync which read a node to its
// end has not seen, though the node holds what changed longer ago: they were
// retracted. What is older than all that is held was only dropped (design:
// deletes), and what was placed after the sync began may be there.
func (tx *Tx) SyncMissing(target, node, owner string, began time.Time) ([]string, error) {
	return all(tx, value[string], `WITH
		live AS (SELECT p.uri, p.owner, l.placed_at, max(p.published, p.updated) AS changed,
				EXISTS (SELECT 1 FROM sync_seen WHERE target = ?1 AND node = ?2 AND item = l.item) AS seen
			FROM placements l JOIN posts p ON p.id = l.post_id
			WHERE l.node_id = (SELECT id FROM nodes WHERE service = ?1 AND name = ?2) AND l.retracted_at = 0)
		SELECT uri FROM live WHERE NOT seen AND owner = ?3 AND placed_at < ?4
			AND changed > (SELECT min(changed) FROM live WHERE seen AND changed > 0)
		ORDER BY uri`, target, node, owner, millis(began))
}

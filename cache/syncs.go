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

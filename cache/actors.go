package cache

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// Actor is a remote actor.
type Actor struct {
	URI  string
	Acct string // user@host, verified by WebFinger
	JID  string // read only: its binding (see Bind)
	Type string

	Name, Summary, URL             string
	Inbox, SharedInbox, Outbox     string
	Followers, Following, Featured string
	IconURL, IconType, ImageURL    string
	ManuallyApproves               bool
	Discoverable, Indexable        bool
	Fields                         []Field
	Software                       string
	Raw                            []byte
	FetchedAt, Published, GoneAt   time.Time
	BoundAt                        time.Time // read only
}

const actorColumns = `a.uri, a.acct, coalesce(b.jid, ''), a.type, a.name, a.summary, a.url, a.inbox, a.shared_inbox,
	a.outbox, a.followers, a.following, a.featured, a.icon_url, a.icon_type, a.image_url, a.manually_approves,
	a.discoverable, a.indexable, a.fields, a.software, a.raw, a.fetched_at, a.published, a.gone_at, coalesce(b.bound_at, 0)`

const actorTables = ` FROM actors a LEFT JOIN bindings b ON b.uri = a.uri AND b.ended_at = 0 `

func (s *Store) scanActor(r row) (a Actor, err error) {
	var fields, raw []byte
	err = r.Scan(&a.URI, &a.Acct, &a.JID, &a.Type, &a.Name, &a.Summary, &a.URL, &a.Inbox, &a.SharedInbox,
		&a.Outbox, &a.Followers, &a.Following, &a.Featured, &a.IconURL, &a.IconType, &a.ImageURL, &a.ManuallyApproves,
		&a.Discoverable, &a.Indexable, &fields, &a.Software, &raw, when{&a.FetchedAt}, when{&a.Published}, when{&a.GoneAt},
		when{&a.BoundAt})
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(fields, &a.Fields); err != nil {
		return a, fmt.Errorf("fields of %s: %w", a.URI, err)
	}
	if a.Raw, err = s.packer.unpack(raw); err != nil {
		return a, fmt.Errorf("document of %s: %w", a.URI, err)
	}
	return a, nil
}

// PutActor creates or changes the remote actor with its URI. A changed inbox
// reaches the follows that deliver to it.
func (tx *Tx) PutActor(a Actor) error {
	if a.URI == "" {
		return errors.New("put actor: URI is needed")
	}
	tx.wrote(heldActor, "")
	fields, err := toJSON(a.Fields)
	if err != nil {
		return fmt.Errorf("put actor %s: %w", a.URI, err)
	}
	if err := tx.seeHost(hostOf(a.URI)); err != nil {
		return fmt.Errorf("put actor %s: %w", a.URI, err)
	}
	err = tx.run(`INSERT INTO actors (uri, acct, type, name, name_key, summary, url, inbox, shared_inbox, outbox,
			followers, following, featured, icon_url, icon_type, image_url, manually_approves, discoverable, indexable,
			fields, software, raw, fetched_at, published, gone_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (uri) DO UPDATE SET acct = excluded.acct, type = excluded.type, name = excluded.name,
			name_key = excluded.name_key, summary = excluded.summary, url = excluded.url, inbox = excluded.inbox,
			shared_inbox = excluded.shared_inbox, outbox = excluded.outbox, followers = excluded.followers,
			following = excluded.following, featured = excluded.featured, icon_url = excluded.icon_url,
			icon_type = excluded.icon_type, image_url = excluded.image_url,
			manually_approves = excluded.manually_approves, discoverable = excluded.discoverable,
			indexable = excluded.indexable, fields = excluded.fields, software = excluded.software,
			raw = excluded.raw, fetched_at = excluded.fetched_at, published = excluded.published,
			gone_at = excluded.gone_at`,
		a.URI, a.Acct, a.Type, a.Name, Fold(a.Name), a.Summary, a.URL, a.Inbox, a.SharedInbox, a.Outbox,
		a.Followers, a.Following, a.Featured, a.IconURL, a.IconType, a.ImageURL, a.ManuallyApproves, a.Discoverable, a.Indexable,
		fields, a.Software, tx.store.packer.pack(a.Raw), millis(a.FetchedAt), millis(a.Published), millis(a.GoneAt))
	if err == nil {
		err = tx.indexPerson("actors", a.URI, a.Name, a.Acct, a.Summary)
	}
	if err == nil {
		inbox := deliveryInbox(a)
		err = tx.run("UPDATE follows SET inbox = ? WHERE follower = ? AND inbox <> ?", inbox, a.URI, inbox)
	}
	if err != nil {
		return fmt.Errorf("put actor %s: %w", a.URI, err)
	}
	return nil
}

// deliveryInbox is where posts for a follower go (D2).
func deliveryInbox(a Actor) string {
	if !a.GoneAt.IsZero() {
		return ""
	}
	if a.SharedInbox != "" {
		return a.SharedInbox
	}
	return a.Inbox
}

// SetActorGone notes that an actor does not exist any more: nothing is
// delivered to it. The zero time takes it back.
func (tx *Tx) SetActorGone(uri string, at time.Time) error {
	a, err := tx.ActorByURI(uri)
	if err != nil {
		return fmt.Errorf("set actor %s gone: %w", uri, err)
	}
	a.GoneAt = at
	return tx.PutActor(a)
}

// ActorByURI returns the remote actor with that id.
func (tx *Tx) ActorByURI(uri string) (Actor, error) {
	read := func() (Actor, error) {
		return one(tx, tx.store.scanActor, "SELECT "+actorColumns+actorTables+"WHERE a.uri = ?", uri)
	}
	a, err := remembered(tx, heldKey{heldActor, uri}, read)
	a.Fields = slices.Clone(a.Fields) // the caller's own
	return a, err
}

// ActorByJID returns the remote actor that a JID of ours is bound to.
func (tx *Tx) ActorByJID(jid string) (Actor, error) {
	a, err := remembered(tx, heldKey{heldActor, "\n" + jid}, func() (Actor, error) {
		return one(tx, tx.store.scanActor, "SELECT "+actorColumns+` FROM bindings b CROSS JOIN actors a ON a.uri = b.uri
			WHERE b.jid = ? AND b.ended_at = 0`, jid)
	})
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

// ActorByAcct returns the remote actor with that handle, the one fetched last
// if several had it.
func (tx *Tx) ActorByAcct(acct string) (Actor, error) {
	return one(tx, tx.store.scanActor, "SELECT "+actorColumns+actorTables+`WHERE a.acct = ?
		ORDER BY a.gone_at > 0, a.fetched_at DESC LIMIT 1`, acct)
}

// ActorsAt returns the remote actors whose own inbox that is, and none for a
// shared one.
func (tx *Tx) ActorsAt(inbox string) ([]string, error) {
	return all(tx, value[string], "SELECT uri FROM actors WHERE inbox = ?1 AND ?1 <> '' ORDER BY uri LIMIT 1000", inbox)
}

// HostInbox is an inbox on a host: a shared one, or that of any actor who still
// lives there; "" when nobody is known. It is where a Delete goes when the
// followers it once reached have left.
func (tx *Tx) HostInbox(host string) (string, error) {
	for _, which := range []string{"shared_inbox <> ''", "inbox <> ''"} {
		for _, scheme := range []string{"https://", "http://"} {
			a, err := one(tx, tx.store.scanActor, "SELECT "+actorColumns+actorTables+"WHERE a.uri >= ? AND a.uri < ? AND a.gone_at = 0 AND a."+
				which+" LIMIT 1", scheme+host+"/", scheme+host+"0") // "0" follows "/"
			if err == nil {
				return deliveryInbox(a), nil
			}
			if !errors.Is(err, ErrNotFound) {
				return "", fmt.Errorf("find an inbox on %s: %w", host, err)
			}
		}
	}
	return "", nil
}

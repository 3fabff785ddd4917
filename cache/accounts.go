package cache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// AccountKind is what an account stands for.
type AccountKind string

// The kinds of accounts.
const (
	Person AccountKind = "person"
	Node   AccountKind = "node"
)

// AccountState is how far an account takes part (design §3, consent).
type AccountState string

// The states of accounts.
const (
	Linked       AccountState = "linked"   // publishes
	FollowerOnly AccountState = "follower" // follows others, empty outbox
	Paused       AccountState = "paused"   // hidden for now
	Unlinked     AccountState = "unlinked" // left; its URI answers 410
)

// Access is who may read a node, as last proved.
type Access string

// The kinds of access.
const (
	AccessUnknown   Access = "unknown"
	AccessOpen      Access = "open"
	AccessPresence  Access = "presence"  // those who see its owner's presence
	AccessAuthorize Access = "authorize" // those whom its owner let in
	AccessClosed    Access = "closed"    // nobody whom we know
)

// Field is a line of a profile.
type Field struct {
	Name       string    `json:"name"`
	Value      string    `json:"value"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// Reach is the health record of the way to a user's node (design §5).
type Reach struct {
	Rung      string    `json:"rung,omitempty"`
	Proof     time.Time `json:"proof,omitzero"` // who may read it was shown
	Event     time.Time `json:"event,omitzero"` // last event that came by itself
	Pull      time.Time `json:"pull,omitzero"`
	Comments  time.Time `json:"comments,omitzero"` // when those of its newest posts were asked for
	Item      string    `json:"item,omitempty"`    // newest item seen
	Error     string    `json:"error,omitempty"`
	ErrorAt   time.Time `json:"error_at,omitzero"`
	Subscribe time.Time `json:"subscribe,omitzero"` // when the gateway's own JID subscribed
}

// Account is an actor of ours: an XMPP person or a node.
type Account struct {
	URI        string // the actor's id; the primary key
	Acct       string // user@host
	Generation int    // 1, and one more for each link after an unlink
	JID        string // bare
	Node       string // "" for a person
	Kind       AccountKind
	State      AccountState

	PrivateKeyPEM, PublicKeyPEM string

	Name, Summary           string
	IconURL, IconType       string
	ImageURL                string
	Fields                  []Field
	ManuallyApproves        bool
	FollowersOnly           time.Time // since when followers get what is not for everybody; zero: they do not
	Discoverable, Indexable bool
	Access                  Access
	LinkedAt, CreatedAt     time.Time
	UpdatedAt, UnlinkedAt   time.Time
	Reach                   Reach // written by SetReach only, once the account exists
}

// AccountQuery selects accounts; zero fields select all.
type AccountQuery struct {
	States []AccountState
	JID    string
	After  string // URI of the last account of the page before
	Limit  int    // 0: 100
}

const accountColumns = `uri, acct, generation, jid, node, kind, state, private_pem, public_pem,
	name, summary, icon_url, icon_type, image_url, fields, manually_approves, discoverable,
	indexable, access, linked_at, created_at, updated_at, unlinked_at, reach, followers_only`

func scanAccount(r row) (a Account, err error) {
	var fields, reach []byte
	err = r.Scan(&a.URI, &a.Acct, &a.Generation, &a.JID, &a.Node, &a.Kind, &a.State, &a.PrivateKeyPEM, &a.PublicKeyPEM,
		&a.Name, &a.Summary, &a.IconURL, &a.IconType, &a.ImageURL, &fields, &a.ManuallyApproves, &a.Discoverable,
		&a.Indexable, &a.Access, when{&a.LinkedAt}, when{&a.CreatedAt}, when{&a.UpdatedAt}, when{&a.UnlinkedAt}, &reach,
		when{&a.FollowersOnly})
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(fields, &a.Fields); err != nil {
		return a, fmt.Errorf("fields of %s: %w", a.URI, err)
	}
	if err := json.Unmarshal(reach, &a.Reach); err != nil {
		return a, fmt.Errorf("reach of %s: %w", a.URI, err)
	}
	return a, nil
}

// PutAccount creates or changes the account with its URI, and remembers its
// handle. Reach is only stored when the account is new.
func (tx *Tx) PutAccount(a Account) error {
	if a.URI == "" || a.Acct == "" || a.JID == "" {
		return errors.New("put account: URI, Acct and JID are needed")
	}
	fields, err := toJSON(a.Fields)
	if err != nil {
		return fmt.Errorf("put account %s: %w", a.URI, err)
	}
	reach, err := toJSON(a.Reach)
	if err != nil {
		return fmt.Errorf("put account %s: %w", a.URI, err)
	}
	tx.wrote(heldAccount, "")
	err = tx.run(`INSERT INTO accounts (`+accountColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (uri) DO UPDATE SET acct = excluded.acct, generation = excluded.generation, jid = excluded.jid,
			node = excluded.node, kind = excluded.kind, state = excluded.state, private_pem = excluded.private_pem,
			public_pem = excluded.public_pem, name = excluded.name, summary = excluded.summary,
			icon_url = excluded.icon_url, icon_type = excluded.icon_type, image_url = excluded.image_url,
			fields = excluded.fields, manually_approves = excluded.manually_approves,
			discoverable = excluded.discoverable, indexable = excluded.indexable, access = excluded.access,
			linked_at = excluded.linked_at, created_at = excluded.created_at, updated_at = excluded.updated_at,
			unlinked_at = excluded.unlinked_at, followers_only = excluded.followers_only`,
		a.URI, a.Acct, max(a.Generation, 1), a.JID, a.Node, string(a.Kind), string(a.State), a.PrivateKeyPEM, a.PublicKeyPEM,
		a.Name, a.Summary, a.IconURL, a.IconType, a.ImageURL, fields, a.ManuallyApproves, a.Discoverable,
		a.Indexable, string(a.Access), millis(a.LinkedAt), millis(a.CreatedAt), millis(a.UpdatedAt), millis(a.UnlinkedAt), reach,
		millis(a.FollowersOnly))
	if err != nil {
		return fmt.Errorf("put account %s: %w", a.URI, err)
	}
	if err := tx.hideAccount(a.URI, a.State); err != nil {
		return fmt.Errorf("put account %s: %w", a.URI, err)
	}
	if err := tx.indexPerson("accounts", a.URI, a.Name, a.Acct, a.Summary); err != nil {
		return fmt.Errorf("put account %s: %w", a.URI, err)
	}
	return tx.RememberHandle(a.Acct, a.JID, a.Node, a.CreatedAt)
}

// SetReach stores the health record of an account.
func (tx *Tx) SetReach(uri string, r Reach) error {
	reach, err := toJSON(r)
	if err != nil {
		return fmt.Errorf("set reach of %s: %w", uri, err)
	}
	tx.wrote(heldAccount, "")
	return tx.must("UPDATE accounts SET reach = ? WHERE uri = ?", reach, uri)
}

// SetAccountState moves an account to another state.
func (tx *Tx) SetAccountState(uri string, s AccountState, at time.Time) error {
	unlinked := int64(0)
	if s == Unlinked {
		unlinked = millis(at)
	}
	tx.wrote(heldAccount, "")
	err := tx.must("UPDATE accounts SET state = ?, updated_at = ?, unlinked_at = ? WHERE uri = ?",
		string(s), millis(at), unlinked, uri)
	if err != nil {
		return fmt.Errorf("set state of %s: %w", uri, err)
	}
	return tx.hideAccount(uri, s)
}

// hideAccount makes the audience condition follow the state of the account.
func (tx *Tx) hideAccount(uri string, s AccountState) error {
	if s == Paused || s == Unlinked {
		return tx.run("INSERT OR IGNORE INTO hidden (name, why) VALUES (?, 'account')", uri)
	}
	return tx.run("DELETE FROM hidden WHERE name = ? AND why = 'account'", uri)
}

// AccountByURI returns the account with that actor id.
func (tx *Tx) AccountByURI(uri string) (Account, error) {
	a, err := remembered(tx, heldKey{heldAccount, uri}, func() (Account, error) {
		return one(tx, scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE uri = ?", uri)
	})
	a.Fields = slices.Clone(a.Fields) // the caller's own
	return a, err
}

// AccountByAcct returns the latest generation of user@host.
func (tx *Tx) AccountByAcct(acct string) (Account, error) {
	return one(tx, scanAccount, "SELECT "+accountColumns+` FROM accounts WHERE acct = ?
		ORDER BY generation DESC LIMIT 1`, acct)
}

// AccountByJID returns the latest generation of a person (node "") or node.
func (tx *Tx) AccountByJID(jid, node string) (Account, error) {
	a, err := remembered(tx, heldKey{heldAccount, jid + "\n" + node}, func() (Account, error) {
		return one(tx, scanAccount, "SELECT "+accountColumns+` FROM accounts WHERE jid = ? AND node = ?
			ORDER BY generation DESC LIMIT 1`, jid, node)
	})
	a.Fields = slices.Clone(a.Fields)
	return a, err
}

// Accounts returns a page of accounts in the order of their URIs.
func (tx *Tx) Accounts(q AccountQuery) ([]Account, error) {
	where, args := "uri > ?", []any{q.After}
	if q.JID != "" {
		where, args = where+" AND jid = ?", append(args, q.JID)
	}
	if len(q.States) > 0 {
		where += " AND state IN (?" + strings.Repeat(", ?", len(q.States)-1) + ")"
		for _, s := range q.States {
			args = append(args, string(s))
		}
	}
	args = append(args, limitOr(q.Limit, 100))
	return all(tx, scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE "+where+" ORDER BY uri LIMIT ? + 0", args...)
}

// CountAccounts counts the accounts in a state, or all for "".
func (tx *Tx) CountAccounts(s AccountState) (int, error) {
	if s == "" {
		return tx.count("SELECT count(*) FROM accounts")
	}
	return tx.count("SELECT count(*) FROM accounts WHERE state = ?", string(s))
}

// RememberHandle stores what a handle stands for, so that it resolves for ever
// (design §2). A handle that stands for something else is an ErrConflict.
func (tx *Tx) RememberHandle(acct, jid, node string, at time.Time) error {
	n, err := tx.exec(`INSERT INTO handles (acct, jid, node, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (acct) DO UPDATE SET acct = acct WHERE jid = excluded.jid AND node = excluded.node`,
		acct, jid, node, millis(at))
	if err == nil && n == 0 {
		err = ErrConflict
	}
	if err != nil {
		return fmt.Errorf("remember handle %s: %w", acct, err)
	}
	return nil
}

// Handle returns what a handle that was given out stands for.
func (tx *Tx) Handle(acct string) (jid, node string, err error) {
	type pair struct{ jid, node string }
	p, err := one(tx, func(r row) (p pair, err error) {
		err = r.Scan(&p.jid, &p.node)
		return p, err
	}, "SELECT jid, node FROM handles WHERE acct = ?", acct)
	return p.jid, p.node, err
}

// must runs a statement that has to change a row.
func (tx *Tx) must(query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// toJSON encodes what goes into a column; text that is not UTF-8 is repaired.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v, lenientText)
	return string(b), err
}

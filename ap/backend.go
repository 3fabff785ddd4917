package ap

import (
	"context"
	"crypto/rsa"
	"net/http"

	"isthmus/ap/as2"
)

// Backend is what the server needs to know about the world behind it. An error
// that has a method HTTPStatus() int is answered with that status, any other
// with 503: our own trouble is never the peer's fault (S7).
type Backend interface {
	Inbox
	Documents
}

// Inbox takes what peers send.
type Inbox interface {
	// PublicKey finds a key and its owner, from a cache or from its origin;
	// refresh asks the origin again, as far as the backend's own limits allow.
	// The owner's actor document lists the key (S5). A key whose origin answers
	// 410 is an error with that status; one whose origin cannot be reached now
	// is an error with a status of 500 or more, or with none.
	PublicKey(ctx context.Context, keyID string, refresh bool) (PublicKey, error)
	// KeyAtHand is a key that is known already, without asking anybody.
	KeyAtHand(ctx context.Context, keyID string) (PublicKey, bool)
	// Blocked tells whether nothing is taken from, nor shown to, this host.
	Blocked(ctx context.Context, host string) bool
	// Known tells whether we ever heard of this remote actor (V5).
	Known(ctx context.Context, actor string) bool
	// Receive stores an activity whose signature has been verified, and whose
	// actor is the signer, and queues the work. A repeat is no error (D7).
	Receive(ctx context.Context, in Incoming) error
}

// Documents answers for the ids that we gave out. A document is anything that
// as2.Marshal writes, or []byte that go out as they are. With an error of
// status 410 the document, if any, is the Tombstone that goes with it.
type Documents interface {
	Actor(ctx context.Context, q Lookup) (any, error)
	InstanceActor(ctx context.Context, host string) (any, error)
	Object(ctx context.Context, q Lookup) (any, error)
	// Creation is the Create of an object, as the outbox lists it.
	Creation(ctx context.Context, q Lookup) (any, error)
	Activity(ctx context.Context, q Lookup) (any, error)
	// Collection is one of an actor or object; without acct it is the instance
	// actor's.
	Collection(ctx context.Context, q CollectionLookup) (any, error)
}

// Pages are what people see. Their parameters have been unescaped once.
type Pages interface {
	ActorPage(w http.ResponseWriter, r *http.Request, acct string)
	PostPage(w http.ResponseWriter, r *http.Request, acct, id string)
	Media(w http.ResponseWriter, r *http.Request, id string)
}

// PublicKey is a key with the actor that it proves.
type PublicKey struct {
	ID    string
	Owner string // the actor's id
	Key   *rsa.PublicKey
}

// Incoming is an activity whose signature has been verified.
type Incoming struct {
	Body   []byte      // the bytes that the signature covers (S15)
	Object *as2.Object // the same, parsed
	Signer string      // the actor's id
	Host   string      // the host of ours that it was sent to
	Target string      // the acct whose inbox it came to; empty: the shared inbox
	Digest [32]byte    // SHA-256 of Body
	// Gone is set on the Delete of an actor whose key its origin has answered
	// with 410: the origin's word stands for the signature (V5).
	Gone bool
}

// Lookup asks for one document.
type Lookup struct {
	Host   string // as the peer asked for it, lower case, without default port
	Acct   string // of an actor or an object: user@host
	ID     string // of an object or an activity
	Viewer string // id of the actor that a signature proves; empty: anybody
	// KeyOnly asks for no more of an actor than is needed to verify its
	// signatures (A16).
	KeyOnly bool
	// Page: the address of the actor's page was asked for, which outlives the
	// actor.
	Page bool
}

// CollectionKind is which collection is asked for.
type CollectionKind string

// The collections of actors and, from Replies on, of objects.
const (
	Outbox    CollectionKind = "outbox"
	Followers CollectionKind = "followers"
	Following CollectionKind = "following"
	Featured  CollectionKind = "featured"
	Replies   CollectionKind = "replies"
	Likes     CollectionKind = "likes"
	Shares    CollectionKind = "shares"
)

// CollectionLookup asks for a collection, or for a page of one.
type CollectionLookup struct {
	Lookup
	Kind CollectionKind
	// Page is the cursor of a page, as it stands in our own first and next
	// links: {collection}?page={cursor}. Paged is false for the collection.
	Page  string
	Paged bool
}

package cache

import (
	"time"

	"isthmus/translate"
)

// AccountKind is what an account stands for.
type AccountKind string

// The kinds of accounts.
const (
	Person AccountKind = "person"
	Node   AccountKind = "node"
)

// AccountState is how far an account takes part (design: consent).
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
	AccessUnknown Access = "unknown"
	AccessOpen    Access = "open"
	AccessClosed  Access = "closed"
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
	Proof     time.Time `json:"proof,omitzero"` // a stranger could read it
	Event     time.Time `json:"event,omitzero"` // last event that came by itself
	Pull      time.Time `json:"pull,omitzero"`
	Item      string    `json:"item,omitempty"` // newest item seen
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
	Discoverable, Indexable bool
	Access                  Access
	LinkedAt, CreatedAt     time.Time
	UpdatedAt, UnlinkedAt   time.Time
	Reach                   Reach
}

// AccountQuery selects accounts; zero fields select all.
type AccountQuery struct {
	States []AccountState
	JID    string
	After  string // URI of the last account of the page before
	Limit  int    // 0: 100
}

// Actor is a remote actor.
type Actor struct {
	URI  string
	Acct string // user@host, verified by WebFinger
	JID  string // read only: its binding (see Bind)
	Type string

	Name, Summary, URL                    string
	Inbox, SharedInbox, Outbox            string
	Followers, Following, Featured        string
	IconURL, IconType, ImageURL           string
	ManuallyApproves                      bool
	Discoverable, Indexable               bool
	Fields                                []Field
	Software                              string
	Raw                                   []byte
	FetchedAt, Published, GoneAt, BoundAt time.Time // BoundAt is read only
}

// Binding ties a JID of ours to a remote actor (design §2).
type Binding struct {
	JID, URI string
	BoundAt  time.Time
	EndedAt  time.Time // zero while it holds
}

// RemoteKey is a public key of a remote actor.
type RemoteKey struct {
	ID, Owner, PEM string
	FetchedAt      time.Time
	FailedUntil    time.Time // no new fetch before this
}

// Host is what we know of a remote host.
type Host struct {
	Name         string
	Software     string
	Knock        string    // dialect of signatures that it took last
	FailingSince time.Time // zero while it works
	Failures     int       // in a row
	CircuitUntil time.Time // no job for it is leased before this
	LastInbound  time.Time
}

// FollowState is the state of a follow.
type FollowState string

// The states of follows.
const (
	FollowPending  FollowState = "pending"
	FollowAccepted FollowState = "accepted"
	FollowRejected FollowState = "rejected"
)

// Follow is an edge; both ends are actor URIs.
type Follow struct {
	ID                 int64 // row number, the cursor of pages
	Follower, Followee string
	State              FollowState
	ActivityID         string // of the Follow
	Meta               string // free text of the gateway
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// Subscription is a subscription to a pubsub node that is not a follow.
type Subscription struct {
	Service, Node, JID string
	SubID              string
	CreatedAt          time.Time
}

// Viewer is who asks. The zero value is a stranger.
type Viewer struct {
	Actor    string // actor URI, proven
	Operator bool   // sees everything
}

// Width narrows a listing by audience, on top of what the viewer may see.
type Width int

// The widths of listings.
const (
	AnyWidth         Width = iota // all that the viewer may see
	PublicOnly                    // search, tags
	PublicOrUnlisted              // open nodes
)

// Stored is a post as the store has it.
type Stored struct {
	ID       int64 // follows the sort date (design §7)
	Post     translate.Post
	Received time.Time
	Modified time.Time  // when the store last saw it change
	Item     *Placement // the placement through which it was read, if any
}

// Change is what PutPost did.
type Change string

// The changes.
const (
	Created Change = "created"
	Updated Change = "updated"
	Same    Change = "same"
)

// PutOptions go with a post that is put.
type PutOptions struct {
	Received   time.Time
	Addressees []string // actors, besides to and cc, who may see it (personal inbox)
	RawType    string   // media type of raw; "" is activity+json
}

// Placement says where a post appears in XMPP.
type Placement struct {
	Service, Node, ItemID string
	URI                   string
	Publisher             string // bare JID
	Life                  int    // 1, and one more after each retract
	Via                   string // how it came to be there; free text of the gateway
	PlacedAt              time.Time
	RetractedAt           time.Time // zero while it is there
}

// Tombstone is what is left of a deleted post.
type Tombstone struct {
	URI, Owner string
	Kind       translate.Kind
	Origin     translate.Origin
	Visibility translate.Visibility
	By         string
	DeletedAt  time.Time
}

// Removed is a post that DeletePost removed, and where it was.
type Removed struct {
	Tombstone
	Placements []Placement // that were live
}

// Page asks for a part of a list ordered by (sort date, id).
type Page struct {
	Before, After int64 // exclusive; 0: open
	Limit         int   // 0: 20
	Ascending     bool  // oldest first, counted from After; else newest first, counted from Before
	Width         Width
}

// ItemQuery asks for items of a node. Cursors are item ids.
type ItemQuery struct {
	Service, Node string
	Viewer        Viewer
	Width         Width
	Before, After string // item ids, exclusive; unknown or invisible: ErrNotFound
	Index         *int   // start at this position instead
	Limit         int    // 0: 20; negative: none, count only
	Ascending     bool   // oldest first
	ByModified    bool   // order by last change instead of sort date
	Count         bool   // fill Count and Index of the answer
}

// ItemPage is a page of items.
type ItemPage struct {
	Items []Stored
	Count int // visible items of the node, if asked
	Index int // position of the first item of the page in ascending order, or in descending order if not Ascending
}

// Counts are the public numbers of a post.
type Counts struct {
	Replies, Likes, Boosts, Reactions int
}

// ReactionKind is the kind of a reaction.
type ReactionKind string

// The kinds of reactions.
const (
	Like  ReactionKind = "like"
	Emoji ReactionKind = "emoji"
)

// Reaction is a like or an emoji of an actor on an object.
type Reaction struct {
	Actor, Object string
	Kind          ReactionKind
	Content       string // the emoji; "" for a like
	Activity      string // id of the Like
	HeartItem     string // item id of the comment that shows it
	Origin        translate.Origin
	CreatedAt     time.Time
}

// Activity is an activity that came or went.
type Activity struct {
	ID      string
	Actor   string
	Type    string
	Object  string // URI; its deletion takes the body away
	State   string
	Inbound bool
	Raw     []byte // nil when the object was deleted
	At      time.Time
}

// Message maps a chat message to an object.
type Message struct {
	ID     string // stanza or origin id
	Our    string // bare JID of ours
	User   string // bare JID of the user
	Object string // URI
	Origin translate.Origin
	Thread string
	At     time.Time
}

// Block hides an owner from a target.
type Block struct {
	Owner     string // actor URI; "" for everybody (the operator's)
	Target    string // actor URI, or a domain with its subdomains
	Reason    string
	CreatedAt time.Time
}

// Media is a file that exists in XMPP only.
type Media struct {
	ID, Type string
	Bytes    []byte
	Source   string // hash of what it was made from
	Owner    string // actor URI
	At       time.Time
}

package cache

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"isthmus/translate"
)

var errNotYet = errors.New("not written yet")

// Store is the open store.
type Store struct{}

// Tx is a transaction. It is only valid inside the function that it is given to.
type Tx struct{}

// Open opens or creates the store at path, migrates it, and locks it for this process.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) { return nil, errNotYet }

// Close ends the writer, and the indexer, and unlocks the file.
func (s *Store) Close() error { return errNotYet }

// Update runs fn in a read-write transaction and returns when it is committed.
// If fn fails or panics only its own changes are rolled back. It must not call
// Update or View of the same store.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error { return errNotYet }

// View runs fn on a snapshot.
func (s *Store) View(ctx context.Context, fn func(tx *Tx) error) error { return errNotYet }

// JobsReady is signalled after a commit that enqueued jobs.
func (s *Store) JobsReady() <-chan struct{} { return nil }

// Index indexes all posts that wait for it; the store does so by itself within a second.
func (s *Store) Index(ctx context.Context) error { return errNotYet }

// Check runs SQLite's integrity check and our own.
func (s *Store) Check(ctx context.Context) error { return errNotYet }

// Stats measures the store.
func (s *Store) Stats(ctx context.Context) (Stats, error) { return Stats{}, errNotYet }

// Checkpoint writes the log back into the database file.
func (s *Store) Checkpoint(ctx context.Context) error { return errNotYet }

// Backup writes a consistent copy to a new file.
func (s *Store) Backup(ctx context.Context, path string) error { return errNotYet }

// Durable makes Update return only after the commit reached the disk, so that
// it survives power loss too. Use it before answering for accepted work.
func (tx *Tx) Durable() {}

// Meta.

func (tx *Tx) Meta(key string) (string, error)                                { return "", errNotYet }
func (tx *Tx) SetMeta(key, value string) error                                { return errNotYet }
func (tx *Tx) Pin(key, value string) error                                    { return errNotYet }      // *PinError
func (tx *Tx) Secret(name string, size int, random io.Reader) ([]byte, error) { return nil, errNotYet } // made at first use

// Accounts.

func (tx *Tx) PutAccount(a Account) error                                     { return errNotYet } // by URI; remembers its handle; Reach is not touched when it exists
func (tx *Tx) SetReach(uri string, r Reach) error                             { return errNotYet }
func (tx *Tx) SetAccountState(uri string, s AccountState, at time.Time) error { return errNotYet }
func (tx *Tx) AccountByURI(uri string) (Account, error)                       { return Account{}, errNotYet }
func (tx *Tx) AccountByAcct(acct string) (Account, error)                     { return Account{}, errNotYet } // latest generation
func (tx *Tx) AccountByJID(jid, node string) (Account, error)                 { return Account{}, errNotYet } // latest generation
func (tx *Tx) Accounts(q AccountQuery) ([]Account, error)                     { return nil, errNotYet }
func (tx *Tx) CountAccounts(s AccountState) (int, error)                      { return 0, errNotYet }
func (tx *Tx) RememberHandle(acct, jid, node string, at time.Time) error      { return errNotYet } // ErrConflict if it means another
func (tx *Tx) Handle(acct string) (jid, node string, err error)               { return "", "", errNotYet }

// Actors.

func (tx *Tx) PutActor(a Actor) error                                 { return errNotYet }
func (tx *Tx) ActorByURI(uri string) (Actor, error)                   { return Actor{}, errNotYet }
func (tx *Tx) ActorByJID(jid string) (Actor, error)                   { return Actor{}, errNotYet }
func (tx *Tx) ActorByAcct(acct string) (Actor, error)                 { return Actor{}, errNotYet }
func (tx *Tx) SearchActors(prefix string, limit int) ([]Actor, error) { return nil, errNotYet } // name or acct; discoverable first
func (tx *Tx) SetActorGone(uri string, at time.Time) error            { return errNotYet }
func (tx *Tx) Bind(jid, uri string, at time.Time) (Binding, error)    { return Binding{}, errNotYet } // the binding that uri has; ErrConflict + the other's if jid is taken
func (tx *Tx) Rebind(jid, uri string, at time.Time) (old Binding, err error) {
	return Binding{}, errNotYet
}
func (tx *Tx) Bindings(jid string) ([]Binding, error) { return nil, errNotYet } // newest first, old ones too

// Keys and hosts.

func (tx *Tx) PutKey(k RemoteKey) error                 { return errNotYet }
func (tx *Tx) Key(id string) (RemoteKey, error)         { return RemoteKey{}, errNotYet }
func (tx *Tx) KeysOf(owner string) ([]RemoteKey, error) { return nil, errNotYet }
func (tx *Tx) DeleteKey(id string) error                { return errNotYet }
func (tx *Tx) Host(name string) (Host, error)           { return Host{}, errNotYet } // Host{Name: name} when unknown
func (tx *Tx) PutHost(h Host) error                     { return errNotYet }
func (tx *Tx) HostFailed(name string, at, circuitUntil time.Time) (Host, error) {
	return Host{}, errNotYet
}
func (tx *Tx) HostWorked(name string) error              { return errNotYet }
func (tx *Tx) HostHeard(name string, at time.Time) error { return errNotYet } // inbound activity closes the circuit (D5)

// Follows and subscriptions.

func (tx *Tx) PutFollow(f Follow) error                             { return errNotYet } // by pair
func (tx *Tx) Follow(follower, followee string) (Follow, error)     { return Follow{}, errNotYet }
func (tx *Tx) FollowByActivity(id string) (Follow, error)           { return Follow{}, errNotYet }
func (tx *Tx) DeleteFollow(follower, followee string) (bool, error) { return false, errNotYet }
func (tx *Tx) FollowersOf(followee string, s FollowState, after int64, limit int) ([]Follow, error) {
	return nil, errNotYet
} // oldest first; "" all states
func (tx *Tx) FollowingOf(follower string, s FollowState, after int64, limit int) ([]Follow, error) {
	return nil, errNotYet
}
func (tx *Tx) CountFollowers(followee string) (int, error) { return 0, errNotYet } // accepted
func (tx *Tx) CountFollowing(follower string) (int, error) { return 0, errNotYet }
func (tx *Tx) DeliveryInboxes(followee, after string, limit int) ([]string, error) {
	return nil, errNotYet
}                                                                         // distinct, sorted; after: the last of the page before
func (tx *Tx) DropInbox(inbox string) (int, error)                        { return 0, errNotYet } // follows behind a gone inbox (D4)
func (tx *Tx) PutSubscription(s Subscription) (bool, error)               { return false, errNotYet }
func (tx *Tx) DeleteSubscription(service, node, jid string) (bool, error) { return false, errNotYet }
func (tx *Tx) Subscription(service, node, jid string) (Subscription, error) {
	return Subscription{}, errNotYet
}
func (tx *Tx) Subscribers(service, node, after string, limit int) ([]Subscription, error) {
	return nil, errNotYet
}                                                                          // by JID
func (tx *Tx) SubscriptionsOf(jid, service string) ([]Subscription, error) { return nil, errNotYet }

// Posts.

func (tx *Tx) PutPost(p translate.Post, raw []byte, o PutOptions) (int64, Change, error) {
	return 0, "", errNotYet
}                                                                         // ErrGone (tombstone, early delete), ErrConflict (other owner or origin, item taken). p.Item, if set, is placed
func (tx *Tx) DeletePost(uri, by string, at time.Time) ([]Removed, error) { return nil, errNotYet } // it and its boosts
func (tx *Tx) Tombstone(uri string) (Tombstone, error)                    { return Tombstone{}, errNotYet }
func (tx *Tx) RememberDelete(uri, signer string, at time.Time) error      { return errNotYet } // a Delete before its Create
func (tx *Tx) Forbidden(uri, author string) (bool, error)                 { return false, errNotYet }
func (tx *Tx) PostByURI(uri string, v Viewer) (Stored, error)             { return Stored{}, errNotYet }
func (tx *Tx) PostByItem(service, node, id string, v Viewer) (Stored, error) {
	return Stored{}, errNotYet
}
func (tx *Tx) Raw(uri string, v Viewer) (raw []byte, mediaType string, err error) {
	return nil, "", errNotYet
}
func (tx *Tx) Items(q ItemQuery) (ItemPage, error)                         { return ItemPage{}, errNotYet }
func (tx *Tx) ItemsByID(q ItemQuery, ids []string) ([]Stored, error)       { return nil, errNotYet } // those found, in the order asked
func (tx *Tx) Outbox(owner string, v Viewer, p Page) ([]Stored, error)     { return nil, errNotYet }
func (tx *Tx) CountOutbox(owner string, v Viewer, w Width) (int, error)    { return 0, errNotYet }
func (tx *Tx) Tagged(tag string, v Viewer, p Page) ([]Stored, error)       { return nil, errNotYet }
func (tx *Tx) Thread(uri string, v Viewer, p Page) ([]Stored, error)       { return nil, errNotYet } // descendants
func (tx *Tx) CountThread(uri string, v Viewer, w Width) (int, error)      { return 0, errNotYet }
func (tx *Tx) Replies(uri string, v Viewer, p Page) ([]Stored, error)      { return nil, errNotYet } // direct ones
func (tx *Tx) Ancestors(uri string, v Viewer, depth int) ([]Stored, error) { return nil, errNotYet } // nearest first, ends at the first that is missing or invisible
func (tx *Tx) Boosts(uri string, v Viewer, p Page) ([]Stored, error)       { return nil, errNotYet }
func (tx *Tx) BoostBy(actor, uri string) (Stored, error)                   { return Stored{}, errNotYet }
func (tx *Tx) Counts(uri string) (Counts, error)                           { return Counts{}, errNotYet }
func (tx *Tx) Addressees(uri string) ([]string, error)                     { return nil, errNotYet }
func (tx *Tx) AddAddressee(uri, actor string) error                        { return errNotYet }

// Placements and receipts.

func (tx *Tx) Place(p Placement) (Placement, error) { return Placement{}, errNotYet } // sets Life; ErrConflict if another post lives there
func (tx *Tx) PlacementByItem(service, node, id string) (Placement, error) {
	return Placement{}, errNotYet
}                                                         // of the last life, live or not
func (tx *Tx) Placements(uri string) ([]Placement, error) { return nil, errNotYet } // live and retracted
func (tx *Tx) PlacementIn(uri, service, node string) (Placement, error) {
	return Placement{}, errNotYet
} // the item id, assigned once
func (tx *Tx) RetractItem(service, node, id string, at time.Time) (Placement, error) {
	return Placement{}, errNotYet
}
func (tx *Tx) NodeItems(service, node, after string, limit int) ([]Placement, error) {
	return nil, errNotYet
}                                                                        // live ones by item id, to reconcile
func (tx *Tx) NextLife(service, node, id string) (int, error)            { return 0, errNotYet }
func (tx *Tx) AddReceipt(object, owner, host string, at time.Time) error { return errNotYet }
func (tx *Tx) ReceiptHosts(object string) ([]string, error)              { return nil, errNotYet }
func (tx *Tx) HostsReached(owner string) ([]string, error)               { return nil, errNotYet }

// Reactions.

func (tx *Tx) PutReaction(r Reaction) (bool, error) { return false, errNotYet } // true if it is new
func (tx *Tx) Reaction(actor, object string, k ReactionKind, content string) (Reaction, error) {
	return Reaction{}, errNotYet
}
func (tx *Tx) ReactionByActivity(id string) (Reaction, error) { return Reaction{}, errNotYet }
func (tx *Tx) DeleteReaction(actor, object string, k ReactionKind, content string) (bool, error) {
	return false, errNotYet
}
func (tx *Tx) Reactions(object string, after time.Time, limit int) ([]Reaction, error) {
	return nil, errNotYet
}

// Activities.

func (tx *Tx) SeenActivity(id string, digest [32]byte, at time.Time) (bool, error) {
	return false, errNotYet
}                                                      // true if seen before; else notes it
func (tx *Tx) PutActivity(a Activity) error            { return errNotYet }
func (tx *Tx) Activity(id string) (Activity, error)    { return Activity{}, errNotYet }
func (tx *Tx) SetActivityState(id, state string) error { return errNotYet }
func (tx *Tx) PruneActivities(seenBefore, storedBefore time.Time, limit int) (int, error) {
	return 0, errNotYet
}

// Jobs.

func (tx *Tx) Enqueue(jobs ...Job) error                                           { return errNotYet }
func (tx *Tx) Lease(q LeaseQuery) ([]Job, error)                                   { return nil, errNotYet }
func (tx *Tx) Ack(ids ...int64) error                                              { return errNotYet }
func (tx *Tx) Extend(id int64, until time.Time) error                              { return errNotYet }
func (tx *Tx) SetPayload(id int64, payload []byte) error                           { return errNotYet } // a cursor inside the job
func (tx *Tx) Retry(id int64, runAt time.Time, cause string, attempted bool) error { return errNotYet }
func (tx *Tx) Fail(id int64, cause string) error                                   { return errNotYet } // the lane goes on
func (tx *Tx) CancelUnattempted(lane string) (int, error)                          { return 0, errNotYet }
func (tx *Tx) RetryNow(id int64, now time.Time) error                              { return errNotYet }
func (tx *Tx) DeleteJob(id int64) error                                            { return errNotYet }
func (tx *Tx) Job(id int64) (Job, error)                                           { return Job{}, errNotYet }
func (tx *Tx) Jobs(q JobQuery) ([]Job, error)                                      { return nil, errNotYet }
func (tx *Tx) JobStats() ([]JobStat, error)                                        { return nil, errNotYet }
func (tx *Tx) NextRun(now time.Time) (time.Time, error)                            { return time.Time{}, errNotYet } // when the next job may be due; zero: none

// Messages, blocks, media.

func (tx *Tx) PutMessage(m Message) error                        { return errNotYet }
func (tx *Tx) MessageByID(id, our, user string) (Message, error) { return Message{}, errNotYet }
func (tx *Tx) MessagesByObject(object string) ([]Message, error) { return nil, errNotYet }
func (tx *Tx) LastMessage(our, user string) (Message, error)     { return Message{}, errNotYet }
func (tx *Tx) PutBlock(b Block) error                            { return errNotYet }
func (tx *Tx) DeleteBlock(owner, target string) (bool, error)    { return false, errNotYet }
func (tx *Tx) Blocks(owner string) ([]Block, error)              { return nil, errNotYet }
func (tx *Tx) Blocked(owner, actor string) (bool, error)         { return false, errNotYet } // by owner or by the operator: the actor or its domain
func (tx *Tx) HostBlocked(host string) (bool, error)             { return false, errNotYet } // by the operator
func (tx *Tx) PutMedia(m Media) error                            { return errNotYet }
func (tx *Tx) Media(id string) (Media, error)                    { return Media{}, errNotYet }
func (tx *Tx) MediaBySource(source string) (Media, error)        { return Media{}, errNotYet }
func (tx *Tx) DeleteMedia(id string) error                       { return errNotYet }

// Search.

func (tx *Tx) Search(q SearchQuery) (SearchResult, error) { return SearchResult{}, errNotYet }

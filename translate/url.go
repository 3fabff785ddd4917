package translate

// URLKind is what a URL of ours names.
type URLKind string

// The kinds of URLs (design: addresses).
const (
	URLActor       URLKind = "actor"
	URLInbox       URLKind = "inbox"
	URLOutbox      URLKind = "outbox"
	URLFollowers   URLKind = "followers"
	URLFollowing   URLKind = "following"
	URLFeatured    URLKind = "featured"
	URLItem        URLKind = "item"
	URLActivity    URLKind = "activity"
	URLMedia       URLKind = "media"
	URLSharedInbox URLKind = "shared_inbox"
	URLInstance    URLKind = "instance"
	URLPage        URLKind = "page"      // web page of an actor
	URLItemPage    URLKind = "item_page" // web page of a post
)

// The collections of an item: values of URLRef.Sub.
const (
	SubReplies = "replies"
	SubLikes   = "likes"
	SubShares  = "shares"
)

// URLRef is what a URL of ours says.
type URLRef struct {
	Kind       URLKind
	Host       string // as in handles: with the port, if there is one
	Acct       string // canonical, with its generation: user@host~2
	Handle     string // canonical, without generation
	Generation int    // 1 for the first actor of that handle
	ID         string // of an item, an activity or media
	Sub        string // of an item: SubReplies, SubLikes, SubShares
	Key        bool   // the URL had #main-key
	Canonical  bool   // spelled exactly as we spell it
}

// ActorURL is the id of an actor. This and the functions below give "" for a
// host that is not ours.
func (a *Addresses) ActorURL(acct string) string { return "" }

// Inbox is an actor's inbox.
func (a *Addresses) Inbox(acct string) string { return "" }

// Outbox is an actor's outbox.
func (a *Addresses) Outbox(acct string) string { return "" }

// Followers is the collection of an actor's followers.
func (a *Addresses) Followers(acct string) string { return "" }

// Following is the collection of those whom an actor follows.
func (a *Addresses) Following(acct string) string { return "" }

// Featured is the collection of an actor's pinned posts.
func (a *Addresses) Featured(acct string) string { return "" }

// ItemURL is the id of an object.
func (a *Addresses) ItemURL(acct, id string) string { return "" }

// ItemSubURL is a collection of an object, sub one of the Sub constants.
func (a *Addresses) ItemSubURL(acct, id, sub string) string { return "" }

// ActivityURL is the id of an activity that we sent.
func (a *Addresses) ActivityURL(host, id string) string { return "" }

// MediaURL is where media that only exists in XMPP is served.
func (a *Addresses) MediaURL(host, id string) string { return "" }

// SharedInbox is the inbox that the actors of a host share.
func (a *Addresses) SharedInbox(host string) string { return "" }

// Instance is the id of the gateway's own actor on a host.
func (a *Addresses) Instance(host string) string { return "" }

// PageURL is the web page of an actor.
func (a *Addresses) PageURL(acct string) string { return "" }

// ItemPageURL is the web page of a post.
func (a *Addresses) ItemPageURL(acct, id string) string { return "" }

// KeyID is the id of an actor's key.
func (a *Addresses) KeyID(actorURL string) string { return actorURL + "#main-key" }

// ParseURL reads a URL of ours. Errors: ErrNotOurs for other hosts, ErrUnknown.
func (a *Addresses) ParseURL(rawURL string) (URLRef, error) { return URLRef{}, nil }

// ParsePath reads the escaped path (url.URL.EscapedPath) of a request for one
// of our hosts.
func (a *Addresses) ParsePath(host, escapedPath string) (URLRef, error) { return URLRef{}, nil }

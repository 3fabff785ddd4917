// Package webfinger answers and asks WebFinger (RFC 7033), host-meta (RFC 6415)
// and NodeInfo 2.0 and 2.1: how the fediverse finds an actor from a handle.
// Clause numbers such as W3 and I2 are those of the project's fediverse notes.
package webfinger

import (
	"context"
	"net/http"
)

// Media types of the documents.
const (
	TypeJRD      = "application/jrd+json"
	TypeXRD      = "application/xrd+xml"
	TypeActivity = "application/activity+json"
)

// Relations of the links.
const (
	RelSelf        = "self"
	RelProfilePage = "http://webfinger.net/rel/profile-page"
	RelAvatar      = "http://webfinger.net/rel/avatar"
	RelFeed        = "http://schemas.google.com/g/2010#updates-from"
	RelAlternate   = "alternate"
	RelLRDD        = "lrdd"
	RelApplication = "https://www.w3.org/ns/activitystreams#Application"
	relNodeInfo    = "http://nodeinfo.diaspora.software/ns/schema/"
)

// MaxDocument is the largest document that the client reads (W11).
const MaxDocument = 64 << 10

// statusError is an outcome that has a status of its own on the wire.
type statusError struct {
	text   string
	status int
}

func (e *statusError) Error() string { return e.text }

// HTTPStatus is the status that the server answers with.
func (e *statusError) HTTPStatus() int { return e.status }

// What a Directory or a Lookup may find instead of an actor (W5).
var (
	ErrNotFound error = &statusError{"no such actor", http.StatusNotFound}
	ErrGone     error = &statusError{"the actor is gone", http.StatusGone}
)

// Resource is what somebody asks about: a handle or a URL, never both.
type Resource struct {
	Handle string // user@host, host in lower case as an A-label, user as it came
	URL    string // of an actor, a page, or the root of one of our hosts (W6)
}

// Subject is an actor of ours as WebFinger presents it. Empty fields are left out.
type Subject struct {
	Handle     string   // canonical user@host (W2)
	ActorURL   string   // the actor's id, byte for byte (W3)
	PageURL    string   // the page for people
	Aliases    []string // further URLs of the same actor
	AvatarURL  string
	AvatarType string // media type of the avatar
	XMPPURI    string // xmpp:louise@example.org
	AtomURL    string // feed over HTTP
}

// Usage is what NodeInfo tells about the number of users and posts (I2).
type Usage struct {
	Users          int
	ActiveMonth    int
	ActiveHalfyear int
	LocalPosts     int
}

// Directory knows our actors. An error with a method HTTPStatus() int, such as
// ErrNotFound and ErrGone, decides the status; any other is temporary trouble.
type Directory interface {
	Resolve(ctx context.Context, r Resource) (Subject, error)
	Usage(ctx context.Context) (Usage, error)
}

// Fetcher gets a document through the guarded HTTP client: public addresses,
// https only, few redirects, bounded time. An answer that is not 200 is an error
// with a method StatusCode() int.
type Fetcher interface {
	Fetch(ctx context.Context, url, accept string, maxBytes int64) (body []byte, contentType string, err error)
}

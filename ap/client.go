package ap

import (
	"context"
	"crypto/rsa"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"isthmus/ap/as2"
)

// ClientConfig is how a Client is made.
type ClientConfig struct {
	AllowPrivate []netip.Prefix // reachable although not public (L6); development only
	AllowPorts   []int          // default: 443
	CAFile       string         // a CA to trust besides the system's
	UserAgent    string
	Log          *slog.Logger
	Now          func() time.Time // default: time.Now
	Resolver     *net.Resolver    // default: the system's
	// ObserveClock is told what a peer's clock says and what ours does.
	ObserveClock func(host string, theirs, ours time.Time)
}

// Key is a private key that requests are signed with.
type Key struct {
	ID      string
	Private *rsa.PrivateKey
}

// Document is an AS2 document as its origin served it.
type Document struct {
	URL    string // where it was found, after redirects
	Body   []byte
	Object *as2.Object
}

// Client is the one HTTP client of the gateway. It reaches public addresses
// only, follows few redirects, and bounds size and time (L1-L5, SEC-32..36).
type Client struct {
	cfg  ClientConfig
	http *http.Client
}

// NewClient makes a client.
func NewClient(cfg ClientConfig) (*Client, error) { return &Client{cfg: cfg}, nil }

// Get fetches an AS2 document, signed when key is not nil.
func (c *Client) Get(ctx context.Context, url string, key *Key) (*Document, error) {
	return nil, ErrRefused
}

// GetObject fetches an AS2 document whose id is the address that served it; if
// it names another id, it is fetched once more from there (L7).
func (c *Client) GetObject(ctx context.Context, url string, key *Key) (*Document, error) {
	return nil, ErrRefused
}

// Fetch reads any document of at most max bytes whose media type is one of
// accept's, such as JRD, XRD, NodeInfo or a picture.
func (c *Client) Fetch(ctx context.Context, url, accept string, max int64) (body []byte, contentType string, err error) {
	return nil, "", ErrRefused
}

// Post delivers an activity to an inbox. An answer that is not 2xx is a
// *StatusError.
func (c *Client) Post(ctx context.Context, inbox string, body []byte, key *Key) error {
	return ErrRefused
}

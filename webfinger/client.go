package webfinger

import "context"

// Client asks others.
type Client struct {
	fetcher Fetcher
}

// NewClient makes a Client that keeps answers in memory for a while (W11).
func NewClient(f Fetcher) *Client { return &Client{fetcher: f} }

// Account is what a handle resolved to.
type Account struct {
	Subject  string // the canonical handle, user@host without acct:
	ActorURL string // id of the actor, not yet fetched
	PageURL  string
}

// Lookup resolves user@host (acct: and a leading @ are taken too) to an actor
// id. It returns ErrNotFound, ErrGone, or an error that may pass.
func (c *Client) Lookup(ctx context.Context, handle string) (Account, error) {
	return Account{}, ErrNotFound
}

// Forget drops what is remembered about a handle, so that the next Lookup asks.
func (c *Client) Forget(handle string) {}

// Claim is what an actor document says about its own handle.
type Claim struct {
	ID                string // the actor's id
	PreferredUsername string
	WebFinger         string // the property of FEP-2c59, if any
}

// Verify finds the handle of an actor and checks that WebFinger agrees both
// ways (W4). It returns the canonical handle.
func (c *Client) Verify(ctx context.Context, claim Claim) (string, error) {
	return "", ErrNotFound
}

// NodeInfo is what a server says about itself.
type NodeInfo struct {
	Software  string
	Version   string
	Protocols []string
}

// NodeInfo asks a host what it runs (I3).
func (c *Client) NodeInfo(ctx context.Context, host string) (NodeInfo, error) {
	return NodeInfo{}, ErrNotFound
}

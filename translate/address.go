package translate

import "errors"

// Errors that address functions answer with. ErrUnknown is 404 and
// item-not-found: the address cannot have been given out by us.
var (
	ErrUnknown  = errors.New("no such address")
	ErrHashed   = errors.New("shortened address: to be looked up")
	ErrNotOurs  = errors.New("address is on another host")
	ErrOurs     = errors.New("address is on a host of ours, never a remote actor")
	ErrNoHandle = errors.New("this JID and node have no handle")
	ErrUnstable = errors.New("handle cannot be spelled as a JID: use the hashed form")
	ErrInstance = errors.New("address of the gateway's own actor")
)

// Domain is an XMPP domain with a website of its own.
type Domain struct {
	Name string // example.org
	URL  string // https://example.org
}

// Addresses maps the addresses of the two worlds onto each other. It is built
// once from the configuration, never changes, and may be shared.
type Addresses struct{}

// NewAddresses checks the configured names. The first domain is the primary one.
func NewAddresses(domains []Domain, component string, services []string, path string) (*Addresses, error) {
	return nil, nil
}

// IsLocalHost tells whether a handle or an id on that host (with its port, if
// it is not the default one) is ours.
func (a *Addresses) IsLocalHost(host string) bool { return false }

// IsLocalURL tells whether a URL is on a host of ours, whatever it names.
func (a *Addresses) IsLocalURL(rawURL string) bool { return false }

// IsUserDomain tells whether an XMPP domain is configured and holds users.
func (a *Addresses) IsUserDomain(domain string) bool { return false }

// IsService tells whether an XMPP domain is configured as a pubsub service.
func (a *Addresses) IsService(domain string) bool { return false }

// Component is the component's domain.
func (a *Addresses) Component() string { return "" }

// Hosts lists the hosts of our websites, the primary one first.
func (a *Addresses) Hosts() []string { return nil }

package translate

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

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
type Addresses struct {
	sites     []*site          // the primary one first
	byHost    map[string]*site // by host of URLs and handles
	byDomain  map[string]*site // by XMPP domain
	services  map[string]bool  // pubsub services
	spelling  map[string]string
	component string // as A-labels, like every key here
	path      string // of what is not under /.well-known, such as /_ap
}

// site is an XMPP domain with its website.
type site struct {
	domain string // XMPP domain
	host   string // host of handles and ids, with its port if that is unusual
	scheme string
	base   string // https://example.org/_ap
	nodes  bool   // the domain is a pubsub service: its names are nodes
}

// hostname is the host without its port.
func (s *site) hostname() string {
	name, _, _ := strings.Cut(s.host, ":")
	return name
}

// NewAddresses checks the configured names. The first domain is the primary
// one; path is "/_ap" if empty.
func NewAddresses(domains []Domain, component string, services []string, path string) (*Addresses, error) {
	a := &Addresses{
		byHost:   make(map[string]*site),
		byDomain: make(map[string]*site),
		services: make(map[string]bool),
		spelling: make(map[string]string),
	}
	if len(domains) == 0 {
		return nil, errors.New("no domain is configured: at least one is needed, the first is the primary one")
	}
	if err := a.setPath(path); err != nil {
		return nil, err
	}
	var err error
	if a.component, err = a.addName(component); err != nil {
		return nil, fmt.Errorf("component %q: %w", component, err)
	}
	for _, name := range services {
		service, err := a.addName(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("service %q: %w", name, err)
		case service == a.component:
			return nil, fmt.Errorf("service %q is the gateway's own component", name)
		}
		a.services[service] = true
	}
	for _, d := range domains {
		if err := a.addDomain(d); err != nil {
			return nil, fmt.Errorf("domain %q: %w", d.Name, err)
		}
	}
	return a, nil
}

// setPath checks the path under which everything but /.well-known is served.
func (a *Addresses) setPath(path string) error {
	if path == "" {
		path = "/_ap"
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if path[0] != '/' || !validID(segment) {
			return fmt.Errorf("path %q: it starts with / and has only letters, digits, _ and - in between, such as /_ap", path)
		}
	}
	a.path = path
	return nil
}

// addName checks an XMPP domain and remembers how the server spells it.
func (a *Addresses) addName(name string) (string, error) {
	domain, err := normalDomain(name)
	if err != nil {
		return "", err
	}
	a.spelling[domain] = strings.ToLower(strings.TrimSuffix(name, "."))
	return domain, nil
}

func (a *Addresses) addDomain(d Domain) error {
	domain, err := a.addName(d.Name)
	if err != nil {
		return err
	}
	if domain == a.component {
		return errors.New("it is the gateway's own component")
	}
	s := &site{domain: domain, nodes: a.services[domain]}
	if err := s.setURL(d.URL, a.path); err != nil {
		return fmt.Errorf("url %q: %w", d.URL, err)
	}
	if a.byDomain[domain] != nil {
		return errors.New("it is configured twice")
	}
	if other := a.byHost[s.host]; other != nil {
		return fmt.Errorf("host %s is already that of domain %q: each domain needs a host of its own", s.host, other.domain)
	}
	a.byDomain[domain], a.byHost[s.host] = s, s
	a.sites = append(a.sites, s)
	return nil
}

// setURL takes the public URL of a website: https and nothing but a host.
func (s *site) setURL(raw, path string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	if u.Host == "" || u.Opaque != "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("it must be a scheme and a host only, such as https://example.org")
	}
	if s.host, err = urlHost(u); err != nil {
		return err
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(s.hostname()):
	default:
		return errors.New("it must start with https:// (http:// only on loopback, for development)")
	}
	s.scheme = u.Scheme
	s.base = s.scheme + "://" + s.host + path
	return nil
}

// primary is the site of everything that has no website of its own.
func (a *Addresses) primary() *site { return a.sites[0] }

// IsLocalHost tells whether a handle or an id on that host (with its port, if
// it is not the default one) is ours. So are our component and our services:
// what claims to be an actor there is a loop.
func (a *Addresses) IsLocalHost(host string) bool {
	h, err := normalHost(host)
	return err == nil && a.local(h)
}

func (a *Addresses) local(host string) bool {
	return a.byHost[host] != nil || a.services[host] || host == a.component
}

// IsLocalURL tells whether a URL is on a host of ours, whatever it names.
func (a *Addresses) IsLocalURL(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	h, err := urlHost(u)
	return err == nil && a.local(h)
}

// IsUserDomain tells whether an XMPP domain is configured and holds users.
func (a *Addresses) IsUserDomain(domain string) bool {
	d, err := normalDomain(domain)
	return err == nil && a.byDomain[d] != nil && !a.services[d]
}

// IsService tells whether an XMPP domain is configured as a pubsub service.
func (a *Addresses) IsService(domain string) bool {
	d, err := normalDomain(domain)
	return err == nil && a.services[d]
}

// Component is the component's domain.
func (a *Addresses) Component() string { return a.spelling[a.component] }

// Hosts lists the hosts of our websites, the primary one first.
func (a *Addresses) Hosts() []string {
	hosts := make([]string, len(a.sites))
	for i, s := range a.sites {
		hosts[i] = s.host
	}
	return hosts
}

// jid joins a JID whose domain is in A-labels. Configured domains are spelled
// as the server spells them, others in Unicode (RFC 7622 §3.2.1).
func (a *Addresses) jid(local, domain string) string {
	spelled, ok := a.spelling[domain]
	if !ok {
		spelled = unicodeDomain(domain)
	}
	if local == "" {
		return spelled
	}
	return local + "@" + spelled
}

package ap

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"

	"isthmus/ap/as2"
)

// special lists what is not the public Internet although it may look so (L4).
// Of IPv6, only 2000::/3 is public at all.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

// global is the part of IPv6 that is routed; nat64 is where translators put
// IPv4 addresses.
var (
	global = netip.MustParsePrefix("2000::/3")
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// isPublic tells whether an address is one of the public Internet. It is an
// allow rule: what is not known to be public is not (SEC-32).
func isPublic(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	if a = unwrap(a); a.Is6() && !global.Contains(a) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// unwrap takes an IPv4 address out of the IPv6 forms that reach it: mapped
// addresses, and those of the well-known translators.
func unwrap(a netip.Addr) netip.Addr {
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a.Unmap()
}

// guard decides where the client goes.
type guard struct {
	private  []netip.Prefix // allowed although not public (L6)
	ports    []uint16
	loopback bool // whether http to loopback is allowed, for development
}

func newGuard(cfg ClientConfig) guard {
	g := guard{private: cfg.AllowPrivate, ports: []uint16{443}}
	if len(cfg.AllowPorts) > 0 {
		g.ports = nil
		for _, p := range cfg.AllowPorts {
			g.ports = append(g.ports, uint16(p))
		}
	}
	for _, a := range []string{"127.0.0.1", "::1"} {
		g.loopback = g.loopback || g.isPrivate(netip.MustParseAddr(a))
	}
	return g
}

func (g guard) isPrivate(a netip.Addr) bool {
	a = a.Unmap()
	return slices.ContainsFunc(g.private, func(p netip.Prefix) bool { return p.Contains(a) })
}

// checkURL looks at a URL before anything is done with it (L5): https, or http
// to loopback where that is allowed, an allowed port, no userinfo, no odd host.
func (g guard) checkURL(raw string) (*url.URL, error) {
	if err := as2.CheckURL(raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	port := u.Port()
	switch {
	case u.Scheme == "http" && !g.loopback:
		return nil, fmt.Errorf("%w: %s is not https", ErrRefused, raw)
	case port == "" && u.Scheme == "http":
		port = "80"
	case port == "":
		port = "443"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || !slices.Contains(g.ports, uint16(n)) {
		return nil, fmt.Errorf("%w: port %s of %s", ErrRefused, port, u.Host)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// control is asked by the dialer for every address that it is about to connect
// to, after all names have been resolved, so that no name can lead elsewhere.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" || !isPublic(a) && !g.isPrivate(a) {
		return fmt.Errorf("%w: %s is not a public address", ErrRefused, host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || !slices.Contains(g.ports, uint16(n)) {
		return fmt.Errorf("%w: port %s", ErrRefused, port)
	}
	return nil
}

package as2

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// errBadID is about an id that no honest peer has.
var errBadID = errors.New("not usable as an id")

// CheckID tells why an id cannot be used (L12): not https (http only on
// loopback), no host or an odd one, userinfo, control characters, too long. A
// fragment is accepted, since activities and keys of peers have one.
func CheckID(id string) error {
	_, err := parseID(id, maxID)
	return err
}

// CheckURL is CheckID for the address of a file or a page, which may be longer.
func CheckURL(u string) error {
	_, err := parseID(u, maxURL)
	return err
}

// Host is the host of an id, lower case, with its port unless that is the
// default one; empty if the id cannot be used.
func Host(id string) string {
	u, err := parseID(id, maxID)
	if err != nil {
		return ""
	}
	return u.Host
}

// SameOrigin tells whether two usable ids have scheme, host and port in common
// (L7).
func SameOrigin(a, b string) bool {
	u, err := parseID(a, maxID)
	if err != nil {
		return false
	}
	v, err := parseID(b, maxID)
	return err == nil && u.Scheme == v.Scheme && u.Host == v.Host
}

// parseID parses a usable id; its Host is in the form that is compared.
func parseID(id string, limit int) (*url.URL, error) {
	if !usable(id, limit) {
		return nil, fmt.Errorf("id of %d bytes: %w", len(id), errBadID)
	}
	u, err := url.Parse(id)
	if err != nil || u.Opaque != "" || u.User != nil || strings.ContainsAny(id, " \\") {
		return nil, fmt.Errorf("id %q: %w", id, errBadID)
	}
	host, ok := hostOf(u)
	if !ok {
		return nil, fmt.Errorf("id %q: host: %w", id, errBadID)
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("id %q: scheme: %w", id, errBadID)
	}
	u.Host = host
	return u, nil
}

// hostOf is the host in lower case, without a default port. Only ASCII names
// without a trailing dot, and addresses, are accepted (L5).
func hostOf(u *url.URL) (string, bool) {
	name := strings.ToLower(u.Hostname())
	if name == "" || strings.HasSuffix(name, ".") || strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return "", false
	}
	if strings.Contains(name, ":") { // IPv6; zones are refused (L4)
		a, err := netip.ParseAddr(name)
		if err != nil || a.Zone() != "" {
			return "", false
		}
		name = "[" + name + "]"
	} else if strings.IndexFunc(name, func(r rune) bool { return !isHostRune(r) }) >= 0 {
		return "", false
	}
	port := u.Port()
	if port == "" && strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if port == "" || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		return name, true
	}
	return name + ":" + port, true
}

func isHostRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_'
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

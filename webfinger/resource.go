package webfinger

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxResource bounds what may be asked; our own handles are far shorter.
const maxResource = 2048

var (
	errMalformed = errors.New("malformed resource")
	errScheme    = errors.New("no resource of ours has that scheme")
)

// ParseResource reads the resource of a WebFinger query in every spelling that
// peers use (W6, W7): acct:user@host, @user@host, user@host, a second layer of
// percent-encoding, or an http(s) URL.
func ParseResource(s string) (Resource, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxResource || !clean(s) {
		return Resource{}, errMalformed
	}
	if isURL(s) {
		return parseURLResource(s)
	}
	if strings.Contains(s, "%") { // acct%3Auser%40host, encoded twice
		once, err := url.PathUnescape(s)
		if err != nil || !clean(once) {
			return Resource{}, errMalformed
		}
		if s = once; isURL(s) {
			return parseURLResource(s)
		}
	}
	if scheme, _, found := strings.Cut(s, ":"); found && !strings.Contains(scheme, "@") && !strings.EqualFold(scheme, "acct") {
		return Resource{}, errScheme
	}
	handle, err := ParseHandle(s)
	return Resource{Handle: handle}, err
}

// ParseHandle reads user@host, with or without acct: and a leading @. The host
// becomes a lower-case A-label (SEC-7); the user part stays as it is, since some
// peers compare it with case (W2).
func ParseHandle(s string) (string, error) {
	if len(s) > maxResource || !clean(s) {
		return "", errMalformed
	}
	if len(s) >= 5 && strings.EqualFold(s[:5], "acct:") {
		s = s[5:]
	}
	user, host, found := strings.Cut(strings.TrimPrefix(s, "@"), "@")
	if !found || user == "" || strings.ContainsAny(user, "/?#\\:%<>\"") {
		return "", errMalformed
	}
	host, err := parseHost(host)
	if err != nil {
		return "", err
	}
	return user + "@" + host, nil
}

// parseHost reads a domain name with an optional port. IPv6 literals, trailing
// dots and names that IDNA refuses are malformed (L5).
func parseHost(s string) (string, error) {
	name, port, hasPort := strings.Cut(s, ":")
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port[0] == '0' {
			return "", errMalformed
		}
	}
	if name == "" || strings.HasSuffix(name, ".") {
		return "", errMalformed
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || ascii == "" || len(ascii) > 253 || strings.HasSuffix(ascii, ".") {
		return "", errMalformed
	}
	if hasPort && port != "443" {
		ascii += ":" + port
	}
	return strings.ToLower(ascii), nil
}

func isURL(s string) bool {
	scheme, _, found := strings.Cut(s, "://")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

func parseURLResource(s string) (Resource, error) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		return Resource{}, errMalformed
	}
	host, err := parseHost(u.Host)
	if err != nil {
		return Resource{}, err
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), host
	if u.Path == "" {
		u.Path = "/"
	}
	return Resource{URL: u.String()}, nil
}

// clean tells whether s is UTF-8 without controls and blanks.
func clean(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || (r >= 0x80 && r <= 0xa0) || r == 0x2028 || r == 0x2029 || r == utf8.RuneError
	})
}

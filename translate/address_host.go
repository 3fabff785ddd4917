package translate

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxJIDPart is the most bytes that a part of a JID may have (RFC 7622 §3.3).
const maxJIDPart = 1023

var (
	errDomain = errors.New("not a domain name")
	errPort   = errors.New("not a port")
	errJID    = errors.New("not a JID")
)

// normalDomain gives the one spelling of a domain: A-labels in lower case,
// without the root's dot. Internet addresses of version 6 are no domains.
func normalDomain(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	if len(s) > maxJIDPart || !utf8.ValidString(s) {
		return "", errDomain
	}
	ascii := foldASCII(s)
	if !isASCII(s) || strings.Contains(ascii, "xn--") {
		var err error
		if ascii, err = idna.Lookup.ToASCII(s); err != nil {
			return "", errDomain
		}
		// Mapped text can name labels that are not valid themselves.
		if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
			return "", errDomain
		}
	}
	if len(ascii) > 253 {
		return "", errDomain
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if !isLabel(label) {
			return "", errDomain
		}
	}
	return ascii, nil
}

// isLabel takes what host names have and the underscore, which XMPP and the
// DNS permit.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

// unicodeDomain spells A-labels as U-labels where that can be undone.
func unicodeDomain(ascii string) string {
	if !strings.Contains(ascii, "xn--") {
		return ascii
	}
	u, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return ascii
	}
	if back, err := normalDomain(u); err != nil || back != ascii {
		return ascii
	}
	return u
}

// normalHost gives the one spelling of a host with an optional port, as it
// stands in handles. The port of https is left out.
func normalHost(s string) (string, error) { return hostPort(s, "https") }

// urlHost is normalHost of a URL, whose scheme tells the default port.
func urlHost(u *url.URL) (string, error) { return hostPort(u.Host, u.Scheme) }

func hostPort(s, scheme string) (string, error) {
	name, port, _ := strings.Cut(s, ":")
	domain, err := normalDomain(name)
	if err != nil || port == "" {
		return domain, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || n == 0:
		return "", errPort
	case scheme == "https" && n == 443, scheme == "http" && n == 80:
		return domain, nil
	}
	return domain + ":" + strconv.FormatUint(n, 10), nil
}

func isLoopback(hostname string) bool {
	if hostname == "localhost" || strings.HasSuffix(hostname, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(hostname)
	return err == nil && ip.IsLoopback()
}

// splitJID gives the parts of a bare JID: the local part in lower case, the
// domain as A-labels. A resource is dropped.
func splitJID(jid string) (local, domain string, err error) {
	bare, _, _ := strings.Cut(jid, "/")
	local, domain, found := strings.Cut(bare, "@")
	if !found {
		local, domain = "", bare
	} else if local = foldASCII(local); !validLocal(local) {
		return "", "", errJID
	}
	if domain, err = normalDomain(domain); err != nil {
		return "", "", err
	}
	return local, domain, nil
}

// validLocal tells whether a local part is one that a server can have
// prepared (RFC 7622 §3.3.1). Other rules are left to the server.
func validLocal(s string) bool {
	return s != "" && len(s) <= maxJIDPart && !strings.ContainsAny(s, `"&'/:<>@`) &&
		!strings.ContainsFunc(s, isBlank) && validText(s)
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// validText tells whether XML can carry a name as it is (XML 1.0 §2.2).
func validText(s string) bool {
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xFFFE, r == 0xFFFF:
			return false
		}
	}
	return true
}

// foldASCII writes ASCII letters in lower case. Others stay: how a server
// folds them depends on its version of Unicode.
func foldASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isWord takes the bytes that need no escape anywhere: a-z, 0-9 and _.
func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_'
}

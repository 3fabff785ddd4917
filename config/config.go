// Package config reads isthmus.toml and the ISTHMUS_* environment. A mistake is
// one line that names the key, its value and the remedy.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
)

// Config is a checked configuration. Paths are absolute or relative to the
// working directory; in the file they are relative to the file.
type Config struct {
	Consent    string // "opt-in" or "open"
	Domains    []Domain
	XMPP       XMPP
	HTTP       HTTP
	Cache      Cache
	Federation Federation
	Log        Log

	File     string   // where it came from
	Warnings []string // what is allowed but unwise, for the log
}

// Error is a mistake in the configuration.
type Error struct {
	File   string // empty: in the environment
	Key    string // http.listen, or the name of a variable
	Value  string // as it was written; empty if it is missing or secret
	Reason string
	Remedy string
}

// Error is the one line that the operator gets.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	b.WriteString(e.Key)
	if e.Value != "" {
		b.WriteString(" = " + e.Value)
	}
	return b.String() + ": " + e.Reason + "; " + e.Remedy
}

// Domain is an XMPP domain whose users can be actors.
type Domain struct {
	Name string
	URL  *url.URL // without path
}

// XMPP is how the component connects.
type XMPP struct {
	Component  string
	Server     string
	Secret     string
	SecretFile string
	Services   []string
	Admins     []string
}

// HTTP is how peers reach us.
type HTTP struct {
	Listen         string
	Path           string
	TrustedProxies []netip.Prefix
	TLSCert        string
	TLSKey         string
	Metrics        string
}

// Cache is where the store lives.
type Cache struct {
	Path string
}

// Federation is whom we talk to.
type Federation struct {
	AllowPrivateAddresses []netip.Prefix
	AllowPorts            []int
	CAFile                string
	RequireSignedFetch    bool
	BlockedDomains        []string
}

// Log is what is logged, and how.
type Log struct {
	Level  slog.Level
	Format string // "text" or "json"
}

// Package config reads isthmus.toml and the ISTHMUS_* environment.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
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

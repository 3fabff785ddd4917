// Package config reads isthmus.toml and the ISTHMUS_* environment. A mistake is
// one line that names the key, its value and the remedy.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"isthmus/translate"
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
	b.WriteString(oneLine(e.Key))
	if e.Value != "" {
		b.WriteString(" = " + e.Value)
	}
	return b.String() + ": " + e.Reason + "; " + e.Remedy
}

// oneLine quotes what would break the line or the terminal: names of variables
// and quoted keys of TOML may hold anything.
func oneLine(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
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
	Search         bool // strangers may search what is public
	Metrics        string
	Pprof          bool // Go's profiles beside the metrics
}

// Cache is where the store lives.
type Cache struct {
	Path      string
	Keep      time.Duration                    // how long what can be fetched again is kept; 0: for ever
	KeepKinds map[translate.Kind]time.Duration // of single kinds of posts, instead of Keep; 0: for ever
	MaxBytes  int64                            // of the database; 0: no limit
	Quiet     Hours                            // when it is tidied
}

// Hours are a time of the day, from midnight on. To may be before From, over
// midnight; equal means never.
type Hours struct{ From, To time.Duration }

// Contains tells whether a time is within the hours.
func (h Hours) Contains(t time.Time) bool {
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if h.From <= h.To {
		return h.From <= at && at < h.To
	}
	return at >= h.From || at < h.To
}

// Until is how long it is from a time to the hours, 0 within them.
func (h Hours) Until(t time.Time) time.Duration {
	if h.Contains(t) {
		return 0
	}
	begin := func(day int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+day, 0, int(h.From/time.Minute), 0, 0, t.Location())
	}
	if today := begin(0); today.After(t) {
		return today.Sub(t)
	}
	return begin(1).Sub(t)
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

// Ours are the domains and hosts whose people and nodes are ours: what stands
// there is never forgotten to save space, and no file can say what it is.
func (c Config) Ours() []string {
	out := append([]string{c.XMPP.Component}, c.XMPP.Services...)
	for _, d := range c.Domains {
		out = append(out, d.Name)
		if d.URL != nil {
			out = append(out, d.URL.Hostname())
		}
	}
	return out
}

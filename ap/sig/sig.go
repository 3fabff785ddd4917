// Package sig signs and verifies HTTP requests by draft-cavage-12, as the
// fediverse does it. The arithmetic is go-fed/httpsig's; what that leaves open
// (path, query, header list, clock, digest) is decided here, by rules S1 to S4
// and S10.
package sig

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is what a signature covers, as the peer sent it.
type Request struct {
	Method string
	Target string // the request target on the wire: RequestURI
	Host   string
	Header http.Header
	Body   []byte
}

// Policy is what a signature must satisfy besides being right.
type Policy struct {
	Now     time.Time
	Hosts   func(host string) bool // whether a name is one of ours
	Window  time.Duration          // how far clocks may be apart; default: one hour
	MinBits int                    // the smallest RSA key; default: 2048
	// Signer, if set, is asked about the key's id as soon as that has been
	// read, before anything costs more. Its error is Verify's.
	Signer func(keyID string) error
}

// The limits of a policy that sets none.
const (
	defaultWindow  = time.Hour
	defaultMinBits = 2048
	maxBits        = 8192
)

// Kind is what is wrong with a signature.
type Kind string

// The kinds of errors.
const (
	Missing   Kind = "missing"   // none that we read
	Malformed Kind = "malformed" // cannot be read, or says something twice
	Weak      Kind = "weak"      // does not cover what it must
	Stale     Kind = "stale"     // too old, or from the future
	Digest    Kind = "digest"    // the body is not the one that was signed
	WrongHost Kind = "host"      // meant for somebody else
	Bad       Kind = "bad"       // not made with this key
)

// Error says why a signature is not accepted. Its text is safe to tell the
// peer: it has nothing of keys in it. Rule names the rule for the log.
type Error struct {
	Kind   Kind
	Rule   string
	Reason string
}

func (e *Error) Error() string { return e.Reason }

// view is the request in the form in which go-fed/httpsig signs the bytes on
// the wire: that library takes the path decoded, and loses a bare "?".
func view(method, target string, header http.Header, withQuery bool) *http.Request {
	path, query, found := strings.Cut(target, "?")
	switch {
	case !withQuery:
		query = ""
	case found && query == "":
		path = target
	}
	return &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: header}
}

package sig

import (
	"strconv"
	"strings"
)

// params are the parameters of a Signature header.
type params struct {
	keyID     string
	algorithm string
	headers   []string
	signature string
	created   int64
	expires   int64
}

// maxParams and maxHeaders bound what a header may name.
const (
	maxParams  = 32
	maxHeaders = 64
)

func malformed(reason string) error {
	return &Error{Kind: Malformed, Rule: "S3", Reason: reason}
}

// parseParams reads a Signature header. A parameter that comes twice is refused
// (SEC-19); unknown ones are ignored.
func parseParams(s string) (params, error) {
	var p params
	seen := map[string]bool{}
	for s = strings.TrimSpace(s); s != ""; {
		name, value, rest, ok := nextParam(s)
		if !ok {
			return p, malformed("signature header is not readable")
		}
		if seen[name] || len(seen) >= maxParams {
			return p, malformed("signature header has a parameter twice, or too many")
		}
		seen[name] = true
		if err := p.set(name, value); err != nil {
			return p, err
		}
		s = rest
	}
	if p.keyID == "" || p.signature == "" {
		return p, malformed("signature header lacks keyId or signature")
	}
	if !seen["headers"] {
		p.headers = []string{"(created)"} // draft 12, 2.1.6
	}
	return p, nil
}

// nextParam cuts name=value off the front of s, with the comma behind it.
func nextParam(s string) (name, value, rest string, ok bool) {
	name, s, ok = strings.Cut(s, "=")
	name, s = strings.TrimSpace(name), strings.TrimLeft(s, " \t")
	if !ok || !isToken(name) {
		return "", "", "", false
	}
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = cutQuoted(s[1:])
		rest = strings.TrimLeft(rest, " \t")
	} else if i := strings.IndexByte(s, ','); i >= 0 {
		value, rest = s[:i], s[i:]
	} else {
		value, rest = s, ""
	}
	if !ok || rest == "" {
		return name, value, "", ok
	}
	if rest[0] != ',' {
		return "", "", "", false
	}
	rest = strings.TrimLeft(rest[1:], " \t")
	return name, value, rest, rest != "" // nothing after a comma is cut off
}

// cutQuoted reads a quoted string up to its end (RFC 7230, 3.2.6).
func cutQuoted(s string) (value, rest string, ok bool) {
	end := strings.IndexAny(s, `"\`)
	if end >= 0 && s[end] == '"' { // nothing escaped
		return s[:end], s[end+1:], true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// isToken tells whether s is a token (RFC 7230, 3.2.6).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// set takes a parameter.
func (p *params) set(name, value string) (err error) {
	switch name {
	case "keyId":
		p.keyID = value
	case "algorithm":
		p.algorithm = value
	case "signature":
		p.signature = value
	case "created":
		p.created, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	case "expires":
		p.expires, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	case "headers":
		return p.setHeaders(value)
	}
	if err != nil {
		return malformed("signature header has a time that is not a number")
	}
	return nil
}

// setHeaders takes the list of what is signed.
func (p *params) setHeaders(value string) error {
	p.headers = strings.Fields(strings.ToLower(value))
	if len(p.headers) == 0 || len(p.headers) > maxHeaders {
		return malformed("signature header has an empty list of headers, or too long a one")
	}
	for _, h := range p.headers {
		if !isToken(h) && h != "(request-target)" && h != "(created)" && h != "(expires)" {
			return malformed("signature header names what cannot be a header")
		}
	}
	return nil
}

package stanza

import "strings"

// JID is an address as the server wrote it. Foreign addresses were prepared by
// the server and are compared as they are: a stricter check here would let a
// stranger's odd but legal address end the stream.
type JID string

// NewJID joins a local part, which may be empty, and a domain.
func NewJID(local, domain string) JID {
	if local == "" {
		return JID(domain)
	}
	return JID(local + "@" + domain)
}

// Bare is the address without its resource.
func (j JID) Bare() JID {
	if i := strings.IndexByte(string(j), '/'); i >= 0 {
		return j[:i]
	}
	return j
}

// Resource is the part after the first slash, or "".
func (j JID) Resource() string {
	_, r, _ := strings.Cut(string(j), "/")
	return r
}

// Local is the part before the first @ of the bare address, or "".
func (j JID) Local() string {
	b := string(j.Bare())
	if i := strings.IndexByte(b, '@'); i >= 0 {
		return b[:i]
	}
	return ""
}

// Domain is the bare address without its local part.
func (j JID) Domain() string {
	b := string(j.Bare())
	return b[strings.IndexByte(b, '@')+1:]
}

// escaped are the characters that XEP-0106 §3 escapes in a local part.
const escaped = ` "&'/:<>@\`

const hexDigits = "0123456789abcdef"

// EscapeLocal writes text as a local part (XEP-0106 §4.2). A backslash is
// escaped only where it could be read as the start of an escape.
func EscapeLocal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if strings.IndexByte(escaped, c) < 0 || c == '\\' && !startsEscape(s[i:]) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('\\')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// UnescapeLocal undoes EscapeLocal; incomplete sequences stay as they are.
func UnescapeLocal(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && startsEscape(s[i:]) {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// startsEscape tells whether s starts with one of the ten complete sequences.
func startsEscape(s string) bool {
	if len(s) < 3 || !isHex(s[1]) || !isHex(s[2]) {
		return false
	}
	return strings.IndexByte(escaped, unhex(s[1])<<4|unhex(s[2])) >= 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	default:
		return c - 'A' + 10
	}
}

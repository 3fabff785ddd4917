package translate

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"isthmus/xmpp/stanza"
)

// The marks of escaped handles. The first begins no plain handle, the second
// is in no plain name, and the third is not the start of an escape.
const (
	escapeMark = "___"
	nodeMark   = "---"
	hashMark   = "___.x"
)

// maxUserPart is the longest user part that we publish; longer ones are
// hashed (rule e of the handle rules).
const maxUserPart = 64

// maxHandle bounds what is read.
const maxHandle = 2048

// plainName is the grammar of names that need no escape: what every peer takes
// (Mastodon: [a-z0-9_]+([.-]+[a-z0-9_]+)*), without our marks.
var plainName = regexp.MustCompile(`^[a-z0-9_]+([.-][a-z0-9_]+)*$`)

func isPlain(s string) bool {
	return len(s) <= maxUserPart && plainName.MatchString(s) && !strings.Contains(s, escapeMark)
}

// userPart is the part of a handle before the @, not yet written.
type userPart struct {
	site   *site
	node   string
	name   string // a local part; local@domain of JIDs elsewhere; a node of a site of nodes
	split  bool   // node and name both stand in it
	escape bool   // even if it is plain
}

// Handle gives the handle of a JID and node; node "" or urn:xmpp:microblog:0
// is the person. long tells that the handle is a hash which a table must
// remember. Errors: ErrNoHandle.
func (a *Addresses) Handle(jid, node string) (handle string, long bool, err error) {
	local, domain, err := splitJID(jid)
	if err != nil {
		return "", false, fmt.Errorf("handle of %q: %w (%w)", jid, ErrNoHandle, err)
	}
	if local != "" && node == stanza.NSMicroblog {
		node = ""
	}
	// A bare domain is nobody. Our own component holds the actors of others.
	if local == "" && node == "" || domain == a.component || !validText(node) {
		return "", false, fmt.Errorf("handle of %q, node %q: %w", jid, node, ErrNoHandle)
	}
	p := a.place(local, domain, node)
	user, long := p.write()
	if long {
		user = hashMark + hash128("isthmus handle", local+"@"+domain, node)
	}
	return user + "@" + p.site.host, long, nil
}

// place tells where a JID and node live and what their handle is made of.
func (a *Addresses) place(local, domain, node string) userPart {
	s := a.byDomain[domain]
	switch {
	case s != nil && s.nodes && local == "":
		return userPart{site: s, name: node}
	case s != nil && !s.nodes && local != "":
		return userPart{site: s, node: node, name: local, split: node != ""}
	}
	s = a.primary()
	// On a site of nodes a name alone is a node, so a person there keeps the
	// mark between an empty node and the JID.
	return userPart{site: s, node: node, name: local + "@" + domain, split: node != "" || s.nodes, escape: true}
}

// write gives the user part, and whether it is too long to be published.
func (p userPart) write() (user string, long bool) {
	user = p.name
	if p.split {
		user = p.node + nodeMark + p.name
	}
	// HOST@HOST is the gateway's own actor.
	plain := !p.escape && isPlain(p.name) && (!p.split || isPlain(p.node)) && user != p.site.hostname()
	if !plain {
		user = escapeMark
		if p.split {
			user += escapeName(p.node) + nodeMark
		}
		user += escapeName(p.name)
	}
	return user, len(user) > maxUserPart
}

// ParseHandle gives the bare JID and the node ("" for the person) of a handle
// in any spelling: ours in any case, and what Libervia's gateway writes.
// Errors: ErrUnknown, ErrNotOurs, ErrHashed, ErrInstance.
func (a *Addresses) ParseHandle(handle string) (jid, node string, err error) {
	user, host, err := splitHandle(handle)
	if err != nil {
		return "", "", err
	}
	s := a.byHost[host]
	switch {
	case s != nil && (user == s.hostname() || user == s.host):
		return "", "", ErrInstance
	case s != nil && isHashed(user):
		return "", "", ErrHashed
	case s != nil:
	// Libervia's handles are on the host of the service or of the gateway.
	case a.services[host]:
		s = &site{domain: host, nodes: true}
	case host == a.component:
		s = &site{}
	default:
		return "", "", fmt.Errorf("handle %q: %w", handle, ErrNotOurs)
	}
	local, domain, node, err := readUser(user, s)
	if err == nil && (domain == a.component || domain == "") {
		err = ErrUnknown
	}
	if err != nil {
		return "", "", fmt.Errorf("handle %q: %w", handle, err)
	}
	return a.jid(local, domain), node, nil
}

// splitHandle gives user and host of a handle, both in normal spelling. A
// leading @ and acct: are dropped (W7).
func splitHandle(handle string) (user, host string, err error) {
	if len(handle) > maxHandle {
		return "", "", fmt.Errorf("handle of %d bytes: %w", len(handle), ErrUnknown)
	}
	s := strings.TrimPrefix(foldASCII(handle), "acct:")
	user, host, found := strings.Cut(strings.TrimPrefix(s, "@"), "@")
	if found && user != "" && validText(user) && !strings.ContainsFunc(user, isBlank) {
		if host, err = normalHost(host); err == nil {
			return user, host, nil
		}
	}
	return "", "", fmt.Errorf("handle %q: %w", handle, ErrUnknown)
}

// readUser undoes userPart.write for a handle on a site.
func readUser(user string, s *site) (local, domain, node string, err error) {
	rest, escaped := strings.CutPrefix(user, escapeMark)
	name, split := rest, false
	if i := strings.LastIndex(rest, nodeMark); i >= 0 {
		node, name, split = rest[:i], rest[i+len(nodeMark):], true
	}
	if escaped {
		if node, err = unescapeName(node); err != nil {
			return "", "", "", err
		}
		if name, err = unescapeName(name); err != nil {
			return "", "", "", err
		}
	} else if split && node == "" {
		return "", "", "", ErrUnknown
	}
	if s.nodes && !split {
		if name == "" || !validText(name) {
			return "", "", "", ErrUnknown
		}
		return "", s.domain, name, nil
	}
	local, domain = name, s.domain
	if l, d, found := strings.Cut(name, "@"); found {
		if domain, err = normalDomain(d); err != nil {
			return "", "", "", ErrUnknown
		}
		local = l
		if local == "" && node != "" && validText(node) {
			return "", domain, node, nil // a service without website
		}
	}
	if local = foldASCII(local); !validLocal(local) || !validText(node) {
		return "", "", "", ErrUnknown
	}
	if node == stanza.NSMicroblog {
		node = ""
	}
	return local, domain, node, nil
}

// Canonical gives the one spelling of a handle that we publish.
func (a *Addresses) Canonical(handle string) (string, error) {
	jid, node, err := a.ParseHandle(handle)
	switch {
	case err == nil:
		canonical, _, err := a.Handle(jid, node)
		if err != nil {
			return "", fmt.Errorf("handle %q: %w", handle, ErrUnknown)
		}
		return canonical, nil
	case errors.Is(err, ErrHashed), errors.Is(err, ErrInstance):
		user, host, splitErr := splitHandle(handle)
		if splitErr == nil && errors.Is(err, ErrInstance) {
			return a.InstanceHandle(host), nil
		}
		return user + "@" + host, splitErr
	}
	return "", err
}

// InstanceHandle is the reserved handle of the gateway's own actor on a host,
// "" if the host is not ours.
func (a *Addresses) InstanceHandle(host string) string {
	h, err := normalHost(host)
	if s := a.byHost[h]; err == nil && s != nil {
		return s.hostname() + "@" + s.host
	}
	return ""
}

// Acct names an actor in URLs: its handle, and ~2 and so on for the actors
// that a later link made.
func Acct(handle string, generation int) string {
	if generation < 2 {
		return handle
	}
	return handle + "~" + strconv.Itoa(generation)
}

// ParseAcct is the opposite of Acct, with the handle made canonical. Handles
// that are hashes pass. Errors: as ParseHandle, without ErrHashed.
func (a *Addresses) ParseAcct(acct string) (handle string, generation int, err error) {
	handle, suffix, found := strings.Cut(acct, "~")
	// User parts have no ~, neither plain nor escaped.
	generation = 1
	if found {
		generation, err = strconv.Atoi(suffix)
		if err != nil || generation < 2 || len(suffix) > 9 || strconv.Itoa(generation) != suffix {
			return "", 0, fmt.Errorf("actor %q: %w", acct, ErrUnknown)
		}
	}
	if _, _, err = a.ParseHandle(handle); err != nil && !errors.Is(err, ErrHashed) {
		return "", 0, err
	}
	if handle, err = a.Canonical(handle); err != nil {
		return "", 0, err
	}
	return handle, generation, nil
}

// isHashed tells whether a user part is one that stands for a longer one.
func isHashed(user string) bool {
	sum, ok := strings.CutPrefix(user, hashMark)
	return ok && isHash(sum)
}

const hexDigits = "0123456789abcdef"

// escapeName writes every byte outside [a-z0-9_], and each _ of a run of three
// or more, as a dot and two hexadecimal digits.
func escapeName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		run := 1
		for s[i] == '_' && i+run < len(s) && s[i+run] == '_' {
			run++
		}
		if isWord(s[i]) && run < len(escapeMark) {
			b.WriteString(s[i : i+run])
		} else {
			for range run {
				b.Write([]byte{'.', hexDigits[s[i]>>4], hexDigits[s[i]&15]})
			}
		}
		i += run - 1
	}
	return b.String()
}

// unescapeName undoes escapeName. It also takes the bare - of Libervia.
func unescapeName(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isWord(c) || c == '-':
			b.WriteByte(c)
		case c == '.' && i+2 < len(s) && isHexPair(s[i+1:i+3]):
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			b.WriteByte(byte(n))
			i += 2
		default:
			return "", ErrUnknown
		}
	}
	return b.String(), nil
}

func isHexPair(s string) bool {
	return strings.IndexByte(hexDigits, s[0]) >= 0 && strings.IndexByte(hexDigits, s[1]) >= 0
}

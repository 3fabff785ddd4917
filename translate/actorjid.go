package translate

import (
	"fmt"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"isthmus/xmpp/stanza"
)

// ActorJID gives the JID of a fediverse handle on our component:
// alice@mast.social is alice\40mast.social@ap.example.org (XEP-0106).
// Errors: ErrOurs, ErrUnstable (use ActorJIDHashed), ErrUnknown.
func (a *Addresses) ActorJID(handle string) (string, error) {
	user, host, err := a.remoteHandle(handle)
	if err != nil {
		return "", err
	}
	local := stanza.EscapeLocal(user + "@" + host)
	// A name of the form of a hash would be taken for one.
	if len(local) > maxJIDPart || isHash(user) || !isStable(user) {
		return "", fmt.Errorf("JID of %q: %w", handle, ErrUnstable)
	}
	return a.jid(local, a.component), nil
}

// remoteHandle gives the parts of a handle of another host, in normal spelling.
func (a *Addresses) remoteHandle(handle string) (user, host string, err error) {
	user, host, err = splitHandle(handle)
	if err != nil {
		return "", "", err
	}
	if a.local(host) {
		return user, host, fmt.Errorf("handle %q: %w", handle, ErrOurs)
	}
	return strings.ToLower(user), host, nil
}

// ActorJIDHashed gives the JID of an actor without a handle that ActorJID can
// spell, from its id and host; "" for a host that is ours or malformed.
func (a *Addresses) ActorJIDHashed(id, host string) string {
	h, err := normalHost(host)
	if err != nil || a.local(h) {
		return ""
	}
	return a.jid(stanza.EscapeLocal(hash128("isthmus actor", id)+"@"+h), a.component)
}

// ParseActorJID is the opposite of both. For the hashed form the handle is
// {hash}@host, to be looked up by its JID. ErrOurs comes with the handle,
// which ParseHandle turns into the JID to redirect to. Other errors:
// ErrUnknown, ErrNotOurs for JIDs outside the component.
func (a *Addresses) ParseActorJID(jid string) (handle string, hashed bool, err error) {
	bare, _, _ := strings.Cut(jid, "/")
	local, domain, found := strings.Cut(bare, "@")
	if d, err := normalDomain(domain); err == nil && found && d != a.component {
		return "", false, fmt.Errorf("actor %q: %w", jid, ErrNotOurs)
	} else if err != nil || !found || len(local) > maxJIDPart {
		return "", false, fmt.Errorf("actor %q: %w", jid, ErrUnknown)
	}
	local = foldASCII(local)
	user, host, err := splitActor(stanza.UnescapeLocal(local))
	if err != nil {
		return "", false, fmt.Errorf("actor %q: %w", jid, err)
	}
	handle = user + "@" + host
	if a.local(host) {
		return handle, false, fmt.Errorf("actor %q: %w", jid, ErrOurs)
	}
	// Each actor has one JID: what we would spell otherwise is nobody.
	if hashed = isHash(user); !hashed && !isStable(user) || stanza.EscapeLocal(handle) != local {
		return "", false, fmt.Errorf("actor %q: %w", jid, ErrUnknown)
	}
	return handle, hashed, nil
}

// splitActor splits the text of a local part into user and host.
func splitActor(s string) (user, host string, err error) {
	user, host, _ = strings.Cut(s, "@")
	host, err = normalHost(host)
	if err != nil || user == "" {
		return "", "", ErrUnknown
	}
	return user, host, nil
}

// isStable tells whether every XMPP server leaves a user part as it is
// (nodeprep, RFC 6122 appendix A) and every client can show it in a URI.
// Scripts that nodeprep did not know, that change under it, or that may not
// stand beside a Latin host (RFC 3454 §6) are not worth the risk.
func isStable(user string) bool {
	if user == "" {
		return false
	}
	for _, r := range user {
		if !isStableRune(r) {
			return false
		}
	}
	return isASCII(user) || norm.NFKC.IsNormalString(user) && cases.Fold().String(user) == user
}

// isStableRune takes letters that were in Unicode 3.2, of scripts that are
// written from left to right. Case and width are checked elsewhere.
func isStableRune(r rune) bool {
	switch {
	case r < 0x80:
		return isWord(byte(r)) || strings.ContainsRune(".~:+-", r)
	case 0xDF <= r && r <= 0x21F && r != 0xF7, // Latin
		0x1E00 <= r && r <= 0x1E9B,
		0x1EA0 <= r && r <= 0x1EF9,
		0x3AC <= r && r <= 0x3CE, // Greek
		0x430 <= r && r <= 0x481, // Cyrillic
		0x48A <= r && r <= 0x4CE,
		0x4D0 <= r && r <= 0x4F5,
		0x561 <= r && r <= 0x586,   // Armenian
		0x10D0 <= r && r <= 0x10F0, // Georgian
		0x3041 <= r && r <= 0x3094, // Hiragana
		0x30A1 <= r && r <= 0x30FE, // Katakana
		0x3105 <= r && r <= 0x312C, // Bopomofo
		0x3400 <= r && r <= 0x4DB5, // Han
		0x4E00 <= r && r <= 0x9FA5,
		0xAC00 <= r && r <= 0xD7A3, // Hangul
		r == 0x3005:
		return true
	}
	return false
}

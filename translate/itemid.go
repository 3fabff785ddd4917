package translate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// idLength is how many characters of base32 128 bits take. They suit XMPP
// clients as item ids too: 6 to 128 characters, safe in URL paths.
const idLength = 26

const base32Digits = "abcdefghijklmnopqrstuvwxyz234567"

// ID writes 128 random bits as the id of an activity or object: 26 characters
// of base32 in lower case.
func ID(random [16]byte) string {
	return base32.NewEncoding(base32Digits).WithPadding(base32.NoPadding).EncodeToString(random[:])
}

// MintItemID gives the id of an object of ours, from a key that stays in the
// database and a seed that names the item and its life. The same seed gives
// the same id, so that a repeated attempt makes no second object.
func MintItemID(key []byte, seed string) string {
	return keyedHash(key, "isthmus object", seed)
}

// ItemIDForRemote proposes the item id under which XMPP sees a remote object.
// It is keyed so that nobody else can take the id on an open node first.
func ItemIDForRemote(key []byte, uri string) string {
	return keyedHash(key, "isthmus item", uri)
}

func keyedHash(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(parts, "\x00")))
	return ID([16]byte(mac.Sum(nil)[:16]))
}

// hash128 hashes text that holds no NUL.
func hash128(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return ID([16]byte(sum[:16]))
}

// isHash tells whether a string has the form of ID.
func isHash(s string) bool {
	if len(s) != idLength {
		return false
	}
	for i := range len(s) {
		if strings.IndexByte(base32Digits, s[i]) < 0 {
			return false
		}
	}
	return true
}

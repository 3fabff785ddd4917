package translate

import (
	"regexp"
	"testing"
)

func TestIDs(t *testing.T) {
	key, other := []byte("0123456789abcdef0123456789abcdef"), []byte("another key")
	const uri = "https://mast.social/users/alice/statuses/1"
	form := regexp.MustCompile(`^[a-z2-7]{26}$`)
	ids := map[string]string{
		"ID zero":    ID([16]byte{}),
		"ID ones":    ID([16]byte{0: 0xff, 15: 0xff}),
		"ID last":    ID([16]byte{15: 1}),
		"mint":       MintItemID(key, uri),
		"mint seed":  MintItemID(key, uri+"\x002"),
		"mint other": MintItemID(other, uri),
		"item":       ItemIDForRemote(key, uri),
		"item uri":   ItemIDForRemote(key, uri+"2"),
		"item other": ItemIDForRemote(other, uri),
		"item empty": ItemIDForRemote(key, ""),
	}
	seen := make(map[string]string)
	for name, id := range ids {
		if !form.MatchString(id) || !isHash(id) || !validID(id) {
			t.Errorf("%s: %q", name, id)
		}
		if first, ok := seen[id]; ok {
			t.Errorf("%s and %s are both %q", first, name, id)
		}
		seen[id] = name
	}
	// Pinned: the ids of published objects never change.
	for name, want := range map[string]string{"ID zero": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "mint": "ihjebqscnmtiwnjjt57bypbzie", "item": "wstknzxt74fb7j2armbx2it7na"} {
		if ids[name] != want {
			t.Errorf("%s is %q, was %q", name, ids[name], want)
		}
	}
}

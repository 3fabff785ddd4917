package translate

// ID writes 128 random bits as the id of an activity or object: 26 characters
// of base32 in lower case.
func ID(random [16]byte) string { return "" }

// MintItemID gives the id of an object of ours, from a key that stays in the
// database and a seed that names the item and its life.
func MintItemID(key []byte, seed string) string { return "" }

// ItemIDForRemote proposes the item id under which XMPP sees a remote object.
func ItemIDForRemote(key []byte, uri string) string { return "" }

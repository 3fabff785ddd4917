package translate

import "isthmus/xmpp/stanza"

// FromAtom reads an entry of XEP-0277 or XEP-0472. it is where it was found,
// owner its publisher: what the entry says of its author only counts when it
// agrees (X4). URI and Visibility are left to the caller.
func FromAtom(entry *stanza.Element, it Item, owner Actor) (Post, error) { return Post{}, nil }

// IsHeart tells whether a comment is a like as Movim and Converse write it.
func IsHeart(entry *stanza.Element) bool { return false }

package translate

import "isthmus/xmpp/stanza"

// AtomLinks is what an Atom entry says of its surroundings. What is empty is
// left out. URIs are finished by the caller.
type AtomLinks struct {
	Item      Item   // where the entry is published
	AuthorJID string // bare; equal to the item's publisher except in a boost
	Comments  string // xmpp: URI of the comments node; empty in comments
	InReplyTo string // xmpp: URI of the parent, as InReplyToURI writes it
	Via       string // xmpp: URI of what a boost repeats
	Page      string // https page; empty for anything narrower than public
	Comment   bool   // the entry goes into a comments node
	Budget    int    // greatest size of the entry in bytes; 0 for our own service's
}

// Atom writes a post as an entry of XEP-0277 and XEP-0472 that Movim, Converse
// and Libervia show well.
func Atom(p Post, l AtomLinks) *stanza.Element { return nil }

// Heart is the comment that Movim and Converse read as a like.
func Heart(p Post, l AtomLinks) *stanza.Element { return nil }

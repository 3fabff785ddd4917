package xmpp

import "isthmus/xmpp/stanza"

// PageKind says from where and in which direction a page of items is taken.
type PageKind int

// The kinds of pages. Items are always given in the order of the walk.
const (
	Newest    PageKind = iota // from the newest item towards older ones
	Before                    // the items older than Cursor, newest first
	After                     // the items newer than Cursor, oldest first
	Oldest                    // from the oldest item towards newer ones
	AtIndex                   // as Oldest, after skipping Index items
	CountOnly                 // no items, only their number
	ByID                      // the items named by IDs, in that order
)

// Page is the part of a node's items, or of a list, that is asked for. It is
// the paging of XEP-0059 and XEP-0060 §6.5.4-8 turned into one walk.
type Page struct {
	Kind    PageKind
	Cursor  string   // an item id, for Before and After
	Index   int      // for AtIndex
	Max     int      // most items wanted; -1: not said
	IDs     []string // for ByID, without repetitions
	OrderBy string   // XEP-0413: "", creation or modification
	// Reverse is true when the answer shows the page turned around, which the
	// Router does: whoever gives the items ignores it.
	Reverse bool
	Set     bool // the request had a <set/>
}

// ResultSet is the <set/> of an answer (XEP-0059 §2).
type ResultSet struct {
	First, Last string
	Index       int // of the first item; -1: not known
	Count       int // -1: not known
}

// Element is the set as XML.
func (r ResultSet) Element() *stanza.Element { panic("body follows") }

// ParseResultSet reads the <set/> of an answer; nil if there is none.
func ParseResultSet(el *stanza.Element) *ResultSet { panic("body follows") }

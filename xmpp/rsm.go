package xmpp

import (
	"strconv"
	"strings"

	"isthmus/xmpp/stanza"
)

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
func (r ResultSet) Element() *stanza.Element {
	el := stanza.New(stanza.NSRSM, "set")
	if r.First != "" {
		first := stanza.Text("", "first", r.First)
		if r.Index >= 0 {
			first.Set("index", strconv.Itoa(r.Index))
		}
		el.Add(first, stanza.Text("", "last", r.Last))
	}
	if r.Count >= 0 {
		el.Add(stanza.Text("", "count", strconv.Itoa(r.Count)))
	}
	return el
}

// ParseResultSet reads the <set/> of an answer; nil if there is none.
func ParseResultSet(el *stanza.Element) *ResultSet {
	if !el.Is(stanza.NSRSM, "set") {
		return nil
	}
	first := el.Child("", "first")
	r := &ResultSet{First: first.Content(), Last: el.ChildContent("", "last"), Index: -1, Count: -1}
	if n, ok := parseCount(first.Get("index")); ok {
		r.Index = n
	}
	if n, ok := parseCount(el.ChildContent("", "count")); ok {
		r.Count = n
	}
	return r
}

// maxCount is what counts beyond it are taken for: no list of ours is longer.
const maxCount = 1 << 30

// parseCount reads an xs:nonNegativeInteger.
func parseCount(s string) (int, bool) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "+")
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > maxCount {
		return maxCount, true
	}
	return int(n), true
}

// parsePage reads the paging of a request: items is the element that may carry
// max_items and <item/>s, or nil, and around the one that may carry <set/> and
// <order/>. Without order the rules are those that the known clients agree on:
// pages are newest first, except those that walk forward.
func parsePage(items, around *stanza.Element) (Page, error) {
	p := Page{Max: -1}
	if v := items.Get("max_items"); v != "" {
		n, ok := parseCount(v)
		if !ok {
			return p, stanza.NewError("bad-request", "max_items is not a number")
		}
		p.Max = n
	}
	limited := p.Max >= 0
	var err error
	if p.IDs, err = parseIDs(items); err != nil {
		return p, err
	}
	set := around.Child(stanza.NSRSM, "set")
	if err := p.parseSet(set, limited); err != nil {
		return p, err
	}
	if order := around.Child(stanza.NSOrderBy, "order"); order != nil {
		if err := p.orderBy(order, set.Child("", "before") != nil); err != nil {
			return p, err
		}
	}
	switch {
	case p.IDs != nil:
		p.Kind, p.Reverse = ByID, false
	case p.Max == 0:
		p.Kind, p.Reverse = CountOnly, false
	}
	return p, nil
}

// parseIDs are the ids of the items that were asked for by name, each once.
func parseIDs(items *stanza.Element) ([]string, error) {
	var ids []string
	seen := make(map[string]bool)
	for c := range items.Children("", "item") {
		id := c.Get("id")
		if id == "" {
			return nil, stanza.NewError("bad-request", "an item has no id").PubSub("item-required")
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// parseSet reads <set/> (XEP-0059 §2). limited says that max_items was given.
func (p *Page) parseSet(set *stanza.Element, limited bool) error {
	if set == nil {
		return nil
	}
	p.Set = true
	before, after, index := set.Child("", "before"), set.Child("", "after"), set.Child("", "index")
	if before != nil && after != nil || index != nil && (before != nil || after != nil) {
		return stanza.NewError("bad-request", "before, after and index exclude each other")
	}
	limit := set.Child("", "max")
	if limit != nil {
		n, ok := parseCount(limit.Content())
		if !ok {
			return stanza.NewError("bad-request", "max is not a number")
		}
		p.Max = n
	}
	switch {
	case before != nil:
		p.Cursor = before.Content()
		if p.Kind = Before; p.Cursor == "" {
			p.Kind = Newest
		}
	case after != nil:
		p.Cursor = after.Content()
		if p.Kind = After; p.Cursor == "" {
			p.Kind = Oldest
		}
	case index != nil:
		n, ok := parseCount(index.Content())
		if !ok {
			return stanza.NewError("bad-request", "index is not a number")
		}
		p.Kind, p.Index = AtIndex, n
	case limit != nil || !limited:
		p.Kind = Oldest
	}
	return nil
}

// orderBy turns the page into one of the explicit order (XEP-0413 §3). Then
// before and after mean what XEP-0059 says: earlier and later in that order.
func (p *Page) orderBy(order *stanza.Element, before bool) error {
	p.OrderBy = order.Get("by")
	if p.OrderBy != "creation" && p.OrderBy != "modification" {
		return stanza.NewError("feature-not-implemented", "known orders are creation and modification")
	}
	desc := false
	if v := order.Get("desc"); v != "" {
		var ok bool
		if desc, ok = parseBool(v); !ok {
			return stanza.NewError("bad-request", "desc is not a boolean")
		}
	}
	switch {
	case p.Kind == AtIndex:
		if desc {
			return stanza.NewError("feature-not-implemented", "an index counts from the oldest item")
		}
	case desc && p.Kind == After:
		p.Kind = Before
	case desc && p.Kind == Before:
		p.Kind, p.Reverse = After, true
	case desc && p.Kind == Newest && before:
		p.Kind, p.Reverse = Oldest, true
	case desc:
		p.Kind = Newest
	case p.Kind == Before:
		p.Reverse = true
	case p.Kind == Newest && (before || p.Max >= 0):
		p.Reverse = true
	case p.Kind == Newest:
		p.Kind = Oldest
	}
	return nil
}

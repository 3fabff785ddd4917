package xmpp

import (
	"slices"

	"isthmus/xmpp/stanza"
)

// maxAnswer is what a list in an answer may weigh: 192 KiB for the stanza less
// its addresses and wrapping.
const maxAnswer = 184 << 10

// entry is one element of a list that is answered page by page.
type entry struct {
	id   string // its cursor
	el   *stanza.Element
	size int
}

// newEntry renders an element of a list in a namespace once, and weighs it.
func newEntry(id string, el *stanza.Element) entry {
	el = stanza.Prerender(el)
	return entry{id: id, el: el, size: el.Size()}
}

// walk is a page of entries in the order in which they were taken.
type walk struct {
	entries []entry
	count   int // of the whole list; -1: not known
	index   int // how many come before the first in this order; -1: not known
}

// fit cuts the walk to the number and the bytes that the answer may have, and
// turns it around where the request wants that. The set tells honestly where
// it was cut, so that the next request goes on from there; cut says that bytes
// were the reason.
func (w walk) fit(p Page, budget int) (entries []entry, set ResultSet, cut bool) {
	n := len(w.entries)
	if p.Max >= 0 && p.Kind != ByID {
		n = min(n, p.Max)
	}
	used := 0
	for i, e := range w.entries[:n] {
		if used += e.size; used > budget {
			n, cut = i, true
			break
		}
	}
	entries = slices.Clone(w.entries[:n])
	set = ResultSet{Count: w.count, Index: w.index}
	if p.Reverse {
		slices.Reverse(entries)
		if set.Index = -1; w.index >= 0 && w.count >= 0 {
			set.Index = max(0, w.count-w.index-n)
		}
	}
	if n > 0 {
		set.First, set.Last = entries[0].id, entries[n-1].id
	}
	return entries, set, cut
}

// walkList takes a page out of a whole list, whose own order is the one that
// before and after speak of (XEP-0059 §2). Pages that are counted from their
// end are walked backwards.
func walkList(all []entry, p *Page) (walk, error) {
	w := walk{entries: all, count: len(all)}
	at := -1
	if p.Cursor != "" {
		at = slices.IndexFunc(all, func(e entry) bool { return e.id == p.Cursor })
		if at < 0 {
			return w, stanza.NewError("item-not-found", "unknown cursor") // XEP-0059 §2.1
		}
	}
	switch {
	case p.Kind == CountOnly:
		w.entries, w.index = nil, -1
	case p.Kind == After:
		w.entries, w.index = all[at+1:], at+1
	case p.Kind == AtIndex:
		w.index = min(p.Index, len(all))
		w.entries = all[w.index:]
	case p.Kind == Before:
		w.entries, w.index, p.Reverse = backwards(all[:at]), len(all)-at, true
	case p.Kind == Newest && p.Set:
		w.entries, p.Reverse = backwards(all), true
	}
	return w, nil
}

func backwards(entries []entry) []entry {
	entries = slices.Clone(entries)
	slices.Reverse(entries)
	return entries
}

// answerList adds the page of a whole list that was asked for to an element,
// and a <set/> to the element around it if there was one in the request or the
// list was cut.
func answerList(list, around *stanza.Element, all []entry, p Page, budget int) error {
	p.Reverse = false
	w, err := walkList(all, &p)
	if err != nil {
		return err
	}
	entries, set, cut := w.fit(p, budget)
	addEntries(list, entries)
	if p.Set || cut {
		around.Add(set.Element())
	}
	return nil
}

func addEntries(list *stanza.Element, entries []entry) {
	for _, e := range entries {
		list.Add(e.el)
	}
}

package translate

import (
	"slices"
	"strings"

	"isthmus/xmpp/stanza"
)

// maxRefers bounds the addresses of one entry that are looked at.
const maxRefers = 4

// WebRefers gives the addresses on the web of what an entry answers, or, for a
// boost, of what it repeats, in the order in which it has them. All of them stand
// for one post: its id, and its page.
func WebRefers(entry *stanza.Element, kind Kind) []string {
	var out []string
	add := func(address string) {
		href := safeHref(address)
		if strings.HasPrefix(href, "http") && len(out) < maxRefers && !slices.Contains(out, href) {
			out = append(out, href)
		}
	}
	if kind == KindBoost {
		for l := range entry.Children(stanza.NSAtom, "link") {
			if strings.TrimPrefix(strings.ToLower(l.Get("rel")), "http://www.iana.org/assignments/relation/") == "via" {
				add(l.Get("href"))
				add(l.Get("ref"))
			}
		}
		return out
	}
	for el := range entry.Children(stanza.NSThread, "in-reply-to") {
		add(el.Get("ref"))
		add(el.Get("href"))
	}
	return out
}

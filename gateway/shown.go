package gateway

import (
	"github.com/maypok86/otter/v2"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
)

// maxShown bounds what the items in memory weigh, about.
const maxShown = 8 << 20

// shown are items of feeds as they were written last: clients read the newest
// page of a node again and again. Only what says nothing of other posts is kept,
// so that an item is right as long as its post is of the same version; who may
// see it is asked of the store each time.
type shown struct {
	items *otter.Cache[shownKey, xmpp.Item]
}

type shownKey struct {
	version cache.Version
	at      translate.Item
}

func newShown() *shown {
	return &shown{otter.Must(&otter.Options[shownKey, xmpp.Item]{
		MaximumWeight: maxShown,
		Weigher: func(k shownKey, it xmpp.Item) uint32 {
			// Its elements weigh more than its XML, which is kept besides.
			return uint32(3*it.Payload.Size() + len(k.at.Service) + len(k.at.Node) + len(k.at.ID) + 256)
		},
	})}
}

// shownPage is a page that is read with the help of what was shown.
type shownPage struct {
	*shown
	known map[string]xmpp.Item
	keys  map[string]shownKey
}

func (s *shown) page() shownPage {
	return shownPage{s, make(map[string]xmpp.Item), make(map[string]shownKey)}
}

// has tells whether an item is known, and remembers what it is.
func (p shownPage) has(s cache.Stored, v cache.Version) bool {
	id := s.Item.ItemID
	key := shownKey{v, translate.Item{Service: s.Item.Service, Node: s.Item.Node, ID: id}}
	it, ok := p.items.GetIfPresent(key)
	if ok {
		p.known[id] = it
	} else {
		p.keys[id] = key
	}
	return ok
}

// keep remembers an item that was written for the page.
func (p shownPage) keep(post translate.Post, it xmpp.Item) {
	key, asked := p.keys[it.ID]
	if asked && post.Kind != translate.KindBoost && post.ReplyTo == "" {
		p.items.Set(key, it)
	}
}

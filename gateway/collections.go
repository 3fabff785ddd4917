package gateway

import (
	"context"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// collectionPage is how many entries a page of a collection has.
const collectionPage = 20

// Collection gives a collection of an actor or a post, or a page of one.
func (b *backend) Collection(ctx context.Context, q ap.CollectionLookup) (any, error) {
	c, err := b.find(ctx, q)
	if err != nil {
		return nil, err
	}
	var doc *as2.Collection
	err = b.store.View(ctx, func(tx *cache.Tx) (err error) {
		doc, err = c.document(tx, q)
		return err
	})
	if err != nil {
		return nil, storeError(err)
	}
	return doc, nil
}

// find finds the collection that is asked for. The instance actor has an outbox,
// in which nothing is.
func (b *backend) find(ctx context.Context, q ap.CollectionLookup) (collection, error) {
	if q.Acct == "" {
		if id := b.addr.Instance(q.Host); id != "" && q.Kind == ap.Outbox {
			return none(id + "/outbox"), nil
		}
		return collection{}, fail(NotFound, "no such host here")
	}
	a, err := b.findAccount(ctx, q.Acct)
	if err != nil {
		return collection{}, err
	}
	return b.collectionOf(a, q)
}

// collection is how one kind of collection is read: its size, and a page.
type collection struct {
	id      string
	ordered bool
	hidden  bool // the size is told, the members are not (A11)
	count   func(tx *cache.Tx) (int, error)
	page    func(tx *cache.Tx, s span) ([]entry, error)
}

func (c collection) document(tx *cache.Tx, q ap.CollectionLookup) (*as2.Collection, error) {
	n, err := c.count(tx)
	if err != nil {
		return nil, err
	}
	total := int64(n)
	kind, pageKind := as2.TypeCollection, as2.TypeCollectionPage
	if c.ordered {
		kind, pageKind = as2.TypeOrderedCollection, as2.TypeOrderedCollectionPage
	}
	if !q.Paged {
		doc := &as2.Collection{Context: as2.ContextNote, ID: c.id, Type: kind, TotalItems: &total}
		switch {
		case c.hidden:
		case n == 0 && c.ordered:
			doc.OrderedItems = []any{}
		case n == 0:
			doc.Items = []any{}
		default:
			doc.First, doc.Last = c.id+"?page=0", c.id+"?page="+lastPage
			if n <= collectionPage {
				doc.Last = c.id + "?page=0"
			}
		}
		return doc, nil
	}
	at, ok := parseSpan(q.Page)
	if !ok || c.hidden {
		return nil, fail(NotFound, "no such page")
	}
	page, prev, next, err := at.read(tx, c.page)
	if err != nil {
		return nil, err
	}
	doc := &as2.Collection{Context: as2.ContextNote, ID: c.id + "?page=" + q.Page, Type: pageKind, PartOf: c.id, TotalItems: &total}
	items := make([]any, len(page))
	for i, e := range page {
		items[i] = e.item
	}
	if c.ordered {
		doc.OrderedItems = items
	} else {
		doc.Items = items
	}
	if next != "" {
		doc.Next = c.id + "?page=" + next
	}
	if prev != "" {
		doc.Prev = c.id + "?page=" + prev
	}
	return doc, nil
}

// none is a collection without members.
func none(id string) collection {
	return collection{id: id, ordered: true, count: func(*cache.Tx) (int, error) { return 0, nil },
		page: func(*cache.Tx, span) ([]entry, error) { return nil, nil }}
}

func (b *backend) collectionOf(a cache.Account, q ap.CollectionLookup) (collection, error) {
	acct, v := acctOf(a), cache.Viewer{Actor: q.Viewer}
	switch q.Kind {
	case ap.Outbox:
		return b.outbox(a, v), nil
	case ap.Followers:
		return follows(b.addr.Followers(acct),
			func(tx *cache.Tx) (int, error) { return tx.CountFollowers(a.URI) },
			func(tx *cache.Tx, s span) ([]cache.Follow, error) {
				if s.back {
					return tx.FollowersBefore(a.URI, cache.FollowAccepted, s.from, s.limit)
				}
				return tx.FollowersOf(a.URI, cache.FollowAccepted, s.from, s.limit)
			}, func(f cache.Follow) string { return f.Follower }), nil
	case ap.Following:
		c := follows(b.addr.Following(acct),
			func(tx *cache.Tx) (int, error) { return tx.CountFollowing(a.URI) },
			func(tx *cache.Tx, s span) ([]cache.Follow, error) {
				if s.back {
					return tx.FollowingBefore(a.URI, cache.FollowAccepted, s.from, s.limit)
				}
				return tx.FollowingOf(a.URI, cache.FollowAccepted, s.from, s.limit)
			}, func(f cache.Follow) string { return f.Followee })
		c.hidden = a.State != cache.Linked // who only follows has not agreed to show whom
		return c, nil
	case ap.Featured:
		return none(b.addr.Featured(acct)), nil
	case ap.Replies, ap.Likes, ap.Shares:
		return b.ofItem(acct, q, v), nil
	}
	return collection{}, fail(NotFound, "no such collection")
}

// outbox lists the posts of an account as their Creates and Announces (A19).
func (b *backend) outbox(a cache.Account, v cache.Viewer) collection {
	c := collection{id: b.addr.Outbox(acctOf(a)), ordered: true}
	if a.State != cache.Linked {
		return none(c.id)
	}
	c.count = func(tx *cache.Tx) (int, error) { return tx.CountOutbox(a.URI, v, cache.PublicOrUnlisted) }
	c.page = func(tx *cache.Tx, s span) ([]entry, error) { // newest first
		p := cache.Page{Before: s.from, Limit: s.limit, Width: cache.PublicOrUnlisted}
		if s.back {
			p.Before, p.After, p.Ascending = 0, s.from, true
		}
		posts, err := tx.Outbox(a.URI, v, p)
		return entries(posts, func(p translate.Post) any { return b.created(a, p) }), err
	}
	return c
}

// created is a post of an account as the activity that made it, in a page, which
// has the context.
func (g *Gateway) created(a cache.Account, p translate.Post) any {
	act := g.creation(a, p)
	act.Context = ""
	return act
}

// createdBy is the same as a document.
func (g *Gateway) createdBy(a cache.Account, p translate.Post) any { return g.creation(a, p) }

func (g *Gateway) creation(a cache.Account, p translate.Post) *as2.Activity {
	if p.Kind == translate.KindBoost {
		return translate.Announce(p, g.addr.Followers(acctOf(a)))
	}
	return translate.Create(p.URI+"/create", translate.AS2Object(p, g.linksOf(acctOf(a), p)))
}

func follows(id string, count func(*cache.Tx) (int, error), read func(*cache.Tx, span) ([]cache.Follow, error), end func(cache.Follow) string) collection {
	return collection{id: id, ordered: true, count: count, page: func(tx *cache.Tx, s span) ([]entry, error) {
		list, err := read(tx, s)
		out := make([]entry, len(list))
		for i, f := range list {
			out[i] = entry{f.ID, end(f)}
		}
		return out, err
	}}
}

// ofItem lists what others said about a post, if the viewer may see it.
func (b *backend) ofItem(acct string, q ap.CollectionLookup, v cache.Viewer) collection {
	uri := b.addr.ItemURL(acct, q.ID)
	c := collection{id: b.addr.ItemSubURL(acct, q.ID, string(q.Kind)), hidden: q.Kind == ap.Likes}
	c.count = func(tx *cache.Tx) (int, error) {
		if _, err := tx.PostByURI(uri, v); err != nil {
			return 0, err
		}
		n, err := tx.Counts(uri)
		return map[ap.CollectionKind]int{ap.Replies: n.Replies, ap.Likes: n.Likes, ap.Shares: n.Boosts}[q.Kind], err
	}
	c.page = func(tx *cache.Tx, s span) ([]entry, error) { // oldest first
		read := tx.Replies
		if q.Kind == ap.Shares {
			read = tx.Boosts
		}
		p := cache.Page{After: s.from, Limit: s.limit, Ascending: true, Width: cache.PublicOrUnlisted}
		if s.back {
			p.After, p.Before, p.Ascending = 0, s.from, false
		}
		posts, err := read(uri, v, p)
		return entries(posts, func(p translate.Post) any { return p.URI }), err
	}
	return c
}

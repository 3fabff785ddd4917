package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// NodePrivatePrefix starts the node that holds, for one JID alone, the posts of
// an actor that are not for everybody: a whitelist of one (design: audience).
const NodePrivatePrefix = "urn:xmpp:isthmus:private:0/"

// A client waits about ten seconds for a cold actor (Converse); this is less.
const answerTime = 8 * time.Second

// itemsMost bounds a page of items; threadMost a thread that is shown.
const (
	itemsMost  = 200
	threadMost = 1000
)

// pubsub is the pubsub service behind the addresses of remote actors.
type pubsub struct{ g *Gateway }

// actor finds the actor that a request is to, in the time a client waits.
func (s *pubsub) actor(ctx context.Context, r xmpp.Request) (cache.Actor, error) {
	if r.To.Local() == "" {
		return cache.Actor{}, fail(NotFound, "the gateway's own address has no nodes: ask an actor's, such as alice\\40example.social@%s", s.g.addr.Component())
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return s.g.remoteByJID(ctx, r.To)
}

// Items answers XEP-0060 §6.5: feeds from the cache, filled from the outbox when
// the cache is short, threads, and the nodes of a profile.
func (s *pubsub) Items(ctx context.Context, r xmpp.ItemsRequest) (xmpp.ItemsResult, error) {
	if r.To.Local() == "" {
		return s.g.listItems(ctx, r)
	}
	a, err := s.actor(ctx, r.Request)
	if err != nil {
		return xmpp.ItemsResult{}, err
	}
	v := s.g.viewer(ctx, r.From)
	switch {
	case r.Node == stanza.NSMicroblog:
		if err := s.g.fill(ctx, a); err != nil {
			return xmpp.ItemsResult{}, err
		}
		return s.feed(ctx, a, r, v)
	case r.Node == NodeReplies:
		return s.feed(ctx, a, r, v)
	case isComments(r.Node):
		return s.thread(ctx, a, r, v)
	case isAttachments(r.Node):
		return s.attachments(ctx, a, r, v)
	case strings.HasPrefix(r.Node, NodePrivatePrefix):
		return s.private(ctx, a, r, v)
	}
	items, err := s.g.profileItems(ctx, a, r.Node)
	if err != nil {
		return xmpp.ItemsResult{}, err
	}
	return window(items, r.Page)
}

// fill reads the outbox of an actor whose posts are not kept here yet. The
// first reader waits for it; later ones get the cache, which is filled behind.
func (g *Gateway) fill(ctx context.Context, a cache.Actor) error {
	if g.backfilled(ctx, a) {
		return nil
	}
	n := 0
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		n, err = tx.CountOutbox(a.URI, cache.Viewer{}, cache.PublicOrUnlisted)
		return err
	})
	if err != nil {
		return because(Temporary, err, "the store is busy")
	}
	if n > 0 {
		g.aside("read the outbox of "+a.URI, func() {
			if err := g.backfill(context.WithoutCancel(ctx), a); err != nil {
				g.log.Info("read outbox", "actor", a.URI, "error", err)
			}
		})
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = g.backfill(ctx, a)
	if isKind(err, Temporary) { // never a false empty list: clients drop what they have
		return err
	}
	if err != nil {
		g.log.Info("read outbox", "actor", a.URI, "error", err)
	}
	return nil
}

// feed answers a page of a node that holds items of one actor.
func (s *pubsub) feed(ctx context.Context, a cache.Actor, r xmpp.ItemsRequest, v cache.Viewer) (out xmpp.ItemsResult, err error) {
	q, before := itemQuery(a.JID, r, v), s.g.shown.page()
	q.Known = before.has
	err = s.g.store.View(ctx, func(tx *cache.Tx) error {
		page, err := itemPage(tx, q, r)
		if err != nil {
			return err
		}
		out.Count, out.Index = page.Count, page.Index
		for _, stored := range page.Items {
			if item, ok := before.known[stored.Item.ItemID]; ok {
				out.Items = append(out.Items, item)
				continue
			}
			at := translate.Item{Service: a.JID, Node: r.Node, ID: stored.Item.ItemID}
			item, err := s.g.item(tx, stored.Post, at)
			if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone) {
				continue // a boost of what is gone
			}
			if err != nil {
				return err
			}
			before.keep(stored.Post, item)
			out.Items = append(out.Items, item)
		}
		return nil
	})
	return out, itemsError(err)
}

// itemPage reads a page of a node, or the items that are asked for by name.
func itemPage(tx *cache.Tx, q cache.ItemQuery, r xmpp.ItemsRequest) (cache.ItemPage, error) {
	if r.Page.Kind != xmpp.ByID {
		return tx.Items(q)
	}
	ids, err := itemIDs(tx, r.Page.IDs, q.Service, q.Node, q.Viewer)
	if err != nil {
		return cache.ItemPage{}, err
	}
	items, err := tx.ItemsByID(q, ids)
	return cache.ItemPage{Items: items, Count: -1, Index: -1}, err
}

// itemQuery is the paging of xmpp.md 1.2 as the store knows it.
func itemQuery(service string, r xmpp.ItemsRequest, v cache.Viewer) cache.ItemQuery {
	p := r.Page
	q := cache.ItemQuery{
		Service: service, Node: r.Node, Viewer: v, Width: cache.PublicOrUnlisted,
		Limit: pageSize(p), Count: p.Kind != xmpp.ByID, ByModified: p.OrderBy == "modification",
	}
	switch p.Kind {
	case xmpp.Before:
		q.Before = p.Cursor
	case xmpp.After:
		q.After, q.Ascending = p.Cursor, true
	case xmpp.Oldest:
		q.Ascending = true
	case xmpp.AtIndex:
		q.Start, q.Ascending = p.Index, true
	case xmpp.CountOnly:
		q.Limit = -1
	}
	return q
}

func pageSize(p xmpp.Page) int {
	if p.Max < 0 {
		return 20
	}
	return min(max(p.Max, 1), itemsMost)
}

// itemIDs takes object ids for the item ids that they have here. They are
// looked up, and never fetched (design: addresses).
func itemIDs(tx *cache.Tx, ids []string, service, node string, v cache.Viewer) ([]string, error) {
	out := make([]string, 0, len(ids))
	for _, id := range ids[:min(len(ids), itemsMost)] {
		if strings.HasPrefix(id, "https://") {
			stored, err := tx.PostByURI(id, v)
			if err == nil && stored.Post.Item != nil && stored.Post.Item.Service == service && stored.Post.Item.Node == node {
				id = stored.Post.Item.ID
			} else if err != nil && !errors.Is(err, cache.ErrNotFound) && !errors.Is(err, cache.ErrGone) {
				return nil, err
			}
		}
		out = append(out, id)
	}
	return out, nil
}

func itemsError(err error) error {
	switch {
	case errors.Is(err, cache.ErrNotFound), errors.Is(err, cache.ErrGone):
		return because(NotFound, err, "no such item")
	case errors.Is(err, cache.ErrTemporary):
		return because(Busy, err, "the store is busy")
	}
	return err
}

// root finds the post that a comments node is about.
func (g *Gateway) root(tx *cache.Tx, service, node string, v cache.Viewer) (cache.Stored, error) {
	id := strings.TrimPrefix(node, stanza.CommentsNodePrefix)
	for _, n := range []string{stanza.NSMicroblog, NodeReplies} {
		stored, err := tx.PostByItem(service, n, id, v)
		if err == nil || !errors.Is(err, cache.ErrNotFound) {
			return stored, err
		}
	}
	stored, err := tx.PostByURI(id, v)
	if err == nil && stored.Post.Owner.JID != service {
		return stored, cache.ErrNotFound
	}
	return stored, err
}

// thread answers for a comments node: all visible descendants of a post, and
// its likes, as the comments that clients know them by. The likes are before
// all that is said, as the oldest: clients ask for the newest, once and often
// without a number (Movim, Converse), and would see nothing but likes.
func (s *pubsub) thread(ctx context.Context, a cache.Actor, r xmpp.ItemsRequest, v cache.Viewer) (xmpp.ItemsResult, error) {
	var items []xmpp.Item
	err := s.g.store.View(ctx, func(tx *cache.Tx) error {
		root, posts, err := s.g.commentPosts(tx, a.JID, r.Node, v)
		if err != nil {
			return err
		}
		items, err = s.g.hearts(tx, root.Post, translate.Node{Service: a.JID, Name: r.Node}, v)
		if err != nil {
			return err
		}
		for _, stored := range posts {
			item, err := s.g.item(tx, stored.Post, translate.Item{Service: a.JID, Node: r.Node, ID: stored.Post.Item.ID})
			if err != nil {
				return err
			}
			items = append(items, item)
		}
		return nil
	})
	if err != nil {
		return xmpp.ItemsResult{}, itemsError(err)
	}
	if r.Page.Max < 0 {
		r.Page.Max = itemsMost
	}
	return window(items, r.Page)
}

// commentPosts are what stands in a comments node as items, and the post that they
// are about.
func (g *Gateway) commentPosts(tx *cache.Tx, service, node string, v cache.Viewer) (root cache.Stored, posts []cache.Stored, err error) {
	if root, err = g.root(tx, service, node, v); err != nil {
		return root, nil, err
	}
	posts, err = tx.Thread(root.Post.URI, v, cache.Page{Limit: threadMost, Ascending: true, Width: cache.PublicOrUnlisted})
	return root, slices.DeleteFunc(posts, func(s cache.Stored) bool { return s.Post.Item == nil }), err
}

// ownPrivate tells whether a node is that of who asks alone.
func ownPrivate(r xmpp.NodeRequest, v cache.Viewer) bool {
	return r.Node == NodePrivatePrefix+string(r.From.Bare()) && v.Actor != ""
}

// private answers for the node of one reader.
func (s *pubsub) private(ctx context.Context, a cache.Actor, r xmpp.ItemsRequest, v cache.Viewer) (xmpp.ItemsResult, error) {
	if !ownPrivate(r.NodeRequest, v) {
		return xmpp.ItemsResult{}, fail(NotFound, "no such node")
	}
	var items []xmpp.Item
	err := s.g.store.View(ctx, func(tx *cache.Tx) error {
		posts, err := tx.Outbox(a.URI, v, cache.Page{Limit: threadMost, Width: cache.OnlyPrivate})
		if err != nil {
			return err
		}
		for _, stored := range posts {
			p := stored.Post
			item, err := s.g.item(tx, p, translate.Item{Service: a.JID, Node: r.Node, ID: translate.ItemIDForRemote(s.g.itemKey, p.URI)})
			if err != nil {
				return err
			}
			items = append(items, item)
		}
		return nil
	})
	if err != nil {
		return xmpp.ItemsResult{}, itemsError(err)
	}
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 { // oldest first, as window wants them
		items[i], items[j] = items[j], items[i]
	}
	return window(items, r.Page)
}

// window takes a page out of a list that is whole, oldest first.
func window(items []xmpp.Item, p xmpp.Page) (xmpp.ItemsResult, error) {
	n := len(items)
	out := xmpp.ItemsResult{Count: n}
	find := func() int {
		for i, it := range items {
			if it.ID == p.Cursor {
				return i
			}
		}
		return -1
	}
	step, start := 1, 0
	switch p.Kind {
	case xmpp.ByID:
		for _, id := range p.IDs {
			for _, it := range items {
				if it.ID == id {
					out.Items = append(out.Items, it)
				}
			}
		}
		out.Count, out.Index = -1, -1
		return out, nil
	case xmpp.CountOnly:
		return out, nil
	case xmpp.Newest:
		step, start = -1, n-1
	case xmpp.Before, xmpp.After:
		at := find()
		if at < 0 {
			return out, fail(NotFound, "no such item")
		}
		if step, start = 1, at+1; p.Kind == xmpp.Before {
			step, start = -1, at-1
		}
	case xmpp.AtIndex:
		start = p.Index
	}
	if out.Index = start; step < 0 {
		out.Index = n - 1 - start
	}
	for i, left := start, pageSize(p); i >= 0 && i < n && left > 0; i, left = i+step, left-1 {
		out.Items = append(out.Items, items[i])
	}
	return out, nil
}

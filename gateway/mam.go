package gateway

import (
	"context"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// archive is the history of nodes, and on the gateway's own address of all posts
// that the requester may see (XEP-0313, XEP-0442). Words are in the language of
// the search command (XEP-0431).
type archive struct{ g *Gateway }

// Archive answers for a page of it.
func (a *archive) Archive(ctx context.Context, q xmpp.ArchiveQuery) (out xmpp.ArchivePage, err error) {
	pages, err := listPages(q.Page)
	if err != nil {
		return out, err
	}
	var actor cache.Actor
	if q.To.Local() != "" {
		p := &pubsub{a.g}
		if actor, err = p.actor(ctx, q.Request); err != nil {
			return out, err
		}
		if !archived(q.Node) {
			if err := p.known(ctx, actor, q.NodeRequest); err != nil {
				return out, err
			}
			return out, fail(Unsupported, "this node has no archive; ask for its items")
		}
		if !isComments(q.Node) {
			if err := a.g.fill(ctx, actor); err != nil {
				return out, err
			}
		}
	}
	with := a.g.publisher(ctx, q.With)
	v := a.g.viewer(ctx, q.From)
	if strings.HasPrefix(q.Node, NodePrivatePrefix) && !ownPrivate(q.NodeRequest, v) {
		return out, fail(NotFound, "no such node")
	}
	read := a.g.store.View
	if q.Text != "" || with != "" || q.To.Local() == "" {
		read = func(ctx context.Context, fn func(*cache.Tx) error) error { return a.g.search(ctx, q.From, fn) }
	}
	err = read(ctx, func(tx *cache.Tx) error {
		for _, p := range pages {
			if !narrowTo(&p, q) {
				continue
			}
			p.Limit++ // one more tells whether that was all
			found, err := a.page(tx, q, actor, with, v, p)
			if err != nil {
				return err
			}
			if len(found) == p.Limit && q.Page.Kind != xmpp.ByID {
				found, out.More = found[:p.Limit-1], true
			}
			for _, stored := range found {
				it, err := a.item(tx, q, stored)
				if err != nil {
					return err
				}
				out.Items = append(out.Items, it)
			}
		}
		return nil
	})
	return out, itemsError(err)
}

// archived tells whether a node of an actor has a history.
func archived(node string) bool {
	switch node {
	case "", stanza.NSMicroblog, NodeReplies:
		return true
	}
	return isComments(node) || strings.HasPrefix(node, NodePrivatePrefix)
}

// publisher is the actor behind an address that a query names; what nobody is
// called finds nothing.
func (g *Gateway) publisher(ctx context.Context, jid stanza.JID) string {
	if jid == "" {
		return ""
	}
	if a, err := g.accountOf(ctx, jid, ""); err == nil {
		return a.URI
	}
	uri := "nobody://"
	_ = g.store.View(ctx, func(tx *cache.Tx) error {
		a, err := tx.ActorByJID(string(jid.Bare()))
		if err == nil {
			uri = a.URI
		}
		return err
	})
	return uri
}

// narrowTo keeps a page within the times of a query; false if that leaves
// nothing. Numbers of posts follow their dates (design §7).
func narrowTo(p *cache.Page, q xmpp.ArchiveQuery) bool {
	if !q.Start.IsZero() {
		p.After = max(p.After, cache.FirstID(q.Start)-1)
	}
	if !q.End.IsZero() { // the end is part of it
		end := cache.FirstID(q.End.Add(time.Millisecond))
		if p.Before == 0 || end < p.Before {
			p.Before = max(end, 1)
		}
	}
	return p.Before == 0 || p.After < p.Before
}

// page reads posts. Without words a node is what its items are; with words, and
// on the whole, only what a search may find is found.
func (a *archive) page(tx *cache.Tx, q xmpp.ArchiveQuery, actor cache.Actor, with string, v cache.Viewer, p cache.Page) ([]cache.Stored, error) {
	s := cache.SearchQuery{
		Text: q.Text, Viewer: v, Limit: p.Limit, Order: dateOrder(p.Ascending),
		Within: cache.Within{After: p.After, Before: p.Before, Owner: with},
	}
	switch {
	case q.To.Local() != "" && isComments(q.Node):
		root, err := a.g.root(tx, actor.JID, q.Node, v)
		if err != nil {
			return nil, err
		}
		p.Width = cache.PublicOrUnlisted
		if q.Text == "" && with == "" {
			return tx.Thread(root.Post.URI, v, p)
		}
		if s.Within.Posts, err = threadIDs(tx, root, v); err != nil {
			return nil, err
		}
	case q.To.Local() != "" && with != "" && with != actor.URI:
		return nil, nil // all the rest is by the actor
	case q.To.Local() != "" && strings.HasPrefix(q.Node, NodePrivatePrefix):
		p.Width, s.Within.Width = cache.OnlyPrivate, cache.OnlyPrivate
		if q.Text == "" {
			return tx.Outbox(actor.URI, v, p)
		}
		s.Within.Owner = actor.URI
	case q.To.Local() != "" && q.Node != "" && q.Text == "":
		return tx.NodePosts(actor.JID, q.Node, v, p)
	case q.To.Local() != "":
		s.Within.Owner, s.Within.Service, s.Within.Node = actor.URI, actor.JID, q.Node
	case q.Node != "":
		l, err := listFor(tx, q.From, q.Node)
		if err != nil {
			return nil, err
		}
		if l.tag == "" {
			if q.Text != "" || with != "" {
				return nil, fail(Unsupported, "this node is a search already")
			}
			return savedPage(tx, l.saved, v, p)
		}
		if q.Text == "" && with == "" {
			return listPage(tx, l, v, p)
		}
		s.Within.Tag = l.tag
	}
	found, err := tx.Search(s)
	if err != nil {
		return nil, wrongQuery(q.Text, err)
	}
	out := make([]cache.Stored, len(found.Hits))
	for i, h := range found.Hits {
		out[i] = h.Stored
	}
	return out, nil
}

// threadIDs are the numbers of the posts in a comments node.
func threadIDs(tx *cache.Tx, root cache.Stored, v cache.Viewer) ([]int64, error) {
	posts, err := tx.Thread(root.Post.URI, v, cache.Page{Limit: threadMost, Width: cache.PublicOrUnlisted})
	ids := make([]int64, len(posts))
	for i, s := range posts {
		ids[i] = s.ID
	}
	return ids, err
}

// item is a post as it was published: where it stands, or, for what stands
// nowhere, in the node that only its reader has.
func (a *archive) item(tx *cache.Tx, q xmpp.ArchiveQuery, stored cache.Stored) (xmpp.Archived, error) {
	p := stored.Post
	at := translate.Item{Service: p.Owner.JID, Node: NodePrivatePrefix + string(q.From.Bare()), ID: translate.ItemIDForRemote(a.g.itemKey, p.URI)}
	switch {
	case q.To.Local() == "" && q.Node != "":
		at = a.g.listPlace(q.Node, stored)
	case strings.HasPrefix(q.Node, NodePrivatePrefix): // where it stood once is no matter
	case p.Item != nil && isComments(q.Node):
		at = translate.Item{Service: string(q.To.Bare()), Node: q.Node, ID: p.Item.ID}
	case p.Item != nil:
		at = *p.Item
	}
	item, err := a.g.item(tx, p, at)
	return xmpp.Archived{
		ID: listID(stored), Stamp: p.Published, Service: stanza.JID(at.Service), Node: at.Node, Item: item,
	}, err
}

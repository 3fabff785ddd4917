package gateway

import (
	"errors"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// answered gives the post that an entry answers. One that is not known is left
// out: what is written to the fediverse must not point at a web page. One that is
// gone and was not for everybody is given all the same, since it says how wide
// the answer may be.
func (g *Gateway) answered(tx *cache.Tx, p translate.Post) (string, error) {
	if r := p.ReplyRef; r != nil {
		uri, err := g.answeredItem(tx, *r, p.Owner)
		if err != nil || uri != "" {
			return uri, err
		}
	}
	if p.ReplyTo == "" {
		return "", nil
	}
	parent, err := g.resolver().Post(tx, p.ReplyTo, operator)
	if errors.Is(err, cache.ErrNotFound) {
		return closedOnce(tx, p.ReplyTo)
	}
	if err == nil && parent.Post.Kind == translate.KindBoost { // who answers a boost answers what it shows
		return parent.Post.Boost, nil
	}
	return parent.Post.URI, err
}

// answeredItem is answered for an item, as one of ours names it.
func (g *Gateway) answeredItem(tx *cache.Tx, r translate.Item, by translate.Actor) (string, error) {
	parent, err := tx.PostByItem(r.Service, r.Node, r.ID, operator)
	if !errors.Is(err, cache.ErrNotFound) {
		return parent.Post.URI, err
	}
	switch {
	case !g.ours(stanza.JID(r.Service)):
	case isComments(r.Node):
		root, err := g.root(tx, r.Service, r.Node, operator)
		if err == nil {
			parent, err = g.inThread(tx, root, r.ID, operator)
		}
		if err == nil {
			return parent.Post.URI, nil
		}
		if ignoreMissing(err) != nil {
			return "", err
		}
	case strings.HasPrefix(r.Node, NodePrivatePrefix):
		return g.answeredPrivate(tx, r, by)
	default:
		if found, err := g.resolver().item(tx, r, operator); !errors.Is(err, cache.ErrNotFound) {
			return found.Post.URI, err
		}
	}
	place, err := tx.PlacementByItem(r.Service, r.Node, r.ID)
	if err != nil {
		return "", ignoreMissing(err)
	}
	return closedOnce(tx, place.URI)
}

// answeredPrivate finds what an item stands for in the node that only one of ours
// reads. What is not found there is not known to be for everybody.
func (g *Gateway) answeredPrivate(tx *cache.Tx, r translate.Item, by translate.Actor) (string, error) {
	actor, err := tx.ActorByJID(r.Service)
	if err == nil {
		posts, err := tx.Outbox(actor.URI, cache.Viewer{Actor: by.URI}, cache.Page{Limit: threadMost, Width: cache.OnlyPrivate})
		for _, s := range posts {
			if translate.ItemIDForRemote(g.itemKey, s.Post.URI) == r.ID {
				return s.Post.URI, nil
			}
		}
		if err != nil {
			return "", err
		}
	}
	if ignoreMissing(err) != nil {
		return "", err
	}
	return "", fail(NotFound, "what this answers was for a few only, and is not there any more")
}

// closedOnce gives a post that is gone and was not for everybody.
func closedOnce(tx *cache.Tx, uri string) (string, error) {
	t, err := tx.Tombstone(uri)
	if err != nil || open(t.Visibility) {
		return "", ignoreMissing(err)
	}
	return t.URI, nil
}

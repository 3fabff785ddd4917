package gateway

import (
	"context"
	"errors"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// speaker is the account in whose name a new item of a node goes out: of who put
// it there, as the service has stamped it, if they have linked; else the node
// itself. It is nobody for what is not federated.
func (g *Gateway) speaker(ctx context.Context, node cache.Account, it xmpp.Item) (cache.Account, error) {
	publisher := it.Publisher.Bare()
	switch {
	case publisher == "" || string(publisher) == node.JID:
		return node, nil
	case g.ours(publisher): // BR-5
		return cache.Account{}, nil
	case node.Kind == cache.Person: // nobody else speaks in a person's name
		return cache.Account{}, nil
	case !g.mayStamp(stanza.JID(node.JID), publisher):
		return cache.Account{}, nil
	}
	by, err := g.accountOf(ctx, publisher, "")
	switch {
	case isKind(err, NotFound):
		return node, nil
	case err != nil:
		return cache.Account{}, err
	case by.State == cache.Linked:
		return by, nil
	case by.State == cache.Paused: // nothing of theirs is federated, in nobody's name
		return cache.Account{}, nil
	}
	return node, nil
}

// publisherOf is who put an item into a node: the node itself where the service
// does not say.
func publisherOf(node cache.Account, it xmpp.Item) string {
	if p := it.Publisher.Bare(); p != "" {
		return string(p)
	}
	return node.JID
}

// samePublisher tells whether an item that is held comes from who published it
// first: some services let anybody overwrite it (xmpp.md 2.6). Where a service
// did not say who that was, its word is all there is.
func samePublisher(node cache.Account, it xmpp.Item, held cache.Placement) bool {
	return held.Publisher == publisherOf(node, it) || unstamped(node, held)
}

// unstamped tells whether it is not known who put an item into a node. Services
// publish nothing themselves.
func unstamped(node cache.Account, held cache.Placement) bool {
	return held.Publisher == node.JID && stanza.JID(node.JID).Local() == ""
}

// ownerIn is the account whose post an item of a node is, of the node itself or
// of who published in it; nobody if the post came from elsewhere.
func (g *Gateway) ownerIn(tx *cache.Tx, node cache.Account, stored cache.Stored) (cache.Account, error) {
	p := stored.Post
	if p.Owner.URI == node.URI {
		return node, nil
	}
	if node.Kind != cache.Node || p.Origin != translate.OriginXMPP || p.Item == nil || p.Item.Service != node.JID || p.Item.Node != node.Node {
		return cache.Account{}, nil
	}
	owner, err := tx.AccountByURI(p.Owner.URI)
	if errors.Is(err, cache.ErrNotFound) {
		return cache.Account{}, nil
	}
	return owner, err
}

// carrier is the node that a post is in, if that is an actor too and the post
// is somebody else's: its followers get what becomes of the post.
func (g *Gateway) carrier(tx *cache.Tx, p translate.Post) (cache.Account, error) {
	if p.Item == nil || !open(p.Visibility) || g.ours(stanza.JID(p.Item.Service)) {
		return cache.Account{}, nil
	}
	node, err := tx.AccountByJID(p.Item.Service, personNode(p.Item.Node))
	if errors.Is(err, cache.ErrNotFound) || err == nil && (node.Kind != cache.Node || node.URI == p.Owner.URI) {
		return cache.Account{}, nil
	}
	return node, err
}

// carry has a node announce what somebody posted in it, as groups do (FEP-1b12).
func (g *Gateway) carry(tx *cache.Tx, node cache.Account, p translate.Post) error {
	if !open(p.Visibility) {
		return nil
	}
	_, err := g.announce(tx, node, translate.Post{Published: p.Published}, p, nil)
	return err
}

// retireNode deletes the posts of a node that match, also those that others
// posted in it, and says how many there were.
func (g *Gateway) retireNode(ctx context.Context, node cache.Account, match func(cache.Stored) bool) (int, error) {
	n, err := g.retireAll(ctx, node, match)
	if err != nil || node.Kind != cache.Node {
		return n, err
	}
	const batch = 50
	for after, more := "", true; more; {
		err := g.store.Update(ctx, func(tx *cache.Tx) error {
			list, err := tx.NodeItems(node.JID, node.Node, after, batch)
			more = len(list) == batch
			for _, place := range list {
				after = place.ItemID
				retired, retireErr := g.retirePlaced(tx, node, place, match)
				if err = errors.Join(err, retireErr); retired {
					n++
				}
			}
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// retirePlaced deletes what is in a place of a node, if it matches.
func (g *Gateway) retirePlaced(tx *cache.Tx, node cache.Account, place cache.Placement, match func(cache.Stored) bool) (bool, error) {
	stored, err := tx.PostByURI(place.URI, operator)
	if err != nil {
		return false, ignoreMissing(err)
	}
	owner, err := g.ownerIn(tx, node, stored)
	if err != nil || owner.URI == "" || !match(stored) {
		return false, err
	}
	return true, g.retire(tx, owner, stored)
}

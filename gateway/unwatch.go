package gateway

import (
	"context"
	"errors"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// unwatchWork is the payload of jobUnwatch: comments that we need not hear of any
// more.
type unwatchWork struct {
	Node translate.Node `json:"node"`
}

func (g *Gateway) unwatchJob(n translate.Node) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobUnwatch, Lane: "unwatch " + n.Service + " " + n.Name, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(jobLife),
		Note: "unsubscribe from " + n.Name + " of " + n.Service, Payload: payload(unwatchWork{n}),
	}
}

// unwatch ends our subscriptions to what a post that is gone had to do with: its
// comments, and the node that it was a comment in. Their server would tell of them
// for ever.
func (g *Gateway) unwatch(tx *cache.Tx, p translate.Post) error {
	if p.Origin != translate.OriginXMPP {
		return nil
	}
	if p.Comments != nil {
		if err := g.unwatchNode(tx, *p.Comments); err != nil {
			return err
		}
	}
	if p.Item != nil && isComments(p.Item.Node) {
		return g.unwatchNode(tx, translate.Node{Service: p.Item.Service, Name: p.Item.Node})
	}
	return nil
}

// unwatchNode ends the subscription to a comments node when neither its post is
// there nor a comment whose author may take it back.
func (g *Gateway) unwatchNode(tx *cache.Tx, n translate.Node) error {
	w, err := watched(tx, n)
	if err != nil || g.ours(stanza.JID(n.Service)) {
		return ignoreMissing(err)
	}
	if _, err := tx.PostByURI(w.URI, operator); ignoreMissing(err) != nil || err == nil {
		return err
	}
	err = eachPlaced(tx, n.Service, n.Name, func(p cache.Placement) error {
		stored, err := tx.PostByURI(p.URI, operator)
		if err == nil && stored.Post.Origin == translate.OriginXMPP {
			return errStillThere
		}
		return ignoreMissing(err)
	})
	if errors.Is(err, errStillThere) {
		return nil
	}
	if err == nil {
		err = tx.DeleteMeta(watchKey(n))
	}
	if err != nil || !w.Subscribed {
		return err
	}
	return tx.Enqueue(g.unwatchJob(n))
}

// errStillThere ends a search.
var errStillThere = errors.New("there is something")

// runUnwatch unsubscribes, unless the node was subscribed again meanwhile.
func (g *Gateway) runUnwatch(ctx context.Context, j cache.Job) error {
	w, err := decode[unwatchWork](j)
	if err != nil {
		return err
	}
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		_, err := watched(tx, w.Node)
		return err
	})
	if !errors.Is(err, cache.ErrNotFound) {
		return err
	}
	us := stanza.JID(g.addr.Component())
	_, err = g.link.Request(ctx, xmpp.UnsubscribeIQ(us, stanza.JID(w.Node.Service), w.Node.Name, us, ""))
	var refused *stanza.Error
	if errors.As(err, &refused) && refused.Type != "wait" { // it is not there, or not subscribed
		return nil
	}
	return err
}

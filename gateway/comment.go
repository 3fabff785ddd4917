package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// commentBudget is the most that we publish on somebody else's node.
const commentBudget = 60 << 10

// commentWork is the payload of jobComment: what the fediverse says about a
// post of ours, in the comments node that its author named.
type commentWork struct {
	URI       string         `json:"uri"`
	Heart     string         `json:"heart,omitempty"` // the actor who likes it
	At        translate.Item `json:"at"`
	Publisher string         `json:"publisher"`
	User      string         `json:"user,omitempty"` // whose post it is under: the node may be on a service
	Retract   bool           `json:"retract,omitempty"`
	Unsure    bool           `json:"unsure,omitempty"` // it may never have been there: nothing is put in its place
}

func (g *Gateway) commentJob(w commentWork) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobComment, Lane: "comment " + w.At.Service + " " + w.At.ID, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(jobLife),
		Note: fmt.Sprintf("comment %s on %s", w.URI, w.At.Node), Payload: payload(w),
	}
}

// commentFor gives the comment that shows a fediverse reply under the post of
// an XMPP user: in the node named by its nearest ancestor that lives in XMPP.
// It is recorded before it is sent (design: threads).
func (g *Gateway) commentFor(tx *cache.Tx, p translate.Post) (*commentWork, error) {
	if p.ReplyTo == "" || p.Item == nil {
		return nil, nil
	}
	ancestors, err := tx.Ancestors(p.URI, operator, 50)
	if err != nil {
		return nil, fmt.Errorf("read ancestors: %w", err)
	}
	for _, a := range ancestors {
		c := a.Post.Comments
		if a.Post.Origin != translate.OriginXMPP || c == nil || g.ours(stanza.JID(c.Service)) {
			continue
		}
		if blocked, err := tx.Blocked(a.Post.Owner.URI, p.Owner.URI); err != nil || blocked {
			return nil, err // SEC-29
		}
		at := translate.Item{Service: c.Service, Node: c.Name, ID: p.Item.ID}
		if removed, err := commentRemoved(tx, p.URI, at); err != nil || removed {
			return nil, err
		}
		_, err := tx.Place(cache.Placement{
			Service: at.Service, Node: at.Node, ItemID: at.ID, URI: p.URI, Publisher: p.Owner.JID, Via: "comment", PlacedAt: g.now(),
		})
		if err != nil && !errors.Is(err, cache.ErrConflict) {
			return nil, err
		}
		return &commentWork{URI: p.URI, At: at, Publisher: p.Owner.JID, User: a.Post.Owner.JID}, nil
	}
	return nil, nil
}

// commentRemoved tells whether the owner of a comments node has taken a comment
// out of it.
func commentRemoved(tx *cache.Tx, uri string, at translate.Item) (bool, error) {
	place, err := tx.PlacementIn(uri, at.Service, at.Node)
	return err == nil && !place.RetractedAt.IsZero(), ignoreMissing(err)
}

// runComment publishes or retracts a comment in the name of the remote actor.
func (g *Gateway) runComment(ctx context.Context, j cache.Job) error {
	w, err := decode[commentWork](j)
	if err != nil {
		return err
	}
	from, to := stanza.JID(w.Publisher), stanza.JID(w.At.Service)
	if w.Retract {
		return g.retractComment(ctx, w)
	}
	item, p, err := g.comment(ctx, w)
	if err != nil {
		return ignoreMissing(err)
	}
	_, err = g.link.Request(ctx, xmpp.PublishIQ(from, to, w.At.Node, item, nil))
	if err == nil && w.Heart == "" {
		return g.store.Update(ctx, func(tx *cache.Tx) error { return tx.TakeItem(w.At.Service, w.At.Node, w.At.ID, g.now()) })
	}
	var refused *stanza.Error
	if err == nil || !errors.As(err, &refused) {
		return err
	}
	if refused.Type == "wait" {
		return err
	}
	g.log.Info("comments node refused a comment", "node", w.At.Node, "service", w.At.Service, "error", refused)
	if w.Heart != "" {
		return nil
	}
	return g.commentAsMessage(ctx, j, w, p)
}

// comment renders what is published.
func (g *Gateway) comment(ctx context.Context, w commentWork) (item xmpp.Item, p translate.Post, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(w.URI, operator)
		if err != nil {
			return err
		}
		if p = stored.Post; w.Heart == "" && !open(p.Visibility) { // by now
			return cache.ErrNotFound
		}
		if w.Heart != "" {
			who, err := tx.ActorByURI(w.Heart)
			if err != nil {
				return err
			}
			like := translate.Post{
				URI: w.URI + "#like-" + w.At.ID, Kind: translate.KindNote, Owner: remoteActor(who), Author: remoteActor(who),
				Published: g.now(), Visibility: p.Visibility,
			}
			item = xmpp.Item{ID: w.At.ID, Payload: translate.Heart(like, translate.AtomLinks{Item: w.At, AuthorJID: who.JID, Comment: true, Budget: commentBudget})}
			return nil
		}
		if removed, err := commentRemoved(tx, w.URI, w.At); err != nil || removed { // meanwhile
			return errOr(err, cache.ErrNotFound)
		}
		item, err = g.item(tx, p, w.At)
		return err
	})
	return item, p, err
}

// commentAsMessage brings a reply to the author of the post when its comments
// node does not take it (xmpp.md 2.6).
func (g *Gateway) commentAsMessage(ctx context.Context, j cache.Job, w commentWork, p translate.Post) error {
	user := stanza.JID(cmp.Or(w.User, w.At.Service)) // queued by an older version: without a user
	if user.Local() == "" {
		return nil
	}
	done := " replied to your post"
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		parent, err := tx.PostByURI(p.ReplyTo, operator)
		if err == nil && parent.Post.Owner.JID == string(user) {
			done = " replied to " + naming(parent.Post)
		} else if err == nil {
			done = " commented on your post"
		}
		return ignoreMissing(err)
	})
	if err != nil {
		return err
	}
	return g.notice(ctx, messageWork{URI: p.URI, User: string(user), Notice: noticeOf(p, done), Ref: refOf(p)}, stanzaID(j))
}

// retractComment takes a comment away. Where only the node's owner may do that
// (Prosody), it is overwritten with a line that says so.
func (g *Gateway) retractComment(ctx context.Context, w commentWork) error {
	from, to := stanza.JID(w.Publisher), stanza.JID(w.At.Service)
	_, err := g.link.Request(ctx, xmpp.RetractIQ(from, to, w.At.Node, w.At.ID))
	var refused *stanza.Error
	if err == nil || !errors.As(err, &refused) || refused.Type == "wait" {
		return err
	}
	if refused.Condition == "item-not-found" || w.Unsure {
		return nil
	}
	now := g.now()
	author := translate.Actor{JID: w.Publisher, Name: stanza.UnescapeLocal(from.Local())}
	gone := translate.Post{
		URI: w.URI, Kind: translate.KindNote, Owner: author, Author: author, Text: "[deleted by its author]",
		HTML: "<p>[deleted by its author]</p>", Published: now, Updated: now, Visibility: translate.Public,
	}
	entry := translate.Atom(gone, translate.AtomLinks{Item: w.At, AuthorJID: w.Publisher, Comment: true, Budget: commentBudget})
	_, err = g.link.Request(ctx, xmpp.PublishIQ(from, to, w.At.Node, xmpp.Item{ID: w.At.ID, Payload: entry}, nil))
	if err != nil && errors.As(err, &refused) && refused.Type != "wait" {
		g.log.Warn("comment cannot be taken away", "service", w.At.Service, "node", w.At.Node, "error", err)
		return nil
	}
	return err
}

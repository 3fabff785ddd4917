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

// attachWork is the payload of jobAttach: what somebody attached to a post has
// changed. The job tells what holds when it runs, so that it can run again.
type attachWork struct {
	URI   string `json:"uri"`
	Actor string `json:"actor"`
	Like  bool   `json:"like,omitempty"`  // the like is what changed, or is among it
	Heart string `json:"heart,omitempty"` // item id of the comment that showed the like before
}

func (g *Gateway) attachJob(w attachWork) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobAttach, Lane: "attach " + w.Actor + " " + w.URI, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(jobLife),
		Note: fmt.Sprintf("reaction of %s to %s", w.Actor, w.URI), Payload: payload(w),
	}
}

// heartOf is the item id of the comment that shows a like.
func (g *Gateway) heartOf(r cache.Reaction) string {
	return cmp.Or(r.HeartItem, g.heartID(r.Actor, r.Object))
}

// hearts are the likes of a post, as comments.
func (g *Gateway) hearts(tx *cache.Tx, p translate.Post, n translate.Node, v cache.Viewer) ([]xmpp.Item, error) {
	list, err := tx.Reactors(p.URI, "", v, itemsMost)
	if err != nil {
		return nil, err
	}
	var out []xmpp.Item
	for _, x := range list {
		for _, r := range x.Reactions {
			if r.Kind != cache.Like {
				continue
			}
			item, err := g.heartItem(tx, p, n, x.JID, r)
			if err != nil {
				return nil, err
			}
			out = append(out, item)
		}
	}
	return out, nil
}

// heartItem is a like as a comment.
func (g *Gateway) heartItem(tx *cache.Tx, p translate.Post, n translate.Node, jid string, r cache.Reaction) (xmpp.Item, error) {
	who, err := reactor(tx, r.Actor)
	if err != nil {
		return xmpp.Item{}, err
	}
	like := translate.Post{
		URI: cmp.Or(r.Activity, p.URI+"#like-"+g.heartOf(r)), Kind: translate.KindNote, Owner: who, Author: who,
		Published: r.CreatedAt, Visibility: p.Visibility,
	}
	at := translate.Item{Service: n.Service, Node: n.Name, ID: g.heartOf(r)}
	return xmpp.Item{
		ID: at.ID, Publisher: stanza.JID(jid),
		Payload: translate.Heart(like, translate.AtomLinks{Item: at, AuthorJID: jid, Comment: true}),
	}, nil
}

// reactor is who reacted: an actor, or an account of ours.
func reactor(tx *cache.Tx, uri string) (translate.Actor, error) {
	actor, err := tx.ActorByURI(uri)
	if err == nil {
		return remoteActor(actor), nil
	}
	if !errors.Is(err, cache.ErrNotFound) {
		return translate.Actor{}, err
	}
	account, err := tx.AccountByURI(uri)
	return actorOf(account), err
}

// telling is an event for the subscribers of a node of ours.
type telling struct {
	at    translate.Item
	event *stanza.Element
	of    string // who reacted; "" for what everybody may know
}

// runAttach tells the subscribers of our nodes what somebody attached to a post,
// and publishes it at the service of a post that is not ours.
func (g *Gateway) runAttach(ctx context.Context, j cache.Job) error {
	w, err := decode[attachWork](j)
	if err != nil {
		return err
	}
	var page []*stanza.Element
	var foreign *foreignAttachments
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(w.URI, operator)
		if err != nil || !open(stored.Post.Visibility) {
			return err
		}
		who, err := reactor(tx, w.Actor)
		if err != nil || who.JID == "" {
			return err
		}
		list, err := g.tellings(tx, w, stored, who)
		if err != nil {
			return err
		}
		for _, t := range list {
			to, err := told(tx, t, w.URI, who.JID)
			if err != nil {
				return err
			}
			page = append(page, eventMessages(t.at, t.event, to)...)
		}
		foreign, err = g.foreign(tx, stored.Post, who)
		return err
	})
	if err != nil {
		return ignoreMissing(err)
	}
	if err := g.notifyAll(ctx, w.URI, page); err != nil || foreign == nil {
		return err
	}
	return g.publishAttachments(ctx, *foreign)
}

// tellings are the events of a change: of the item of the person and of the sum,
// wherever the post stands; and of the like as a comment.
func (g *Gateway) tellings(tx *cache.Tx, w attachWork, stored cache.Stored, who translate.Actor) ([]telling, error) {
	places, err := g.places(tx, stored)
	if err != nil {
		return nil, err
	}
	var mine cache.Reactor
	if list, err := tx.Reactors(w.URI, who.JID, cache.Viewer{}, 1); err != nil {
		return nil, err
	} else if len(list) > 0 {
		mine = list[0]
	}
	said := attached(mine.Reactions)
	var out []telling
	for _, at := range places {
		if at.Service == g.addr.Component() {
			continue // a list of copies
		}
		node := translate.AttachmentsNode(at)
		own := telling{at: translate.Item{Service: at.Service, Node: node, ID: who.JID}, event: xmpp.EventRetract(node, who.JID)}
		if !said.Empty() {
			own.event, own.of = xmpp.EventItems(node, attachmentsItem(who.JID, said)), w.Actor
		}
		sum, err := summaryItem(tx, w.URI, at.ID)
		if err != nil {
			return nil, err
		}
		node = translate.SummaryNode(at.Node)
		out = append(out, own, telling{at: translate.Item{Service: at.Service, Node: node, ID: at.ID}, event: xmpp.EventItems(node, sum)})
	}
	c := stored.Post.Comments
	if !w.Like || c == nil || !g.ours(stanza.JID(c.Service)) {
		return out, nil
	}
	return g.heartTellings(tx, out, w, stored.Post, mine)
}

// heartTellings adds the events of the comment that shows a like.
func (g *Gateway) heartTellings(tx *cache.Tx, out []telling, w attachWork, p translate.Post, mine cache.Reactor) ([]telling, error) {
	at := translate.Item{Service: p.Comments.Service, Node: p.Comments.Name, ID: w.Heart}
	gone := w.Heart
	for _, r := range mine.Reactions {
		if r.Kind != cache.Like {
			continue
		}
		item, err := g.heartItem(tx, p, *p.Comments, mine.JID, r)
		if err != nil {
			return nil, err
		}
		if item.ID == gone {
			gone = ""
		}
		here := at
		here.ID = item.ID
		out = append(out, telling{at: here, event: xmpp.EventItems(at.Node, item), of: w.Actor})
	}
	if gone != "" {
		out = append(out, telling{at: at, event: xmpp.EventRetract(at.Node, gone)})
	}
	return out, nil
}

// told are the subscribers who get an event: not those between whom and the
// person there is a block.
func told(tx *cache.Tx, t telling, uri, jid string) (to []stanza.JID, err error) {
	after := ""
	for {
		subs, err := tx.Subscribers(t.at.Service, t.at.Node, after, notifyPage)
		if err != nil {
			return nil, err
		}
		for _, s := range subs {
			after = s.JID
			v, err := viewerIn(tx, s.JID)
			if err != nil {
				return nil, err
			}
			if t.of != "" && v.Actor != "" {
				seen, err := tx.Reactors(uri, jid, v, 1)
				if err != nil {
					return nil, err
				}
				if len(seen) == 0 {
					continue
				}
			}
			to = append(to, stanza.JID(s.JID))
		}
		if len(subs) < notifyPage {
			return to, nil
		}
	}
}

// foreignAttachments is what somebody from the fediverse attached to a post at
// a service that is not ours.
type foreignAttachments struct {
	at   translate.Item // the attachments item
	said translate.Attachments
}

// foreign gives what is to be published elsewhere, nil if nothing is: an actor
// of ours attached it, or the post lives here.
func (g *Gateway) foreign(tx *cache.Tx, p translate.Post, who translate.Actor) (*foreignAttachments, error) {
	if p.Origin != translate.OriginXMPP || p.Item == nil || g.ours(stanza.JID(p.Item.Service)) || !g.ours(stanza.JID(who.JID)) {
		return nil, nil
	}
	f := foreignAttachments{at: translate.Item{Service: p.Item.Service, Node: translate.AttachmentsNode(*p.Item), ID: who.JID}}
	reactions, err := tx.ReactionsBy(who.URI, p.URI)
	f.said = attached(reactions)
	return &f, err
}

// publishAttachments brings the item of an actor of ours at somebody else's
// service up to date. A service without such a node, or where we may not
// publish, is left alone: XEP-0470 forbids to make the node.
func (g *Gateway) publishAttachments(ctx context.Context, f foreignAttachments) error {
	from, to := stanza.JID(f.at.ID), stanza.JID(f.at.Service)
	item := xmpp.Item{ID: f.at.ID, Payload: f.said.Element()}
	var refused *stanza.Error
	if f.said.Empty() {
		_, err := g.link.Request(ctx, xmpp.RetractIQ(from, to, f.at.Node, f.at.ID))
		if err == nil || !errors.As(err, &refused) || refused.Type == "wait" {
			return err
		}
		if refused.Condition == "item-not-found" {
			return nil
		}
		// Prosody lets owners only retract; an empty item says the same.
	}
	_, err := g.link.Request(ctx, xmpp.PublishIQ(from, to, f.at.Node, item, nil))
	if err == nil || !errors.As(err, &refused) || refused.Type == "wait" {
		return err
	}
	g.log.Debug("attachments node refused a reaction", "service", f.at.Service, "node", f.at.Node, "error", refused)
	return nil
}

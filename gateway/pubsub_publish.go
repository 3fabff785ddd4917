package gateway

import (
	"context"
	"errors"
	"strings"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// publishMost bounds an item that is published on our service.
const publishMost = 60 << 10

// author is the account that publishes: publishing needs a link (design:
// consent).
func (g *Gateway) author(ctx context.Context, jid stanza.JID) (cache.Account, error) {
	a, err := g.accountOf(ctx, jid, "")
	if err != nil && !isKind(err, NotFound) {
		return a, err
	}
	if err != nil || a.State != cache.Linked {
		return a, fail(Unauthorized, "to post to the fediverse, first send the word link to %s", g.addr.Component())
	}
	return a, nil
}

// Publish takes a comment for a comments node, which is a reply, or a like; and
// the reactions of XEP-0470.
func (s *pubsub) Publish(ctx context.Context, r xmpp.PublishRequest) (string, error) {
	a, err := s.actor(ctx, r.Request)
	if err != nil {
		return "", err
	}
	if r.Item.Payload == nil {
		return "", &Error{Kind: BadRequest, Text: "an item needs a payload", PubSub: "payload-required"}
	}
	if len(stanza.Append(nil, r.Item.Payload, "")) > publishMost {
		return "", xmpp.PayloadTooBig()
	}
	if strings.HasPrefix(r.Node, stanza.NSAttachments+"/") {
		return s.attach(ctx, a, r)
	}
	if !isComments(r.Node) {
		return "", fail(Forbidden, "only %s may publish here; reply in the comments of a post", handleOf(a))
	}
	account, err := s.g.author(ctx, r.From)
	if err != nil {
		return "", err
	}
	id := r.Item.ID
	if id == "" {
		if id, err = s.g.newID(); err != nil {
			return "", err
		}
	}
	at := translate.Item{Service: a.JID, Node: r.Node, ID: id}
	if translate.IsHeart(r.Item.Payload) {
		return id, itemsError(s.g.heart(ctx, account, a, at))
	}
	return id, itemsError(s.g.comments(ctx, account, at, r.Item.Payload))
}

// comments takes a comment on a post of a remote actor, as the reply of an
// account.
func (g *Gateway) comments(ctx context.Context, account cache.Account, at translate.Item, entry *stanza.Element) error {
	p, err := translate.FromAtom(entry, at, actorOf(account))
	if err != nil {
		return &Error{Kind: BadRequest, Text: "the comment is not an Atom entry", PubSub: "invalid-payload", Err: err}
	}
	p.Item, p.Comments = &at, nil
	p.Kind = translate.KindNote
	p.Mentions = g.resolveMentions(ctx, p)
	v := cache.Viewer{Actor: account.URI}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		root, err := g.root(tx, at.Service, at.Node, v)
		if err != nil {
			return err
		}
		held, err := g.idFree(tx, root, account, at.ID)
		if err != nil {
			return err
		}
		p.ReplyTo = root.Post.URI
		if p.ReplyRef != nil {
			parent, err := tx.PostByItem(p.ReplyRef.Service, p.ReplyRef.Node, p.ReplyRef.ID, v)
			if errors.Is(err, cache.ErrNotFound) && isComments(p.ReplyRef.Node) {
				parent, err = g.inThread(tx, root, p.ReplyRef.ID, v)
			}
			if err == nil {
				p.ReplyTo = parent.Post.URI
			} else if !errors.Is(err, cache.ErrNotFound) && !errors.Is(err, cache.ErrGone) {
				return err
			}
		}
		p.ReplyRef = nil
		p.Visibility = root.Post.Visibility
		p.Comments = &translate.Node{Service: at.Service, Name: stanza.CommentsNodePrefix + at.ID}
		if held.ID != 0 { // an edit, which may be of what stands in the node of another post of the thread
			if !g.ours(stanza.JID(held.Post.Item.Service)) {
				return elsewhere(held)
			}
			p.Item, p.Comments, p.ReplyTo = held.Post.Item, held.Post.Comments, held.Post.ReplyTo
		}
		_, _, err = g.submit(tx, submission{account: account, post: p, raw: stanza.Append(nil, entry, ""), rawType: "application/atom+xml"})
		return err
	})
}

// elsewhere refuses to change what its author has published in a node that is
// not ours.
func elsewhere(s cache.Stored) error {
	return fail(Conflict, "you published this in the node %s of %s: change it there", s.Post.Item.Node, s.Post.Item.Service)
}

// idFree refuses the id of a comment or of a ♥ of somebody else, and gives the
// account's own comment of that id, if there is one. Most that a comments node
// shows is placed in other nodes, and hearts are reactions, so the store does not
// see that the id is in use here.
func (g *Gateway) idFree(tx *cache.Tx, root cache.Stored, account cache.Account, id string) (cache.Stored, error) {
	taken := fail(Forbidden, "this item is somebody else's")
	shown, err := g.inThread(tx, root, id, operator)
	if err == nil && shown.Post.Owner.URI != account.URI {
		return shown, taken
	}
	if err != nil && !errors.Is(err, cache.ErrNotFound) {
		return shown, err
	}
	list, err := tx.Reactors(root.Post.URI, "", operator, threadMost)
	if err != nil {
		return shown, err
	}
	for _, who := range list {
		for _, r := range who.Reactions {
			if r.Kind == cache.Like && r.Actor != account.URI && g.heartOf(r) == id {
				return shown, taken
			}
		}
	}
	return shown, nil
}

// inThread finds a comment of a thread by its item id.
func (g *Gateway) inThread(tx *cache.Tx, root cache.Stored, id string, v cache.Viewer) (cache.Stored, error) {
	posts, err := tx.Thread(root.Post.URI, v, cache.Page{Limit: threadMost, Ascending: true})
	if err != nil {
		return cache.Stored{}, err
	}
	for _, p := range posts {
		if p.Post.Item != nil && p.Post.Item.ID == id {
			return p, nil
		}
	}
	return cache.Stored{}, cache.ErrNotFound
}

// heart takes the comment ♥ as a like of the node's post.
func (g *Gateway) heart(ctx context.Context, account cache.Account, _ cache.Actor, at translate.Item) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		root, err := g.root(tx, at.Service, at.Node, cache.Viewer{Actor: account.URI})
		if err != nil {
			return err
		}
		held, err := g.idFree(tx, root, account, at.ID)
		if err != nil {
			return err
		}
		if held.ID != 0 {
			return fail(Conflict, "a comment of yours has that id: retract it first")
		}
		return g.like(tx, account, root.Post, at.ID)
	})
}

// like takes a like, in whatever form it came, and has those told who look at
// the post here. heart is the item id of the comment that is the like, if it is
// one; of two comments the later one counts.
func (g *Gateway) like(tx *cache.Tx, account cache.Account, p translate.Post, heart string) error {
	w := attachWork{URI: p.URI, Actor: account.URI, Like: true}
	r, err := tx.Reaction(account.URI, p.URI, cache.Like, "")
	switch {
	case errors.Is(err, cache.ErrNotFound):
		if err := g.react(tx, account, p, cache.Like, "", heart); err != nil {
			return err
		}
	case err != nil:
		return err
	case heart == "" || heart == r.HeartItem:
		return nil
	default:
		w.Heart, r.HeartItem = g.heartOf(r), heart
		if _, err := tx.PutReaction(r); err != nil {
			return err
		}
	}
	return tx.Enqueue(g.attachJob(w))
}

// unlike takes a like back.
func (g *Gateway) unlike(tx *cache.Tx, account cache.Account, r cache.Reaction) error {
	if err := g.takeBack(tx, account, r); err != nil {
		return err
	}
	return tx.Enqueue(g.attachJob(attachWork{URI: r.Object, Actor: r.Actor, Like: true, Heart: g.heartOf(r)}))
}

// react sends a Like or an EmojiReact, once for each person, post and emoji (V8).
func (g *Gateway) react(tx *cache.Tx, account cache.Account, p translate.Post, kind cache.ReactionKind, emoji, heart string) error {
	id, err := g.newID()
	if err != nil {
		return err
	}
	r := cache.Reaction{
		Actor: account.URI, Object: p.URI, Kind: kind, Content: emoji, HeartItem: heart,
		Activity: g.addr.ActivityURL(g.hostOf(account), id), Origin: translate.OriginXMPP, CreatedAt: g.now(),
	}
	if _, err := tx.PutReaction(r); err != nil {
		return err
	}
	owner, err := tx.ActorByURI(p.Owner.URI)
	if err != nil {
		return ignoreMissing(err)
	}
	return g.sendTo(tx, account, owner, *reactionActivity(r, owner), p.URI)
}

func reactionActivity(r cache.Reaction, owner cache.Actor) *as2.Activity {
	if r.Kind == cache.Emoji {
		return translate.React(r.Activity, r.Actor, r.Object, owner.URI, r.Content, false)
	}
	return translate.Like(r.Activity, r.Actor, r.Object, owner.URI)
}

// takeBack takes a reaction back, with an Undo that embeds it (F3).
func (g *Gateway) takeBack(tx *cache.Tx, account cache.Account, r cache.Reaction) error {
	if _, err := tx.DeleteReaction(r.Actor, r.Object, r.Kind, r.Content); err != nil {
		return err
	}
	stored, err := tx.PostByURI(r.Object, operator)
	if err != nil {
		return ignoreMissing(err)
	}
	owner, err := tx.ActorByURI(stored.Post.Owner.URI)
	if err != nil {
		return ignoreMissing(err)
	}
	return g.sendTo(tx, account, owner, *translate.Undo("", reactionActivity(r, owner)), r.Object)
}

// Retract takes back a comment or a like of the requester.
func (s *pubsub) Retract(ctx context.Context, r xmpp.RetractRequest) error {
	a, err := s.actor(ctx, r.Request)
	if err != nil {
		return err
	}
	if strings.HasPrefix(r.Node, stanza.NSAttachments+"/") {
		return s.detach(ctx, a, r)
	}
	account, err := s.g.author(ctx, r.From)
	if err != nil {
		return err
	}
	if !isComments(r.Node) {
		return fail(Forbidden, "only %s may retract here", handleOf(a))
	}
	return itemsError(s.g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(a.JID, r.Node, r.ID, cache.Viewer{Actor: account.URI})
		if errors.Is(err, cache.ErrNotFound) {
			return s.g.retractShown(tx, account, a, r)
		}
		if err != nil {
			return err
		}
		if stored.Post.Owner.URI != account.URI {
			return fail(Forbidden, "this comment is somebody else's")
		}
		return s.g.retire(tx, account, stored)
	}))
}

// retractShown retracts what a comments node shows that stands in another node,
// or takes a like back whose comment is retracted.
func (g *Gateway) retractShown(tx *cache.Tx, account cache.Account, a cache.Actor, r xmpp.RetractRequest) error {
	v := cache.Viewer{Actor: account.URI}
	root, err := g.root(tx, a.JID, r.Node, v)
	if err != nil {
		return err
	}
	shown, err := g.inThread(tx, root, r.ID, v)
	switch {
	case err == nil && shown.Post.Owner.URI != account.URI:
		return fail(Forbidden, "this comment is somebody else's")
	case err == nil && !g.ours(stanza.JID(shown.Post.Item.Service)):
		return elsewhere(shown)
	case err == nil:
		return g.retire(tx, account, shown)
	case !errors.Is(err, cache.ErrNotFound):
		return err
	}
	have, err := tx.ReactionsBy(account.URI, root.Post.URI)
	if err != nil {
		return err
	}
	for _, reaction := range have {
		if reaction.Kind == cache.Like && g.heartOf(reaction) == r.ID {
			return g.unlike(tx, account, reaction)
		}
	}
	return cache.ErrNotFound
}

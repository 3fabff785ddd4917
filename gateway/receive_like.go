package gateway

import (
	"context"
	"errors"
	"strings"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// heartsMost is how many likes of a post are shown as comments on nodes that
// are not ours (design: what crosses).
const heartsMost = 20

// receiveReaction takes a Like or an EmojiReact: one of each kind per person
// and post. Misskey's Like with an emoji as content is an EmojiReact (V8).
func (g *Gateway) receiveReaction(ctx context.Context, a activity) error {
	kind, content := saidReaction(a.Object)
	object, err := g.aboutHeld(ctx, a, a.Object.Object)
	if err != nil {
		return err
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(object, cache.Viewer{Actor: a.actor.URI})
		if err != nil {
			g.log.Debug("reaction without effect: no such post is held for its actor", "rule", "V8", "id", a.ID, "actor", a.actor.URI, "post", object, "error", err)
			return ignoreMissing(err) // not here, or not for them: they could not have seen it
		}
		p := stored.Post
		if undone, err := tx.Forbidden(a.ID, a.actor.URI); err != nil || undone {
			return err // its Undo came first
		}
		r := cache.Reaction{
			Actor: a.actor.URI, Object: p.URI, Kind: kind, Content: content, Activity: a.ID,
			Origin: translate.OriginAP, CreatedAt: g.now(),
		}
		if many, err := tx.ReactionsBy(r.Actor, r.Object); err != nil || kind == cache.Emoji && len(many) >= translate.MaxReactions {
			return err
		}
		isNew, err := tx.PutReaction(r)
		if err != nil || !isNew {
			return err
		}
		jobs := []cache.Job{g.attachJob(attachWork{URI: p.URI, Actor: a.actor.URI, Like: kind == cache.Like})}
		if p.Origin != translate.OriginXMPP {
			return tx.Enqueue(jobs...)
		}
		n := cache.News{User: p.Owner.JID, Kind: newsLike, Post: p.URI, Actor: a.actor.URI, Word: content}
		if content != "" {
			n.Kind = newsReact
		}
		if err := g.tell(tx, n); err != nil {
			return err
		}
		heart, err := g.foreignHeart(tx, p, r)
		if err != nil {
			return err
		}
		if heart != nil {
			heart.Publisher = a.actor.JID
			jobs = append(jobs, g.commentJob(*heart))
		}
		return tx.Enqueue(jobs...)
	})
}

// saidReaction is what a Like or an EmojiReact says: an emoji, or the shortcode of
// one. Words are none: strangers would have notices say what they like.
func saidReaction(o *as2.Object) (cache.ReactionKind, string) {
	emoji := strings.TrimSpace(o.Content.Value)
	if !translate.IsEmoji(emoji) && !isShortcode(emoji) {
		emoji = ""
	}
	return reactionTo(emoji)
}

// isShortcode tells whether a text names a custom emoji, as Misskey and Pleroma
// write those: :blobcat:, :blobcat@.:, :blobcat@host:.
func isShortcode(s string) bool {
	name, ok := strings.CutPrefix(s, ":")
	name, closed := strings.CutSuffix(name, ":")
	return ok && closed && name != "" && len(s) < 64 && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-+.@", r)
	}) < 0
}

// foreignHeart is the comment that shows a like in a node that is not ours; nil
// if there is none, or are enough. It is recorded before it is sent.
func (g *Gateway) foreignHeart(tx *cache.Tx, p translate.Post, r cache.Reaction) (*commentWork, error) {
	if r.Kind != cache.Like || p.Comments == nil || g.ours(stanza.JID(p.Comments.Service)) || !open(p.Visibility) {
		return nil, nil
	}
	n, err := tx.CountHearts(p.URI)
	if err != nil || n >= heartsMost {
		return nil, err
	}
	r.HeartItem = g.heartID(r.Actor, p.URI)
	_, err = tx.PutReaction(r)
	return &commentWork{
		URI: p.URI, Heart: r.Actor,
		At: translate.Item{Service: p.Comments.Service, Node: p.Comments.Name, ID: r.HeartItem},
	}, err
}

// heartID is the item id of the comment that shows a like.
func (g *Gateway) heartID(actor, object string) string {
	return translate.ItemIDForRemote(g.itemKey, "like "+actor+" "+object)
}

// undoReaction takes a reaction back, in whichever form the Undo names it.
func (g *Gateway) undoReaction(tx *cache.Tx, a activity, inner *as2.Object) error {
	r, err := tx.ReactionByActivity(inner.ID)
	if object := g.namedPost(tx, inner.Object); errors.Is(err, cache.ErrNotFound) && object != "" {
		kind, content := saidReaction(inner)
		r, err = tx.Reaction(a.actor.URI, object, kind, content)
	}
	if errors.Is(err, cache.ErrNotFound) {
		return g.undoneEarly(tx, a, inner)
	}
	if err != nil || r.Actor != a.actor.URI { // L8
		return err
	}
	return g.dropReaction(tx, r, a.actor.JID)
}

// dropReaction deletes a reaction of a remote actor, and has it go from where it
// was shown in the actor's name.
func (g *Gateway) dropReaction(tx *cache.Tx, r cache.Reaction, jid string) error {
	if _, err := tx.DeleteReaction(r.Actor, r.Object, r.Kind, r.Content); err != nil {
		return err
	}
	jobs := []cache.Job{g.attachJob(attachWork{URI: r.Object, Actor: r.Actor, Like: r.Kind == cache.Like, Heart: g.heartOf(r)})}
	stored, err := tx.PostByURI(r.Object, operator)
	if err != nil {
		return ignoreMissing(err)
	}
	p := stored.Post
	if r.Kind == cache.Like && p.Origin == translate.OriginXMPP && p.Comments != nil && !g.ours(stanza.JID(p.Comments.Service)) {
		jobs = append(jobs, g.commentJob(commentWork{
			URI: p.URI, Heart: r.Actor, Publisher: jid, Retract: true, Unsure: r.HeartItem == "",
			At: translate.Item{Service: p.Comments.Service, Node: p.Comments.Name, ID: g.heartOf(r)},
		}))
	}
	return tx.Enqueue(jobs...)
}

// receiveAnnounce stores a boost. What it boosts comes from its own origin
// (SEC-9), and only what everybody may see is boosted.
func (g *Gateway) receiveAnnounce(ctx context.Context, a activity) error {
	a, ok, err := g.unwrap(ctx, a)
	if err != nil || !ok {
		return err
	}
	if !as2.SameOrigin(a.ID, a.actor.URI) {
		return fail(BadRequest, "its id is not on the server of its actor")
	}
	uri, err := g.about(ctx, a.Object.Object)
	if err != nil {
		return err
	}
	if !g.addr.IsLocalURL(uri) && !g.knows(ctx, uri) {
		if !g.followed(ctx, a.actor.URI) {
			g.log.Debug("boost without effect: nobody here follows its actor", "rule", "V7", "id", a.ID, "actor", a.actor.URI, "post", uri)
			return nil
		}
		address := uri
		if uri, err = g.fetchBoosted(ctx, address); isKind(err, Temporary) { // in a lane of its own: it holds up nothing else of the actor
			return g.store.Update(ctx, func(tx *cache.Tx) error {
				return tx.Enqueue(g.fetchJob(fetchWork{URI: address, Then: &receivedJob{Body: a.body, Signer: a.actor.URI, Target: a.target}}))
			})
		}
		if err != nil {
			return err
		}
	}
	p, err := g.boostOf(ctx, a.actor, ofOne(a.Object, uri))
	if err != nil {
		return err
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error { return g.storeBoost(tx, a, p) })
}

func (g *Gateway) followed(ctx context.Context, uri string) bool {
	wanted := false
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		wanted, err = tx.Wanted(uri)
		return err
	})
	return err == nil && wanted
}

func (g *Gateway) storeBoost(tx *cache.Tx, a activity, p translate.Post) error {
	original, err := tx.PostByURI(p.Boost, operator)
	if err != nil {
		g.log.Debug("boost without effect: no such post is held", "rule", "V7", "id", a.ID, "actor", a.actor.URI, "post", p.Boost, "error", err)
		return ignoreMissing(err)
	}
	if !open(original.Post.Visibility) || !open(p.Visibility) {
		g.log.Info("boost refused: it or its post is not for everybody", "rule", "SEC-9", "id", a.ID, "actor", a.actor.URI, "post", p.Boost)
		return nil
	}
	if blocked, err := tx.Blocked("", original.Post.Owner.URI); err != nil || blocked {
		g.log.Info("boost refused: the author of the post is blocked", "rule", "SEC-29", "id", a.ID, "actor", a.actor.URI, "post", p.Boost)
		return err
	}
	if blocked, err := tx.Blocked(original.Post.Owner.URI, a.actor.URI); err != nil || blocked {
		return err
	}
	own := original.Post.Origin == translate.OriginXMPP
	if wanted, err := tx.Wanted(a.actor.URI); err != nil || !wanted && !own && !a.quiet {
		return err
	}
	// One boost of a post by each: Lemmy announces a post and its Create (D7).
	if held, err := tx.BoostBy(a.actor.URI, p.Boost); err == nil && held.Post.URI != p.URI || ignoreMissing(err) != nil {
		return ignoreMissing(err)
	}
	if err := g.place(tx, &p, a.actor); err != nil {
		return err
	}
	p.Comments = original.Post.Comments
	_, change, err := tx.PutPost(p, a.body, cache.PutOptions{Received: g.now()})
	if err != nil || change == cache.Same || a.quiet {
		return ignoreConflict(err)
	}
	jobs := []cache.Job{g.notifyJob(notifyWork{URI: p.URI, New: change == cache.Created})}
	if own && change == cache.Created {
		err := g.tell(tx, cache.News{User: original.Post.Owner.JID, Kind: newsBoost, Post: original.Post.URI, Actor: a.actor.URI})
		if err != nil {
			return err
		}
	}
	return tx.Enqueue(jobs...)
}

// ofOne is an Announce of a post by its id, however it named it.
func ofOne(announce *as2.Object, uri string) *as2.Object {
	outer := *announce
	outer.Object = []*as2.Object{{ID: uri}}
	return &outer
}

// namedPost is the id of the post that an undone activity names by any address, or
// that address if no such post is held. It is "" for none, or several.
func (g *Gateway) namedPost(tx *cache.Tx, list []*as2.Object) string {
	named := ""
	for _, address := range as2.Addresses(list) {
		if found, err := g.resolver().Post(tx, address, operator); err == nil {
			address = found.Post.URI
		}
		if named != "" && named != address {
			return ""
		}
		named = address
	}
	return named
}

// ignoreConflict drops the errors of posts that must not be stored.
func ignoreConflict(err error) error {
	if errors.Is(err, cache.ErrConflict) || errors.Is(err, cache.ErrGone) {
		return nil
	}
	return err
}

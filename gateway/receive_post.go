package gateway

import (
	"context"
	"errors"
	"slices"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// NodeReplies is the node of an actor that holds the answers to others: they
// have an address of their own without filling the actor's feed.
const NodeReplies = "urn:xmpp:isthmus:replies:0"

// operator sees everything: for work on behalf of the gateway itself.
var operator = cache.Viewer{Operator: true}

// taken is a post on its way into the store.
type taken struct {
	object *as2.Object
	raw    []byte
	owner  cache.Actor
	locals []cache.Account // of ours that it was sent to
	// wanted posts are stored although nobody here asked for their author:
	// somebody boosted or answered them, or fetched them.
	wanted bool
	// quiet posts are old: subscribers are not told (BR-12).
	quiet bool
	// relayed posts came from their origin because somebody else named them: who
	// has been told of them is not told again.
	relayed bool
	depth   int // how many answers lead to it
}

// receivePosts stores the posts that a Create or an Update brings. GoToSocial
// puts several into one Create (V15).
func (g *Gateway) receivePosts(ctx context.Context, a activity, update bool) error {
	for _, o := range a.Object.Object {
		if translate.IsVote(o) {
			continue
		}
		t, err := g.trusted(ctx, a, o)
		if err != nil {
			return err
		}
		if update {
			t.wanted = g.knows(ctx, o.ID)
		}
		if err := g.take(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// trusted gives the object of an activity as its owner said it: what came with
// the signature of its owner, and else what its origin serves (L7, SEC-1, SEC-9).
func (g *Gateway) trusted(ctx context.Context, a activity, o *as2.Object) (taken, error) {
	if embedded(o, a.actor.URI) {
		return taken{object: o, raw: o.Raw, owner: a.actor, locals: g.localTargets(ctx, a.target, o, a.Object)}, nil
	}
	if o.ID == "" {
		return taken{}, fail(BadRequest, "an object without id")
	}
	doc, owner, reader, err := g.fetchPostFor(ctx, o.ID, g.readersOf(ctx, a, o.ID))
	if err != nil {
		return taken{}, err
	}
	t := taken{object: doc.Object, raw: doc.Body, owner: owner, relayed: owner.URI != a.actor.URI}
	if t.locals = g.localTargets(ctx, "", doc.Object); !t.relayed { // SEC-9: others do not choose who is addressed
		t.locals = g.localTargets(ctx, a.target, doc.Object)
	}
	t.locals = withAccount(t.locals, reader)
	return t, nil
}

// embedded tells whether an object came whole, and from its owner, under an id
// that can be one (L7, L12).
func embedded(o *as2.Object, signer string) bool {
	return len(o.Types) > 0 && as2.SameOrigin(o.ID, signer) && attributed(o, signer)
}

// attributed tells whether an object says that it is of an actor.
func attributed(o *as2.Object, actor string) bool {
	return slices.ContainsFunc(o.AttributedTo, func(a *as2.Object) bool { return a.ID == actor })
}

// knows tells whether a post is in the store.
func (g *Gateway) knows(ctx context.Context, uri string) bool {
	return g.store.View(ctx, func(tx *cache.Tx) error {
		_, err := tx.PostByURI(uri, operator)
		return err
	}) == nil
}

// take stores a post and tells those who see it.
func (g *Gateway) take(ctx context.Context, t taken) error {
	if len(t.locals) > 0 {
		g.meetAddressees(ctx, t)
	}
	p, err := g.read(ctx, t)
	if err != nil {
		return err
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error { return g.takeIn(tx, p, t) })
}

// read gives a post as its object says it.
func (g *Gateway) read(ctx context.Context, t taken) (translate.Post, error) {
	p, err := translate.FromAS2(t.object, translate.AS2Context{
		Owner: remoteActor(t.owner), FollowersURL: t.owner.Followers,
		IsActor: func(uri string) bool { return g.isActor(ctx, uri) || mentionedIn(t.object, uri) },
	})
	if err != nil {
		return p, because(BadRequest, err, "the post cannot be read")
	}
	return p, nil
}

// takeIn is the part of take that is a transaction.
func (g *Gateway) takeIn(tx *cache.Tx, p translate.Post, t taken) error {
	if blocked, err := tx.Blocked("", t.owner.URI); err != nil || blocked {
		return err // SEC-29
	}
	replyTo, err := g.settleReply(tx, p.URI, p.ReplyTo)
	if err != nil {
		return err
	}
	p.ReplyTo = replyTo
	ok, err := g.interesting(tx, p, t)
	if err != nil || !ok {
		return err
	}
	return g.storeRemote(tx, p, t)
}

// meetAddressees has those read from their origins whom a post of a closed
// circle is for and who are not known yet: else it could not be told whether it
// is for people only, and no answer would reach them.
func (g *Gateway) meetAddressees(ctx context.Context, t taken) {
	a := translate.Audience{To: t.object.To, Cc: t.object.Cc}
	if a.Visibility(t.owner.Followers, nil).WiderThan(translate.Limited) {
		return
	}
	to := slices.Concat(a.To, a.Cc)
	slices.SortStableFunc(to, func(x, y string) int { // collections are not mentioned
		switch first := mentionedIn(t.object, x); {
		case first == mentionedIn(t.object, y):
			return 0
		case first:
			return -1
		}
		return 1
	})
	g.meet(ctx, to)
}

// mentionedIn tells whether an object has a Mention of a URI, which is that of
// an actor then, also when its server is away.
func mentionedIn(o *as2.Object, uri string) bool {
	return slices.ContainsFunc(o.Tag, func(t *as2.Object) bool { return t.Type() == as2.TypeMention && t.Href == uri })
}

// isActor tells whether a URI is that of an actor that we know.
func (g *Gateway) isActor(ctx context.Context, uri string) bool {
	if ref, err := g.addr.ParseURL(uri); err == nil {
		return ref.Kind == translate.URLActor
	}
	_, err := g.store.Actor(ctx, uri)
	return err == nil
}

// interesting tells whether anybody here has to do with a post: a follower of
// its author, an addressee, a thread that is known. Whatever else strangers
// send would only fill the store.
func (g *Gateway) interesting(tx *cache.Tx, p translate.Post, t taken) (bool, error) {
	if t.wanted || len(t.locals) > 0 {
		return true, nil
	}
	if wanted, err := tx.Wanted(t.owner.URI); err != nil || wanted {
		return wanted, err
	}
	for _, uri := range []string{p.URI, p.ReplyTo} {
		if uri == "" {
			continue
		}
		if _, err := tx.PostByURI(uri, operator); err == nil {
			return true, nil
		} else if !errors.Is(err, cache.ErrNotFound) && !errors.Is(err, cache.ErrGone) {
			return false, err
		}
	}
	return false, nil
}

// storeRemote writes a remote post, where it stands, and the jobs that tell of
// it, in one transaction.
func (g *Gateway) storeRemote(tx *cache.Tx, p translate.Post, t taken) error {
	now := g.now()
	before, err := tx.PostByURI(p.URI, operator)
	if err == nil {
		p.Kind = before.Post.Kind // fixed when it was first published
	}
	if err := g.narrow(tx, &p); err != nil {
		return err
	}
	if open(p.Visibility) {
		if err := g.place(tx, &p, t.owner); err != nil {
			return err
		}
	}
	_, change, err := tx.PutPost(p, t.raw, cache.PutOptions{Received: now, Addressees: accountURIs(t.locals), New: errors.Is(err, cache.ErrNotFound)})
	if errors.Is(err, cache.ErrGone) || errors.Is(err, cache.ErrConflict) {
		g.log.Info("post refused", "rule", "L8", "post", p.URI, "owner", t.owner.URI, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if change == cache.Same {
		// Perhaps the outbox was read before the Create came, and nobody was
		// told: telling twice does no harm, as items keep their ids.
		if t.quiet || t.relayed || !open(p.Visibility) || now.Sub(before.Received) > backfillAge {
			return nil
		}
		return g.announceRemote(tx, before.Post, t, cache.Created)
	}
	if before.ID != 0 && open(before.Post.Visibility) && !open(p.Visibility) {
		if err := g.withdraw(tx, before); err != nil {
			return err
		}
	}
	if err := g.untag(tx, before, p); err != nil {
		return err
	}
	if t.quiet || onlyVotes(before.Post, p) {
		return nil
	}
	if err := tx.Freshen(p.URI); err != nil {
		return err
	}
	return g.announceRemote(tx, p, t, change)
}

// open tells whether a post may stand in a node that everybody can read.
func open(v translate.Visibility) bool { return v == translate.Public || v == translate.Unlisted }

// narrow keeps a reply from being wider than what it answers (design: audience).
func (g *Gateway) narrow(tx *cache.Tx, p *translate.Post) error {
	if p.ReplyTo == "" {
		return nil
	}
	parent, err := tx.PostByURI(p.ReplyTo, operator)
	if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if p.Visibility.WiderThan(parent.Post.Visibility) && !open(parent.Post.Visibility) {
		p.Visibility = parent.Post.Visibility
	}
	return nil
}

// place gives a post its address on our service, assigned once: the actor's
// feed, or the node of answers unless it goes on with the actor's own thread.
func (g *Gateway) place(tx *cache.Tx, p *translate.Post, owner cache.Actor) error {
	node := stanza.NSMicroblog
	if p.ReplyTo != "" {
		node = NodeReplies
		parent, err := tx.PostByURI(p.ReplyTo, operator)
		if err == nil && parent.Post.Owner.URI == owner.URI && parent.Post.Item != nil && parent.Post.Item.Node == stanza.NSMicroblog {
			node = stanza.NSMicroblog
		} else if err != nil && !errors.Is(err, cache.ErrNotFound) && !errors.Is(err, cache.ErrGone) {
			return err
		}
	}
	id := translate.ItemIDForRemote(g.itemKey, p.URI)
	placed, err := tx.Placements(p.URI)
	if err != nil {
		return err
	}
	for _, n := range []string{stanza.NSMicroblog, NodeReplies} {
		if at, ok := placedIn(placed, owner.JID, n); ok {
			node, id = n, at.ItemID
		}
	}
	p.Item = &translate.Item{Service: owner.JID, Node: node, ID: id}
	p.Comments = &translate.Node{Service: owner.JID, Name: stanza.CommentsNodePrefix + id}
	return nil
}

// placedIn finds the placement in a node: the live one, or else the last.
func placedIn(placed []cache.Placement, service, node string) (at cache.Placement, ok bool) {
	for _, p := range placed { // oldest first
		if p.Service == service && p.Node == node && (!ok || !at.RetractedAt.IsZero() || p.RetractedAt.IsZero()) {
			at, ok = p, true
		}
	}
	return at, ok
}

func accountURIs(list []cache.Account) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.URI
	}
	return out
}

// announceRemote queues what tells of a new or changed remote post.
func (g *Gateway) announceRemote(tx *cache.Tx, p translate.Post, t taken, change cache.Change) error {
	var jobs []cache.Job
	var to []string // of ours, of what is not for everybody
	if !open(p.Visibility) {
		var err error
		if to, err = g.privateReaders(tx, p, t); err != nil {
			return err
		}
	}
	if p.ReplyTo != "" && !g.addr.IsLocalURL(p.ReplyTo) && t.depth < fetchDepth {
		if _, err := tx.PostByURI(p.ReplyTo, operator); errors.Is(err, cache.ErrNotFound) {
			jobs = append(jobs, g.fetchJob(fetchWork{URI: p.ReplyTo, Depth: t.depth + 1, For: to[:min(len(to), readersMost)]}))
		}
	}
	if !open(p.Visibility) {
		for _, uri := range to {
			jobs = append(jobs, g.messageJob(messageWork{URI: p.URI, To: uri, Edit: change == cache.Updated}))
		}
		return tx.Enqueue(jobs...)
	}
	jobs = append(jobs, g.notifyJob(notifyWork{URI: p.URI, New: change == cache.Created}))
	comment, err := g.commentFor(tx, p)
	if err != nil {
		return err
	}
	if comment != nil {
		jobs = append(jobs, g.commentJob(*comment))
	}
	if change == cache.Created {
		for _, acc := range t.locals {
			blocked, err := tx.Blocked(acc.URI, p.Owner.URI)
			if err != nil {
				return err
			}
			notice, err := g.postNotice(tx, p, acc, comment)
			if err != nil {
				return err
			}
			if notice != "" && !blocked {
				jobs = append(jobs, g.noticeJob(acc.JID, notice, p))
			}
		}
	}
	return tx.Enqueue(jobs...)
}

// privateReaders are the accounts of ours who get a post that is not for
// everybody: the addressees, and for followers-only posts the accepted followers.
func (g *Gateway) privateReaders(tx *cache.Tx, p translate.Post, t taken) ([]string, error) {
	seen := map[string]bool{}
	var out []string
	add := func(uri string) {
		if !seen[uri] {
			seen[uri] = true
			out = append(out, uri)
		}
	}
	for _, acc := range t.locals {
		add(acc.URI)
	}
	if p.Visibility == translate.Direct {
		return out, nil
	}
	if p.Visibility == translate.Followers {
		follows, err := tx.FollowersOf(t.owner.URI, cache.FollowAccepted, 0, 10_000)
		if err != nil {
			return nil, err
		}
		for _, f := range follows {
			add(f.Follower)
		}
	}
	return out, nil
}

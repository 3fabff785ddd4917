package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// notifyPage is how many recipients are told between two notes of how far the
// job came.
const notifyPage = 500

// notifyWork is the payload of jobNotify: a post of ours that is new or
// changed, or places that it is to be taken away from.
type notifyWork struct {
	URI     string           `json:"uri"`
	Owner   string           `json:"owner,omitempty"`
	Retract []translate.Item `json:"retract,omitempty"`
	New     bool             `json:"new,omitempty"`   // who is accepted later is told by the Accept
	Only    string           `json:"only,omitempty"`  // URI of the one follower to tell
	Place   int              `json:"place,omitempty"` // how far it came: the place,
	After   int64            `json:"after,omitempty"` // the last follow,
	AfterID string           `json:"after_id,omitempty"`

	since time.Time // when there was something to tell
}

func (g *Gateway) notifyJob(w notifyWork) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobNotify, Lane: "notify " + w.URI, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(jobLife),
		Note: "notify of " + w.URI, Payload: payload(w),
	}
}

// places are the nodes of our service that show a post: the feed it is in, the
// comments node of everything that it answers (design: threads), and those of
// its hashtags.
func (g *Gateway) places(tx *cache.Tx, stored cache.Stored) ([]translate.Item, error) {
	p := stored.Post
	if p.Item == nil {
		return nil, nil
	}
	out, err := g.tagPlaces(tx, stored)
	if err != nil {
		return nil, err
	}
	if g.ours(stanza.JID(p.Item.Service)) {
		out = append(out, *p.Item)
	}
	if p.ReplyTo == "" {
		return out, nil
	}
	ancestors, err := tx.Ancestors(p.URI, operator, 50)
	if err != nil {
		return nil, fmt.Errorf("read ancestors: %w", err)
	}
	for _, a := range ancestors {
		c := a.Post.Comments
		if c == nil || !g.ours(stanza.JID(c.Service)) {
			continue
		}
		at := translate.Item{Service: c.Service, Node: c.Name, ID: p.Item.ID}
		if at != *p.Item {
			out = append(out, at)
		}
	}
	return out, nil
}

// runNotify tells the subscribers of the nodes that show a post. It notes how
// far it came, so that a crash repeats one page at most; item ids make
// repeats harmless.
func (g *Gateway) runNotify(ctx context.Context, j cache.Job) error {
	w, err := decode[notifyWork](j)
	if err != nil {
		return err
	}
	w.since = j.CreatedAt
	for {
		var page []*stanza.Element
		done := false
		err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
			page, done, err = g.notices(tx, &w)
			return err
		})
		if err != nil {
			return ignoreMissing(err)
		}
		if err := g.notifyAll(ctx, w.URI, page); err != nil {
			return err
		}
		if done {
			return nil
		}
		if err := g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetPayload(j.ID, payload(w)) }); err != nil {
			return err
		}
	}
}

// notices gives the next messages, for at least a page of recipients if
// there are as many, and whether they are the last.
func (g *Gateway) notices(tx *cache.Tx, w *notifyWork) (page []*stanza.Element, done bool, err error) {
	places, event, owner, err := g.notifyEvents(tx, *w)
	if err != nil {
		return nil, false, err
	}
	for w.Place < len(places) && len(page) < notifyPage {
		at := places[w.Place]
		to, last, err := g.recipientsOf(tx, owner, at, w)
		if err != nil {
			return nil, false, err
		}
		if len(to) > 0 {
			el, err := event(at)
			if err != nil {
				return nil, false, err
			}
			page = append(page, eventMessages(at, el, to)...)
		}
		if last {
			w.Place, w.After, w.AfterID = w.Place+1, 0, ""
		}
	}
	return page, w.Place >= len(places), nil
}

// notifyEvents gives the places to tell of, and how to make the event of each.
func (g *Gateway) notifyEvents(tx *cache.Tx, w notifyWork) ([]translate.Item, func(translate.Item) (*stanza.Element, error), string, error) {
	if len(w.Retract) > 0 {
		return w.Retract, func(at translate.Item) (*stanza.Element, error) {
			return xmpp.EventRetract(at.Node, at.ID), nil
		}, w.Owner, nil
	}
	stored, err := tx.PostByURI(w.URI, operator)
	if err != nil {
		return nil, nil, "", err
	}
	if !open(stored.Post.Visibility) { // by now: who may have it gets it as a message
		return nil, nil, "", cache.ErrNotFound
	}
	all, err := g.places(tx, stored)
	if err != nil {
		return nil, nil, "", err
	}
	if w.Only != "" {
		all = nil
		if stored.Post.Item != nil {
			all = []translate.Item{*stored.Post.Item}
		}
	}
	var places []translate.Item
	for _, at := range all {
		if at.Service == g.addr.Component() {
			l, _ := tagList(at.Node)
			in, err := listed(tx, l, stored.ID)
			if err != nil {
				return nil, nil, "", err
			}
			if !in {
				continue
			}
		}
		places = append(places, at)
	}
	return places, func(at translate.Item) (*stanza.Element, error) {
		item, err := g.item(tx, stored.Post, at)
		return xmpp.EventItems(at.Node, item), err
	}, stored.Post.Owner.URI, nil
}

// recipientsOf is the next page of those who are told of what happens at a
// node: accepted followers of a feed, subscribers of any other node.
func (g *Gateway) recipientsOf(tx *cache.Tx, owner string, at translate.Item, w *notifyWork) (to []stanza.JID, last bool, err error) {
	if w.Only != "" {
		f, err := tx.Follow(w.Only, owner)
		if err != nil || f.State != cache.FollowAccepted {
			return nil, true, ignoreMissing(err)
		}
		jid, err := g.follower(tx, f, owner)
		if err != nil || jid == "" {
			return nil, true, err
		}
		return []stanza.JID{jid}, true, nil
	}
	if at.Node == stanza.NSMicroblog {
		follows, err := tx.FollowersOf(owner, cache.FollowAccepted, w.After, notifyPage)
		if err != nil {
			return nil, false, err
		}
		for _, f := range follows {
			w.After = f.ID
			if w.New && f.UpdatedAt.After(w.since) {
				continue
			}
			jid, err := g.follower(tx, f, owner)
			if err != nil {
				return nil, false, err
			}
			if jid != "" {
				to = append(to, jid)
			}
		}
		return to, len(follows) < notifyPage, nil
	}
	subs, err := tx.Subscribers(at.Service, at.Node, w.AfterID, notifyPage)
	if err != nil {
		return nil, false, err
	}
	for _, s := range subs {
		w.AfterID = s.JID
		if at.Service == g.addr.Component() && len(w.Retract) == 0 {
			ok, err := g.tellable(tx, s.JID, at.ID)
			if err != nil {
				return nil, false, err
			}
			if !ok {
				continue
			}
		}
		to = append(to, stanza.JID(s.JID))
	}
	return to, len(subs) < notifyPage, nil
}

// follower is the JID of a follower of ours, "" for one who left or blocked
// whom they followed.
func (g *Gateway) follower(tx *cache.Tx, f cache.Follow, owner string) (stanza.JID, error) {
	a, err := tx.AccountByURI(f.Follower)
	if errors.Is(err, cache.ErrNotFound) || err == nil && a.State == cache.Unlinked {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	blocked, err := tx.Blocked(a.URI, owner)
	if err != nil || blocked {
		return "", err
	}
	return stanza.JID(a.JID), nil
}

// eventMessages addresses an event to everybody who is told of it.
func eventMessages(at translate.Item, event *stanza.Element, to []stanza.JID) []*stanza.Element {
	out := make([]*stanza.Element, len(to))
	for i, jid := range to {
		out[i] = xmpp.EventMessage(stanza.JID(at.Service), jid, at.ID, event)
	}
	return out
}

func (g *Gateway) notifyAll(ctx context.Context, about string, page []*stanza.Element) error {
	if len(page) == 0 {
		return nil
	}
	if err := g.link.Deliver(ctx, page...); err != nil {
		return fmt.Errorf("notify of %s: %w", about, err)
	}
	return nil
}

// item renders a post as an item of a node.
func (g *Gateway) item(tx *cache.Tx, p translate.Post, at translate.Item) (xmpp.Item, error) {
	l := translate.AtomLinks{Item: at, AuthorJID: p.Owner.JID, Comment: isComments(at.Node)}
	if open(p.Visibility) {
		l.Page = p.URL
	}
	shown := p
	if p.Kind == translate.KindBoost {
		original, err := tx.PostByURI(p.Boost, operator)
		if err != nil {
			return xmpp.Item{}, err
		}
		shown = p.WithOriginal(original.Post)
		l.Page = ""
		if original.Post.Visibility == translate.Public && open(p.Visibility) {
			l.Page = cmp.Or(original.Post.URL, original.Post.URI)
		}
		l.AuthorJID = original.Post.Owner.JID
		if it := original.Post.Item; it != nil {
			l.Via = translate.PubSubURI(it.Service, it.Node, it.ID)
		} else {
			l.Via = p.Boost
		}
		p.Comments = original.Post.Comments
	}
	if it := p.Item; at.Service == g.addr.Component() && it != nil { // a list shows copies
		l.Via = translate.PubSubURI(it.Service, it.Node, it.ID)
	}
	var err error
	if shown.Mentions, err = g.withJIDs(tx, shown.Mentions); err != nil {
		return xmpp.Item{}, err
	}
	if p.Comments != nil && !l.Comment {
		l.Comments = translate.PubSubURI(p.Comments.Service, p.Comments.Name, "")
	}
	if p.ReplyTo != "" {
		parent, err := tx.PostByURI(p.ReplyTo, operator)
		switch {
		case err == nil && parent.Post.Item != nil:
			it := parent.Post.Item
			l.InReplyTo = translate.InReplyToURI(it.Service, it.Node, it.ID)
		case err == nil || errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone):
		default:
			return xmpp.Item{}, err
		}
	}
	return xmpp.Item{ID: at.ID, Publisher: stanza.JID(p.Owner.JID), Payload: translate.Atom(shown, l)}, nil
}

// isComments tells whether a node holds the comments of a post.
func isComments(node string) bool {
	return len(node) > len(stanza.CommentsNodePrefix) && node[:len(stanza.CommentsNodePrefix)] == stanza.CommentsNodePrefix
}

// stateWork is the payload of jobState: how a followed actor decided.
type stateWork struct {
	Account string            `json:"account"`
	Actor   string            `json:"actor"`
	JID     string            `json:"jid,omitempty"` // that the actor had, which may be another's soon
	State   cache.FollowState `json:"state"`
	Why     ending            `json:"why,omitempty"`
}

// ending is why a follow ended.
type ending string

// Follows end by a Reject, and with the actor. A Block is told as the Reject that it
// stands for: the blocked are not told (V12).
const (
	refusedFollow ending = "refused" // the request
	removedFollow ending = "removed" // the follower, who was let in before
	actorLeft     ending = "left"
	nameTaken     ending = "name" // it leads to another actor
)

// endedBy is how a follow ends that the followed ends.
func endedBy(f cache.Follow) ending {
	if f.State == cache.FollowAccepted {
		return removedFollow
	}
	return refusedFollow
}

// of says it to a follower; jid is what the actor had for an address.
func (e ending) of(who cache.Actor, jid stanza.JID) string {
	switch e {
	case refusedFollow:
		return nameAndHandle(who) + " refused your request to follow."
	case removedFollow:
		return nameAndHandle(who) + " removed you from their followers."
	case actorLeft:
		return "The account of " + nameAndHandle(who) + " was deleted, so you no longer follow it."
	case nameTaken:
		return fmt.Sprintf("@%s now belongs to a different account; you no longer follow the old one. To follow the new one, send: follow %[1]s", stanza.UnescapeLocal(jid.Local()))
	}
	return "You no longer follow " + nameAndHandle(who) + "." // queued by an older version
}

func (g *Gateway) stateJob(account cache.Account, actor cache.Actor, state cache.FollowState, why ending) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobState, Lane: "state " + account.URI + " " + actor.URI, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
		Note:    fmt.Sprintf("tell %s: %s by %s", account.Acct, state, handleOf(actor)),
		Payload: payload(stateWork{Account: account.URI, Actor: actor.URI, JID: actor.JID, State: state, Why: why}),
	}
}

// runState tells a follower that a subscription is no longer pending, or has
// ended (XEP-0060 §8.6).
func (g *Gateway) runState(ctx context.Context, j cache.Job) error {
	w, err := decode[stateWork](j)
	if err != nil {
		return err
	}
	var account cache.Account
	var actor cache.Actor
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if account, err = tx.AccountByURI(w.Account); err != nil {
			return err
		}
		actor, err = tx.ActorByURI(w.Actor)
		return err
	})
	if err != nil {
		return ignoreMissing(err)
	}
	from, to := stanza.JID(cmp.Or(w.JID, actor.JID)), stanza.JID(account.JID)
	state, text := xmpp.SubSubscribed, nameAndHandle(actor)+" accepted your request to follow."
	if w.State == cache.FollowRejected {
		state, text = xmpp.SubNone, w.Why.of(actor, from)
	}
	event := xmpp.EventMessage(from, to, stanzaID(j), xmpp.EventSubscription(xmpp.Subscription{
		Node: stanza.NSMicroblog, JID: to, State: state,
	}))
	els := []*stanza.Element{event}
	if w.State == cache.FollowRejected || actor.ManuallyApproves {
		els = append(els, g.botMessage(to, stanzaID(j)+"n", text))
	}
	return g.link.Deliver(ctx, els...)
}

// stanzaID is the id of what a job sends: the same at every attempt.
func stanzaID(j cache.Job) string { return fmt.Sprintf("j%d", j.ID) }

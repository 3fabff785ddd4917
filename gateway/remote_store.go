package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/webfinger"
)

// storeActor stores an actor document as its origin served it.
func (g *Gateway) storeActor(ctx context.Context, doc *ap.Document) (cache.Actor, error) {
	o := doc.Object
	if !o.IsActor() && len(o.AttributedTo) > 0 { // what people paste
		return cache.Actor{}, fail(NotFound, "that is a post, not somebody. Its author: %s", o.AttributedTo[0].ID)
	}
	if !o.IsActor() || o.Inbox == "" || hostname(o.Inbox) != hostname(o.ID) { // SEC-35
		return cache.Actor{}, fail(NotFound, "that is not an actor")
	}
	if where := xmppOf(o); where != "" {
		return cache.Actor{}, fail(Forbidden, "that actor is on XMPP, and reached there: %s", where)
	}
	acct, err := g.finger.Verify(ctx, claimOf(o))
	switch {
	case errors.Is(err, webfinger.ErrNotFound), errors.Is(err, webfinger.ErrGone), errors.Is(err, webfinger.ErrWrong):
		g.log.Info("actor has no verified handle", "actor", o.ID, "error", err)
		acct = ""
	case err != nil: // a JID is bound for good: not on a day without WebFinger
		return cache.Actor{}, because(Temporary, err, "the handle of the actor cannot be checked now")
	}
	a := actorFromDocument(o, acct)
	a.Raw, a.FetchedAt = doc.Body, g.now()
	jid, err := g.addr.ActorJID(acct)
	if acct == "" || err != nil {
		jid = g.addr.ActorJIDHashed(o.ID, hostname(o.ID))
	}
	if jid == "" {
		return a, fail(NotFound, "that actor has no usable address")
	}
	if err := g.saveActor(ctx, &a, o, jid); err != nil {
		return a, err
	}
	g.recent.forget("actor " + a.URI)
	g.recent.forget("handle " + a.Acct)
	return a, nil
}

// saveActor writes an actor, its binding and its keys. The JID of its handle may
// still be another's, who had that handle before.
func (g *Gateway) saveActor(ctx context.Context, a *cache.Actor, o *as2.Object, jid string) error {
	var before cache.Actor
	var changed []string
	taken := false
	now := g.now()
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		old, err := tx.ActorByURI(a.URI)
		if err == nil {
			before = old
		} else if !errors.Is(err, cache.ErrNotFound) {
			return err
		}
		if err := tx.PutActor(*a); err != nil {
			return err
		}
		bound, free, err := g.bind(tx, a.URI, jid)
		if err != nil {
			return fmt.Errorf("bind %s to %s: %w", jid, a.URI, err)
		}
		a.JID, a.BoundAt, taken = bound.JID, bound.BoundAt, !free
		if changed, err = putKeys(tx, o, now); err != nil {
			return err
		}
		if before.URI != "" && profileChanged(before, *a) {
			return tx.Enqueue(g.profileJob(a.URI))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store actor %s: %w", a.URI, err)
	}
	for _, id := range changed { // S12: a key that was taken away signs nothing any more
		g.recent.keys.Invalidate(id)
	}
	if taken {
		g.rebind(ctx, a, jid)
	}
	return nil
}

// bind gives the address of an actor: the one that it has, or else that of its
// handle. free is false while somebody else has that one and this actor waits for
// it, under a name that is made of its id. A rename waits for nothing.
func (g *Gateway) bind(tx *cache.Tx, uri, jid string) (bound cache.Binding, free bool, err error) {
	hashed := g.addr.ActorJIDHashed(uri, hostname(uri))
	bound, err = tx.Bind(jid, uri, g.now())
	if errors.Is(err, cache.ErrConflict) {
		bound, err = tx.Bind(hashed, uri, g.now())
		return bound, false, err
	}
	if err != nil || bound.JID == jid || bound.JID != hashed {
		return bound, true, err
	}
	_, err = tx.ActorByJID(jid)
	return bound, err != nil, ignoreMissing(err)
}

// rebind ends what there was between us and the actor that has the JID of a
// handle, after WebFinger has agreed both ways twice that the handle leads to
// another one now (design: addresses). That one gets the JID, unless it is known
// here by another already: an address does not change.
func (g *Gateway) rebind(ctx context.Context, a *cache.Actor, jid string) {
	if err := g.agreesAgain(ctx, a); err != nil {
		g.log.Info("handle does not lead to that actor for sure", "handle", a.Acct, "actor", a.URI, "error", err)
		return
	}
	settled := false
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		old, err := tx.ActorByJID(jid)
		if err != nil || old.URI == a.URI {
			return ignoreMissing(err)
		}
		if err := g.partWith(tx, old); err != nil {
			return err
		}
		if settled, err = g.settled(tx, *a); err == nil && !settled {
			_, err = tx.Rebind(jid, a.URI, g.now())
		}
		if err != nil {
			return err
		}
		_, err = tx.Rebind(g.addr.ActorJIDHashed(old.URI, hostname(old.URI)), old.URI, g.now())
		return err
	})
	if err != nil {
		g.log.Error("bind JID anew", "jid", jid, "actor", a.URI, "error", err)
		return
	}
	if !settled {
		a.JID = jid
	}
	g.log.Warn("handle leads to another actor now", "jid", jid, "actor", a.URI, "has", a.JID)
}

// settled tells whether anything here hangs on the address that an actor has.
func (g *Gateway) settled(tx *cache.Tx, a cache.Actor) (bool, error) {
	wanted, err := tx.Wanted(a.URI)
	if err != nil || wanted {
		return wanted, err
	}
	nodes, err := tx.NodesOf(a.JID)
	return len(nodes) > 0, err
}

// partWith ends all follows from and to an actor whose name is another's now, and
// takes its posts from where that one's will be. It is told, if it is there: it
// may only have a new name.
func (g *Gateway) partWith(tx *cache.Tx, old cache.Actor) error {
	if old.GoneAt.IsZero() {
		if err := g.tellEnd(tx, old); err != nil {
			return err
		}
	}
	if err := g.endFollows(tx, old.URI, nameTaken); err != nil {
		return err
	}
	return tx.RetractAll(old.JID, old.URI, g.now())
}

// tellEnd sends an actor the Undo of each Follow of ours, and the Reject of each
// of its own.
func (g *Gateway) tellEnd(tx *cache.Tx, who cache.Actor) error {
	followers, err := tx.FollowersOf(who.URI, "", 0, 100_000)
	if err != nil {
		return err
	}
	for _, f := range followers {
		account, err := tx.AccountByURI(f.Follower)
		if err == nil {
			undo := translate.Undo("", translate.Follow(f.ActivityID, account.URI, who.URI))
			err = g.sendTo(tx, account, who, *undo, who.URI)
		}
		if ignoreMissing(err) != nil {
			return err
		}
	}
	following, err := tx.FollowingOf(who.URI, "", 0, 100_000)
	if err != nil {
		return err
	}
	for _, f := range following {
		account, err := tx.AccountByURI(f.Followee)
		if err == nil {
			err = g.sendDecision(tx, account, who, f.ActivityID, false)
		}
		if ignoreMissing(err) != nil {
			return err
		}
	}
	return nil
}

// agreesAgain asks a second time: the actor for its handle, and the handle for
// its actor.
func (g *Gateway) agreesAgain(ctx context.Context, a *cache.Actor) error {
	key, _, err := g.keys.instance(ctx, g.primary())
	if err != nil {
		return err
	}
	doc, err := g.client.GetObject(ctx, a.URI, key)
	if err != nil {
		return err
	}
	g.finger.Forget(a.Acct)
	acct, err := g.finger.Verify(ctx, claimOf(doc.Object))
	if err == nil && acct != a.Acct {
		err = fmt.Errorf("it is %s now", acct)
	}
	return err
}

// followHandle looks where the handle of an actor leads that is not there any
// more: to a new actor, if its server began anew.
func (g *Gateway) followHandle(ctx context.Context, a cache.Actor) error {
	if a.Acct == "" {
		return nil
	}
	g.finger.Forget(a.Acct)
	account, err := g.finger.Lookup(ctx, a.Acct)
	if err != nil || account.ActorURL == a.URI {
		return err
	}
	_, err = g.fetchActor(ctx, account.ActorURL)
	return err
}

func claimOf(o *as2.Object) webfinger.Claim {
	return webfinger.Claim{ID: o.ID, PreferredUsername: o.PreferredUsername, WebFinger: o.Webfinger}
}

// xmppOf is where in XMPP an actor really is, if it says so (FEP-fffd): it is on
// another gateway and not bridged back (BR-5).
func xmppOf(o *as2.Object) string {
	for _, t := range o.Tag {
		if t.Type() == as2.TypeLink && t.Rel == "canonical" && strings.HasPrefix(t.Href, "xmpp:") && len(t.Href) < 3072 {
			return t.Href
		}
	}
	return ""
}

func actorFromDocument(o *as2.Object, acct string) cache.Actor {
	a := cache.Actor{
		URI: o.ID, Acct: acct, Type: o.Type(), Name: translate.PlainName(o.Name.Value, nameMost),
		Summary: strings.ToValidUTF8(o.Summary.Value[:min(len(o.Summary.Value), bioMost)], ""),
		Inbox:   o.Inbox, Outbox: o.Outbox, Followers: o.Followers, Following: o.Following, Featured: o.Featured,
		ManuallyApproves: o.ManuallyApproves, Discoverable: o.Discoverable, Indexable: o.Indexable,
		Published: o.Published, URL: o.ID,
	}
	if hostname(o.SharedInbox) == hostname(o.ID) {
		a.SharedInbox = o.SharedInbox
	}
	if i := slices.IndexFunc(o.URL, func(l as2.Link) bool {
		return (l.MediaType == "" || l.MediaType == "text/html") && as2.SameOrigin(l.Href, o.ID) // A5, SEC-3
	}); i >= 0 {
		a.URL = o.URL[i].Href
	}
	if len(o.Icon) > 0 {
		a.IconURL, a.IconType = imageOf(o.Icon[0])
	}
	if len(o.Image) > 0 {
		a.ImageURL, _ = imageOf(o.Image[0])
	}
	if a.Name == "" {
		a.Name = translate.PlainName(o.PreferredUsername, nameMost)
	}
	size := 0
	for _, f := range o.Attachment {
		if size += len(f.Name.Value) + len(f.Value); f.Type() != as2.TypePropertyValue || size > bioMost {
			continue
		}
		a.Fields = append(a.Fields, cache.Field{Name: translate.PlainName(f.Name.Value, nameMost), Value: f.Value})
	}
	return a
}

// What a profile holds at most (A8, A9): it goes into a stanza, beside a picture.
const (
	nameMost = 500      // characters
	bioMost  = 20 << 10 // bytes; of all fields together as well
)

func imageOf(o *as2.Object) (address, mediaType string) {
	if len(o.URL) > 0 {
		return o.URL[0].Href, o.MediaType
	}
	return o.Href, o.MediaType
}

func profileChanged(a, b cache.Actor) bool {
	return a.Name != b.Name || a.Summary != b.Summary || a.IconURL != b.IconURL || a.ImageURL != b.ImageURL
}

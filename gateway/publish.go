package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// typeAtom is the media type of what the store keeps of an entry.
const typeAtom = "application/atom+xml"

// event takes a notification of a node (xmpp.md 2.3). Anyone can send one, and
// a client in the name of its user: it counts only from the bare address whose
// node it names, and only when that is an account of ours, or the comments of
// one of its posts.
func (g *Gateway) event(ctx context.Context, e xmpp.Event) {
	service := e.Service.Bare()
	if g.ours(service) || e.From.Resource() != "" || e.Node == "" {
		return
	}
	account, err := g.accountOf(ctx, service, e.Node)
	if err == nil && (account.State == cache.Linked || account.State == cache.Paused) {
		g.nodeEvent(ctx, account, e)
		return
	}
	root, ok := g.commented(ctx, service, e.Node)
	if ok {
		g.commentEvent(ctx, root, e)
		return
	}
	g.commentsRetracted(ctx, e) // what they were about may be gone
	g.profileEvent(ctx, service, e)
}

// nodeEvent takes a notification of the node of an account.
func (g *Gateway) nodeEvent(ctx context.Context, account cache.Account, e xmpp.Event) {
	g.heard(ctx, account)
	for _, it := range e.Items {
		g.seen(ctx, account, it, sighting{})
	}
	for _, id := range e.Retracted {
		g.retracted(ctx, account, id)
	}
	switch {
	case e.Deleted:
		g.reached(ctx, account, func(r *cache.Reach) { r.Subscribe = time.Time{} })
		g.askOwnerOfNode(ctx, account)
	case e.Purged:
		g.askOwnerOfNode(ctx, account)
	case e.Configured:
		g.pull(ctx, account, false)
	case e.Subscription != nil && account.Reach.Subscribe.IsZero(): // its owner has let us in
		g.freshen(ctx, account)
	}
}

// sighting says how an item was seen.
type sighting struct {
	pulled   time.Time            // when it was asked for; zero for an event
	audience translate.Visibility // whom it may cross to, of what was asked for
	imported bool                 // the owner wants it federated however old it is
	again    bool                 // it waited for what it is about, and this is another attempt
}

// seen archives an item of an account and federates it, unless it is known, old
// or not for everybody. What cannot be decided now is pulled later.
func (g *Gateway) seen(ctx context.Context, a cache.Account, it xmpp.Item, s sighting) cache.Change {
	if it.ID == "" || it.ID == "0" || it.ID == stanza.NSAvatarMeta { // the feed's own description and picture
		return ""
	}
	change, err := g.publish(ctx, a, it, s)
	switch {
	case errors.Is(err, translate.ErrNotPost):
		g.log.Debug("item is no post", "account", a.Acct, "item", it.ID, "error", err)
	case err != nil && ctx.Err() == nil:
		g.log.Warn("item not published", "account", a.Acct, "item", it.ID, "error", err)
		g.reached(ctx, a, func(r *cache.Reach) { r.Error, r.ErrorAt, r.Pull = sayError(err), g.now(), time.Time{} })
	}
	return change
}

func (g *Gateway) publish(ctx context.Context, a cache.Account, it xmpp.Item, s sighting) (cache.Change, error) {
	at := translate.Item{Service: a.JID, Node: feedNode(a), ID: it.ID}
	if it.NeedsFetch() && !s.pulled.IsZero() {
		return "", nil
	}
	by, err := g.speaker(ctx, a, it)
	if err != nil || by.URI == "" {
		return "", err
	}
	if !it.NeedsFetch() {
		if by, err = g.wants(ctx, a, by, it, s); err != nil || by.URI == "" {
			return "", err
		}
	}
	if s.pulled.IsZero() { // what is pulled was looked at already
		held, seen := g.lookAt(ctx, a, it.ID)
		mayCross := g.judge(ctx, a, seen)
		if seen.unsure() { // the next pull, which is soon, decides
			g.reached(ctx, a, func(r *cache.Reach) { r.Pull = time.Time{} })
		}
		if s.audience = seen.audience(); !mayCross {
			return "", nil
		}
		if it.NeedsFetch() { // what stamps the news says nothing of what is there by now
			if held == nil {
				return "", nil
			}
			it = *held
			if by, err = g.speaker(ctx, a, it); err != nil || by.URI == "" {
				return "", err
			}
			if by, err = g.wants(ctx, a, by, it, s); err != nil || by.URI == "" {
				return "", err
			}
		}
	}
	p, err := translate.FromAtom(it.Payload, at, actorOf(by))
	if err != nil {
		return "", err
	}
	if p.Visibility = s.audience; p.Visibility == "" {
		return "", nil
	}
	if late, err := g.unasked(ctx, a, p, s); err != nil || late {
		return "", err
	}
	change, err := g.federate(ctx, a, submission{
		account: by, post: p, raw: stanza.Append(nil, it.Payload, ""), rawType: typeAtom, publisher: publisherOf(a, it),
		narrow: p.Visibility == translate.Followers,
	}, s)
	if err != nil || change == cache.Same {
		return change, err
	}
	if change != "" {
		g.reached(ctx, a, func(r *cache.Reach) { r.Item = it.ID })
	}
	if p.Comments != nil && p.Kind != translate.KindBoost {
		g.watchItem(ctx, at, *p.Comments)
	}
	return change, nil
}

// federate stores a post of a node and sends it. What somebody else has posted
// there is carried by the node, and so is what anybody repeats there.
func (g *Gateway) federate(ctx context.Context, node cache.Account, s submission, seen sighting) (change cache.Change, err error) {
	if s.post.Kind == translate.KindBoost && s.narrow { // a boost is for everybody
		return "", nil
	}
	if ok, err := g.refer(ctx, node, &s, seen); err != nil || !ok {
		return "", err
	}
	if s.post.Kind == translate.KindBoost {
		return g.boost(ctx, node, s)
	}
	s.post.Mentions = g.resolveMentions(ctx, s.post)
	err = g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		p := s
		if p.post.ReplyTo, err = g.answered(tx, p.post); err != nil {
			return err
		}
		p.post.ReplyRef = nil
		if err := tx.DeleteMeta(unsentKey(*s.post.Item)); err != nil {
			return err
		}
		if err := g.endOther(tx, s.account, s.post); err != nil {
			return err
		}
		if p.post, change, err = g.submit(tx, p); err != nil || change != cache.Created || s.account.URI == node.URI {
			return err
		}
		return g.carry(tx, node, p.post)
	})
	return change, err
}

// wants decides whether an item is new or changed, and whose it is, nobody's if
// it is not wanted: every rung of the ladder brings the same items, servers show
// the last one again at every login, and an answer can be older than an event
// that overtook it. by is whose it is if it is new.
func (g *Gateway) wants(ctx context.Context, a, by cache.Account, it xmpp.Item, s sighting) (cache.Account, error) {
	at := translate.Item{Service: a.JID, Node: feedNode(a), ID: it.ID}
	p, err := translate.FromAtom(it.Payload, at, actorOf(a))
	if err != nil {
		return cache.Account{}, err
	}
	if p.Published.Before(by.LinkedAt.Truncate(time.Second)) && (!p.Published.IsZero() || !s.pulled.IsZero()) {
		by = a // maybe from before the link of who wrote it: it is not theirs here
	}
	date := p.Published
	if p.Updated.After(date) {
		date = p.Updated
	}
	wanted := false
	var stamp cache.Placement
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		place, err := tx.PlacementByItem(at.Service, at.Node, at.ID)
		if errors.Is(err, cache.ErrNotFound) {
			wanted, err = g.wantsNew(tx, a, at, p, s)
			return err
		}
		if err != nil {
			return err
		}
		if !place.RetractedAt.IsZero() { // and back again, which after a pull has to be proved
			back := !place.RetractedAt.After(s.pulled) && !date.Before(place.RetractedAt.Truncate(time.Second))
			if s.pulled.IsZero() || s.imported || back {
				wanted, err = g.wantsNew(tx, a, at, p, s)
			}
			return err
		}
		stored, err := tx.PostByURI(place.URI, operator)
		if err != nil {
			return err
		}
		if by, err = g.ownerIn(tx, a, stored); err != nil || by.URI == "" {
			return err
		}
		raw, _, err := tx.Raw(place.URI, operator)
		if err != nil && !errors.Is(err, cache.ErrNotFound) {
			return err
		}
		overtaken := !s.pulled.IsZero() && stored.Modified.After(s.pulled)
		if unstamped(a, place) && publisherOf(a, it) != place.Publisher {
			stamp = place
		}
		wanted = a.State == cache.Linked && by.State == cache.Linked && !overtaken && !sameEntry(raw, it.Payload, p)
		if wanted && !samePublisher(a, it, place) {
			g.log.Info("overwritten item ignored", "rule", "X4", "account", a.Acct, "item", at.ID, "publisher", it.Publisher.Bare())
			wanted = false
		}
		return nil
	})
	if err == nil && stamp.URI != "" {
		err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.StampItem(stamp, publisherOf(a, it)) })
	}
	if err != nil || !wanted {
		by = cache.Account{}
	}
	return by, err
}

// sameEntry tells whether an entry says what the kept one says: services do not
// always write it in the same bytes, and its dates alone are no edit.
func sameEntry(raw []byte, payload *stanza.Element, p translate.Post) bool {
	if bytes.Equal(raw, stanza.Append(nil, payload, "")) {
		return true
	}
	el, err := stanza.Parse(raw, "", stanza.Limits{})
	if err != nil {
		return false
	}
	kept, err := translate.FromAtom(el, *p.Item, p.Owner)
	if err != nil {
		return false
	}
	for _, x := range []*translate.Post{&kept, &p} {
		x.Published, x.Updated = time.Time{}, time.Time{}
	}
	return reflect.DeepEqual(kept, p)
}

// wantsNew decides about an item that is not known: what was in the node before
// the link is federated only when the owner asks for it.
func (g *Gateway) wantsNew(tx *cache.Tx, a cache.Account, at translate.Item, p translate.Post, s sighting) (bool, error) {
	if a.State != cache.Linked || s.imported {
		return s.imported, nil
	}
	before, err := itemsBefore(tx, a)
	if err != nil || slices.Contains(before, at.ID) {
		return false, err
	}
	return p.Published.IsZero() || !p.Published.Before(a.LinkedAt.Truncate(time.Second)), nil
}

// beforeKey is where the ids are kept that a node held when it was linked:
// clients write dates in whole seconds, which do not tell before from after.
func beforeKey(jid, node string) string { return fmt.Sprintf("before %s %s", jid, personNode(node)) }

func itemsBefore(tx *cache.Tx, a cache.Account) ([]string, error) {
	text, err := tx.Meta(beforeKey(a.JID, a.Node))
	if errors.Is(err, cache.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	if err := json.Unmarshal([]byte(text), &ids); err != nil {
		return nil, fmt.Errorf("read the items from before the link of %s: %w", a.Acct, err)
	}
	return ids, nil
}

// retracted deletes a post whose item its author took back. What comes under
// that id later is new.
func (g *Gateway) retracted(ctx context.Context, a cache.Account, id string) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		before, err := itemsBefore(tx, a)
		if err != nil {
			return err
		}
		if i := slices.Index(before, id); i >= 0 {
			if err := tx.SetMeta(beforeKey(a.JID, a.Node), string(payload(slices.Delete(before, i, i+1)))); err != nil {
				return err
			}
		}
		if err := tx.DeleteMeta(unsentKey(translate.Item{Service: a.JID, Node: feedNode(a), ID: id})); err != nil {
			return err
		}
		stored, err := tx.PostByItem(a.JID, feedNode(a), id, operator)
		if err != nil {
			return ignoreMissing(err)
		}
		owner, err := g.ownerIn(tx, a, stored)
		if err != nil || owner.URI == "" {
			return err
		}
		return g.retire(tx, owner, stored)
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("delete a retracted post", "account", a.Acct, "item", id, "error", err)
	}
}

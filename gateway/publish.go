package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// mentionsMost bounds the handles of one post that are looked up.
const mentionsMost = 20

// event takes a notification of a node (xmpp.md 2.3). Anyone can send one: it
// counts only from the address whose node it names, and only when that is an
// account of ours, or the comments of one of its posts.
func (g *Gateway) event(ctx context.Context, e xmpp.Event) {
	service := e.Service.Bare()
	if g.ours(service) {
		return
	}
	account, err := g.accountOf(ctx, service, e.Node)
	if err == nil && account.State == cache.Linked {
		g.nodeEvent(ctx, account, e)
		return
	}
	if root, ok := g.commented(ctx, service, e.Node); ok {
		g.commentEvent(ctx, root, e)
		return
	}
	g.profileEvent(ctx, service, e)
}

// nodeEvent takes a notification of the node of an account.
func (g *Gateway) nodeEvent(ctx context.Context, account cache.Account, e xmpp.Event) {
	g.reached(ctx, account, func(r *cache.Reach) { r.Event = g.now() })
	var missing []string
	for _, it := range e.Items {
		if it.NeedsFetch() {
			missing = append(missing, it.ID)
			continue
		}
		g.seen(ctx, account, it)
	}
	if len(missing) > 0 {
		g.pullItems(ctx, account, xmpp.ItemsQuery{IDs: missing})
	}
	for _, id := range e.Retracted {
		g.retracted(ctx, account, id)
	}
	switch {
	case e.Purged, e.Deleted:
		g.say(ctx, stanza.JID(account.JID), fmt.Sprintf(
			"Your node %s was emptied or removed. Your posts stay on the fediverse; to delete them there too, send: unlink", feedNode(account)))
	case e.Configured:
		g.checkAccess(ctx, account)
	}
}

// seen archives an item of an account and federates it, unless it is known, old
// or not for everybody.
func (g *Gateway) seen(ctx context.Context, account cache.Account, it xmpp.Item) {
	if it.Payload == nil || it.ID == "" || it.ID == "0" { // item 0 is the feed's own description (XEP-0277)
		return
	}
	if err := g.publish(ctx, account, it); err != nil {
		g.log.Warn("item not published", "account", account.Acct, "item", it.ID, "error", err)
		g.reached(ctx, account, func(r *cache.Reach) { r.Error, r.ErrorAt = err.Error(), g.now() })
	}
}

func (g *Gateway) publish(ctx context.Context, account cache.Account, it xmpp.Item) error {
	at := translate.Item{Service: account.JID, Node: feedNode(account), ID: it.ID}
	if it.Publisher != "" && g.ours(it.Publisher) {
		return nil // BR-5
	}
	p, err := translate.FromAtom(it.Payload, at, actorOf(account))
	if err != nil {
		return fmt.Errorf("read entry %s: %w", it.ID, err)
	}
	p.Item = &at
	known, same, err := g.sameItem(ctx, at, p)
	if err != nil || same {
		return err
	}
	if !known && !p.Published.IsZero() && p.Published.Before(account.LinkedAt.Add(-time.Minute)) {
		return nil // from before the link: federated only when asked
	}
	if !g.strangerCanRead(ctx, stanza.JID(account.JID), at.Node) {
		g.closed(ctx, account)
		return nil
	}
	p.Visibility = translate.Public
	p.Mentions = g.resolveMentions(ctx, p)
	raw := stanza.Append(nil, it.Payload, "")
	if p.Boost != "" || p.BoostRef != nil {
		return g.boost(ctx, account, p, raw)
	}
	var change cache.Change
	err = g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		if p.ReplyTo, err = g.answered(tx, p); err != nil {
			return err
		}
		p.ReplyRef = nil
		_, change, err = g.submit(tx, submission{account: account, post: p, raw: raw, rawType: "application/atom+xml"})
		return err
	})
	if err != nil {
		return err
	}
	g.reached(ctx, account, func(r *cache.Reach) { r.Item, r.Error = it.ID, "" })
	if change == cache.Created && p.Comments != nil {
		g.watchComments(ctx, *p.Comments)
	}
	return nil
}

// sameItem tells whether an item is known, and whether it is what it was: the
// rungs of the ladder bring the same item more than once.
func (g *Gateway) sameItem(ctx context.Context, at translate.Item, p translate.Post) (known, same bool, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(at.Service, at.Node, at.ID, operator)
		if errors.Is(err, cache.ErrNotFound) {
			return nil
		}
		if errors.Is(err, cache.ErrGone) {
			known, same = true, false
			return nil
		}
		if err != nil {
			return err
		}
		known = true
		o := stored.Post
		same = o.Title == p.Title && o.HTML == p.HTML && o.Text == p.Text && o.Warning == p.Warning && o.Sensitive == p.Sensitive &&
			o.Lang == p.Lang && len(o.Media) == len(p.Media) && sameMedia(o.Media, p.Media) && fmt.Sprint(o.Tags) == fmt.Sprint(p.Tags)
		return nil
	})
	return known, same, err
}

func sameMedia(a, b []translate.Media) bool {
	for i := range a {
		if a[i].URL != b[i].URL || a[i].Alt != b[i].Alt {
			return false
		}
	}
	return true
}

// answered gives the post that an entry answers.
func (g *Gateway) answered(tx *cache.Tx, p translate.Post) (string, error) {
	if p.ReplyRef == nil {
		return p.ReplyTo, nil
	}
	r := p.ReplyRef
	parent, err := tx.PostByItem(r.Service, r.Node, r.ID, operator)
	if errors.Is(err, cache.ErrNotFound) && g.ours(stanza.JID(r.Service)) && isComments(r.Node) {
		root, rootErr := g.root(tx, r.Service, r.Node, operator)
		if rootErr != nil {
			return p.ReplyTo, ignoreMissing(rootErr)
		}
		parent, err = g.inThread(tx, root, r.ID, operator)
	}
	if err != nil {
		return p.ReplyTo, ignoreMissing(err)
	}
	return parent.Post.URI, nil
}

// resolveMentions gives the mentions of a post their actors: the @user@host
// of its text, and those that were references.
func (g *Gateway) resolveMentions(ctx context.Context, p translate.Post) []translate.Mention {
	var out []translate.Mention
	seen := map[string]bool{}
	add := func(a translate.Actor, text string) {
		if a.URI != "" && !seen[a.URI] {
			seen[a.URI] = true
			out = append(out, translate.Mention{Actor: a, Text: text})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	for _, m := range p.Mentions {
		switch {
		case m.URI != "":
			add(m.Actor, m.Text)
		case m.JID != "" && g.ours(stanza.JID(m.JID)):
			if a, err := g.remoteByJID(ctx, stanza.JID(m.JID)); err == nil {
				add(remoteActor(a), m.Text)
			}
		case m.JID != "":
			if a, err := g.accountOf(ctx, stanza.JID(m.JID), ""); err == nil && a.State == cache.Linked {
				add(actorOf(a), m.Text)
			}
		}
	}
	handles := translate.FindMentions(p.Title + "\n" + p.Text)
	for _, handle := range handles[:min(len(handles), mentionsMost)] {
		if jid, node, err := g.addr.ParseHandle(handle); err == nil {
			if a, err := g.accountOf(ctx, stanza.JID(jid), node); err == nil && a.State == cache.Linked {
				add(actorOf(a), "@"+handle)
			}
			continue
		}
		a, err := g.remoteByHandle(ctx, handle)
		if err != nil {
			g.log.Info("mention not resolved", "handle", handle, "error", err)
			continue
		}
		add(remoteActor(a), "@"+handle)
	}
	return out
}

// boost sends an Announce for an entry that repeats a post (XEP-0277 §4.5).
func (g *Gateway) boost(ctx context.Context, account cache.Account, p translate.Post, raw []byte) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		var original cache.Stored
		var err error
		if p.BoostRef != nil {
			original, err = tx.PostByItem(p.BoostRef.Service, p.BoostRef.Node, p.BoostRef.ID, operator)
		} else {
			original, err = tx.PostByURI(p.Boost, operator)
		}
		if err != nil {
			return ignoreMissing(err)
		}
		if !open(original.Post.Visibility) {
			return fail(Forbidden, "only public posts can be shared")
		}
		if _, err := tx.BoostBy(account.URI, original.Post.URI); !errors.Is(err, cache.ErrNotFound) {
			return err
		}
		b := translate.Post{
			Kind: translate.KindBoost, Origin: translate.OriginXMPP, Owner: actorOf(account), Author: original.Post.Author,
			Boost: original.Post.URI, Item: p.Item, Published: earlier(p.Published, g.now()), Visibility: translate.Public,
			Comments: original.Post.Comments,
		}
		if _, err := g.identify(tx, account, &b); err != nil {
			return err
		}
		followers := g.addr.Followers(acctOf(account))
		act := translate.Announce(b, followers)
		act.Cc = append(act.Cc, original.Post.Owner.URI)
		b.To, b.Cc = act.To, act.Cc
		if _, _, err := tx.PutPost(b, raw, cache.PutOptions{Received: g.now(), RawType: "application/atom+xml"}); err != nil {
			return err
		}
		inboxes, err := inboxesOf(tx, []string{original.Post.Owner.URI}, false)
		if err != nil {
			return err
		}
		return g.send(tx, outgoing{sender: account, act: *act, object: b.URI, inboxes: inboxes, followers: true})
	})
}

// retracted deletes a post whose item its author took back.
func (g *Gateway) retracted(ctx context.Context, account cache.Account, id string) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(account.JID, feedNode(account), id, operator)
		if err != nil {
			return ignoreMissing(err)
		}
		if stored.Post.Owner.URI != account.URI {
			return nil
		}
		return g.retire(tx, account, stored)
	})
	if err != nil {
		g.log.Error("delete a retracted post", "account", account.Acct, "item", id, "error", err)
	}
}

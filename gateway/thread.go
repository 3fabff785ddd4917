package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// watch is what is kept of the comments node of a post: which post it is about,
// and whether we are subscribed.
type watch struct {
	URI        string `json:"uri"`
	Subscribed bool   `json:"subscribed,omitempty"`
}

const watchPrefix = "comments "

func watchKey(n translate.Node) string { return watchPrefix + n.Service + " " + n.Name }

func watched(tx *cache.Tx, n translate.Node) (watch, error) {
	var w watch
	text, err := tx.Meta(watchKey(n))
	if err != nil {
		return w, err
	}
	err = json.Unmarshal([]byte(text), &w)
	return w, err
}

// watchAll subscribes to the comments of the posts that a pull has shown, where
// that was not done yet.
func (g *Gateway) watchAll(ctx context.Context, a cache.Account, items []xmpp.Item) {
	for _, it := range items {
		at := translate.Item{Service: a.JID, Node: feedNode(a), ID: it.ID}
		var n *translate.Node
		err := g.store.View(ctx, func(tx *cache.Tx) error {
			stored, err := tx.PostByItem(at.Service, at.Node, at.ID, operator)
			n = stored.Post.Comments
			return err
		})
		if err == nil && n != nil {
			g.watchItem(ctx, at, *n)
		}
	}
}

// watchItem subscribes to the comments of a post, so that what other XMPP users
// answer there reaches the fediverse. What fails is tried at the next pull.
func (g *Gateway) watchItem(ctx context.Context, at translate.Item, n translate.Node) {
	if g.ours(stanza.JID(n.Service)) {
		return
	}
	var w watch
	err := g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		if w, err = watched(tx, n); !errors.Is(err, cache.ErrNotFound) {
			return err
		}
		stored, err := tx.PostByItem(at.Service, at.Node, at.ID, operator)
		if err != nil {
			return err
		}
		w.URI = stored.Post.URI
		return tx.SetMeta(watchKey(n), string(payload(w)))
	})
	if err != nil || w.Subscribed {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*askTime)
	defer cancel()
	state, _, err := g.subscribeOnce(ctx, stanza.JID(g.addr.Component()), stanza.JID(n.Service), n.Name)
	if err != nil || state != xmpp.SubSubscribed {
		g.log.Info("comments node not subscribed", "service", n.Service, "node", n.Name, "state", state, "error", err)
		return
	}
	w.Subscribed = true
	err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetMeta(watchKey(n), string(payload(w))) })
	if err != nil && ctx.Err() == nil {
		g.log.Error("note a subscription", "service", n.Service, "node", n.Name, "error", err)
	}
}

// commented finds the post of ours whose comments a node of somebody else holds.
func (g *Gateway) commented(ctx context.Context, service stanza.JID, node string) (cache.Stored, bool) {
	n := translate.Node{Service: string(service), Name: node}
	var root cache.Stored
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		w, err := watched(tx, n)
		if err == nil {
			root, err = tx.PostByURI(w.URI, operator)
		}
		if id, ok := strings.CutPrefix(node, stanza.CommentsNodePrefix); ok && errors.Is(err, cache.ErrNotFound) {
			root, err = tx.PostByItem(n.Service, stanza.NSMicroblog, id, operator)
		}
		return err
	})
	c := root.Post.Comments
	return root, err == nil && c != nil && *c == n && root.Post.Origin == translate.OriginXMPP
}

// commentEvent takes what XMPP users say in the comments of a post of ours.
func (g *Gateway) commentEvent(ctx context.Context, root cache.Stored, e xmpp.Event) {
	for _, it := range e.Items {
		at := translate.Item{Service: string(e.Service.Bare()), Node: e.Node, ID: it.ID}
		if it = g.stamp(ctx, at, it); it.Publisher == "" {
			g.holdBack(ctx, root, at, it)
			continue
		}
		account, ok := g.commenter(ctx, e.Service.Bare(), it)
		if !ok {
			continue
		}
		if err := g.commentOn(ctx, account, root, remark{at: at, item: it}); err != nil && ctx.Err() == nil {
			g.log.Warn("comment not published", "account", account.Acct, "item", it.ID, "error", err)
		}
	}
	g.commentsRetracted(ctx, e)
}

// commentsRetracted takes what was retracted from the comments of a post, which is
// its authors' business also when the post is not there any more.
func (g *Gateway) commentsRetracted(ctx context.Context, e xmpp.Event) {
	for _, id := range e.Retracted {
		at := translate.Item{Service: string(e.Service.Bare()), Node: e.Node, ID: id}
		if err := g.commentRetracted(ctx, at); err != nil && ctx.Err() == nil {
			g.log.Error("delete a retracted comment", "item", id, "error", err)
		}
	}
}

// commenter is the account that a comment is of. The service has stamped it, or
// it proves nothing (xmpp.md 2.6); and only services that we know may stamp for
// users of other domains, or any server could speak in their name.
func (g *Gateway) commenter(ctx context.Context, service stanza.JID, it xmpp.Item) (cache.Account, bool) {
	publisher := it.Publisher.Bare()
	if it.ID == "" || publisher == "" || g.ours(publisher) {
		return cache.Account{}, false
	}
	if !g.mayStamp(service, publisher) {
		g.log.Info("comment held back", "rule", "X4", "service", service, "item", it.ID)
		return cache.Account{}, false
	}
	account, err := g.accountOf(ctx, publisher, "")
	return account, err == nil && account.State == cache.Linked
}

// mayStamp tells whether a service is believed when it says who published.
func (g *Gateway) mayStamp(service, publisher stanza.JID) bool {
	d := service.Domain()
	return d == publisher.Domain() || g.addr.IsUserDomain(d) || g.addr.IsService(d)
}

// remark is an item of a comments node.
type remark struct {
	at    translate.Item
	item  xmpp.Item
	owned bool // its author was asked, and says that it is theirs
}

// early tells whether a comment is from before the link of its author. Services
// show old ones too, to who subscribes (XEP-0060 §6.1.7).
func (r remark) early(account cache.Account, p translate.Post) bool {
	return !r.owned && !p.Published.IsZero() && p.Published.Before(account.LinkedAt.Truncate(time.Second))
}

func (g *Gateway) commentOn(ctx context.Context, account cache.Account, root cache.Stored, r remark) error {
	at, it := r.at, r.item
	held, ok, v, err := g.proveItem(ctx, stanza.JID(at.Service), at.Node, at.ID)
	if v != readable {
		return fmt.Errorf("not everybody can read the comments: %w", errOr(err, cache.ErrNotFound))
	}
	if it.NeedsFetch() {
		if by := held.Publisher.Bare(); !ok || by != "" && by != it.Publisher.Bare() { // overwritten since
			return nil
		}
		it.Payload = held.Payload
	}
	p, err := translate.FromAtom(it.Payload, at, actorOf(account))
	if err != nil {
		return err
	}
	if translate.IsHeart(it.Payload) {
		if r.early(account, p) {
			return nil
		}
		return g.heartOn(ctx, account, root, p)
	}
	p.Kind, p.Visibility, p.Comments = translate.KindNote, root.Post.Visibility, nil
	p.Mentions = g.resolveMentions(ctx, p)
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(at.Service, at.Node, at.ID, operator)
		if err == nil && stored.Post.Owner.URI != account.URI {
			g.log.Info("overwritten comment ignored", "rule", "X4", "item", at.ID, "service", at.Service, "by", account.Acct)
			return nil
		}
		if ignoreMissing(err) != nil {
			return err
		}
		if err != nil && r.early(account, p) {
			return nil
		}
		if p.ReplyTo, err = g.answered(tx, p); err != nil {
			return err
		}
		if p.ReplyRef = nil; p.ReplyTo == "" {
			p.ReplyTo = root.Post.URI
		}
		_, _, err = g.submit(tx, submission{account: account, post: p, raw: stanza.Append(nil, it.Payload, ""), rawType: typeAtom})
		return err
	})
}

// heartMark is what is kept of a ♥ in a node that is not ours.
type heartMark struct {
	Actor  string `json:"actor,omitempty"` // "": it was taken back
	Object string `json:"object"`
	Root   string `json:"root,omitempty"` // the post whose comments it stands among
}

const heartPrefix = "heart "

func heartKey(at translate.Item) string {
	return heartPrefix + at.Service + " " + at.Node + " " + at.ID
}

// heartOn takes a ♥ as a like of what it answers, or of the node's post.
func (g *Gateway) heartOn(ctx context.Context, account cache.Account, root cache.Stored, p translate.Post) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		uri, err := g.answered(tx, p)
		if err != nil {
			return err
		}
		liked := root
		if uri != "" {
			if liked, err = tx.PostByURI(uri, cache.Viewer{Actor: account.URI}); err != nil {
				return ignoreMissing(err)
			}
		}
		if err := tx.SetMeta(heartKey(*p.Item), string(payload(heartMark{account.URI, liked.Post.URI, root.Post.URI}))); err != nil {
			return err
		}
		return g.like(tx, account, liked.Post, "")
	})
}

// commentRetracted deletes a comment of an account, or takes its like back. Of
// one that came from the fediverse it notes that it does not stand there any more.
func (g *Gateway) commentRetracted(ctx context.Context, at translate.Item) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByItem(at.Service, at.Node, at.ID, operator)
		if errors.Is(err, cache.ErrNotFound) {
			return g.heartRetracted(tx, at)
		}
		if err != nil {
			return ignoreMissing(err)
		}
		if stored.Post.Origin != translate.OriginXMPP { // the node's owner has removed it, and an edit is not to bring it back
			_, err := tx.RetractItem(at.Service, at.Node, at.ID, g.now())
			return ignoreMissing(err)
		}
		account, err := tx.AccountByURI(stored.Post.Owner.URI)
		if err != nil {
			return ignoreMissing(err)
		}
		return g.retire(tx, account, stored)
	})
}

func (g *Gateway) heartRetracted(tx *cache.Tx, at translate.Item) error {
	text, err := tx.Meta(heartKey(at))
	if err != nil || text == "" {
		return ignoreMissing(err)
	}
	var mark heartMark
	if err := json.Unmarshal([]byte(text), &mark); err != nil {
		return fmt.Errorf("read the like that %s was: %w", at.ID, err)
	}
	account, err := tx.AccountByURI(mark.Actor)
	if err != nil {
		return ignoreMissing(err)
	}
	r, err := tx.Reaction(mark.Actor, mark.Object, cache.Like, "")
	if err != nil {
		return ignoreMissing(err)
	}
	mark.Actor = ""
	if err := tx.SetMeta(heartKey(at), string(payload(mark))); err != nil {
		return err
	}
	return g.unlike(tx, account, r)
}

package gateway

import (
	"context"
	"errors"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// boost sends an Announce for an entry that repeats a post (XEP-0277 §4.5). A
// repeat of what neither world knows here is nothing to announce.
func (g *Gateway) boost(ctx context.Context, account cache.Account, s submission) (change cache.Change, err error) {
	p := s.post
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		original, err := g.repeated(tx, p)
		if err != nil {
			return ignoreMissing(err)
		}
		if !open(original.Post.Visibility) {
			g.log.Info("boost refused: the post is not public", "account", account.Acct, "post", original.Post.URI)
			return g.boostRefused(tx, account, s)
		}
		if blocked, err := anyBlock(tx, account.URI, original.Post.Owner.URI); err != nil || blocked {
			return err
		}
		if err := tx.DeleteMeta(unsentKey(*p.Item)); err != nil {
			return err
		}
		if _, err := tx.BoostBy(account.URI, original.Post.URI); !errors.Is(err, cache.ErrNotFound) {
			return err
		}
		change, err = g.announce(tx, account, p, original.Post, s.raw)
		return err
	})
	return change, err
}

// boostRefused tells once that a post is not for everybody, and so not boosted.
func (g *Gateway) boostRefused(tx *cache.Tx, node cache.Account, s submission) error {
	m, err := unsentMark(tx, *s.post.Item)
	if err != nil || m.Entry == entryHash(s) {
		return err
	}
	w := referWork{JID: node.JID, Node: node.Node, At: *s.post.Item, By: s.account.JID, What: whatRefers(s.post)}
	return g.tellUnsent(tx, w, entryHash(s), "The post is not public.")
}

// repeated finds what an entry repeats; of a repeat of a repeat, the first post.
func (g *Gateway) repeated(tx *cache.Tx, p translate.Post) (cache.Stored, error) {
	original, err := cache.Stored{}, error(cache.ErrNotFound)
	if r := p.BoostRef; r != nil {
		if original, err = tx.PostByItem(r.Service, r.Node, r.ID, operator); errors.Is(err, cache.ErrNotFound) && g.ours(stanza.JID(r.Service)) {
			original, err = tx.PostByURI(r.ID, operator) // Libervia's item ids are object ids
		}
	}
	if errors.Is(err, cache.ErrNotFound) && p.Boost != "" {
		original, err = g.resolver().Post(tx, p.Boost, operator)
	}
	if err == nil && original.Post.Kind == translate.KindBoost {
		original, err = tx.PostByURI(original.Post.Boost, operator)
	}
	return original, err
}

// endOther ends the life of an item that was a share and is edited into a post, or
// the other way round: an object does not change its kind (design: edits), and no
// peer takes an Update of an Announce.
func (g *Gateway) endOther(tx *cache.Tx, account cache.Account, p translate.Post) error {
	if p.Item == nil {
		return nil
	}
	held, err := tx.PostByItem(p.Item.Service, p.Item.Node, p.Item.ID, operator)
	if err != nil {
		return ignoreMissing(err)
	}
	same := (held.Post.Kind == translate.KindBoost) == (p.Kind == translate.KindBoost)
	if same || held.Post.Owner.URI != account.URI {
		return nil
	}
	return g.retire(tx, account, held)
}

// announce stores a boost and sends it to followers and to the author. p is the
// entry that says so.
func (g *Gateway) announce(tx *cache.Tx, account cache.Account, p, original translate.Post, raw []byte) (cache.Change, error) {
	b := translate.Post{
		Kind: translate.KindBoost, Origin: translate.OriginXMPP, Owner: actorOf(account), Author: original.Owner,
		Boost: original.URI, Item: p.Item, Published: earlier(p.Published, g.now()), Visibility: translate.Public,
		Comments: original.Comments,
	}
	if p.Item == nil { // nobody wrote an entry: a node carries what is posted in it
		g.name(account, &b, translate.MintItemID(g.itemKey, "carried\n"+account.URI+"\n"+original.URI))
	}
	if err := g.endOther(tx, account, b); err != nil {
		return "", err
	}
	before, err := g.identify(tx, account, &b)
	if err != nil || before.ID != 0 {
		return "", err // what is shared stays
	}
	act := translate.Announce(b, g.addr.Followers(acctOf(account)))
	b.To, b.Cc = act.To, act.Cc
	_, change, err := tx.PutPost(b, raw, cache.PutOptions{Received: g.now(), RawType: typeAtom})
	if err != nil || change != cache.Created {
		return change, err
	}
	inboxes, err := inboxesOf(tx, []string{original.Owner.URI}, false)
	if err != nil {
		return change, err
	}
	return change, g.send(tx, outgoing{sender: account, act: *act, object: b.URI, inboxes: inboxes, followers: true})
}

package gateway

import (
	"context"
	"errors"
	"slices"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// heldAt gives the id of the post that the store holds at an address.
func (g *Gateway) heldAt(ctx context.Context, address string) (uri string, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		found, err := g.resolver().Post(tx, address, operator)
		uri = found.Post.URI
		return err
	})
	return uri, err
}

// postBehind gives the id of the post that an address leads to. One that is not
// held is fetched from where its id is, and kept: nobody else's word counts for
// it (SEC-1, SEC-9).
func (g *Gateway) postBehind(ctx context.Context, address string) (string, error) {
	uri, err := g.heldAt(ctx, address)
	if !errors.Is(err, cache.ErrNotFound) {
		return uri, itemsError(err)
	}
	address = webAddress(address)
	if address == "" || g.addr.IsLocalURL(address) {
		return "", fail(NotFound, "there is no such post")
	}
	return fly(ctx, g, "post at "+address, func(ctx context.Context) (string, error) {
		doc, owner, err := g.fetchPost(ctx, address)
		if ours := leadsToUs(err); ours != "" {
			uri, err := g.heldAt(ctx, ours)
			return uri, itemsError(err)
		}
		if err != nil {
			return "", err
		}
		if uri := doc.Object.ID; !g.knows(ctx, uri) {
			if err := g.take(ctx, taken{object: doc.Object, raw: doc.Body, owner: owner, wanted: true, quiet: true}); err != nil {
				return "", err
			}
			if !g.knows(ctx, uri) {
				return "", fail(Forbidden, "its author is blocked here")
			}
		}
		return doc.Object.ID, nil
	})
}

// webAddress is an address on the web in the spelling in which it is asked for,
// "" if it is none.
func webAddress(address string) string {
	u := normalURL(trimAddress(address))
	if u == nil || as2.CheckURL(u.String()) != nil {
		return ""
	}
	return u.String()
}

// leadsToUs is the address of ours that a fetch came to, "" if it did not.
func leadsToUs(err error) string {
	var ours *ap.OursError
	if errors.As(err, &ours) {
		return ours.URL
	}
	return ""
}

// about gives the one post that an activity is about, by what it names: an id, a
// Link, an embedded object, of which nothing else is believed, or a list of one.
// Of a post that is not held it is the address. Several are refused: an id can be
// undone once.
func (g *Gateway) about(ctx context.Context, list []*as2.Object) (string, error) {
	var found []string
	for _, address := range as2.Addresses(list) {
		uri, err := g.heldAt(ctx, address)
		if errors.Is(err, cache.ErrNotFound) {
			uri, err = address, nil
		}
		if err != nil {
			return "", err
		}
		if !slices.Contains(found, uri) {
			found = append(found, uri)
		}
		if len(found) > 1 {
			return "", fail(BadRequest, "it is about several posts at once")
		}
	}
	if len(found) == 0 {
		return "", fail(BadRequest, "it names no post")
	}
	return found[0], nil
}

// looksMost is how often an hour one site may have us look what an address leads
// to of which nothing is held: most that is liked elsewhere is not.
const looksMost = 20

// aboutHeld is about for what has an effect only on posts that are held. What is
// not known by an address is looked at only for those who may tell: somebody whom
// people here follow, or of the site of the address.
func (g *Gateway) aboutHeld(ctx context.Context, a activity, list []*as2.Object) (string, error) {
	uri, err := g.about(ctx, list)
	if err != nil || g.addr.IsLocalURL(uri) || g.knows(ctx, uri) {
		return uri, err
	}
	if siteOf(uri) != siteOf(a.actor.URI) && !g.followed(ctx, a.actor.URI) || g.hostAllowed(ctx, uri) != nil || !g.recent.look(siteOf(a.actor.URI)) {
		return uri, nil
	}
	return fly(ctx, g, "id behind "+uri, func(ctx context.Context) (string, error) {
		key, _, err := g.keys.instance(ctx, g.primary())
		if err != nil {
			return "", err
		}
		doc, err := g.client.GetObject(ctx, uri, key)
		ours := leadsToUs(err)
		switch {
		case ours != "":
			held, err := g.heldAt(ctx, ours)
			return held, itemsError(err)
		case err != nil: // a like is not worth another try
			return "", because(NotFound, err, "what it is about cannot be looked at")
		}
		return doc.Object.ID, nil
	})
}

// reanswer has the posts that answer an address answer the post that it has
// turned out to be. One is not wider than what it answers, known late or not.
func (g *Gateway) reanswer(ctx context.Context, address, uri string) error {
	if address == uri {
		return nil
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		list, err := tx.Replies(address, operator, cache.Page{Limit: 100})
		if err != nil {
			return err
		}
		for _, s := range list {
			p := s.Post
			p.ReplyTo = uri
			if err := g.narrow(tx, &p); err != nil {
				return err
			}
			raw, kind, err := tx.Raw(p.URI, operator)
			if ignoreMissing(err) != nil {
				return err
			}
			if open(s.Post.Visibility) && !open(p.Visibility) {
				if err := g.withdraw(tx, s); err != nil {
					return err
				}
			}
			if _, _, err := tx.PutPost(p, raw, cache.PutOptions{Received: g.now(), RawType: kind}); ignoreConflict(err) != nil {
				return err
			}
		}
		return nil
	})
}

// settleReply gives what a post answers by its id, where it is held at the
// address that the post names. What it answered before stays if the new address
// leads nowhere: posts do not move to other threads.
func (g *Gateway) settleReply(tx *cache.Tx, uri, replyTo string) (string, error) {
	if replyTo == "" {
		return "", nil
	}
	found, err := g.resolver().Post(tx, replyTo, operator)
	if err == nil {
		return found.Post.URI, nil
	}
	if ignoreMissing(err) != nil {
		return "", err
	}
	before, err := tx.PostByURI(uri, operator)
	if err == nil && before.Post.ReplyTo != "" && before.Post.ReplyTo != replyTo {
		if _, err := tx.PostByURI(before.Post.ReplyTo, operator); err == nil {
			return before.Post.ReplyTo, nil
		}
	}
	return replyTo, ignoreMissing(err)
}

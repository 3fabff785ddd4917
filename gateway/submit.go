package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/web"
)

// submission is a post of one of our users on its way out.
type submission struct {
	account cache.Account
	post    translate.Post // with Item, Visibility and what the user wrote
	raw     []byte         // as it came, and
	rawType string         // its media type
	message *bounce
	// publisher is who the service says put it there, if that is not the account.
	publisher string
	// narrow is set for what is in a node that is not open to everybody: nobody
	// gets it but the followers whom the account has approved.
	narrow bool
}

// submit stores a post of a user of ours and queues what tells the fediverse:
// a Create, an Update if it changed, nothing if it did not (design: edits).
func (g *Gateway) submit(tx *cache.Tx, s submission) (translate.Post, cache.Change, error) {
	now := g.now()
	p := s.post
	acct := acctOf(s.account)
	p.Origin, p.Owner, p.Author = translate.OriginXMPP, actorOf(s.account), actorOf(s.account)
	before, err := g.identify(tx, s.account, &p)
	if err != nil {
		return p, "", err
	}
	p.Published = earlier(p.Published, now)
	if before.ID != 0 {
		p.Kind, p.Published = before.Post.Kind, before.Post.Published
		if !p.Updated.After(before.Post.Updated) || p.Updated.After(now) {
			p.Updated = now
		}
	}
	carrier, ended, err := g.address(tx, s, &p, before)
	if err != nil {
		return p, "", err
	}
	if ended { // nobody narrows what they have (X10): it is deleted, and what is said now is another post
		if err := g.retire(tx, s.account, before); err != nil {
			return p, "", err
		}
		return g.submit(tx, s)
	}
	_, change, err := tx.PutPost(p, s.raw, cache.PutOptions{Received: now, RawType: s.rawType, Publisher: s.publisher})
	if err != nil || change == cache.Same {
		return p, change, err
	}
	note := translate.AS2Object(p, g.linksOf(acct, p))
	act := translate.Create("", note)
	if change == cache.Updated {
		act = translate.Update("", note)
	}
	o := outgoing{
		sender: s.account, act: *act, object: p.URI, message: s.message, carrier: carrier.URI,
		followers: p.Visibility != translate.Direct && p.Visibility != translate.Limited, admitted: !open(p.Visibility),
	}
	if o.inboxes, err = inboxesOf(tx, g.addressees(tx, p), !open(p.Visibility)); err != nil {
		return p, change, err
	}
	if change == cache.Updated && open(p.Visibility) { // also whoever was mentioned, or followed, then
		if o.hosts, err = tx.ReceiptHosts(p.URI); err != nil {
			return p, change, err
		}
	}
	if err := g.send(tx, o); err != nil {
		return p, change, err
	}
	if err := g.untag(tx, before, p); err != nil {
		return p, change, err
	}
	if err := tx.Freshen(p.URI); err != nil {
		return p, change, err
	}
	if open(p.Visibility) && p.Item != nil {
		err = tx.Enqueue(g.notifyJob(notifyWork{URI: p.URI}))
	}
	return p, change, err
}

// identify gives a post its id: the one of the item it was before, or a new
// one for a new item or a new life of an old one.
func (g *Gateway) identify(tx *cache.Tx, account cache.Account, p *translate.Post) (cache.Stored, error) {
	if p.URI != "" || p.Item == nil {
		before, err := tx.PostByURI(p.URI, operator)
		return before, ignoreMissing(err)
	}
	it := p.Item
	before, err := tx.PostByItem(it.Service, it.Node, it.ID, operator)
	switch {
	case err == nil && before.Post.Owner.URI != account.URI:
		return before, fail(Forbidden, "this item is somebody else's")
	case err == nil:
		p.URI, p.URL = before.Post.URI, before.Post.URL
		return before, nil
	case !errors.Is(err, cache.ErrNotFound) && !errors.Is(err, cache.ErrGone):
		return before, err
	}
	life, err := tx.NextLife(it.Service, it.Node, it.ID)
	if err != nil {
		return before, err
	}
	seed := fmt.Sprintf("%s\n%s\n%s\n%d\n%d", it.Service, it.Node, it.ID, life, account.Generation)
	g.name(account, p, translate.MintItemID(g.itemKey, seed))
	return cache.Stored{}, nil
}

// name gives a post of an account its id and its page.
func (g *Gateway) name(account cache.Account, p *translate.Post, id string) {
	acct := acctOf(account)
	p.URI, p.URL = g.addr.ItemURL(acct, id), g.addr.ItemPageURL(acct, id)
}

// linksOf is what an object says of its surroundings.
func (g *Gateway) linksOf(acct string, p translate.Post) translate.AS2Links {
	l := translate.AS2Links{FollowersURL: g.addr.Followers(acct), TagURL: g.tagPage(acct)}
	if ref, err := g.addr.ParseURL(p.URI); err == nil && open(p.Visibility) {
		l.Replies = g.addr.ItemSubURL(acct, ref.ID, translate.SubReplies)
		l.Likes = g.addr.ItemSubURL(acct, ref.ID, translate.SubLikes)
		l.Shares = g.addr.ItemSubURL(acct, ref.ID, translate.SubShares)
	}
	if p.Item != nil && open(p.Visibility) {
		l.Proxy = translate.PubSubURI(p.Item.Service, p.Item.Node, p.Item.ID)
	}
	return l
}

// tagPage gives the page of each hashtag of an account's posts (N4, N5): the
// search for it, or where there is no search the account's own page, since a
// hashtag without a link is dead text at peers.
func (g *Gateway) tagPage(acct string) func(tag string) string {
	page := g.addr.PageURL(acct)
	u, err := url.Parse(page)
	if !g.cfg.HTTP.Search || err != nil {
		return func(string) string { return page }
	}
	search := u.Scheme + "://" + u.Host + g.cfg.HTTP.Path + "/search"
	return func(tag string) string { return search + web.TagQuery(tag) }
}

// addressees are the actors that a post is for by name.
func (g *Gateway) addressees(tx *cache.Tx, p translate.Post) []string {
	var out []string
	for _, m := range p.Mentions {
		out = append(out, m.URI)
	}
	for _, uri := range append(slices.Clone(p.To), p.Cc...) {
		if _, err := tx.ActorByURI(uri); err == nil {
			out = append(out, uri)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// retire deletes a post of one of our users, and has everyone who got it
// delete it (V4).
func (g *Gateway) retire(tx *cache.Tx, account cache.Account, stored cache.Stored) error {
	p := stored.Post
	act := translate.Delete("", account.URI, translate.Tombstone(p), translate.Audience{To: p.To, Cc: p.Cc})
	if p.Kind == translate.KindBoost {
		act = translate.Undo("", translate.Announce(p, g.addr.Followers(acctOf(account))))
	}
	inboxes, err := inboxesOf(tx, g.addressees(tx, p), !open(p.Visibility))
	if err != nil {
		return err
	}
	hosts, err := tx.ReceiptHosts(p.URI)
	if err != nil {
		return err
	}
	carrier, err := g.carrier(tx, p)
	if err != nil {
		return err
	}
	o := outgoing{
		sender: account, act: *act, object: p.URI, inboxes: inboxes, followers: true, admitted: !open(p.Visibility), carrier: carrier.URI,
	}
	if err := g.cancelUnsent(tx, o); err != nil {
		return err
	}
	if err := g.remove(tx, stored, account.URI); err != nil {
		return err
	}
	o.hosts, o.followers = hosts, open(p.Visibility) || p.Visibility == translate.Followers
	return g.send(tx, o)
}

// cancelUnsent drops the deliveries of a post that nobody has got yet (design:
// delivery): only those that were never attempted.
func (g *Gateway) cancelUnsent(tx *cache.Tx, o outgoing) error {
	all, err := g.recipients(tx, o)
	if err != nil {
		return err
	}
	for _, inbox := range all {
		if _, err := tx.CancelUnattempted(inbox + " " + o.object); err != nil {
			return err
		}
	}
	return nil
}

func earlier(t, limit time.Time) time.Time {
	if t.IsZero() || t.After(limit) {
		return limit
	}
	return t
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// NodeTagPrefix starts the node, on the gateway's own address, that shows the
// public posts with a hashtag.
const NodeTagPrefix = "urn:xmpp:isthmus:tag:"

// Bounds of what strangers may have us keep or look at.
const (
	tagLongest        = 100 // characters of a hashtag
	tagsOfPost        = 50  // hashtags of a post whose subscribers are told
	tagsListed        = 100 // hashtags that disco#items shows
	subscriptionsMost = 500 // of one user to nodes that are not feeds
)

// list is a node of the gateway's own address. It holds no posts itself: its
// items are copies of posts that stand elsewhere, newest first.
type list struct {
	node  string            // as we write it
	tag   string            // of a hashtag, folded; else it is
	saved cache.SavedSearch // somebody's search
}

// listFor finds a node of the gateway's own address for a requester.
func listFor(tx *cache.Tx, from stanza.JID, node string) (list, error) {
	if l, ok := tagList(node); ok {
		return l, nil
	}
	return savedList(tx, from, node)
}

// tagList is the node of a hashtag.
func tagList(node string) (list, bool) {
	name, ok := strings.CutPrefix(node, NodeTagPrefix)
	if !ok {
		return list{}, false
	}
	tag, ok := tagName(name)
	return list{node: NodeTagPrefix + tag, tag: tag}, ok
}

// tagName folds the name of a hashtag as the cache does, so that Moss and moss
// are one node; false for what no hashtag can be.
func tagName(name string) (string, bool) {
	if len(name) > 4*tagLongest {
		return "", false
	}
	tag := cache.FoldTag(name)
	strange := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) || unicode.IsSpace(r) }
	if tag == "" || cache.FoldTag(tag) != tag { // such as ##moss
		return "", false
	}
	if utf8.RuneCountInString(tag) > tagLongest || strings.ContainsFunc(tag, strange) {
		return "", false
	}
	return tag, true
}

// listID is the item id of a post in the nodes of the gateway's own address. It
// follows the order of posts, so that a page can start at an item that is gone.
func listID(stored cache.Stored) string { return strconv.FormatInt(stored.ID, 36) }

func parseListID(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 36, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 36) == id
}

// listPage reads posts of a list.
func listPage(tx *cache.Tx, l list, v cache.Viewer, p cache.Page) ([]cache.Stored, error) {
	if l.tag == "" {
		return savedPage(tx, l.saved, v, p)
	}
	p.Indexable = true // as in search (SEC-28)
	return tx.Tagged(l.tag, v, p)
}

// listed tells whether everybody can see a post in a list.
func listed(tx *cache.Tx, l list, id int64) (bool, error) {
	found, err := listPage(tx, l, cache.Viewer{}, cache.Page{After: id - 1, Before: id + 1, Limit: 1})
	return len(found) > 0, err
}

// listItems answers for a page of a list (XEP-0060 §6.5).
func (g *Gateway) listItems(ctx context.Context, r xmpp.ItemsRequest) (xmpp.ItemsResult, error) {
	out := xmpp.ItemsResult{Count: -1, Index: -1} // to count would be to walk to the end
	pages, err := listPages(r.Page)
	if err != nil {
		return out, err
	}
	v := g.viewer(ctx, r.From)
	err = g.search(ctx, r.From, func(tx *cache.Tx) error {
		l, err := listFor(tx, r.From, r.Node)
		if err != nil {
			return err
		}
		for _, p := range pages {
			found, err := listPage(tx, l, v, p)
			if err != nil {
				return err
			}
			for _, stored := range found {
				item, err := g.item(tx, stored.Post, g.listPlace(l.node, stored))
				if err != nil {
					return err
				}
				out.Items = append(out.Items, item)
			}
		}
		return nil
	})
	return out, itemsError(err)
}

// listPages is what the store is asked for a page: one part of the list, or one
// for each item that is asked for by name.
func listPages(p xmpp.Page) ([]cache.Page, error) {
	if p.OrderBy == "modification" {
		return nil, fail(Unsupported, "this node is ordered by creation")
	}
	q := cache.Page{Limit: pageSize(p)}
	var known bool
	switch p.Kind {
	case xmpp.ByID:
		var pages []cache.Page
		for _, id := range p.IDs[:min(len(p.IDs), itemsMost)] {
			if n, ok := parseListID(id); ok {
				pages = append(pages, cache.Page{After: n - 1, Before: n + 1, Limit: 1})
			}
		}
		return pages, nil
	case xmpp.CountOnly:
		return nil, nil
	case xmpp.AtIndex: // XEP-0059 §2.6
		return nil, fail(Unsupported, "this node has no index; page with after and before")
	case xmpp.Oldest:
		q.Ascending = true
	case xmpp.Before, xmpp.After:
		n, ok := parseListID(p.Cursor)
		if known = ok; !known {
			return nil, fail(NotFound, "no such item")
		}
		if q.Before = n; p.Kind == xmpp.After {
			q.Before, q.After, q.Ascending = 0, n, true
		}
	}
	return []cache.Page{q}, nil
}

// listPlace is where a list shows a post.
func (g *Gateway) listPlace(node string, stored cache.Stored) translate.Item {
	return translate.Item{Service: g.addr.Component(), Node: node, ID: listID(stored)}
}

// tagPlaces are the nodes of the hashtags of a post to which somebody is
// subscribed. Whether the post is in them is another question: see listed.
func (g *Gateway) tagPlaces(tx *cache.Tx, stored cache.Stored) ([]translate.Item, error) {
	p := stored.Post
	if p.Visibility != translate.Public || p.Kind == translate.KindBoost {
		return nil, nil
	}
	var out []translate.Item
	seen := map[string]bool{}
	for _, t := range p.Tags[:min(len(p.Tags), tagsOfPost)] {
		tag, ok := tagName(t)
		if !ok || seen[tag] {
			continue
		}
		seen[tag] = true
		heard, err := tx.HasSubscribers(g.addr.Component(), NodeTagPrefix+tag)
		if err != nil {
			return nil, fmt.Errorf("subscribers of #%s: %w", tag, err)
		}
		if heard {
			out = append(out, g.listPlace(NodeTagPrefix+tag, stored))
		}
	}
	return out, nil
}

// untag queues the retract of an edited post from the nodes of the hashtags that
// it no longer has.
func (g *Gateway) untag(tx *cache.Tx, before cache.Stored, after translate.Post) error {
	if before.ID == 0 {
		return nil
	}
	was, err := g.tagPlaces(tx, before)
	if err != nil || len(was) == 0 {
		return err
	}
	is, err := g.tagPlaces(tx, cache.Stored{ID: before.ID, Post: after})
	if err != nil {
		return err
	}
	kept := map[translate.Item]bool{}
	for _, at := range is {
		kept[at] = true
	}
	var gone []translate.Item
	for _, at := range was {
		if !kept[at] {
			gone = append(gone, at)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return tx.Enqueue(g.notifyJob(notifyWork{URI: after.URI, Owner: after.Owner.URI, Retract: gone}))
}

// tellable tells whether a subscriber of a list is told of a post: not if there is
// a block between them (SEC-26).
func (g *Gateway) tellable(tx *cache.Tx, jid, item string) (bool, error) {
	v, err := viewerIn(tx, jid)
	if err != nil {
		return false, err
	}
	id, _ := parseListID(item)
	_, err = tx.PostByID(id, v)
	return err == nil, ignoreMissing(err)
}

// viewerIn is viewer within a transaction.
func viewerIn(tx *cache.Tx, jid string) (cache.Viewer, error) {
	a, err := tx.AccountByJID(string(stanza.JID(jid).Bare()), "")
	if errors.Is(err, cache.ErrNotFound) || err == nil && a.State == cache.Unlinked {
		return cache.Viewer{}, nil
	}
	return cache.Viewer{Actor: a.URI}, err
}

// listInfo describes a list.
func (g *Gateway) listInfo(ctx context.Context, r xmpp.DiscoRequest) (xmpp.DiscoInfo, error) {
	var l list
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		l, err = listFor(tx, r.From, r.Node)
		return err
	})
	if err != nil {
		return xmpp.DiscoInfo{}, itemsError(err)
	}
	m := xmpp.NodeMeta{
		Type: stanza.NSSocialFeed, Title: "#" + l.tag, Description: "Public posts with #" + l.tag, Subscribers: -1,
		AccessModel: "open", PublishModel: "publishers",
	}
	if l.tag == "" {
		m.Title, m.Description, m.AccessModel = l.saved.Name, "Posts that match: "+l.saved.Query, "whitelist"
		m.Owners = []string{l.saved.Owner}
	}
	return xmpp.NodeInfo(m), nil
}

// lists are the nodes of the gateway's own address that it shows: the hashtags
// that are used most, and the searches of the requester.
func (g *Gateway) lists(ctx context.Context, from stanza.JID) (out []xmpp.DiscoItem, err error) {
	component := stanza.JID(g.addr.Component())
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		saved, err := tx.SavedSearches(string(from.Bare()))
		if err != nil {
			return err
		}
		for _, s := range saved {
			out = append(out, xmpp.DiscoItem{JID: component, Node: NodeSearchPrefix + s.Name, Name: s.Name})
		}
		tags, err := tx.PopularTags(tagsListed)
		for _, t := range tags {
			if tag, ok := tagName(t.Tag); ok {
				out = append(out, xmpp.DiscoItem{JID: component, Node: NodeTagPrefix + tag, Name: "#" + tag})
			}
		}
		return err
	})
	return out, itemsError(err)
}

// subscribeList notes who is to be told of what comes into a list.
func (g *Gateway) subscribeList(ctx context.Context, r xmpp.SubscribeRequest) (xmpp.Subscription, error) {
	sub := xmpp.Subscription{JID: r.JID, State: xmpp.SubSubscribed}
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		l, err := listFor(tx, r.From, r.Node)
		if err != nil {
			return err
		}
		// The node as we write it is the one that the notifications name.
		sub.Node = l.node
		if l.tag == "" {
			sub.JID = r.From.Bare()
			_, err := tx.WatchSavedSearch(l.saved.ID, true)
			return err
		}
		return g.subscribeNode(tx, g.addr.Component(), l.node, r.JID)
	})
	return sub, itemsError(err)
}

// subscribeNode notes who is to be told of what happens at a node that is not a
// feed. All that one user has are counted together, for services and resources
// cost nothing (xmpp.md 1.3).
func (g *Gateway) subscribeNode(tx *cache.Tx, service, node string, jid stanza.JID) error {
	isNew, err := tx.PutSubscription(cache.Subscription{Service: service, Node: node, JID: string(jid), CreatedAt: g.now()})
	if err != nil || !isNew {
		return err
	}
	n, err := tx.CountSubscriptions(string(jid.Bare()))
	if err == nil && n > subscriptionsMost {
		return &Error{Kind: Forbidden, Text: "these are too many subscriptions", PubSub: "too-many-subscriptions"}
	}
	return err
}

// unsubscribeList ends that.
func (g *Gateway) unsubscribeList(ctx context.Context, r xmpp.SubscribeRequest) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		l, err := listFor(tx, r.From, r.Node)
		if err != nil {
			return err
		}
		var had bool
		if l.tag == "" {
			had, err = tx.WatchSavedSearch(l.saved.ID, false)
		} else {
			had, err = tx.DeleteSubscription(g.addr.Component(), l.node, string(r.JID))
		}
		if err == nil && !had {
			return xmpp.NotSubscribed()
		}
		return err
	})
}

// listSubscriptions are those of the requester.
func (g *Gateway) listSubscriptions(ctx context.Context, r xmpp.NodeRequest) (out []xmpp.Subscription, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		saved, err := tx.SavedSearches(string(r.From.Bare()))
		if err != nil {
			return err
		}
		for _, s := range saved {
			if node := NodeSearchPrefix + s.Name; s.Watched && (r.Node == "" || r.Node == node) {
				out = append(out, xmpp.Subscription{Node: node, JID: r.From.Bare(), State: xmpp.SubSubscribed})
			}
		}
		for _, jid := range []stanza.JID{r.From.Bare(), r.From} {
			subs, err := tx.SubscriptionsOf(string(jid), g.addr.Component())
			if err != nil {
				return err
			}
			for _, s := range subs {
				if r.Node == "" || r.Node == s.Node {
					out = append(out, xmpp.Subscription{Node: s.Node, JID: stanza.JID(s.JID), State: xmpp.SubSubscribed})
				}
			}
			if r.From == r.From.Bare() {
				break
			}
		}
		return nil
	})
	return out, itemsError(err)
}

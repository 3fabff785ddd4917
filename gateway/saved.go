package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// NodeSearchPrefix starts the node, on the gateway's own address, of a search
// that somebody saved. Each owner has nodes of their own, which nobody else sees.
const NodeSearchPrefix = "urn:xmpp:isthmus:search:"

// Bounds of saved searches.
const (
	savedMost  = 50  // of one owner
	freshMost  = 500 // posts that are compared at once
	freshEvery = time.Second
)

// Save keeps a search of a user under a name.
func (g *Gateway) Save(ctx context.Context, user stanza.JID, arg string) (string, error) {
	name, query, _ := strings.Cut(strings.TrimSpace(arg), " ")
	key, ok := tagName(name)
	if query = strings.TrimSpace(query); !ok || query == "" {
		return "", fail(BadRequest, "give a name and what to search for. For example: save ferns fern -moss")
	}
	if err := cache.CheckQuery(query); err != nil {
		return "", wrongQuery(query, err)
	}
	if !g.addr.IsUserDomain(user.Domain()) {
		return "", fail(Forbidden, "searches are kept for users of this server only")
	}
	owner := string(user.Bare())
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		has, err := tx.SavedSearches(owner)
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(has, func(s cache.SavedSearch) bool { return s.Name == key })
		if !known && len(has) >= savedMost {
			return fail(Forbidden, "you have %d saved searches already; forget one first", savedMost)
		}
		return tx.PutSavedSearch(cache.SavedSearch{Owner: owner, Name: key, Query: query, CreatedAt: g.now()})
	})
	return fmt.Sprintf("Saved %s. Subscribe to %s to be told of new posts.", key, g.listURI(NodeSearchPrefix+key)), err
}

// listURI is the address of a node of the gateway's own.
func (g *Gateway) listURI(node string) string {
	return translate.PubSubURI(g.addr.Component(), node, "")
}

// Saved lists the searches of a user.
func (g *Gateway) Saved(ctx context.Context, user stanza.JID, _ string) (string, error) {
	var lines []string
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		list, err := tx.SavedSearches(string(user.Bare()))
		for _, s := range list {
			line := s.Name + ": " + s.Query
			if s.Watched {
				line += " (you are told of new posts)"
			}
			lines = append(lines, line)
		}
		return err
	})
	if len(lines) == 0 {
		return "You have no saved searches.", err
	}
	return strings.Join(lines, "\n"), err
}

// Forget drops a search of a user.
func (g *Gateway) Forget(ctx context.Context, user stanza.JID, name string) (string, error) {
	key, _ := tagName(name)
	had := false
	err := g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		had, err = tx.DeleteSavedSearch(string(user.Bare()), key)
		return err
	})
	if err == nil && !had {
		return "", errNoSuchSearch()
	}
	return "Deleted the search " + key + ".", err
}

func errNoSuchSearch() error { return fail(NotFound, "you have no saved search of that name") }

// savedList finds the node of a saved search. Somebody else's looks as if it was
// not there.
func savedList(tx *cache.Tx, owner stanza.JID, node string) (list, error) {
	if name, ok := strings.CutPrefix(node, NodeSearchPrefix); ok {
		if key, ok := tagName(name); ok {
			s, err := tx.SavedSearch(string(owner.Bare()), key)
			if err == nil {
				return list{node: NodeSearchPrefix + key, saved: s}, nil
			}
			if !errors.Is(err, cache.ErrNotFound) {
				return list{}, err
			}
		}
	}
	return list{}, fail(NotFound, "there is no such node")
}

// savedPage reads posts that a saved search finds now.
func savedPage(tx *cache.Tx, s cache.SavedSearch, v cache.Viewer, p cache.Page) ([]cache.Stored, error) {
	found, err := tx.Search(cache.SearchQuery{
		Text: s.Query, Viewer: v, Limit: p.Limit, Order: dateOrder(p.Ascending),
		Within: cache.Within{After: p.After, Before: p.Before},
	})
	if err != nil {
		return nil, wrongQuery(s.Query, err)
	}
	out := make([]cache.Stored, len(found.Hits))
	for i, h := range found.Hits {
		out[i] = h.Stored
	}
	return out, nil
}

// dateOrder is the order of lists.
func dateOrder(ascending bool) []cache.Order {
	return []cache.Order{{By: "published", Desc: !ascending}}
}

// wrongQuery says where a search is wrong.
func wrongQuery(text string, err error) error {
	var q *cache.QueryError
	switch {
	case errors.As(err, &q):
	case errors.Is(err, cache.ErrTemporary):
		return because(Busy, err, "the store is busy; try again soon")
	default:
		return err
	}
	where := ""
	if q.Len > 0 && q.Pos >= 0 && q.Pos+q.Len <= len(text) {
		where = fmt.Sprintf(" at character %d, “%s”", len([]rune(text[:q.Pos]))+1, shorten(text[q.Pos:q.Pos+q.Len], 40))
	}
	hint := ""
	if q.Hint != "" {
		hint = "; " + q.Hint
	}
	return fail(BadRequest, "I cannot read that search%s: %s%s", where, q.Problem, hint)
}

// runSaved compares new posts with the watched searches, until ctx ends.
func (g *Gateway) runSaved(ctx context.Context) {
	tick := time.NewTicker(freshEvery)
	defer tick.Stop()
	for {
		more, err := g.matchFresh(ctx)
		if err != nil && ctx.Err() == nil {
			g.log.Error("compare posts with saved searches", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// matchFresh compares posts that wait with every watched search: one question
// for each search, whatever the number of posts.
func (g *Gateway) matchFresh(ctx context.Context) (more bool, err error) {
	var posts []cache.FreshPost
	hits := map[int64][]int64{} // posts that each search finds
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		if posts, err = tx.FreshPosts(freshMost); err != nil || len(posts) == 0 {
			return err
		}
		for after := int64(0); ; {
			searches, err := tx.WatchedSearches(after, 500)
			if err != nil || len(searches) == 0 {
				return err
			}
			for _, s := range searches {
				after = s.ID
				if hits[s.ID], err = freshHits(tx, s, posts[len(posts)-1].ID); err != nil {
					return err
				}
			}
		}
	})
	if err != nil || len(posts) == 0 {
		return false, err
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		for _, f := range posts {
			if err := g.noteHits(tx, f.ID, hits); err != nil {
				return err
			}
		}
		return tx.DoneFresh(posts)
	})
	return len(posts) == freshMost, err
}

// freshHits are the posts that wait, up to one, which a search finds.
func freshHits(tx *cache.Tx, s cache.SavedSearch, last int64) ([]int64, error) {
	v, err := viewerIn(tx, s.Owner)
	if err != nil {
		return nil, err
	}
	found, err := tx.Search(cache.SearchQuery{
		Text: s.Query, Viewer: v, Limit: freshMost, Order: dateOrder(true), Within: cache.Within{Before: last + 1, Fresh: true},
	})
	var wrong *cache.QueryError
	if errors.As(err, &wrong) { // written for another version
		return nil, nil
	}
	var out []int64
	for _, h := range found.Hits {
		out = append(out, h.ID)
	}
	return out, err
}

// noteHits queues what tells the owners of searches of one post: that it is
// found, is changed, or is not found any more.
func (g *Gateway) noteHits(tx *cache.Tx, post int64, hits map[int64][]int64) error {
	before, err := tx.HitsOf(post)
	if err != nil {
		return err
	}
	for search, found := range hits {
		in := slices.Contains(found, post)
		if !in && !slices.Contains(before, search) {
			continue
		}
		if _, err := tx.SetHit(search, post, in); err != nil {
			return err
		}
		if err := tx.Enqueue(g.foundJob(foundWork{Search: search, Post: post, Retract: !in})); err != nil {
			return err
		}
	}
	return nil
}

// forgetHits queues the retract of a post from the searches that showed it.
func (g *Gateway) forgetHits(tx *cache.Tx, post int64) error {
	searches, err := tx.HitsOf(post)
	if err != nil {
		return err
	}
	for _, search := range searches {
		if _, err := tx.SetHit(search, post, false); err != nil {
			return err
		}
		if err := tx.Enqueue(g.foundJob(foundWork{Search: search, Post: post, Retract: true})); err != nil {
			return err
		}
	}
	return nil
}

// foundWork is the payload of jobFound.
type foundWork struct {
	Search  int64 `json:"search"`
	Post    int64 `json:"post"`
	Retract bool  `json:"retract,omitempty"`
}

func (g *Gateway) foundJob(w foundWork) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobFound, Lane: fmt.Sprintf("found %d", w.Search), RunAt: now, CreatedAt: now, ExpiresAt: now.Add(jobLife),
		Note: fmt.Sprintf("tell of post %d in search %d", w.Post, w.Search), Payload: payload(w),
	}
}

// runFound tells the owner of a search of a post.
func (g *Gateway) runFound(ctx context.Context, j cache.Job) error {
	w, err := decode[foundWork](j)
	if err != nil {
		return err
	}
	var owner stanza.JID
	var event *stanza.Element
	at := g.listPlace("", cache.Stored{ID: w.Post})
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		s, err := tx.SavedSearchByID(w.Search)
		if err != nil {
			return err
		}
		owner, at.Node = stanza.JID(s.Owner), NodeSearchPrefix+s.Name
		if !s.Watched {
			return cache.ErrNotFound
		}
		if w.Retract {
			event = xmpp.EventRetract(at.Node, at.ID)
			return nil
		}
		v, err := viewerIn(tx, s.Owner)
		if err != nil {
			return err
		}
		stored, err := tx.PostByID(w.Post, v)
		if err != nil {
			return err
		}
		item, err := g.item(tx, stored.Post, at)
		event = xmpp.EventItems(at.Node, item)
		return err
	})
	if err != nil {
		return ignoreMissing(err)
	}
	return g.notifyAll(ctx, at.ID, eventMessages(at, event, []stanza.JID{owner}))
}

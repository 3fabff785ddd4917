package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"isthmus/ap/as2"
	"isthmus/cache"
)

// Bounds of what one post or actor can make us fetch (D9, L14).
const (
	fetchDepth    = 12 // answers up to the start of a thread
	backfillPages = 3
	backfillPosts = 60
	backfillAge   = 15 * time.Minute // an outbox is not read again before
)

// fetchWork is the payload of jobFetch.
type fetchWork struct {
	URI   string       `json:"uri"`
	Depth int          `json:"depth,omitempty"`
	For   []string     `json:"for,omitempty"`  // accounts that may be let read it
	Then  *receivedJob `json:"then,omitempty"` // an activity that waits for it
}

func (g *Gateway) fetchJob(w fetchWork) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobFetch, Host: siteOf(w.URI), Lane: "fetch " + w.URI, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(12 * time.Hour),
		Note: "fetch " + w.URI, Payload: payload(w),
	}
}

// runFetch reads a post from its origin, and what it answers in turn.
func (g *Gateway) runFetch(ctx context.Context, j cache.Job) error {
	w, err := decode[fetchWork](j)
	if err != nil {
		return err
	}
	uri, err := g.heldAt(ctx, w.URI)
	if errors.Is(err, cache.ErrNotFound) {
		uri, err = g.fetchThread(ctx, w)
	}
	if err != nil {
		return g.mayPass(j.Note, itemsError(err))
	}
	if err := g.reanswer(ctx, w.URI, uri); err != nil {
		return err
	}
	if w.Then == nil {
		return nil
	}
	return g.runActivity(ctx, cache.Job{ID: j.ID, Kind: jobActivity, Note: j.Note, Payload: payload(w.Then)})
}

// fetchThread reads a post from its origin, has read what it answers, and gives
// its id.
func (g *Gateway) fetchThread(ctx context.Context, w fetchWork) (string, error) {
	doc, owner, reader, err := g.fetchPostFor(ctx, w.URI, g.accountsNamed(ctx, w.For))
	if ours := leadsToUs(err); ours != "" {
		return g.heldAt(ctx, ours)
	}
	if err != nil {
		return "", err
	}
	t := taken{object: doc.Object, raw: doc.Body, owner: owner, wanted: true, quiet: true, depth: w.Depth}
	t.locals = withAccount(nil, reader)
	if err := g.take(ctx, t); err != nil {
		return "", err
	}
	if parent := doc.Object.InReplyTo; parent != "" && w.Depth < fetchDepth && !g.addr.IsLocalURL(parent) && !g.knows(ctx, parent) {
		err = g.store.Update(ctx, func(tx *cache.Tx) error {
			return tx.Enqueue(g.fetchJob(fetchWork{URI: parent, Depth: w.Depth + 1, For: w.For}))
		})
	}
	return doc.Object.ID, err
}

// backfillWork is the payload of jobBackfill.
type backfillWork struct {
	Actor string `json:"actor"`
}

func (g *Gateway) backfillJob(actor string) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobBackfill, Host: hostname(actor), Lane: "backfill " + actor, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(6 * time.Hour),
		Note: "read the outbox of " + actor, Payload: payload(backfillWork{Actor: actor}),
	}
}

func (g *Gateway) runBackfill(ctx context.Context, j cache.Job) error {
	w, err := decode[backfillWork](j)
	if err != nil {
		return err
	}
	a, err := g.remoteByURI(ctx, w.Actor)
	if err == nil {
		err = g.backfill(ctx, a)
	}
	return g.mayPass(j.Note, err)
}

// backfill reads the newest posts of an actor from its outbox. Subscribers are
// not told of them (BR-12).
func (g *Gateway) backfill(ctx context.Context, a cache.Actor) error {
	if a.Outbox == "" || hostname(a.Outbox) != hostname(a.URI) {
		return nil
	}
	_, err := fly(ctx, g, "outbox "+a.URI, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, g.readOutbox(ctx, a)
	})
	if err != nil {
		return err
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		return tx.SetMeta(outboxKey(a.URI), g.now().UTC().Format(time.RFC3339))
	})
}

// outboxPrefix is where the store keeps when an outbox was read.
const outboxPrefix = "outbox "

func outboxKey(actor string) string { return outboxPrefix + actor }

// backfilled tells whether the outbox of an actor was read a moment ago.
func (g *Gateway) backfilled(ctx context.Context, a cache.Actor) bool {
	return g.since(g.noted(ctx, outboxKey(a.URI))) < backfillAge
}

func (g *Gateway) readOutbox(ctx context.Context, a cache.Actor) error {
	seen := map[string]bool{}
	left := backfillPosts
	for at, pages := a.Outbox, 0; at != "" && pages <= backfillPages && left > 0 && !seen[at]; pages++ {
		seen[at] = true
		items, next, err := g.outboxPage(ctx, a, at)
		if err != nil {
			return err
		}
		items = items[:min(len(items), left)]
		g.takeOutbox(ctx, a, items)
		left, at = left-len(items), next
	}
	return nil
}

// outboxPage reads a page of an actor's outbox, or the outbox itself, and says
// which page is next. Only the actor's own host is asked (L14).
func (g *Gateway) outboxPage(ctx context.Context, a cache.Actor, at string) (items []*as2.Object, next string, err error) {
	if hostname(at) != hostname(a.URI) {
		return nil, "", nil
	}
	key, _, err := g.keys.instance(ctx, g.primary())
	if err != nil {
		return nil, "", err
	}
	doc, err := g.client.Get(ctx, at, key)
	if err != nil {
		return nil, "", fetchError(fmt.Errorf("read outbox %s: %w", at, err))
	}
	if !as2.SameOrigin(doc.URL, a.URI) { // a redirect leads to somebody else's word (L14)
		return nil, "", fail(NotFound, "the outbox of %s is on another server", a.URI)
	}
	page := doc.Object
	if len(page.Items) == 0 && page.First != nil {
		if len(page.First.Items) == 0 {
			return nil, page.First.ID, nil
		}
		page = page.First
	}
	return page.Items, page.Next, nil
}

// takeOutbox stores the posts of an outbox page and says how many were not known.
func (g *Gateway) takeOutbox(ctx context.Context, a cache.Actor, items []*as2.Object) (fresh int) {
	for _, act := range items {
		if act.Type() != as2.TypeCreate || len(act.Object) == 0 {
			continue
		}
		o := act.Object[0]
		t := taken{object: o, raw: o.Raw, owner: a, wanted: true, quiet: true}
		if o.ID == "" || g.knows(ctx, o.ID) {
			continue
		}
		if !embedded(o, a.URI) {
			doc, owner, err := g.fetchPost(ctx, o.ID)
			if err != nil {
				g.log.Info("post of an outbox left out", "post", o.ID, "error", err)
				continue
			}
			t.object, t.raw, t.owner = doc.Object, doc.Body, owner
		}
		if err := g.take(ctx, t); err != nil {
			g.log.Info("post of an outbox left out", "post", o.ID, "error", err)
			continue
		}
		fresh++
	}
	return fresh
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Bounds of a sync: it asks for a page, waits, and asks for the next, so that
// whoever serves a history hardly notices.
const (
	syncPause = 2 * time.Second
	syncItems = 50
	syncPages = 50_000
)

// syncWork is the payload of jobSync. Page tells a job from one that ran before
// a crash and had its successor queued already.
type syncWork struct {
	Target string `json:"target"`
	Node   string `json:"node,omitempty"`
	Page   int    `json:"page"`
}

// Sync fetches the whole history of an actor (a handle, URL or its XMPP
// address), or of a node of a pubsub service, to its end. A sync that stopped or
// failed goes on where it was.
func (g *Gateway) Sync(ctx context.Context, who, node string) (string, error) {
	target, err := g.syncTarget(ctx, who, node)
	if err != nil {
		return "", err
	}
	var s cache.Sync
	said := "Fetching"
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		now := g.now()
		s, err = tx.Sync(target, node)
		switch {
		case errors.Is(err, cache.ErrNotFound), err == nil && s.State == cache.SyncDone:
			s = cache.Sync{Target: target, Node: node, StartedAt: now}
			if err := tx.ForgetSyncSeen(target, node); err != nil {
				return err
			}
		case err != nil:
			return err
		case s.State == cache.SyncRunning:
			said = "Already fetching"
		default:
			said = "Going on after " + counted(s.Pages, "page") + " with"
		}
		s.State, s.Note, s.UpdatedAt = cache.SyncRunning, "", now
		if err := tx.PutSync(s); err != nil {
			return err
		}
		j := g.syncJob(s, now)
		waiting, err := tx.Jobs(cache.JobQuery{Kind: jobSync, Lane: j.Lane, State: cache.JobQueued, Limit: 1})
		if err != nil || len(waiting) > 0 {
			return err
		}
		return tx.Enqueue(j)
	})
	if err != nil {
		return "", because(Temporary, err, "the store is busy")
	}
	return fmt.Sprintf("%s the history of %s.", said, syncName(s)), nil
}

// StopSync ends a sync; Sync goes on with it.
func (g *Gateway) StopSync(ctx context.Context, who, node string) (string, error) {
	target, err := g.syncTarget(ctx, who, node)
	if err != nil {
		return "", err
	}
	var s cache.Sync
	err = g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		if s, err = tx.Sync(target, node); err != nil || s.State != cache.SyncRunning {
			return err
		}
		s.State, s.UpdatedAt = cache.SyncStopped, g.now()
		return tx.PutSync(s)
	})
	if errors.Is(err, cache.ErrNotFound) {
		return "", fail(NotFound, "no history of %s is being fetched", who)
	}
	if err != nil {
		return "", because(Temporary, err, "the store is busy")
	}
	return fmt.Sprintf("The history of %s is %s after %s; the same command without --stop goes on.", syncName(s), s.State, counted(s.Pages, "page")), nil
}

// syncTarget is whose history is meant: an actor's id, or a service that is not
// ours. What people here publish is federated when they say so (design:
// consent), so their nodes are for import.
func (g *Gateway) syncTarget(ctx context.Context, who, node string) (string, error) {
	if node == "" {
		a, err := g.findActor(ctx, who)
		if err == nil && a.Outbox == "" {
			err = fail(NotFound, "%s has no outbox to read", nameAndHandle(a))
		}
		return a.URI, err
	}
	service := stanza.JID(strings.ToLower(strings.TrimPrefix(who, "xmpp:"))).Bare()
	if service == "" || strings.ContainsAny(string(service), " ?#\"&'<>") {
		return "", fail(BadRequest, "%s is no XMPP address", who)
	}
	if g.ours(service) {
		return "", fail(BadRequest, "%s is an actor of the fediverse: give its handle and no node", service)
	}
	if a, err := g.accountOf(ctx, service, node); err == nil && a.State != cache.Unlinked && a.State != cache.FollowerOnly {
		return "", fail(BadRequest, "%s is an actor here: what is published there is kept already; its owner gets older posts by sending import", syncName(cache.Sync{Target: string(service), Node: node}))
	}
	return string(service), nil
}

// syncName is how people see what is fetched.
func syncName(s cache.Sync) string {
	if s.Node == "" {
		return s.Target
	}
	return s.Target + " node " + s.Node
}

func (g *Gateway) syncJob(s cache.Sync, at time.Time) cache.Job {
	host := hostname(s.Target)
	if s.Node != "" {
		host = stanza.JID(s.Target).Domain()
	}
	return cache.Job{
		Kind: jobSync, Host: host, Lane: "sync " + s.Target + " " + s.Node, RunAt: at, CreatedAt: g.now(), ExpiresAt: g.now().Add(jobLife),
		Note: "fetch the history of " + syncName(s), Payload: payload(syncWork{Target: s.Target, Node: s.Node, Page: s.Pages}),
	}
}

// runSync fetches a page and queues the next. A page that a crash has it fetch
// twice changes nothing the second time.
func (g *Gateway) runSync(ctx context.Context, j cache.Job) error {
	w, err := decode[syncWork](j)
	if err != nil {
		return err
	}
	var s cache.Sync
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		s, err = tx.Sync(w.Target, w.Node)
		return err
	})
	if err != nil || s.State != cache.SyncRunning || s.Pages != w.Page {
		return ignoreMissing(err)
	}
	read := g.syncOutbox
	if w.Node != "" {
		read = g.syncNode
	}
	page, err := read(ctx, s)
	if err != nil {
		err = retryable(err)
		g.syncTrouble(s, err)
		return err
	}
	if page.next == "" { // what is said to be fetched is found
		if err := g.store.Index(ctx); err != nil {
			return retryable(err)
		}
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error { return g.syncOn(tx, s, page) })
}

// synced is a page of a history.
type synced struct {
	next        string // "" at the end
	seen, fresh int
	pause       time.Duration // before the next, besides what is between all
}

// syncOn notes that a page was read, and queues the next.
func (g *Gateway) syncOn(tx *cache.Tx, was cache.Sync, page synced) error {
	s, err := tx.Sync(was.Target, was.Node) // it may have been stopped meanwhile
	if err != nil {
		return ignoreMissing(err)
	}
	s.Pages, s.Seen, s.Fresh = s.Pages+1, s.Seen+page.seen, s.Fresh+page.fresh
	s.Cursor, s.Note, s.UpdatedAt = page.next, "", g.now()
	switch {
	case page.next != "" && page.next == s.Mark:
		s.Note, page.next = "its pages go round; ended there", ""
	case s.Pages >= syncPages:
		s.Note, page.next = "it has too many pages; ended there", ""
	case s.Pages&(s.Pages-1) == 0: // Brent: a mark at each power of two finds every circle
		s.Mark = page.next
	}
	if page.next == "" && s.State == cache.SyncRunning {
		s.State, s.Cursor, s.Mark = cache.SyncDone, "", ""
		if err := g.syncEnd(tx, s); err != nil {
			return err
		}
	}
	if err := tx.PutSync(s); err != nil || s.State != cache.SyncRunning {
		return err
	}
	return tx.Enqueue(g.syncJob(s, g.now().Add(syncPause+page.pause)))
}

// syncEnd deletes what was retracted from a node since it was fetched before. A
// node that was not read to its end tells nothing of that.
func (g *Gateway) syncEnd(tx *cache.Tx, s cache.Sync) error {
	if s.Node == "" {
		return nil
	}
	if s.Note == "" {
		owner := translate.JIDURI(s.Target)
		gone, err := tx.SyncMissing(s.Target, s.Node, owner, s.StartedAt)
		if err != nil {
			return err
		}
		for _, uri := range gone {
			g.log.Info("item was retracted since the node was fetched", "service", s.Target, "node", s.Node, "post", uri)
			if _, err := tx.DeletePost(uri, owner, g.now()); err != nil && !errors.Is(err, cache.ErrGone) {
				return err
			}
		}
	}
	return tx.ForgetSyncSeen(s.Target, s.Node)
}

// syncTrouble notes why a page could not be read. The job says whether it is
// tried again.
func (g *Gateway) syncTrouble(s cache.Sync, cause error) {
	g.settle("the history of "+syncName(s), func(tx *cache.Tx) error { return g.noteTrouble(tx, s, cause) })
}

func (g *Gateway) noteTrouble(tx *cache.Tx, s cache.Sync, cause error) error {
	now, err := tx.Sync(s.Target, s.Node)
	if err != nil {
		return ignoreMissing(err)
	}
	if errors.As(cause, new(permanentError)) {
		now.State = cache.SyncFailed
	}
	now.Note, now.UpdatedAt = sayError(cause), g.now()
	return tx.PutSync(now)
}

// syncFailed notes that a sync was given up.
func (g *Gateway) syncFailed(tx *cache.Tx, j cache.Job, cause error) error {
	w, err := decode[syncWork](j)
	if err != nil {
		return nil // there is no sync to mark
	}
	return g.noteTrouble(tx, cache.Sync{Target: w.Target, Node: w.Node}, permanentError{cause})
}

// syncOutbox reads a page of an actor's outbox.
func (g *Gateway) syncOutbox(ctx context.Context, s cache.Sync) (synced, error) {
	a, err := g.remoteByURI(ctx, s.Target)
	if err != nil {
		return synced{}, err
	}
	at := s.Cursor
	if at == "" {
		at = a.Outbox
	}
	items, next, err := g.outboxPage(ctx, a, at)
	if err != nil {
		return synced{}, err
	}
	out := synced{next: next, seen: len(items), fresh: g.takeOutbox(ctx, a, items)}
	boosts, fetched := g.takeBoosts(ctx, a, items)
	out.fresh, out.pause = out.fresh+boosts, time.Duration(fetched)*syncBoostPause
	return out, nil
}

// syncNode reads a page of a node, as a stranger: what it finds is for
// everybody. A service without paging gives all that it has at once.
func (g *Gateway) syncNode(ctx context.Context, s cache.Sync) (synced, error) {
	q := xmpp.ItemsQuery{Max: syncItems}
	if s.Cursor != "" {
		q.After = &s.Cursor
	}
	items, set, v, err := g.peruseSet(ctx, stanza.JID(s.Target), s.Node, q)
	if v == refused || v == absent {
		return synced{}, fail(NotFound, "%s cannot be read by everybody: %s", syncName(s), condition(err))
	}
	if err != nil {
		return synced{}, because(Temporary, err, "%s does not answer", s.Target)
	}
	out := synced{seen: len(items)}
	if out.fresh, err = g.takeNode(ctx, s, items); err != nil {
		return out, err
	}
	if set != nil && len(items) > 0 && set.Last != s.Cursor {
		out.next = set.Last
	}
	return out, nil
}

// takeNode stores the posts of a node that is no actor here. Its service owns
// them; nothing is federated, and only the operator finds them (SEC-28).
func (g *Gateway) takeNode(ctx context.Context, s cache.Sync, items []xmpp.Item) (fresh int, err error) {
	owner := translate.Actor{URI: translate.JIDURI(s.Target), JID: s.Target}
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		fresh = 0
		var seen []string
		for _, it := range items {
			seen = append(seen, it.ID)
			at := translate.Item{Service: s.Target, Node: s.Node, ID: it.ID}
			if it.ID == "" || it.Payload == nil || g.ours(it.Publisher.Bare()) {
				continue
			}
			p, err := translate.FromAtom(it.Payload, at, owner)
			if err != nil || p.Kind == translate.KindBoost {
				continue
			}
			p.URI, p.Visibility = translate.PubSubURI(at.Service, at.Node, at.ID), translate.Public
			_, change, err := tx.PutPost(p, stanza.Append(nil, it.Payload, ""), cache.PutOptions{Received: g.now(), RawType: typeAtom})
			switch {
			case errors.Is(err, cache.ErrConflict) || errors.Is(err, cache.ErrGone): // known by another name, or deleted
			case err != nil:
				return err
			case change != cache.Same:
				fresh++
			}
		}
		return tx.SyncSaw(s.Target, s.Node, seen)
	})
	return fresh, err
}

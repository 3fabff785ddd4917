package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/gateway"
)

// reports are the commands that show or mend what is in the store. They work
// whether or not the gateway runs.
type reports struct {
	store *cache.Store
	now   func() time.Time
	ours  []string // domains of our users
	find  gateway.Resolver
}

// errUnknown is for commands that are no reports.
var errUnknown = errors.New("there is no such command")

// do runs a report.
func (r reports) do(ctx context.Context, c call) (report, error) {
	known := map[string]func(context.Context, call) (report, error){
		"status": r.status, "search": r.search, "links": r.links, "blocks": r.blocks, "trace": r.trace,
		"queue": r.queue, "queue retry": r.retry, "queue drop": r.drop, "cache stats": r.stats, "cache get": r.getPost, "cache syncs": r.syncs,
	}
	fn, ok := known[c.Name]
	if !ok {
		return report{}, errUnknown
	}
	return fn(ctx, c)
}

// stamp writes a time for a table; the zero time is empty.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// accountsPage is how many accounts are read at a time.
const accountsPage = 200

// accounts calls fn for each account in one of the states.
func accounts(tx *cache.Tx, q cache.AccountQuery, fn func(cache.Account) error) error {
	q.Limit = accountsPage
	for {
		list, err := tx.Accounts(q)
		if err != nil {
			return err
		}
		for _, a := range list {
			if err := fn(a); err != nil {
				return err
			}
		}
		if len(list) < accountsPage {
			return nil
		}
		q.After = list[len(list)-1].URI
	}
}

// status shows the health of each linked user and the sums of the queue.
func (r reports) status(ctx context.Context, c call) (report, error) {
	users := table{Name: "users", Columns: []string{"handle", "state", "access", "rung", "event", "pull", "error"}}
	queue := table{Name: "queue", Columns: []string{"kind", "state", "jobs", "hosts", "oldest"}}
	err := r.store.View(ctx, func(tx *cache.Tx) error {
		q := cache.AccountQuery{States: []cache.AccountState{cache.Linked, cache.Paused}}
		if len(c.Args) > 0 {
			q.JID = bare(c.Args[0])
			if a, err := r.find.Account(tx, c.Args[0]); err == nil {
				q.JID = a.JID
			}
		}
		err := accounts(tx, q, func(a cache.Account) error {
			h := a.Reach
			trouble := h.Error
			if trouble != "" && !h.ErrorAt.IsZero() {
				trouble += " (" + h.ErrorAt.UTC().Format(time.RFC3339) + ")"
			}
			users.Rows = append(users.Rows, []any{a.Acct, string(a.State), string(a.Access), h.Rung, stamp(h.Event), stamp(h.Pull), trouble})
			return nil
		})
		if err != nil || q.JID != "" {
			return err
		}
		stats, err := tx.JobStats()
		for _, s := range sums(stats) {
			queue.Rows = append(queue.Rows, []any{s.kind, string(s.state), s.jobs, s.hosts, stamp(s.oldest)})
		}
		return err
	})
	if err != nil {
		return report{}, err
	}
	if len(c.Args) > 0 {
		if len(users.Rows) == 0 {
			return report{}, fmt.Errorf("%s is not linked; isthmus links lists who is", c.Args[0])
		}
		return report{Tables: []table{users}}, nil
	}
	return report{Tables: []table{users, queue}}, nil
}

// sum is the jobs of one kind in one state, of all hosts.
type sum struct {
	kind        string
	state       cache.JobState
	jobs, hosts int
	oldest      time.Time
}

// sums adds up the jobs of all hosts, in the order in which the kinds came.
func sums(stats []cache.JobStat) []*sum {
	var list []*sum
	for _, s := range stats {
		i := slices.IndexFunc(list, func(l *sum) bool { return l.kind == s.Kind && l.state == s.State })
		if i < 0 {
			i, list = len(list), append(list, &sum{kind: s.Kind, state: s.State, oldest: s.Oldest})
		}
		list[i].jobs += s.Count
		list[i].hosts++
		if s.Oldest.Before(list[i].oldest) {
			list[i].oldest = s.Oldest
		}
	}
	return list
}

func (r reports) links(ctx context.Context, _ call) (report, error) {
	out := table{Name: "links", Columns: []string{"handle", "jid", "node", "state", "since", "followers", "actor"}}
	err := r.store.View(ctx, func(tx *cache.Tx) error {
		return accounts(tx, cache.AccountQuery{States: []cache.AccountState{cache.Linked, cache.Paused}}, func(a cache.Account) error {
			followers, err := tx.CountFollowers(a.URI)
			out.Rows = append(out.Rows, []any{a.Acct, a.JID, a.Node, string(a.State), stamp(a.LinkedAt), followers, a.URI})
			return err
		})
	})
	return report{Tables: []table{out}}, err
}

func (r reports) blocks(ctx context.Context, c call) (report, error) {
	out := table{Name: "blocks", Columns: []string{"target", "since", "reason"}}
	err := r.store.View(ctx, func(tx *cache.Tx) error {
		owner := ""
		if c.As != "" {
			account, err := r.user(tx, c.As)
			if err != nil {
				return err
			}
			owner = account.URI
		}
		list, err := tx.Blocks(owner)
		for _, b := range list {
			out.Rows = append(out.Rows, []any{b.Target, stamp(b.CreatedAt), b.Reason})
		}
		return err
	})
	return report{Tables: []table{out}}, err
}

func (r reports) queue(ctx context.Context, c call) (report, error) {
	out := table{Name: "jobs", Columns: []string{"id", "kind", "host", "state", "tries", "next", "about", "error"}}
	q := cache.JobQuery{Host: c.Options["host"], Limit: number(c.Options["limit"])}
	if c.Options["failed"] == "true" {
		q.State = cache.JobFailed
	}
	err := r.store.View(ctx, func(tx *cache.Tx) error {
		list, err := tx.Jobs(q)
		for _, j := range list {
			next := stamp(j.RunAt)
			if j.State == cache.JobFailed {
				next = nil
			}
			out.Rows = append(out.Rows, []any{j.ID, j.Kind, j.Host, string(j.State), j.Attempts, next, j.Note, j.LastError})
		}
		return err
	})
	return report{Tables: []table{out}}, err
}

func (r reports) retry(ctx context.Context, c call) (report, error) {
	return r.job(ctx, c, "Job %d is tried again.", func(tx *cache.Tx, id int64) error { return tx.RetryNow(id, r.now()) })
}

func (r reports) drop(ctx context.Context, c call) (report, error) {
	return r.job(ctx, c, "Job %d is dropped.", (*cache.Tx).DeleteJob)
}

// job does something to one job.
func (r reports) job(ctx context.Context, c call, said string, fn func(*cache.Tx, int64) error) (report, error) {
	if len(c.Args) != 1 {
		return report{}, errors.New("the number of a job is needed; isthmus queue lists them")
	}
	id, err := strconv.ParseInt(c.Args[0], 10, 64)
	if err != nil {
		return report{}, fmt.Errorf("%q is not the number of a job; isthmus queue lists them", c.Args[0])
	}
	err = r.store.Update(ctx, func(tx *cache.Tx) error { return fn(tx, id) })
	if errors.Is(err, cache.ErrNotFound) {
		return report{}, fmt.Errorf("there is no job %d any more; isthmus queue lists them", id)
	}
	return report{Text: []string{fmt.Sprintf(said, id)}}, err
}

// trace shows where a post is, and who got it.
func (r reports) trace(ctx context.Context, c call) (report, error) {
	if len(c.Args) != 1 {
		return report{}, errors.New("the address of a post is needed")
	}
	var out report
	err := r.store.View(ctx, func(tx *cache.Tx) error {
		post, err := r.findPost(tx, c.Args[0])
		if err != nil {
			return err
		}
		out, err = traced(tx, post)
		return err
	})
	return out, err
}

// findPost finds a post by any address that is shown anywhere: id, web page,
// xmpp: link, SERVICE/NODE/ITEM, the id of an item alone, or the number of the
// post; and explains where there is none.
func (r reports) findPost(tx *cache.Tx, what string) (cache.Stored, error) {
	all := cache.Viewer{Operator: true}
	post, err := r.find.Post(tx, what, all)
	if id, e := strconv.ParseInt(what, 10, 64); isMissing(err) && e == nil {
		post, err = tx.PostByID(id, all)
	}
	service, rest, found := strings.Cut(what, "/")
	if at := strings.LastIndexByte(rest, '/'); isMissing(err) && found && at > 0 && !strings.Contains(service, ":") {
		post, err = tx.PostByItem(service, rest[:at], rest[at+1:], all)
	}
	if !isMissing(err) {
		return post, err
	}
	items, itemsErr := tx.PostsByItemID(what, all)
	switch {
	case itemsErr != nil:
		return post, itemsErr
	case len(items) == 1:
		return items[0], nil
	case len(items) > 1:
		return post, fmt.Errorf("several nodes have an item %s; give its xmpp: link", what)
	}
	if dead, err := r.find.Deleted(tx, what); err == nil {
		return post, fmt.Errorf("that post was deleted at %v", stamp(dead.DeletedAt))
	}
	return post, errors.New("no such post is stored; give its id, web page, xmpp: link, SERVICE/NODE/ITEM, or number")
}

func isMissing(err error) bool {
	return errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone)
}

// user finds the account of a user by any address of theirs.
func (r reports) user(tx *cache.Tx, who string) (cache.Account, error) {
	a, err := tx.AccountByJID(bare(who), "")
	if errors.Is(err, cache.ErrNotFound) {
		a, err = r.find.Account(tx, who)
	}
	return a, notLinked(err, who)
}

func traced(tx *cache.Tx, s cache.Stored) (report, error) {
	p := s.Post
	post := table{Name: "post", Columns: []string{"what", "value"}, Rows: [][]any{
		{"id", p.URI}, {"kind", p.Kind.Name()}, {"owner", p.Owner.URI}, {"audience", string(p.Visibility)},
		{"published", stamp(p.Published)}, {"edited", stamp(p.Updated)}, {"received", stamp(s.Received)}, {"answers", p.ReplyTo},
	}}
	items := table{Name: "items", Columns: []string{"service", "node", "item", "publisher", "since", "retracted"}}
	hosts := table{Name: "hosts", Columns: []string{"host"}}
	places, err := tx.Placements(p.URI)
	if err != nil {
		return report{}, err
	}
	for _, l := range places {
		items.Rows = append(items.Rows, []any{l.Service, l.Node, l.ItemID, l.Publisher, stamp(l.PlacedAt), stamp(l.RetractedAt)})
	}
	reached, err := tx.ReceiptHosts(p.URI)
	for _, h := range reached {
		hosts.Rows = append(hosts.Rows, []any{h})
	}
	return report{Tables: []table{post, items, hosts}}, err
}

func notLinked(err error, jid string) error {
	if errors.Is(err, cache.ErrNotFound) {
		return fmt.Errorf("%s has no account here; isthmus links lists who has", jid)
	}
	return err
}

// bare is a JID without resource, as the store has it.
func bare(jid string) string {
	jid, _, _ = strings.Cut(strings.TrimPrefix(jid, "xmpp:"), "/")
	return strings.ToLower(jid)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0 // the store's own limit
	}
	return n
}

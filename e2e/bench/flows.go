package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the bare database of the limits

	"isthmus/e2e/lab"
)

// authors is how many actors write to Louise.
const authors = 10

// startPeer starts the scripted peer, whose actors Louise follows.
func (b *bench) startPeer(ctx context.Context) error {
	peer, err := b.lab.StartScript()
	if err != nil {
		return err
	}
	b.peer = peer
	for i := range authors {
		name := fmt.Sprintf("author%d", i)
		a := peer.Add(name)
		if _, err := b.louise.Subscribe(ctx, b.lab.Names.ActorJID(name, peer.Host), lab.Microblog); err != nil {
			return err
		}
		follow, err := peer.Await(ctx, "the Follow of "+name, func(r lab.Received) bool {
			return r.Activity["type"] == "Follow" && r.Activity["object"] == a.ID
		})
		if err != nil {
			return err
		}
		if _, _, err := a.Post(b.inbox, a.Activity("Accept", follow.Activity["id"], b.actor)); err != nil {
			return err
		}
		if _, err := b.louise.Inbox.Await(ctx, "the subscription to "+name, func(n *lab.Node) bool {
			return n.Attr("from") == b.lab.Names.ActorJID(name, peer.Host) && n.Find("", "subscription").Attr("subscription") == "subscribed"
		}); err != nil {
			return err
		}
	}
	return nil
}

// inboxRate posts signed Creates and waits for the last notification.
func (b *bench) inboxRate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := b.startPeer(ctx); err != nil {
		return err
	}
	n := b.n(2000)
	requests := make([]*http.Request, n)
	var body []byte
	for i := range n {
		a := b.peer.Actor(fmt.Sprintf("author%d", i%authors))
		note := a.Note(fmt.Sprintf("<p>Note number <b>%d</b> of the bench, with a <a href='https://example.org/'>link</a> and %s</p>",
			i, strings.Repeat("some words to read. ", 20)), lab.Public, a.ID+"/followers")
		var err error
		if body, err = json.Marshal(a.Activity("Create", note, lab.Public)); err != nil {
			return err
		}
		if requests[i], err = a.Request(b.shared, body); err != nil {
			return err
		}
	}
	isNote := func(s *lab.Node) bool {
		return s.Find("", "item") != nil && strings.Contains(s.Content(), "of the bench")
	}
	r, err := b.timed(n, func() error {
		err := together(n, 16, func(i int) error {
			status, text, err := b.peer.Do(requests[i])
			if err == nil && status != http.StatusAccepted {
				err = fmt.Errorf("the inbox says %d: %s", status, text)
			}
			return err
		})
		if err != nil {
			return err
		}
		return b.await(ctx, "the last notification", func() (int, int) { return len(b.louise.Inbox.All(isNote)), n })
	})
	if err != nil {
		return err
	}
	limit, err := b.inboxLimit(body)
	if err != nil {
		return err
	}
	b.rows = append(b.rows, r.against("inbox: signed Create to notification at a subscriber", limit, "sum of its parts, one core: verify, translate, store"))
	use, err := usage(b.gateway.Pid())
	b.rows = append(b.rows, row{what: "memory after that", measured: mebibytes(use.resident) + ", peak " + mebibytes(use.peak)})
	return err
}

// inboxLimit adds up what an activity costs at least.
func (b *bench) inboxLimit(body []byte) (float64, error) {
	_, verify, err := rsaRates()
	if err != nil {
		return 0, err
	}
	translated, err := translation(body)
	if err != nil {
		return 0, err
	}
	stored, err := bareInserts(filepath.Join(b.dir, "bare.db"), body)
	if err != nil {
		return 0, err
	}
	return 1 / (1/verify + 1/translated + 1/stored), nil
}

// bareInserts is how often the database takes the rows of a post, with its text
// indexed, in groups of a hundred.
func bareInserts(file string, body []byte) (float64, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE a (id INTEGER PRIMARY KEY, uri TEXT UNIQUE, body BLOB); CREATE TABLE j (id INTEGER PRIMARY KEY, run INTEGER, a INTEGER);
		CREATE INDEX r ON j (run); CREATE VIRTUAL TABLE f USING fts5(t, content='', contentless_delete=1)`); err != nil {
		return 0, err
	}
	i := 0
	group := func() (err error) {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, tx.Commit()) }()
		for range 100 {
			i++
			for _, q := range []struct {
				text string
				args []any
			}{
				{`INSERT INTO a VALUES (?, ?, ?)`, []any{i, fmt.Sprintf("https://script.test/%d", i), body}},
				{`INSERT INTO j VALUES (?, ?, ?)`, []any{i, i, i}},
				{`DELETE FROM j WHERE id = ?`, []any{i}},
				{`INSERT INTO f (rowid, t) VALUES (?, ?)`, []any{i, "note of the bench with some words to read some words to read"}},
			} {
				if _, err := tx.Exec(q.text, q.args...); err != nil {
					return err
				}
			}
		}
		return nil
	}
	groups, err := perSecond(group)
	return groups * 100, err
}

// await polls until a count has been reached.
func (b *bench) await(ctx context.Context, what string, count func() (have, want int)) error {
	for {
		have, want := count()
		if have >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %d of %d: %w", what, have, want, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// items reads pages from the cache, beside pings that take the same way.
func (b *bench) items(ctx context.Context) error {
	n := b.n(4000)
	jid := b.lab.Names.ActorJID("author0", b.peer.Host)
	ask := func(do func() error) (rate, error) {
		return b.timed(n, func() error { return together(n, 8, func(int) error { return do() }) })
	}
	ping, err := ask(func() error {
		_, err := b.louise.IQ(ctx, "get", b.lab.Names.Component, "<ping xmlns='urn:xmpp:ping'/>")
		return err
	})
	if err != nil {
		return err
	}
	last := ""
	page, err := ask(func() error {
		got, err := b.louise.Items(ctx, jid, lab.Microblog, lab.Page{Max: 10, Before: &last})
		if err == nil && len(got.List) != min(10, b.n(2000)/authors) {
			err = fmt.Errorf("a page of %d items", len(got.List))
		}
		return err
	})
	b.rows = append(b.rows, page.against("items from the cache, pages of 10, 8 at once", ping.perSecond(), "pings through the same Prosody and client"))
	return err
}

// follows has many actors follow Louise.
func (b *bench) follows(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	b.peer.CountOnly()
	n := 1000
	for i := range n {
		b.peer.Add(fmt.Sprintf("f%d", i))
	}
	before := b.peer.Count()
	r, err := b.timed(n, func() error {
		err := together(n, 8, func(i int) error {
			a := b.peer.Actor(fmt.Sprintf("f%d", i))
			status, text, err := a.Post(b.inbox, a.Activity("Follow", b.actor, b.actor))
			if err == nil && status != http.StatusAccepted {
				err = fmt.Errorf("a Follow is answered %d: %s", status, text)
			}
			return err
		})
		if err != nil {
			return err
		}
		return b.await(ctx, "the Accepts", func() (int, int) { return b.peer.Count() - before, n })
	})
	if err != nil {
		return err
	}
	sign, _, err := rsaRates()
	b.rows = append(b.rows, r.against("Follow to Accept, actors not met before, 8 at once", sign, "RSA signatures, one core; the peer signs on the same machine"))
	return err
}

// fanOut publishes one post to all of them, each with an inbox of its own.
func (b *bench) fanOut(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	before, err := usage(b.gateway.Pid())
	if err != nil {
		return err
	}
	count, n := b.peer.Count(), 1000
	var peak peakMemory
	stop := peak.watch(b.gateway.Pid())
	r, err := b.timed(n, func() error {
		if err := b.louise.Blog(ctx, "fan-out", "One post for a thousand inboxes."); err != nil {
			return err
		}
		return b.await(ctx, "the deliveries", func() (int, int) { return b.peer.Count() - count, n })
	})
	stop()
	if err != nil {
		return err
	}
	sign, _, err := rsaRates()
	b.rows = append(b.rows, r.against("fan-out: one post to 1,000 inboxes", sign*float64(runtime.NumCPU()), "RSA signatures, all cores"),
		row{what: "memory over that", measured: fmt.Sprintf("%s before, at most %s", mebibytes(before.resident), mebibytes(peak.most()))})
	return err
}

// peakMemory watches the resident memory of a process.
type peakMemory struct {
	mu  sync.Mutex
	top int64
}

func (p *peakMemory) watch(pid int) (stop func()) {
	end := make(chan struct{})
	go func() {
		for {
			if u, err := usage(pid); err == nil {
				p.mu.Lock()
				p.top = max(p.top, u.resident)
				p.mu.Unlock()
			}
			select {
			case <-end:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() { close(end) }
}

func (p *peakMemory) most() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.top
}

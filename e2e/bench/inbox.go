package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"isthmus/ap/as2"
	"isthmus/e2e/lab"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

const (
	authors  = 10 // actors who write to Louise
	inFlight = 16 // activities on their way at the same time
)

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

// inboxRate posts signed Creates and waits for the last notification. Its limit
// is measured later, by inboxLimit.
func (b *bench) inboxRate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := b.startPeer(ctx); err != nil {
		return err
	}
	n := b.n(2000)
	requests := make([]*http.Request, n)
	for i := range n {
		a := b.peer.Actor(fmt.Sprintf("author%d", i%authors))
		note := a.Note(fmt.Sprintf("<p>Note number <b>%d</b> of the bench, with a <a href='https://example.org/'>link</a> and %s</p>",
			i, strings.Repeat("some words to read. ", 20)), lab.Public, a.ID+"/followers")
		var err error
		if b.create, err = json.Marshal(a.Activity("Create", note, lab.Public)); err != nil {
			return err
		}
		if requests[i], err = a.Request(b.shared, b.create); err != nil {
			return err
		}
	}
	notices := b.notices()
	var err error
	b.inboxes, err = b.timed(n, func() error {
		err := together(n, inFlight, func(i int) error {
			status, text, err := b.peer.Do(requests[i])
			if err == nil && status != http.StatusAccepted {
				err = fmt.Errorf("the inbox says %d: %s", status, text)
			}
			return err
		})
		if err != nil {
			return err
		}
		return b.await(ctx, "the last notification", func() (int, int) { return notices(), n })
	})
	if err != nil {
		return err
	}
	use, err := usage(b.gateway.Pid())
	b.inboxRow = len(b.rows)
	b.rows = append(b.rows, row{}, row{what: "memory after that", measured: mebibytes(use.resident) + ", peak " + mebibytes(use.peak)})
	return err
}

// notices counts the notifications of notes of the bench from now on. Each
// stanza is looked at once: the client shares the processors with what is measured.
func (b *bench) notices() func() int {
	seen, n := len(b.louise.Inbox.Since(0)), 0
	return func() int {
		for _, s := range b.louise.Inbox.Since(seen) {
			seen++
			if s.Find("", "item") != nil && strings.Contains(s.Content(), "of the bench") {
				n++
			}
		}
		return n
	}
}

// inboxLimit adds up what an activity costs at least, each part alone on the
// machine: its signature verified, its post translated, the rows stored, and the
// notification taken through the XMPP server to the client. The gateway ends for
// it, since its place at the server is needed.
func (b *bench) inboxLimit(ctx context.Context) error {
	if err := b.gateway.Stop(); err != nil {
		return err
	}
	_, verify, err := rsaRates()
	if err != nil {
		return err
	}
	translated, err := perSecond(func() error {
		_, _, err := b.notification()
		return err
	})
	if err != nil {
		return err
	}
	post, message, err := b.notification()
	if err != nil {
		return err
	}
	stored, err := bareStore(ctx, filepath.Join(b.dir, "bare.db"), post, b.create)
	if err != nil {
		return err
	}
	passed, err := b.bareStanzas(ctx, message)
	if err != nil {
		return err
	}
	without := 1 / (1/verify + 1/translated + 1/stored)
	limit := 1 / (1/without + 1/passed)
	b.rows[b.inboxRow] = b.inboxes.against("inbox: signed Create to notification at a subscriber", limit,
		fmt.Sprintf("sum of its parts: verify %.0f/s, translate %.0f/s, store %.0f/s, Prosody and client %.0f/s; %.0f/s without the last",
			verify, translated, stored, passed, without))
	return nil
}

// notification turns the body of a Create into a post and the stanza that tells
// Louise of it: parse, read, render, write.
func (b *bench) notification() (translate.Post, []byte, error) {
	activity, err := as2.Parse(b.create)
	if err != nil {
		return translate.Post{}, nil, err
	}
	post, err := translate.FromAS2(activity.Object[0], translate.AS2Context{})
	if err != nil {
		return post, nil, err
	}
	author := stanza.JID(b.lab.Names.ActorJID("author0", b.peer.Host))
	item := xmpp.Item{ID: "bench", Publisher: author, Payload: translate.Atom(post, translate.AtomLinks{AuthorJID: string(author)})}
	el := xmpp.EventMessage(author, stanza.JID(b.louise.Account.JID()), "bench", xmpp.EventItems(lab.Microblog, item))
	return post, stanza.Append(nil, el, stanza.NSComponent), nil
}

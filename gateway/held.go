package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Bounds of the comments that somebody is asked about: anybody can write their
// name into an entry.
const (
	heldMost = 10
	heldLife = 7 * 24 * time.Hour
)

// heldComment is a comment in somebody's name that nothing proves to be theirs.
type heldComment struct {
	N     int            `json:"n"` // by which its author names it
	At    translate.Item `json:"at"`
	Entry string         `json:"entry"` // digest of what it says
	Text  string         `json:"text"`
	Asked time.Time      `json:"asked"`
}

// heldList is what one account was asked about.
type heldList struct {
	Last int           `json:"last"`
	Held []heldComment `json:"held"`
}

func heldKey(a cache.Account) string { return "held " + a.URI }

func heldOf(tx *cache.Tx, a cache.Account, now time.Time) (l heldList, err error) {
	text, err := tx.Meta(heldKey(a))
	if err != nil || text == "" {
		return l, ignoreMissing(err)
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return l, fmt.Errorf("read the held comments of %s: %w", a.Acct, err)
	}
	l.Held = slices.DeleteFunc(l.Held, func(h heldComment) bool { return now.Sub(h.Asked) > heldLife })
	return l, nil
}

func (l heldList) put(tx *cache.Tx, a cache.Account) error {
	return tx.SetMeta(heldKey(a), string(payload(l)))
}

// stamp looks whether the service says who published an item when it is asked
// for it, if its event did not.
func (g *Gateway) stamp(ctx context.Context, at translate.Item, it xmpp.Item) xmpp.Item {
	if it.Publisher != "" || it.ID == "" {
		return it
	}
	held, ok, v, _ := g.proveItem(ctx, stanza.JID(at.Service), at.Node, at.ID)
	if ok && v == readable {
		return held
	}
	return it
}

// holdBack keeps a comment that its service has not stamped from the fediverse:
// what its entry says of its author is a claim (X4). Who it claims to be of is
// asked, and can prove it.
func (g *Gateway) holdBack(ctx context.Context, root cache.Stored, at translate.Item, it xmpp.Item) {
	if it.ID == "" || it.Payload == nil || translate.IsHeart(it.Payload) {
		return
	}
	account, p, ok := g.claimed(ctx, at, it.Payload)
	if !ok {
		return
	}
	entry, now := digestOf(p), g.now()
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		l, err := heldOf(tx, account, now)
		if err != nil {
			return err
		}
		asked := slices.ContainsFunc(l.Held, func(h heldComment) bool { return h.At == at && h.Entry == entry })
		l.Held = slices.DeleteFunc(l.Held, func(h heldComment) bool { return h.At == at && h.Entry != entry })
		if asked || len(l.Held) >= heldMost {
			return nil
		}
		l.Last++
		h := heldComment{N: l.Last, At: at, Entry: entry, Text: teaser(p), Asked: now}
		l.Held = append(l.Held, h)
		if err := l.put(tx, account); err != nil {
			return err
		}
		return tx.Enqueue(g.botJob(account.JID, fmt.Sprintf("Under %s by %s there is a comment in your name: %s. "+
			"Its server does not say who wrote it, so it is not on the fediverse. If it is yours, send: mine %d",
			teaser(root.Post), root.Post.Owner.Name, h.Text, h.N)))
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("hold a comment back", "account", account.Acct, "item", at.ID, "error", err)
		return
	}
	g.log.Info("comment without a publisher held back", "rule", "X4", "service", at.Service, "item", at.ID, "in the name of", account.Acct)
}

// claimed is the account of ours that an unstamped comment may be of, and what
// it says: who the held one under that id is of, which may have been overwritten
// by anybody, or who it says it is by. It is nobody for what is on the fediverse
// already.
func (g *Gateway) claimed(ctx context.Context, at translate.Item, payload *stanza.Element) (account cache.Account, p translate.Post, ok bool) {
	var held cache.Stored
	var raw []byte
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if held, err = tx.PostByItem(at.Service, at.Node, at.ID, operator); err != nil {
			return err
		}
		raw, _, err = tx.Raw(held.Post.URI, operator)
		return err
	})
	if ignoreMissing(err) != nil || held.ID != 0 && held.Post.Origin != translate.OriginXMPP {
		return account, p, false
	}
	author := stanza.JID(held.Post.Owner.JID)
	if held.ID == 0 {
		says := payload.Child(stanza.NSAtom, "author").ChildContent(stanza.NSAtom, "uri")
		jid, err := translate.ParseJIDURI(strings.TrimSpace(says))
		if err != nil || jid == "" || g.ours(stanza.JID(jid)) {
			return account, p, false
		}
		author = stanza.JID(jid).Bare()
	}
	if account, err = g.accountOf(ctx, author, ""); err != nil || account.State != cache.Linked {
		return account, p, false
	}
	p, err = translate.FromAtom(payload, at, actorOf(account))
	return account, p, err == nil && (held.ID == 0 || !sameEntry(raw, payload, p))
}

// digestOf tells one content of an entry from another; dates alone are none.
func digestOf(p translate.Post) string {
	p.Published, p.Updated = time.Time{}, time.Time{}
	return hashOf(string(payload(p)))
}

// mineCommand has the author of a comment say that it is theirs, which proves
// what the service of the comments does not.
func mineCommand(ctx context.Context, o order) (string, error) {
	a, err := o.g.joined(ctx, o.user, "")
	if err != nil {
		return "", err
	}
	var l heldList
	err = o.g.store.View(ctx, func(tx *cache.Tx) (err error) {
		l, err = heldOf(tx, a, o.g.now())
		return err
	})
	if err != nil {
		return "", err
	}
	if o.arg == "" {
		lines := []string{"No comments are waiting for your confirmation."}
		for i, h := range l.Held {
			line := fmt.Sprintf("%d: %s", h.N, h.Text)
			if lines = append(lines, line); i == 0 {
				lines = lines[1:]
			}
		}
		return strings.Join(lines, "\n"), nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(o.arg, "#"))
	i := slices.IndexFunc(l.Held, func(h heldComment) bool { return h.N == n })
	if err != nil || i < 0 {
		return "", fail(NotFound, "no comment with that number is waiting; for the list, send: mine")
	}
	if err := o.g.own(ctx, a, l.Held[i]); err != nil {
		return "", err
	}
	return "Your comment is on the fediverse now.", nil
}

// own publishes a held comment as its author's, if it still says what they were
// asked about.
func (g *Gateway) own(ctx context.Context, a cache.Account, h heldComment) error {
	service := stanza.JID(h.At.Service)
	root, ok := g.commented(ctx, service, h.At.Node)
	if !ok || a.State != cache.Linked {
		return errors.Join(g.drop(ctx, a, h), fail(NotFound, "what it comments on is not on the fediverse"))
	}
	it, ok, v, err := g.proveItem(ctx, service, h.At.Node, h.At.ID)
	if v == unproven {
		return because(Temporary, err, "the server of that comment does not answer now; try again later")
	}
	if !ok || v != readable {
		return errors.Join(g.drop(ctx, a, h), fail(NotFound, "that comment is not there any more"))
	}
	p, err := translate.FromAtom(it.Payload, h.At, actorOf(a))
	if err != nil || digestOf(p) != h.Entry {
		g.holdBack(ctx, root, h.At, it)
		return fail(Conflict, "that comment was changed since you were asked")
	}
	err = g.commentOn(ctx, a, root, remark{at: h.At, item: it, owned: true})
	return errOr(err, g.drop(ctx, a, h))
}

// drop forgets a held comment.
func (g *Gateway) drop(ctx context.Context, a cache.Account, h heldComment) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		l, err := heldOf(tx, a, g.now())
		if err != nil {
			return err
		}
		l.Held = slices.DeleteFunc(l.Held, func(o heldComment) bool { return o.N == h.N })
		return l.put(tx, a)
	})
}

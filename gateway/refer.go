package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// referLife is how long a reply or a boost waits for the server of what it is
// about: later, an answer is not worth much.
const referLife = 24 * time.Hour

// errReferAway says that what a post is about cannot be looked at now.
var errReferAway = errors.New("what it is about cannot be reached now")

// unsent is the mark of an item that did not go out, since what it answers or
// repeats was not found: it is kept with the job or the message that goes with it,
// so that its author is told once, whenever the item is seen again.
type unsent struct {
	JID   string `json:"jid"` // of the node's account
	Node  string `json:"node,omitempty"`
	Entry string `json:"entry"` // hash of what it says: an edit is tried anew
	Waits bool   `json:"waits,omitempty"`
}

const unsentPrefix = "unsent "

func unsentKey(at translate.Item) string {
	return unsentPrefix + at.Service + " " + at.Node + " " + at.ID
}

func unsentMark(tx *cache.Tx, at translate.Item) (unsent, error) {
	var m unsent
	text, err := tx.Meta(unsentKey(at))
	if err == nil {
		err = json.Unmarshal([]byte(text), &m)
	}
	return m, ignoreMissing(err)
}

// referWork is the payload of jobRefer: an item whose post waits for what it is
// about.
type referWork struct {
	JID      string         `json:"jid"`
	Node     string         `json:"node,omitempty"`
	At       translate.Item `json:"at"`
	By       string         `json:"by"` // JID of who is told
	What     string         `json:"what"`
	Address  string         `json:"address"`
	Imported bool           `json:"imported,omitempty"`
}

// refer finds what an entry answers or repeats, so that it goes out as that or not
// at all. It says whether the entry may go out. What is not found is told its
// author once; trouble that may pass is tried again by a job.
func (g *Gateway) refer(ctx context.Context, node cache.Account, s *submission, seen sighting) (bool, error) {
	to := &s.post.ReplyTo
	if s.post.Kind == translate.KindBoost {
		to = &s.post.Boost
	}
	known, mark, err := g.referred(ctx, *s)
	if err != nil || known != "" {
		if s.post.Kind == translate.KindBoost || known == "" {
			return err == nil, err
		}
		*to, s.post.ReplyRef = known, nil
		return true, nil
	}
	addresses := g.webRefers(*s)
	if len(addresses) == 0 {
		return g.ownRefer(ctx, node, *s, mark)
	}
	if mark.Entry == entryHash(*s) && !seen.again {
		return false, nil
	}
	uri, err := g.firstBehind(ctx, addresses)
	if err == nil {
		*to = uri
		return true, nil
	}
	if ctx.Err() != nil {
		return false, err
	}
	g.log.Info("post held back: what it is about was not found", "account", s.account.Acct, "item", s.post.Item.ID, "address", addresses[0], "error", err)
	if s.elsewhere() { // on XMPP alone: it is no answer to anything on the fediverse
		*to = ""
		return true, nil
	}
	w := referWork{
		JID: node.JID, Node: node.Node, At: *s.post.Item, By: s.account.JID, What: whatRefers(s.post), Address: addresses[0], Imported: seen.imported,
	}
	if isKind(err, Temporary) || isKind(err, Busy) {
		if seen.again {
			return false, errors.Join(errReferAway, err)
		}
		return false, g.store.Update(ctx, func(tx *cache.Tx) error {
			if err := g.markUnsent(tx, w, entryHash(*s), true); err != nil {
				return err
			}
			return tx.Enqueue(g.referJob(w))
		})
	}
	return false, g.store.Update(ctx, func(tx *cache.Tx) error { return g.tellUnsent(tx, w, entryHash(*s), whyUnsent(err, addresses[0])) })
}

// ownRefer is refer for what names no address on the web: an item of an actor of
// ours has to be one that is held.
func (g *Gateway) ownRefer(ctx context.Context, node cache.Account, s submission, mark unsent) (bool, error) {
	ref := s.post.ReplyRef
	if s.post.Kind == translate.KindBoost {
		ref = s.post.BoostRef
	}
	if ref == nil || ref.ID == "" || !g.ours(stanza.JID(ref.Service)) {
		return true, nil
	}
	if mark.Entry == entryHash(s) {
		return false, nil
	}
	address := translate.PubSubURI(ref.Service, ref.Node, ref.ID)
	w := referWork{JID: node.JID, Node: node.Node, At: *s.post.Item, By: s.account.JID, What: whatRefers(s.post)}
	return false, g.store.Update(ctx, func(tx *cache.Tx) error {
		return g.tellUnsent(tx, w, entryHash(s), "There is no post at "+address+".")
	})
}

// referred gives the id of what an entry is about if it is held, or was found when
// the item was published first.
func (g *Gateway) referred(ctx context.Context, s submission) (uri string, mark unsent, err error) {
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		if mark, err = unsentMark(tx, *s.post.Item); err != nil {
			return err
		}
		if s.post.Kind == translate.KindBoost {
			original, err := g.repeated(tx, s.post)
			uri = original.Post.URI
			return ignoreMissing(err)
		}
		if uri, err = g.answered(tx, s.post); err != nil || uri != "" {
			return err
		}
		before, err := tx.PostByItem(s.post.Item.Service, s.post.Item.Node, s.post.Item.ID, operator)
		if err != nil || before.Post.ReplyTo == "" {
			return ignoreMissing(err)
		}
		raw, _, err := tx.Raw(before.Post.URI, operator)
		if err != nil {
			return ignoreMissing(err)
		}
		if kept := replyIn(raw, *s.post.Item, s.post.Owner); kept == s.post.ReplyTo && kept != "" {
			uri = before.Post.ReplyTo
		}
		return nil
	})
	return uri, mark, err
}

// replyIn is the address of what a kept entry answers.
func replyIn(raw []byte, at translate.Item, owner translate.Actor) string {
	el, err := stanza.Parse(raw, "", stanza.Limits{})
	if err != nil {
		return ""
	}
	p, err := translate.FromAtom(el, at, owner)
	if err != nil {
		return ""
	}
	return p.ReplyTo
}

// webRefers are the addresses on the web of what an entry is about.
func (g *Gateway) webRefers(s submission) []string {
	el, err := stanza.Parse(s.raw, "", stanza.Limits{})
	if err != nil {
		return nil
	}
	return translate.WebRefers(el, s.post.Kind)
}

// firstBehind gives the post that one of some addresses leads to, and else the
// error that may pass, if there is one.
func (g *Gateway) firstBehind(ctx context.Context, addresses []string) (uri string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	for _, address := range addresses {
		if g.wasDeleted(ctx, address) {
			return "", fail(Gone, "it was deleted")
		}
		uri, e := g.postBehind(ctx, address)
		if e == nil {
			return uri, nil
		}
		if err == nil || isKind(e, Temporary) {
			err = e
		}
	}
	return "", err
}

// wasDeleted tells whether a post is known to be gone.
func (g *Gateway) wasDeleted(ctx context.Context, uri string) bool {
	return g.store.View(ctx, func(tx *cache.Tx) error {
		_, err := tx.Tombstone(uri)
		return err
	}) == nil
}

// elsewhere tells whether an entry also names an item of a service that is not
// ours: then it is about something on XMPP, whatever its page is.
func (s submission) elsewhere() bool {
	ref := s.post.ReplyRef
	if s.post.Kind == translate.KindBoost {
		ref = s.post.BoostRef
	}
	return ref != nil
}

// entryHash stands for what an entry says. Its dates are part of it: who publishes
// it again wants it tried again.
func entryHash(s submission) string { return hashOf(string(payload(s.post))) }

func (g *Gateway) referJob(w referWork) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobRefer, Host: siteOf(w.Address), Lane: "refer " + w.At.Service + " " + w.At.ID, RunAt: now.Add(time.Minute), CreatedAt: now,
		ExpiresAt: now.Add(referLife), Note: "find " + w.Address + " for an item of " + w.JID, Payload: payload(w),
	}
}

// runRefer publishes an item that waits, as it is by now.
func (g *Gateway) runRefer(ctx context.Context, j cache.Job) error {
	w, err := decode[referWork](j)
	if err != nil {
		return err
	}
	a, err := g.accountOf(ctx, stanza.JID(w.JID), w.Node)
	switch {
	case isKind(err, NotFound), err == nil && a.State != cache.Linked && a.State != cache.Paused:
		return g.unmark(ctx, w.At)
	case err != nil:
		return err
	case a.State == cache.Paused:
		return errPaused
	}
	started := g.now()
	held, s := g.lookAt(ctx, a, w.At.ID)
	mayCross := g.judge(ctx, a, s)
	if s.unsure() {
		return fmt.Errorf("read the item again: %w", errors.Join(errReferAway, s.cause))
	}
	if !mayCross || held == nil {
		return g.unmark(ctx, w.At)
	}
	if err := g.publishAgain(ctx, a, *held, sighting{pulled: started, audience: s.audience(), imported: w.Imported, again: true}); err != nil {
		return err
	}
	return g.unmark(ctx, w.At)
}

// publishAgain publishes an item whose post waits. What is no post any more, or
// not to go out, needs no other attempt.
func (g *Gateway) publishAgain(ctx context.Context, a cache.Account, it xmpp.Item, s sighting) error {
	_, err := g.publish(ctx, a, it, s)
	if errors.Is(err, translate.ErrNotPost) {
		return nil
	}
	return retryable(err)
}

// unmark drops the mark of an item that does not wait any more. One that tells
// that its author knows stays.
func (g *Gateway) unmark(ctx context.Context, at translate.Item) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		m, err := unsentMark(tx, at)
		if err != nil || !m.Waits {
			return err
		}
		return tx.DeleteMeta(unsentKey(at))
	})
}

// referFailed tells the author of an item that its post waited in vain.
func (g *Gateway) referFailed(tx *cache.Tx, j cache.Job) error {
	w, err := decode[referWork](j)
	if err != nil {
		return nil // there is nobody to tell
	}
	m, err := unsentMark(tx, w.At)
	if err != nil || !m.Waits {
		return err
	}
	return g.tellUnsent(tx, w, m.Entry, w.Address+" could not be reached for a day.")
}

func (g *Gateway) markUnsent(tx *cache.Tx, w referWork, entry string, waits bool) error {
	return tx.SetMeta(unsentKey(w.At), string(payload(unsent{JID: w.JID, Node: w.Node, Entry: entry, Waits: waits})))
}

// tellUnsent notes that an item does not go out, and tells its author why.
func (g *Gateway) tellUnsent(tx *cache.Tx, w referWork, entry, why string) error {
	if err := g.markUnsent(tx, w, entry, false); err != nil {
		return err
	}
	if stanza.JID(w.By).Local() == "" { // a service has nobody who reads
		return nil
	}
	return tx.Enqueue(g.botJob(w.By, fmt.Sprintf("Not sent to the fediverse: %s. %s Change the address and publish it again, or delete it.", w.What, why)))
}

// whatRefers is a reply or a boost in the words of its author.
func whatRefers(p translate.Post) string {
	if p.Kind == translate.KindBoost {
		return "your boost"
	}
	return "your reply " + teaser(p)
}

// whyUnsent says why what a post is about was not found.
func whyUnsent(err error, address string) string {
	switch {
	case isKind(err, Gone):
		return "The post at " + address + " was deleted."
	case isKind(err, Forbidden):
		return "The operator of this gateway has blocked " + hostname(address) + ", or the author of that post."
	}
	return "There is no fediverse post at " + address + "."
}

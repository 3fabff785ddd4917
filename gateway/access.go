package gateway

import (
	"cmp"
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

// askTime is how long an XMPP service may take to answer.
const askTime = 15 * time.Second

// verdict is what an attempt to read a node as a stranger proves.
type verdict int

const (
	unproven verdict = iota // no answer: nothing is known, nothing crosses, nothing is taken back
	readable                // everybody can read it
	refused                 // it is there, or not: Prosody says the same of both
	absent                  // it is not there
)

// stranger is an address of ours that is in nobody's roster: what it can read,
// everybody can.
func (g *Gateway) stranger() stanza.JID { return stanza.NewJID("stranger", g.addr.Component()) }

// peruse reads items of a node as a stranger, and says what that proves.
func (g *Gateway) peruse(ctx context.Context, service stanza.JID, node string, q xmpp.ItemsQuery) ([]xmpp.Item, verdict, error) {
	items, _, v, err := g.peruseSet(ctx, service, node, q)
	return items, v, err
}

// peruseSet is peruse with what the answer says of its page, nil if nothing.
func (g *Gateway) peruseSet(ctx context.Context, service stanza.JID, node string, q xmpp.ItemsQuery) ([]xmpp.Item, *xmpp.ResultSet, verdict, error) {
	return g.perusal(ctx, g.stranger(), service, node, q)
}

// perusal reads items of a node in the name of an address of ours.
func (g *Gateway) perusal(ctx context.Context, as, service stanza.JID, node string, q xmpp.ItemsQuery) ([]xmpp.Item, *xmpp.ResultSet, verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	payload, err := g.link.Request(ctx, xmpp.ItemsIQ(as, service, node, q))
	if err != nil {
		return nil, nil, verdictOf(err), err
	}
	items, set, err := xmpp.ParseItems(payload)
	if err != nil {
		return nil, nil, unproven, err
	}
	return items, set, readable, nil
}

// verdictOf reads a refusal. Only what a service says about the node counts;
// that it cannot be reached says nothing about who may read it.
func verdictOf(err error) verdict {
	var e *stanza.Error
	if !errors.As(err, &e) || e.Type == "wait" {
		return unproven
	}
	switch e.Condition {
	case "forbidden", "not-authorized", "not-allowed", "registration-required", "subscription-required", "payment-required":
		return refused
	case "item-not-found":
		return absent
	}
	return unproven
}

// strangerCanRead tells whether everybody can read a node now.
func (g *Gateway) strangerCanRead(ctx context.Context, jid stanza.JID, node string) bool {
	_, v, _ := g.peruse(ctx, jid, node, xmpp.ItemsQuery{MaxItems: 1})
	return v == readable
}

// proveItem reads one item as a stranger: proof that it may cross, and its
// payload, which events of some nodes leave out. ok is false if the node is
// open but no longer holds the item.
func (g *Gateway) proveItem(ctx context.Context, service stanza.JID, node, id string) (it xmpp.Item, ok bool, v verdict, err error) {
	items, v, err := g.readAs(ctx, g.stranger(), service, node, xmpp.ItemsQuery{IDs: []string{id}})
	if held := itemIn(items, id); held != nil {
		return *held, true, v, err
	}
	return xmpp.Item{}, false, v, err
}

// judge notes what an attempt to read the node of an account has shown, and
// tells whether what was seen may cross now. A node that has closed, for which it
// has to refuse twice, takes its posts back (design: audience). One that is gone
// asks its owner.
func (g *Gateway) judge(ctx context.Context, a cache.Account, s sight) bool {
	switch s.v {
	case readable:
		g.setAccess(ctx, a, cache.AccessOpen)
		return true
	case refused:
		if !g.judgeRefusal(ctx, a, s) {
			return false
		}
		if s.audience() != "" {
			return true
		}
	case absent:
		g.askOwnerOfNode(ctx, a)
	case unproven:
		g.log.Info("node cannot be read now", "account", a.Acct, "error", s.cause)
		g.reached(ctx, a, func(r *cache.Reach) { r.Error, r.ErrorAt = "your server did not answer", g.now() })
		return false
	}
	text := fmt.Sprintf("not everybody can read the node %s (%s), so nothing in it is federated; make it open", feedNode(a), condition(s.cause))
	switch {
	case g.followersOnly(ctx, a):
		text = fmt.Sprintf("I may not read the node %s (%s), or cannot tell that it is for your contacts; accept me as a contact, or let me subscribe", feedNode(a), condition(s.cause))
	case a.Node == "" && s.v == refused:
		text += ", or send: followers-only on"
	}
	g.reached(ctx, a, func(r *cache.Reach) { r.Error, r.ErrorAt = text, g.now() })
	return false
}

// judgeRefusal notes that strangers may not read a node, and takes back what is
// no longer for those who have it. False means that this could not be done, or
// that the node changed its mind.
func (g *Gateway) judgeRefusal(ctx context.Context, a cache.Account, s sight) bool {
	before := g.accessOf(ctx, a)
	wasNarrow := before == cache.AccessPresence || before == cache.AccessAuthorize
	switch {
	case before == cache.AccessOpen, wasNarrow && s.access == cache.AccessClosed:
		again := g.look(ctx, a, xmpp.ItemsQuery{MaxItems: 1})
		if again.v != refused || wasNarrow && again.access != cache.AccessClosed {
			g.log.Info("node refused and then did not", "account", a.Acct, "error", again.cause)
			return false
		}
		if again.access != s.access {
			s.access = cache.AccessUnknown
		}
		if g.maybeAbsent(ctx, a) {
			text := fmt.Sprintf("the node %s is not there, or closed; what the fediverse has of it stays until you send: purge", feedNode(a))
			g.reached(ctx, a, func(r *cache.Reach) { r.Error, r.ErrorAt = text, g.now() })
			return false
		}
		return g.closed(ctx, a, before, s.access)
	case s.access != cache.AccessUnknown:
		g.setAccess(ctx, a, s.access)
	case before == cache.AccessUnknown:
		g.setAccess(ctx, a, cache.AccessClosed)
	}
	return true
}

// maybeAbsent tells whether a node that is refused to strangers may not be there
// at all: Prosody says forbidden for both. Nothing is taken back then, but its
// owner asked (design: deletes), who is waited for if they were asked before.
func (g *Gateway) maybeAbsent(ctx context.Context, a cache.Account) bool {
	_, v, cause := g.readAs(ctx, stanza.JID(g.addr.Component()), stanza.JID(a.JID), feedNode(a), xmpp.ItemsQuery{MaxItems: 1})
	switch v {
	case readable:
		return false
	case absent:
		g.askOwnerOfNode(ctx, a)
		return true
	}
	asked := ""
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		asked, err = tx.Meta(askedKey(a))
		return ignoreMissing(err)
	})
	if err != nil || asked != "" {
		g.log.Info("node is refused, or still gone", "account", a.Acct, "error", cmp.Or(err, cause))
	}
	return err != nil || asked != ""
}

func condition(err error) string {
	var e *stanza.Error
	if errors.As(err, &e) {
		return e.Condition
	}
	return "no answer"
}

// accessOf is the access of an account's node as it was last proved.
func (g *Gateway) accessOf(ctx context.Context, a cache.Account) cache.Access {
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		a, err = tx.AccountByURI(a.URI)
		return err
	})
	if err != nil {
		return cache.AccessUnknown
	}
	return a.Access
}

// setAccess notes who may read a node.
func (g *Gateway) setAccess(ctx context.Context, a cache.Account, access cache.Access) {
	now := g.now()
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		acc, err := tx.AccountByURI(a.URI)
		if err != nil {
			return err
		}
		if access != cache.AccessClosed && access != cache.AccessUnknown && (now.Sub(acc.Reach.Proof) > time.Minute || acc.Access != access) {
			acc.Reach.Proof, acc.Reach.Error = now, ""
			if err := tx.SetReach(a.URI, acc.Reach); err != nil {
				return err
			}
		}
		if acc.Access == access {
			return nil
		}
		acc.Access = access
		return tx.PutAccount(acc)
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("note the access of a node", "account", a.Acct, "error", err)
	}
}

// closed takes the posts of a node back that are no longer for those who have
// them: peers do not narrow an audience by themselves (X10). What was for
// followers only goes when it is known that nobody may have it.
func (g *Gateway) closed(ctx context.Context, a cache.Account, before, access cache.Access) bool {
	g.log.Warn("node closed, its posts are taken back", "account", a.Acct, "node", feedNode(a), "access", access)
	if access == cache.AccessUnknown {
		g.setAccess(ctx, a, cache.AccessClosed)
	} else {
		g.setAccess(ctx, a, access)
	}
	n, err := g.retireNode(ctx, a, func(p cache.Stored) bool {
		return inFeed(a, p.Post) && (open(p.Post.Visibility) || access == cache.AccessClosed)
	})
	if err != nil {
		g.log.Error("take back the posts of a closed node", "account", a.Acct, "error", err)
		g.setAccess(ctx, a, before) // so that the next refusal tries again
		return false
	}
	if n > 0 {
		text := fmt.Sprintf("%s was closed to those who could read it, so %s taken back from the fediverse.", sentence(shownNode(a)), counted(n, "post was", "posts were"))
		if (sight{access: access}).audience() == translate.Followers {
			text += " New posts go to the followers you approved."
		}
		g.say(ctx, stanza.JID(a.JID), text)
	}
	return true
}

// inFeed tells whether a post is in the node of an account.
func inFeed(a cache.Account, p translate.Post) bool {
	return p.Item != nil && p.Item.Service == a.JID && p.Item.Node == feedNode(a)
}

// retireAll deletes the posts of an account that match, a few in each
// transaction, and says how many there were.
func (g *Gateway) retireAll(ctx context.Context, a cache.Account, match func(cache.Stored) bool) (int, error) {
	const batch = 50
	n := 0
	page := cache.Page{Limit: batch}
	for {
		more := false
		err := g.store.Update(ctx, func(tx *cache.Tx) error {
			posts, err := tx.Outbox(a.URI, operator, page)
			if err != nil {
				return err
			}
			more = len(posts) == batch
			for _, p := range posts {
				page.Before = p.ID
				if !match(p) {
					continue
				}
				if err := g.retire(tx, a, p); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil || !more {
			return n, err
		}
	}
}

func askedKey(a cache.Account) string { return "asked " + a.URI }

// answeredByItself notes that a node holds items again: the next time that it is
// empty, its owner is asked anew.
func (g *Gateway) answeredByItself(ctx context.Context, a cache.Account) {
	var asked string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		asked, err = tx.Meta(askedKey(a))
		return err
	})
	if err != nil || asked == "" {
		return
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetMeta(askedKey(a), "") })
	if err != nil && ctx.Err() == nil {
		g.log.Error("note that a node holds items again", "account", a.Acct, "error", err)
	}
}

// askOwnerOfNode asks the owner of a node that is empty or gone what should
// become of its posts (design: deletes). It asks once.
func (g *Gateway) askOwnerOfNode(ctx context.Context, a cache.Account) {
	ask := false
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		asked, err := tx.Meta(askedKey(a))
		if err != nil && !errors.Is(err, cache.ErrNotFound) || asked != "" {
			return err
		}
		live, err := tx.NodeItems(a.JID, feedNode(a), "", 1)
		if err != nil || len(live) == 0 {
			return err
		}
		ask = true
		if err := tx.SetMeta(askedKey(a), g.now().UTC().Format(time.RFC3339)); err != nil {
			return err
		}
		return tx.Enqueue(g.botJob(a.JID, sentence(shownNode(a))+" is empty or gone. Your posts are still on the fediverse. To delete them there, send: "+strings.TrimSpace("purge "+a.Node)))
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("ask the owner of a node", "account", a.Acct, "error", err)
	} else if ask {
		g.log.Info("node is empty or gone, its owner was asked", "account", a.Acct, "node", feedNode(a))
	}
}

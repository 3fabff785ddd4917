package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// proveWait is how long a service has to say who wrote a comment, before its
// author is asked.
const proveWait = 30 * time.Second

// proveWork is the payload of jobProve: a comment without a publisher.
type proveWork struct {
	At translate.Item `json:"at"`
}

func (g *Gateway) proveJob(at translate.Item) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobProve, Lane: "prove " + at.Service + " " + at.Node + " " + at.ID,
		RunAt: now.Add(proveWait), CreatedAt: now, ExpiresAt: now.Add(jobLife),
		Note: "find out whose comment " + at.ID + " in " + at.Node + " is", Payload: payload(proveWork{at}),
	}
}

// unprovedComments takes what a pull has shown without saying who wrote it.
// Prosody says so in its events alone, but shows the last item of a node to who
// subscribes: that may prove one. About the others, and where that does not help,
// those are asked whose they claim to be.
func (g *Gateway) unprovedComments(ctx context.Context, root cache.Stored, n translate.Node, items []xmpp.Item) {
	items = slices.DeleteFunc(items, func(it xmpp.Item) bool {
		_, _, ok := g.claimed(ctx, translate.Item{Service: n.Service, Node: n.Name, ID: it.ID}, it.Payload)
		return !ok
	})
	if len(items) == 0 {
		return
	}
	again := g.showAgain(ctx, n)
	for _, it := range items[max(0, len(items)-heldMost):] {
		at := translate.Item{Service: n.Service, Node: n.Name, ID: it.ID}
		if !again {
			g.holdBack(ctx, root, at, it)
			continue
		}
		err := g.store.Update(ctx, func(tx *cache.Tx) error {
			j := g.proveJob(at)
			if busy, err := tx.LaneBusy(j.Lane); err != nil || busy {
				return err
			}
			return tx.Enqueue(j)
		})
		if err != nil && ctx.Err() == nil {
			g.log.Error("queue a comment that is not stamped", "service", n.Service, "item", it.ID, "error", err)
		}
	}
}

// showAgain has a service show us the last item of a node in an event, by another
// subscription (XEP-0060 §6.1.7), and tells whether it may. Where subscriptions
// have ids that would be a second one, and everything told twice.
func (g *Gateway) showAgain(ctx context.Context, n translate.Node) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*askTime)
	defer cancel()
	us, service := stanza.JID(g.addr.Component()), stanza.JID(n.Service)
	payload, err := g.link.Request(ctx, xmpp.SubscriptionsIQ(us, service, n.Name))
	if err != nil {
		return false
	}
	list, err := xmpp.ParseSubscriptions(payload)
	i := slices.IndexFunc(list, func(s xmpp.Subscription) bool {
		return s.JID.Bare() == us && s.Node == n.Name && s.State == xmpp.SubSubscribed
	})
	if err != nil || i < 0 || list[i].SubID != "" {
		return false
	}
	_, err = g.link.Request(ctx, xmpp.SubscribeIQ(us, service, n.Name, us))
	return err == nil
}

// runProve asks about a comment that nothing has proved meanwhile.
func (g *Gateway) runProve(ctx context.Context, j cache.Job) error {
	w, err := decode[proveWork](j)
	if err != nil {
		return err
	}
	at := w.At
	root, ok := g.commented(ctx, stanza.JID(at.Service), at.Node)
	if !ok {
		return nil
	}
	it, ok, v, err := g.proveItem(ctx, stanza.JID(at.Service), at.Node, at.ID)
	if v == unproven {
		return errors.Join(errors.New("the comments cannot be read now"), err)
	}
	if !ok || v != readable {
		return nil
	}
	d := byDate([]xmpp.Item{it})[0]
	if known, err := g.knowsComment(ctx, at, d, g.now()); err != nil || known {
		return err
	}
	g.holdBack(ctx, root, at, it)
	return nil
}

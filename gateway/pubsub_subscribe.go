package gateway

import (
	"context"
	"errors"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Subscribe follows an actor, when the node is its feed; at other nodes it only
// notes who is to be told (XEP-0060 §6.1).
func (s *pubsub) Subscribe(ctx context.Context, r xmpp.SubscribeRequest) (xmpp.Subscription, error) {
	if r.To.Local() == "" {
		return s.g.subscribeList(ctx, r)
	}
	sub := xmpp.Subscription{Node: r.Node, JID: r.JID, State: xmpp.SubSubscribed}
	a, err := s.actor(ctx, r.Request)
	if err != nil {
		return sub, err
	}
	if r.Node == stanza.NSMicroblog {
		f, err := s.g.followActor(ctx, r.From.Bare(), a)
		if err != nil {
			return sub, err
		}
		sub.JID, sub.State = r.From.Bare(), subState(f)
		return sub, nil
	}
	if err := s.known(ctx, a, r.NodeRequest); err != nil {
		return sub, err
	}
	if strings.HasPrefix(r.Node, NodePrivatePrefix) {
		return sub, fail(Unsupported, "what is for you alone comes as messages, without a subscription")
	}
	r.Node = s.attachmentsName(ctx, a, r.NodeRequest)
	sub.Node = r.Node
	err = s.g.store.Update(ctx, func(tx *cache.Tx) error {
		return s.g.subscribeNode(tx, a.JID, r.Node, r.JID)
	})
	return sub, itemsError(err)
}

// subState is a follow as a state of a subscription.
func subState(f cache.Follow) string {
	if f.State == cache.FollowAccepted {
		return xmpp.SubSubscribed
	}
	return xmpp.SubPending
}

// known refuses nodes that do not exist.
func (s *pubsub) known(ctx context.Context, a cache.Actor, r xmpp.NodeRequest) error {
	if isAttachments(r.Node) {
		return s.attachmentsKnown(ctx, a, r)
	}
	if strings.HasPrefix(r.Node, NodePrivatePrefix) {
		return s.knownPrivate(ctx, a, r)
	}
	if !isComments(r.Node) {
		for _, n := range actorNodes() {
			if n == r.Node {
				return nil
			}
		}
		return fail(NotFound, "there is no such node")
	}
	v := s.g.viewer(ctx, r.From)
	return itemsError(s.g.store.View(ctx, func(tx *cache.Tx) error {
		_, err := s.g.root(tx, a.JID, r.Node, v)
		return err
	}))
}

// knownPrivate refuses the node of one reader to everybody else, and to the reader
// as long as there is nothing in it.
func (s *pubsub) knownPrivate(ctx context.Context, a cache.Actor, r xmpp.NodeRequest) error {
	v := s.g.viewer(ctx, r.From)
	n := 0
	err := s.g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if ownPrivate(r, v) {
			n, err = tx.CountOutbox(a.URI, v, cache.OnlyPrivate)
		}
		return err
	})
	if err == nil && n == 0 {
		err = cache.ErrNotFound
	}
	return itemsError(err)
}

// Unsubscribe ends what Subscribe began (XEP-0060 §6.2).
func (s *pubsub) Unsubscribe(ctx context.Context, r xmpp.SubscribeRequest) error {
	if r.To.Local() == "" {
		return s.g.unsubscribeList(ctx, r)
	}
	a, err := s.actor(ctx, r.Request)
	if err != nil {
		return err
	}
	if r.Node == stanza.NSMicroblog {
		err := s.g.unfollowActor(ctx, r.From.Bare(), a)
		if isKind(err, NotFound) {
			return xmpp.NotSubscribed()
		}
		return err
	}
	r.Node = s.attachmentsName(ctx, a, r.NodeRequest)
	return s.g.store.Update(ctx, func(tx *cache.Tx) error {
		had, err := tx.DeleteSubscription(a.JID, r.Node, string(r.JID))
		if err == nil && !had {
			return xmpp.NotSubscribed()
		}
		return err
	})
}

// Subscriptions are those of the requester at an actor, or to nodes of the
// gateway's own when that is asked (XEP-0060 §5.6).
func (s *pubsub) Subscriptions(ctx context.Context, r xmpp.NodeRequest) ([]xmpp.Subscription, error) {
	user := r.From.Bare()
	if r.To.Local() == "" {
		return s.g.listSubscriptions(ctx, r)
	}
	a, err := s.actor(ctx, r.Request)
	if err != nil {
		return nil, err
	}
	account, err := s.g.accountOf(ctx, user, "")
	if err != nil && !isKind(err, NotFound) {
		return nil, err
	}
	var out []xmpp.Subscription
	err = s.g.store.View(ctx, func(tx *cache.Tx) error {
		if r.Node == "" || r.Node == stanza.NSMicroblog {
			f, err := tx.Follow(account.URI, a.URI)
			if err == nil {
				out = append(out, xmpp.Subscription{Node: stanza.NSMicroblog, JID: user, State: subState(f)})
			} else if !errors.Is(err, cache.ErrNotFound) {
				return err
			}
		}
		subs, err := tx.SubscriptionsOf(string(user), a.JID)
		for _, sub := range subs {
			if r.Node == "" || r.Node == sub.Node {
				out = append(out, xmpp.Subscription{Node: sub.Node, JID: stanza.JID(sub.JID), State: xmpp.SubSubscribed})
			}
		}
		return err
	})
	return out, err
}

// Affiliations are those of the requester: comments and attachments are open to everybody
// (XEP-0060 §5.7).
func (s *pubsub) Affiliations(ctx context.Context, r xmpp.NodeRequest) ([]xmpp.Affiliation, error) {
	if r.To.Local() == "" {
		return nil, nil
	}
	if _, err := s.actor(ctx, r.Request); err != nil {
		return nil, err
	}
	if isComments(r.Node) || strings.HasPrefix(r.Node, stanza.NSAttachments+"/") {
		return []xmpp.Affiliation{{Node: r.Node, JID: r.From.Bare(), Affiliation: "publisher"}}, nil
	}
	return nil, nil
}

// The owner of a remote actor's nodes is the remote actor: nobody here may ask
// what owners may (XEP-0060 §8).

// Subscribers refuses.
func (s *pubsub) Subscribers(context.Context, xmpp.NodeRequest) ([]xmpp.Subscription, error) {
	return nil, notOwner()
}

// Affiliates refuses.
func (s *pubsub) Affiliates(context.Context, xmpp.NodeRequest) ([]xmpp.Affiliation, error) {
	return nil, notOwner()
}

// Config refuses the configuration of a node, and shows the default one.
func (s *pubsub) Config(ctx context.Context, r xmpp.NodeRequest) (*xmpp.Form, error) {
	if r.Node != "" {
		return nil, notOwner()
	}
	return feedMeta(cache.Actor{}).Config(), nil
}

// Configure refuses.
func (s *pubsub) Configure(context.Context, xmpp.ConfigRequest) error { return notOwner() }

// Create refuses. Attachments and summary nodes are there without (XEP-0470 §4.4).
func (s *pubsub) Create(_ context.Context, r xmpp.ConfigRequest) (string, error) {
	if isAttachments(r.Node) {
		return "", stanza.NewError("not-allowed", "this node makes itself")
	}
	return "", notOwner()
}

// Delete refuses.
func (s *pubsub) Delete(context.Context, xmpp.NodeRequest) error { return notOwner() }

// Purge refuses.
func (s *pubsub) Purge(context.Context, xmpp.NodeRequest) error { return notOwner() }

func notOwner() error { return fail(Forbidden, "only the owner of this node may do that") }

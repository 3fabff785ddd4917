package gateway

import (
	"context"
	"errors"
	"fmt"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// account finds an actor of ours by the acct of its URLs: user@host, with ~2
// and so on after a new link.
func (g *Gateway) account(ctx context.Context, acct string) (cache.Account, error) {
	ref, err := g.addr.ParseURL(g.addr.ActorURL(acct))
	if err != nil {
		return cache.Account{}, because(NotFound, err, "no such actor")
	}
	return g.accountByURI(ctx, g.addr.ActorURL(ref.Acct))
}

// accountByURI finds an actor of ours by its id. One that left is Gone, one
// that is paused is as if it were not there.
func (g *Gateway) accountByURI(ctx context.Context, uri string) (cache.Account, error) {
	a, err := g.store.Account(ctx, uri)
	return a, accountError(a, err)
}

func accountError(a cache.Account, err error) error {
	switch {
	case errors.Is(err, cache.ErrNotFound):
		return because(NotFound, err, "no such actor")
	case err != nil:
		return because(Temporary, err, "the store is busy")
	case a.State == cache.Unlinked:
		return fail(Gone, "this actor is gone")
	case a.State == cache.Paused:
		return fail(NotFound, "no such actor")
	}
	return nil
}

// accountOf finds the account of an XMPP user or node, whatever its state.
// Without one the error is NotFound.
func (g *Gateway) accountOf(ctx context.Context, jid stanza.JID, node string) (cache.Account, error) {
	a, err := g.store.AccountOf(ctx, string(jid.Bare()), personNode(node))
	if errors.Is(err, cache.ErrNotFound) {
		return a, because(NotFound, err, "%s has no account here", jid.Bare())
	}
	return a, err
}

// personNode is the node under which accounts of persons are kept.
func personNode(node string) string {
	if node == stanza.NSMicroblog {
		return ""
	}
	return node
}

// feedNode is the node that the posts of an account are in.
func feedNode(a cache.Account) string {
	if a.Node == "" {
		return stanza.NSMicroblog
	}
	return a.Node
}

// viewer is who an XMPP user is when posts are read: their actor, which may
// not exist yet and then is a stranger.
func (g *Gateway) viewer(ctx context.Context, jid stanza.JID) cache.Viewer {
	a, err := g.accountOf(ctx, jid, "")
	if err != nil || a.State == cache.Unlinked {
		return cache.Viewer{}
	}
	return cache.Viewer{Actor: a.URI}
}

// ensureAccount gives the account of a user, and makes one that only follows
// if there is none (design: consent).
func (g *Gateway) ensureAccount(ctx context.Context, jid stanza.JID) (cache.Account, error) {
	a, err := g.accountOf(ctx, jid, "")
	if err == nil && a.State != cache.Unlinked {
		return a, nil
	}
	if err != nil && !isKind(err, NotFound) {
		return a, err
	}
	return g.makeAccount(ctx, jid, "", cache.FollowerOnly)
}

// makeAccount makes a new actor for a user or node: the first one, or the next
// generation after an unlink.
func (g *Gateway) makeAccount(ctx context.Context, jid stanza.JID, node string, state cache.AccountState) (cache.Account, error) {
	bare, node := string(jid.Bare()), personNode(node)
	handle, _, err := g.addr.Handle(bare, node)
	if err != nil {
		return cache.Account{}, because(BadRequest, err, "%s cannot have a fediverse address", bare)
	}
	private, public, err := g.keys.take()
	if err != nil {
		return cache.Account{}, err
	}
	kind := cache.Person
	if node != "" || jid.Local() == "" {
		kind = cache.Node
	}
	now := g.now()
	a := cache.Account{
		Acct: handle, JID: bare, Node: node, Kind: kind, State: state, Access: cache.AccessUnknown,
		PrivateKeyPEM: private, PublicKeyPEM: public, CreatedAt: now, UpdatedAt: now,
		Name: nameOf(bare, node),
	}
	if state == cache.Linked {
		a.LinkedAt, a.Discoverable = now, true
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		old, err := tx.AccountByJID(bare, node)
		switch {
		case err == nil && old.State != cache.Unlinked:
			a = old // another stanza was first
			return nil
		case err == nil:
			a.Generation = old.Generation + 1
		case errors.Is(err, cache.ErrNotFound):
			a.Generation = 1
		default:
			return err
		}
		a.URI = g.addr.ActorURL(translate.Acct(handle, a.Generation))
		if err := tx.RememberHandle(handle, bare, node, now); err != nil {
			return err
		}
		return tx.PutAccount(a)
	})
	if err != nil {
		return a, fmt.Errorf("make the account of %s: %w", bare, err)
	}
	return a, nil
}

// nameOf is the name of an account until its profile is known.
func nameOf(jid, node string) string {
	if node != "" {
		return node
	}
	if local := stanza.JID(jid).Local(); local != "" {
		return stanza.UnescapeLocal(local)
	}
	return jid
}

// acctOf is the name of an account in URLs.
func acctOf(a cache.Account) string { return translate.Acct(a.Acct, a.Generation) }

// pageOf is the address of the page of an account. It has no ~2: it is the page
// of whoever has the handle now.
func (g *Gateway) pageOf(a cache.Account) string { return g.addr.PageURL(a.Acct) }

// livesOn gives the actor that somebody has now whose earlier one is gone.
func (g *Gateway) livesOn(ctx context.Context, gone cache.Account) (cache.Account, bool) {
	now, err := g.store.AccountOf(ctx, gone.JID, gone.Node)
	return now, err == nil && now.State == cache.Linked
}

// actorOf is an account as posts name it.
func actorOf(a cache.Account) translate.Actor {
	return translate.Actor{URI: a.URI, Handle: a.Acct, JID: a.JID, Name: a.Name}
}

// remoteActor is a remote actor as posts name it.
func remoteActor(a cache.Actor) translate.Actor {
	return translate.Actor{URI: a.URI, Handle: a.Acct, JID: a.JID, Name: a.Name}
}

// hostOf is the website that an account lives at.
func (g *Gateway) hostOf(a cache.Account) string {
	ref, err := g.addr.ParseURL(a.URI)
	if err != nil {
		return g.primary()
	}
	return ref.Host
}

// isAdmin tells whether a JID is the operator's.
func (g *Gateway) isAdmin(jid stanza.JID) bool {
	for _, admin := range g.cfg.XMPP.Admins {
		if admin == string(jid.Bare()) {
			return true
		}
	}
	return false
}

package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/webfinger"
	"isthmus/xmpp/stanza"
)

// Directory is what WebFinger asks.
func (g *Gateway) Directory() webfinger.Directory { return &directory{g} }

// directory knows the actors of the gateway.
type directory struct{ g *Gateway }

// Resolve finds an actor by handle or by URL. Who is absent, not linked or
// paused is not found, without a difference (SEC-30).
func (d *directory) Resolve(ctx context.Context, r webfinger.Resource) (webfinger.Subject, error) {
	handle, err := d.handle(r)
	if err != nil {
		return webfinger.Subject{}, err
	}
	g := d.g
	jid, node, err := g.addr.ParseHandle(handle)
	switch {
	case errors.Is(err, translate.ErrInstance):
		host := handle[strings.LastIndexByte(handle, '@')+1:]
		return webfinger.Subject{Handle: handle, ActorURL: g.addr.Instance(host)}, nil
	case errors.Is(err, translate.ErrHashed):
		err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
			jid, node, err = tx.Handle(handle)
			return err
		})
		if err != nil {
			return webfinger.Subject{}, webfinger.ErrNotFound
		}
	case err != nil:
		return webfinger.Subject{}, webfinger.ErrNotFound
	}
	a, err := g.accountOf(ctx, stanza.JID(jid), node)
	a, err = g.orOpened(ctx, a, err, jid, node)
	if err == nil {
		err = accountError(a, nil)
	}
	switch {
	case isKind(err, Gone):
		return webfinger.Subject{}, webfinger.ErrNotFound // a later link answers here again
	case isKind(err, NotFound):
		return webfinger.Subject{}, webfinger.ErrNotFound
	case err != nil:
		return webfinger.Subject{}, err
	}
	return webfinger.Subject{
		Handle: a.Acct, ActorURL: a.URI, PageURL: g.pageOf(a), Aliases: []string{a.URI, g.pageOf(a)},
		AvatarURL: a.IconURL, AvatarType: a.IconType, XMPPURI: translate.JIDURI(a.JID),
	}, nil
}

// handle gives the handle that a resource names.
func (d *directory) handle(r webfinger.Resource) (string, error) {
	if r.Handle != "" {
		handle, err := d.g.addr.Canonical(r.Handle)
		if err != nil {
			return "", webfinger.ErrNotFound
		}
		return handle, nil
	}
	u, err := url.Parse(r.URL)
	if err != nil || !d.g.addr.IsLocalHost(u.Host) {
		return "", webfinger.ErrNotFound
	}
	if u.Path == "" || u.Path == "/" { // FEP-d556
		return d.g.addr.InstanceHandle(u.Host), nil
	}
	ref, err := d.g.addr.ParseURL(r.URL)
	switch {
	case err != nil:
	case ref.Kind == translate.URLInstance:
		return d.g.addr.InstanceHandle(ref.Host), nil
	case ref.Kind == translate.URLActor, ref.Kind == translate.URLPage:
		return ref.Handle, nil
	}
	return "", webfinger.ErrNotFound
}

// Usage counts users and posts for NodeInfo.
func (d *directory) Usage(ctx context.Context) (u webfinger.Usage, err error) {
	g := d.g
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		if u.Users, err = tx.CountAccounts(cache.Linked); err != nil {
			return err
		}
		list, err := tx.Accounts(cache.AccountQuery{States: []cache.AccountState{cache.Linked}, Limit: 10_000})
		if err != nil {
			return err
		}
		now := g.now()
		for _, a := range list {
			n, err := tx.CountOutbox(a.URI, cache.Viewer{}, cache.PublicOrUnlisted)
			if err != nil {
				return err
			}
			u.LocalPosts += n
			since := now.Sub(a.Reach.Event)
			if since < 30*24*time.Hour {
				u.ActiveMonth++
			}
			if since < 180*24*time.Hour {
				u.ActiveHalfyear++
			}
		}
		return nil
	})
	return u, err
}

// orOpened is an account that was looked for, or the one that it becomes by being
// asked for.
func (g *Gateway) orOpened(ctx context.Context, a cache.Account, err error, jid, node string) (cache.Account, error) {
	if !g.openable(a, err) {
		return a, err
	}
	opened, openErr := g.openAccount(ctx, jid, node)
	if openErr != nil && err == nil {
		return a, nil // who has nothing to read still follows
	}
	return opened, openErr
}

// openable tells whether an account comes to be when somebody asks for it: in
// consent mode "open", if there is none, or one that only follows and whose owner
// never left.
func (g *Gateway) openable(a cache.Account, err error) bool {
	return g.cfg.Consent == "open" && (isKind(err, NotFound) || err == nil && a.State == cache.FollowerOnly && a.Generation == 1)
}

// openAccount makes the account of a user whose node everybody can read, in
// consent mode "open" only. Who was asked about and had none is not asked about
// again soon: HTTP strangers must not make us ask the XMPP server (X6).
func (g *Gateway) openAccount(ctx context.Context, jid, node string) (cache.Account, error) {
	if !g.mayLink(stanza.JID(jid), node) {
		return cache.Account{}, fail(NotFound, "no such actor")
	}
	if !g.link.Online() { // peers believe a 404
		return cache.Account{}, fail(Temporary, "the XMPP server is away")
	}
	return fly(ctx, g, "open "+jid+" "+node, func(ctx context.Context) (cache.Account, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		feed := node
		if feed == "" {
			feed = stanza.NSMicroblog
		}
		known, err := g.accountOf(ctx, stanza.JID(jid), node)
		if !g.openable(known, err) { // paused, or unlinked, or linked meanwhile
			return known, cmp.Or(err, accountError(known, err))
		}
		if !g.strangerCanRead(ctx, stanza.JID(jid), feed) {
			return cache.Account{}, fail(NotFound, "no such actor")
		}
		var a cache.Account
		if err == nil {
			a, err = g.relink(ctx, known)
		} else {
			a, err = g.makeAccount(ctx, stanza.JID(jid), node, cache.Linked)
		}
		if err == nil {
			g.aside("begin with "+a.URI, func() {
				ctx := context.WithoutCancel(ctx)
				g.reach(ctx, a)
				g.readProfile(ctx, a)
			})
		}
		return a, err
	})
}

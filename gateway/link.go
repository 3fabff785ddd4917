package gateway

import (
	"context"
	"errors"
	"fmt"

	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// Link makes a user, or a node of a configured service, an actor whose posts
// from now on are federated (design: consent). It says what happened.
func (g *Gateway) Link(ctx context.Context, jid stanza.JID, node string) (string, error) {
	if !g.mayLink(jid, node) {
		return "", fail(Forbidden, "%s cannot be linked here: only users of %s, and nodes of configured services", jid.Bare(), g.domainNames())
	}
	a, err := g.accountOf(ctx, jid, node)
	switch {
	case isKind(err, NotFound) || err == nil && a.State == cache.Unlinked:
		a, err = g.makeAccount(ctx, jid, node, cache.Linked)
	case err == nil && a.State == cache.Linked:
		return fmt.Sprintf("You are linked already: your fediverse address is @%s", a.Acct), nil
	case err == nil:
		a, err = g.relink(ctx, a)
	}
	if err != nil {
		return "", err
	}
	g.running.Go(func() {
		ctx := context.WithoutCancel(ctx)
		g.askPresence(ctx, a)
		g.readProfile(ctx, a)
		g.reach(ctx, a)
	})
	return fmt.Sprintf("Linked. Your fediverse address is @%s and your page is %s\nPosts that you publish from now on in %s are federated, as long as everybody can read that node. "+
		"Accept the gateway as a contact, so that it hears of your posts at once.", a.Acct, g.addr.PageURL(acctOf(a)), feedNode(a)), nil
}

// mayLink tells whether a JID can be an actor: a user of a configured domain, or
// a node of a configured service.
func (g *Gateway) mayLink(jid stanza.JID, node string) bool {
	if g.addr.IsService(jid.Domain()) {
		return node != ""
	}
	return jid.Local() != "" && !g.ours(jid) && g.addr.IsUserDomain(jid.Domain())
}

func (g *Gateway) domainNames() string {
	s := ""
	for i, d := range g.cfg.Domains {
		if i > 0 {
			s += ", "
		}
		s += d.Name
	}
	return s
}

// relink has a paused or following account publish.
func (g *Gateway) relink(ctx context.Context, a cache.Account) (cache.Account, error) {
	now := g.now()
	if a.State == cache.FollowerOnly {
		a.LinkedAt, a.Discoverable = now, true
	}
	a.State, a.UpdatedAt = cache.Linked, now
	return a, g.store.Update(ctx, func(tx *cache.Tx) error { return tx.PutAccount(a) })
}

// linked gives the account of a user who is linked.
func (g *Gateway) linked(ctx context.Context, jid stanza.JID, node string) (cache.Account, error) {
	a, err := g.accountOf(ctx, jid, node)
	if isKind(err, NotFound) || err == nil && a.State == cache.Unlinked {
		return a, fail(NotFound, "%s is not linked", jid.Bare())
	}
	return a, err
}

// Pause hides an account until it is linked again.
func (g *Gateway) Pause(ctx context.Context, jid stanza.JID, node string) (string, error) {
	a, err := g.linked(ctx, jid, node)
	if err != nil {
		return "", err
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetAccountState(a.URI, cache.Paused, g.now()) })
	return "Paused: nothing is federated, and your address does not answer, until you send: link", err
}

// Unlink takes an account off the fediverse for good: every server that ever
// got something of it is told (BR-4).
func (g *Gateway) Unlink(ctx context.Context, jid stanza.JID, node string) (string, error) {
	a, err := g.linked(ctx, jid, node)
	if err != nil {
		return "", err
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error { return g.leave(tx, a) })
	if err != nil {
		return "", err
	}
	return "Unlinked. Every server that knew you was told to delete your profile and posts. A later link makes a new actor.", nil
}

func (g *Gateway) leave(tx *cache.Tx, a cache.Account) error {
	hosts, err := tx.HostsReached(a.URI)
	if err != nil {
		return err
	}
	inboxes, err := g.inboxesOnHosts(tx, hosts)
	if err != nil {
		return err
	}
	following, err := tx.FollowingOf(a.URI, "", 0, 100_000)
	if err != nil {
		return err
	}
	for _, f := range following {
		who, err := tx.ActorByURI(f.Followee)
		if err != nil && !errors.Is(err, cache.ErrNotFound) {
			return err
		}
		if err == nil {
			inboxes = append(inboxes, inboxOf(who))
		}
		if _, err := tx.DeleteFollow(f.Follower, f.Followee); err != nil {
			return err
		}
	}
	act := translate.DeleteActor("", a.URI)
	if err := g.send(tx, outgoing{sender: a, act: *act, object: a.URI, inboxes: inboxes, followers: true}); err != nil {
		return err
	}
	followers, err := tx.FollowersOf(a.URI, "", 0, 100_000)
	if err != nil {
		return err
	}
	for _, f := range followers {
		if _, err := tx.DeleteFollow(f.Follower, f.Followee); err != nil {
			return err
		}
	}
	for {
		gone, err := tx.PurgeOwner(a.URI, a.URI, g.now(), 500)
		if err != nil {
			return err
		}
		if len(gone) == 0 {
			break
		}
	}
	return tx.SetAccountState(a.URI, cache.Unlinked, g.now())
}

// FollowHandle follows an actor by handle, JID or URL for a user.
func (g *Gateway) FollowHandle(ctx context.Context, user stanza.JID, who string) (string, error) {
	a, err := g.findActor(ctx, who)
	if err != nil {
		return "", err
	}
	f, err := g.followActor(ctx, user, a)
	if err != nil {
		return "", err
	}
	if f.State == cache.FollowAccepted {
		return fmt.Sprintf("You follow %s: xmpp:%s", nameAndHandle(a), a.JID), nil
	}
	return fmt.Sprintf("Asked %s; you will see posts when they accept. XMPP address: %s", nameAndHandle(a), a.JID), nil
}

// UnfollowHandle ends a follow.
func (g *Gateway) UnfollowHandle(ctx context.Context, user stanza.JID, who string) (string, error) {
	a, err := g.findActor(ctx, who)
	if err != nil {
		return "", err
	}
	if err := g.unfollowActor(ctx, user, a); err != nil {
		return "", err
	}
	return "You do not follow " + nameAndHandle(a) + " any more.", nil
}

// findActor finds a remote actor by what people type.
func (g *Gateway) findActor(ctx context.Context, who string) (cache.Actor, error) {
	who = cleanHandle(who)
	switch {
	case len(who) > 8 && who[:8] == "https://":
		return g.remoteByURI(ctx, who)
	case g.ours(stanza.JID(who)):
		return g.remoteByJID(ctx, stanza.JID(who))
	}
	if _, _, err := g.addr.ParseHandle(who); err == nil {
		return cache.Actor{}, fail(BadRequest, "%s is an XMPP user here: add %s to your contacts instead", who, g.realJID(who))
	}
	if stanza.JID(who).Local() == "" {
		return cache.Actor{}, fail(BadRequest, "give an address like alice@mast.social")
	}
	return g.remoteByHandle(ctx, who)
}

// Block hides a user, or everybody if user is empty, from an actor or a domain.
func (g *Gateway) Block(ctx context.Context, user stanza.JID, who, reason string) (string, error) {
	b, account, err := g.blockOf(ctx, user, who)
	if err != nil {
		return "", err
	}
	b.Reason, b.CreatedAt = reason, g.now()
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		if err := tx.PutBlock(b); err != nil {
			return err
		}
		if account.URI == "" {
			return nil
		}
		for _, pair := range [][2]string{{account.URI, b.Target}, {b.Target, account.URI}} {
			if _, err := tx.DeleteFollow(pair[0], pair[1]); err != nil {
				return err
			}
		}
		target, err := tx.ActorByURI(b.Target)
		if err != nil {
			return ignoreMissing(err)
		}
		return g.sendTo(tx, account, target, as2.Activity{Type: as2.TypeReject, To: []string{b.Target}, Cc: []string{},
			Object: as2.Activity{Type: as2.TypeFollow, Actor: b.Target, Object: account.URI, To: []string{}, Cc: []string{}}}, b.Target)
	})
	return "Blocked " + b.Target + ".", err
}

// Unblock lifts a block.
func (g *Gateway) Unblock(ctx context.Context, user stanza.JID, who string) (string, error) {
	b, _, err := g.blockOf(ctx, user, who)
	if err != nil {
		return "", err
	}
	had := false
	err = g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		had, err = tx.DeleteBlock(b.Owner, b.Target)
		return err
	})
	if err == nil && !had {
		return "", fail(NotFound, "%s is not blocked", who)
	}
	return "The block of " + b.Target + " is lifted.", err
}

func (g *Gateway) blockOf(ctx context.Context, user stanza.JID, who string) (cache.Block, cache.Account, error) {
	var b cache.Block
	var account cache.Account
	var err error
	if user != "" {
		if account, err = g.linked(ctx, user, ""); err != nil {
			return b, account, err
		}
		b.Owner = account.URI
	}
	b.Target = cleanHandle(who)
	if stanza.JID(b.Target).Local() == "" && (len(b.Target) < 8 || b.Target[:8] != "https://") {
		return b, account, nil // a domain
	}
	a, err := g.findActor(ctx, who)
	b.Target = a.URI
	return b, account, err
}

// Identity is who somebody is, on either side.
type Identity struct {
	Name, Handle, JID, URI, URL, State string
}

// Identify finds a user of ours, or a remote actor, by handle, JID or URL.
func (g *Gateway) Identify(ctx context.Context, who string) (Identity, error) {
	name := cleanHandle(who)
	jid, node := name, ""
	if j, n, err := g.addr.ParseHandle(name); err == nil {
		jid, node = j, n
	}
	a, err := g.accountOf(ctx, stanza.JID(jid), node)
	if g.addr.IsLocalURL(name) {
		a, err = g.accountByURI(ctx, name)
	}
	if err == nil {
		return Identity{Name: a.Name, Handle: a.Acct, JID: a.JID, URI: a.URI, URL: g.addr.PageURL(acctOf(a)), State: string(a.State)}, nil
	}
	r, err := g.findActor(ctx, who)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Name: r.Name, Handle: r.Acct, JID: r.JID, URI: r.URI, URL: r.URL, State: "remote " + r.Type}, nil
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// FollowHandle follows an actor by handle, JID or URL for a user.
func (g *Gateway) FollowHandle(ctx context.Context, user stanza.JID, who string) (string, error) {
	if jid, node, err := g.addr.ParseHandle(cleanHandle(who)); err == nil && node == "" && stanza.JID(jid) == user.Bare() {
		return "", fail(BadRequest, "that is you")
	}
	a, err := g.findActor(ctx, who)
	if err != nil {
		return "", err
	}
	f, err := g.followActor(ctx, user.Bare(), a)
	if err != nil {
		return "", err
	}
	if f.State == cache.FollowAccepted {
		return fmt.Sprintf("You follow %s already. XMPP address: xmpp:%s", nameAndHandle(a), a.JID), nil
	}
	return fmt.Sprintf("Asked %s; you will see posts when they accept. XMPP address: xmpp:%s", nameAndHandle(a), a.JID), nil
}

// UnfollowHandle ends a follow.
func (g *Gateway) UnfollowHandle(ctx context.Context, user stanza.JID, who string) (string, error) {
	a, err := g.findActor(ctx, who)
	if err != nil {
		return "", err
	}
	if err := g.unfollowActor(ctx, user.Bare(), a); err != nil {
		return "", err
	}
	return "You do not follow " + nameAndHandle(a) + " any more.", nil
}

// findActor finds a remote actor by what people type.
func (g *Gateway) findActor(ctx context.Context, who string) (cache.Actor, error) {
	who = cleanHandle(who)
	switch {
	case strings.HasPrefix(who, "https://"):
		if g.addr.IsLocalURL(who) {
			return cache.Actor{}, fail(BadRequest, "that is an XMPP user here: add them to your contacts instead")
		}
		return g.remoteByAddress(ctx, who)
	case g.ours(stanza.JID(who)):
		a, err := g.remoteByJID(ctx, stanza.JID(who))
		var moved *redirect
		if errors.As(err, &moved) && g.ours(stanza.JID(moved.to)) {
			return g.remoteByJID(ctx, stanza.JID(moved.to))
		}
		return a, err
	}
	if _, _, err := g.addr.ParseHandle(who); err == nil {
		return cache.Actor{}, fail(BadRequest, "%s is an XMPP user here: add %s to your contacts instead", who, g.realJID(who))
	}
	if stanza.JID(who).Local() == "" {
		return cache.Actor{}, fail(BadRequest, "give an address like alice@mast.social")
	}
	return g.remoteByHandle(ctx, who)
}

// remoteByAddress finds a remote actor by its id, or by the page of its profile,
// which leads to it.
func (g *Gateway) remoteByAddress(ctx context.Context, address string) (cache.Actor, error) {
	var uri string
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		uri, err = g.resolver().Actor(tx, address)
		return err
	})
	if errors.Is(err, cache.ErrNotFound) {
		uri, err = webAddress(address), nil
	}
	if err != nil {
		return cache.Actor{}, because(Temporary, err, "the store is busy")
	}
	if uri == "" {
		return cache.Actor{}, fail(BadRequest, "give an address like "+anActor)
	}
	a, err := g.remoteByURI(ctx, uri)
	if ours := leadsToUs(err); ours != "" {
		return a, fail(BadRequest, "that is an XMPP user here: add them to your contacts instead")
	}
	return a, err
}

// User gives the JID of a user of ours by any address of theirs; what is not known
// is a JID as it stands.
func (g *Gateway) User(ctx context.Context, who string) stanza.JID {
	var a cache.Account
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		a, err = g.resolver().Account(tx, who)
		return err
	})
	if err != nil || a.Node != "" {
		return stanza.JID(cleanHandle(who)).Bare()
	}
	return stanza.JID(a.JID)
}

// cleanHandle makes a handle of what people type and paste.
func cleanHandle(s string) string {
	s = strings.Trim(strings.TrimSpace(s), "<>")
	if jid, err := translate.ParseJIDURI(s); err == nil {
		s = jid
	}
	for _, prefix := range []string{"acct:", "@"} {
		s = strings.TrimPrefix(s, prefix)
	}
	if rest, ok := strings.CutPrefix(s, "http://"); ok { // nobody is there without the s
		s = "https://" + rest
	}
	if host, _, ok := strings.Cut(s, "/@"); ok && strings.Contains(host, ".") && !strings.ContainsAny(host, ":/@") {
		s = "https://" + s // mast.social/@alice
	}
	if strings.HasPrefix(s, "https://") {
		return s
	}
	return strings.ToLower(s)
}

// Block hides a user, or everybody if user is empty, from an actor or a domain.
func (g *Gateway) Block(ctx context.Context, user stanza.JID, who, reason string) (string, error) {
	b, account, err := g.blockOf(ctx, user, who)
	if err != nil {
		return "", err
	}
	b.Reason, b.CreatedAt = reason, g.now()
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		if account.URI != "" { // first: a block holds back what goes there
			if err := g.partFrom(tx, account, b.Target); err != nil {
				return err
			}
		}
		return tx.PutBlock(b)
	})
	return "Blocked " + g.shownTarget(ctx, b) + ".", err
}

// shownTarget names who is blocked, for people.
func (g *Gateway) shownTarget(ctx context.Context, b cache.Block) string {
	name := b.Target
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		name, err = named(tx, b.Target)
		return err
	})
	if err != nil {
		return b.Target
	}
	return name
}

// partFrom ends the follows between an account and an actor, or all actors of a
// domain and below it, in both directions, and tells their servers so. That they
// were blocked is not told.
func (g *Gateway) partFrom(tx *cache.Tx, account cache.Account, target string) error {
	others := []string{target}
	if !strings.Contains(target, "/") {
		var err error
		if others, err = tx.FollowsWith(account.URI, target); err != nil {
			return err
		}
	}
	for _, uri := range others {
		who, err := tx.ActorByURI(uri)
		if err == nil {
			err = g.partFromActor(tx, account, who)
		}
		if ignoreMissing(err) != nil {
			return fmt.Errorf("part from %s: %w", uri, err)
		}
	}
	return nil
}

func (g *Gateway) partFromActor(tx *cache.Tx, account cache.Account, who cache.Actor) error {
	out, err := tx.Follow(account.URI, who.URI)
	if err == nil {
		err = g.sendTo(tx, account, who, *translate.Undo("", translate.Follow(out.ActivityID, account.URI, who.URI)), who.URI)
	}
	if ignoreMissing(err) != nil {
		return err
	}
	in, err := tx.Follow(who.URI, account.URI)
	if err == nil {
		err = g.sendDecision(tx, account, who, in.ActivityID, false)
	}
	if ignoreMissing(err) != nil {
		return err
	}
	for _, pair := range [][2]string{{account.URI, who.URI}, {who.URI, account.URI}} {
		if _, err := tx.DeleteFollow(pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// Unblock lifts a block.
func (g *Gateway) Unblock(ctx context.Context, user stanza.JID, who string) (string, error) {
	b, _, err := g.blockOf(ctx, user, who)
	if isKind(err, NotFound) { // somebody without an account blocks nobody
		return "", fail(NotFound, "%s is not blocked", who)
	}
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
	return g.shownTarget(ctx, b) + " is not blocked any more.", err
}

// blockOf reads who blocks whom.
func (g *Gateway) blockOf(ctx context.Context, user stanza.JID, who string) (b cache.Block, account cache.Account, err error) {
	if user != "" {
		if account, err = g.linked(ctx, user, ""); err != nil {
			return b, account, err
		}
		b.Owner = account.URI
	}
	b.Target = cleanHandle(who)
	if stanza.JID(b.Target).Local() == "" && !strings.HasPrefix(b.Target, "https://") {
		if !strings.Contains(b.Target, ".") || g.addr.IsLocalHost(b.Target) {
			return b, account, fail(BadRequest, "give an address like alice@mast.social, or a domain like mast.social")
		}
		return b, account, nil
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
	a, err := g.findAccountOf(ctx, cleanHandle(who))
	if err == nil {
		return Identity{Name: a.Name, Handle: a.Acct, JID: a.JID, URI: a.URI, URL: g.pageOf(a), State: string(a.State)}, nil
	}
	r, err := g.findActor(ctx, who)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Name: r.Name, Handle: r.Acct, JID: r.JID, URI: r.URI, URL: r.URL, State: "remote " + r.Type}, nil
}

// findAccountOf finds a user of ours by handle, JID or URL, whatever its state.
func (g *Gateway) findAccountOf(ctx context.Context, name string) (a cache.Account, err error) {
	if g.addr.IsLocalURL(name) {
		err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
			a, err = g.resolver().Account(tx, name)
			return err
		})
		return a, err
	}
	jid, node, err := g.addr.ParseHandle(name)
	if errors.Is(err, translate.ErrHashed) {
		err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
			jid, node, err = tx.Handle(name)
			return err
		})
	}
	if err != nil {
		jid, node = name, ""
	}
	return g.accountOf(ctx, stanza.JID(jid), node)
}

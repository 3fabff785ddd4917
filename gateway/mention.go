package gateway

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// mentionsMost bounds the handles of one post that are looked up.
const mentionsMost = 20

// resolveMentions gives the mentions of a post their actors: the @user@host
// of its text, and those that were references.
func (g *Gateway) resolveMentions(ctx context.Context, p translate.Post) []translate.Mention {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var out []translate.Mention
	seen := map[string]bool{}
	for _, m := range p.Mentions[:min(len(p.Mentions), mentionsMost)] {
		who, err := g.mentioned(ctx, m.Actor)
		if err != nil {
			g.log.Info("mention not resolved", "handle", m.Handle, "jid", m.JID, "error", err)
			continue
		}
		if who.URI == "" || seen[who.URI] {
			continue
		}
		seen[who.URI] = true
		if m.Text == "" && m.Handle != "" {
			m.Text = "@" + m.Handle
		}
		out = append(out, translate.Mention{Actor: who, Text: m.Text})
	}
	return out
}

// withJIDs gives mentions the addresses by which XMPP knows who is meant: those of
// our users, and of actors at the gateway.
func (g *Gateway) withJIDs(tx *cache.Tx, mentions []translate.Mention) ([]translate.Mention, error) {
	var out []translate.Mention
	for i, m := range mentions {
		jid, err := g.jidOf(tx, m.Actor)
		if err != nil {
			return nil, err
		}
		if jid == m.JID {
			continue
		}
		if out == nil {
			out = slices.Clone(mentions)
		}
		out[i].JID = jid
	}
	if out == nil {
		return mentions, nil
	}
	return out, nil
}

// jidOf is the address of somebody who is mentioned, or "". Of who is not known
// here it is the one that the handle leads to, if that is of the actor's own host.
func (g *Gateway) jidOf(tx *cache.Tx, m translate.Actor) (string, error) {
	switch {
	case m.JID != "" || m.URI == "":
		return m.JID, nil
	case g.addr.IsLocalURL(m.URI): // what the id says: whether there is such a user is nobody's business
		return g.localJID(m.URI), nil
	}
	a, err := tx.ActorByURI(m.URI)
	if err == nil || !errors.Is(err, cache.ErrNotFound) {
		return a.JID, err
	}
	_, host, _ := strings.Cut(m.Handle, "@")
	if u, err := url.Parse(m.URI); err != nil || !strings.EqualFold(u.Host, host) {
		return "", nil
	}
	jid, err := g.addr.ActorJID(m.Handle)
	if err != nil {
		return "", nil // it cannot be written as one
	}
	return jid, nil
}

// localJID is the address that an actor's id of ours stands for, or "".
func (g *Gateway) localJID(uri string) string {
	ref, err := g.addr.ParseURL(uri)
	if err != nil || ref.Kind != translate.URLActor {
		return ""
	}
	handle, _, err := g.addr.ParseAcct(ref.Acct)
	if err != nil {
		return ""
	}
	jid, _, err := g.addr.ParseHandle(handle)
	if err != nil {
		return "" // a hash
	}
	return jid
}

// meet reads actors that are not known yet from their origins, at most
// mentionsMost of them.
func (g *Gateway) meet(ctx context.Context, uris []string) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var met sync.WaitGroup
	left := mentionsMost
	for _, uri := range uris {
		if left == 0 {
			break
		}
		if g.isActor(ctx, uri) {
			continue
		}
		left--
		met.Go(func() {
			if _, err := g.remoteByURI(ctx, uri); err != nil {
				g.log.Info("addressee not found", "actor", uri, "error", err)
			}
		})
	}
	met.Wait()
}

// mentioned finds who is meant: an actor of ours only if it publishes or follows
// openly, and a remote one by what is known of it.
func (g *Gateway) mentioned(ctx context.Context, m translate.Actor) (translate.Actor, error) {
	jid, node := stanza.JID(m.JID), ""
	switch {
	case m.URI != "" && g.addr.IsLocalURL(m.URI):
		a, err := g.accountByURI(ctx, m.URI)
		return actorOf(a), err
	case m.URI != "":
		a, err := g.remoteByURI(ctx, m.URI)
		return remoteActor(a), err
	case m.JID != "" && g.ours(jid):
		a, err := g.remoteByJID(ctx, jid)
		return remoteActor(a), err
	case m.JID == "":
		j, n, err := g.addr.ParseHandle(m.Handle)
		if errors.Is(err, translate.ErrNotOurs) {
			a, err := g.remoteByHandle(ctx, m.Handle)
			return remoteActor(a), err
		}
		if err != nil {
			return translate.Actor{}, err
		}
		jid, node = stanza.JID(j), n
	}
	a, err := g.accountOf(ctx, jid, node)
	if err != nil || a.State != cache.Linked {
		return translate.Actor{}, err
	}
	return actorOf(a), nil
}

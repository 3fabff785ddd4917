package gateway

import (
	"context"
	"errors"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// chat takes what needs no answer: messages, presence and events.
type chat struct{ g *Gateway }

// Event takes a pubsub notification.
func (c *chat) Event(ctx context.Context, e xmpp.Event) { c.g.event(ctx, e) }

// say answers a user in the gateway's own name.
func (g *Gateway) say(ctx context.Context, to stanza.JID, text string) {
	id, err := g.newID()
	if err == nil {
		err = g.link.Send(ctx, g.botMessage(to, id, text))
	}
	if err != nil {
		g.log.Info("answer not sent", "to", to, "error", err)
	}
}

// Message takes a chat message: a command for the gateway, or a direct message
// for an actor. Automatic traffic is ignored (xmpp.md 6, loops).
func (c *chat) Message(ctx context.Context, m xmpp.Message) {
	g := c.g
	if m.Type == "error" || m.Type == "headline" || m.Type == "groupchat" || !m.Delayed.IsZero() || g.ours(m.From) {
		return
	}
	if m.To.Local() == "" {
		if text := strings.TrimSpace(m.Text); text != "" && m.Encrypted == "" {
			g.say(ctx, m.From, g.obey(ctx, m.From, text))
		}
		return
	}
	if m.Text == "" && m.Retracts == "" && m.Reactions == nil && len(m.Files) == 0 && m.Encrypted == "" {
		return // chat states, markers, receipts
	}
	if err := g.direct(ctx, m); err != nil {
		g.bounce(ctx, m, err)
	}
}

// bounce tells the sender of a message why it went nowhere.
func (g *Gateway) bounce(ctx context.Context, m xmpp.Message, err error) {
	e := stanza.NewError("internal-server-error", "the message was not delivered")
	var known interface{ StanzaError() *stanza.Error }
	if errors.As(err, &known) {
		e = known.StanzaError()
	} else {
		g.log.Error("direct message", "from", m.From.Bare(), "to", m.To, "error", err)
	}
	el := stanza.New("", "message").Set("type", "error").Set("id", m.ID).Set("from", string(m.To.Bare())).Set("to", string(m.From)).Add(e.Element())
	if err := g.link.Send(ctx, el); err != nil {
		g.log.Info("error not sent", "to", m.From, "error", err)
	}
}

// direct takes a message to an actor: a new direct post, or a change of one.
func (g *Gateway) direct(ctx context.Context, m xmpp.Message) error {
	if m.Encrypted != "" {
		return &stanza.Error{Type: "modify", Condition: "not-acceptable", Text: "the fediverse cannot read encrypted messages: turn encryption off for this contact"}
	}
	account, err := g.author(ctx, m.From)
	if err != nil {
		return err
	}
	who, err := g.remoteByJID(ctx, m.To)
	if err != nil {
		return err
	}
	switch {
	case m.Retracts != "":
		return g.directRetract(ctx, account, m)
	case m.Reactions != nil:
		return g.directReact(ctx, account, m)
	}
	return g.directPost(ctx, account, who, m)
}

// messageObject finds the post that a chat message stands for.
func (g *Gateway) messageObject(tx *cache.Tx, m xmpp.Message, id string) (cache.Stored, error) {
	known, err := tx.MessageByID(id, string(m.To.Bare()), string(m.From.Bare()))
	if err != nil {
		return cache.Stored{}, err
	}
	return tx.PostByURI(known.Object, operator)
}

// directPost sends a Note to those who are addressed: the actor, and with a
// threaded reply all who were in it (design: audience).
func (g *Gateway) directPost(ctx context.Context, account cache.Account, who cache.Actor, m xmpp.Message) error {
	id := m.OriginID
	if id == "" {
		id = m.ID
	}
	if id == "" {
		var err error
		if id, err = g.newID(); err != nil {
			return err
		}
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		to := []translate.Mention{{Actor: remoteActor(who)}}
		var replyTo string
		if m.Reply != nil {
			parent, err := g.messageObject(tx, m, m.Reply.ID)
			if err == nil {
				replyTo = parent.Post.URI
				to = append(to, others(parent.Post, account, who)...)
			} else if !errors.Is(err, cache.ErrNotFound) {
				return err
			}
		} else if last, err := tx.LastMessage(string(m.To.Bare()), account.JID); err == nil && last.Origin == translate.OriginAP {
			replyTo = last.Object // the thread that peers show it in; still for this actor only
		}
		p, err := translate.FromChat(m.Raw, actorOf(account), to)
		if err != nil {
			return because(BadRequest, err, "the message cannot be read")
		}
		p.ReplyTo, p.Visibility = replyTo, translate.Direct
		if m.Replaces != "" {
			old, err := g.messageObject(tx, m, m.Replaces)
			if err != nil {
				return because(NotFound, err, "the message that this corrects is not known")
			}
			if old.Post.Owner.URI != account.URI {
				return fail(Forbidden, "that message is not yours")
			}
			p.URI, p.URL, p.ReplyTo, p.Mentions = old.Post.URI, old.Post.URL, old.Post.ReplyTo, old.Post.Mentions
		} else {
			known, err := tx.MessageByID(id, string(m.To.Bare()), account.JID)
			if err == nil && known.Object != "" {
				return nil // sent again
			}
			objectID, err := g.newID()
			if err != nil {
				return err
			}
			g.name(account, &p, objectID)
		}
		return g.submitDirect(tx, account, p, m, id)
	})
}

func (g *Gateway) submitDirect(tx *cache.Tx, account cache.Account, p translate.Post, m xmpp.Message, id string) error {
	_, _, err := g.submit(tx, submission{
		account: account, post: p, raw: stanza.Append(nil, m.Raw, ""), rawType: "application/xml",
		message: &bounce{ID: m.ID, From: string(m.From), To: string(m.To.Bare()), Receipt: m.ReceiptRequest},
	})
	if err != nil {
		return err
	}
	for _, known := range []string{id, m.ID} {
		if known == "" {
			continue
		}
		if err := tx.PutMessage(cache.Message{
			ID: known, Our: string(m.To.Bare()), User: account.JID, Object: p.URI, Origin: translate.OriginXMPP, At: g.now(),
		}); err != nil {
			return err
		}
	}
	return nil
}

// others are the people of a conversation besides the two who speak.
func others(p translate.Post, account cache.Account, who cache.Actor) []translate.Mention {
	var out []translate.Mention
	for _, m := range append([]translate.Mention{{Actor: p.Owner}}, p.Mentions...) {
		if m.URI != "" && m.URI != account.URI && m.URI != who.URI {
			out = append(out, translate.Mention{Actor: m.Actor})
		}
	}
	return out
}

// directRetract deletes a direct post (XEP-0424).
func (g *Gateway) directRetract(ctx context.Context, account cache.Account, m xmpp.Message) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := g.messageObject(tx, m, m.Retracts)
		if err != nil {
			return ignoreMissing(err)
		}
		if stored.Post.Owner.URI != account.URI {
			return fail(Forbidden, "that message is not yours")
		}
		return g.retire(tx, account, stored)
	})
}

// directReact sends the reactions to a message (XEP-0444): a heart or a thumb
// is a like.
func (g *Gateway) directReact(ctx context.Context, account cache.Account, m xmpp.Message) error {
	want := map[string]cache.ReactionKind{}
	for _, emoji := range m.Reactions.Emoji[:min(len(m.Reactions.Emoji), 16)] {
		switch strings.TrimSuffix(emoji, "\ufe0f") {
		case "❤", "♥", "👍":
			want[""] = cache.Like
		default:
			want[emoji] = cache.Emoji
		}
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		stored, err := g.messageObject(tx, m, m.Reactions.ID)
		if err != nil {
			return ignoreMissing(err)
		}
		return g.setReactions(tx, account, stored.Post, want)
	})
}

// Presence answers contacts: who adds an actor follows it, who adds the gateway
// lets it hear of their posts (xmpp.md 1.8).
func (c *chat) Presence(ctx context.Context, p xmpp.Presence) {
	g := c.g
	if g.ours(p.From) {
		return
	}
	user := p.From.Bare()
	if p.To.Local() == "" {
		g.domainPresence(ctx, p)
		return
	}
	switch p.Type {
	case xmpp.Probe:
		g.sendPresence(ctx, p.To.Bare(), p.From, g.caps)
	case xmpp.Subscribe:
		who, err := g.remoteByJID(ctx, p.To)
		if err != nil {
			g.presence(ctx, xmpp.Unsubscribed, p.To.Bare(), user)
			return
		}
		g.presence(ctx, xmpp.Subscribed, p.To.Bare(), user)
		g.sendPresence(ctx, p.To.Bare(), user, g.caps)
		if _, err := g.followActor(ctx, user, who); err != nil {
			g.say(ctx, user, "Could not follow "+handleOf(who)+": "+sayError(err))
		}
	case xmpp.Unsubscribe:
		g.presence(ctx, xmpp.Unsubscribed, p.To.Bare(), user)
		if who, err := g.remoteByJID(ctx, p.To); err == nil {
			if err := g.unfollowActor(ctx, user, who); err != nil && !isKind(err, NotFound) {
				g.log.Info("unfollow by presence", "user", user, "error", err)
			}
		}
	case xmpp.Subscribed, xmpp.Unsubscribed:
		g.presenceDecision(ctx, p)
	}
}

// presenceDecision is the answer of the owner of a locked account.
func (g *Gateway) presenceDecision(ctx context.Context, p xmpp.Presence) {
	account, err := g.accountOf(ctx, p.From, "")
	if err != nil {
		return
	}
	who, err := g.remoteByJID(ctx, p.To)
	if err != nil {
		return
	}
	if err := g.decide(ctx, account, who, p.Type == xmpp.Subscribed); err != nil && !isKind(err, NotFound) {
		g.log.Error("decide on a follower", "account", account.Acct, "error", err)
	}
}

// domainPresence is about the gateway itself.
func (g *Gateway) domainPresence(ctx context.Context, p xmpp.Presence) {
	us, user := p.To.Bare(), p.From.Bare()
	account, err := g.accountOf(ctx, user, "")
	linked := err == nil && account.State == cache.Linked
	switch p.Type {
	case xmpp.Subscribe:
		g.presence(ctx, xmpp.Subscribed, us, user)
		g.sendPresence(ctx, us, user, g.domain)
		if linked {
			g.presence(ctx, xmpp.Subscribe, us, user)
		}
	case xmpp.Subscribed:
		if linked {
			g.reached(ctx, account, func(r *cache.Reach) { r.Rung = rungNotify })
			g.sendPresence(ctx, us, user, g.domain)
		}
	case xmpp.Unsubscribe:
		g.presence(ctx, xmpp.Unsubscribed, us, user)
	case xmpp.Probe:
		g.sendPresence(ctx, us, p.From, g.domain)
	case xmpp.Available:
		if linked && g.now().Sub(account.Reach.Pull) > pullEvery {
			g.pull(ctx, account)
		}
	}
}

func (g *Gateway) presence(ctx context.Context, kind string, from, to stanza.JID) {
	p := xmpp.Presence{Type: kind}
	p.From, p.To = from, to
	if err := g.link.Send(ctx, p.Element()); err != nil {
		g.log.Info("send presence", "to", to, "error", err)
	}
}

// askPresence asks a user to let the gateway hear of their posts (rung 2).
func (g *Gateway) askPresence(ctx context.Context, a cache.Account) {
	if a.Node != "" {
		return
	}
	p := xmpp.Presence{Type: xmpp.Subscribe, Nick: "Fediverse gateway", Status: "so that your posts reach the fediverse at once"}
	p.From, p.To = stanza.JID(g.addr.Component()), stanza.JID(a.JID)
	if err := g.link.Send(ctx, p.Element()); err != nil {
		g.log.Info("ask for presence", "account", a.Acct, "error", err)
	}
}

// sayError is an error for people.
func sayError(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Text
	}
	return "something went wrong here; try again later"
}


package gateway

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// direct takes a message to an actor: a new direct post, or a change of one.
func (g *Gateway) direct(ctx context.Context, m xmpp.Message) error {
	account, err := g.author(ctx, m.From)
	if err != nil {
		return err
	}
	who, err := g.remoteByJID(ctx, m.To)
	if err != nil {
		return err
	}
	d := dispatch{account: account, who: who, Message: m}
	if m.Reply != nil {
		if err := g.meetOthers(ctx, d); err != nil {
			return err
		}
	}
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		tx.Durable()
		if blocked, err := anyBlock(tx, account.URI, who.URI); err != nil || blocked {
			return errOr(err, fail(Forbidden, "%s cannot be written to", handleOf(who)))
		}
		switch {
		case m.Retracts != "":
			return g.directRetract(tx, d)
		case m.Reactions != nil:
			return g.directReact(tx, d)
		case m.Replaces != "":
			return g.directCorrect(tx, d)
		}
		return g.directPost(tx, d)
	})
}

// meetOthers reads those in a conversation who are not known yet from their
// origins, so that an answer reaches them.
func (g *Gateway) meetOthers(ctx context.Context, d dispatch) error {
	var uris []string
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		_, others, err := g.conversation(tx, d)
		for _, m := range others {
			uris = append(uris, m.URI)
		}
		return err
	})
	if err == nil {
		g.meet(ctx, uris)
	}
	return err
}

// anyBlock tells whether one of two actors blocks the other.
func anyBlock(tx *cache.Tx, one, other string) (bool, error) {
	blocked, err := tx.Blocked(one, other)
	if err != nil || blocked {
		return blocked, err
	}
	return tx.Blocked(other, one)
}

// dispatch is a message of an account to an actor.
type dispatch struct {
	account cache.Account
	who     cache.Actor
	xmpp.Message
}

// ids are the ids by which the message may be named later; the first is what
// clients use for relations (XEP-0359, XEP-0461).
func (d dispatch) ids() []string {
	var out []string
	for _, id := range []string{d.OriginID, d.ID} {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// bounce is whom to tell when the message does not arrive.
func (d dispatch) bounce() *bounce {
	return &bounce{ID: d.ID, From: string(d.From), To: string(d.To.Bare()), Receipt: d.ReceiptRequest}
}

// object finds the post that a chat message between the two stands for.
func (d dispatch) object(tx *cache.Tx, id string) (cache.Stored, error) {
	known, err := tx.MessageByID(id, string(d.To.Bare()), d.account.JID)
	if err != nil {
		return cache.Stored{}, err
	}
	return tx.PostByURI(known.Object, operator)
}

// own finds a post of the account itself that a message names.
func (d dispatch) own(tx *cache.Tx, id string) (cache.Stored, error) {
	stored, err := d.object(tx, id)
	if errors.Is(err, cache.ErrNotFound) || errors.Is(err, cache.ErrGone) {
		return stored, because(NotFound, err, "that message is not known here")
	}
	if err == nil && stored.Post.Owner.URI != d.account.URI {
		return stored, fail(Forbidden, "that message is not yours")
	}
	return stored, err
}

// directPost sends a Note to those who are addressed: the actor, and with a
// threaded reply all who were in it (design: what crosses).
func (g *Gateway) directPost(tx *cache.Tx, d dispatch) error {
	for _, id := range d.ids() {
		if known, err := tx.MessageByID(id, string(d.To.Bare()), d.account.JID); err == nil && known.Origin == translate.OriginXMPP {
			return nil // sent again
		} else if err != nil && !errors.Is(err, cache.ErrNotFound) {
			return err
		}
	}
	to := []translate.Mention{mentionOf(remoteActor(d.who))}
	replyTo, others, err := g.conversation(tx, d)
	if err != nil {
		return err
	}
	others, err = g.reachable(tx, d, others)
	if err != nil {
		return err
	}
	p, err := translate.FromChat(d.Raw, actorOf(d.account), append(to, others...))
	if err != nil {
		return because(BadRequest, err, "the message is empty")
	}
	id, err := g.newID()
	if err != nil {
		return err
	}
	p.ReplyTo = replyTo
	g.name(d.account, &p, id)
	return g.submitDirect(tx, d, p)
}

// reachable are those of a conversation to whom something can be sent. The
// sender is told of the others.
func (g *Gateway) reachable(tx *cache.Tx, d dispatch, others []translate.Mention) (reached []translate.Mention, err error) {
	var lost []string
	for _, m := range others {
		known := g.addr.IsLocalURL(m.URI)
		if !known {
			_, err := tx.ActorByURI(m.URI)
			if ignoreMissing(err) != nil {
				return nil, err
			}
			known = err == nil
		}
		blocked, err := tx.Blocked(d.account.URI, m.URI)
		if err != nil {
			return nil, err
		}
		if known && !blocked {
			reached = append(reached, m)
		} else {
			lost = append(lost, cmp.Or(m.Handle, m.URI))
		}
	}
	if len(lost) == 0 {
		return reached, nil
	}
	return reached, tx.Enqueue(g.messageJob(messageWork{
		Bounce: d.bounce(), Condition: "remote-server-not-found",
		Notice: "The message did not go to " + strings.Join(lost, ", ") + ": they cannot be reached from here. The others get it.",
	}))
}

// conversation is what a message answers, and who besides the actor reads the
// answer. Without a named message it is only for the actor, whatever was said
// before; that it goes on from there keeps the thread together at the peer.
func (g *Gateway) conversation(tx *cache.Tx, d dispatch) (replyTo string, others []translate.Mention, err error) {
	if d.Reply != nil {
		parent, err := d.object(tx, d.Reply.ID)
		if err != nil {
			return "", nil, ignoreMissing(err)
		}
		others, err = g.participants(tx, d, parent.Post)
		return parent.Post.URI, others, err
	}
	last, err := tx.LastMessage(string(d.To.Bare()), d.account.JID)
	if err != nil {
		return "", nil, ignoreMissing(err)
	}
	parent, err := tx.PostByURI(last.Object, operator)
	if err != nil || parent.Post.Visibility != translate.Direct {
		return "", nil, ignoreMissing(err)
	}
	// Whoever is not in it must not learn of it.
	people, err := g.participants(tx, d, parent.Post)
	if err != nil || len(people) > 0 {
		return "", nil, err
	}
	return parent.Post.URI, nil, nil
}

// participants are the people of a post besides the two who speak.
func (g *Gateway) participants(tx *cache.Tx, d dispatch, p translate.Post) ([]translate.Mention, error) {
	var out []translate.Mention
	seen := map[string]bool{d.account.URI: true, d.who.URI: true}
	add := func(a translate.Actor) {
		if a.URI != "" && !seen[a.URI] {
			seen[a.URI] = true
			out = append(out, mentionOf(a))
		}
	}
	add(p.Owner)
	if p.Visibility != translate.Direct {
		for _, m := range p.Mentions {
			add(m.Actor)
		}
		return out, nil
	}
	for _, uri := range slices.Concat(p.To, p.Cc) {
		who, err := g.addressee(tx, p, uri)
		if err != nil {
			return nil, err
		}
		add(who)
	}
	return out, nil
}

// addressee is who a URI in the audience of a direct post stands for, as far as
// that is known.
func (g *Gateway) addressee(tx *cache.Tx, p translate.Post, uri string) (translate.Actor, error) {
	a, err := tx.ActorByURI(uri)
	if err == nil {
		return remoteActor(a), nil
	}
	if errors.Is(err, cache.ErrNotFound) {
		var ours cache.Account
		if ours, err = tx.AccountByURI(uri); err == nil {
			return actorOf(ours), nil
		}
	}
	if i := slices.IndexFunc(p.Mentions, func(m translate.Mention) bool { return m.URI == uri }); i >= 0 {
		return p.Mentions[i].Actor, ignoreMissing(err)
	}
	return translate.Actor{URI: uri}, ignoreMissing(err)
}

func mentionOf(a translate.Actor) translate.Mention {
	m := translate.Mention{Actor: a}
	if a.Handle != "" {
		m.Text = "@" + a.Handle
	}
	return m
}

// directCorrect sends the Update of a direct post (XEP-0308).
func (g *Gateway) directCorrect(tx *cache.Tx, d dispatch) error {
	old, err := d.own(tx, d.Replaces)
	if err != nil {
		return err
	}
	o := old.Post
	p, err := translate.FromChat(d.Raw, actorOf(d.account), o.Mentions)
	if err != nil {
		return because(BadRequest, err, "the message is empty")
	}
	p.URI, p.URL, p.Kind, p.ReplyTo, p.Thread, p.Published = o.URI, o.URL, o.Kind, o.ReplyTo, o.Thread, o.Published
	if p.Updated = g.now(); !p.Updated.After(o.Updated) {
		p.Updated = o.Updated.Add(time.Second)
	}
	return g.submitDirect(tx, d, p)
}

// submitDirect stores and sends a direct post, and notes by which ids it is
// known. Those in it who are users of ours get it as a message.
func (g *Gateway) submitDirect(tx *cache.Tx, d dispatch, p translate.Post) error {
	p.Visibility = translate.Direct
	p, change, err := g.submit(tx, submission{
		account: d.account, post: p, raw: stanza.Append(nil, d.Raw, ""), rawType: "application/xmpp+xml",
		message: d.bounce(),
	})
	if err != nil {
		return err
	}
	for _, id := range d.ids() {
		err := tx.PutMessage(cache.Message{
			ID: id, Our: string(d.To.Bare()), User: d.account.JID, Object: p.URI,
			Origin: translate.OriginXMPP, Thread: d.Thread, At: g.now(),
		})
		if err != nil && !errors.Is(err, cache.ErrConflict) {
			return err
		}
	}
	if change == cache.Same {
		return nil
	}
	return g.tellLocals(tx, d, p, change == cache.Updated)
}

// tellLocals tells users of ours of a direct post to a group that they are in.
// It comes from the gateway, since nobody speaks for another XMPP user.
func (g *Gateway) tellLocals(tx *cache.Tx, d dispatch, p translate.Post, edit bool) error {
	for _, m := range p.Mentions {
		if m.URI == d.account.URI || !g.addr.IsLocalURL(m.URI) {
			continue
		}
		account, err := tx.AccountByURI(m.URI)
		if err != nil || account.State == cache.Unlinked {
			if ignoreMissing(err) != nil {
				return err
			}
			continue
		}
		verb := " wrote to you and "
		if edit {
			verb = " corrected a message to you and "
		}
		text := p.Text
		if warning := p.WarningLine(); warning != "" {
			text = warning + "\n\n" + text
		}
		text = d.account.Acct + verb + handleOf(d.who) + ":\n" + text
		if err := tx.Enqueue(g.botJob(account.JID, text)); err != nil {
			return err
		}
	}
	return nil
}

// directRetract deletes a direct post (XEP-0424).
func (g *Gateway) directRetract(tx *cache.Tx, d dispatch) error {
	stored, err := d.own(tx, d.Retracts)
	if isKind(err, NotFound) {
		return nil // it is gone, which is what was wanted
	}
	if err != nil {
		return err
	}
	return g.retire(tx, d.account, stored)
}

// directReact sends the reactions to a message (XEP-0444): a heart or a thumb
// is a like.
func (g *Gateway) directReact(tx *cache.Tx, d dispatch) error {
	stored, err := d.object(tx, d.Reactions.ID)
	if err != nil {
		return ignoreMissing(err)
	}
	return g.setReactions(tx, d.account, stored.Post, reactionsOf(emojisOf(d.Reactions)))
}

// emojisOf are the reactions of a message as attachments.
func emojisOf(r *xmpp.Reactions) (said translate.Attachments) {
	for _, emoji := range r.Emoji {
		if translate.IsEmoji(emoji) && len(said.Reactions) < translate.MaxReactions {
			said.Reactions = append(said.Reactions, emoji)
		}
	}
	return said
}

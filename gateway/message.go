package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// messageWork is the payload of jobMessage: something for one of our users
// alone.
type messageWork struct {
	URI  string `json:"uri,omitempty"` // a post that only its readers get
	To   string `json:"to,omitempty"`  // URI of the account
	Edit bool   `json:"edit,omitempty"`

	User    string `json:"user,omitempty"` // of a retract or a notice
	Our     string `json:"our,omitempty"`
	Retract string `json:"retract,omitempty"` // id of the message to take back
	Notice  string `json:"notice,omitempty"`  // from the gateway itself
	Ref     string `json:"ref,omitempty"`     // xmpp: URI of what the notice is about

	Bounce    *bounce `json:"bounce,omitempty"`    // a message that was not delivered; Notice says why, and
	Condition string  `json:"condition,omitempty"` // what kind of error it is
	Received  bool    `json:"received,omitempty"`  // or it was, which its sender asked to know (XEP-0184)
}

func (g *Gateway) messageJob(w messageWork) cache.Job {
	now := g.now()
	note := "message about " + w.URI
	switch {
	case w.Bounce != nil:
		w.User = w.Bounce.From
		note = "error for a message of " + w.User
		if w.Received {
			note = "receipt for a message of " + w.User
		}
	case w.Notice != "":
		note = "notice to " + w.User
	}
	return cache.Job{
		Kind: jobMessage, Lane: "message " + w.To + w.User, RunAt: now, CreatedAt: now, ExpiresAt: now.Add(jobLife),
		Note: note, Payload: payload(w),
	}
}

// botJob is a message from the gateway itself to a user.
func (g *Gateway) botJob(jid, text string) cache.Job {
	return g.messageJob(messageWork{User: jid, Our: g.addr.Component(), Notice: text})
}

// noticeJob tells a user what happened with a post (XEP-0372).
func (g *Gateway) noticeJob(jid, text string, p translate.Post) cache.Job {
	return g.messageJob(messageWork{URI: p.URI, User: jid, Our: g.addr.Component(), Notice: text, Ref: refOf(p)})
}

// refOf is the address of a post in XMPP, if it has one.
func refOf(p translate.Post) string {
	if p.Item == nil {
		return ""
	}
	return translate.PubSubURI(p.Item.Service, p.Item.Node, p.Item.ID)
}

// notice tells a user something, and notes first of which post it is: they may
// answer at once.
func (g *Gateway) notice(ctx context.Context, w messageWork, id string) error {
	if w.URI != "" {
		n := cache.Notice{User: w.User, ID: id, Object: w.URI, Text: w.Notice, At: g.now()}
		if err := g.store.Update(ctx, func(tx *cache.Tx) error { return tx.PutNotice(n) }); err != nil {
			return err
		}
	}
	return g.link.Deliver(ctx, g.noticeMessage(w, id))
}

// noticeMessage is a message from the gateway itself, with what it is about.
func (g *Gateway) noticeMessage(w messageWork, id string) *stanza.Element {
	el := g.botMessage(stanza.JID(w.User), id, w.Notice)
	if w.Ref != "" {
		el.Add(stanza.New(stanza.NSReference, "reference").Set("type", "mention").Set("uri", translate.JIDURI(w.User)).Set("anchor", w.Ref))
	}
	return el
}

// botMessage is a chat message from the gateway's own address.
func (g *Gateway) botMessage(to stanza.JID, id, text string) *stanza.Element {
	m := xmpp.Message{ID: id, OriginID: id, Type: "chat", Body: text}
	m.From, m.To = stanza.JID(g.addr.Component()), to
	return m.Element()
}

// runMessage sends a chat message, under the same id at every attempt.
func (g *Gateway) runMessage(ctx context.Context, j cache.Job) error {
	w, err := decode[messageWork](j)
	if err != nil {
		return err
	}
	switch {
	case w.Received:
		// As the message was, so that it reaches other clients of the user if the
		// one that asked is gone; archives keep it if they are told to.
		m := xmpp.Message{ID: stanzaID(j), Type: "chat", Received: w.Bounce.ID, Hints: []string{"store"}}
		m.From, m.To = stanza.JID(w.Bounce.To), stanza.JID(w.Bounce.From)
		return g.link.Deliver(ctx, m.Element())
	case w.Bounce != nil:
		el := stanza.New("", "message").Set("type", "error").Set("id", w.Bounce.ID).
			Set("from", w.Bounce.To).Set("to", w.Bounce.From)
		return g.link.Deliver(ctx, el.Add(stanza.NewError(w.Condition, w.Notice).Element()))
	case w.Notice != "":
		return g.notice(ctx, w, stanzaID(j))
	case w.Retract != "":
		m := xmpp.Message{ID: stanzaID(j), Type: "chat", Retracts: w.Retract}
		m.From, m.To = stanza.JID(w.Our), stanza.JID(w.User)
		return g.link.Deliver(ctx, m.Element())
	}
	return g.privatePost(ctx, w)
}

// privatePost sends a post that is not for everybody to one reader, as chat
// from its author (design: audience).
func (g *Gateway) privatePost(ctx context.Context, w messageWork) error {
	var p translate.Post
	var to cache.Account
	var known []cache.Message
	err := g.store.View(ctx, func(tx *cache.Tx) error {
		stored, err := tx.PostByURI(w.URI, cache.Viewer{Actor: w.To})
		if err != nil {
			return err
		}
		p = stored.Post
		if p.Mentions, err = g.withJIDs(tx, p.Mentions); err != nil {
			return err
		}
		if to, err = tx.AccountByURI(w.To); err != nil {
			return err
		}
		known, err = tx.MessagesByObject(w.URI)
		return err
	})
	if err != nil {
		return ignoreMissing(err)
	}
	if to.State == cache.Unlinked {
		return nil
	}
	ids, els := g.privateMessages(p, to, func(id string) bool {
		return w.Edit && slices.ContainsFunc(known, func(m cache.Message) bool { return m.ID == id && m.User == to.JID })
	})
	if !w.Edit {
		if err := g.rememberMessages(ctx, ids, p, to); err != nil {
			return err
		}
		return g.link.Deliver(ctx, els...)
	}
	// What an edit adds is known as soon as it is there: what is known is not sent
	// again.
	if err := g.link.Deliver(ctx, els...); err != nil {
		return err
	}
	return g.rememberMessages(ctx, ids, p, to)
}

// privateMessages are the messages that a post is to one reader, and their ids:
// its text, and a message for each picture. What the reader had before is
// corrected, if it is the text (XEP-0308: a correction has an id of its own).
func (g *Gateway) privateMessages(p translate.Post, to cache.Account, had func(id string) bool) (ids []string, els []*stanza.Element) {
	first := translate.ItemIDForRemote(g.itemKey, "message "+p.URI+" "+to.URI)
	for i, part := range translate.ChatParts(p) {
		id := first
		if i > 0 {
			id += "-" + translate.ItemIDForRemote(g.itemKey, part.Body)[:8]
		}
		m := xmpp.Message{ID: id, Type: "chat", Body: part.Body, Thread: p.Thread}
		switch {
		case had(id) && i > 0:
			continue
		case had(id):
			m.Replaces, m.ID = id, fmt.Sprintf("%s-e%d", id, p.Updated.Unix())
		}
		m.OriginID = m.ID
		m.From, m.To = stanza.JID(p.Owner.JID), stanza.JID(to.JID)
		ids, els = append(ids, id), append(els, m.Element().Add(part.Payload...))
	}
	return ids, els
}

// rememberMessages notes by which ids a post is known to a reader: its pictures
// are messages of their own, which can be answered and are taken back with it.
func (g *Gateway) rememberMessages(ctx context.Context, ids []string, p translate.Post, to cache.Account) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		for _, id := range ids {
			err := tx.PutMessage(cache.Message{
				ID: id, Our: p.Owner.JID, User: to.JID, Object: p.URI, Origin: translate.OriginAP, Thread: p.Thread, At: g.now(),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// profileWork is the payload of jobProfile.
type profileWork struct {
	Actor string `json:"actor"`
}

// profileJob pushes a changed profile to those who see it, once for changes
// that follow each other.
func (g *Gateway) profileJob(uri string) cache.Job {
	now := g.now()
	return cache.Job{
		Kind: jobProfile, Lane: "profile " + uri, RunAt: now.Add(2 * time.Second), CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
		Note: "push the profile of " + uri, Payload: payload(profileWork{Actor: uri}),
	}
}

// runProfile pushes the profile of a remote actor to its followers here, or
// that of an account of ours to its followers there.
func (g *Gateway) runProfile(ctx context.Context, j cache.Job) error {
	w, err := decode[profileWork](j)
	if err != nil {
		return err
	}
	if g.addr.IsLocalURL(w.Actor) {
		return ignoreMissing(g.sendProfile(ctx, w.Actor))
	}
	var to []stanza.JID
	var actor cache.Actor
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if actor, err = tx.ActorByURI(w.Actor); err != nil {
			return err
		}
		follows, err := tx.FollowersOf(w.Actor, cache.FollowAccepted, 0, 5000)
		for _, f := range follows {
			jid, err := g.follower(tx, f, w.Actor)
			if err != nil {
				return err
			}
			if jid != "" {
				to = append(to, jid)
			}
		}
		return err
	})
	if err != nil || len(to) == 0 {
		return ignoreMissing(err)
	}
	events := profileEvents(actor, g.profileOf(ctx, actor, true))
	for _, jid := range to {
		for i, e := range events {
			if err := g.link.Send(ctx, xmpp.EventMessage(stanza.JID(actor.JID), jid, fmt.Sprintf("%s-%d", stanzaID(j), i), e)); err != nil {
				return err
			}
		}
	}
	return nil
}

// profileEvents say who an actor is. Nothing is said about a picture that could
// not be had.
func profileEvents(a cache.Actor, p xmpp.Profile) []*stanza.Element {
	events := []*stanza.Element{
		xmpp.EventItems(stanza.NodeVCard4, xmpp.Item{ID: "current", Payload: p.VCard4()}),
		xmpp.EventItems(stanza.NSNick, xmpp.Item{ID: "current", Payload: p.NickElement()}),
	}
	switch {
	case len(p.Photo) > 0:
		events = append(events, xmpp.EventItems(stanza.NSAvatarMeta, xmpp.Item{ID: p.PhotoID(), Payload: p.AvatarMetadata()}))
	case a.IconURL == "": // there is none any more (XEP-0084 §4.2.2)
		events = append(events, xmpp.EventItems(stanza.NSAvatarMeta, xmpp.Item{ID: "current", Payload: p.AvatarMetadata()}))
	}
	return events
}

// introduce tells a new contact of an actor its name and face: clients for chat
// look for them in presences and in events only.
func (g *Gateway) introduce(ctx context.Context, a cache.Actor, to stanza.JID, status string) {
	p := g.profileOf(ctx, a, true)
	from := stanza.JID(a.JID)
	var els []*stanza.Element
	if len(p.Photo) > 0 {
		photo := p.PhotoID()
		face := xmpp.Presence{Photo: &photo, Status: status}
		face.From, face.To = from, to
		els = append(els, face.Element().Add(g.caps.Element()))
	}
	for i, e := range profileEvents(a, p) {
		els = append(els, xmpp.EventMessage(from, to, fmt.Sprintf("%s-%d", hashOf(a.JID)[:16], i), e))
	}
	for _, el := range els {
		if err := g.link.Send(ctx, el); err != nil {
			g.log.Info("introduce an actor", "actor", a.URI, "error", err)
			return
		}
	}
}

// sendProfile sends the whole profile of an account as one Update (V3).
func (g *Gateway) sendProfile(ctx context.Context, uri string) error {
	account, err := g.accountByURI(ctx, uri)
	if err != nil || account.State != cache.Linked {
		var e *Error
		if errors.As(err, &e) {
			return nil
		}
		return err
	}
	doc := g.actorDocument(account)
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		return g.send(tx, outgoing{
			sender: account, act: *translate.UpdateActor("", doc), object: account.URI, followers: true,
		})
	})
}

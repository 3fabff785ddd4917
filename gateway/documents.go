package gateway

import (
	"context"
	"errors"
	"html"

	"github.com/go-json-experiment/json/jsontext"

	"isthmus/ap"
	"isthmus/ap/as2"
	"isthmus/cache"
	"isthmus/translate"
)

// Backend is what the ActivityPub server asks.
func (g *Gateway) Backend() ap.Backend { return &backend{g} }

// backend answers for the ids that the gateway gave out. It reads the store
// only, so that our actors can be fetched while our own POSTs are open.
type backend struct{ *Gateway }

// Actor gives an actor. One that left is gone, one that is paused is not there.
func (b *backend) Actor(ctx context.Context, q ap.Lookup) (any, error) {
	a, err := b.findAccount(ctx, q.Acct)
	if q.Page && isKind(err, Gone) {
		if now, ok := b.livesOn(ctx, a); ok {
			a, err = now, nil
		}
	}
	if isKind(err, Gone) {
		return &as2.Tombstone{Context: as2.ContextAS2, ID: a.URI, Type: as2.TypeTombstone, FormerType: actorType(a)}, err
	}
	if err != nil {
		return nil, err
	}
	doc := b.actorDocument(a)
	if q.KeyOnly {
		return &as2.Actor{
			Context: doc.Context, ID: doc.ID, Type: doc.Type, PreferredUsername: doc.PreferredUsername,
			Inbox: doc.Inbox, Outbox: doc.Outbox, PublicKey: doc.PublicKey, Tag: []as2.Tag{}, Attachment: []as2.PropertyValue{},
		}, nil
	}
	return doc, nil
}

// findAccount is account, which in consent mode "open" also makes the accounts
// of users whose node everybody can read.
func (g *Gateway) findAccount(ctx context.Context, acct string) (cache.Account, error) {
	a, err := g.account(ctx, acct)
	if !g.openable(a, err) {
		return a, err
	}
	jid, node, parseErr := g.addr.ParseHandle(acct)
	if parseErr != nil {
		return a, err
	}
	return g.orOpened(ctx, a, err, jid, node)
}

// actorDocument is an account as the fediverse sees it (A1-A17).
func (g *Gateway) actorDocument(a cache.Account) *as2.Actor {
	acct := acctOf(a)
	host := g.hostOf(a)
	user, _, _ := cutHandle(a.Acct)
	doc := &as2.Actor{
		Context: as2.ContextActor, ID: a.URI, Type: actorType(a), PreferredUsername: user, Webfinger: a.Acct,
		Name: a.Name, Summary: a.Summary, URL: g.pageOf(a), Published: wire(a.CreatedAt), Updated: wire(a.UpdatedAt),
		Inbox: g.addr.Inbox(acct), Outbox: g.addr.Outbox(acct), Followers: g.addr.Followers(acct),
		Following: g.addr.Following(acct), Featured: g.addr.Featured(acct),
		Endpoints:                 &as2.Endpoints{SharedInbox: g.addr.SharedInbox(host)},
		ManuallyApprovesFollowers: a.ManuallyApproves, Discoverable: a.Discoverable && a.State == cache.Linked,
		Indexable: a.Indexable, Attachment: []as2.PropertyValue{},
		Tag:       []as2.Tag{{Type: as2.TypeLink, Rel: "canonical", Href: translate.PubSubURI(a.JID, feedNode(a), "")}}, // FEP-fffd, BR-5
		PublicKey: &as2.Key{ID: g.addr.KeyID(a.URI), Owner: a.URI, PublicKeyPEM: a.PublicKeyPEM},
	}
	if a.IconURL != "" {
		doc.Icon = &as2.Image{Type: as2.TypeImage, MediaType: a.IconType, URL: a.IconURL}
	}
	if a.ImageURL != "" {
		doc.Image = &as2.Image{Type: as2.TypeImage, URL: a.ImageURL}
	}
	doc.Attachment = append(doc.Attachment, as2.PropertyValue{
		Type: as2.TypePropertyValue, Name: "XMPP",
		Value: `<a href="` + html.EscapeString(doc.URL) + `" rel="me">` + html.EscapeString(a.JID) + `</a>`,
	})
	for _, f := range a.Fields {
		doc.Attachment = append(doc.Attachment, as2.PropertyValue{Type: as2.TypePropertyValue, Name: f.Name, Value: f.Value})
	}
	return doc
}

// actorType is the type of an account: nodes are run by software (A17).
func actorType(a cache.Account) string {
	if a.Kind == cache.Node {
		return as2.TypeService
	}
	return as2.TypePerson
}

func cutHandle(handle string) (user, host string, ok bool) {
	for i := len(handle) - 1; i >= 0; i-- {
		if handle[i] == '@' {
			return handle[:i], handle[i+1:], true
		}
	}
	return handle, "", false
}

// InstanceActor gives the gateway's own actor on a host (I4, A16).
func (b *backend) InstanceActor(ctx context.Context, host string) (any, error) {
	id := b.addr.Instance(host)
	if id == "" {
		return nil, fail(NotFound, "no such host here")
	}
	_, public, err := b.keys.instance(ctx, host)
	if err != nil {
		return nil, because(Temporary, err, "try again later")
	}
	user, _, _ := cutHandle(b.addr.InstanceHandle(host))
	return &as2.Actor{
		Context: as2.ContextActor, ID: id, Type: as2.TypeApplication, PreferredUsername: user,
		Webfinger: b.addr.InstanceHandle(host), Name: host, Summary: "<p>The gateway between XMPP and the fediverse.</p>",
		Inbox: b.addr.SharedInbox(host), Outbox: id + "/outbox", Endpoints: &as2.Endpoints{SharedInbox: b.addr.SharedInbox(host)},
		ManuallyApprovesFollowers: true, Tag: []as2.Tag{}, Attachment: []as2.PropertyValue{},
		PublicKey: &as2.Key{ID: b.addr.KeyID(id), Owner: id, PublicKeyPEM: public},
	}, nil
}

// Object gives a post of an account to those who may see it; to others it is
// not there (SEC-25).
func (b *backend) Object(ctx context.Context, q ap.Lookup) (any, error) {
	return b.ofPost(ctx, q, b.objectDocument)
}

// Creation gives the Create of a post, or the Announce that a boost is, as the
// outbox lists it, to those who may see the post.
func (b *backend) Creation(ctx context.Context, q ap.Lookup) (any, error) {
	return b.ofPost(ctx, q, b.createdBy)
}

// ofPost gives a document of a post.
func (b *backend) ofPost(ctx context.Context, q ap.Lookup, document func(cache.Account, translate.Post) any) (any, error) {
	a, err := b.account(ctx, q.Acct)
	if err != nil && !isKind(err, Gone) {
		return nil, err
	}
	var doc any
	err = b.store.View(ctx, func(tx *cache.Tx) error {
		p, err := postOrGone(tx, b.addr.ItemURL(acctOf(a), q.ID), cache.Viewer{Actor: q.Viewer})
		switch {
		case err == nil:
			doc = document(a, p)
		case errors.Is(err, cache.ErrGone):
			doc = translate.Tombstone(p)
		}
		return err
	})
	return doc, storeError(err)
}

// postOrGone reads a post that the viewer may see. ErrGone means that it was
// deleted and that everybody could see it; then URI and kind are given. Whatever
// else is missing was never there, as far as others can tell (SEC-25).
func postOrGone(tx *cache.Tx, uri string, v cache.Viewer) (translate.Post, error) {
	stored, err := tx.PostByURI(uri, v)
	if !errors.Is(err, cache.ErrNotFound) {
		return stored.Post, err
	}
	t, stoneErr := tx.Tombstone(uri)
	if stoneErr == nil && open(t.Visibility) {
		return translate.Post{URI: uri, Kind: t.Kind}, cache.ErrGone
	}
	if errors.Is(stoneErr, cache.ErrNotFound) {
		stoneErr = nil
	}
	return translate.Post{}, errOr(stoneErr, err)
}

// objectDocument is a post of an account as the fediverse sees it.
func (g *Gateway) objectDocument(a cache.Account, p translate.Post) any {
	if p.Kind == translate.KindBoost {
		return translate.Announce(p, g.addr.Followers(acctOf(a)))
	}
	note := translate.AS2Object(p, g.linksOf(acctOf(a), p))
	note.Context = as2.ContextNote
	return note
}

// Activity gives an activity that we sent to those who may see its object, and
// to whom it is about. It goes with its actor.
func (b *backend) Activity(ctx context.Context, q ap.Lookup) (any, error) {
	var raw jsontext.Value
	err := b.store.View(ctx, func(tx *cache.Tx) error {
		act, err := tx.Activity(b.addr.ActivityURL(q.Host, q.ID))
		if err != nil {
			return err
		}
		if a, err := tx.AccountByURI(act.Actor); act.Inbound || len(act.Raw) == 0 || accountError(a, err) != nil {
			return cache.ErrNotFound
		}
		raw = act.Raw
		if q.Viewer != "" && (q.Viewer == act.Object || q.Viewer == act.Actor) {
			return nil
		}
		_, err = tx.PostByURI(act.Object, cache.Viewer{Actor: q.Viewer})
		return err
	})
	if err != nil {
		return nil, storeError(err)
	}
	return raw, nil
}

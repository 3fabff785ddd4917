package gateway

import (
	"context"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// readProfile reads who a user is, from what everybody can read of them.
func (g *Gateway) readProfile(ctx context.Context, a cache.Account) {
	if a.Node != "" {
		return
	}
	from, to := g.stranger(), stanza.JID(a.JID)
	for _, node := range []string{stanza.NodeVCard4, stanza.NSNick, stanza.NSAvatarMeta} {
		payload, err := g.link.Request(ctx, xmpp.ItemsIQ(from, to, node, xmpp.ItemsQuery{MaxItems: 1}))
		if err != nil {
			continue
		}
		if items, _, err := xmpp.ParseItems(payload); err == nil && len(items) > 0 {
			g.profileItem(ctx, a, node, items[len(items)-1])
		}
	}
	if payload, err := g.link.Request(ctx, xmpp.VCardIQ(from, to)); err == nil && payload != nil {
		if p, ok := xmpp.ParseVCard(payload); ok {
			g.changeProfile(ctx, a, func(tx *cache.Tx, now *cache.Account) error { return g.fromVCard(tx, now, p, false) })
		}
	}
}

// profileEvent takes news of a user's profile.
func (g *Gateway) profileEvent(ctx context.Context, service stanza.JID, e xmpp.Event) {
	switch e.Node {
	case stanza.NodeVCard4, stanza.NSNick, stanza.NSAvatarMeta:
	default:
		return
	}
	a, err := g.accountOf(ctx, service, "")
	if err != nil || a.State != cache.Linked {
		return
	}
	for _, it := range e.Items {
		if !it.NeedsFetch() {
			g.profileItem(ctx, a, e.Node, it)
		}
	}
}

// profileItem takes one item of a profile's nodes.
func (g *Gateway) profileItem(ctx context.Context, a cache.Account, node string, it xmpp.Item) {
	switch node {
	case stanza.NSNick:
		nick := xmpp.ParseNick(it.Payload)
		g.changeProfile(ctx, a, func(_ *cache.Tx, now *cache.Account) error {
			if nick != "" {
				now.Name = nick
			}
			return nil
		})
	case stanza.NodeVCard4:
		if p, ok := xmpp.ParseVCard(it.Payload); ok {
			g.changeProfile(ctx, a, func(tx *cache.Tx, now *cache.Account) error { return g.fromVCard(tx, now, p, true) })
		}
	case stanza.NSAvatarMeta:
		g.readAvatar(ctx, a, it)
	}
}

// fromVCard takes name, note and picture of a vCard. The older format only
// fills what is empty.
func (g *Gateway) fromVCard(tx *cache.Tx, a *cache.Account, p xmpp.Profile, newer bool) error {
	if name := p.Name; name != "" && (newer || a.Name == nameOf(a.JID, a.Node)) {
		a.Name = name
	}
	if p.Note != "" && (newer || a.Summary == "") {
		a.Summary = translate.Linker{}.HTML(p.Note)
	}
	if len(p.Photo) > 0 && a.IconURL == "" {
		return g.putAvatar(tx, a, p.Photo, p.PhotoType)
	}
	return nil
}

func (g *Gateway) putAvatar(tx *cache.Tx, a *cache.Account, photo []byte, mediaType string) error {
	source := hashOf("avatar of " + a.URI + string(photo))
	id := translate.MintItemID(g.itemKey, source)
	if err := tx.PutMedia(cache.Media{ID: id, Type: mediaType, Bytes: photo, Source: source, Owner: a.URI, At: g.now()}); err != nil {
		return err
	}
	if err := tx.UseMedia(id, a.URI); err != nil {
		return err
	}
	a.IconURL, a.IconType = g.addr.MediaURL(g.hostOf(*a), id), mediaType
	return nil
}

// readAvatar fetches the picture that metadata tell of (XEP-0084).
func (g *Gateway) readAvatar(ctx context.Context, a cache.Account, it xmpp.Item) {
	list := xmpp.ParseAvatarMetadata(it.Payload)
	if len(list) == 0 {
		g.changeProfile(ctx, a, func(_ *cache.Tx, now *cache.Account) error {
			now.IconURL, now.IconType = "", ""
			return nil
		})
		return
	}
	payload, err := g.link.Request(ctx, xmpp.ItemsIQ(g.stranger(), stanza.JID(a.JID), stanza.NSAvatarData, xmpp.ItemsQuery{IDs: []string{list[0].ID}}))
	if err != nil {
		return
	}
	items, _, err := xmpp.ParseItems(payload)
	if err != nil || len(items) == 0 {
		return
	}
	photo, err := xmpp.ParseAvatarData(items[0].Payload)
	if err != nil || len(photo) == 0 || len(photo) > 1<<20 {
		return
	}
	g.changeProfile(ctx, a, func(tx *cache.Tx, now *cache.Account) error { return g.putAvatar(tx, now, photo, list[0].MediaType) })
}

// changeProfile changes an account and tells its followers, once for changes
// that follow each other (V3).
func (g *Gateway) changeProfile(ctx context.Context, a cache.Account, change func(*cache.Tx, *cache.Account) error) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		now, err := tx.AccountByURI(a.URI)
		if err != nil {
			return err
		}
		before := now
		if err := change(tx, &now); err != nil {
			return err
		}
		if now.Name == before.Name && now.Summary == before.Summary && now.IconURL == before.IconURL {
			return nil
		}
		now.UpdatedAt = g.now()
		if err := tx.PutAccount(now); err != nil {
			return err
		}
		return tx.Enqueue(g.profileJob(a.URI))
	})
	if err != nil {
		g.log.Error("change profile", "account", a.Acct, "error", err)
	}
}

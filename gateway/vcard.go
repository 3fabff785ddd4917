package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// vcards answers who an actor is.
type vcards struct{ g *Gateway }

// VCard gives the profile of an actor, or of the gateway itself.
func (v *vcards) VCard(ctx context.Context, r xmpp.Request) (xmpp.Profile, error) {
	if r.To.Local() == "" {
		return xmpp.Profile{
			Name: "Fediverse gateway", Nick: "gateway", JID: r.To,
			Note: "Joins XMPP and the fediverse. Send the word help to learn how.", URLs: []string{v.g.cfg.Domains[0].URL.String()},
		}, nil
	}
	a, err := (&pubsub{v.g}).actor(ctx, r)
	if err != nil {
		return xmpp.Profile{}, err
	}
	return v.g.profileOf(ctx, a, true), nil
}

// profileOf is the profile of a remote actor. The picture is fetched the first
// time that somebody wants it, in the time that a contact list can wait.
func (g *Gateway) profileOf(ctx context.Context, a cache.Actor, picture bool) xmpp.Profile {
	_, note := translate.Sanitize(a.Summary)
	p := xmpp.Profile{
		Name: a.Name, Nick: a.Name, Note: note, JID: stanza.JID(a.JID), Handle: a.Acct, BannerURL: a.ImageURL,
	}
	if a.URL != "" {
		p.URLs = []string{a.URL}
	}
	for _, f := range a.Fields {
		_, value := translate.Sanitize(f.Value)
		p.Fields = append(p.Fields, xmpp.ProfileField{Name: f.Name, Value: value})
	}
	if picture && a.IconURL != "" {
		p.Photo, p.PhotoType = g.picture(ctx, a)
	}
	return p
}

// picture gives the avatar of an actor, nil if it cannot be had or is too big.
func (g *Gateway) picture(ctx context.Context, a cache.Actor) ([]byte, string) {
	source := hashOf("avatar " + a.IconURL)
	var m cache.Media
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		m, err = tx.MediaBySource(source, a.URI)
		return err
	})
	if err == nil {
		return m.Bytes, m.Type
	}
	m, err = fly(ctx, g, "avatar "+a.IconURL, func(ctx context.Context) (cache.Media, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		body, _, err := g.client.Fetch(ctx, a.IconURL, "image/png, image/jpeg, image/webp, image/gif", avatarSource)
		if err != nil {
			return m, fetchError(err)
		}
		body, mediaType, err := g.draw(ctx, body)
		if err != nil {
			return m, err
		}
		m := cache.Media{ID: source[:26], Type: mediaType, Bytes: body, Source: source, Owner: a.URI, At: g.now()}
		return m, g.store.Update(ctx, func(tx *cache.Tx) error {
			if err := tx.PutMedia(m); err != nil {
				return err
			}
			_, err := tx.DropPictures(a.URI, m.ID)
			return err
		})
	})
	if err != nil {
		g.log.Debug("no avatar", "actor", a.URI, "error", err)
		return nil, ""
	}
	return m.Bytes, m.Type
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// profileItems are the items of the nodes that make up a profile.
func (g *Gateway) profileItems(ctx context.Context, a cache.Actor, node string) ([]xmpp.Item, error) {
	publisher := stanza.JID(a.JID)
	one := func(id string, payload *stanza.Element) ([]xmpp.Item, error) {
		if payload == nil {
			return nil, nil
		}
		return []xmpp.Item{{ID: id, Publisher: publisher, Payload: payload}}, nil
	}
	switch node {
	case stanza.NodeVCard4:
		return one("current", g.profileOf(ctx, a, false).VCard4())
	case stanza.NSNick:
		return one("current", g.profileOf(ctx, a, false).NickElement())
	case stanza.NodeBanner:
		return one("current", g.profileOf(ctx, a, false).Banner())
	case stanza.NSAvatarMeta, stanza.NSAvatarData:
		p := g.profileOf(ctx, a, true)
		if len(p.Photo) == 0 {
			return nil, fail(NotFound, "this actor has no avatar")
		}
		if node == stanza.NSAvatarMeta {
			return one(p.PhotoID(), p.AvatarMetadata())
		}
		return one(p.PhotoID(), p.AvatarData())
	}
	return nil, fail(NotFound, "there is no such node")
}

package gateway

import (
	"cmp"
	"context"
	"errors"
	"html"
	"net/http"
	"strings"
	"time"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// profilePause is how long a changed profile waits for further changes before
// it is sent, whole (V3).
const profilePause = 30 * time.Second

// photoMost bounds the picture of a user.
const photoMost = 1 << 20

// profileEvent takes news of a user's profile. They say what contacts may know;
// what everybody may know is read anew.
func (g *Gateway) profileEvent(ctx context.Context, service stanza.JID, e xmpp.Event) {
	switch e.Node {
	case stanza.NodeVCard4, stanza.NSNick, stanza.NSAvatarMeta:
	default:
		return
	}
	a, err := g.accountOf(ctx, service, "")
	if err == nil && a.State == cache.Linked {
		g.readProfile(ctx, a)
	}
}

func profileKey(a cache.Account) string { return "profile read " + a.URI }

// profileDue tells whether a profile was not read for long.
func (g *Gateway) profileDue(ctx context.Context, a cache.Account) bool {
	return g.since(g.noted(ctx, profileKey(a))) > profileEvery
}

// portrait is what everybody can read of a user.
type portrait struct {
	name, note string
	fields     []cache.Field
	photo      []byte
	photoType  string
	silent     bool // somebody did not answer: what is missing is not known to be gone
}

// readProfile reads who a user is, from what everybody can read of them.
func (g *Gateway) readProfile(ctx context.Context, a cache.Account) {
	if a.Node != "" {
		return
	}
	p := g.portrait(ctx, stanza.JID(a.JID))
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		if err := tx.SetMeta(profileKey(a), g.now().UTC().Format(time.RFC3339)); err != nil {
			return err
		}
		now, err := tx.AccountByURI(a.URI)
		if err != nil || now.State == cache.Unlinked {
			return err
		}
		return g.applyPortrait(tx, now, p)
	})
	if err != nil && ctx.Err() == nil {
		g.log.Error("change profile", "account", a.Acct, "error", err)
	}
}

// portrait asks all the places where profiles are kept. The newer ones count
// first.
func (g *Gateway) portrait(ctx context.Context, jid stanza.JID) portrait {
	var p portrait
	one := func(node string, q xmpp.ItemsQuery) *stanza.Element {
		items, v, _ := g.peruse(ctx, jid, node, q)
		p.silent = p.silent || v == unproven
		if len(items) == 0 {
			return nil
		}
		return items[len(items)-1].Payload
	}
	last := xmpp.ItemsQuery{MaxItems: 1}
	if v, ok := xmpp.ParseVCard(one(stanza.NodeVCard4, last)); ok {
		p.add(v)
	}
	if nick := one(stanza.NSNick, last); nick != nil && p.name == "" {
		p.name = xmpp.ParseNick(nick)
	}
	if meta := one(stanza.NSAvatarMeta, last); meta != nil {
		for _, avatar := range xmpp.ParseAvatarMetadata(meta) {
			if data := one(stanza.NSAvatarData, xmpp.ItemsQuery{IDs: []string{avatar.ID}}); data != nil && p.photo == nil {
				photo, _ := xmpp.ParseAvatarData(data)
				p.setPhoto(photo)
			}
		}
	}
	askCtx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	payload, err := g.link.Request(askCtx, xmpp.VCardIQ(g.stranger(), jid))
	if err != nil { // a server that is slow for a moment takes nobody's name away
		p.silent = p.silent || verdictOf(err) == unproven
	} else if v, ok := xmpp.ParseVCard(payload); ok {
		p.add(v)
	}
	return p
}

// add fills what is missing from a vCard.
func (p *portrait) add(v xmpp.Profile) {
	p.name = cmp.Or(p.name, v.Name, v.Nick)
	p.note = cmp.Or(p.note, v.Note)
	for _, u := range v.URLs {
		if len(p.fields) < 4 && (strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://")) {
			u = html.EscapeString(u)
			field := cache.Field{Name: "Web", Value: `<a href="` + u + `" rel="me nofollow noopener">` + u + `</a>`}
			known := false
			for _, f := range p.fields {
				known = known || f == field
			}
			if !known {
				p.fields = append(p.fields, field)
			}
		}
	}
	if p.photo == nil {
		p.setPhoto(v.Photo)
	}
}

// setPhoto takes a picture, by what its bytes are, not by what is said of them.
func (p *portrait) setPhoto(photo []byte) {
	kind := http.DetectContentType(photo)
	switch kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		if len(photo) <= photoMost {
			p.photo, p.photoType = photo, kind
		}
	}
}

// applyPortrait changes an account, and has its followers told, once for changes
// that follow each other.
func (g *Gateway) applyPortrait(tx *cache.Tx, a cache.Account, p portrait) error {
	before := a
	summary := ""
	if p.note != "" {
		summary = translate.Linker{}.HTML(p.note)
	}
	if p.name != "" || !p.silent {
		a.Name = cmp.Or(translate.ShownName(p.name, nameMost), nameOf(a.JID, a.Node))
	}
	if summary != "" || !p.silent {
		a.Summary, a.Fields = summary, p.fields
	}
	switch {
	case p.photo != nil:
		if err := g.putPhoto(tx, &a, p); err != nil {
			return err
		}
	case !p.silent:
		a.IconURL, a.IconType = "", ""
		if _, err := tx.DropPictures(a.URI, ""); err != nil {
			return err
		}
	}
	if a.Name == before.Name && a.Summary == before.Summary && a.IconURL == before.IconURL && sameFields(a.Fields, before.Fields) {
		return nil
	}
	a.UpdatedAt = g.now()
	if err := tx.PutAccount(a); err != nil {
		return err
	}
	return g.profileSoon(tx, a)
}

func sameFields(a, b []cache.Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].Value != b[i].Value {
			return false
		}
	}
	return true
}

// profileSoon queues the Update of a profile, unless one is waiting already.
func (g *Gateway) profileSoon(tx *cache.Tx, a cache.Account) error {
	j := g.profileJob(a.URI)
	waiting, err := tx.Jobs(cache.JobQuery{Kind: jobProfile, Lane: j.Lane, State: cache.JobQueued, Limit: 1})
	if err != nil || len(waiting) > 0 {
		return err
	}
	j.RunAt = g.now().Add(profilePause)
	return tx.Enqueue(j)
}

func (g *Gateway) putPhoto(tx *cache.Tx, a *cache.Account, p portrait) error {
	source := hashOf("photo " + string(p.photo))
	id := translate.MintItemID(g.itemKey, "photo "+a.URI+" "+source)
	old, err := tx.MediaBySource(source, a.URI)
	if err == nil {
		id = old.ID
	} else if !errors.Is(err, cache.ErrNotFound) {
		return err
	} else if err := tx.PutMedia(cache.Media{ID: id, Type: p.photoType, Bytes: p.photo, Source: source, Owner: a.URI, At: g.now()}); err != nil {
		return err
	}
	a.IconURL, a.IconType = g.addr.MediaURL(g.hostOf(*a), id), p.photoType
	_, err = tx.DropPictures(a.URI, id)
	return err
}

package gateway

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/web"
)

// Pages is what the web server asks.
func (g *Gateway) Pages() web.Pages { return &pages{g} }

// pages shows what strangers may see.
type pages struct{ g *Gateway }

// Actor is the page of an account, with its newest public posts.
func (pg *pages) Actor(ctx context.Context, acct string) (web.Profile, error) {
	g := pg.g
	a, err := g.findAccount(ctx, acct)
	if isKind(err, Gone) {
		if now, ok := g.livesOn(ctx, a); ok {
			a, err = now, nil
		}
	}
	if err == nil && a.State != cache.Linked {
		err = fail(NotFound, "no such actor")
	}
	if err != nil {
		return web.Profile{}, err
	}
	bio, _ := translate.Sanitize(a.Summary)
	out := web.Profile{
		Name: a.Name, Handle: a.Acct, JID: a.JID, Bio: bio, AvatarURL: a.IconURL, BannerURL: a.ImageURL,
		ActorURL: a.URI, PageURL: g.pageOf(a), Indexable: a.Indexable,
		XMPPURI: translate.PubSubURI(a.JID, feedNode(a), ""),
	}
	for _, f := range a.Fields {
		value, _ := translate.Sanitize(f.Value)
		out.Fields = append(out.Fields, web.Field{Name: f.Name, Value: value})
	}
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		posts, err := tx.Outbox(a.URI, cache.Viewer{}, cache.Page{Limit: 20, Width: cache.PublicOnly})
		if err != nil {
			return err
		}
		out.Posts, err = g.entries(tx, posts)
		return err
	})
	return out, storeError(err)
}

// entries are posts in a list of a page, without the boosts of what is not held
// any more.
func (g *Gateway) entries(tx *cache.Tx, posts []cache.Stored) ([]web.Entry, error) {
	var out []web.Entry
	for _, stored := range posts {
		entry, err := g.entry(tx, stored.Post)
		switch {
		case err == nil:
			out = append(out, entry)
		case ignoreMissing(err) != nil:
			return nil, err
		}
	}
	return out, nil
}

// entry is a post in a list of a page.
func (g *Gateway) entry(tx *cache.Tx, p translate.Post) (web.Entry, error) {
	e := web.Entry{Post: p, PageURL: p.URL}
	who := p.Owner.URI
	if p.Kind == translate.KindBoost {
		original, err := tx.PostByURI(p.Boost, cache.Viewer{})
		if err != nil {
			return e, err
		}
		e.Post, e.PageURL, who = p.WithOriginal(original.Post), original.Post.URL, original.Post.Owner.URI
	}
	if a, err := tx.AccountByURI(who); err == nil {
		e.AvatarURL, e.AuthorPage = a.IconURL, g.pageOf(a)
	} else if r, err := tx.ActorByURI(who); err == nil {
		e.AvatarURL, e.AuthorPage, e.Foreign = r.IconURL, r.URL, true
	} else {
		e.Foreign = true
	}
	return e, nil
}

// Post is the page of a post of an account.
func (pg *pages) Post(ctx context.Context, acct, id string) (web.PostPage, error) {
	g := pg.g
	a, err := g.account(ctx, acct)
	if err != nil {
		return web.PostPage{}, err
	}
	var out web.PostPage
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		p, err := postOrGone(tx, g.addr.ItemURL(acctOf(a), id), cache.Viewer{})
		if err != nil {
			return err
		}
		if out.Entry, err = g.entry(tx, p); err != nil {
			return err
		}
		out.Indexable = a.Indexable && p.Visibility == translate.Public
		if it := p.Item; it != nil {
			out.XMPPURI = translate.PubSubURI(it.Service, it.Node, it.ID)
		}
		if p.ReplyTo != "" {
			if parent, err := tx.PostByURI(p.ReplyTo, cache.Viewer{}); err == nil {
				out.Parent = &web.Ref{URL: parent.Post.URL, Name: parent.Post.Owner.Name}
			}
		}
		replies, err := tx.Replies(p.URI, cache.Viewer{}, cache.Page{Limit: 50, Ascending: true, Width: cache.PublicOrUnlisted})
		if err != nil {
			return err
		}
		out.Replies, err = g.entries(tx, replies)
		return err
	})
	return out, storeError(err)
}

// storeError is an error of the store for those outside.
func storeError(err error) error {
	switch {
	case err == nil, errors.As(err, new(*Error)):
		return err
	case errors.Is(err, cache.ErrGone):
		return because(Gone, err, "this was deleted")
	case errors.Is(err, cache.ErrNotFound):
		return because(NotFound, err, "there is nothing here")
	}
	return because(Temporary, err, "try again later")
}

// Media serves a file that only exists in XMPP. It can never be taken for a
// document of ours, nor run in a browser (SEC-47).
func (g *Gateway) Media() func(w http.ResponseWriter, r *http.Request, id string) {
	return func(w http.ResponseWriter, r *http.Request, id string) {
		var m cache.Media
		err := g.store.View(r.Context(), func(tx *cache.Tx) (err error) {
			m, err = tx.Media(id, cache.Viewer{})
			return err
		})
		if err != nil {
			status := http.StatusNotFound
			if !errors.Is(err, cache.ErrNotFound) && !errors.Is(err, cache.ErrGone) {
				status = http.StatusServiceUnavailable
			}
			http.Error(w, http.StatusText(status), status)
			return
		}
		kind, _, _ := mime.ParseMediaType(m.Type)
		major, minor, _ := strings.Cut(kind, "/")
		shown := (major == "image" || major == "audio" || major == "video") && minor != "" && minor != "svg+xml"
		h := w.Header()
		h.Set("Content-Type", kind)
		if !shown {
			h.Set("Content-Type", "application/octet-stream")
			h.Set("Content-Disposition", "attachment")
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(m.Bytes) // a client that went away is its own affair
	}
}

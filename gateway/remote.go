package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"isthmus/ap"
	"isthmus/cache"
	"isthmus/translate"
	"isthmus/webfinger"
	"isthmus/xmpp/stanza"
)

// An actor document is read again after a day of use.
const actorLife = 24 * time.Hour

// remoteByHandle finds a remote actor by user@host, from the store or from its
// origin.
func (g *Gateway) remoteByHandle(ctx context.Context, handle string) (cache.Actor, error) {
	var a cache.Actor
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		a, err = tx.ActorByAcct(handle)
		return err
	})
	if err == nil && a.GoneAt.IsZero() {
		return g.freshened(ctx, a)
	}
	if err != nil && !errors.Is(err, cache.ErrNotFound) {
		return a, because(Temporary, err, "the store is busy")
	}
	gone := err == nil
	return fly(ctx, g, "handle "+handle, func(ctx context.Context) (cache.Actor, error) {
		if gone { // it may have come back, or its name is another's now
			g.finger.Forget(handle)
		}
		account, err := g.finger.Lookup(ctx, handle)
		if gone && (errors.Is(err, webfinger.ErrNotFound) || errors.Is(err, webfinger.ErrWrong)) {
			return cache.Actor{}, because(Gone, err, "this actor is gone")
		}
		if err != nil {
			return cache.Actor{}, lookupError(err, handle)
		}
		a, err := g.fetchActor(ctx, account.ActorURL)
		if err == nil && account.Loose && !strings.EqualFold(a.Acct, account.Handle) { // W2, W4
			return cache.Actor{}, lookupError(fmt.Errorf("%w: the actor %s says that it is %q", webfinger.ErrWrong, a.URI, a.Acct), handle)
		}
		return a, err
	})
}

// remoteByJID finds the remote actor behind a JID of ours.
func (g *Gateway) remoteByJID(ctx context.Context, jid stanza.JID) (cache.Actor, error) {
	bare := string(jid.Bare())
	a, err := g.store.ActorOf(ctx, bare)
	gone := err == nil && !a.GoneAt.IsZero()
	if err == nil && !gone {
		return g.freshened(ctx, a)
	}
	if err != nil && !errors.Is(err, cache.ErrNotFound) {
		return a, because(Temporary, err, "the store is busy")
	}
	handle, hashed, err := g.addr.ParseActorJID(bare)
	switch {
	case errors.Is(err, translate.ErrOurs):
		return a, &redirect{g.realJID(handle)}
	case gone && (err != nil || hashed):
		return g.freshened(ctx, a)
	case err != nil || hashed || translate.IsForeignSpelling(handle):
		if to := g.rightJID(bare); to != "" {
			return a, &redirect{to}
		}
		if err != nil || hashed {
			return a, fail(NotFound, "no such actor")
		}
	}
	a, err = g.remoteByHandle(ctx, handle)
	if err == nil && a.JID != bare { // known before under another name
		return a, &redirect{a.JID}
	}
	return a, err
}

// redirect answers for an address that stands for somebody who has another: one
// of our own users, who are reached directly, or posts would go round in circles
// (BR-5); an actor who was bound to its address before it had that name; or
// somebody whose address is spelled as other gateways do.
type redirect struct{ to string }

func (r *redirect) Error() string { return "the right address is " + r.to }

// StanzaError names the address that works (RFC 6120 §8.3.3.14).
func (r *redirect) StanzaError() *stanza.Error {
	e := stanza.NewError("redirect", "use "+r.to+" instead")
	e.To = translate.PlainURI(r.to)
	return e
}

// rightJID is the address of whom an address probably means that is nobody's, or
// "". It is made of the address alone: nobody learns who is here.
func (g *Gateway) rightJID(jid string) string {
	handle, ok := g.addr.MeantActor(jid)
	if !ok {
		return ""
	}
	to, err := g.addr.ActorJID(handle)
	if errors.Is(err, translate.ErrOurs) {
		if to, _, err = g.addr.ParseHandle(handle); to == jid {
			to = ""
		}
	}
	if err != nil {
		return ""
	}
	return to
}

func (g *Gateway) realJID(handle string) string {
	jid, _, err := g.addr.ParseHandle(handle)
	if err != nil {
		return handle
	}
	return jid
}

// remoteByURI finds a remote actor by its id.
func (g *Gateway) remoteByURI(ctx context.Context, uri string) (cache.Actor, error) {
	a, err := g.store.Actor(ctx, uri)
	if err == nil && !g.mayBeBack(a) {
		return g.freshened(ctx, a)
	}
	if err != nil && !errors.Is(err, cache.ErrNotFound) {
		return a, because(Temporary, err, "the store is busy")
	}
	return fly(ctx, g, "actor "+uri, func(ctx context.Context) (cache.Actor, error) {
		return g.fetchActor(ctx, uri)
	})
}

// goneFor is how long nobody looks whether an actor that was gone is there
// again: a server can say 410 by mistake.
const goneFor = 24 * time.Hour

func (g *Gateway) mayBeBack(a cache.Actor) bool {
	return !a.GoneAt.IsZero() && g.since(a.GoneAt) > goneFor
}

// freshened refuses actors that are gone, and has old copies read again in the
// background: the copy serves meanwhile.
func (g *Gateway) freshened(_ context.Context, a cache.Actor) (cache.Actor, error) {
	if !a.GoneAt.IsZero() {
		return a, fail(Gone, "this actor is gone")
	}
	if g.since(a.FetchedAt) > actorLife && g.recent.failed("refresh "+a.URI) == nil {
		g.recent.note("refresh "+a.URI, errors.New("under way"))
		g.aside("refresh "+a.URI, func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			_, err := g.fetchActor(ctx, a.URI)
			if isKind(err, NotFound) || isKind(err, Gone) {
				err = errors.Join(err, g.followHandle(ctx, a))
			}
			if err != nil {
				g.log.Info("refresh actor", "actor", a.URI, "error", err)
			}
		})
	}
	return a, nil
}

// fly does one fetch of a thing at a time, and not again soon after it failed.
// The fetch outlives the one who asked, up to its own limit.
func fly[T any](ctx context.Context, g *Gateway, key string, fetch func(context.Context) (T, error)) (T, error) {
	var zero T
	if err := g.recent.failed(key); err != nil {
		return zero, err
	}
	ch := g.flights.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		var v T
		err := g.caught(key, func() (err error) {
			v, err = fetch(ctx)
			return err
		})
		if err != nil {
			g.recent.note(key, err)
		}
		return v, err
	})
	select {
	case r := <-ch:
		v, _ := r.Val.(T)
		return v, r.Err
	case <-ctx.Done():
		return zero, because(Temporary, ctx.Err(), "the other server takes too long")
	}
}

// lookupError says why a handle did not resolve.
func lookupError(err error, handle string) error {
	switch {
	case errors.Is(err, webfinger.ErrNotFound), errors.Is(err, webfinger.ErrWrong):
		return because(NotFound, err, "there is no %s", handle)
	case errors.Is(err, webfinger.ErrGone):
		return because(Gone, err, "%s is gone", handle)
	}
	return fetchError(err)
}

// fetchError says why something could not be had from its origin.
func fetchError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	var status *ap.StatusError
	if errors.As(err, &status) && (status.Code == 404 || status.Code == 410) {
		return because(map[int]Kind{404: NotFound, 410: Gone}[status.Code], err, "the other server does not have it")
	}
	if ap.Temporary(err) {
		return because(Temporary, err, "the other server cannot be reached now; try again later")
	}
	return because(NotFound, err, "the other server gave nothing usable")
}

// fetchActor reads an actor from its origin, checks its handle both ways (W4),
// binds its JID and stores it with its keys.
func (g *Gateway) fetchActor(ctx context.Context, uri string) (cache.Actor, error) {
	if g.addr.IsLocalURL(uri) {
		return cache.Actor{}, fail(NotFound, "this is an actor of ours")
	}
	if err := g.hostAllowed(ctx, uri); err != nil {
		return cache.Actor{}, err
	}
	key, _, err := g.keys.instance(ctx, g.primary())
	if err != nil {
		return cache.Actor{}, err
	}
	doc, err := g.client.GetObject(ctx, uri, key)
	if err != nil {
		if isStatus(err, 410) {
			g.markGone(ctx, uri)
		}
		return cache.Actor{}, fetchError(err)
	}
	return g.storeActor(ctx, doc)
}

func isStatus(err error, code int) bool {
	var status *ap.StatusError
	return errors.As(err, &status) && status.Code == code
}

// hostAllowed refuses what is on a host that the operator blocked.
func (g *Gateway) hostAllowed(ctx context.Context, uri string) error {
	if g.Blocked(ctx, hostname(uri)) {
		return fail(Forbidden, "the operator of this gateway has blocked that server")
	}
	return nil
}

// hostname is the host of a URL in the one form that is compared: in lower case,
// with its port unless that is the usual one.
func hostname(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Host), ":443")
}

// markGone notes that the origin of an actor has answered 410.
func (g *Gateway) markGone(ctx context.Context, uri string) {
	err := g.store.Update(ctx, func(tx *cache.Tx) error {
		err := tx.SetActorGone(uri, g.now())
		if errors.Is(err, cache.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		g.log.Error("mark actor gone", "actor", uri, "error", err)
	}
}

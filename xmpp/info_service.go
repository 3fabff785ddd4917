package xmpp

import (
	"context"
	"strconv"
	"time"

	"isthmus/xmpp/stanza"
)

// exists is nil for the domain and for addresses that Disco knows.
func (r *Router) exists(ctx context.Context, req Request) error {
	if r.onDomain(req) {
		return nil
	}
	if r.services.Disco == nil {
		return errUnavailable()
	}
	_, err := r.services.Disco.Info(ctx, DiscoRequest{Request: req, Page: Page{Max: -1}})
	return err
}

func (r *Router) onDomain(req Request) bool { return req.To.Bare() == r.domain }

// ping answers XEP-0199.
func (r *Router) ping(ctx context.Context, iq IQ) (*stanza.Element, error) {
	return nil, r.exists(ctx, iq.request())
}

// version answers XEP-0092.
func (r *Router) version(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if r.services.Software == nil {
		return nil, errUnavailable()
	}
	if err := r.exists(ctx, iq.request()); err != nil {
		return nil, err
	}
	s, err := r.services.Software(ctx, iq.request())
	if err != nil {
		return nil, err
	}
	el := stanza.New(stanza.NSVersion, "query").
		Add(stanza.Text("", "name", s.Name), stanza.Text("", "version", s.Version))
	addText(el, "os", s.OS)
	return el, nil
}

// time answers XEP-0202. It is always UTC, whichever clock the machine shows.
func (r *Router) time(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if err := r.exists(ctx, iq.request()); err != nil {
		return nil, err
	}
	return stanza.New(stanza.NSTime, "time").Add(
		stanza.Text("", "tzo", "+00:00"),
		stanza.Text("", "utc", r.now().UTC().Format(time.RFC3339)),
	), nil
}

// last answers XEP-0012: for the domain how long it has been up. Actors are
// always there, and what people do is not told.
func (r *Router) last(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if err := r.exists(ctx, iq.request()); err != nil {
		return nil, err
	}
	seconds := 0
	if r.onDomain(iq.request()) {
		seconds = int(max(0, r.now().Sub(r.started)) / time.Second)
	}
	return stanza.New(stanza.NSLast, "query").Set("seconds", strconv.Itoa(seconds)), nil
}

// vcard answers XEP-0054 and XEP-0292 §3.
func (r *Router) vcard(ctx context.Context, iq IQ) (*stanza.Element, error) {
	if r.services.VCard == nil {
		return nil, errUnavailable()
	}
	if iq.Type == "set" {
		return nil, stanza.NewError("forbidden", "")
	}
	p, err := r.services.VCard.VCard(ctx, iq.request())
	if err != nil {
		return nil, err
	}
	if iq.Payload.Space == stanza.NSVCard4 {
		return p.VCard4(), nil
	}
	return p.VCardTemp(), nil
}

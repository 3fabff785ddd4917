package gateway

import (
	"context"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// registration links and unlinks by XEP-0077.
type registration struct{ g *Gateway }

// The fields of the form, which older clients may send as elements.
const (
	fieldSearchable = "searchable"
	fieldLock       = "lock"
)

// Registration says whether the requester is linked, with a form to fill in:
// without one, or with instructions alone, some clients show an error.
func (r *registration) Registration(ctx context.Context, req xmpp.Request) (xmpp.RegistrationState, error) {
	g, user := r.g, req.From.Bare()
	if !g.mayLink(user, "") {
		return xmpp.RegistrationState{}, g.cannotLink(user)
	}
	a, err := g.accountOf(ctx, user, "")
	if err != nil && !isKind(err, NotFound) {
		return xmpp.RegistrationState{}, err
	}
	if err != nil || a.State == cache.Unlinked {
		a = cache.Account{} // what a new one begins with
	}
	s := xmpp.RegistrationState{
		Registered:   a.State == cache.Linked || a.State == cache.Paused,
		Instructions: "Register to publish your posts to the fediverse from now on, and to be found there.",
	}
	if s.Registered {
		lost, err := g.lostWith(ctx, a)
		if err != nil {
			return s, err
		}
		s.Instructions = "You are @" + a.Acct + " on the fediverse.\nIf you unregister you leave it" + lost + ". That cannot be undone."
		if a.State == cache.Paused {
			s.Instructions = "You are paused. To publish again, send me: resume\n" + s.Instructions
		}
	}
	s.Form = choices(a)
	s.Form.Title = "Fediverse account"
	s.Form.Instructions = s.Instructions
	return s, nil
}

// choices is the form of what a user can decide about their account, as it is
// now.
func choices(a cache.Account) *xmpp.Form {
	set := func(on bool) []string { return []string{map[bool]string{true: "1", false: "0"}[on]} }
	return xmpp.NewForm(xmpp.FormForm, stanza.NSRegister).Add(
		xmpp.Field{
			Var: fieldSearchable, Type: "boolean", Label: "Anyone can find my posts in search", Values: set(a.Indexable),
			Desc: "Otherwise only your followers find them.",
		},
		xmpp.Field{
			Var: fieldLock, Type: "boolean", Label: "I approve my followers", Values: set(a.ManuallyApproves),
			Desc: "You are asked before somebody follows you. Otherwise everybody can.",
		})
}

// Register links who is not linked, and notes what they chose. Without values
// it links as the command does.
func (r *registration) Register(ctx context.Context, req xmpp.Request, values *xmpp.Form) error {
	g, user := r.g, req.From.Bare()
	chosen := map[string]bool{}
	for _, name := range []string{fieldSearchable, fieldLock} {
		if strings.TrimSpace(values.Value(name)) == "" {
			continue
		}
		on, ok := values.Bool(name)
		if !ok {
			return fail(BadRequest, "%s can be true or false, not %q", name, shorten(values.Value(name), 40))
		}
		chosen[name] = on
	}
	a, err := g.accountOf(ctx, user, "")
	if err != nil && !isKind(err, NotFound) {
		return err
	}
	if lock, ok := chosen[fieldLock]; ok && !lock && err == nil && a.State != cache.Unlinked && !a.FollowersOnly.IsZero() {
		return errLockedByFollowersOnly()
	}
	if err != nil || a.State != cache.Paused { // a pause ends by resume alone
		if _, err := g.Link(ctx, user, ""); err != nil {
			return err
		}
	}
	if a, err = g.linked(ctx, user, ""); err != nil {
		return err
	}
	return g.choose(ctx, a, func(a *cache.Account) {
		if on, ok := chosen[fieldSearchable]; ok {
			a.Indexable = on
		}
		if on, ok := chosen[fieldLock]; ok {
			a.ManuallyApproves = on
		}
	})
}

// Unregister unlinks. Whoever asks for it has confirmed it: clients ask before
// they send this (XEP-0077 §3.2), and the form told what it ends.
func (r *registration) Unregister(ctx context.Context, req xmpp.Request) error {
	_, err := r.g.Unlink(ctx, req.From.Bare(), "")
	if isKind(err, NotFound) {
		return &Error{Kind: Unauthorized, Text: "you are not linked"} // XEP-0077 §3.2
	}
	return err
}

// choose changes what is on or off in a user's profile, if it changes, and tells
// their followers' servers.
func (g *Gateway) choose(ctx context.Context, a cache.Account, change func(*cache.Account)) error {
	return g.store.Update(ctx, func(tx *cache.Tx) error {
		now, err := tx.AccountByURI(a.URI) // its profile may have been read meanwhile
		if err != nil {
			return err
		}
		before := [2]bool{now.Indexable, now.ManuallyApproves}
		change(&now)
		if before == [2]bool{now.Indexable, now.ManuallyApproves} {
			return nil
		}
		now.UpdatedAt = g.now()
		if err := tx.PutAccount(now); err != nil {
			return err
		}
		return g.profileSoon(tx, now)
	})
}

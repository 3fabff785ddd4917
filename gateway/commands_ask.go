package gateway

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// asked is a field of the form of a command.
type asked struct {
	name, label string
	desc        string // with an example, for people
	kind        string // of XEP-0004; text-single if empty
	required    bool
	word        bool      // one word
	whole       [2]string // the range of a whole number
	start       string    // what stands in it
	now         func(cache.Account) bool
	options     func(ctx context.Context, o order) ([]xmpp.Option, error)
	operator    bool // for operators alone
}

// The names of fields.
const (
	fieldWhat = "what"
	fieldUser = "user"
	fieldSure = "sure"
)

// optionsMost is how many choices a form offers.
const optionsMost = 200

// whichNode asks which of somebody's accounts a command is about, if they have
// more than one.
func whichNode() []asked {
	return []asked{{name: fieldWhat, label: "Account", kind: "list-single", options: nodeOptions}, forUser()}
}

// forUser asks operators for whom they act.
func forUser() asked {
	return asked{name: fieldUser, label: "For (operators)", desc: "The address of a user or of a pubsub service. Leave it empty for yourself.", kind: "jid-single", operator: true}
}

// people asks which of some people.
func people(label string, options func(context.Context, order) ([]xmpp.Option, error)) []asked {
	return []asked{{name: fieldWhat, label: label, kind: "list-multi", required: true, options: options}}
}

// field is what is asked as a field for one user; false if there is nothing to
// ask of them.
func (q asked) field(ctx context.Context, o order) (xmpp.Field, bool, error) {
	f := xmpp.Field{Var: q.name, Type: cmp.Or(q.kind, "text-single"), Label: q.label, Desc: q.desc, Required: q.required}
	if q.start != "" {
		f.Values = []string{q.start}
	}
	switch {
	case q.operator:
		return f, o.g.isAdmin(o.user), nil
	case q.now != nil:
		a, err := o.g.accountOf(ctx, o.user, "")
		if err != nil && !isKind(err, NotFound) {
			return f, false, err
		}
		f.Values = []string{"0"}
		if err == nil && a.State != cache.Unlinked && q.now(a) {
			f.Values = []string{"1"}
		}
	case q.options != nil:
		options, err := q.options(ctx, o)
		if err != nil || len(options) == 0 {
			return f, false, err
		}
		f.Options = options
	case q.whole != [2]string{}:
		f.Validate = &xmpp.Validate{Datatype: "xs:integer", Min: q.whole[0], Max: q.whole[1]}
	}
	return f, true, nil
}

// arguments are what was filled in as the command takes it when it is typed,
// once for each of several choices.
func (c command) arguments(values *xmpp.Form) ([]string, error) {
	var typed []string
	for _, q := range c.asks {
		text := strings.TrimSpace(values.Value(q.name))
		switch {
		case q.operator:
			continue
		case q.kind == "list-multi" && len(values.Values(q.name)) > 0:
			chosen := values.Values(q.name)
			return chosen[:min(len(chosen), optionsMost)], nil
		case q.kind == "boolean":
			on, ok := values.Bool(q.name)
			if text = "off"; on {
				text = "on"
			}
			if !ok {
				return nil, fail(BadRequest, "say %s on or %s off", c.name, c.name)
			}
		case q.word && strings.ContainsAny(text, " \t\n"):
			return nil, fail(BadRequest, "“%s” has to be one word", shorten(text, 40))
		case q.required && text == "":
			return nil, fail(BadRequest, "fill in: %s", q.label)
		}
		typed = append(typed, text)
	}
	what := strings.TrimSpace(strings.Join(typed, " "))
	if user := strings.TrimSpace(values.Value(fieldUser)); user != "" {
		what = strings.TrimSuffix(user+"/"+what, "/")
	}
	return []string{what}, nil
}

func isIndexable(a cache.Account) bool     { return a.Indexable }
func isLocked(a cache.Account) bool        { return a.ManuallyApproves }
func isFollowersOnly(a cache.Account) bool { return !a.FollowersOnly.IsZero() }

func commandOptions(context.Context, order) ([]xmpp.Option, error) {
	list := []xmpp.Option{{Label: "All commands", Value: helpAll}}
	for _, c := range table() {
		if c.name != helpAll {
			list = append(list, xmpp.Option{Label: c.name + ": " + c.help, Value: c.name})
		}
	}
	return list, nil
}

// nodeOptions are the accounts of somebody who has more than one.
func nodeOptions(ctx context.Context, o order) ([]xmpp.Option, error) {
	var list []xmpp.Option
	err := o.g.store.View(ctx, func(tx *cache.Tx) error {
		accounts, err := tx.Accounts(cache.AccountQuery{JID: string(o.user), Limit: optionsMost})
		for _, a := range accounts {
			if a.State != cache.Unlinked {
				list = append(list, xmpp.Option{Label: shownNode(a) + " (@" + a.Acct + ")", Value: feedNode(a)})
			}
		}
		return err
	})
	if len(list) < 2 {
		return nil, err
	}
	slices.SortStableFunc(list, func(x, y xmpp.Option) int { // the microblog first
		return strings.Compare(strings.TrimPrefix(x.Value, stanza.NSMicroblog), strings.TrimPrefix(y.Value, stanza.NSMicroblog))
	})
	return list, err
}

func followeeOptions(ctx context.Context, o order) ([]xmpp.Option, error) {
	return followOptions(ctx, o, (*cache.Tx).FollowingOf, "", func(f cache.Follow) string { return f.Followee })
}

func requestOptions(ctx context.Context, o order) ([]xmpp.Option, error) {
	return followOptions(ctx, o, (*cache.Tx).FollowersOf, cache.FollowPending, func(f cache.Follow) string { return f.Follower })
}

func followerOptions(ctx context.Context, o order) ([]xmpp.Option, error) {
	return followOptions(ctx, o, (*cache.Tx).FollowersOf, "", func(f cache.Follow) string { return f.Follower })
}

// followOptions are the other ends of follows, those without an answer first.
func followOptions(ctx context.Context, o order, read followsOf, state cache.FollowState, end func(cache.Follow) string) ([]xmpp.Option, error) {
	a, err := o.g.linked(ctx, o.user, "")
	if isKind(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []xmpp.Option
	err = o.g.store.View(ctx, func(tx *cache.Tx) error {
		follows, err := read(tx, a.URI, state, 0, followsMost)
		slices.SortStableFunc(follows, func(x, y cache.Follow) int { return answered(x) - answered(y) })
		for _, f := range follows[:min(len(follows), optionsMost)] {
			option, err := actorOption(tx, end(f))
			if err != nil {
				return err
			}
			if f.State != cache.FollowAccepted {
				option.Label += " (" + string(f.State) + ")"
			}
			list = append(list, option)
		}
		return err
	})
	return list, err
}

// answered is 0 for a follow that waits for an answer, and 1 for others.
func answered(f cache.Follow) int {
	if f.State == cache.FollowAccepted {
		return 1
	}
	return 0
}

// actorOption is an actor to choose.
func actorOption(tx *cache.Tx, uri string) (xmpp.Option, error) {
	label, err := named(tx, uri)
	return xmpp.Option{Label: label, Value: uri}, err
}

func blockOptions(ctx context.Context, o order) ([]xmpp.Option, error) {
	a, err := o.g.linked(ctx, o.user, "")
	if isKind(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []xmpp.Option
	err = o.g.store.View(ctx, func(tx *cache.Tx) error {
		blocks, err := tx.Blocks(a.URI)
		if err != nil {
			return err
		}
		for _, b := range blocks[:min(len(blocks), optionsMost)] {
			option, err := actorOption(tx, b.Target)
			if err != nil {
				return err
			}
			list = append(list, option)
		}
		return nil
	})
	return list, err
}

func savedOptions(ctx context.Context, o order) ([]xmpp.Option, error) {
	var list []xmpp.Option
	err := o.g.store.View(ctx, func(tx *cache.Tx) error {
		searches, err := tx.SavedSearches(string(o.user))
		for _, s := range searches {
			list = append(list, xmpp.Option{Label: s.Name + ": " + s.Query, Value: s.Name})
		}
		return err
	})
	return list, err
}

func heldOptions(ctx context.Context, o order) ([]xmpp.Option, error) {
	a, err := o.g.linked(ctx, o.user, "")
	if isKind(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []xmpp.Option
	err = o.g.store.View(ctx, func(tx *cache.Tx) error {
		l, err := heldOf(tx, a, o.g.now())
		for _, h := range l.Held {
			list = append(list, xmpp.Option{Label: h.Text, Value: strconv.Itoa(h.N)})
		}
		return err
	})
	return list, err
}

package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"

	"isthmus/cache"
)

// listMost is how many names an answer lists.
const listMost = 100

func followingCommand(ctx context.Context, o order) (string, error) {
	return listFollows(ctx, o, "You follow nobody. To follow somebody, send for example: follow "+anActor, (*cache.Tx).FollowingOf, func(f cache.Follow) string { return f.Followee })
}

func followersCommand(ctx context.Context, o order) (string, error) {
	return listFollows(ctx, o, "Nobody follows you.", (*cache.Tx).FollowersOf, func(f cache.Follow) string { return f.Follower })
}

// followsOf reads a page of the follows of one end.
type followsOf func(*cache.Tx, string, cache.FollowState, int64, int) ([]cache.Follow, error)

// listFollows names the other ends of follows, first those that somebody has to
// decide on: with many others, nobody would see them.
func listFollows(ctx context.Context, o order, none string, read followsOf, end func(cache.Follow) string) (string, error) {
	a, err := o.g.linked(ctx, o.user, "")
	if isKind(err, NotFound) {
		return none, nil
	}
	if err != nil {
		return "", err
	}
	note := func(f cache.Follow) string {
		switch {
		case f.State != cache.FollowAccepted:
			return " (" + string(f.State) + ")"
		case f.Followee == a.URI && !f.Approved && !a.FollowersOnly.IsZero():
			return " (not approved)"
		}
		return ""
	}
	var lines []string
	err = o.g.store.View(ctx, func(tx *cache.Tx) error {
		list, err := read(tx, a.URI, "", 0, followsMost)
		if err != nil {
			return err
		}
		open := func(f cache.Follow) int { return min(1, len(note(f))) }
		slices.SortStableFunc(list, func(x, y cache.Follow) int { return open(y) - open(x) })
		for _, f := range list[:min(len(list), listMost)] {
			line, err := named(tx, end(f))
			if err != nil {
				return err
			}
			lines = append(lines, line+note(f))
		}
		if len(list) > listMost {
			lines = append(lines, "… and more")
		}
		return nil
	})
	if err != nil || len(lines) == 0 {
		return none, err
	}
	return strings.Join(lines, "\n"), nil
}

// named is an actor as lists show it.
func named(tx *cache.Tx, uri string) (string, error) {
	who, err := tx.ActorByURI(uri)
	if errors.Is(err, cache.ErrNotFound) {
		return uri, nil
	}
	return nameAndHandle(who), err
}

func decideCommand(accept bool) func(context.Context, order) (string, error) {
	return func(ctx context.Context, o order) (string, error) {
		a, err := o.g.joined(ctx, o.user, "")
		if err != nil {
			return "", err
		}
		who, err := o.g.findActor(ctx, o.arg)
		if err != nil {
			return "", err
		}
		if err := o.g.decide(ctx, a, who, accept); err != nil {
			return "", err
		}
		if accept {
			return nameAndHandle(who) + " follows you now.", nil
		}
		return nameAndHandle(who) + " does not follow you any more.", nil
	}
}

// lockCommand has users decide themselves who follows them.
func lockCommand(ctx context.Context, o order) (string, error) {
	a, err := o.g.linked(ctx, o.user, "")
	if err == nil && !a.FollowersOnly.IsZero() && !strings.EqualFold(o.arg, "on") {
		return "", errLockedByFollowersOnly()
	}
	return o.turn(ctx, "lock", func(a *cache.Account, on bool) string {
		if a.ManuallyApproves = on; on {
			return "From now on you are asked before somebody follows you."
		}
		return "Everybody can follow you now."
	})
}

// searchableCommand lets a user's public posts be found by those who do not
// follow them (FEP-5feb, SEC-28).
func searchableCommand(ctx context.Context, o order) (string, error) {
	return o.turn(ctx, "searchable", func(a *cache.Account, on bool) string {
		if a.Indexable = on; on {
			return "Anyone can find your public posts in search now, also those from before."
		}
		return "Only your followers can find your posts in search now. Other servers are asked to respect that."
	})
}

// turn changes what is on or off in a user's profile and is told to their
// followers' servers.
func (o order) turn(ctx context.Context, what string, change func(a *cache.Account, on bool) string) (string, error) {
	a, err := o.g.joined(ctx, o.user, "")
	if err != nil {
		return "", err
	}
	on := strings.EqualFold(o.arg, "on")
	if !on && !strings.EqualFold(o.arg, "off") {
		return "", fail(BadRequest, "say %s on or %s off", what, what)
	}
	var said string
	err = o.g.choose(ctx, a, func(a *cache.Account) { said = change(a, on) })
	return said, err
}

// errLockedByFollowersOnly refuses to let everybody follow whose posts are for
// approved followers.
func errLockedByFollowersOnly() error {
	return fail(Conflict, "while followers-only is on, you decide who follows you. First send: followers-only off")
}

func blockCommand(ctx context.Context, o order) (string, error) {
	if _, err := o.g.ensureAccount(ctx, o.user); err != nil {
		return "", err
	}
	return o.g.Block(ctx, o.user, o.arg, "")
}

func blocksCommand(ctx context.Context, o order) (string, error) {
	const none = "You block nobody."
	a, err := o.g.linked(ctx, o.user, "")
	if isKind(err, NotFound) {
		return none, nil
	}
	if err != nil {
		return "", err
	}
	var lines []string
	err = o.g.store.View(ctx, func(tx *cache.Tx) error {
		list, err := tx.Blocks(a.URI)
		for _, b := range list {
			line, nameErr := named(tx, b.Target)
			if err = errors.Join(err, nameErr); len(lines) < listMost {
				lines = append(lines, line)
			}
		}
		return err
	})
	if len(lines) == 0 {
		return none, err
	}
	return strings.Join(lines, "\n"), err
}

package gateway

import (
	"context"
	"errors"
	"strings"

	"isthmus/cache"
)

// listMost is how many names an answer lists.
const listMost = 100

func followingCommand(ctx context.Context, o order) (string, error) {
	return listFollows(ctx, o, "You follow nobody yet.", func(tx *cache.Tx, uri string) ([]cache.Follow, error) {
		return tx.FollowingOf(uri, "", 0, listMost)
	}, func(f cache.Follow) string { return f.Followee })
}

func followersCommand(ctx context.Context, o order) (string, error) {
	return listFollows(ctx, o, "Nobody follows you yet.", func(tx *cache.Tx, uri string) ([]cache.Follow, error) {
		return tx.FollowersOf(uri, "", 0, listMost)
	}, func(f cache.Follow) string { return f.Follower })
}

func listFollows(ctx context.Context, o order, none string,
	read func(*cache.Tx, string) ([]cache.Follow, error), end func(cache.Follow) string) (string, error) {
	a, err := o.g.linked(ctx, o.user, "")
	if isKind(err, NotFound) {
		return none, nil
	}
	if err != nil {
		return "", err
	}
	var lines []string
	err = o.g.store.View(ctx, func(tx *cache.Tx) error {
		list, err := read(tx, a.URI)
		if err != nil {
			return err
		}
		for _, f := range list {
			line, err := named(tx, end(f))
			if err != nil {
				return err
			}
			if f.State != cache.FollowAccepted {
				line += " (" + string(f.State) + ")"
			}
			lines = append(lines, line)
		}
		return nil
	})
	if err != nil || len(lines) == 0 {
		return none, err
	}
	if len(lines) == listMost {
		lines = append(lines, "…")
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
		a, err := o.g.linked(ctx, o.user, "")
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
		return nameAndHandle(who) + " does not follow you.", nil
	}
}

func lockCommand(ctx context.Context, o order) (string, error) {
	a, err := o.g.linked(ctx, o.user, "")
	if err != nil {
		return "", err
	}
	switch strings.ToLower(o.arg) {
	case "on":
		a.ManuallyApproves = true
	case "off":
		a.ManuallyApproves = false
	default:
		return "", fail(BadRequest, "say lock on or lock off")
	}
	a.UpdatedAt = o.g.now()
	err = o.g.store.Update(ctx, func(tx *cache.Tx) error {
		if err := tx.PutAccount(a); err != nil {
			return err
		}
		return o.g.profileSoon(tx, a)
	})
	if a.ManuallyApproves {
		return "From now on you are asked before somebody follows you.", err
	}
	return "Everybody can follow you now.", err
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

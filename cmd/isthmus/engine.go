package main

import (
	"context"
	"errors"
	"log/slog"

	"isthmus/cache"
	"isthmus/config"
	"isthmus/gateway"
)

// newEngine makes the gateway.
func newEngine(ctx context.Context, cfg config.Config, store *cache.Store, log *slog.Logger) (engine, error) {
	g, err := gateway.New(ctx, gateway.Options{Config: cfg, Store: store, Log: log, Version: version})
	if err != nil {
		return nil, err
	}
	return &actions{g}, nil
}

// actions is the gateway with the commands that act.
type actions struct{ *gateway.Gateway }

// Do runs a command that acts.
func (a *actions) Do(ctx context.Context, c call) (report, error) {
	arg := ""
	if len(c.Args) > 0 {
		arg = c.Args[0]
	}
	as := a.User(ctx, c.As)
	sure := c.Options[optionYes] != ""
	var text string
	var err error
	switch c.Name {
	case "unlink", "block", "forget":
		if sure {
			break
		}
		if lost, err := a.Loses(ctx, as, c.Name, arg); err != nil || lost != "" {
			return report{Ask: lost}, err
		}
	}
	switch c.Name {
	case "actor":
		return a.actor(ctx, arg)
	case "link":
		text, err = a.Link(ctx, as, arg)
	case "unlink":
		text, err = a.Unlink(ctx, as, arg)
	case "follow":
		text, err = a.FollowHandle(ctx, as, arg)
	case "unfollow":
		text, err = a.UnfollowHandle(ctx, as, arg)
	case "block":
		text, err = a.Block(ctx, as, arg, c.Options["reason"])
	case "unblock":
		text, err = a.Unblock(ctx, as, arg)
	case "save":
		text, err = a.Save(ctx, as, arg)
	case "saved":
		text, err = a.Saved(ctx, as, arg)
	case "forget":
		text, err = a.Forget(ctx, as, arg)
	case "cache sync":
		text, err = a.Sync(ctx, arg, c.Options["node"])
	case "cache sync stop":
		text, err = a.StopSync(ctx, arg, c.Options["node"])
	case "as":
		text, err = a.Command(ctx, as, arg)
		var ask *gateway.Unconfirmed
		switch {
		case errors.As(err, &ask) && sure:
			text, err = a.Command(ctx, as, ask.Say)
		case ask != nil:
			return report{Ask: ask.Loses}, nil
		}
	case "suggest":
		text, err = a.Suggest(ctx, as, arg)
	default:
		return report{}, errUnknown
	}
	if err != nil {
		return report{}, err
	}
	return report{Text: []string{text}}, nil
}

// actor shows who somebody is, on either side.
func (a *actions) actor(ctx context.Context, who string) (report, error) {
	i, err := a.Identify(ctx, who)
	if err != nil {
		return report{}, err
	}
	t := table{Name: "actor", Columns: []string{"what", "value"}}
	for _, row := range [][2]string{
		{"name", i.Name}, {"handle", i.Handle}, {"jid", i.JID}, {"id", i.URI}, {"page", i.URL}, {"state", i.State},
	} {
		if row[1] != "" {
			t.Rows = append(t.Rows, []any{row[0], row[1]})
		}
	}
	return report{Tables: []table{t}}, nil
}

package main

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"isthmus/cache"
)

type saveCmd struct {
	actingUser
	Name  string   `arg:"" help:"What to call the search."`
	Words []string `arg:"" help:"What to search for, in the search language."`
}

func (c *saveCmd) Run(ctx context.Context, a *app, root *cli) error {
	if strings.ContainsFunc(c.Name, unicode.IsSpace) {
		return fmt.Errorf("%q is no name of a search: a name is one word", c.Name)
	}
	text := searchText(c.Words)
	if err := cache.CheckQuery(text); err != nil {
		return wrongQuery(a.stderr, text, err)
	}
	return a.ask(ctx, root, call{Name: "save", As: c.As, Args: []string{c.Name + " " + text}}, false)
}

type savedCmd struct{ actingUser }

func (c *savedCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "saved", As: c.As}, false)
}

type forgetCmd struct {
	actingUser
	yesFlag
	Name string `arg:"" help:"The name of the search."`
}

func (c *forgetCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.askSure(ctx, root, call{Name: "forget", As: c.As, Args: []string{c.Name}}, c.Yes)
}

type suggestCmd struct {
	userFlag
	Tag string `arg:"" optional:"" help:"A hashtag; without it by whom others follow."`
}

func (c *suggestCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "suggest", As: c.As, Args: some(c.Tag)}, false)
}

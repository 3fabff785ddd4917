package main

import "context"

type saveCmd struct {
	actingUser
	Name  string   `arg:"" help:"What to call the search."`
	Words []string `arg:"" help:"What to search for, in the search language."`
}

func (c *saveCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "save", As: c.As, Args: []string{c.Name + " " + searchText(c.Words)}}, false)
}

type savedCmd struct{ actingUser }

func (c *savedCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "saved", As: c.As}, false)
}

type forgetCmd struct {
	actingUser
	Name string `arg:"" help:"The name of the search."`
}

func (c *forgetCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "forget", As: c.As, Args: []string{c.Name}}, false)
}

type suggestCmd struct {
	userFlag
	Tag string `arg:"" optional:"" help:"A hashtag; without it by whom others follow."`
}

func (c *suggestCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "suggest", As: c.As, Args: some(c.Tag)}, false)
}

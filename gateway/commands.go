package gateway

import (
	"context"
	"fmt"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// command is something that a user can have the gateway do. It has one
// implementation, and faces in chat and ad-hoc (XEP-0050).
type command struct {
	name, arg, help string // arg: what to give; "" for nothing; "[…]" if it can be left out
	run             func(ctx context.Context, g *Gateway, user stanza.JID, arg string) (string, error)
}

// table lists the commands in the order in which help shows them.
func table() []command {
	return []command{
		{"link", "", "make me an actor: what I publish from now on is federated", func(ctx context.Context, g *Gateway, u stanza.JID, _ string) (string, error) {
			return g.Link(ctx, u, "")
		}},
		{"unlink", "", "take me off the fediverse again, with all my posts, for good", func(ctx context.Context, g *Gateway, u stanza.JID, _ string) (string, error) {
			return g.Unlink(ctx, u, "")
		}},
		{"pause", "", "hide me until I send link again", func(ctx context.Context, g *Gateway, u stanza.JID, _ string) (string, error) {
			return g.Pause(ctx, u, "")
		}},
		{"status", "", "how the gateway hears of my posts, and how many follow me", statusCommand},
		{"follow", "alice@mast.social", "follow somebody", func(ctx context.Context, g *Gateway, u stanza.JID, arg string) (string, error) {
			return g.FollowHandle(ctx, u, arg)
		}},
		{"unfollow", "alice@mast.social", "stop following somebody", func(ctx context.Context, g *Gateway, u stanza.JID, arg string) (string, error) {
			return g.UnfollowHandle(ctx, u, arg)
		}},
		{"following", "", "whom I follow", followingCommand},
		{"followers", "", "who follows me", followersCommand},
		{"approve", "alice@mast.social", "let somebody follow me who asked", decideCommand(true)},
		{"deny", "alice@mast.social", "refuse a follower, or remove one", decideCommand(false)},
		{"lock", "[on or off]", "decide myself who follows me", lockCommand},
		{"search", "words", "find posts that passed through this gateway", searchCommand},
		{"block", "alice@mast.social", "see nothing of somebody, or of a whole server, and show them nothing", func(ctx context.Context, g *Gateway, u stanza.JID, arg string) (string, error) {
			return g.Block(ctx, u, arg, "")
		}},
		{"unblock", "alice@mast.social", "lift a block", func(ctx context.Context, g *Gateway, u stanza.JID, arg string) (string, error) {
			return g.Unblock(ctx, u, arg)
		}},
	}
}

// obey runs a command as it is typed and gives the answer.
func (g *Gateway) obey(ctx context.Context, user stanza.JID, text string) string {
	name, arg, _ := strings.Cut(strings.TrimPrefix(text, "/"), " ")
	name, arg = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(arg)
	if name == "help" || name == "?" {
		return help()
	}
	for _, c := range table() {
		if c.name != name {
			continue
		}
		if arg == "" && c.arg != "" && c.arg[0] != '[' {
			return fmt.Sprintf("What? For example: %s %s", c.name, c.arg)
		}
		answer, err := c.run(ctx, g, user.Bare(), arg)
		if err != nil {
			g.log.Info("command failed", "command", name, "user", user.Bare(), "error", err)
			return sayError(err)
		}
		return answer
	}
	return "I do not know “" + name + "”. Send help for what I know."
}

func help() string {
	var b strings.Builder
	b.WriteString("I join you to the fediverse. Send me:\n")
	for _, c := range table() {
		line := c.name
		if c.arg != "" {
			line += " " + c.arg
		}
		fmt.Fprintf(&b, "%s – %s\n", line, c.help)
	}
	b.WriteString("To read somebody in a client for social posts, subscribe to alice\\40mast.social@ this address.")
	return b.String()
}

func statusCommand(ctx context.Context, g *Gateway, user stanza.JID, _ string) (string, error) {
	a, err := g.accountOf(ctx, user, "")
	if isKind(err, NotFound) || err == nil && a.State == cache.Unlinked {
		return "You are not linked. Send link, and what you publish from then on is federated.", nil
	}
	if err != nil {
		return "", err
	}
	var followers, following, posts int
	err = g.store.View(ctx, func(tx *cache.Tx) (err error) {
		if followers, err = tx.CountFollowers(a.URI); err != nil {
			return err
		}
		if following, err = tx.CountFollowing(a.URI); err != nil {
			return err
		}
		posts, err = tx.CountOutbox(a.URI, cache.Viewer{}, cache.AnyWidth)
		return err
	})
	if err != nil {
		return "", err
	}
	state := map[cache.AccountState]string{
		cache.Linked: "linked", cache.Paused: "paused", cache.FollowerOnly: "following only; send link to publish",
	}[a.State]
	r := a.Reach
	lines := []string{
		fmt.Sprintf("@%s is %s.", a.Acct, state),
		fmt.Sprintf("%d followers, %d followed, %d posts federated.", followers, following, posts),
	}
	if a.State == cache.Linked {
		how := map[string]string{
			rungNotify: "your server tells me of each post", rungSubscribe: "I am subscribed to your node", rungPull: "I look every few minutes",
		}[r.Rung]
		lines = append(lines, "Your node "+feedNode(a)+" is "+string(a.Access)+"; "+how+".")
		if !r.Event.IsZero() {
			lines = append(lines, "Last news: "+r.Event.UTC().Format("2006-01-02 15:04 UTC"))
		}
		if r.Error != "" {
			lines = append(lines, "Last trouble: "+r.Error)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// listMost is how many names an answer lists.
const listMost = 100

func followingCommand(ctx context.Context, g *Gateway, user stanza.JID, _ string) (string, error) {
	return listFollows(ctx, g, user, "You follow nobody yet.", func(tx *cache.Tx, uri string) ([]cache.Follow, error) {
		return tx.FollowingOf(uri, "", 0, listMost)
	}, func(f cache.Follow) string { return f.Followee })
}

func followersCommand(ctx context.Context, g *Gateway, user stanza.JID, _ string) (string, error) {
	return listFollows(ctx, g, user, "Nobody follows you yet.", func(tx *cache.Tx, uri string) ([]cache.Follow, error) {
		return tx.FollowersOf(uri, "", 0, listMost)
	}, func(f cache.Follow) string { return f.Follower })
}

func listFollows(ctx context.Context, g *Gateway, user stanza.JID, none string,
	read func(*cache.Tx, string) ([]cache.Follow, error), end func(cache.Follow) string) (string, error) {
	a, err := g.accountOf(ctx, user, "")
	if isKind(err, NotFound) {
		return none, nil
	}
	if err != nil {
		return "", err
	}
	var lines []string
	err = g.store.View(ctx, func(tx *cache.Tx) error {
		list, err := read(tx, a.URI)
		if err != nil {
			return err
		}
		for _, f := range list {
			line := end(f)
			if who, err := tx.ActorByURI(line); err == nil {
				line = nameAndHandle(who)
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

func decideCommand(accept bool) func(context.Context, *Gateway, stanza.JID, string) (string, error) {
	return func(ctx context.Context, g *Gateway, user stanza.JID, arg string) (string, error) {
		a, err := g.linked(ctx, user, "")
		if err != nil {
			return "", err
		}
		who, err := g.findActor(ctx, arg)
		if err != nil {
			return "", err
		}
		if err := g.decide(ctx, a, who, accept); err != nil {
			return "", err
		}
		if accept {
			return nameAndHandle(who) + " follows you now.", nil
		}
		return nameAndHandle(who) + " does not follow you.", nil
	}
}

func lockCommand(ctx context.Context, g *Gateway, user stanza.JID, arg string) (string, error) {
	a, err := g.linked(ctx, user, "")
	if err != nil {
		return "", err
	}
	switch strings.ToLower(arg) {
	case "on", "":
		a.ManuallyApproves = true
	case "off":
		a.ManuallyApproves = false
	default:
		return "", fail(BadRequest, "say lock on or lock off")
	}
	err = g.store.Update(ctx, func(tx *cache.Tx) error {
		if err := tx.PutAccount(a); err != nil {
			return err
		}
		return tx.Enqueue(g.profileJob(a.URI))
	})
	if a.ManuallyApproves {
		return "From now on you are asked before somebody follows you.", err
	}
	return "Everybody can follow you now.", err
}

func searchCommand(ctx context.Context, g *Gateway, user stanza.JID, arg string) (string, error) {
	var found cache.SearchResult
	v := g.viewer(ctx, user)
	err := g.store.View(ctx, func(tx *cache.Tx) (err error) {
		found, err = tx.Search(cache.SearchQuery{Text: arg, Viewer: v, Limit: 10})
		return err
	})
	if err != nil {
		return "", because(BadRequest, err, "that search cannot be read: %v", err)
	}
	if len(found.Hits) == 0 {
		return "Nothing found.", nil
	}
	var lines []string
	for _, h := range found.Hits {
		lines = append(lines, fmt.Sprintf("%s, %s: %s\n%s", h.Post.Owner.Name, h.Post.Published.UTC().Format("2006-01-02"), h.Snippet, h.Post.URL))
	}
	return strings.Join(lines, "\n\n"), nil
}

// cleanHandle makes a handle of what people type and paste.
func cleanHandle(s string) string {
	s = strings.TrimSpace(s)
	for _, prefix := range []string{"acct:", "xmpp:", "@"} {
		s = strings.TrimPrefix(s, prefix)
	}
	if strings.HasPrefix(s, "https://") {
		return s
	}
	return strings.ToLower(s)
}

// commands offers the same by XEP-0050.
type commands struct{ g *Gateway }

// Commands lists the ad-hoc commands of the gateway's own address.
func (c *commands) Commands(_ context.Context, r xmpp.Request) ([]xmpp.Command, error) {
	if r.To.Local() != "" {
		return nil, nil
	}
	var out []xmpp.Command
	for _, cmd := range table() {
		x := xmpp.Command{Node: cmd.name, Name: strings.ToUpper(cmd.name[:1]) + cmd.name[1:] + ": " + cmd.help}
		if cmd.arg != "" {
			x.Form = func(context.Context, xmpp.Request) (*xmpp.Form, error) {
				f := xmpp.NewForm(xmpp.FormForm, "")
				f.Title = cmd.help
				return f.Add(xmpp.Field{Var: "what", Type: "text-single", Label: strings.Trim(cmd.arg, "[]"), Required: cmd.arg[0] != '['}), nil
			}
		}
		x.Run = func(ctx context.Context, r xmpp.Request, values *xmpp.Form) (xmpp.CommandResult, error) {
			arg := ""
			if values != nil {
				arg = strings.TrimSpace(values.Value("what"))
			}
			if arg == "" && cmd.arg != "" && cmd.arg[0] != '[' {
				return xmpp.CommandResult{Note: "Give something like " + cmd.arg, NoteType: "error", Retry: true}, nil
			}
			answer, err := cmd.run(ctx, c.g, r.From.Bare(), arg)
			if err != nil {
				return xmpp.CommandResult{Note: sayError(err), NoteType: "error"}, nil
			}
			return xmpp.CommandResult{Note: answer}, nil
		}
		out = append(out, x)
	}
	return out, nil
}

// prompt turns a handle into an address (XEP-0100 §6).
type prompt struct{ g *Gateway }

// Prompt explains what to type.
func (p *prompt) Prompt(context.Context, xmpp.Request) (desc, name string, err error) {
	return "Whom do you want to add? Give a fediverse address.", "alice@mast.social", nil
}

// Resolve gives the XMPP address of an actor.
func (p *prompt) Resolve(ctx context.Context, _ xmpp.Request, text string) (stanza.JID, error) {
	a, err := p.g.findActor(ctx, text)
	return stanza.JID(a.JID), err
}

// registration links and unlinks by XEP-0077.
type registration struct{ g *Gateway }

// Registration says whether the requester is linked.
func (r *registration) Registration(ctx context.Context, req xmpp.Request) (xmpp.RegistrationState, error) {
	a, err := r.g.accountOf(ctx, req.From, "")
	if err != nil && !isKind(err, NotFound) {
		return xmpp.RegistrationState{}, err
	}
	return xmpp.RegistrationState{
		Registered:   err == nil && a.State == cache.Linked,
		Instructions: "Registering links you: what you publish in your microblog from then on goes to the fediverse.",
	}, nil
}

// Register links.
func (r *registration) Register(ctx context.Context, req xmpp.Request, _ *xmpp.Form) error {
	_, err := r.g.Link(ctx, req.From.Bare(), "")
	return err
}

// Unregister unlinks.
func (r *registration) Unregister(ctx context.Context, req xmpp.Request) error {
	_, err := r.g.Unlink(ctx, req.From.Bare(), "")
	return err
}

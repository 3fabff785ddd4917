package gateway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"isthmus/cache"
	"isthmus/xmpp/stanza"
)

// order is a command as a user gives it.
type order struct {
	g    *Gateway
	user stanza.JID // bare
	arg  string
}

// command is something that a user can have the gateway do. It has one
// implementation, and faces in chat and ad-hoc (XEP-0050); the command line
// calls what it calls.
type command struct {
	name    string
	group   string // under which help lists it
	arg     string // what to give, by an example; "" for nothing
	maybe   bool   // the argument can be left out
	help    string
	aliases []string
	asks    []asked // the same as the fields of a form
	none    string  // what to say if the form has nothing to choose from
	run     func(ctx context.Context, o order) (string, error)
	pages   pager  // of an answer that goes on
	more    string // what help for this one adds
	// loses says what the command would end that nothing brings back, "" if
	// nothing. Then it is asked whether that is meant.
	loses func(ctx context.Context, o order) (string, error)
}

// findCommand finds a command by its name or another word for it.
func findCommand(name string) (command, bool) {
	for _, c := range table() {
		if c.name == name || slices.Contains(c.aliases, name) {
			return c, true
		}
	}
	return command{}, false
}

// obey runs a command as it is typed and gives the answer; known is false if
// there is no such command.
func (g *Gateway) obey(ctx context.Context, user stanza.JID, text string) (answer string, known bool) {
	answer, known, err := g.understand(ctx, user, text)
	var ask *Unconfirmed
	switch {
	case errors.As(err, &ask):
		return ask.Error(), known
	case err != nil:
		return sentence(sayError(err)), known
	}
	return answer, known
}

// Command runs a command in the words in which users give it by chat. What would
// end something for ever is not done without a yes: the error is an Unconfirmed.
func (g *Gateway) Command(ctx context.Context, user stanza.JID, text string) (string, error) {
	answer, _, err := g.understand(ctx, user, text)
	return answer, err
}

func (g *Gateway) understand(ctx context.Context, user stanza.JID, text string) (answer string, known bool, err error) {
	name, arg, _ := strings.Cut(strings.TrimLeft(text, "/!"), " ")
	if first, rest, ok := strings.Cut(name, "\n"); ok {
		name, arg = first, rest+" "+arg
	}
	c, known := findCommand(strings.ToLower(strings.TrimSpace(name)))
	if !known {
		return "", false, fail(BadRequest, "I do not know that word. %sSend help for what I can do.", meant(text, name))
	}
	if greeting := strings.ToLower(strings.TrimSpace(name)); greeting == "hello" || greeting == "hi" {
		arg = "" // hello there
	}
	arg, sure := strings.TrimSpace(arg), false
	if c.loses != nil {
		arg, sure = cutYes(arg)
	}
	answer, err = g.carryOut(ctx, c, user, arg, sure)
	return answer, true, err
}

// meant is what somebody probably wanted whose first word is no command, as a
// sentence before others, or "".
func meant(text, name string) string {
	if who := cleanHandle(text); !strings.ContainsAny(who, " \n") &&
		(strings.HasPrefix(who, "https://") || strings.Contains(who, "@")) {
		return "To follow somebody, send: follow " + shorten(who, findLongest) + "\n"
	}
	return nearCommand(name)
}

// nearCommand asks about the command whose name is like a word, as a sentence
// before others, or "".
func nearCommand(word string) string {
	names := make([]string, 0, 64)
	for _, c := range table() {
		names = append(append(names, c.name), c.aliases...)
	}
	if near := cache.Nearest(strings.ToLower(word), names); near != "" {
		return "Did you mean " + near + "? "
	}
	return ""
}

// carryOut runs a command for a user, whichever way it came. Without sure, one
// that would end something for ever gives an Unconfirmed.
func (g *Gateway) carryOut(ctx context.Context, c command, user stanza.JID, arg string, sure bool) (string, error) {
	o := order{g, user.Bare(), strings.TrimSpace(arg)}
	if o.arg == "" && c.arg != "" && !c.maybe {
		return "", fail(BadRequest, "write it like this: %s", c.usage())
	}
	lost, answer := "", ""
	var err error
	if c.loses != nil && !sure {
		lost, err = c.loses(ctx, o)
	}
	switch {
	case err != nil:
	case lost != "":
		return "", &Unconfirmed{Loses: lost, Say: strings.TrimSpace(c.name+" "+o.arg) + " yes"}
	default:
		answer, err = c.run(ctx, o)
	}
	if err != nil {
		level := slog.LevelInfo
		if isKind(err, BadRequest) || isKind(err, NotFound) || isKind(err, Conflict) || isKind(err, Forbidden) { // they were told
			level = slog.LevelDebug
		}
		g.log.Log(ctx, level, "command failed", "command", c.name, "error", err)
	}
	return answer, err
}

// onNode is a command about the user's microblog, or another node of theirs.
func onNode(fn func(*Gateway, context.Context, stanza.JID, string) (string, error)) func(context.Context, order) (string, error) {
	return func(ctx context.Context, o order) (string, error) {
		jid, node := o.target()
		return fn(o.g, ctx, jid, node)
	}
}

// target is the node that a command is about. An operator may name somebody
// else, and a service: JID, or JID/node.
func (o order) target() (jid stanza.JID, node string) {
	first, rest, _ := strings.Cut(o.arg, "/")
	if o.g.isAdmin(o.user) && (o.g.addr.IsUserDomain(stanza.JID(first).Domain()) || o.g.addr.IsService(first)) {
		return stanza.JID(strings.ToLower(first)), rest
	}
	return o.user, o.arg
}

// onActor is a command about somebody on the fediverse.
func onActor(fn func(*Gateway, context.Context, stanza.JID, string) (string, error)) func(context.Context, order) (string, error) {
	return func(ctx context.Context, o order) (string, error) { return fn(o.g, ctx, o.user, o.arg) }
}

func importCommand(ctx context.Context, o order) (string, error) {
	most := pullMost
	if o.arg != "" {
		n, err := strconv.Atoi(o.arg)
		if err != nil || n < 1 {
			return "", fail(BadRequest, "how many posts? For example: import 50")
		}
		most = n
	}
	return o.g.Import(ctx, o.user, "", most)
}

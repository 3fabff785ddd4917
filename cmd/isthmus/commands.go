package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"isthmus/config"
)

// version is the version of the program; the commit stands beside it.
const version = "0.1.0"

// userFlag is for commands in which a user acts.
type userFlag struct {
	As string `placeholder:"JID" help:"The user who acts; without it the operator does."`
}

// jsonFlag is for commands that print a table.
type jsonFlag struct {
	JSON bool `help:"Print JSON."`
}

type statusCmd struct {
	jsonFlag
	Check bool   `help:"Only tell whether the gateway runs and is linked to the XMPP server; fail if not."`
	JID   string `arg:"" optional:"" help:"Only this user."`
}

func (c *statusCmd) Run(ctx context.Context, a *app, root *cli) error {
	if c.JID != "" && !c.Check {
		return a.ask(ctx, root, call{Name: "status", Args: some(c.JID)}, c.JSON)
	}
	cfg, err := a.config(root)
	if err != nil {
		return err
	}
	state, trouble := gatewayState(ctx, cfg)
	if c.Check {
		if trouble != nil {
			return trouble
		}
		_, err = fmt.Fprintln(a.stdout, printable(state))
		return err
	}
	if trouble != nil {
		state = trouble.Error()
	}
	out, err := a.answer(ctx, root, call{Name: "status"})
	if err != nil {
		return err
	}
	out.Text = append([]string{state}, out.Text...)
	return a.show(out, c.JSON)
}

// gatewayState says in a sentence how the running gateway is, or as an error
// what keeps it from its work.
func gatewayState(ctx context.Context, cfg config.Config) (string, error) {
	h, err := dial(cfg).health(ctx)
	switch since := h.Started.Local().Format(time.DateTime); {
	case errors.Is(err, errNoServer):
		return "", fmt.Errorf("the gateway does not run; start it with: isthmus serve --config %s", cfg.File)
	case err != nil:
		return "", fmt.Errorf("the gateway does not answer: %w", err)
	case h.Database != "":
		return "", fmt.Errorf("the gateway runs since %s, but its database gives trouble: %s", since, h.Database)
	case !h.Online && h.Link != "":
		return "", fmt.Errorf("the gateway runs since %s, but is not linked to the XMPP server: %s", since, h.Link)
	case !h.Online:
		return "", fmt.Errorf("the gateway runs since %s, but is not linked to the XMPP server", since)
	default:
		return fmt.Sprintf("the gateway runs since %s, version %s, linked to the XMPP server", since, h.Version), nil
	}
}

type actorCmd struct {
	jsonFlag
	Who string `arg:"" help:"A handle, JID or actor URL."`
}

func (c *actorCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "actor", Args: []string{c.Who}}, c.JSON)
}

type linkCmd struct {
	JID  string `arg:"" help:"The user, or a pubsub service."`
	Node string `help:"A node that is to be an actor of its own."`
}

func (c *linkCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "link", As: c.JID, Args: some(c.Node)}, false)
}

// optionYes says that a command is meant which ends something for ever.
const optionYes = "yes"

// yesFlag is for such commands.
type yesFlag struct {
	Yes bool `help:"Do not ask."`
}

// askSure gives a command that may ask back. Whoever sits there is asked, if they
// have not said before that they are sure.
func (a *app) askSure(ctx context.Context, root *cli, in call, yes bool) error {
	if yes {
		in = in.with(optionYes, "true")
	}
	out, err := a.answer(ctx, root, in)
	if err != nil {
		return err
	}
	if out.Ask != "" {
		fmt.Fprintln(a.stdout, printable(out.Ask))
		if err := a.confirm("Do it? Type yes: ", "nothing was done; --yes does it without asking"); err != nil {
			return err
		}
		if out, err = a.answer(ctx, root, in.with(optionYes, "true")); err != nil {
			return err
		}
	}
	return a.show(out, false)
}

// confirm asks for a yes, and fails with what is said without one.
func (a *app) confirm(question, otherwise string) error {
	fmt.Fprint(a.stdout, question)
	var word string
	if _, err := fmt.Fscanln(a.stdin, &word); err != nil || word != "yes" {
		return errors.New(otherwise)
	}
	return nil
}

// with is a command with one more option.
func (c call) with(name, value string) call {
	options := map[string]string{name: value}
	for k, v := range c.Options {
		options[k] = v
	}
	c.Options = options
	return c
}

type unlinkCmd struct {
	yesFlag
	JID  string `arg:"" help:"The user, or a pubsub service."`
	Node string `help:"The node that is an actor of its own."`
}

func (c *unlinkCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.askSure(ctx, root, call{Name: "unlink", As: c.JID, Args: some(c.Node)}, c.Yes)
}

type asCmd struct {
	yesFlag
	JID   string   `arg:"" help:"The user, or a pubsub service."`
	Words []string `arg:"" help:"A command as users give it by chat; help lists them."`
}

func (c *asCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.askSure(ctx, root, call{Name: "as", As: c.JID, Args: []string{strings.Join(plainWords(c.Words), " ")}}, c.Yes)
}

type linksCmd struct{ jsonFlag }

func (c *linksCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "links"}, c.JSON)
}

// actingUser is for commands that nobody but a user can give.
type actingUser struct {
	As string `required:"" placeholder:"JID" help:"The user who acts."`
}

type followCmd struct {
	actingUser
	Who string `arg:"" help:"The handle or JID of the actor."`
}

func (c *followCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "follow", As: c.As, Args: []string{c.Who}}, false)
}

type unfollowCmd struct {
	actingUser
	Who string `arg:"" help:"The handle or JID of the actor."`
}

func (c *unfollowCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "unfollow", As: c.As, Args: []string{c.Who}}, false)
}

type blockCmd struct {
	userFlag
	yesFlag
	Who    string `arg:"" help:"A handle, JID or domain."`
	Reason string `help:"Why; for the list of blocks."`
}

func (c *blockCmd) Run(ctx context.Context, a *app, root *cli) error {
	in := call{Name: "block", As: c.As, Args: []string{c.Who}}
	if c.Reason != "" {
		in.Options = map[string]string{"reason": c.Reason}
	}
	return a.askSure(ctx, root, in, c.Yes)
}

type unblockCmd struct {
	userFlag
	Who string `arg:"" help:"A handle, JID or domain."`
}

func (c *unblockCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "unblock", As: c.As, Args: []string{c.Who}}, false)
}

type blocksCmd struct {
	jsonFlag
	userFlag
}

func (c *blocksCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "blocks", As: c.As}, c.JSON)
}

type queueCmd struct {
	List  queueListCmd  `cmd:"" default:"withargs" help:"List the jobs that wait or have failed."`
	Retry queueRetryCmd `cmd:"" help:"Try a job again now."`
	Drop  queueDropCmd  `cmd:"" help:"Give a job up."`
}

type queueListCmd struct {
	jsonFlag
	Host   string `help:"Only jobs for this host."`
	Failed bool   `help:"Only jobs that were given up."`
	Limit  int    `default:"50" help:"At most so many (${default})."`
}

func (c *queueListCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "queue", Options: map[string]string{
		"host": c.Host, "failed": strconv.FormatBool(c.Failed), "limit": strconv.Itoa(c.Limit)}}, c.JSON)
}

type queueRetryCmd struct {
	ID int64 `arg:"" help:"The number of the job."`
}

func (c *queueRetryCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "queue retry", Args: []string{strconv.FormatInt(c.ID, 10)}}, false)
}

type queueDropCmd struct {
	ID int64 `arg:"" help:"The number of the job."`
}

func (c *queueDropCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "queue drop", Args: []string{strconv.FormatInt(c.ID, 10)}}, false)
}

type traceCmd struct {
	jsonFlag
	What string `arg:"" help:"A post: its id, web page, xmpp: link, SERVICE/NODE/ITEM, or number."`
}

func (c *traceCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "trace", Args: []string{c.What}}, c.JSON)
}

type versionCmd struct{}

func (c *versionCmd) Run(a *app) error {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				commit = s.Value[:12] + ", "
			}
		}
	}
	_, err := fmt.Fprintf(a.stdout, "isthmus %s (%s%s, %s/%s)\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// readOnly are the commands that work without a running gateway.
var readOnly = map[string]bool{
	"status": true, "search": true, "links": true, "blocks": true, "queue": true, "cache stats": true, "cache get": true, "cache syncs": true, "trace": true,
}

// answer gives a command to the running gateway, or to the file if none runs and
// the command only reads.
func (a *app) answer(ctx context.Context, root *cli, in call) (report, error) {
	cfg, err := a.config(root)
	if err != nil {
		return report{}, err
	}
	out, err := dial(cfg).do(ctx, in)
	if errors.Is(err, errNoServer) {
		if !readOnly[in.Name] {
			return report{}, fmt.Errorf("%s needs the running gateway, and none runs on %s; start it with: isthmus serve --config %s", in.Name, cfg.Cache.Path, cfg.File)
		}
		out, err = a.askFile(ctx, cfg, in)
	}
	return out, err
}

// ask gives a command to the gateway or the file and prints what it says.
func (a *app) ask(ctx context.Context, root *cli, in call, asJSON bool) error {
	out, err := a.answer(ctx, root, in)
	if err != nil {
		return err
	}
	return a.show(out, asJSON)
}

// show prints what was said.
func (a *app) show(out report, asJSON bool) error {
	if asJSON {
		return out.printJSON(a.stdout)
	}
	return out.print(a.stdout)
}

// config reads the configuration for a command; warnings are for serve and doctor.
func (a *app) config(root *cli) (config.Config, error) {
	return config.Load(root.Config, a.environ)
}

// Command isthmus joins the fediverse and XMPP: one program that is an XMPP
// component and an ActivityPub server. See `isthmus --help`.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
)

// What the program says when it ends.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	go func() {
		<-ctx.Done()
		stop() // from here on a second signal ends the program at once
	}()
	os.Exit(run(ctx, os.Args[1:], &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environ: os.Environ(), random: rand.Reader, build: buildGateway,
	}))
}

// app is what the commands work with.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	random         io.Reader
	build          builder
}

// cli is the command line.
type cli struct {
	Config string `default:"isthmus.toml" env:"ISTHMUS_CONFIG" placeholder:"FILE" help:"Configuration file (${default})."`

	Init     initCmd     `cmd:"" help:"Write a configuration and say what the servers around need."`
	Serve    serveCmd    `cmd:"" help:"Run the gateway."`
	Doctor   doctorCmd   `cmd:"" help:"Check that everything around the gateway works."`
	Status   statusCmd   `cmd:"" help:"Show the status of the gateway, its users and its queue."`
	Search   searchCmd   `cmd:"" help:"Find posts of both worlds."`
	Save     saveCmd     `cmd:"" help:"Keep a search of a user under a name, as a node that only they see."`
	Saved    savedCmd    `cmd:"" help:"List the searches that a user keeps."`
	Forget   forgetCmd   `cmd:"" help:"Drop a search that a user keeps."`
	Suggest  suggestCmd  `cmd:"" help:"Name people and hashtags that a user could follow."`
	Cache    cacheCmd    `cmd:"" help:"Look into the store, fill it, tidy it, save it."`
	Actor    actorCmd    `cmd:"" help:"Show who somebody is, on either side."`
	Link     linkCmd     `cmd:"" help:"Publish a user's posts to the fediverse from now on."`
	As       asCmd       `cmd:"" help:"Give a command for a user, in the words that users send by chat."`
	Links    linksCmd    `cmd:"" help:"List the users who are actors."`
	Follow   followCmd   `cmd:"" help:"Follow an actor for a user."`
	Unfollow unfollowCmd `cmd:"" help:"End a follow of a user."`
	Block    blockCmd    `cmd:"" help:"Block an actor or a whole domain."`
	Unblock  unblockCmd  `cmd:"" help:"Lift a block."`
	Blocks   blocksCmd   `cmd:"" help:"List the blocks."`
	Unlink   unlinkCmd   `cmd:"" help:"Take a user off the fediverse, with all their posts there."`
	Queue    queueCmd    `cmd:"" help:"Show the jobs that wait, or deal with one."`
	Trace    traceCmd    `cmd:"" help:"Show what is known about a post, and who got it."`
	Version  versionCmd  `cmd:"" help:"Say which version this is."`
}

// run is the program: it returns the exit status.
func run(ctx context.Context, args []string, a *app) int {
	var c cli
	left := -1 // set when kong has done all there is to do, such as --help
	parser, err := kong.New(&c, kong.Name("isthmus"),
		kong.Description("Joins the fediverse (ActivityPub) and XMPP."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(a.stdout, a.stderr), kong.Exit(func(status int) { left = status }))
	if err != nil {
		fmt.Fprintln(a.stderr, "isthmus:", err)
		return exitFailed
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // as the gateway's own word by chat
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := parser.Parse(markWords(parser.Model, joinFields(args)))
	if left >= 0 {
		return left
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "isthmus: %v; see isthmus --help\n", err)
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(a, &c); err != nil {
		if !errors.Is(err, errSaid) {
			fmt.Fprintln(a.stderr, "isthmus:", err)
		}
		return exitFailed
	}
	return exitDone
}

// errSaid ends a command that has already said what is wrong.
var errSaid = errors.New("already said")

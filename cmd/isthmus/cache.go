package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"isthmus/cache"
	"isthmus/config"
	"isthmus/translate"
)

type cacheCmd struct {
	Stats   cacheStatsCmd   `cmd:"" help:"Count what is in the store, and what takes how much."`
	Get     cacheGetCmd     `cmd:"" help:"Show a post as it is stored."`
	Sync    cacheSyncCmd    `cmd:"" help:"Fetch the whole history of an actor or a node, or show what is being fetched."`
	Purge   cachePurgeCmd   `cmd:"" help:"Forget posts that can be fetched again. Without --yes it only says how many."`
	Reset   cacheResetCmd   `cmd:"" help:"Forget every post that can be fetched again."`
	Export  cacheExportCmd  `cmd:"" help:"Write posts, whole, as lines of JSON."`
	Import  cacheImportCmd  `cmd:"" help:"Read an export. What is there already stays as it is."`
	Verify  cacheVerifyCmd  `cmd:"" help:"Look for damage, and for posts that disagree with what they came as."`
	Reindex cacheReindexCmd `cmd:"" help:"Make the full-text index anew, while the gateway serves."`
	Vacuum  cacheVacuumCmd  `cmd:"" help:"Rewrite the database without what was deleted; nothing of it is left then."`
	Backup  cacheBackupCmd  `cmd:"" help:"Copy the database to a new file, while the gateway serves."`
}

type cacheStatsCmd struct{ jsonFlag }

func (c *cacheStatsCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.ask(ctx, root, call{Name: "cache stats"}, c.JSON)
}

type cacheGetCmd struct {
	Post string `arg:"" help:"The URL or xmpp: link of a post, SERVICE/NODE/ITEM, or its number."`
	Form string `enum:"summary,json,xml,raw" default:"summary" placeholder:"FORM" help:"summary, json (the post as it is understood), xml (as XMPP shows it) or raw (as it came)."`
}

func (c *cacheGetCmd) Run(ctx context.Context, a *app, root *cli) error {
	in := call{Name: "cache get", Args: []string{c.Post}, Options: map[string]string{"form": c.Form}}
	if c.Form == "summary" {
		return a.ask(ctx, root, in, false)
	}
	_, err := a.askStream(ctx, root, in, pipe{out: a.stdout})
	return err
}

// selection are the flags that select posts.
type selection struct {
	Post    string `placeholder:"URL" help:"Only this post."`
	Service string `placeholder:"JID" help:"Only what stands in nodes of this service."`
	Node    string `help:"Only what stands in nodes of this name."`
	Actor   string `placeholder:"WHO" help:"Only posts of this actor: handle, JID or URL."`
	Host    string `help:"Only posts of this server's people."`
	Kind    string `help:"Only note, article, event, poll or boost."`
	Older   int    `placeholder:"DAYS" help:"Only what was received more than so many days ago."`
	Larger  string `placeholder:"SIZE" help:"Only what takes more than this, such as 100KB."`
}

func (s selection) options() (map[string]string, error) {
	o := map[string]string{}
	for key, value := range map[string]string{
		"post": s.Post, "service": s.Service, "node": s.Node, "actor": s.Actor, "host": s.Host,
	} {
		if value != "" {
			o[key] = value
		}
	}
	if s.Kind != "" {
		kind, err := translate.ParseKind(s.Kind)
		if err != nil {
			return nil, fmt.Errorf("--kind: %w", err)
		}
		o["kind"] = string(kind)
	}
	if s.Older < 0 {
		return nil, errors.New("--older must be a number of days")
	}
	if s.Older > 0 {
		o["older"] = strconv.Itoa(s.Older)
	}
	if s.Larger != "" {
		n, err := config.ParseSize(s.Larger)
		if err != nil {
			return nil, fmt.Errorf("--larger %s: %w; write for example 100KB", s.Larger, err)
		}
		o["larger"] = strconv.FormatInt(n, 10)
	}
	return o, nil
}

type cachePurgeCmd struct {
	selection
	Yes bool `help:"Do it."`
}

func (c *cachePurgeCmd) Run(ctx context.Context, a *app, root *cli) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if len(o) == 0 {
		return errors.New("say which posts, for example --older 365 or --host mast.example; isthmus cache reset forgets all")
	}
	return a.purge(ctx, root, o, c.Yes)
}

// purge forgets posts, or says what would be forgotten.
func (a *app) purge(ctx context.Context, root *cli, o map[string]string, really bool) error {
	o["really"] = strconv.FormatBool(really)
	return a.tell(ctx, root, call{Name: "cache purge", Options: o})
}

// tell runs a command that streams what people read.
func (a *app) tell(ctx context.Context, root *cli, in call) error {
	out, err := a.askStream(ctx, root, in, pipe{out: a.stdout})
	if err != nil {
		return err
	}
	return out.print(a.stdout)
}

type cacheResetCmd struct {
	Yes bool `help:"Do not ask."`
}

func (c *cacheResetCmd) Run(ctx context.Context, a *app, root *cli) error {
	if !c.Yes {
		if err := a.purge(ctx, root, map[string]string{}, false); err != nil {
			return err
		}
		if err := a.confirm("Forget them? Type yes: ", "nothing was forgotten; --yes does it without asking"); err != nil {
			return err
		}
	}
	return a.purge(ctx, root, map[string]string{}, true)
}

type cacheExportCmd struct {
	selection
	File   string `arg:"" optional:"" help:"A new file; without it the export goes to the standard output."`
	Public bool   `help:"Only what is for everybody."`
	Skip   bool   `help:"Leave out posts that cannot be read, and say which, instead of ending there."`
}

func (c *cacheExportCmd) Run(ctx context.Context, a *app, root *cli) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	o["public"], o["skip"] = strconv.FormatBool(c.Public), strconv.FormatBool(c.Skip)
	in := call{Name: "cache export", Options: o}
	if c.File == "" {
		out, err := a.askStream(ctx, root, in, pipe{out: a.stdout})
		if err != nil {
			return unwritten(err)
		}
		return out.print(a.stderr)
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // private posts are in it
	if err != nil {
		return fmt.Errorf("%w; name a new file", err)
	}
	out, err := a.askStream(ctx, root, in, pipe{out: f})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(unwritten(err), os.Remove(c.File))
	}
	return out.print(a.stdout)
}

// unwritten says what to do where there is no room for an export.
func unwritten(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w; make room there, or name a file on another disk", err)
	}
	return err
}

type cacheImportCmd struct {
	File string `arg:"" help:"An export; - is the standard input."`
}

func (c *cacheImportCmd) Run(ctx context.Context, a *app, root *cli) error {
	from := a.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	out, err := a.askStream(ctx, root, call{Name: "cache import"}, pipe{in: from, out: io.Discard})
	if err != nil {
		return err
	}
	return out.print(a.stdout)
}

type cacheVerifyCmd struct {
	Repair bool `help:"Mend what can be computed anew."`
}

func (c *cacheVerifyCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.tell(ctx, root, call{Name: "cache verify", Options: map[string]string{"repair": strconv.FormatBool(c.Repair)}})
}

type cacheReindexCmd struct{}

func (c *cacheReindexCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.tell(ctx, root, call{Name: "cache reindex"})
}

type cacheVacuumCmd struct{}

func (c *cacheVacuumCmd) Run(ctx context.Context, a *app, root *cli) error {
	return a.tell(ctx, root, call{Name: "cache vacuum"})
}

type cacheBackupCmd struct {
	File string `arg:"" help:"A new file; private keys will be in it."`
}

func (c *cacheBackupCmd) Run(ctx context.Context, a *app, root *cli) error {
	cfg, err := a.config(root)
	if err != nil {
		return err
	}
	if err := hasDatabase(cfg); err != nil {
		return err
	}
	n, err := cache.Backup(ctx, cfg.Cache.Path, c.File)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		err = fmt.Errorf("%w; run this as root, or as the user that runs the gateway, and name a file in a folder where that user may write", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s, %s, is a whole copy, private keys included. To restore: stop the gateway, put it in the place of the database, owned by the gateway's user, remove -wal and -shm there, start.\n",
		c.File, size(n))
	return err
}

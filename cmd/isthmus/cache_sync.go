package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"isthmus/cache"
)

type cacheSyncCmd struct {
	jsonFlag
	Who        string `arg:"" optional:"" help:"An actor (handle or URL), or an XMPP address whose node follows. Without it, what is and was fetched is listed."`
	Node       string `arg:"" optional:"" help:"A node of that address."`
	Stop       bool   `help:"Stop fetching; the same command without it goes on."`
	Background bool   `help:"Do not wait for the end. The gateway goes on in either case."`
}

func (c *cacheSyncCmd) Run(ctx context.Context, a *app, root *cli) error {
	if c.Who == "" {
		return a.ask(ctx, root, call{Name: "cache syncs"}, c.JSON)
	}
	in := call{Name: "cache sync", Args: []string{c.Who}, Options: map[string]string{"node": c.Node}}
	if c.Stop {
		in.Name = "cache sync stop"
	}
	if err := a.ask(ctx, root, in, c.JSON); err != nil || c.Stop || c.Background || c.JSON {
		return err
	}
	return a.watchSync(ctx, root)
}

// syncLook is how often a sync is looked at while its asker waits.
const syncLook = time.Second

// watchSync shows how the sync goes that changed last, to its end.
func (a *app) watchSync(ctx context.Context, root *cli) error {
	shown := ""
	for {
		out, err := a.answer(ctx, root, call{Name: "cache syncs"})
		if err != nil {
			return err
		}
		if len(out.Tables) == 0 || len(out.Tables[0].Rows) == 0 {
			return errors.New("nothing is being fetched any more")
		}
		row := map[string]string{}
		for i, name := range out.Tables[0].Columns {
			row[name] = printable(cell(out.Tables[0].Rows[0][i]))
		}
		line, ended, err := syncShown(row)
		if line != shown {
			fmt.Fprintln(a.stdout, line)
			shown = line
		}
		if ended {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("the gateway goes on; isthmus cache sync shows how far it is")
		case <-time.After(syncLook):
		}
	}
}

// syncShown is what is said of a sync, and, once it ended, why it is not whole.
func syncShown(row map[string]string) (line string, ended bool, err error) {
	line = fmt.Sprintf("%s pages, %s posts, %s of them new", row["pages"], row["posts"], row["new"])
	switch note := row["note"]; cache.SyncState(row["state"]) {
	case cache.SyncDone:
		if note != "-" {
			line += "; " + note
		}
		return line + "\nThat is all of it.", true, nil
	case cache.SyncRunning:
		if note != "-" {
			line += "; " + note
		}
		return line, false, nil
	case cache.SyncStopped:
		return line, true, errors.New("it was stopped; the same command goes on")
	default:
		return line, true, fmt.Errorf("the rest was not fetched: %s", note)
	}
}

// syncs lists what is and was fetched, what changed last first.
func (r reports) syncs(ctx context.Context, _ call) (report, error) {
	t := table{Name: "syncs", Columns: []string{"target", "node", "state", "pages", "posts", "new", "changed", "note"}}
	err := r.store.View(ctx, func(tx *cache.Tx) error {
		list, err := tx.Syncs()
		for _, s := range list {
			t.Rows = append(t.Rows, []any{s.Target, s.Node, string(s.State), s.Pages, s.Seen, s.Fresh, stamp(s.UpdatedAt), s.Note})
		}
		return err
	})
	return report{Tables: []table{t}}, err
}

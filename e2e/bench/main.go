// Command bench measures the gateway as a whole, against a real XMPP server and
// a scripted fediverse, and prints a table. Beside each rate stands the limit of
// what the machine could do at best, measured in the same run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"isthmus/e2e/lab"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "bare" {
		if err := serveBare(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	scale := flag.Float64("scale", 1, "how much of everything: 0.1 is a tenth")
	flag.Parse()
	dir, err := lab.Enter(lab.World{Hosts: lab.TestHosts(), Private: true, Prepare: func(dir string) error {
		_, err := lab.BuildGateway(context.Background(), dir)
		return err
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{out: os.Stdout, scale: *scale, dir: dir}
	err = b.run(ctx)
	b.print()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is a line of the table.
type row struct {
	what, measured, limit, ratio, cpu string
}

// bench is one run.
type bench struct {
	out   io.Writer
	scale float64
	dir   string
	rows  []row

	lab     *lab.Lab
	server  *lab.Server
	gateway *lab.Gateway
	louise  *lab.Client
	peer    *lab.Script
	actor   string // Louise's
	inbox   string // hers, and the shared one
	shared  string

	create   []byte // the body of a Create, as the inbox got it
	inboxes  rate
	inboxRow int // where it goes, once its limit is known
}

// n scales a number of repetitions.
func (b *bench) n(full int) int { return max(10, int(float64(full)*b.scale)) }

func (b *bench) run(ctx context.Context) error {
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"start", b.start}, {"GETs", b.gets}, {"inbox", b.inboxRate}, {"items", b.items},
		{"follows", b.follows}, {"fan-out", b.fanOut}, {"limit of the inbox", b.inboxLimit}, {"stanzas", b.stanzas},
	} {
		fmt.Fprintln(os.Stderr, "bench:", part.name)
		if err := part.do(ctx); err != nil {
			if b.lab != nil {
				b.lab.Dump(os.Stderr, 20)
			}
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.lab.Close()
}

func (b *bench) print() {
	fmt.Fprintln(b.out, "| what | measured | limit, same run | ratio | gateway's CPU an operation |")
	fmt.Fprintln(b.out, "| --- | --- | --- | --- | --- |")
	for _, r := range b.rows {
		fmt.Fprintf(b.out, "| %s | %s | %s | %s | %s |\n", r.what, r.measured, r.limit, r.ratio, r.cpu)
	}
}

// start brings everything up and takes the first measurements.
func (b *bench) start(ctx context.Context) error {
	site := filepath.Join(b.dir, "bench")
	l, err := lab.New(site, lab.TestSite(1))
	if err != nil {
		return err
	}
	b.lab = l
	account := lab.Account{User: "louise", Domain: l.Names.Domains[0], Password: "moss-and-fern"}
	if b.server, err = l.StartServer(ctx, lab.Prosody, account); err != nil {
		return err
	}
	bin := filepath.Join(b.dir, "isthmus")
	if named := os.Getenv("ISTHMUS_BIN"); named != "" {
		if bin, err = filepath.Abs(named); err != nil {
			return err
		}
	}
	if b.gateway, err = l.StartGateway(ctx, b.server, lab.GatewayOptions{Bin: bin, Front: lab.Direct, Level: "warn"}); err != nil {
		return err
	}
	first := b.gateway.ReadyIn
	if err := b.gateway.Stop(); err != nil {
		return err
	}
	if err := b.gateway.Start(ctx); err != nil {
		return err
	}
	b.rows = append(b.rows, row{what: "ready after start: new database, existing one",
		measured: fmt.Sprintf("%d ms, %d ms", first.Milliseconds(), b.gateway.ReadyIn.Milliseconds())})
	time.Sleep(2 * time.Second)
	use, err := usage(b.gateway.Pid())
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row{what: "memory at rest", measured: mebibytes(use.resident)})
	if b.louise, err = lab.Connect(ctx, account, lab.ClientOptions{Address: b.server.C2S, Roots: l.CA.Pool(), Approve: true}); err != nil {
		return err
	}
	return b.link(ctx)
}

// link makes Louise an actor and finds her inbox.
func (b *bench) link(ctx context.Context) error {
	if err := b.louise.OpenMicroblog(ctx); err != nil {
		return err
	}
	if err := b.louise.Message(ctx, b.lab.Names.Component, "link", "link", ""); err != nil {
		return err
	}
	b.actor = "https://" + b.lab.Names.Domains[0] + "/_ap/actor/" + b.louise.Account.JID()
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return lab.Eventually(limit, "Louise's actor", func() error {
		doc, err := b.lab.Get(ctx, b.actor, lab.ActivityJSON)
		if err != nil {
			return err
		}
		if doc.Status != http.StatusOK {
			return fmt.Errorf("%s: %d", b.actor, doc.Status)
		}
		object, err := doc.JSON()
		if err != nil {
			return err
		}
		b.inbox, _ = object["inbox"].(string)
		endpoints, _ := object["endpoints"].(map[string]any)
		if b.shared, _ = endpoints["sharedInbox"].(string); b.shared == "" {
			b.shared = b.inbox
		}
		return nil
	})
}

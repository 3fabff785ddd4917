// Command demo sets up an XMPP server, the gateway and a fediverse server on
// this machine, lets their users meet, tells each step in words, and stays up
// for whoever wants to join in.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"isthmus/e2e/lab"
)

// envWeb carries the address of the public port into the namespaces.
const envWeb = "ISTHMUS_DEMO_WEB"

func main() {
	once := flag.Bool("once", false, "end after the last step instead of staying up")
	flag.Parse()
	names := lab.DemoSite()
	names.Web = webAddress(names.Web)
	dir, err := lab.Enter(lab.World{
		Hosts:   "127.0.0.1\tlocalhost\n::1\tlocalhost\n" + names.Hosts(),
		Prepare: func(string) error { return lab.InstallPeer() },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, dir, names, *once))
}

// webAddress is where https will be served: where browsers look for names in
// .localhost if that port is free.
func webAddress(wanted string) string {
	if address := os.Getenv(envWeb); address != "" {
		return address
	}
	address := wanted
	if l, err := net.Listen("tcp", net.JoinHostPort(wanted, "443")); err == nil {
		l.Close()
	} else if errors.Is(err, syscall.EADDRINUSE) {
		address = "127.77.0.2"
	}
	os.Setenv(envWeb, address)
	return address
}

func run(ctx context.Context, dir string, names lab.Names, once bool) int {
	site := filepath.Join(dir, "demo")
	l, err := lab.New(site, names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	d := &demo{Lab: l, out: os.Stdout, begun: time.Now()}
	err = d.story(ctx)
	if err == nil && !once {
		d.invite()
		<-ctx.Done()
		err = ctx.Err()
	}
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		d.failed(err)
	}
	d.line("\nStopping everything.")
	d.logOut()
	if stopped := l.Close(); stopped != nil {
		fmt.Fprintln(os.Stderr, "demo:", stopped)
	}
	if err != nil && !interrupted {
		return 1
	}
	return 0
}

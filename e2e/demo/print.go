package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"isthmus/e2e/lab"
)

// demo is one run: the site, its people, and what was printed.
type demo struct {
	*lab.Lab
	out   io.Writer
	begun time.Time
	n     int

	server         *lab.Server
	gateway        *lab.Gateway
	peer           *lab.Peer
	louise, pierre *lab.Client
}

func (d *demo) line(format string, a ...any) { fmt.Fprintf(d.out, format+"\n", a...) }

// chapter opens a part of the story.
func (d *demo) chapter(title string) {
	d.line("\n%s\n%s", title, strings.Repeat("─", len([]rune(title))))
}

// done tells a step that happened, and under it the names to look at.
func (d *demo) done(what string, facts ...string) {
	d.n++
	d.line("%3d ✓ %s", d.n, what)
	for i := 0; i+1 < len(facts); i += 2 {
		d.line("      %-11s %s", facts[i], facts[i+1])
	}
}

// failed tells what went wrong, with the ends of the logs.
func (d *demo) failed(err error) {
	d.line("%3d ✗ %v\n\nThe logs are in %s. They end like this:", d.n+1, err, d.Dir)
	d.Dump(d.out, 15)
}

func (d *demo) logOut() {
	for _, c := range []*lab.Client{d.louise, d.pierre} {
		if c != nil {
			c.Close()
		}
	}
}

// invite says how to join in.
func (d *demo) invite() {
	n := d.Names
	secs := int(time.Since(d.begun).Seconds())
	d.line(`
All of it works, in %d seconds. It stays up until Ctrl-C. Join in:

  With an XMPP client (Gajim, Dino, Movim, Converse, …)
      address   %s    password  %s
      address   %s    password  %s
      host and port to connect to: %s
      (the certificate is signed by the demo's own authority; accept it, or trust the file below)
      add the contact %s and say: help
      follow %s
      with the address %s

  With a browser
      https://%s/_ap/@%s
      https://%s/_ap/actor/%s   (what fediverse servers read; a browser is sent to the page)

  On the command line
      %s status --config %s
      %s search fern --config %s
      curl -d '{"as":"alice","html":"<p>Hello from your shell</p>"}' http://%s/post
      curl --cacert %s 'https://%s/.well-known/webfinger?resource=acct:%s'

  Certificate authority   %s
  Logs and database       %s`,
		secs,
		d.louise.Account.JID(), d.louise.Account.Password,
		d.pierre.Account.JID(), d.pierre.Account.Password,
		d.server.C2S,
		n.Component,
		d.peer.Handle("alice"), n.ActorJID("alice", d.peer.Host),
		n.Domains[0], d.louise.Account.JID(),
		n.Domains[0], d.louise.Account.JID(),
		d.gateway.Bin, d.gateway.Config, d.gateway.Bin, d.gateway.Config,
		d.peer.Control(), d.CA.File(), n.Domains[0], d.louise.Account.JID(),
		d.CA.File(), d.Dir)
	if n.Web != "127.0.0.1" {
		d.line("\n  Port 443 of 127.0.0.1 is taken on this machine: https is served on %s instead.\n"+
			"  Browsers do not find it by name; curl does with --resolve %s:443:%s", n.Web, n.Domains[0], n.Web)
	}
	if lab.OwnNetwork() {
		d.line("\n  You are not root, so all this runs in a network of its own, which only programs started\n"+
			"  like this can reach:  nsenter --target $(pgrep -P %d) --user --mount --net --preserve-credentials COMMAND\n"+
			"  With sudo make demo it is reachable from the whole machine.", lab.OuterPid())
	}
}

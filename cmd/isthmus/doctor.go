package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"isthmus/ap"
	"isthmus/cache"
	"isthmus/config"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

type doctorCmd struct {
	jsonFlag
	Who []string `arg:"" optional:"" help:"Handles of users that are to be looked up too, as peers do."`
}

// verdict is the outcome of a check.
type verdict string

// The verdicts. Only a failed check makes the command fail.
const (
	good    verdict = "ok"
	failed  verdict = "failed"
	doubt   verdict = "warning"
	skipped verdict = "skipped"
)

var marks = map[verdict]string{good: "✓", failed: "✗", doubt: "!", skipped: "-"}

// finding is what a check found.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail"`
	Remedy  string  `json:"remedy,omitempty"`
}

// doctor goes through the checks. Each stands alone as far as it can, so that
// one visit shows everything that is wrong.
type doctor struct {
	cfg    config.Config
	out    io.Writer
	asJSON bool

	running  *remote // nil: no gateway runs
	health   health
	client   *ap.Client
	clocks   map[string]time.Duration // by host: theirs minus ours
	probe    func(ctx context.Context) (probe, error)
	findings []finding
}

func (c *doctorCmd) Run(ctx context.Context, a *app, root *cli) error {
	d := &doctor{out: a.stdout, asJSON: c.JSON, clocks: map[string]time.Duration{}}
	cfg, err := a.config(root)
	if err != nil {
		d.fail("configuration", err.Error(), "mend that line of "+root.Config+" and run doctor again; the other checks need it")
		return d.end()
	}
	d.cfg = cfg
	d.checkConfig()
	stop := d.checkProcess(ctx, a)
	defer stop()
	d.checkXMPP(ctx)
	d.checkKeys()
	if err := d.openClient(); err != nil {
		d.fail("peers", err.Error(), "name a readable PEM file in federation.ca_file, or leave it empty")
		return d.end()
	}
	for _, domain := range cfg.Domains {
		if d.checkPublic(ctx, domain) {
			d.checkDiscovery(ctx, domain.URL.Hostname()+"@"+domain.URL.Host, domain.URL.String()+cfg.HTTP.Path+"/instance")
		}
	}
	who := c.Who
	if len(who) == 0 && len(d.health.Accounts) > 0 {
		who = d.health.Accounts[:1]
	}
	for _, handle := range who {
		if d.probe != nil || !d.isOurs(hostOf(handle)) {
			d.checkDiscovery(ctx, handle, "")
		}
	}
	d.checkPeers(ctx)
	d.checkClock()
	return d.end()
}

func (d *doctor) add(f finding) {
	d.findings = append(d.findings, f)
	if d.asJSON {
		return
	}
	fmt.Fprintf(d.out, "%s %s: %s\n", marks[f.Verdict], f.Check, printable(f.Detail))
	if f.Remedy != "" {
		fmt.Fprintf(d.out, "    → %s\n", printable(f.Remedy))
	}
}

func (d *doctor) ok(check, detail string)           { d.add(finding{check, good, detail, ""}) }
func (d *doctor) fail(check, detail, remedy string) { d.add(finding{check, failed, detail, remedy}) }
func (d *doctor) warn(check, detail, remedy string) { d.add(finding{check, doubt, detail, remedy}) }
func (d *doctor) skip(check, detail, remedy string) { d.add(finding{check, skipped, detail, remedy}) }

// end says how it went.
func (d *doctor) end() error {
	failures := 0
	for _, f := range d.findings {
		if f.Verdict == failed {
			failures++
		}
	}
	if d.asJSON {
		if err := writeJSON(d.out, map[string]any{"ok": failures == 0, "checks": d.findings}); err != nil {
			return err
		}
	} else if failures == 0 {
		fmt.Fprintln(d.out, "\nAll is well.")
	} else {
		fmt.Fprintf(d.out, "\n%d of %d checks failed.\n", failures, len(d.findings))
	}
	if failures > 0 {
		return errSaid
	}
	return nil
}

func (d *doctor) checkConfig() {
	d.ok("configuration", d.cfg.File+" is complete")
	for _, w := range d.cfg.Warnings {
		d.warn("configuration", w, "")
	}
	if d.cfg.XMPP.SecretFile != "" {
		d.ok("secret", "read from "+d.cfg.XMPP.SecretFile)
	} else {
		d.ok("secret", "given in the configuration")
	}
}

// checkProcess finds the running gateway, or does its part for the time of the
// checks: it opens the store and the public listener. It returns what ends that.
func (d *doctor) checkProcess(ctx context.Context, a *app) (stop func()) {
	stop = func() {}
	r := dial(d.cfg)
	h, err := r.health(ctx)
	switch {
	case err == nil:
		d.running, d.health, d.probe = r, h, r.probe
		d.ok("gateway", fmt.Sprintf("version %s runs since %s", h.Version, h.Started.Local().Format(time.RFC1123)))
		d.checkDatabase(h.Database)
		return stop
	case errors.Is(err, fs.ErrPermission):
		d.fail("gateway", err.Error(), "sudo -u THAT-USER isthmus doctor; "+remedyOwner(d.cfg))
		return stop
	case !errors.Is(err, errNoServer):
		d.fail("gateway", err.Error(), "look into its log, or restart it")
		return stop
	}
	d.skip("gateway", "it does not run; doctor stands in for it", "")
	svc, err := a.build(ctx, d.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		d.fail("database", err.Error(), d.remedyDatabase(err))
		return stop
	}
	d.health = svc.Health(ctx)
	d.checkDatabase(d.health.Database)
	probes := newProbes(d.cfg.HTTP.Path, time.Now)
	d.probe = func(context.Context) (probe, error) { return probes.open(), nil }
	l, err := listenPublic(d.cfg)
	if err != nil {
		d.probe = nil
		d.fail("listener", err.Error(), "stop what uses the address, or choose another one in http.listen")
		return func() { _ = svc.Close() }
	}
	s := newServer("doctor", l, probes.wrap(svc.Handler()), slog.New(slog.DiscardHandler))
	go func() { _ = s.serve() }() // ends with stop
	return func() { _ = errors.Join(s.Close(), svc.Close()) }
}

func (d *doctor) checkDatabase(trouble string) {
	if trouble != "" {
		d.fail("database", trouble, d.remedyDatabase(nil))
		return
	}
	d.ok("database", d.cfg.Cache.Path+" can be read and written")
}

// remedyDatabase is what to do about a database that cannot be used.
func (d *doctor) remedyDatabase(err error) string {
	var pin *cache.PinError
	switch {
	case errors.As(err, &pin):
		return fmt.Sprintf("set it back to %q in %s; or move %s away, with all that it knows, and start anew", pin.Stored, d.cfg.File, d.cfg.Cache.Path)
	case errors.Is(err, fs.ErrPermission):
		return remedyOwner(d.cfg)
	case errors.Is(err, cache.ErrLocked):
		return "it does not answer on " + socketPath(d.cfg) + ": wait until it has started, or stop it"
	case errors.Is(err, cache.ErrNewer):
		return "run the version of isthmus that was here before, or restore the backup from before the upgrade"
	case errors.Is(err, cache.ErrDamaged):
		return "stop the gateway and run: isthmus cache verify --repair; if that does not help, restore a backup"
	}
	return "see that the disk is not full and that the user who runs isthmus may write " + d.cfg.Cache.Path + " and its folder"
}

// checkXMPP asks the running gateway for its link, or else makes one.
func (d *doctor) checkXMPP(ctx context.Context) {
	x := d.cfg.XMPP
	what := fmt.Sprintf("%s at %s", x.Component, x.Server)
	if d.running != nil { // a second connection of the same name would end the first
		if d.health.Online {
			d.ok("XMPP", "the gateway is connected as "+what)
			return
		}
		trouble := "the gateway is not connected as " + what
		if d.health.Link != "" {
			trouble += ": " + d.health.Link
		}
		d.fail("XMPP", trouble, cmp.Or(d.health.LinkRemedy, remedyXMPP))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	c := xmpp.New(xmpp.Config{Domain: stanza.JID(x.Component), Server: x.Server, Secret: x.Secret}, nil)
	if err := c.Check(ctx); err != nil {
		d.fail("XMPP", fmt.Sprintf("%s: %v", what, err), cmp.Or(remedyOf(err), remedyXMPP))
		return
	}
	d.ok("XMPP", "the server accepts "+what)
}

// remedyXMPP is for whatever keeps the link from being made.
const remedyXMPP = "see that the XMPP server runs, that it listens for components (Prosody does once a Component is in its configuration and it was restarted, ejabberd with a listener ejabberd_service) and that xmpp.server is that address"

// remedyOf is what the server's own reason asks for, if it gave one.
func remedyOf(err error) string {
	var s *xmpp.StreamError
	if errors.As(err, &s) {
		return s.Remedy()
	}
	return ""
}

func (d *doctor) checkKeys() {
	if d.health.Version == "" {
		return // there was nobody to ask
	}
	if len(d.health.Keys) > 0 {
		d.fail("keys", fmt.Sprintf("unreadable for %v", d.health.Keys), "restore the database from a backup: an actor without its key cannot sign")
		return
	}
	d.ok("keys", "readable")
}

// openClient makes a client that sees the public URL as peers do, but may also
// reach it on this machine or behind the same router.
func (d *doctor) openClient() (err error) {
	ports := d.cfg.Federation.AllowPorts
	for _, domain := range d.cfg.Domains {
		ports = append(ports, port(domain.URL))
	}
	d.client, err = ap.NewClient(ap.ClientConfig{
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		AllowPorts:   ports, CAFile: d.cfg.Federation.CAFile, UserAgent: "Isthmus/" + version + " (doctor)",
		ObserveClock: func(host string, theirs, ours time.Time) { d.clocks[host] = theirs.Sub(ours) },
	})
	return err
}

func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}

func (d *doctor) isOurs(host string) bool {
	for _, domain := range d.cfg.Domains {
		if host == domain.URL.Host {
			return true
		}
	}
	return false
}

// statusOf is the status that an error of the client carries, or zero.
func statusOf(err error) int {
	var s *ap.StatusError
	if errors.As(err, &s) {
		return s.Code
	}
	return 0
}

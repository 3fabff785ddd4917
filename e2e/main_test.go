// Package e2e tests the gateway against real servers: Prosody, ejabberd, nginx, Apache, Caddy,
// Fedify, slixmpp and Chromium, over https with a CA of their own.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/e2e/lab"
	clients "isthmus/translate/readers"
	"isthmus/xmpp/stanza"
)

// patience bounds every wait for something to arrive. It is generous: a busy
// machine is no failure, and what works does not wait for it.
const patience = 60 * time.Second

var (
	runDir string       // the folder of the run, set once by TestMain
	siteNo atomic.Int32 // the last site given out
)

func TestMain(m *testing.M) {
	dir, err := lab.Enter(lab.World{Hosts: lab.TestHosts(), Private: true, Prepare: prepare})
	if err != nil {
		fmt.Fprintln(os.Stderr, "the end-to-end tests cannot run:", err)
		os.Exit(1)
	}
	runDir = dir
	os.Exit(m.Run())
}

// prepare does what needs the network: inside there is none.
func prepare(dir string) error {
	if err := errors.Join(lab.InstallPeer(), lab.InstallBrowser()); err != nil {
		return err
	}
	root, err := lab.Root()
	if err != nil {
		return err
	}
	bin, err := lab.BuildGateway(context.Background(), dir)
	if err != nil {
		return err
	}
	if bin != filepath.Join(dir, "isthmus") {
		if err := os.Symlink(bin, filepath.Join(dir, "isthmus")); err != nil {
			return err
		}
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "demo"), "./e2e/demo")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the demo: %w\n%s", err, out)
	}
	return nil
}

// gatewayBinary is the program under test.
func gatewayBinary() string { return filepath.Join(runDir, "isthmus") }

// newLab gives a test a site of its own, ended and, after a failure, reported
// with the logs of all its servers.
func newLab(t *testing.T) *lab.Lab {
	t.Helper()
	n := int(siteNo.Add(1))
	names := lab.TestSite(n)
	dir := filepath.Join(runDir, fmt.Sprintf("%d-%s", n, strings.NewReplacer("/", "_", " ", "_").Replace(t.Name())))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := lab.New(dir, names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("the servers did not end well: %v", err)
		}
		if t.Failed() {
			var b strings.Builder
			l.Dump(&b, 60)
			t.Logf("the ends of the logs:\n%s", b.String())
		}
	})
	return l
}

// within is a context for one wait.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// connect logs an account in, and out when the test is over.
func connect(t *testing.T, l *lab.Lab, s *lab.Server, a lab.Account, notify ...string) *lab.Client {
	t.Helper()
	c, err := lab.Connect(within(t, patience), a, lab.ClientOptions{
		Address: s.C2S, Roots: l.CA.Pool(), Notify: notify, Approve: true, Read: readers(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// readers holds everything that the gateway shows against the reading rules of
// the clients that people use, and says at the end of a test what is wrong.
func readers(t *testing.T) func(lab.ReadItem) {
	var mu sync.Mutex
	wrong := map[string]*stanza.Element{}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for what, entry := range wrong {
			t.Errorf("%s\n%s", what, entry)
		}
	})
	return func(i lab.ReadItem) {
		if !strings.Contains(i.Publisher+i.Service, `\40`) { // nobody of the fediverse
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, what := range clients.Complaints(i.Entry, i.Publisher, strings.HasPrefix(i.Node, lab.Comments)) {
			wrong[what] = i.Entry
		}
	}
}

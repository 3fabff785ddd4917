package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"isthmus/cache"
	"isthmus/config"
)

// fake is a service over a real store, whose gateway only repeats what it hears.
type fake struct {
	reports
	handler http.Handler
	mend    func(*health)

	mu     sync.Mutex
	heard  []call
	online bool
}

func (f *fake) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (f *fake) Handler() http.Handler {
	if f.handler == nil {
		return http.NotFoundHandler()
	}
	return f.handler
}

func (f *fake) Do(ctx context.Context, c call) (report, error) {
	rep, err := f.reports.do(ctx, c)
	if !errors.Is(err, errUnknown) {
		return rep, err
	}
	f.mu.Lock()
	f.heard = append(f.heard, c)
	f.mu.Unlock()
	if c.As == "nobody@example.org" {
		return report{}, errors.New("nobody@example.org is unknown; link it first")
	}
	if c.As == "careful@example.org" && c.Options[optionYes] == "" {
		return report{Ask: "you would lose 3 posts."}, nil
	}
	return report{Text: []string{fmt.Sprintf("%s %q as %q %v", c.Name, c.Args, c.As, c.Options)}}, nil
}

func (f *fake) Online() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.online
}

func (f *fake) setOnline(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.online = yes
}

func (f *fake) Health(context.Context) health {
	h := health{Version: version, Started: time.Now(), Online: f.Online()}
	if f.mend != nil {
		f.mend(&h)
	}
	return h
}

func (f *fake) Alive(ctx context.Context) error {
	return f.store.View(ctx, func(*cache.Tx) error { return nil })
}
func (f *fake) Collectors() []prometheus.Collector { return nil }
func (f *fake) Close() error                       { return f.store.Close() }

// bench is a folder with a configuration, and the program over it.
type bench struct {
	t      *testing.T
	dir    string
	config string
	env    []string
	stdin  string
	random io.Reader
	change func(*fake) // applied to each service that is built
}

const plainConfig = `
[[domain]]
name = "example.org"
url = "https://example.org"
[xmpp]
component = "ap.example.org"
secret = "s3cret"
[http]
listen = "127.0.0.1:%d"
metrics = "127.0.0.1:%d"
[log]
level = "debug"
`

// newBench makes a folder with a short name: the path of a socket must fit.
func newBench(t *testing.T, configText string) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "isthmus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	b := &bench{t: t, dir: dir, config: filepath.Join(dir, "isthmus.toml"), random: rand.Reader}
	if configText != "" {
		b.write("isthmus.toml", configText)
	}
	return b
}

func (b *bench) write(name, text string) string {
	b.t.Helper()
	name = filepath.Join(b.dir, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return name
}

func (b *bench) app(out, errs io.Writer) *app {
	return &app{stdin: strings.NewReader(b.stdin), stdout: out, stderr: errs, environ: b.env, random: b.random,
		build: func(ctx context.Context, cfg config.Config, log *slog.Logger) (service, error) {
			store, err := cache.Open(ctx, cfg.Cache.Path, log)
			if err != nil {
				return nil, err
			}
			f := &fake{reports: reports{store, time.Now, nil, testResolver(b.t)}, online: true}
			if b.change != nil {
				b.change(f)
			}
			return f, nil
		}}
}

// run runs the program to its end.
func (b *bench) run(args ...string) (status int, out, errs string) {
	b.t.Helper()
	var o, e bytes.Buffer
	status = run(b.t.Context(), args, b.app(&o, &e))
	return status, o.String(), e.String()
}

// with runs a command on the bench's configuration.
func (b *bench) with(args ...string) (status int, out, errs string) {
	b.t.Helper()
	return b.run(append(args, "--config", b.config)...)
}

// buffer is a writer that a test reads while others write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// database makes one with nothing in it.
func (b *bench) database() {
	b.t.Helper()
	store, err := cache.Open(b.t.Context(), filepath.Join(b.dir, "isthmus.db"), slog.New(slog.DiscardHandler))
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// serve starts the program's serve and waits until it is ready. stop ends it
// and returns its status.
func (b *bench) serve() (log *buffer, stop func() int) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	log = &buffer{}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve", "--config", b.config}, b.app(io.Discard, log)) }()
	var once sync.Once
	status := -1
	stop = func() int {
		once.Do(func() {
			cancel()
			status = <-ended
		})
		return status
	}
	b.t.Cleanup(func() { stop() })
	for !strings.Contains(log.String(), "msg=ready") {
		select {
		case status := <-ended:
			b.t.Fatalf("serve ended with %d:\n%s", status, log)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return log, stop
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func serveConfig(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf(plainConfig, freePort(t), freePort(t))
}

func TestUsage(t *testing.T) {
	b := newBench(t, serveConfig(t))
	tests := []struct {
		args   []string
		status int
		out    string // a part of what is printed
		errs   string
	}{
		{nil, exitDone, "Usage: isthmus <command>", ""},
		{[]string{"--help"}, exitDone, "unfollow", ""},
		{[]string{"help"}, exitDone, "Usage: isthmus <command>", ""},
		{[]string{"help", "queue", "retry"}, exitDone, "Usage: isthmus queue retry", ""},
		{[]string{"search", "--help"}, exitDone, "--limit", ""},
		{[]string{"queue", "retry", "--help"}, exitDone, "--config", ""},
		{[]string{"version"}, exitDone, "isthmus " + version, ""},
		{[]string{"dance"}, exitUsage, "", "unexpected argument dance"},
		{[]string{"search", "x", "--output", "poem"}, exitUsage, "", "--output"},
		{[]string{"search", "--field", "titel == x"}, exitFailed, "", "did you mean title?"},
		{[]string{"search", "x", "--limit", "many"}, exitUsage, "", "--limit"},
		{[]string{"follow", "alice@mast.social"}, exitUsage, "", "--as"},
		{[]string{"status", "--nonsense"}, exitUsage, "", "--nonsense"},
		{[]string{"status", "--config", "/nowhere/isthmus.toml"}, exitFailed, "", "isthmus init"},
		{[]string{"serve", "--config", "/nowhere/isthmus.toml"}, exitFailed, "", "isthmus init"},
		{[]string{"search", "x", "--limit", "0"}, exitFailed, "", "--limit must be at least 1"},
	}
	for _, tt := range tests {
		status, out, errs := b.run(tt.args...)
		if status != tt.status || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) {
			t.Errorf("%q: status %d\n%s%s", tt.args, status, out, errs)
		}
		if tt.status != exitDone && strings.Count(strings.TrimSpace(errs), "\n") > 0 {
			t.Errorf("%q: more than one line of reason:\n%s", tt.args, errs)
		}
		if tt.status == exitDone && errs != "" {
			t.Errorf("%q: %s", tt.args, errs)
		}
	}
}

// Every command says what it is for.
func TestHelpOfEveryCommand(t *testing.T) {
	b := newBench(t, "")
	for _, name := range []string{"init", "serve", "doctor", "status", "search", "cache", "actor", "link", "unlink", "as", "links", "follow",
		"unfollow", "block", "unblock", "blocks", "queue", "trace", "version"} {
		status, out, errs := b.run(name, "--help")
		if status != exitDone || !strings.Contains(out, "Usage: isthmus "+name) || errs != "" {
			t.Errorf("%s: status %d\n%s%s", name, status, out, errs)
		}
	}
}

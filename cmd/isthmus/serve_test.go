package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/cache"
	"isthmus/config"
)

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// A running gateway takes commands on its socket; without one, what only reads
// goes to the file and what does not says so.
func TestCommandsWithAndWithoutServer(t *testing.T) {
	b := newBench(t, serveConfig(t))
	var svc *fake
	b.change = func(f *fake) { svc = f }

	status, _, errs := b.with("link", "louise@example.org")
	if status != exitFailed || !strings.Contains(errs, "link needs the running gateway") || !strings.Contains(errs, "isthmus serve --config "+b.config) {
		t.Errorf("status %d: %s", status, errs)
	}
	if status, _, errs := b.with("blocks"); status != exitFailed || !strings.Contains(errs, "there is no database "+filepath.Join(b.dir, "isthmus.db")) {
		t.Errorf("status %d: %s", status, errs)
	}
	b.database()
	if status, out, errs := b.with("blocks"); status != exitDone || out != "none\n" {
		t.Errorf("status %d: %s%s", status, out, errs)
	}

	_, stop := b.serve()
	info, err := os.Stat(filepath.Join(b.dir, "isthmus.db.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	for _, tt := range []struct {
		args []string
		out  string
	}{
		{[]string{"link", "louise@example.org"}, `link [] as "louise@example.org" map[]`},
		{[]string{"link", "pubsub.example.org", "--node", "news"}, `link ["news"] as "pubsub.example.org" map[]`},
		{[]string{"follow", "alice@mast.social", "--as", "louise@example.org"}, `follow ["alice@mast.social"] as "louise@example.org" map[]`},
		{[]string{"block", "spam.example", "--reason", "spam"}, `block ["spam.example"] as "" map[reason:spam]`},
		{[]string{"unblock", "spam.example"}, `unblock ["spam.example"] as "" map[]`},
		{[]string{"actor", "alice@mast.social"}, `actor ["alice@mast.social"] as "" map[]`},
		{[]string{"unlink", "louise@example.org"}, `unlink [] as "louise@example.org" map[]`},
		{[]string{"as", "louise@example.org", "followers-only", "on"}, `as ["followers-only on"] as "louise@example.org" map[]`},
		{[]string{"as", "louise@example.org", "search", "cats", "-dogs"}, `as ["search cats -dogs"] as "louise@example.org" map[]`},
		{[]string{"unfollow", "alice@mast.social", "--as", "louise@example.org"}, `unfollow ["alice@mast.social"] as "louise@example.org" map[]`},
	} {
		if status, out, errs := b.with(tt.args...); status != exitDone || out != tt.out+"\n" {
			t.Errorf("%q: status %d: %s%s", tt.args, status, out, errs)
		}
	}
	if len(svc.heard) != 10 {
		t.Errorf("the gateway heard %d commands", len(svc.heard))
	}
	status, _, errs = b.with("link", "nobody@example.org")
	if status != exitFailed || errs != "isthmus: nobody@example.org is unknown; link it first\n" {
		t.Errorf("status %d: %s", status, errs)
	}

	status, _, errs = b.with("serve")
	if status != exitFailed || !strings.Contains(errs, "is in use by process") {
		t.Errorf("a second serve: status %d: %s", status, errs)
	}
	if _, out, _ := b.with("blocks"); out != "none\n" {
		t.Errorf("after a second serve was refused: %s", out)
	}
	if status := stop(); status != exitDone {
		t.Errorf("serve ended with %d", status)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "isthmus.db.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// A socket that a killed gateway left behind is in nobody's way.
func TestStaleSocket(t *testing.T) {
	b := newBench(t, serveConfig(t))
	b.database()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(b.dir, "isthmus.db.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := b.with("links"); status != exitDone {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	_, stop := b.serve()
	if status, out, errs := b.with("link", "louise@example.org"); status != exitDone {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	stop()
}

// A database that somebody holds who does not answer is not opened twice.
func TestLockedWithoutSocket(t *testing.T) {
	b := newBench(t, serveConfig(t))
	_, stop := b.serve()
	if err := os.Remove(filepath.Join(b.dir, "isthmus.db.sock")); err != nil {
		t.Fatal(err)
	}
	status, _, errs := b.with("links")
	if status != exitFailed || !strings.Contains(errs, "does not answer on") {
		t.Errorf("status %d: %s", status, errs)
	}
	stop()
}

func TestServeRefusesToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	text := strings.Replace(serveConfig(t), `listen = "127.0.0.1`, `listen = "`+taken.Addr().String()+`" #`, 1)
	b := newBench(t, text)
	status, _, errs := b.with("serve")
	last := errs[strings.LastIndex(strings.TrimSpace(errs), "\n")+1:]
	if status != exitFailed || !strings.Contains(last, fmt.Sprintf("http.listen = %q: ", taken.Addr())) || !strings.Contains(last, "in use; choose an address") {
		t.Errorf("status %d: %s", status, errs)
	}

	long := filepath.Join(b.dir, strings.Repeat("d", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	b.write("isthmus.toml", serveConfig(t)+"[cache]\npath = \""+long+"/x.db\"\n")
	if status, _, errs := b.with("serve"); status != exitFailed || !strings.Contains(errs, "cache.path") || !strings.Contains(errs, "use a shorter path") {
		t.Errorf("status %d: %s", status, errs)
	}
	if status, _, errs := b.with("links"); status != exitDone {
		t.Errorf("a long path and no server: status %d: %s", status, errs)
	}
}

func TestHealthEndpoints(t *testing.T) {
	b := newBench(t, serveConfig(t))
	var svc *fake
	b.change = func(f *fake) {
		svc = f
		f.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	}
	log, stop := b.serve()
	c, err := config.Load(b.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := fetch(t, "http://"+c.HTTP.Listen+"/x"); status != http.StatusTeapot {
		t.Errorf("the gateway answered %d", status)
	}
	base := "http://" + c.HTTP.Metrics
	if status, body := fetch(t, base+"/healthz"); status != 200 || body != "alive\n" {
		t.Errorf("healthz: %d %q", status, body)
	}
	if status, body := fetch(t, base+"/readyz"); status != 200 || body != "ready\n" {
		t.Errorf("readyz: %d %q", status, body)
	}
	svc.setOnline(false)
	if status, body := fetch(t, base+"/readyz"); status != 503 || !strings.Contains(body, "XMPP server is not connected") {
		t.Errorf("readyz without XMPP: %d %q", status, body)
	}
	_, body := fetch(t, base+"/metrics")
	for _, want := range []string{`isthmus_http_requests_total{code="418",method="get"} 1`, `isthmus_info{version="` + version + `"} 1`, "go_goroutines", "isthmus_http_request_seconds_bucket"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if status := stop(); status != exitDone || !strings.Contains(log.String(), "msg=stopped") {
		t.Errorf("serve ended with %d:\n%s", status, log)
	}
}

// Go's profiles are there for who asked for them.
func TestProfiles(t *testing.T) {
	for _, on := range []bool{false, true} {
		cfg := serveConfig(t)
		want := http.StatusNotFound
		if on {
			cfg, want = strings.Replace(cfg, "[http]\n", "[http]\npprof = true\n", 1), http.StatusOK
		}
		b := newBench(t, cfg)
		_, stop := b.serve()
		c, err := config.Load(b.config, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1"} {
			if status, _ := fetch(t, "http://"+c.HTTP.Metrics+path); status != want {
				t.Errorf("pprof = %t: %s answers %d, want %d", on, path, status, want)
			}
		}
		stop()
	}
}

// What was accepted before the signal is answered.
func TestGracefulStop(t *testing.T) {
	b := newBench(t, serveConfig(t))
	begun, release := make(chan struct{}), make(chan struct{})
	b.change = func(f *fake) {
		f.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-release
			if err := f.store.Update(r.Context(), func(tx *cache.Tx) error { return tx.SetMeta("late", "kept") }); err != nil {
				http.Error(w, err.Error(), 500)
			}
		})
	}
	log, stop := b.serve()
	c, err := config.Load(b.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan int)
	go func() {
		resp, err := http.Get("http://" + c.HTTP.Listen + "/slow")
		if err != nil {
			answer <- 0
			return
		}
		resp.Body.Close()
		answer <- resp.StatusCode
	}()
	<-begun
	ended := make(chan int)
	go func() { ended <- stop() }()
	for !strings.Contains(log.String(), "msg=stopping") {
		time.Sleep(time.Millisecond)
	}
	close(release)
	if status := <-answer; status != 200 {
		t.Errorf("the request under way got %d", status)
	}
	if status := <-ended; status != exitDone {
		t.Errorf("serve ended with %d", status)
	}
}

// The service manager hears that we are ready, alive and about to stop.
func TestNotify(t *testing.T) {
	b := newBench(t, serveConfig(t))
	name := filepath.Join(b.dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b.env = []string{"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=20000"}
	_, stop := b.serve()
	next := func() string {
		buf := make([]byte, 100)
		if err := l.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	if got := next(); got != "READY=1" {
		t.Errorf("first %q", got)
	}
	if got := next(); got != "WATCHDOG=1" {
		t.Errorf("then %q", got)
	}
	go stop()
	for got := next(); got != "STOPPING=1"; got = next() {
		if got != "WATCHDOG=1" {
			t.Errorf("heard %q", got)
		}
	}
	if err := newNotifier(nil).send("READY=1"); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
}

// A renewed certificate is taken up without a restart; a broken one is not.
func TestCertificateRenewal(t *testing.T) {
	b := newBench(t, "")
	ca := newAuthority(t)
	now := time.Now()
	c := &certificate{certFile: b.write("cert.pem", ""), keyFile: b.write("key.pem", ""), now: func() time.Time { return now }}
	put := func(age time.Duration, cert, key string) {
		b.write("cert.pem", cert)
		b.write("key.pem", key)
		if err := os.Chtimes(c.certFile, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	serial := func() string {
		pair, err := c.get(&tls.ClientHelloInfo{})
		if err != nil {
			return err.Error()
		}
		return pair.Leaf.SerialNumber.String()
	}
	if got := serial(); !strings.Contains(got, "read certificate") {
		t.Errorf("an empty certificate: %s", got)
	}
	cert, key := ca.issue(t, 7, "localhost")
	put(3*time.Hour, cert, key)
	got := []string{serial()}
	cert, key = ca.issue(t, 8, "localhost")
	put(2*time.Hour, cert, key)
	got = append(got, serial()) // not looked at yet
	now = now.Add(2 * lookEvery)
	got = append(got, serial())
	put(time.Hour, "broken", key)
	now = now.Add(2 * lookEvery)
	got = append(got, serial())
	if diff := cmp.Diff([]string{"7", "7", "8", "8"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Probes answer while they are fresh, and never otherwise.
func TestProbes(t *testing.T) {
	now := time.Now()
	p := newProbes("/_ap", func() time.Time { return now })
	q := p.open()
	ask := func(target string) int {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://example.org"+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &statusWriter{}
		p.wrap(http.NotFoundHandler()).ServeHTTP(w, r)
		return w.status
	}
	if got := ask("/_ap/doctor/" + q.Nonce + "/x"); got != 200 {
		t.Errorf("a fresh probe: %d", got)
	}
	for _, target := range []string{"/_ap/doctor/", "/_ap/doctor/other/x", "/_ap/doctors/" + q.Nonce, "/x"} {
		if got := ask(target); got != 404 {
			t.Errorf("%s: %d", target, got)
		}
	}
	now = now.Add(2 * probeAge)
	if got := ask("/_ap/doctor/" + q.Nonce + "/x"); got != 404 {
		t.Errorf("an old probe: %d", got)
	}
	for range 10 * probesMax {
		p.open()
	}
	if len(p.live) > probesMax {
		t.Errorf("%d probes are open", len(p.live))
	}
}

type statusWriter struct {
	header http.Header
	status int
}

func (w *statusWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}
func (w *statusWriter) WriteHeader(status int)      { w.status = status }
func (w *statusWriter) Write(p []byte) (int, error) { return len(p), nil }

// What a container's health check asks: only a gateway that can work is well.
func TestStatusCheck(t *testing.T) {
	b := newBench(t, serveConfig(t))
	var svc *fake
	b.change = func(f *fake) {
		svc = f
		f.mend = func(h *health) { h.Link = "it was refused" }
	}
	check := func(want int, say string) {
		t.Helper()
		status, out, errs := b.with("status", "--check")
		if status != want || !strings.Contains(out+errs, say) {
			t.Errorf("status %d, want %d and %q: %s%s", status, want, say, out, errs)
		}
		// Without --check it is the first line, whatever it says.
		if status, out, errs := b.with("status"); status != exitDone || !strings.HasPrefix(out, "the gateway") || !strings.Contains(out, say) {
			t.Errorf("status %d, want %q first: %s%s", status, say, out, errs)
		}
	}
	b.database()
	check(exitFailed, "does not run; start it with: isthmus serve")
	_, stop := b.serve()
	defer stop()
	svc.setOnline(false)
	check(exitFailed, "is not linked to the XMPP server: it was refused")
	svc.setOnline(true)
	check(exitDone, "linked to the XMPP server")
}

// TestUnopened: whatever keeps a database from being opened, there is a line that
// says what to do.
func TestUnopened(t *testing.T) {
	cfg := config.Config{Cache: config.Cache{Path: "/x/isthmus.db"}}
	d := &doctor{cfg: cfg}
	for _, tt := range []struct {
		err           error
		serve, doctor string
	}{
		{fs.ErrPermission, "/x/isthmus.db and its folder have to belong to the user", "chown them"},
		{cache.ErrLocked, "stop that one first", "stop it"},
		{&cache.PinError{Key: "http.path", Stored: "/_ap", Given: "/ap"}, "set it back", `set it back to "/_ap"`},
		{cache.ErrNewer, "newer version", "the version of isthmus that was here before"},
		{cache.ErrDamaged, "restore a backup", "isthmus cache verify --repair"},
		{cache.ErrTemporary, "trouble", "the disk is not full"},
	} {
		err := fmt.Errorf("open: %w", tt.err)
		if got := unopened(err, cfg).Error(); !strings.Contains(got, tt.serve) {
			t.Errorf("serve says %q, want %q", got, tt.serve)
		}
		if got := d.remedyDatabase(err); !strings.Contains(got, tt.doctor) {
			t.Errorf("doctor says %q, want %q", got, tt.doctor)
		}
	}
}

// TestAskSure: a command that the gateway asks back about is done after a yes, of
// whoever sits there or of a flag.
func TestAskSure(t *testing.T) {
	const careful = "careful@example.org"
	b := newBench(t, serveConfig(t))
	var svc *fake
	b.change = func(f *fake) { svc = f }
	_, stop := b.serve()
	defer stop()
	for _, args := range [][]string{
		{"unlink", careful}, {"unlink", careful, "--node", "blog"}, {"block", "mast.social", "--reason", "spam", "--as", careful},
		{"forget", "ferns", "--as", careful}, {"as", careful, "purge"},
	} {
		for _, tt := range []struct {
			stdin string
			yes   bool
			heard int // commands
			want  int
			says  string
		}{
			{"", false, 1, exitFailed, "nothing was done; --yes does it without asking"},
			{"no\n", false, 1, exitFailed, "nothing was done"},
			{"yes\n", false, 2, exitDone, "yes:true"},
			{"", true, 1, exitDone, "yes:true"},
		} {
			b.stdin = tt.stdin
			given := slices.Clone(args)
			if tt.yes {
				given = append(given, "--yes")
			}
			before := len(svc.heard)
			status, out, errs := b.with(given...)
			if status != tt.want || !strings.Contains(out+errs, tt.says) || strings.Contains(out, "you would lose 3 posts.") == tt.yes {
				t.Errorf("%q, then %q: status %d: %s%s", given, tt.stdin, status, out, errs)
			}
			if n := len(svc.heard) - before; n != tt.heard {
				t.Errorf("%q, then %q: %d commands were given", given, tt.stdin, n)
			}
		}
	}
	if last := svc.heard[len(svc.heard)-1]; last.Name != "as" || last.Args[0] != "purge" {
		t.Errorf("the last command is %+v", last)
	}
}

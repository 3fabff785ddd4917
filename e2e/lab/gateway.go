package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Gateway is the program under test, as a process of its own.
type Gateway struct {
	Bin    string
	Config string // the configuration file
	Ready  string // URL that says whether it is ready
	// ReadyIn is how long the last start took until it was.
	ReadyIn time.Duration
	dir     string
	proc    *Process
}

// GatewayOptions say how the gateway runs.
type GatewayOptions struct {
	Bin     string // the program
	Front   Front
	Consent string // "" is opt-in
	Level   string // of the log; "" is debug
	Port    int    // of the public https; 0 is 443
	Admins  []string
	Search  bool // the search page is on
}

// BuildGateway builds the program into a folder and returns its path.
// ISTHMUS_BIN names one that is there already.
func BuildGateway(ctx context.Context, dir string) (string, error) {
	if bin := os.Getenv("ISTHMUS_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "isthmus")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/isthmus")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return bin, nil
}

// StartGateway starts the gateway, and a web server before it if so asked, and waits
// until it says that it is ready.
func (l *Lab) StartGateway(ctx context.Context, s *Server, o GatewayOptions) (*Gateway, error) {
	dir, err := l.folder("gateway")
	if err != nil {
		return nil, err
	}
	pair, err := l.CA.Issue(l.Names.Domains[0], l.Names.Domains[1])
	if err != nil {
		return nil, err
	}
	metrics, err := freePort(l.Names.Back, 9480)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		Bin: o.Bin, dir: dir, Config: filepath.Join(dir, "isthmus.toml"),
		Ready: "http://" + net.JoinHostPort(l.Names.Back, fmt.Sprint(metrics)) + "/readyz",
	}
	listen := net.JoinHostPort(l.Names.Web, "443")
	if o.Front != Direct {
		listen = net.JoinHostPort(l.Names.Back, "8480")
		if err := l.StartFront(ctx, o.Front, listen); err != nil {
			return nil, err
		}
		pair = Pair{}
	}
	config := l.gatewayConfig(s, o, listen, strings.TrimSuffix(strings.TrimPrefix(g.Ready, "http://"), "/readyz"), pair)
	if err := os.WriteFile(g.Config, []byte(config), 0o600); err != nil {
		return nil, err
	}
	l.onClose(func() error { return g.proc.Stop() })
	return g, g.Start(ctx)
}

func (l *Lab) gatewayConfig(s *Server, o GatewayOptions, listen, metrics string, pair Pair) string {
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	var b strings.Builder
	fmt.Fprintf(&b, "consent = %q\n\n", or(o.Consent, "opt-in"))
	for _, d := range l.Names.Domains {
		fmt.Fprintf(&b, "[[domain]]\nname = %q\nurl = %q\n\n", d, "https://"+d)
	}
	fmt.Fprintf(&b, "[xmpp]\ncomponent = %q\nserver = %q\nsecret = %q\nservices = [%q]\n", l.Names.Component, s.Component, s.Secret, l.Names.PubSub)
	admins := make([]string, 0, len(o.Admins))
	for _, a := range o.Admins {
		admins = append(admins, fmt.Sprintf("%q", a))
	}
	fmt.Fprintf(&b, "admins = [%s]\n\n", strings.Join(admins, ", "))
	fmt.Fprintf(&b, "[http]\nlisten = %q\ntrusted_proxies = [\"127.0.0.0/8\"]\ntls_cert = %q\ntls_key = %q\nsearch = %t\nmetrics = %q\n\n",
		listen, pair.Cert, pair.Key, o.Search, metrics)
	fmt.Fprintf(&b, "[cache]\npath = %q\n\n", filepath.Join(l.Dir, "gateway", "isthmus.db"))
	fmt.Fprintf(&b, "[federation]\nallow_private_addresses = [\"127.0.0.0/8\"]\nca_file = %q\n\n", l.CA.File())
	fmt.Fprintf(&b, "[log]\nlevel = %q\n", or(o.Level, "debug"))
	return b.String()
}

// Start starts the gateway with the configuration and database it has.
func (g *Gateway) Start(ctx context.Context) error {
	cmd := exec.Command(g.Bin, "serve", "--config", g.Config)
	cmd.Dir = g.dir
	var err error
	start := time.Now()
	if g.proc, err = startProcess(g.dir, "isthmus", cmd); err != nil {
		return err
	}
	err = g.proc.await(30*time.Second, func() error { return isReady(ctx, g.Ready) })
	g.ReadyIn = time.Since(start)
	return err
}

func isReady(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %s", url, answer.Status, text)
	}
	return nil
}

// Kill ends the gateway with kill -9; Start starts it again.
func (g *Gateway) Kill() { g.proc.Kill() }

// Stop ends the gateway in good order.
func (g *Gateway) Stop() error { return g.proc.Stop() }

// Pid is the gateway's process id.
func (g *Gateway) Pid() int { return g.proc.Pid() }

// Log is what the gateway has logged so far.
func (g *Gateway) Log() string { return g.proc.Output() }

// Run runs a command of the gateway's command line and returns what it prints.
// Its exit status is not an error unless it is 2, the status of wrong use.
func (g *Gateway) Run(ctx context.Context, arguments ...string) (output string, status int, err error) {
	cmd := exec.CommandContext(ctx, g.Bin, append(arguments, "--config", g.Config)...)
	cmd.Dir = g.dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, err
}

package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"isthmus/docker"
)

// Kind names a brand of XMPP server.
type Kind string

// The XMPP servers that the lab can start.
const (
	Prosody  Kind = "prosody"
	Ejabberd Kind = "ejabberd"
)

// Account is a user of an XMPP server.
type Account struct{ User, Domain, Password string }

// JID is the account's bare address.
func (a Account) JID() string { return a.User + "@" + a.Domain }

// Server is an XMPP server with two domains, a pubsub service and a place for
// the gateway's component.
type Server struct {
	Kind      Kind
	C2S       string // host:port for clients
	Component string // host:port for the gateway
	Secret    string // of the component
	dir       string
	env       []string
	api       string // ejabberd: where accounts are made
	names     Names
	proc      *Process
}

// serverStart is how long an XMPP server may take to be ready. Erlang on a busy
// machine needs most of it.
const serverStart = 90 * time.Second

// newServer writes the configuration of a server; Start starts it.
func newServer(kind Kind, dir string, names Names, ca *CA, admin string) (*Server, error) {
	s := &Server{Kind: kind, dir: dir, names: names, Secret: "lab-" + filepath.Base(dir)}
	if err := os.MkdirAll(filepath.Join(dir, "certs"), 0o755); err != nil {
		return nil, err
	}
	c2s, err := freePort(names.XMPP, 5222)
	if err != nil {
		return nil, err
	}
	component, err := freePort(names.XMPP, 5347)
	if err != nil {
		return nil, err
	}
	s.C2S = net.JoinHostPort(names.XMPP, fmt.Sprint(c2s))
	s.Component = net.JoinHostPort(names.XMPP, fmt.Sprint(component))
	values := map[string]string{
		"XMPP_LISTEN": names.XMPP, "XMPP_C2S_PORT": fmt.Sprint(c2s),
		"COMPONENT_LISTEN": names.XMPP, "COMPONENT_PORT": fmt.Sprint(component),
		"AP_COMPONENT": names.Component, "AP_SECRET": s.Secret,
		"PUBSUB_SERVICE": names.PubSub, "XMPP_CERTS": filepath.Join(dir, "certs"),
	}
	if kind == Ejabberd {
		return s, s.configureEjabberd(values, ca)
	}
	values["XMPP_ADMINS"] = admin
	return s, s.configureProsody(values, ca)
}

// Start starts the server and waits until clients and component can connect.
func (s *Server) Start(ctx context.Context) error {
	var cmd *exec.Cmd
	var err error
	if s.Kind == Ejabberd {
		cmd, err = s.ejabberdCommand()
	} else {
		cmd, err = s.prosodyCommand()
	}
	if err != nil {
		return err
	}
	cmd.Env, cmd.Dir = append(os.Environ(), s.env...), s.dir
	s.proc, err = startProcess(s.dir, string(s.Kind), cmd)
	if err != nil {
		return err
	}
	return s.proc.await(serverStart, func() error {
		for _, address := range []string{s.C2S, s.Component, s.api} {
			if address == "" {
				continue
			}
			if err := canConnect(ctx, address); err != nil {
				return err
			}
		}
		return nil
	})
}

// Stop ends the server in good order.
func (s *Server) Stop() error { return s.proc.Stop() }

// Kill ends the server with kill -9.
func (s *Server) Kill() { s.proc.Kill() }

// AddUser makes an account.
func (s *Server) AddUser(ctx context.Context, a Account) error {
	if s.Kind == Ejabberd {
		return s.ejabberdUser(ctx, a)
	}
	// Prosody takes a plain password from the file and keeps a hash of it at the
	// first login.
	dir := filepath.Join(s.dir, "data", prosodyName(a.Domain), "accounts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, prosodyName(a.User)+".dat"),
		fmt.Appendf(nil, "return { [\"password\"] = %q; }\n", a.Password), 0o600)
}

// prosodyName encodes a name the way Prosody does for its files.
func prosodyName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func (s *Server) configureProsody(values map[string]string, ca *CA) error {
	config, err := docker.Config("prosody/prosody.cfg.lua")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "prosody.cfg.lua"), []byte(config), 0o644); err != nil {
		return err
	}
	// The lab is root of its namespaces only, and has no other user there.
	run := "run_as_root = true\nInclude \"" + filepath.Join(s.dir, "prosody.cfg.lua") + "\"\n"
	if err := os.WriteFile(filepath.Join(s.dir, "run.cfg.lua"), []byte(run), 0o644); err != nil {
		return err
	}
	for _, domain := range s.names.Domains {
		if err := copyPair(ca, filepath.Join(s.dir, "certs"), domain); err != nil {
			return err
		}
	}
	values["XMPP_DOMAINS"] = strings.Join(s.names.Domains[:], " ")
	values["XMPP_DATA"] = filepath.Join(s.dir, "data")
	values["XMPP_TLS"] = "offered"
	for name, value := range values {
		s.env = append(s.env, name+"="+value)
	}
	return os.MkdirAll(values["XMPP_DATA"], 0o755)
}

// copyPair issues a certificate for a domain as the files that Prosody looks for.
func copyPair(ca *CA, dir, domain string) error {
	pair, err := ca.Issue(domain)
	if err != nil {
		return err
	}
	for ext, from := range map[string]string{".crt": pair.Cert, ".key": pair.Key} {
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, domain+ext), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) prosodyCommand() (*exec.Cmd, error) {
	path, err := program("prosody", "prosody")
	if err != nil {
		return nil, err
	}
	return exec.Command(path, "-F", "--config", filepath.Join(s.dir, "run.cfg.lua")), nil
}

func canConnect(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

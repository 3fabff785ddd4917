package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"isthmus/docker"
)

func (s *Server) configureEjabberd(values map[string]string, ca *CA) error {
	port, err := freePort(s.names.XMPP, 5280)
	if err != nil {
		return err
	}
	s.api = net.JoinHostPort(s.names.XMPP, fmt.Sprint(port))
	values["API_PORT"] = fmt.Sprint(port)
	values["XMPP_DOMAIN"], values["XMPP_DOMAIN_2"] = s.names.Domains[0], s.names.Domains[1]
	template, err := docker.Config("ejabberd/ejabberd.yml")
	if err != nil {
		return err
	}
	config, err := docker.Fill(template, values)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "ejabberd.yml"), []byte(config), 0o644); err != nil {
		return err
	}
	// ejabberd wants key and certificate in one file.
	pair, err := ca.Issue(s.names.Domains[0], s.names.Domains[1])
	if err != nil {
		return err
	}
	var both []byte
	for _, file := range []string{pair.Cert, pair.Key} {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		both = append(both, b...)
	}
	return os.WriteFile(filepath.Join(s.dir, "certs", "lab.pem"), both, 0o644)
}

// ejabberdCommand runs ejabberd as one Erlang machine that talks to no other:
// ejabberdctl would leave a port mapper behind and change users.
func (s *Server) ejabberdCommand() (*exec.Cmd, error) {
	erl, err := program("erl", "ejabberd")
	if err != nil {
		return nil, err
	}
	libs, err := filepath.Glob("/usr/lib/*/ejabberd-*")
	if err != nil || len(libs) == 0 {
		return nil, fmt.Errorf("ejabberd is not installed (Debian: apt-get install ejabberd)")
	}
	s.env = []string{
		"EJABBERD_CONFIG_PATH=" + filepath.Join(s.dir, "ejabberd.yml"),
		"EJABBERD_LOG_PATH=" + filepath.Join(s.dir, "ejabberd-server.log"),
		"ERL_LIBS=" + filepath.Dir(libs[0]),
		"ERL_CRASH_DUMP=" + filepath.Join(s.dir, "erl_crash.dump"),
		"HOME=" + s.dir,
	}
	return exec.Command(erl, "+K", "true", "-noinput",
		"-mnesia", "dir", `"`+filepath.Join(s.dir, "spool")+`"`,
		"-ejabberd", "log_rotate_count", "0", "-s", "ejabberd"), nil
}

func (s *Server) ejabberdUser(ctx context.Context, a Account) error {
	body, err := json.Marshal(map[string]string{"user": a.User, "host": a.Domain, "password": a.Password})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.api+"/api/register", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("register %s: %w", a.JID(), err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("register %s: %s: %s", a.JID(), answer.Status, text)
	}
	return nil
}

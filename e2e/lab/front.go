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

// Front is how the gateway's https is served.
type Front string

// The fronts: the gateway's own TLS, or a web server before it.
const (
	Direct Front = "direct"
	Nginx  Front = "nginx"
	Apache Front = "apache"
	Caddy  Front = "caddy"
)

// Fronts are the web servers.
var Fronts = [...]Front{Nginx, Apache, Caddy}

// StartFront puts a web server on the public port, with the configuration of
// docker/.
func (l *Lab) StartFront(ctx context.Context, front Front, backend string) error {
	dir, err := l.folder(string(front))
	if err != nil {
		return err
	}
	pair, err := l.CA.Issue(l.Names.Domains[0], l.Names.Domains[1])
	if err != nil {
		return err
	}
	command := map[Front]func(dir, backend string, pair Pair) (*exec.Cmd, error){
		Nginx: l.nginx, Apache: l.apache, Caddy: l.caddy,
	}[front]
	cmd, err := command(dir, backend, pair)
	if err != nil {
		return err
	}
	proc, err := startProcess(dir, string(front), cmd)
	if err != nil {
		return err
	}
	l.onClose(proc.Stop)
	return proc.await(10*time.Second, func() error { return canConnect(ctx, net.JoinHostPort(l.Names.Web, "443")) })
}

// site fills in a configuration of docker/.
func (l *Lab) site(name, backend string, pair Pair, hosts ...string) (string, error) {
	template, err := docker.Config(name)
	if err != nil {
		return "", err
	}
	return docker.Fill(template, map[string]string{
		"WEB_LISTEN": l.Names.Web, "WEB_HOST": hosts[0], "WEB_HOSTS": strings.Join(hosts, " "),
		"WEB_CERT": pair.Cert, "WEB_KEY": pair.Key, "GATEWAY": backend,
	})
}

func (l *Lab) nginx(dir, backend string, pair Pair) (*exec.Cmd, error) {
	site, err := l.site("nginx/isthmus.conf", backend, pair, l.Names.Domains[:]...)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "site.conf"), []byte(site), 0o644); err != nil {
		return nil, err
	}
	// One process in the foreground: nginx's workers would outlive its master.
	config := fmt.Sprintf(`user root;
daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log %[1]s/nginx-error.log info;
events { worker_connections 512; }
http {
    access_log %[1]s/nginx-access.log;
    client_body_temp_path %[1]s/nginx-body;
    proxy_temp_path %[1]s/nginx-proxy;
    fastcgi_temp_path %[1]s/nginx-fastcgi;
    uwsgi_temp_path %[1]s/nginx-uwsgi;
    scgi_temp_path %[1]s/nginx-scgi;
    include %[1]s/site.conf;
}
`, dir)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	path, err := program("nginx", "nginx")
	return exec.Command(path, "-c", file, "-e", filepath.Join(dir, "nginx-error.log")), err
}

// apache writes what the packages of a distribution bring, and a virtual host
// for each domain.
func (l *Lab) apache(dir, backend string, pair Pair) (*exec.Cmd, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "ServerRoot %[1]s\nPidFile %[1]s/apache.pid\nErrorLog %[1]s/apache-error.log\nUser www-data\nGroup www-data\nServerName %[2]s\nListen %[3]s:443\n",
		dir, l.Names.Domains[0], l.Names.Web)
	for _, module := range []string{"mpm_event", "authz_core", "ssl", "proxy", "proxy_http", "headers"} {
		fmt.Fprintf(&b, "LoadModule %[1]s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", module)
	}
	for _, host := range l.Names.Domains {
		site, err := l.site("apache/isthmus.conf", backend, pair, host)
		if err != nil {
			return nil, err
		}
		b.WriteString(site)
	}
	file := filepath.Join(dir, "apache.conf")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		return nil, err
	}
	path, err := program("apache2", "apache2")
	return exec.Command(path, "-X", "-f", file), err // one process in the foreground
}

// caddy uses the certificate of the lab's CA; elsewhere Caddy gets its own.
func (l *Lab) caddy(dir, backend string, pair Pair) (*exec.Cmd, error) {
	site, err := l.site("caddy/Caddyfile", backend, pair, strings.Join(l.Names.Domains[:], ", "))
	if err != nil {
		return nil, err
	}
	head, rest, ok := strings.Cut(site, " {\n")
	if !ok {
		return nil, fmt.Errorf("no site block in %q", site)
	}
	config := fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n}\n%s {\n\tbind %s\n\ttls %s %s\n%s", head, l.Names.Web, pair.Cert, pair.Key, rest)
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	path, err := program("caddy", "caddy")
	cmd := exec.Command(path, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return cmd, err
}

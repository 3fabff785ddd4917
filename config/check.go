package config

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// check turns what was written into a Config, or says what is wrong with it.
func (l *loader) check() (Config, error) {
	f := l.f
	c := Config{
		File: l.name, Consent: f.Consent,
		XMPP:  XMPP{Component: f.XMPP.Component, Server: f.XMPP.Server, Services: f.XMPP.Services, Admins: f.XMPP.Admins},
		HTTP:  HTTP{Listen: f.HTTP.Listen, Path: f.HTTP.Path, Search: f.HTTP.Search, Metrics: f.HTTP.Metrics, Pprof: f.HTTP.Pprof},
		Cache: Cache{Path: l.path(f.Cache.Path)},
		Federation: Federation{AllowPorts: f.Federation.AllowPorts, CAFile: l.path(f.Federation.CAFile),
			RequireSignedFetch: f.Federation.RequireSignedFetch},
		Log: Log{Format: f.Log.Format},
	}
	if c.Consent != "opt-in" && c.Consent != "open" {
		return c, l.bad("consent", c.Consent, "there is no such policy", `write "opt-in" or "open"`)
	}
	for _, step := range []func(*Config) error{l.domains, l.xmpp, l.secret, l.http, l.tls, l.cache, l.federation, l.logging} {
		if err := step(&c); err != nil {
			return c, err
		}
	}
	c.Warnings = l.warns
	return c, nil
}

// bad is a mistake in the value of a key, wherever it was set.
func (l *loader) bad(key string, value any, reason, remedy string) error {
	if name := l.from[key]; name != "" {
		return &Error{"", name, show(key, value), reason, remedy}
	}
	return &Error{l.name, key, show(key, value), reason, remedy}
}

// missing is a key without which nothing works.
func (l *loader) missing(key, remedy string) error {
	return &Error{l.name, key, "", "it is missing", remedy}
}

func (l *loader) warn(format string, args ...any) {
	l.warns = append(l.warns, fmt.Sprintf(format, args...))
}

// path is relative to the file that names it.
func (l *loader) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(l.dir, p)
}

func (l *loader) domains(c *Config) error {
	if len(l.f.Domain) == 0 {
		return l.missing("domain", "add a section [[domain]] with name and url, the primary domain first")
	}
	names, hosts := map[string]bool{}, map[string]bool{}
	for _, d := range l.f.Domain {
		if d.Name == "" {
			return l.missing("domain.name", `add the XMPP domain: name = "example.org"`)
		}
		if !isDomain(d.Name) {
			return l.bad("domain.name", d.Name, "that is not a domain name", `write it as in a JID behind the @: "example.org"`)
		}
		if d.URL == "" {
			return l.missing("domain.url", fmt.Sprintf("add where %s is reached: url = \"https://%s\"", d.Name, d.Name))
		}
		u, err := publicURL(d.URL)
		if err != nil {
			return l.bad("domain.url", d.URL, err.Error(), `write scheme and host only: "https://example.org"`)
		}
		if name := strings.ToLower(d.Name); names[name] || hosts[u.Host] {
			return l.bad("domain.name", d.Name, "its name or the host of its url stands there twice", "give each domain one section and a host of its own")
		}
		names[strings.ToLower(d.Name)], hosts[u.Host] = true, true
		if u.Scheme == "http" {
			l.warn("domain.url = %q: without https nobody but this machine can talk to it; for development only", d.URL)
		}
		c.Domains = append(c.Domains, Domain{Name: d.Name, URL: u})
	}
	return nil
}

// publicURL reads the URL of a website: https, or http on loopback, and a host.
func publicURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("that is not a URL")
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("a public URL has no path, query or user")
	}
	u.Host, u.Path, u.RawPath = strings.ToLower(u.Host), "", ""
	addr, _ := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || addr.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return nil, fmt.Errorf("peers talk https (http is for loopback only)")
	}
	return u, nil
}

func (l *loader) xmpp(c *Config) error {
	x := &c.XMPP
	if x.Component == "" {
		return l.missing("xmpp.component", fmt.Sprintf("add the address that the XMPP server gives the gateway: component = \"ap.%s\"", c.Domains[0].Name))
	}
	if !isDomain(x.Component) {
		return l.bad("xmpp.component", x.Component, "that is not a domain name", `write the name of the component: "ap.example.org"`)
	}
	for _, d := range c.Domains {
		if strings.EqualFold(d.Name, x.Component) {
			return l.bad("xmpp.component", x.Component, "that is the domain of the users", fmt.Sprintf("give the gateway an address of its own: \"ap.%s\"", d.Name))
		}
	}
	if err := hostPort(x.Server); err != nil {
		return l.bad("xmpp.server", x.Server, err.Error(), `write host and port of the server's component listener: "127.0.0.1:5347"`)
	}
	for _, s := range x.Services {
		if !isDomain(s) || strings.EqualFold(s, x.Component) {
			return l.bad("xmpp.services", s, "that is not the address of a pubsub service", `write them as in ["pubsub.example.org"]`)
		}
	}
	for i, a := range x.Admins {
		user, domain, found := strings.Cut(a, "@")
		if !found || user == "" || !isDomain(domain) || strings.ContainsAny(user, " /\"&'<>") {
			return l.bad("xmpp.admins", a, "that is not the address of a person", `write bare addresses: ["louise@example.org"]`)
		}
		x.Admins[i] = strings.ToLower(a)
	}
	return nil
}

// secret takes the component's secret from the key or from the file.
func (l *loader) secret(c *Config) error {
	source, named := l.from["xmpp.secret"]
	fileSource, fileNamed := l.from["xmpp.secret_file"]
	if named && fileNamed && source == "" && fileSource == "" {
		return l.bad("xmpp.secret", "", "secret_file is set too", "keep one of the two")
	}
	// The environment overrides the file, whichever of the two it names.
	if named && l.f.XMPP.Secret != "" && (!fileNamed || fileSource == "" || source != "") {
		c.XMPP.Secret = l.f.XMPP.Secret
		if source == "" {
			l.checkMode(l.name, "it holds the secret")
		}
		return nil
	}
	c.XMPP.SecretFile = l.path(l.f.XMPP.SecretFile)
	if c.XMPP.SecretFile == "" {
		return l.missing("xmpp.secret_file", `name the file that holds the component's secret: secret_file = "secret"`)
	}
	text, err := os.ReadFile(c.XMPP.SecretFile)
	if err != nil {
		return l.bad("xmpp.secret_file", l.f.XMPP.SecretFile, reason(err), "put the component's secret there, readable by the user that runs isthmus")
	}
	c.XMPP.Secret = string(bytes.TrimSpace(text))
	if c.XMPP.Secret == "" || len(text) > 4096 {
		return l.bad("xmpp.secret_file", l.f.XMPP.SecretFile, "there is no secret in it", "put the secret that the XMPP server has for the component into it, on one line")
	}
	l.checkMode(c.XMPP.SecretFile, "it is a secret")
	return nil
}

// checkMode warns about a file that others can read.
func (l *loader) checkMode(name, why string) {
	info, err := os.Stat(name)
	if err == nil && info.Mode().Perm()&0o077 != 0 && info.Mode().IsRegular() {
		l.warn("%s can be read by others (mode %04o), but %s; chmod 600 it", name, info.Mode().Perm(), why)
	}
}

func (l *loader) http(c *Config) (err error) {
	h := &c.HTTP
	if err := hostPort(h.Listen); err != nil {
		return l.bad("http.listen", h.Listen, err.Error(), `write address and port: "127.0.0.1:8480"`)
	}
	if !isPath(h.Path) {
		return l.bad("http.path", h.Path, "that cannot be the path of the gateway", `write a slash, then letters, digits, _ or -: "/_ap"`)
	}
	if h.TrustedProxies, err = l.prefixes("http.trusted_proxies", l.f.HTTP.TrustedProxies); err != nil {
		return err
	}
	if h.Metrics == "" {
		if h.Pprof {
			return l.bad("http.pprof", true, "profiles are shown on http.metrics, which is off", `set http.metrics too: "127.0.0.1:9480"`)
		}
		return nil
	}
	if err := hostPort(h.Metrics); err != nil {
		return l.bad("http.metrics", h.Metrics, err.Error(), `write address and port: "127.0.0.1:9480", or "" for none`)
	}
	if h.Metrics == h.Listen {
		return l.bad("http.metrics", h.Metrics, "http.listen is the same", "give it a port of its own")
	}
	if host, _, _ := net.SplitHostPort(h.Metrics); !isLoopback(host) {
		if h.Pprof {
			// Profiles hold what is in memory, keys and messages included.
			return l.bad("http.pprof", true, "http.metrics is open to other machines", `set http.metrics = "127.0.0.1:9480", or http.pprof = false`)
		}
		l.warn("http.metrics = %q is open to other machines: it tells how much the gateway is used", h.Metrics)
	}
	return nil
}

func (l *loader) tls(c *Config) error {
	c.HTTP.TLSCert, c.HTTP.TLSKey = l.path(l.f.HTTP.TLSCert), l.path(l.f.HTTP.TLSKey)
	switch {
	case c.HTTP.TLSCert == "" && c.HTTP.TLSKey == "":
		return nil
	case c.HTTP.TLSKey == "":
		return l.missing("http.tls_key", "tls_cert is set: name the key too, or neither if a proxy serves https")
	case c.HTTP.TLSCert == "":
		return l.missing("http.tls_cert", "tls_key is set: name the certificate too, or neither if a proxy serves https")
	}
	if _, err := tls.LoadX509KeyPair(c.HTTP.TLSCert, c.HTTP.TLSKey); err != nil {
		return l.bad("http.tls_cert", l.f.HTTP.TLSCert, reason(err), "name a certificate chain and its key, both PEM and readable")
	}
	return nil
}

func (l *loader) cache(c *Config) error {
	if c.Cache.Path == "" {
		return l.missing("cache.path", `name the database: path = "isthmus.db"`)
	}
	info, err := os.Stat(filepath.Dir(c.Cache.Path))
	if err != nil || !info.IsDir() {
		return l.bad("cache.path", l.f.Cache.Path, "there is no such folder", "make "+filepath.Dir(c.Cache.Path)+", writable by the user that runs isthmus")
	}
	return l.retention(&c.Cache)
}

func (l *loader) federation(c *Config) (err error) {
	f := &c.Federation
	if f.AllowPrivateAddresses, err = l.prefixes("federation.allow_private_addresses", l.f.Federation.AllowPrivateAddresses); err != nil {
		return err
	}
	if len(f.AllowPrivateAddresses) > 0 {
		l.warn("federation.allow_private_addresses = %v: strangers can make the gateway talk to them; for development only", f.AllowPrivateAddresses)
	}
	if len(f.AllowPorts) == 0 {
		return l.bad("federation.allow_ports", f.AllowPorts, "no port is left", "write [443]")
	}
	for _, p := range f.AllowPorts {
		if p < 1 || p > 65535 {
			return l.bad("federation.allow_ports", p, "that is not a port", "write numbers from 1 to 65535: [443]")
		}
	}
	if f.CAFile != "" {
		if _, err := os.ReadFile(f.CAFile); err != nil {
			return l.bad("federation.ca_file", l.f.Federation.CAFile, reason(err), "name a PEM file, or leave it empty for the system's")
		}
	}
	for _, d := range l.f.Federation.BlockedDomains {
		ascii, err := idna.Lookup.ToASCII(d)
		if err != nil || !isDomain(ascii) {
			return l.bad("federation.blocked_domains", d, "that is not a domain name", `write them as in ["spam.example"]`)
		}
		f.BlockedDomains = append(f.BlockedDomains, strings.ToLower(ascii))
	}
	return nil
}

func (l *loader) logging(c *Config) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[l.f.Log.Level]
	if !ok {
		return l.bad("log.level", l.f.Log.Level, "there is no such level", `write "debug", "info", "warn" or "error"`)
	}
	c.Log.Level = level
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return l.bad("log.format", c.Log.Format, "there is no such format", `write "text" or "json"`)
	}
	return nil
}

// prefixes reads networks; a lone address is a network of one.
func (l *loader) prefixes(key string, texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			addr, addrErr := netip.ParseAddr(t)
			if addrErr != nil || addr.Zone() != "" {
				return nil, l.bad(key, t, "that is not a network", `write addresses with their length: "10.0.0.0/8"`)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// reason is an error without the name of the file, which stands before it.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

func hostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, "/ ") {
		return fmt.Errorf("that is not host:port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("that is not a port")
	}
	return nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// isDomain tells whether s can be a domain name; IP addresses of version 6
// cannot, and neither can an address with a port.
func isDomain(s string) bool {
	ascii, err := idna.Lookup.ToASCII(s)
	return err == nil && ascii != "" && len(ascii) <= 253 && !strings.ContainsAny(ascii, ":/@ ") && !strings.HasSuffix(ascii, ".")
}

// isPath tells whether s is like /_ap. What it allows needs no escaping, in a
// URL or in the configuration of a proxy.
func isPath(s string) bool {
	if !strings.HasPrefix(s, "/") {
		return false
	}
	for segment := range strings.SplitSeq(s[1:], "/") {
		if segment == "" {
			return false
		}
		for _, r := range segment {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", r) {
				return false
			}
		}
	}
	return true
}

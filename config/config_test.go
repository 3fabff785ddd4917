package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// least is the shortest configuration that is complete.
const least = `
[[domain]]
name = "example.org"
url = "https://example.org"

[xmpp]
component = "ap.example.org"
secret = "s3cret"
`

// write puts a configuration into a folder of its own, beside what it may name.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"isthmus.toml": text, "secret": "from the file\n", "empty": "\n", "cert.pem": "no certificate"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "isthmus.toml")
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDefaults(t *testing.T) {
	name := write(t, strings.Replace(least, `secret = "s3cret"`, "", 1))
	dir := filepath.Dir(name)
	got, err := Load(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		File: name, Consent: "opt-in",
		Domains: []Domain{{"example.org", mustURL(t, "https://example.org")}},
		XMPP:    XMPP{Component: "ap.example.org", Server: "127.0.0.1:5347", Secret: "from the file", SecretFile: filepath.Join(dir, "secret")},
		HTTP: HTTP{Listen: "127.0.0.1:8480", Path: "/_ap", Metrics: "127.0.0.1:9480",
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}},
		Cache:      Cache{Path: filepath.Join(dir, "isthmus.db"), Quiet: Hours{From: 3 * time.Hour, To: 5 * time.Hour}},
		Federation: Federation{AllowPorts: []int{443}},
		Log:        Log{Level: slog.LevelInfo, Format: "text"},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryKey(t *testing.T) {
	name := write(t, `
consent = "open"
[[domain]]
name = "example.org"
url = "https://example.org/"
[[domain]]
name = "bücher.example"
url = "https://Social.bücher.example:8443"
[xmpp]
component = "ap.example.org"
server = "[::1]:5275"
secret_file = "secret"
services = ["pubsub.example.org"]
admins = ["Louise@example.org"]
[http]
listen = ":443"
path = "/fediverse/v1"
trusted_proxies = ["10.1.2.3/8", "192.0.2.1"]
metrics = ""
[cache]
path = "/tmp/x.db"
[federation]
allow_private_addresses = ["127.0.0.0/8"]
allow_ports = [443, 8443]
require_signed_fetch = true
blocked_domains = ["Spam.example"]
[log]
level = "debug"
format = "json"
`)
	got, err := Load(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	prefix := netip.MustParsePrefix
	want := Config{
		File: name, Consent: "open",
		Domains: []Domain{{"example.org", mustURL(t, "https://example.org")}, {"bücher.example", mustURL(t, "https://social.bücher.example:8443")}},
		XMPP: XMPP{Component: "ap.example.org", Server: "[::1]:5275", Secret: "from the file", SecretFile: filepath.Join(filepath.Dir(name), "secret"),
			Services: []string{"pubsub.example.org"}, Admins: []string{"louise@example.org"}},
		HTTP:       HTTP{Listen: ":443", Path: "/fediverse/v1", TrustedProxies: []netip.Prefix{prefix("10.0.0.0/8"), prefix("192.0.2.1/32")}},
		Cache:      Cache{Path: "/tmp/x.db", Quiet: Hours{From: 3 * time.Hour, To: 5 * time.Hour}},
		Federation: Federation{AllowPrivateAddresses: []netip.Prefix{prefix("127.0.0.0/8")}, AllowPorts: []int{443, 8443}, RequireSignedFetch: true, BlockedDomains: []string{"spam.example"}},
		Log:        Log{Level: slog.LevelDebug, Format: "json"},
		Warnings:   []string{"federation.allow_private_addresses = [127.0.0.0/8]: strangers can make the gateway talk to them; for development only"},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every mistake is one line that names file or variable, key, value and remedy.
func TestMistakes(t *testing.T) {
	domain := "[[domain]]\nname = \"example.org\"\nurl = \"https://example.org\"\n"
	tests := []struct {
		name, text string
		env        []string
		want       string // after the file's name
	}{
		{"unknown key", "consnt = \"open\"\n" + least, nil, `consnt = "open": there is no such key; the keys outside sections are consent, domain, xmpp, http, cache, federation, log`},
		{"unknown key in a section", least + "port = 5347\n", nil, `xmpp.port = 5347: there is no such key; the keys of xmpp are component, server, secret, secret_file, services, admins`},
		{"unknown key of a domain", domain + "uri = \"x\"\n", nil, `domain.uri = "x": there is no such key; the keys of domain are name, url`},
		{"unknown section", least + "[htpt]\nlisten = \":80\"\n", nil, `htpt = map[listen::80]: there is no such key; the keys outside sections are consent, domain, xmpp, http, cache, federation, log`},
		{"key in another case", "Consent = \"open\"\n" + least, nil, `Consent = "open": there is no such key; the keys outside sections are consent, domain, xmpp, http, cache, federation, log`},
		{"number for text", least + "server = 5347\n", nil, `xmpp.server = 5347: that is the wrong kind of value; write it as text in quotes`},
		{"text for a list", least + "admins = \"louise@example.org\"\n", nil, `xmpp.admins = "louise@example.org": that is the wrong kind of value; write it as a list of texts, such as ["a", "b"]`},
		{"text for numbers", least + "[federation]\nallow_ports = [\"443\"]\n", nil, `federation.allow_ports = "443": that is the wrong kind of value; write it as a number`},
		{"text for truth", least + "[federation]\nrequire_signed_fetch = \"yes\"\n", nil, `federation.require_signed_fetch = "yes": that is the wrong kind of value; write it as true or false`},
		{"one bracket", strings.Replace(least, "[[domain]]", "[domain]", 1), nil, `domain = map[name:example.org url:https://example.org]: that is the wrong kind of value; write it as sections in double brackets: [[domain]]`},
		{"a section that is a value", "xmpp = 1\n", nil, `xmpp = 1: that is the wrong kind of value; write it as a section in brackets`},
		{"no TOML", "consent = open\n", nil, `line 1: expected value but found "open" instead; correct that line`},
		{"twice", "consent = \"open\"\nconsent = \"open\"\n", nil, `line 2: Key 'consent' has already been defined.; correct that line`},

		{"policy", "consent = \"yes\"\n" + least, nil, `consent = "yes": there is no such policy; write "opt-in" or "open"`},
		{"no domain", "[xmpp]\ncomponent = \"ap.example.org\"\n", nil, `domain: it is missing; add a section [[domain]] with name and url, the primary domain first`},
		{"domain without name", "[[domain]]\nurl = \"https://example.org\"\n", nil, `domain.name: it is missing; add the XMPP domain: name = "example.org"`},
		{"domain with user", "[[domain]]\nname = \"louise@example.org\"\n", nil, `domain.name = "louise@example.org": that is not a domain name; write it as in a JID behind the @: "example.org"`},
		{"domain without url", "[[domain]]\nname = \"example.org\"\n", nil, `domain.url: it is missing; add where example.org is reached: url = "https://example.org"`},
		{"url without scheme", "[[domain]]\nname = \"example.org\"\nurl = \"example.org\"\n", nil, `domain.url = "example.org": that is not a URL; write scheme and host only: "https://example.org"`},
		{"url with path", "[[domain]]\nname = \"example.org\"\nurl = \"https://example.org/_ap\"\n", nil, `domain.url = "https://example.org/_ap": a public URL has no path, query or user; write scheme and host only: "https://example.org"`},
		{"url in the clear", "[[domain]]\nname = \"example.org\"\nurl = \"http://example.org\"\n", nil, `domain.url = "http://example.org": peers talk https (http is for loopback only); write scheme and host only: "https://example.org"`},
		{"domain twice", domain + domain, nil, `domain.name = "example.org": its name or the host of its url stands there twice; give each domain one section and a host of its own`},
		{"host twice", domain + "[[domain]]\nname = \"example.net\"\nurl = \"https://EXAMPLE.org\"\n", nil, `domain.name = "example.net": its name or the host of its url stands there twice; give each domain one section and a host of its own`},
		{"no component", domain, nil, `xmpp.component: it is missing; add the address that the XMPP server gives the gateway: component = "ap.example.org"`},
		{"component is a domain", domain + "[xmpp]\ncomponent = \"Example.org\"\n", nil, `xmpp.component = "Example.org": that is the domain of the users; give the gateway an address of its own: "ap.example.org"`},
		{"server without port", least + "server = \"localhost\"\n", nil, `xmpp.server = "localhost": that is not host:port; write host and port of the server's component listener: "127.0.0.1:5347"`},
		{"port too big", least + "server = \"localhost:70000\"\n", nil, `xmpp.server = "localhost:70000": that is not a port; write host and port of the server's component listener: "127.0.0.1:5347"`},
		{"both secrets", least + "secret_file = \"secret\"\n", nil, `xmpp.secret: secret_file is set too; keep one of the two`},
		{"no secret file", domain + "[xmpp]\ncomponent = \"ap.example.org\"\nsecret_file = \"nowhere\"\n", nil, `xmpp.secret_file = "nowhere": no such file or directory; put the component's secret there, readable by the user that runs isthmus`},
		{"empty secret file", domain + "[xmpp]\ncomponent = \"ap.example.org\"\nsecret_file = \"empty\"\n", nil, `xmpp.secret_file = "empty": there is no secret in it; put the secret that the XMPP server has for the component into it, on one line`},
		{"secret of another kind is not shown", domain + "[xmpp]\ncomponent = \"ap.example.org\"\nsecret = 12345\n", nil, `xmpp.secret: that is the wrong kind of value; write it as text in quotes`},
		{"service", least + "services = [\"ap.example.org\"]\n", nil, `xmpp.services = "ap.example.org": that is not the address of a pubsub service; write them as in ["pubsub.example.org"]`},
		{"admin", least + "admins = [\"louise@example.org/phone\"]\n", nil, `xmpp.admins = "louise@example.org/phone": that is not the address of a person; write bare addresses: ["louise@example.org"]`},
		{"listen", least + "[http]\nlisten = \"8480\"\n", nil, `http.listen = "8480": that is not host:port; write address and port: "127.0.0.1:8480"`},
		{"path", least + "[http]\npath = \"/a%20b\"\n", nil, `http.path = "/a%20b": that cannot be the path of the gateway; write a slash, then letters, digits, _ or -: "/_ap"`},
		{"path with slash", least + "[http]\npath = \"/_ap/\"\n", nil, `http.path = "/_ap/": that cannot be the path of the gateway; write a slash, then letters, digits, _ or -: "/_ap"`},
		{"proxy", least + "[http]\ntrusted_proxies = [\"nginx\"]\n", nil, `http.trusted_proxies = "nginx": that is not a network; write addresses with their length: "10.0.0.0/8"`},
		{"certificate alone", least + "[http]\ntls_cert = \"cert.pem\"\n", nil, `http.tls_key: it is missing; tls_cert is set: name the key too, or neither if a proxy serves https`},
		{"key alone", least + "[http]\ntls_key = \"cert.pem\"\n", nil, `http.tls_cert: it is missing; tls_key is set: name the certificate too, or neither if a proxy serves https`},
		{"no certificate", least + "[http]\ntls_cert = \"cert.pem\"\ntls_key = \"cert.pem\"\n", nil, `http.tls_cert = "cert.pem": failed to find any PEM data in certificate input; name a certificate chain and its key, both PEM and readable`},
		{"metrics", least + "[http]\nmetrics = \"127.0.0.1:8480\"\n", nil, `http.metrics = "127.0.0.1:8480": http.listen is the same; give it a port of its own`},
		{"profiles without an address", least + "[http]\nmetrics = \"\"\npprof = true\n", nil, `http.pprof = true: profiles are shown on http.metrics, which is off; set http.metrics too: "127.0.0.1:9480"`},
		{"profiles for everybody", least + "[http]\nmetrics = \"0.0.0.0:9480\"\npprof = true\n", nil, `http.pprof = true: http.metrics is open to other machines; set http.metrics = "127.0.0.1:9480", or http.pprof = false`},
		{"no folder", least + "[cache]\npath = \"nowhere/x.db\"\n", nil, `cache.path = "nowhere/x.db": there is no such folder; make DIR/nowhere, writable by the user that runs isthmus`},
		{"no database", least + "[cache]\npath = \"\"\n", nil, `cache.path: it is missing; name the database: path = "isthmus.db"`},
		{"private", least + "[federation]\nallow_private_addresses = [\"localhost\"]\n", nil, `federation.allow_private_addresses = "localhost": that is not a network; write addresses with their length: "10.0.0.0/8"`},
		{"no ports", least + "[federation]\nallow_ports = []\n", nil, `federation.allow_ports = []: no port is left; write [443]`},
		{"port", least + "[federation]\nallow_ports = [443, 0]\n", nil, `federation.allow_ports = 0: that is not a port; write numbers from 1 to 65535: [443]`},
		{"CA", least + "[federation]\nca_file = \"nowhere\"\n", nil, `federation.ca_file = "nowhere": no such file or directory; name a PEM file, or leave it empty for the system's`},
		{"blocked", least + "[federation]\nblocked_domains = [\"https://spam.example\"]\n", nil, `federation.blocked_domains = "https://spam.example": that is not a domain name; write them as in ["spam.example"]`},
		{"level", least + "[log]\nlevel = \"loud\"\n", nil, `log.level = "loud": there is no such level; write "debug", "info", "warn" or "error"`},
		{"format", least + "[log]\nformat = \"xml\"\n", nil, `log.format = "xml": there is no such format; write "text" or "json"`},

		{"variable", least, []string{"ISTHMUS_LOG_LEVEL=loud"}, `ISTHMUS_LOG_LEVEL = "loud": there is no such level; write "debug", "info", "warn" or "error"`},
		{"variable of another kind", least, []string{"ISTHMUS_FEDERATION_ALLOW_PORTS=443,https"}, `ISTHMUS_FEDERATION_ALLOW_PORTS = "443,https": that is the wrong kind of value; write it as numbers separated by commas`},
		{"variable that is not true", least, []string{"ISTHMUS_FEDERATION_REQUIRE_SIGNED_FETCH=on"}, `ISTHMUS_FEDERATION_REQUIRE_SIGNED_FETCH = "on": that is the wrong kind of value; write it as true or false`},
		{"unknown variable", least, []string{"ISTHMUS_HTTP_LISTN=:80"}, `ISTHMUS_HTTP_LISTN = ":80": there is no such key; unset it, or see the keys of [http] in the configuration`},
		{"variable with a line break in its name", least, []string{"ISTHMUS_HTTP_\n=:80"}, `"ISTHMUS_HTTP_\n" = ":80": there is no such key; unset it, or see the keys of [http] in the configuration`},
		{"key with a line break in it", least + "\"po\\nrt\" = 5347\n", nil, `"xmpp.po\nrt" = 5347: there is no such key; the keys of xmpp are component, server, secret, secret_file, services, admins`},
		{"unknown secret", least, []string{"ISTHMUS_XMPP_SECRETS=hush"}, `ISTHMUS_XMPP_SECRETS: there is no such key; unset it, or see the keys of [xmpp] in the configuration`},
		{"domain by variable", least, []string{"ISTHMUS_DOMAIN=example.org"}, `ISTHMUS_DOMAIN = "example.org": domains are not taken from the environment; write a [[domain]] into DIR/isthmus.toml`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := write(t, tt.text)
			_, err := Load(name, tt.env)
			if err == nil {
				t.Fatal("it was accepted")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(name), "DIR")
			if want := tt.want; got != want && got != "DIR/isthmus.toml: "+want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if strings.Contains(got, "\n") || strings.Contains(got, "hush") || strings.Contains(got, "12345") {
				t.Errorf("more than a line, or a secret: %q", got)
			}
			var mistake *Error
			if errors.As(err, &mistake) && (mistake.Key == "" || mistake.Remedy == "" || strings.HasPrefix(mistake.Key, "ISTHMUS") != (mistake.File == "")) {
				t.Errorf("incomplete: %+v", mistake)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "isthmus.toml"), nil); err == nil || !strings.Contains(err.Error(), "isthmus init") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	name := write(t, least)
	c, err := Load(name, []string{
		"ISTHMUS_CONSENT=open", "ISTHMUS_XMPP_SECRET=from the environment", "ISTHMUS_XMPP_ADMINS=a@example.org, b@example.org", "ISTHMUS_XMPP_SERVICES=",
		"ISTHMUS_HTTP_METRICS=", "ISTHMUS_HTTP_TRUSTED_PROXIES=10.0.0.0/8", "ISTHMUS_FEDERATION_ALLOW_PORTS=443, 8443",
		"ISTHMUS_FEDERATION_REQUIRE_SIGNED_FETCH=true", "ISTHMUS_LOG_FORMAT=json", "ISTHMUS_CACHE_PATH=other.db",
		"ISTHMUS_CONFIG=x", "ISTHMUS_PORT_8480_TCP=tcp://10.0.0.1:8480", "ISTHMUS_BIN=bin/isthmus", "HOME=/root", "NOTHING",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Consent, c.XMPP.Secret, c.XMPP.Admins, c.HTTP.Metrics, c.HTTP.TrustedProxies[0].String(), c.Federation.AllowPorts, c.Federation.RequireSignedFetch, c.Log.Format, c.Cache.Path}
	want := []any{"open", "from the environment", []string{"a@example.org", "b@example.org"}, "", "10.0.0.0/8", []int{443, 8443}, true, "json", filepath.Join(filepath.Dir(name), "other.db")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The environment overrides the file, whichever of the two names of the secret
// each uses.
func TestSecretSources(t *testing.T) {
	inFile := "[[domain]]\nname = \"example.org\"\nurl = \"https://example.org\"\n[xmpp]\ncomponent = \"ap.example.org\"\n"
	for _, tt := range []struct {
		line string
		env  []string
		want string
	}{
		{"", nil, "from the file"},
		{`secret = "s3cret"`, nil, "s3cret"},
		{`secret = "s3cret"`, []string{"ISTHMUS_XMPP_SECRET_FILE=secret"}, "from the file"},
		{`secret_file = "nowhere"`, []string{"ISTHMUS_XMPP_SECRET=env"}, "env"},
		{`secret = "s3cret"`, []string{"ISTHMUS_XMPP_SECRET=env"}, "env"},
		{"", []string{"ISTHMUS_XMPP_SECRET="}, "from the file"},
	} {
		c, err := Load(write(t, inFile+tt.line), tt.env)
		if err != nil || c.XMPP.Secret != tt.want {
			t.Errorf("%q with %q: %q, %v", tt.line, tt.env, c.XMPP.Secret, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	name := write(t, `
[[domain]]
name = "localhost"
url = "http://localhost:8480"
[xmpp]
component = "ap.localhost"
[http]
metrics = "0.0.0.0:9480"
`)
	secret := filepath.Join(filepath.Dir(name), "secret")
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`domain.url = "http://localhost:8480": without https nobody but this machine can talk to it; for development only`,
		secret + " can be read by others (mode 0644), but it is a secret; chmod 600 it",
		`http.metrics = "0.0.0.0:9480" is open to other machines: it tells how much the gateway is used`,
	}
	if diff := cmp.Diff(want, c.Warnings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	name = write(t, least)
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(name, nil); err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "it holds the secret") {
		t.Errorf("a readable file with the secret in it: %q, %v", c.Warnings, err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(least, "ISTHMUS_LOG_LEVEL=debug")
	f.Add("[[domain]]\n[[domain]]\n", "ISTHMUS_HTTP_PATH=/")
	f.Add("xmpp.secret = [[1]]", "ISTHMUS_=")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, variable string) {
		name := filepath.Join(dir, "isthmus.toml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(name, []string{variable})
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %q", err)
		}
	})
}

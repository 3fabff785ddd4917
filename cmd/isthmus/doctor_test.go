package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"

	"isthmus/webfinger"
)

// authority is a certificate authority for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pemOf("CERTIFICATE", der)}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (a *authority) issue(t *testing.T, serial int64, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{name}, NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der), pemOf("EC PRIVATE KEY", encoded)
}

// component is an XMPP server that knows one component.
func component(t *testing.T, secret string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				n, _ := c.Read(buf)
				if !strings.Contains(string(buf[:n]), "to='ap.example.org'") {
					fmt.Fprint(c, "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
					return
				}
				fmt.Fprint(c, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='ap.example.org' id='abc'>")
				n, _ = c.Read(buf)
				sum := sha1.Sum([]byte("abc" + secret))
				if string(buf[:n]) != "<handshake>"+hex.EncodeToString(sum[:])+"</handshake>" {
					fmt.Fprint(c, "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
					return
				}
				fmt.Fprint(c, "<handshake/>")
				_, _ = c.Read(buf)
			}()
		}
	}()
	return l.Addr().String()
}

// otherPort is a server that hangs up on components.
func otherPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			c.Close()
		}
	}()
	return l.Addr().String()
}

// townhall is a gateway's public side that knows its own actor.
func townhall(t *testing.T, origin string) http.Handler {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	id := origin + "/_ap/instance"
	r := chi.NewRouter()
	wf, err := webfinger.NewServer(webfinger.ServerConfig{Directory: clerk{strings.TrimPrefix(origin, "https://"), id}, Origins: []string{origin}, Path: "/_ap"})
	if err != nil {
		t.Fatal(err)
	}
	wf.Mount(r)
	r.Get("/_ap/instance", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/activity+json")
		body, err := json.Marshal(map[string]any{"@context": []string{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
			"id": id, "type": "Application", "preferredUsername": "x", "inbox": origin + "/_ap/shared_inbox",
			"publicKey": map[string]any{"id": id + "#main-key", "owner": id, "publicKeyPem": pemOf("PUBLIC KEY", der)}})
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(body)
	})
	return r
}

type clerk struct{ host, id string }

func (c clerk) Resolve(_ context.Context, r webfinger.Resource) (webfinger.Subject, error) {
	if name, _, _ := strings.Cut(c.host, ":"); r.Handle == name+"@"+c.host {
		return webfinger.Subject{Handle: r.Handle, ActorURL: c.id}, nil
	}
	return webfinger.Subject{}, webfinger.ErrNotFound
}
func (c clerk) Usage(context.Context) (webfinger.Usage, error) { return webfinger.Usage{}, nil }

// silence is for servers whose clients are meant to fail.
var silence = log.New(io.Discard, "", 0)

// clinic is a bench for doctor: a gateway on https://localhost:PORT.
type clinic struct {
	*bench
	ca     *authority
	origin string
	listen string
}

// newClinic writes a configuration in which all is well. With front, the public
// port is that of a proxy.
func newClinic(t *testing.T, xmpp string, front func(backend string) http.Handler) *clinic {
	t.Helper()
	c := &clinic{bench: newBench(t, ""), ca: newAuthority(t)}
	c.write("ca.pem", c.ca.pem)
	cert, key := c.ca.issue(t, 2, "localhost")
	c.write("cert.pem", cert)
	c.write("key.pem", key)
	public := freePort(t)
	c.origin, c.listen = fmt.Sprintf("https://localhost:%d", public), fmt.Sprintf("127.0.0.1:%d", public)
	tlsLines := "tls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n"
	if front != nil {
		tlsLines = ""
		c.listen = fmt.Sprintf("127.0.0.1:%d", freePort(t))
		s := &http.Server{Addr: fmt.Sprintf("127.0.0.1:%d", public), Handler: front("http://" + c.listen), ReadHeaderTimeout: time.Minute, ErrorLog: silence}
		l, err := net.Listen("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = s.ServeTLS(l, c.dir+"/cert.pem", c.dir+"/key.pem") }()
		t.Cleanup(func() { s.Close() })
	}
	c.write("isthmus.toml", fmt.Sprintf(`
[[domain]]
name = "localhost"
url = %q
[xmpp]
component = "ap.example.org"
server = %q
secret = "s3cret"
[http]
listen = %q
%s
metrics = ""
[federation]
ca_file = "ca.pem"
`, c.origin, xmpp, c.listen, tlsLines))
	c.change = func(f *fake) { f.handler = townhall(t, c.origin) }
	return c
}

// proxy passes requests on, changed.
func proxy(t *testing.T, change func(*httputil.ProxyRequest)) func(string) http.Handler {
	t.Helper()
	return func(backend string) http.Handler {
		target, err := url.Parse(backend)
		if err != nil {
			t.Fatal(err)
		}
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.Out.URL.RawPath, r.Out.URL.RawQuery = r.In.URL.RawPath, r.In.URL.RawQuery
			change(r)
		}}
	}
}

func TestDoctorFindsAllWell(t *testing.T) {
	c := newClinic(t, component(t, "s3cret"), nil)
	status, out, errs := c.with("doctor")
	if status != exitDone {
		t.Fatalf("status %d:\n%s%s", status, out, errs)
	}
	for _, want := range []string{
		"✓ configuration:", "✓ secret:", "- gateway: it does not run; doctor stands in for it", "✓ database:", "✓ XMPP: the server accepts ap.example.org",
		"✓ keys:", "✓ public URL " + c.origin + ": reaches this gateway with path, query and %40 unchanged",
		"leads to " + c.origin + "/_ap/instance", "✓ actor " + c.origin + "/_ap/instance: has its id, its inbox and its key", "- clock:", "All is well.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "s3cret") {
		t.Error("the secret is shown")
	}

	// The same through the running gateway, whose connection it leaves alone.
	var svc *fake
	c.alter(func(f *fake) {
		svc = f
		f.mend = func(h *health) { h.Link, h.LinkRemedy = "it was refused", "ask the server" }
	})
	_, stop := c.serve()
	defer stop()
	status, out, errs = c.with("doctor")
	if status != exitDone || !strings.Contains(out, "✓ gateway: version "+version) || !strings.Contains(out, "✓ XMPP: the gateway is connected") ||
		!strings.Contains(out, "✓ public URL") {
		t.Errorf("status %d:\n%s%s", status, out, errs)
	}
	svc.setOnline(false)
	status, out, _ = c.with("doctor")
	if status != exitFailed || !foundWithRemedy(out, "✗ XMPP: the gateway is not connected.*it was refused", "ask the server") {
		t.Errorf("status %d:\n%s", status, out)
	}
	svc.setOnline(true)
	status, out, _ = c.with("doctor", "--json")
	var doc struct {
		OK     bool      `json:"ok"`
		Checks []finding `json:"checks"`
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || status != exitDone || !doc.OK || len(doc.Checks) < 8 {
		t.Errorf("status %d: %v\n%s", status, err, out)
	}
	status, out, _ = c.with("doctor", "nobody@"+strings.TrimPrefix(c.origin, "https://"))
	if status != exitFailed || !strings.Contains(out, "✗ WebFinger of nobody@") || !strings.Contains(out, "isthmus link JID") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// A proxy that changes the host may say which it was, if it is trusted.
func TestDoctorBelievesTrustedProxies(t *testing.T) {
	front := proxy(t, func(r *httputil.ProxyRequest) {
		r.SetXForwarded()
		r.Out.Host = "backend.invalid"
	})
	c := newClinic(t, component(t, "s3cret"), front)
	if status, out, _ := c.with("doctor"); status != exitDone {
		t.Errorf("status %d:\n%s", status, out)
	}
	c.edit("[http]\n", "[http]\ntrusted_proxies = []\n")
	if status, out, _ := c.with("doctor"); status != exitFailed || !foundWithRemedy(out, "the host was changed", "proxy_set_header Host $host") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// Each trouble is found, and has its remedy on the next line.
func TestDoctorFindsTrouble(t *testing.T) {
	healthy := component(t, "s3cret")
	same := func(*httputil.ProxyRequest) {}
	tests := []struct {
		name   string
		xmpp   string
		front  func(string) http.Handler
		change func(c *clinic)
		check  string
		remedy string
	}{
		{name: "wrong secret", xmpp: component(t, "other"), check: `✗ XMPP: .*not-authorized`, remedy: "xmpp.secret"},
		{name: "no XMPP server", xmpp: "127.0.0.1:1", check: "✗ XMPP: ", remedy: "see that the XMPP server runs"},
		{name: "component unknown", xmpp: healthy, change: func(c *clinic) {
			c.edit(`"ap.example.org"`, `"gate.example.org"`)
		}, check: "host-unknown", remedy: "the server's configuration"},
		{name: "another port", xmpp: otherPort(t), check: "✗ XMPP: .*component port", remedy: "xmpp.server is that address"},
		{name: "decoding proxy", xmpp: healthy, front: proxy(t, func(r *httputil.ProxyRequest) { r.Out.URL.RawPath = "" }),
			check: "path or query were changed", remedy: "proxy_pass has no path of its own"},
		{name: "query lost", xmpp: healthy, front: proxy(t, func(r *httputil.ProxyRequest) { r.Out.URL.RawQuery = "" }),
			check: "path or query were changed", remedy: "proxy_pass has no path of its own"},
		{name: "host lost", xmpp: healthy, front: proxy(t, func(r *httputil.ProxyRequest) { r.Out.Host = "127.0.0.1" }),
			check: "the host was changed", remedy: "proxy_set_header Host $host"},
		{name: "another website", xmpp: healthy, front: func(string) http.Handler { return http.NotFoundHandler() },
			check: "a web server answers there with 404, but not this gateway", remedy: "send /_ap/, /.well-known/webfinger"},
		{name: "a website that says yes", xmpp: healthy, front: func(string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, `{"proof":"x"}`)
			})
		}, check: "something answers there, but not this gateway", remedy: "send /_ap/"},
		{name: "certificate of nobody", xmpp: healthy, front: proxy(t, same), change: func(c *clinic) { c.write("ca.pem", newAuthority(c.t).pem) },
			check: "its certificate is signed by nobody that peers trust", remedy: "give the web server a certificate"},
		{name: "nothing there", xmpp: healthy, change: func(c *clinic) { c.edit(c.origin, "https://localhost:1") },
			check: "nothing listens on port 1", remedy: "start the proxy"},
		{name: "no such name", xmpp: healthy, change: func(c *clinic) { c.edit(c.origin, "https://isthmus.invalid") },
			check: "isthmus.invalid has no address", remedy: "add an A or AAAA record"},
		{name: "listener taken", xmpp: healthy, change: func(c *clinic) {
			l, err := net.Listen("tcp", c.listen)
			if err != nil {
				c.t.Fatal(err)
			}
			c.t.Cleanup(func() { l.Close() })
		}, check: "✗ listener: ", remedy: "stop what uses the address"},
		{name: "unreadable key", xmpp: healthy, change: func(c *clinic) {
			c.alter(func(f *fake) { f.mend = func(h *health) { h.Keys = []string{"louise@localhost"} } })
		}, check: "✗ keys: unreadable for [louise@localhost]", remedy: "restore the database"},
		{name: "broken database", xmpp: healthy, change: func(c *clinic) { c.write("isthmus.db", strings.Repeat("no database ", 1000)) },
			check: "✗ database: ", remedy: "isthmus cache verify --repair"},
		{name: "actor with another id", xmpp: healthy, change: func(c *clinic) {
			c.alter(func(f *fake) { f.handler = townhall(c.t, "https://localhost:2") })
		}, check: "✗ WebFinger of localhost", remedy: "/.well-known/webfinger"},
		{name: "configuration", xmpp: healthy, change: func(c *clinic) { c.edit(`metrics = ""`, `metric = ""`) },
			check: "✗ configuration: ", remedy: "mend that line"},
		{name: "no way out", xmpp: healthy, change: func(c *clinic) {
			c.alter(func(f *fake) { f.mend = func(h *health) { h.Peers = []string{"localhost:1", "localhost:2"} } })
		}, check: "✗ other servers: none of 2 can be reached", remedy: "may connect to port 443"},
		{name: "clock", xmpp: healthy, change: func(c *clinic) {
			late := clockServer(c, time.Hour)
			c.edit(`ca_file = "ca.pem"`, "ca_file = \"ca.pem\"\nallow_ports = [443, "+late[strings.LastIndexByte(late, ':')+1:]+"]")
			c.alter(func(f *fake) { f.mend = func(h *health) { h.Peers = []string{late} } })
		}, check: "✗ clock: ", remedy: "set the clock"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClinic(t, tt.xmpp, tt.front)
			if tt.change != nil {
				tt.change(c)
			}
			status, out, errs := c.with("doctor")
			if status != exitFailed || errs != "" {
				t.Errorf("status %d, %q", status, errs)
			}
			if !foundWithRemedy(out, tt.check, tt.remedy) {
				t.Errorf("no %q with %q in:\n%s", tt.check, tt.remedy, out)
			}
		})
	}
}

// foundWithRemedy looks for a failed check and the remedy right below it. The
// parts of a check, divided by .*, stand in one line.
func foundWithRemedy(out, check, remedy string) bool {
	lines := strings.Split(out, "\n")
	for i, line := range lines[:len(lines)-1] {
		all := strings.HasPrefix(line, "✗ ")
		for part := range strings.SplitSeq(check, ".*") {
			all = all && strings.Contains(line, part)
		}
		if all && strings.HasPrefix(lines[i+1], "    → ") && strings.Contains(lines[i+1], remedy) {
			return true
		}
	}
	return false
}

// edit replaces text of the configuration.
func (c *clinic) edit(old, text string) {
	c.t.Helper()
	c.write("isthmus.toml", strings.Replace(read(c.t, c.config), old, text, 1))
}

// alter changes each service that is built, after what is usual.
func (c *clinic) alter(more func(*fake)) {
	usual := c.change
	c.change = func(f *fake) {
		usual(f)
		more(f)
	}
}

// clockServer is a peer whose clock is off.
func clockServer(c *clinic, by time.Duration) (host string) {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: silence, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotFound)
	})}
	go func() { _ = s.ServeTLS(l, c.dir+"/cert.pem", c.dir+"/key.pem") }()
	c.t.Cleanup(func() { s.Close() })
	return fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

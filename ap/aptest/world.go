// Package aptest is a small fediverse for tests: servers with names and
// certificates of their own on one loopback port, whose actors sign what they
// send, and which can be told to misbehave.
package aptest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/ap"
)

// World is a set of hosts that share a port, a CA and a name server.
type World struct {
	Port int

	tb     testing.TB
	names  *names
	ca     authority
	caFile string

	mu    sync.Mutex
	hosts map[string]http.Handler
	keys  int
}

// NewWorld starts a world that ends with the test.
func NewWorld(tb testing.TB) *World {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	w := &World{tb: tb, Port: listener.Addr().(*net.TCPAddr).Port, hosts: map[string]http.Handler{}, ca: newAuthority(tb), names: startNames(tb)}
	w.caFile = filepath.Join(tb.TempDir(), "ca.pem")
	if err := os.WriteFile(w.caFile, w.ca.pem(), 0o600); err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(w.serve),
		TLSConfig:         &tls.Config{GetCertificate: w.ca.certificate, MinVersion: tls.VersionTLS12},
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ReadHeaderTimeout: 10 * time.Second,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ServeTLS(listener, "", "") // ends with ErrServerClosed
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return w
}

// Authority is a host with the world's port, as it stands in URLs.
func (w *World) Authority(host string) string {
	return net.JoinHostPort(host, strconv.Itoa(w.Port))
}

// Handle answers for a host, such as the one of the server under test.
func (w *World) Handle(host string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[host] = h
	w.names.set(host, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
}

// Resolve makes a name mean other addresses: one list for each question in
// turn, the last one for ever.
func (w *World) Resolve(host string, answers ...[]netip.Addr) { w.names.set(host, answers...) }

// CAFile is a file with the world's CA.
func (w *World) CAFile() string { return w.caFile }

// ClientConfig is for a guarded client that can reach this world.
func (w *World) ClientConfig() ap.ClientConfig {
	return ap.ClientConfig{
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		AllowPorts:   []int{w.Port},
		CAFile:       w.caFile,
		UserAgent:    "aptest",
		Resolver:     w.names.resolver(),
	}
}

// HTTP is an ordinary client that can reach this world; it follows no
// redirects.
func (w *World) HTTP() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(w.ca.cert)
	dialer := &net.Dialer{Resolver: w.names.resolver()}
	t := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	w.tb.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// serve hands a request to the host that it is for.
func (w *World) serve(rw http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	w.mu.Lock()
	h := w.hosts[host]
	w.mu.Unlock()
	if h == nil {
		http.Error(rw, "no such host", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(rw, r)
}

// authority is a CA.
type authority struct {
	tb   testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	mu   *sync.Mutex
	made map[string]*tls.Certificate
}

func newAuthority(tb testing.TB) authority {
	a := authority{tb: tb, mu: &sync.Mutex{}, made: map[string]*tls.Certificate{}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "aptest"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		tb.Fatal(err)
	}
	return a
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// certificate makes a certificate for the name that a client asks for.
func (a authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.made[hello.ServerName]; c != nil {
		return c, nil
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(len(a.made) + 2)), NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}}
	if hello.ServerName != "" {
		template.DNSNames = []string{hello.ServerName}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
	a.made[hello.ServerName] = c
	return c, nil
}

// Context is a context that ends with the test, at the latest after a while.
func Context(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

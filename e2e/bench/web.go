package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"time"

	"isthmus/e2e/lab"
)

// bareAddress is where the bare handler listens: https as the gateway's, one
// answer to everything.
const bareAddress = "127.77.1.200:443"

// serveBare is the bare handler, in a process of its own as the gateway is.
func serveBare(cert, key string) error {
	body := make([]byte, 2000)
	for i := range body {
		body[i] = 'x'
	}
	server := &http.Server{
		Addr: bareAddress, ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", lab.ActivityJSON)
			_, _ = w.Write(body)
		}),
	}
	return server.ListenAndServeTLS(cert, key)
}

// loader fetches over kept connections.
func (b *bench) loader() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: b.lab.CA.Pool(), ServerName: b.lab.Names.Domains[0], MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 64,
	}}
}

func (b *bench) getRate(address, accept string, n int) (rate, error) {
	client := b.loader()
	defer client.CloseIdleConnections()
	get := func(int) error {
		request, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Accept", accept)
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", address, answer.Status)
		}
		return nil
	}
	if err := together(200, 8, get); err != nil { // connections, caches
		return rate{}, err
	}
	return b.timed(n, func() error { return together(n, 8, get) })
}

// gets measures WebFinger and the actor beside a bare handler.
func (b *bench) gets(ctx context.Context) error {
	pair, err := b.lab.CA.Issue("bare.test", b.lab.Names.Domains[0])
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare := exec.CommandContext(ctx, self, "bare", pair.Cert, pair.Key)
	bare.Stderr = os.Stderr
	if err := bare.Start(); err != nil {
		return err
	}
	defer func() { _ = bare.Process.Kill(); _ = bare.Wait() }()
	limit, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := lab.Eventually(limit, "the bare handler", func() error {
		_, err := b.loader().Get("https://" + bareAddress)
		return err
	}); err != nil {
		return err
	}
	n := b.n(20_000)
	best, err := b.getRate("https://"+bareAddress, "*/*", n)
	if err != nil {
		return err
	}
	finger := "https://" + b.lab.Names.Domains[0] + "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+b.louise.Account.JID())
	for _, g := range []struct{ what, url, accept string }{
		{"WebFinger GET, 8 connections", finger, "application/jrd+json"},
		{"actor GET, 8 connections", b.actor, lab.ActivityJSON},
	} {
		r, err := b.getRate(g.url, g.accept, n)
		if err != nil {
			return err
		}
		b.rows = append(b.rows, r.against(g.what, best.perSecond(), "bare handler"))
	}
	return nil
}

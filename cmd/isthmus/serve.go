package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"isthmus/cache"
	"isthmus/config"
)

// Bounds of the HTTP servers (L1, L2, SEC-36). Writing may take as long as a
// slow peer needs for a big collection.
const (
	headerTime   = 5 * time.Second
	readTime     = 30 * time.Second
	writeTime    = 60 * time.Second
	idleTime     = 2 * time.Minute
	maxHeader    = 64 << 10
	shutdownTime = 10 * time.Second
)

// garbagePercent is how much memory may be garbage beside what is in use before it is
// collected. In use are some 5 MiB, since SQLite's memory is not Go's: at 100 the
// collector would run at every fourth MiB, and take a tenth of the processor under load.
const garbagePercent = 200

type serveCmd struct{}

// Run runs the gateway until ctx ends.
func (c *serveCmd) Run(ctx context.Context, a *app, root *cli) error {
	cfg, err := a.config(root)
	if err != nil {
		return err
	}
	if a.env("GOGC") == "" { // else the operator chose
		debug.SetGCPercent(garbagePercent)
	}
	log := newLogger(a.stderr, cfg.Log)
	for _, w := range cfg.Warnings {
		log.WarnContext(ctx, "configuration: "+w)
	}
	return a.serve(ctx, cfg, log)
}

func newLogger(w io.Writer, cfg config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// serve opens everything, says that it is ready, and closes everything in the
// order in which nothing that was accepted is lost.
func (a *app) serve(ctx context.Context, cfg config.Config, log *slog.Logger) (err error) {
	svc, err := a.build(ctx, cfg, log)
	if err != nil {
		return unopened(err, cfg)
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	probes := newProbes(cfg.HTTP.Path, time.Now)
	servers, err := a.servers(cfg, svc, probes, log)
	if err != nil {
		return err
	}
	notify := newNotifier(a.environ)

	group, running := errgroup.WithContext(context.WithoutCancel(ctx))
	working, stopWork := context.WithCancel(running)
	defer stopWork()
	group.Go(func() error {
		err := svc.Run(working)
		if working.Err() == nil { // it ended by itself: then everything does
			return errors.Join(errors.New("the gateway ended by itself"), err)
		}
		return err
	})
	for _, s := range servers {
		group.Go(func() error { return s.serve() })
	}
	go notify.watch(working, svc.Alive)
	log.InfoContext(ctx, "ready", "version", version, "url", cfg.Domains[0].URL.String()+cfg.HTTP.Path,
		"listen", servers[0].listener.Addr().String(), "component", cfg.XMPP.Component)
	if err := notify.send("READY=1"); err != nil {
		log.WarnContext(ctx, "service manager not told", "error", err)
	}
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "stopping")
	case <-running.Done():
	}
	_ = notify.send("STOPPING=1") // it will see that we are gone
	// Requests first: what they accept is in the store before the work stops.
	for _, s := range servers {
		s.stop(context.WithoutCancel(ctx), log)
	}
	stopWork()
	err = group.Wait()
	log.InfoContext(ctx, "stopped")
	return err
}

// unopened says what to do about a database that cannot be opened, where the
// error does not say it.
func unopened(err error, cfg config.Config) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; %s", err, remedyOwner(cfg))
	case errors.Is(err, cache.ErrLocked):
		return fmt.Errorf("%w; there is one gateway for each database: stop that one first", err)
	}
	return err
}

// remedyOwner is for files that belong to somebody else.
func remedyOwner(cfg config.Config) string {
	return fmt.Sprintf("%s and its folder have to belong to the user that runs isthmus: run it as their owner, or chown them", cfg.Cache.Path)
}

// server is an HTTP server on its listener.
type server struct {
	*http.Server
	listener net.Listener
	what     string
}

func (s *server) serve() error {
	err := s.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", s.what, err)
}

func (s *server) stop(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		log.WarnContext(ctx, "requests were cut off", "server", s.what, "error", err)
		_ = s.Close() // what is left of it ends with the process
	}
}

// servers opens the listeners: peers, metrics if wanted, and the control socket.
func (a *app) servers(cfg config.Config, svc service, p *probes, log *slog.Logger) (list []*server, err error) {
	defer func() {
		if err != nil {
			for _, s := range list {
				err = errors.Join(err, s.listener.Close())
			}
		}
	}()
	m := newMetrics(svc.Collectors())
	public, err := listenPublic(cfg)
	if err != nil {
		return list, err
	}
	list = append(list, newServer("http", public, m.count(p.wrap(svc.Handler())), log))
	if cfg.HTTP.Metrics != "" {
		l, err := listen("http.metrics", cfg.HTTP.Metrics, cfg)
		if err != nil {
			return list, err
		}
		list = append(list, newMetricsServer(l, m.handler(svc, cfg.HTTP.Pprof), log))
	}
	control, err := listenControl(cfg)
	if err != nil {
		return list, err
	}
	c := &controller{svc: svc, probes: p, log: log}
	s := newServer("control", control, c.handler(), log)
	s.ReadTimeout, s.WriteTimeout = 0, 0 // a command may take long; its asker gives up when it likes
	return append(list, s), nil
}

func newServer(what string, l net.Listener, h http.Handler, log *slog.Logger) *server {
	return &server{what: what, listener: l, Server: &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.With("server", what).Handler(), slog.LevelDebug),
	}}
}

// newMetricsServer shows the metrics. A profile is written for as long as its
// reader asks for.
func newMetricsServer(l net.Listener, h http.Handler, log *slog.Logger) *server {
	s := newServer("metrics", l, h, log)
	s.WriteTimeout = 0
	return s
}

func listen(key, address string, cfg config.Config) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, &config.Error{File: cfg.File, Key: key, Value: strconv.Quote(address), Reason: err.Error(),
			Remedy: "choose an address of this machine and a port that is free and allowed to us"}
	}
	return l, nil
}

// listenPublic opens the listener for peers, with TLS if a certificate is named.
func listenPublic(cfg config.Config) (net.Listener, error) {
	l, err := listen("http.listen", cfg.HTTP.Listen, cfg)
	if err != nil || cfg.HTTP.TLSCert == "" {
		return l, err
	}
	certs := &certificate{certFile: cfg.HTTP.TLSCert, keyFile: cfg.HTTP.TLSKey, now: time.Now}
	if _, err := certs.get(nil); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: certs.get, NextProtos: []string{"h2", "http/1.1"},
	}), nil
}

// certificate is read again when its file changes, so that a renewal needs no
// restart.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time

	mu       sync.Mutex
	current  *tls.Certificate
	modified time.Time
	looked   time.Time
}

// lookEvery is how often the file of the certificate is looked at.
const lookEvery = time.Minute

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.now().Sub(c.looked) < lookEvery {
		return c.current, nil
	}
	c.looked = c.now()
	info, err := os.Stat(c.certFile)
	if err == nil && c.current != nil && info.ModTime().Equal(c.modified) {
		return c.current, nil
	}
	pair, loadErr := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err = errors.Join(err, loadErr); err != nil {
		if c.current != nil { // half-written: the old one still serves
			return c.current, nil
		}
		return nil, fmt.Errorf("read certificate %s: %w", c.certFile, err)
	}
	c.current, c.modified = &pair, info.ModTime()
	return c.current, nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"isthmus/config"
)

// maxControl bounds a message on the control socket.
const maxControl = 16 << 20

// maxSocketPath is what every system takes as the address of a socket.
const maxSocketPath = 103

// socketPath is where the running gateway takes commands: beside its database.
func socketPath(cfg config.Config) string { return cfg.Cache.Path + ".sock" }

// controller answers on the control socket. Whoever may open the socket, which
// is the user that runs the gateway, may do everything.
type controller struct {
	svc    service
	probes *probes
	log    *slog.Logger
}

// listenControl makes the socket. The caller holds the lock on the database, so
// that a socket which is already there belongs to nobody.
func listenControl(cfg config.Config) (net.Listener, error) {
	path := socketPath(cfg)
	if len(path) > maxSocketPath {
		return nil, &config.Error{File: cfg.File, Key: "cache.path", Value: fmt.Sprintf("%q", cfg.Cache.Path),
			Reason: "that is too long for the socket beside it", Remedy: "use a shorter path"}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("close the control socket to others: %w", err), l.Close())
	}
	return l, nil
}

func (c *controller) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/command", c.command)
	mux.HandleFunc("POST /v1/stream", c.stream)
	mux.HandleFunc("GET /v1/health", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, c.svc.Health(r.Context()))
	})
	mux.HandleFunc("POST /v1/probe", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, c.probes.open())
	})
	return mux
}

// failure is how an error goes over the socket.
type failure struct {
	Error string `json:"error"`
}

func (c *controller) command(w http.ResponseWriter, r *http.Request) {
	var in call
	if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxControl), &in); err != nil {
		answerJSON(w, http.StatusBadRequest, failure{"the command could not be read: " + err.Error()})
		return
	}
	out, err := c.svc.Do(r.Context(), in)
	if err != nil {
		c.log.InfoContext(r.Context(), "command failed", "command", in.Name, "as", in.As, "error", err)
		answerJSON(w, http.StatusUnprocessableEntity, failure{err.Error()})
		return
	}
	answerJSON(w, http.StatusOK, out)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked is gone
}

// errNoServer says that no gateway runs on the database.
var errNoServer = errors.New("no gateway runs on this database")

// remote is the running gateway as seen from another process.
type remote struct {
	path   string
	client *http.Client
}

func dial(cfg config.Config) *remote {
	path := socketPath(cfg)
	return &remote{path: path, client: &http.Client{
		Timeout: 2 * time.Minute,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}},
	}}
}

func (r *remote) do(ctx context.Context, in call) (report, error) {
	var out report
	err := r.exchange(ctx, http.MethodPost, "/v1/command", in, &out)
	return out, err
}

func (r *remote) health(ctx context.Context) (health, error) {
	var out health
	err := r.exchange(ctx, http.MethodGet, "/v1/health", nil, &out)
	return out, err
}

func (r *remote) probe(ctx context.Context) (probe, error) {
	var out probe
	err := r.exchange(ctx, http.MethodPost, "/v1/probe", nil, &out)
	return out, err
}

func (r *remote) exchange(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://isthmus"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return r.unreached(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxControl))
	if err != nil {
		return fmt.Errorf("ask the running gateway: %w", err)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("read the answer of the running gateway: %w", err)
	}
	return nil
}

// unreached explains why the socket does not answer.
func (r *remote) unreached(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || len(r.path) > maxSocketPath:
		return errNoServer
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s belongs to another user; run this command as the user that runs the gateway: %w", r.path, fs.ErrPermission)
	}
	return fmt.Errorf("ask the running gateway: %w", err)
}

// refusal is the error in an answer.
func refusal(resp *http.Response) error {
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxControl))
	if err != nil {
		return fmt.Errorf("ask the running gateway: %w", err)
	}
	var f failure
	if err := json.Unmarshal(answer, &f); err != nil || f.Error == "" {
		return fmt.Errorf("the running gateway answered %s: %s", resp.Status, strings.TrimSpace(string(answer)))
	}
	return errors.New(f.Error)
}

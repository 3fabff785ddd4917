package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"isthmus/cache"
	"isthmus/config"
)

// service is the gateway as this program runs it.
type service interface {
	// Run works until ctx ends.
	Run(ctx context.Context) error
	// Handler answers peers and browsers. It works without Run.
	Handler() http.Handler
	// Do runs a command. Those of readOnly work without Run.
	Do(ctx context.Context, c call) (report, error)
	// Stream runs a command that reads or writes much, or takes long. It works
	// without Run.
	Stream(ctx context.Context, c call, in io.Reader, out io.Writer) (report, error)
	// Health says how it is. It works without Run.
	Health(ctx context.Context) health
	// Online tells whether the XMPP server is connected.
	Online() bool
	// Alive is an error if nothing can work, such as a store that is gone.
	Alive(ctx context.Context) error
	Collectors() []prometheus.Collector
	Close() error
}

// builder makes a service. It opens the store, which locks it.
type builder func(ctx context.Context, cfg config.Config, log *slog.Logger) (service, error)

// health is what the running gateway tells doctor.
type health struct {
	Version    string    `json:"version"`
	Started    time.Time `json:"started,omitzero"`
	Online     bool      `json:"online"`         // the link to the XMPP server
	Link       string    `json:"link,omitempty"` // why it is down
	LinkRemedy string    `json:"link_remedy,omitempty"`
	Database   string    `json:"database,omitempty"` // what is wrong with it
	Keys       []string  `json:"keys,omitempty"`     // accounts whose key cannot be read
	Accounts   []string  `json:"accounts,omitempty"` // handles of some linked users
	Peers      []string  `json:"peers,omitempty"`    // servers that it talks to
}

// askFile gives a command that only reads to the database itself.
func (a *app) askFile(ctx context.Context, cfg config.Config, in call) (report, error) {
	if err := hasDatabase(cfg); err != nil {
		return report{}, err
	}
	svc, err := a.build(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return report{}, inUse(err, cfg)
	}
	out, err := svc.Do(ctx, in)
	return out, errors.Join(err, svc.Close())
}

// hasDatabase is an error where no gateway has ever run.
func hasDatabase(cfg config.Config) error {
	if _, err := os.Stat(cfg.Cache.Path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s: the first isthmus serve makes it; if there is one elsewhere, say so in cache.path of %s", cfg.Cache.Path, cfg.File)
	}
	return nil
}

// inUse explains a database that another process holds without answering.
func inUse(err error, cfg config.Config) error {
	if errors.Is(err, cache.ErrLocked) {
		return fmt.Errorf("%w, which does not answer on %s; stop it, or wait until it has started", err, socketPath(cfg))
	}
	return unopened(err, cfg)
}

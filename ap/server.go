package ap

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// ServerConfig is how a Server is made.
type ServerConfig struct {
	Path    string   // where it is mounted, such as /_ap
	Hosts   []string // the names that it answers to, with their port if not 443
	Backend Backend
	Pages   Pages
	// RequireSignedFetch refuses unsigned requests for anything but the
	// instance actor and keys (S11, A16).
	RequireSignedFetch bool
	TrustedProxies     []netip.Prefix // whose X-Forwarded-Host and -Proto count (SEC-50)
	MaxInFlight        int            // inbox requests at a time; default 64
	Log                *slog.Logger
	Now                func() time.Time // default: time.Now
}

// Server answers on the paths below the configured one.
type Server struct {
	cfg ServerConfig
	mux http.Handler
}

// NewServer makes a server.
func NewServer(cfg ServerConfig) (*Server, error) { return &Server{cfg: cfg}, nil }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

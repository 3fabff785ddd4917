package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"isthmus/ap"
	"isthmus/config"
	"isthmus/web"
	"isthmus/webfinger"
)

// site is what the public side needs of the gateway.
type site interface {
	Backend() ap.Backend            // documents and inboxes
	Directory() webfinger.Directory // who is here
	Pages() web.Pages               // what people see
	Searcher() web.Searcher         // what they may find
	Media() func(w http.ResponseWriter, r *http.Request, id string)
}

// pages gives the ActivityPub server its pages.
type pages struct {
	*web.Server
	media func(w http.ResponseWriter, r *http.Request, id string)
}

// Media writes a file that only exists in XMPP.
func (p pages) Media(w http.ResponseWriter, r *http.Request, id string) { p.media(w, r, id) }

// publicHandler answers peers and browsers on every path of ours.
func publicHandler(cfg config.Config, s site, log *slog.Logger) (http.Handler, error) {
	var origins, hosts []string
	for _, d := range cfg.Domains {
		origins, hosts = append(origins, d.URL.String()), append(hosts, d.URL.Host)
	}
	look := web.Config{
		Pages: s.Pages(), Path: cfg.HTTP.Path, Site: cfg.Domains[0].Name, Component: cfg.XMPP.Component,
		Open: cfg.Consent == "open", Origin: origins[0], TrustedProxies: cfg.HTTP.TrustedProxies, Log: log,
	}
	if cfg.HTTP.Search {
		look.Search = s.Searcher()
	}
	people, err := web.New(look)
	if err != nil {
		return nil, err
	}
	discovery, err := webfinger.NewServer(webfinger.ServerConfig{
		Directory: s.Directory(), Origins: origins, Path: cfg.HTTP.Path, Version: version, Log: log,
	})
	if err != nil {
		return nil, err
	}
	peers, err := ap.NewServer(ap.ServerConfig{
		Path: cfg.HTTP.Path, Hosts: hosts, Backend: s.Backend(), Pages: pages{people, s.Media()},
		RequireSignedFetch: cfg.Federation.RequireSignedFetch, TrustedProxies: cfg.HTTP.TrustedProxies, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("make the ActivityPub server: %w", err)
	}
	r := chi.NewRouter()
	discovery.Mount(r)
	people.Mount(r)
	// Whole, and never by a prefix that is cut off: signatures cover the path.
	r.Handle(cfg.HTTP.Path+"/*", peers)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			people.Error(w, r, http.StatusNotFound, "")
			return
		}
		http.Error(w, "not found", http.StatusNotFound)
	})
	return &requestLog{next: r, proxies: cfg.HTTP.TrustedProxies, log: log, now: time.Now}, nil
}

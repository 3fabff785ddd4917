package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"isthmus/cache"
	"isthmus/config"
	"isthmus/gateway"
	"isthmus/xmpp"
)

// engine is the gateway proper.
type engine interface {
	site
	// Run works until ctx ends: the XMPP link, jobs and timers.
	Run(ctx context.Context) error
	Online() bool
	LinkError() error // why it is not online; nil while it is
	Stats() xmpp.Stats
	// Do runs a command that acts, such as link or follow, and says what came of it.
	Do(ctx context.Context, c call) (report, error)
}

// gatewayService is the gateway over its store.
type gatewayService struct {
	reports
	engine  engine
	public  http.Handler
	log     *slog.Logger
	started time.Time
}

// buildGateway opens the store and makes the gateway over it.
func buildGateway(ctx context.Context, cfg config.Config, log *slog.Logger) (service, error) {
	store, err := cache.Open(ctx, cfg.Cache.Path, log)
	if err != nil {
		return nil, err
	}
	g, err := newEngine(ctx, cfg, store, log)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	public, err := publicHandler(cfg, g, log)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	find, err := gateway.NewResolver(cfg)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &gatewayService{reports: reports{store, time.Now, cfg.Ours(), find}, engine: g, public: public, log: log, started: time.Now()}, nil
}

func (s *gatewayService) Run(ctx context.Context) error { return s.engine.Run(ctx) }
func (s *gatewayService) Online() bool                  { return s.engine.Online() }
func (s *gatewayService) Handler() http.Handler         { return s.public }
func (s *gatewayService) Close() error                  { return s.store.Close() }

func (s *gatewayService) Alive(ctx context.Context) error {
	return s.store.View(ctx, func(*cache.Tx) error { return nil })
}

// Do runs the reports itself and hands on what acts.
func (s *gatewayService) Do(ctx context.Context, c call) (report, error) {
	rep, err := s.reports.do(ctx, c)
	if errors.Is(err, errUnknown) {
		return s.engine.Do(ctx, c)
	}
	return rep, err
}

// How many names the health names.
const (
	namedKeys     = 10
	namedAccounts = 3
	namedPeers    = 5
)

// Health looks at what doctor cannot see from outside.
func (s *gatewayService) Health(ctx context.Context) health {
	h := health{Version: version, Started: s.started, Online: s.Online()}
	if err := s.engine.LinkError(); err != nil {
		h.Link, h.LinkRemedy = err.Error(), remedyOf(err)
	}
	err := s.store.Update(ctx, func(tx *cache.Tx) error { return tx.SetMeta("doctor", s.now().UTC().Format(time.RFC3339)) })
	if err == nil {
		err = s.store.View(ctx, func(tx *cache.Tx) error { return examine(tx, &h) })
	}
	if err != nil {
		h.Database = err.Error()
	}
	return h
}

// examine goes through the accounts: their keys, and whom they talk to.
func examine(tx *cache.Tx, h *health) error {
	peers := map[string]bool{}
	states := []cache.AccountState{cache.Linked, cache.Paused, cache.FollowerOnly}
	return accounts(tx, cache.AccountQuery{States: states}, func(a cache.Account) error {
		if !readable(a.PrivateKeyPEM) && len(h.Keys) < namedKeys {
			h.Keys = append(h.Keys, a.Acct)
		}
		if a.State == cache.Linked && len(h.Accounts) < namedAccounts {
			h.Accounts = append(h.Accounts, a.Acct)
		}
		if len(h.Peers) >= namedPeers {
			return nil
		}
		hosts, err := tx.HostsReached(a.URI)
		for _, host := range hosts {
			if !peers[host] && len(h.Peers) < namedPeers {
				peers[host], h.Peers = true, append(h.Peers, host)
			}
		}
		return err
	})
}

// readable tells whether a private key is one; without text it has not been
// made yet.
func readable(text string) bool {
	if text == "" {
		return true
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	_, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	return err == nil
}

// Collectors measure the link, the queue and the store whenever somebody asks.
func (s *gatewayService) Collectors() []prometheus.Collector { return []prometheus.Collector{s} }

// What the gateway measures.
var (
	descOnline   = prometheus.NewDesc("isthmus_xmpp_connected", "Whether the XMPP server is connected.", nil, nil)
	descStanzas  = prometheus.NewDesc("isthmus_xmpp_stanzas_total", "Stanzas that crossed the link.", []string{"direction"}, nil)
	descBytes    = prometheus.NewDesc("isthmus_xmpp_bytes_total", "Bytes that crossed the link.", []string{"direction"}, nil)
	descConnects = prometheus.NewDesc("isthmus_xmpp_connects_total", "Successful handshakes.", nil, nil)
	descDropped  = prometheus.NewDesc("isthmus_xmpp_dropped_total", "Stanzas refused for load, size or syntax.", nil, nil)
	descJobs     = prometheus.NewDesc("isthmus_jobs", "Jobs that wait, run or were given up.", []string{"kind", "state"}, nil)
	descHeld     = prometheus.NewDesc("isthmus_store_rows", "What the store holds.", []string{"what"}, nil)
	descSize     = prometheus.NewDesc("isthmus_store_bytes", "Size of the database and its log.", nil, nil)
)

// Describe is for prometheus.Collector.
func (s *gatewayService) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descOnline, descStanzas, descBytes, descConnects, descDropped, descJobs, descHeld, descSize} {
		ch <- d
	}
}

// measureTime bounds a measurement: the store may be busy.
const measureTime = 5 * time.Second

// Collect is for prometheus.Collector. What cannot be measured now is left out.
func (s *gatewayService) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), measureTime)
	defer cancel()
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	online := 0.0
	if s.Online() {
		online = 1
	}
	link := s.engine.Stats()
	send(descOnline, prometheus.GaugeValue, online)
	send(descStanzas, prometheus.CounterValue, float64(link.StanzasIn), "in")
	send(descStanzas, prometheus.CounterValue, float64(link.StanzasOut), "out")
	send(descBytes, prometheus.CounterValue, float64(link.BytesIn), "in")
	send(descBytes, prometheus.CounterValue, float64(link.BytesOut), "out")
	send(descConnects, prometheus.CounterValue, float64(link.Connects))
	send(descDropped, prometheus.CounterValue, float64(link.Dropped))
	var jobs []cache.JobStat
	err := s.store.View(ctx, func(tx *cache.Tx) (err error) {
		jobs, err = tx.JobStats()
		return err
	})
	if err != nil {
		s.log.Warn("queue not measured", "error", err)
	}
	for _, row := range sums(jobs) {
		send(descJobs, prometheus.GaugeValue, float64(row.jobs), row.kind, string(row.state))
	}
	held, err := s.store.Stats(ctx)
	if err != nil {
		s.log.Warn("store not measured", "error", err)
		return
	}
	for what, n := range map[string]int{"posts": held.Posts, "unindexed": held.Unindexed, "actors": held.Actors, "accounts": held.Accounts, "follows": held.Follows} {
		send(descHeld, prometheus.GaugeValue, float64(n), what)
	}
	send(descSize, prometheus.GaugeValue, float64(held.FileBytes+held.WALBytes))
}

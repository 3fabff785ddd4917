// Package gateway is what the program does: it links XMPP users to the
// fediverse, follows, publishes, receives, delivers, moderates and searches.
// The flows and their rules stand here; the packages below know one world each.
package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"isthmus/ap"
	"isthmus/cache"
	"isthmus/config"
	"isthmus/translate"
	"isthmus/webfinger"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// Options are what a gateway needs besides its configuration.
type Options struct {
	Config  config.Config
	Store   *cache.Store
	Log     *slog.Logger
	Version string
	Now     func() time.Time // nil: time.Now
	Random  io.Reader        // nil: crypto/rand
}

// Gateway joins one XMPP server to the fediverse.
type Gateway struct {
	cfg     config.Config
	version string
	log     *slog.Logger
	now     func() time.Time
	random  io.Reader

	addr   *translate.Addresses
	store  *cache.Store
	client *ap.Client
	finger *webfinger.Client
	router *xmpp.Router
	link   *xmpp.Component

	itemKey  []byte // keys the hashes that propose item ids
	keys     *keyring
	flights  singleflight.Group // one fetch of a thing at a time
	recent   *memory            // what was fetched, or could not be, a moment ago
	shown    *shown             // items of feeds as they were written last
	reading  *bookmarks         // where users are in the answers to their searches
	searches *turns
	drawing  chan struct{} // taken by who makes a picture smaller
	linkUp   chan struct{}
	caps     *xmpp.Caps // of actors
	domain   *xmpp.Caps // of the component's own address
	started  time.Time
	running  sync.WaitGroup // work begun by a stanza that outlives its handler
}

// New makes a gateway over an open store. The first start pins the addresses
// that ids are made of; a later start with others is refused.
func New(ctx context.Context, o Options) (*Gateway, error) {
	g := &Gateway{
		cfg: o.Config, version: o.Version, store: o.Store, log: o.Log,
		now: o.Now, random: o.Random, linkUp: make(chan struct{}, 1),
	}
	if g.now == nil {
		g.now = time.Now
	}
	if g.random == nil {
		g.random = rand.Reader
	}
	g.started = g.now()
	if err := g.setAddresses(); err != nil {
		return nil, err
	}
	if err := g.setClients(); err != nil {
		return nil, err
	}
	if err := g.prepareStore(ctx); err != nil {
		return nil, err
	}
	g.keys = newKeyring(g)
	g.recent, g.shown, g.reading, g.searches = newMemory(), newShown(), newBookmarks(), newTurns()
	g.drawing = make(chan struct{}, drawAtOnce)
	g.setXMPP()
	return g, nil
}

func (g *Gateway) setAddresses() error {
	r, err := NewResolver(g.cfg)
	g.addr = r.Addr
	return err
}

func (g *Gateway) setClients() (err error) {
	f := g.cfg.Federation
	g.client, err = ap.NewClient(ap.ClientConfig{
		AllowPrivate: f.AllowPrivateAddresses,
		AllowPorts:   f.AllowPorts,
		CAFile:       f.CAFile,
		UserAgent:    fmt.Sprintf("Isthmus/%s (+%s)", g.version, g.cfg.Domains[0].URL),
		Log:          g.log,
		Now:          g.now,
		Ours:         g.addr.IsLocalURL,
	})
	if err != nil {
		return err
	}
	g.finger = webfinger.NewClient(g.client)
	return nil
}

// prepareStore pins what ids are made of, and makes what every host needs.
func (g *Gateway) prepareStore(ctx context.Context) error {
	return g.store.Update(ctx, func(tx *cache.Tx) (err error) {
		pins := [][2]string{{"xmpp.component", g.cfg.XMPP.Component}, {"http.path", g.cfg.HTTP.Path}}
		for _, d := range g.cfg.Domains {
			pins = append(pins, [2]string{"domain " + d.Name + " url", d.URL.String()})
		}
		pins = append(pins, [2]string{"primary domain", g.cfg.Domains[0].Name})
		for _, p := range pins {
			if err := tx.Pin(p[0], p[1]); err != nil {
				return err
			}
		}
		if err := g.blockConfigured(tx); err != nil {
			return err
		}
		g.itemKey, err = tx.Secret(cache.SecretIDs, 32, g.random)
		return err
	})
}

// fromConfiguration is the reason of the blocks that the configuration makes.
const fromConfiguration = "configuration"

// blockConfigured has the operator's blocks follow the configuration: what is
// not in it any more is blocked no longer, unless somebody blocked it by hand.
func (g *Gateway) blockConfigured(tx *cache.Tx) error {
	held, err := tx.Blocks("")
	if err != nil {
		return err
	}
	byHand := map[string]bool{}
	for _, b := range held {
		if byHand[b.Target] = b.Reason != fromConfiguration; byHand[b.Target] {
			continue
		}
		if _, err := tx.DeleteBlock("", b.Target); err != nil {
			return err
		}
	}
	for _, d := range g.cfg.Federation.BlockedDomains {
		if byHand[cache.BlockTarget(d)] {
			continue
		}
		if err := tx.PutBlock(cache.Block{Target: d, Reason: fromConfiguration, CreatedAt: g.now()}); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) setXMPP() {
	component := stanza.JID(g.cfg.XMPP.Component)
	p := &pubsub{g}
	g.router = xmpp.NewRouter(component, xmpp.Services{
		Disco: &disco{g}, PubSub: p, Owner: p, Commands: &commands{g}, VCard: &vcards{g},
		Gateway: &prompt{g}, Register: &registration{g}, Search: &find{g}, Archive: &archive{g}, Chat: &chat{g},
		Deliver:   func(ctx context.Context, els ...*stanza.Element) error { return g.link.Deliver(ctx, els...) },
		Software:  g.software,
		Connected: g.connected,
		Now:       g.now,
	}, g.log)
	home := make([]string, len(g.cfg.Domains))
	for i, d := range g.cfg.Domains {
		home[i] = d.Name
	}
	g.link = xmpp.New(xmpp.Config{
		Domain: component, Server: g.cfg.XMPP.Server, Secret: g.cfg.XMPP.Secret, Log: g.log,
		Services: g.cfg.XMPP.Services, Home: home, Closing: g.farewell,
	}, g.router)
	g.setCaps()
}

// Run works until ctx ends: the link to the XMPP server, jobs, and timers.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for _, fn := range []func(context.Context){g.keys.run, g.runJobs, g.runTimers, g.runTidy, g.runSaved} {
		wg.Go(func() { fn(ctx) })
	}
	err := g.link.Run(ctx)
	cancel()
	wg.Wait()
	g.running.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Online tells whether the link to the XMPP server is up.
func (g *Gateway) Online() bool { return g.link.Online() }

// primary is the host of the first domain: where everything lives that has no
// website of its own.
func (g *Gateway) primary() string { return g.addr.Hosts()[0] }

// newID makes an id of 128 random bits.
func (g *Gateway) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(g.random, b[:]); err != nil {
		return "", fmt.Errorf("read random bits: %w", err)
	}
	return translate.ID(b), nil
}

// software answers XEP-0092.
func (g *Gateway) software(context.Context, xmpp.Request) (xmpp.Software, error) {
	return xmpp.Software{Name: "Isthmus", Version: g.version}, nil
}

// LinkError is why the XMPP server is not connected, nil while it is.
func (g *Gateway) LinkError() error { return g.link.Err() }

// Stats counts what crossed the XMPP link.
func (g *Gateway) Stats() xmpp.Stats { return g.link.Stats() }

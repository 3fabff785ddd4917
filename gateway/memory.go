package gateway

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"isthmus/ap"
)

// How long answers of others are remembered.
const (
	failureLife = 5 * time.Minute
	keyLife     = 24 * time.Hour
	looksLife   = time.Hour
)

// memory remembers for minutes what could not be had, so that a name asked for
// again and again causes one fetch (SEC-18). It holds nothing that the store
// must not lose.
type memory struct {
	failures *otter.Cache[string, error]
	keys     *otter.Cache[string, ap.PublicKey]
	looks    *otter.Cache[string, *atomic.Int32]
}

func newMemory() *memory {
	return &memory{failures: otter.Must(&otter.Options[string, error]{
		MaximumSize:      20_000,
		ExpiryCalculator: otter.ExpiryWriting[string, error](failureLife),
	}), keys: otter.Must(&otter.Options[string, ap.PublicKey]{
		MaximumSize:      20_000,
		ExpiryCalculator: otter.ExpiryWriting[string, ap.PublicKey](keyLife),
	}), looks: otter.Must(&otter.Options[string, *atomic.Int32]{
		MaximumSize:      20_000,
		ExpiryCalculator: otter.ExpiryWriting[string, *atomic.Int32](looksLife),
	})}
}

// failed gives the failure that a thing ended with a moment ago.
func (m *memory) failed(key string) error {
	err, _ := m.failures.GetIfPresent(key)
	return err
}

// note remembers a failure.
func (m *memory) note(key string, err error) { m.failures.Set(key, err) }

// forget lets a thing be tried again.
func (m *memory) forget(key string) { m.failures.Invalidate(key) }

// look counts that something is looked at because of a site, and tells whether it
// may be (L15).
func (m *memory) look(site string) bool {
	n, _ := m.looks.SetIfAbsent(site, new(atomic.Int32))
	return n.Add(1) <= looksMost
}

package xmpp

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestStrangersShare: however many addresses strangers use, those at home find a
// worker, and so do strangers of another domain, as long as there are not too
// many such domains.
func TestStrangersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		running := map[string]int{}
		cfg := Config{Domain: "ap.example.org", Home: []string{"Example.org"}, Services: []string{"pubsub.example.org"}}.withDefaults()
		var d *dispatcher
		d = newDispatcher(cfg, func(x task) {
			d.mu.Lock()
			running[x.to]++
			d.mu.Unlock()
			<-block
		})
		for range cfg.Workers {
			go d.worker()
		}
		flood := func(domain string) {
			for i := range 2 * cfg.Workers {
				d.add(task{from: fmt.Sprintf("e%d@%s", i, domain), to: domain})
			}
			synctest.Wait()
		}
		flood("evil.test")
		if n := running["evil.test"]; n != cfg.Workers/4 {
			t.Errorf("one domain has %d workers", n)
		}
		for i := range 5 {
			flood(fmt.Sprintf("evil%d.test", i))
		}
		if d.strangers != cfg.Workers*3/4 {
			t.Errorf("all strangers have %d workers", d.strangers)
		}
		for _, from := range []string{"louise@example.org", "pubsub.example.org", "ap.example.org"} {
			if d.add(task{from: from, to: from}); true {
				synctest.Wait()
			}
			if running[from] != 1 {
				t.Errorf("%s waits for strangers", from)
			}
		}
		close(block)
		synctest.Wait()
		for i, domain := range []string{"evil.test", "evil0.test", "evil4.test"} {
			if n := running[domain]; n != 2*cfg.Workers {
				t.Errorf("of flood %d only %d were handled", i, n)
			}
		}
		if !d.idle() || d.strangers != 0 || len(d.crowds) != 0 || len(d.kept) != 0 {
			t.Errorf("left over: %d strangers, %d crowds, %d kept", d.strangers, len(d.crowds), len(d.kept))
		}
		d.end()
	})
}

// TestDispatchesAll: whatever comes from whom, everything is handled once and in
// the order of its sender, and no share is ever exceeded.
func TestDispatchesAll(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		from := rapid.SliceOfN(rapid.SampledFrom([]string{"a@home", "b@home", "a@x", "b@x", "c@x", "a@y", "a@z"}), 0, 60).Draw(rt, "from")
		workers := rapid.IntRange(1, 8).Draw(rt, "workers")
		synctest.Test(t, func(t *testing.T) {
			cfg := Config{Home: []string{"home"}, Workers: workers, PeerWorkers: 2}.withDefaults()
			seen := map[string][]int64{}
			var d *dispatcher
			d = newDispatcher(cfg, func(x task) {
				d.mu.Lock()
				if seen[x.from] = append(seen[x.from], x.arrived.Unix()); d.strangers > d.strangerWorkers {
					t.Errorf("strangers have %d workers", d.strangers)
				}
				for _, c := range d.crowds {
					if c.workers > d.domainWorkers {
						t.Errorf("%s has %d workers", c.name, c.workers)
					}
				}
				d.mu.Unlock()
			})
			for range workers {
				go d.worker()
			}
			for i, f := range from {
				d.add(task{from: f, to: "us", arrived: time.Unix(int64(i), 0)})
			}
			synctest.Wait()
			n := 0
			for f, list := range seen {
				for i := range list {
					if n++; i > 0 && list[i] < list[i-1] {
						t.Errorf("%s out of order: %v", f, list)
					}
				}
			}
			if n != len(from) || !d.idle() || len(d.crowds) != 0 {
				t.Errorf("%d of %d handled", n, len(from))
			}
			d.end()
		})
	})
}

package ap

import (
	"context"
	"net"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"
)

// maxWait is how long a request waits for its turn before the peer is asked to
// come back later.
const maxWait = 2 * time.Second

// limiter lets so many requests in at a time, and so many for one host.
type limiter struct {
	slots chan struct{}

	mu     *sync.Mutex
	hosts  map[string]int // by site; never more entries than slots
	perKey int
}

func newLimiter(n int) limiter {
	return limiter{slots: make(chan struct{}, n), mu: &sync.Mutex{}, hosts: map[string]int{}, perKey: max(1, n/2)}
}

// enter takes a place; false if there is none for too long.
func (l limiter) enter(ctx context.Context) bool {
	if l.enterNow() {
		return true
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case l.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// enterNow takes a place that is free at this moment.
func (l limiter) enterNow() bool {
	select {
	case l.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (l limiter) leave() { <-l.slots }

// enterHost takes one of a host's places among those that have entered, so that
// a host that is slow to show its keys cannot take them all (SEC-18). Hosts below
// one registered domain share its places: more names cost nothing (SEC-39).
func (l limiter) enterHost(host string) bool {
	host = Site(host)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hosts[host] >= l.perKey {
		return false
	}
	l.hosts[host]++
	return true
}

func (l limiter) leaveHost(host string) {
	host = Site(host)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hosts[host]--; l.hosts[host] == 0 {
		delete(l.hosts, host)
	}
}

// Site is the domain that somebody has registered, of a host below it; what is
// no such name is its own (L15).
func Site(host string) string {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if net.ParseIP(name) != nil {
		return name
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return domain
	}
	return name
}

package web

import (
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// How often one address may search: at first so many times, then once in a while.
const (
	burst    = 20
	refill   = 2 * time.Second
	quotaLen = 4096
)

// quota counts by address in a table of fixed size, so that no number of
// addresses takes more memory. Two addresses may share a place; the seed keeps
// anybody from choosing whom to share it with.
type quota struct {
	seed maphash.Seed

	mu    sync.Mutex
	table [quotaLen]bucket
}

type bucket struct {
	used float64
	at   time.Time
}

func newQuota() *quota { return &quota{seed: maphash.MakeSeed()} }

// take tells whether an address may search once more.
func (q *quota) take(who netip.Addr, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := &q.table[maphash.Comparable(q.seed, who)%quotaLen]
	if since := now.Sub(b.at); since > 0 {
		b.used = math.Max(0, b.used-float64(since)/float64(refill))
		b.at = now
	}
	if b.used > burst-1 {
		return false
	}
	b.used++
	return true
}

// ClientOf is the address of who asks: the last one of X-Forwarded-For that is
// not a proxy of ours, if the request came over one (SEC-50). Of an IPv6 address
// it is the network, which is what one customer has.
func ClientOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	who := from.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(who); i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		who = a.Unmap().WithZone("")
	}
	if who.Is6() {
		if network, err := who.Prefix(64); err == nil {
			who = network.Addr()
		}
	}
	return who
}

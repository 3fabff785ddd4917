package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"isthmus/ap"
)

// maxSkew is how far our clock may be off. Some peers refuse signatures that
// are older, or newer, than half a minute.
const maxSkew = 30 * time.Second

// remedyEgress is for servers that cannot be reached from here.
const remedyEgress = "see that this machine resolves names and may connect to port 443 of any public address, by IPv4 too: the firewall, the router, the provider"

// checkPeers asks servers that the gateway talks to. Whatever they answer, they
// were reached.
func (d *doctor) checkPeers(ctx context.Context) {
	const check = "other servers"
	var last error
	reached := 0
	for _, host := range d.health.Peers {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, _, err := d.client.Fetch(ctx, "https://"+host+"/.well-known/nodeinfo", "application/json", 1<<16)
		cancel()
		if err == nil || statusOf(err) != 0 || errors.Is(err, ap.ErrContent) {
			reached++
			continue
		}
		last = err
	}
	switch {
	case len(d.health.Peers) == 0:
		d.skip(check, "the gateway has talked to none yet", "follow somebody, then run doctor again")
	case reached == 0:
		d.fail(check, fmt.Sprintf("none of %d can be reached from here: %v", len(d.health.Peers), last), remedyEgress)
	default:
		d.ok(check, fmt.Sprintf("%d of %d answer", reached, len(d.health.Peers)))
	}
}

// checkClock compares our clock with those of the servers that answered.
func (d *doctor) checkClock() {
	others := 0
	for host, skew := range d.clocks {
		if d.isOurs(host) {
			continue
		}
		others++
		if skew.Abs() > maxSkew {
			d.fail("clock", fmt.Sprintf("%s is %s away from ours", host, skew.Round(time.Second)), "set the clock of this machine by NTP; if the others agree with it, that server is wrong")
			return
		}
	}
	if others == 0 {
		d.skip("clock", "there is no other server yet to compare it with", "")
		return
	}
	d.ok("clock", fmt.Sprintf("agrees with %d other servers", others))
}

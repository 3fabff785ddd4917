package lab

import (
	"fmt"
	"net"
	"strings"
)

// Names are the host names and loopback addresses of one site: two XMPP domains
// with their servers and gateway, and the fediverse hosts around them. Two of
// each, so that nothing works by being the only one.
type Names struct {
	Domains   [2]string // XMPP domains; the first is the primary one
	Component string    // the gateway's XMPP address
	PubSub    string    // a pubsub service of the first domain
	Peers     [2]string // hosts of the Fedify peers
	Script    string    // host of the scripted peer

	XMPP  string    // address of the XMPP server
	Web   string    // address of the gateway's public port 443
	Back  string    // address of the gateway behind nginx
	PeerA [2]string // addresses of the Fedify peers
	Scr   string    // address of the scripted peer
}

// maxSites is how many sites the hosts file of the tests has names for.
const maxSites = 60

// TestSite gives the names of the nth site of the tests, n from 1. Sites share
// nothing, so that they can run side by side.
func TestSite(n int) Names {
	if n < 1 || n > maxSites {
		panic(fmt.Sprintf("site %d of %d", n, maxSites))
	}
	at := func(k int) string { return fmt.Sprintf("127.77.%d.%d", n, k) }
	name := func(host string) string { return fmt.Sprintf("%s%d.test", host, n) }
	return Names{
		Domains:   [2]string{name("xmpp"), name("jabber")},
		Component: "ap." + name("xmpp"),
		PubSub:    "pubsub." + name("xmpp"),
		Peers:     [2]string{name("fedi"), name("social")},
		Script:    name("script"),
		XMPP:      at(1), Web: at(2), Back: at(3),
		PeerA: [2]string{at(10), at(11)}, Scr: at(12),
	}
}

// DemoSite gives the names of the demo. They end in .localhost, which browsers
// take to 127.0.0.1 without any hosts file (RFC 6761 §6.3).
func DemoSite() Names {
	return Names{
		Domains:   [2]string{"xmpp.localhost", "jabber.localhost"},
		Component: "ap.xmpp.localhost",
		PubSub:    "pubsub.xmpp.localhost",
		Peers:     [2]string{"fedi.localhost", "social.localhost"},
		Script:    "script.localhost",
		XMPP:      "127.0.0.1", Web: "127.0.0.1", Back: "127.77.0.3",
		PeerA: [2]string{"127.77.0.10", "127.77.0.11"}, Scr: "127.77.0.12",
	}
}

// Hosts is the site's part of a hosts file.
func (n Names) Hosts() string {
	var b strings.Builder
	line := func(address string, names ...string) {
		fmt.Fprintf(&b, "%s\t%s\n", address, strings.Join(names, " "))
	}
	line(n.Web, n.Domains[0], n.Domains[1])
	line(n.XMPP, n.Component, n.PubSub)
	line(n.PeerA[0], n.Peers[0])
	line(n.PeerA[1], n.Peers[1])
	line(n.Scr, n.Script)
	return b.String()
}

// TestHosts is the hosts file of the tests.
func TestHosts() string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost\n")
	for n := 1; n <= maxSites; n++ {
		b.WriteString(TestSite(n).Hosts())
	}
	return b.String()
}

// freePort returns the wanted port of a loopback address if nothing listens
// there, and else one that is free.
func freePort(address string, want int) (int, error) {
	for _, port := range []int{want, 0} {
		l, err := net.Listen("tcp", net.JoinHostPort(address, fmt.Sprint(port)))
		if err != nil {
			continue
		}
		port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return 0, err
		}
		return port, nil
	}
	return 0, fmt.Errorf("no free port on %s", address)
}

package ap

import (
	"errors"
	"net/netip"
	"testing"
)

// TestIsPublic is the table of addresses that must not be reached, and of those
// next to them that may be (L4, SEC-32).
func TestIsPublic(t *testing.T) {
	for s, want := range map[string]bool{
		"0.0.0.0": false, "0.255.255.255": false, "1.0.0.0": true,
		"9.255.255.255": true, "10.0.0.0": false, "10.255.255.255": false, "11.0.0.0": true,
		"100.63.255.255": true, "100.64.0.1": false, "100.127.255.255": false, "100.128.0.0": true,
		"126.255.255.255": true, "127.0.0.1": false, "127.255.255.254": false, "128.0.0.1": true,
		"169.253.255.255": true, "169.254.169.254": false, "169.255.0.0": true,
		"172.15.255.255": true, "172.16.0.1": false, "172.31.255.255": false, "172.32.0.0": true,
		"192.0.0.1": false, "192.0.0.255": false, "192.0.1.0": true, "192.0.2.1": false, "192.0.3.0": true,
		"192.31.196.1": false, "192.52.193.1": false, "192.88.99.1": false, "192.175.48.1": false,
		"192.167.255.255": true, "192.168.0.1": false, "192.168.255.255": false, "192.169.0.0": true,
		"198.17.255.255": true, "198.18.0.1": false, "198.19.255.255": false, "198.20.0.0": true,
		"198.51.100.1": false, "203.0.113.1": false, "223.255.255.255": true, "224.0.0.1": false,
		"239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false, "8.8.8.8": true,

		"::": false, "::1": false, "::7f00:1": false, "::127.0.0.1": false, "::8.8.8.8": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:8.8.8.8": true,
		"64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b::808:808": true, "64:ff9b:1::1": false, "64:ff9b:1::808:808": false,
		"100::1": false, "1fff:ffff::1": false, "2000::1": true, "2001::1": false, "2001:1ff:ffff::1": false, "2001:200::1": true,
		"2001:db8::1": false, "2002:7f00:1::": false, "2002:808:808::": false, "2003::1": true, "2606:4700::1111": true,
		"2620:4f:8000::1": false, "2620:4f:8001::1": true, "3ffe::1": true, "3fff::1": false, "3fff:fff::1": false, "3fff:1000::1": true,
		"4000::1": false, "fc00::1": false, "fd00::1": false, "fe80::1": false, "fec0::1": false, "ff02::1": false,
		"2606:4700::1111%eth0": false, "fe80::1%eth0": false, "::ffff:8.8.8.8%eth0": false,
	} {
		if got := isPublic(netip.MustParseAddr(s)); got != want {
			t.Errorf("isPublic(%s) = %v", s, got)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// TestControl checks what the dialer is about to connect to.
func TestControl(t *testing.T) {
	strict := newGuard(ClientConfig{})
	lax := newGuard(ClientConfig{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, AllowPorts: []int{443, 8443}})
	for _, c := range []struct {
		guard   guard
		address string
		want    bool
	}{
		{strict, "8.8.8.8:443", true}, {strict, "8.8.8.8:80", false}, {strict, "8.8.8.8:8443", false}, {strict, "10.1.2.3:443", false},
		{strict, "[2606:4700::1111]:443", true}, {strict, "[::1]:443", false}, {strict, "[fe80::1%lo]:443", false}, {strict, "x:443", false}, {strict, "8.8.8.8", false},
		{lax, "10.1.2.3:443", true}, {lax, "[::ffff:10.1.2.3]:8443", true}, {lax, "10.1.2.3:22", false}, {lax, "127.0.0.1:443", false}, {lax, "8.8.8.8:8443", true},
	} {
		err := c.guard.control("tcp", c.address, nil)
		if (err == nil) != c.want || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", c.address, err)
		}
	}
}

// TestCheckURL refuses schemes, ports and hosts before anything is asked of the
// network (L5, SEC-33).
func TestCheckURL(t *testing.T) {
	strict := newGuard(ClientConfig{})
	dev := newGuard(ClientConfig{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowPorts: []int{443, 8480}})
	for _, c := range []struct {
		url         string
		strict, dev bool
	}{
		{"https://a.test/x", true, true},
		{"https://a.test:443/x", true, true},
		{"https://a.test:8480/x", false, true},
		{"https://a.test:22/", false, false}, {"https://a.test:25/", false, false}, {"https://a.test:6379/", false, false}, {"https://a.test:65979/", false, false},
		{"http://a.test/x", false, false},
		{"http://127.0.0.1:8480/x", false, true},
		{"http://localhost:8480/x", false, true},
		{"http://127.0.0.1/x", false, false},
		{"file:///etc/passwd", false, false}, {"data:application/activity+json,{}", false, false}, {"gopher://a.test:443/", false, false}, {"ftp://a.test/", false, false},
		{"https://u:p@a.test/", false, false}, {"https://a.test./", false, false}, {"https:///", false, false}, {"", false, false}, {"/x", false, false},
	} {
		for g, want := range map[*guard]bool{&strict: c.strict, &dev: c.dev} {
			_, err := g.checkURL(c.url)
			if (err == nil) != want || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("%q (loopback %v): %v", c.url, g.loopback, err)
			}
		}
	}
	if u, err := strict.checkURL("https://a.test/x?y#main-key"); err != nil || u.String() != "https://a.test/x?y" {
		t.Errorf("%v, %v", u, err)
	}
}

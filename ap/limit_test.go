package ap

import "testing"

// TestSite: SEC-39, whoever has a domain has all names below it.
func TestSite(t *testing.T) {
	for host, want := range map[string]string{
		"mast.social":          "mast.social",
		"a1.evil.test":         "evil.test",
		"a.b.evil.example:444": "evil.example",
		"evil.co.uk":           "evil.co.uk",
		"a.evil.co.uk":         "evil.co.uk",
		"louise.github.io":     "louise.github.io",
		"localhost":            "localhost",
		"127.0.0.1:8443":       "127.0.0.1",
		"[2001:db8::1]:443":    "2001:db8::1",
		"":                     "",
	} {
		if got := Site(host); got != want {
			t.Errorf("Site(%q) = %q, want %q", host, got, want)
		}
	}
}

// TestHostShare: all names of a domain have half of the places together, and give
// them back.
func TestHostShare(t *testing.T) {
	l := newLimiter(4)
	for i, c := range []struct {
		host string
		in   bool
	}{{"a1.evil.test", true}, {"a2.evil.test", true}, {"a3.evil.test", false}, {"evil.test", false}, {"mast.social", true}} {
		if got := l.enterHost(c.host); got != c.in {
			t.Errorf("%d: %s: %t", i, c.host, got)
		}
	}
	for _, host := range []string{"a1.evil.test", "a2.evil.test", "mast.social"} {
		l.leaveHost(host)
	}
	if len(l.hosts) != 0 || !l.enterHost("a3.evil.test") {
		t.Errorf("left over: %v", l.hosts)
	}
}

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
		if got := site(host); got != want {
			t.Errorf("site(%q) = %q, want %q", host, got, want)
		}
	}
}

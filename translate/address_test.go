package translate

import (
	"slices"
	"strings"
	"testing"
)

// testAddresses has two domains with websites, a service with and one without.
func testAddresses(t testing.TB) *Addresses {
	t.Helper()
	return newTestAddresses(t, []Domain{
		{Name: "example.org", URL: "https://example.org"},
		{Name: "b.example", URL: "https://social.b.example/"},
		{Name: "news.example", URL: "https://news.example"},
	})
}

func newTestAddresses(t testing.TB, domains []Domain) *Addresses {
	t.Helper()
	a, err := NewAddresses(domains, "ap.example.org", []string{"pubsub.example.org", "news.example"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestNewAddresses(t *testing.T) {
	org := Domain{"example.org", "https://example.org"}
	tests := []struct {
		name     string
		domains  []Domain
		comp     string
		services []string
		path     string
		want     string // part of the error, "" for none
	}{
		{"simple", []Domain{org}, "ap.example.org", nil, "/_ap", ""},
		{"default path, deep path", []Domain{org}, "ap.example.org", nil, "/a/b", ""},
		{"port", []Domain{{"example.org", "https://example.org:8443"}}, "ap.example.org", nil, "", ""},
		{"loopback", []Domain{{"localhost", "http://localhost:8480"}}, "ap.localhost", nil, "", ""},
		{"loopback address", []Domain{{"localhost", "http://127.0.0.1:8480"}}, "ap.localhost", nil, "", ""},
		{"service with website", []Domain{org, {"pubsub.example.org", "https://pubsub.example.org"}}, "ap.example.org", []string{"pubsub.example.org"}, "", ""},
		{"none", nil, "ap.example.org", nil, "", "no domain"},
		{"http", []Domain{{"example.org", "http://example.org"}}, "ap.example.org", nil, "", "https://"},
		{"http on what only looks like loopback", []Domain{{"example.org", "http://127.0.0.1.example.org"}}, "ap.example.org", nil, "", "https://"},
		{"no scheme", []Domain{{"example.org", "example.org"}}, "ap.example.org", nil, "", "scheme and a host"},
		{"with a path", []Domain{{"example.org", "https://example.org/xmpp"}}, "ap.example.org", nil, "", "scheme and a host"},
		{"with a user", []Domain{{"example.org", "https://a@example.org"}}, "ap.example.org", nil, "", "scheme and a host"},
		{"IPv6", []Domain{{"example.org", "https://[::1]"}}, "ap.example.org", nil, "", "domain name"},
		{"bad port", []Domain{{"example.org", "https://example.org:0"}}, "ap.example.org", nil, "", "port"},
		{"bad domain", []Domain{{"exa mple.org", "https://example.org"}}, "ap.example.org", nil, "", "domain name"},
		{"twice", []Domain{org, {"example.org.", "https://www.example.org"}}, "ap.example.org", nil, "", "twice"},
		{"one host for two", []Domain{org, {"b.example", "https://EXAMPLE.org:443"}}, "ap.example.org", nil, "", "already"},
		{"component is a domain", []Domain{org}, "example.org", nil, "", "component"},
		{"component is a service", []Domain{org}, "ap.example.org", []string{"AP.example.org"}, "", "component"},
		{"empty component", []Domain{org}, "", nil, "", "component"},
		{"bad service", []Domain{org}, "ap.example.org", []string{"a@b"}, "", "service"},
		{"path without slash", []Domain{org}, "ap.example.org", nil, "_ap", "path"},
		{"root path", []Domain{org}, "ap.example.org", nil, "/", "path"},
		{"path with slash at the end", []Domain{org}, "ap.example.org", nil, "/_ap/", "path"},
		{"path to escape", []Domain{org}, "ap.example.org", nil, "/a p", "path"},
		{"path with dots", []Domain{org}, "ap.example.org", nil, "/a/../b", "path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewAddresses(tt.domains, tt.comp, tt.services, tt.path)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("unexpected error: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestLocal(t *testing.T) {
	a := testAddresses(t)
	hosts := map[string]bool{
		"example.org": true, "EXAMPLE.org": true, "example.org.": true, "example.org:443": true, "example.org:0443": true,
		"ｅｘａｍｐｌｅ.org":      true, // as HTTP clients map it
		"social.b.example": true, "news.example": true, "ap.example.org": true, "pubsub.example.org": true,
		"example.org:8443": false, "b.example": false, "mast.social": false, "": false, "[::1]": false,
		"example.org.evil.example": false, "example.org@evil.example": false,
	}
	for host, want := range hosts {
		if got := a.IsLocalHost(host); got != want {
			t.Errorf("IsLocalHost(%q) = %v", host, got)
		}
	}
	urls := map[string]bool{
		"https://example.org/_ap/actor/x@example.org": true,
		"https://example.org":                         true, "http://example.org/": true, "http://example.org:80/": true,
		"HTTPS://Example.Org.:443/users/x": true, "https://u:p@example.org/": true, "//example.org/x": true,
		"https://social.b.example/": true, "https://ap.example.org/x": true,
		"https://mast.social/_ap/actor/x@example.org": false, "https://example.org:8443/": false,
		"https://example.org@evil.example/": false, "acct:x@example.org": false, "": false, "https://%zz/": false,
	}
	for u, want := range urls {
		if got := a.IsLocalURL(u); got != want {
			t.Errorf("IsLocalURL(%q) = %v", u, got)
		}
	}
	if !a.IsUserDomain("Example.org") || a.IsUserDomain("news.example") || a.IsUserDomain("pubsub.example.org") || a.IsUserDomain("x.example") {
		t.Error("IsUserDomain is wrong")
	}
	if !a.IsService("Pubsub.example.org") || !a.IsService("news.example") || a.IsService("example.org") || a.IsService("") {
		t.Error("IsService is wrong")
	}
	if got := a.Component(); got != "ap.example.org" {
		t.Errorf("Component() = %q", got)
	}
	if got, want := a.Hosts(), []string{"example.org", "social.b.example", "news.example"}; !slices.Equal(got, want) {
		t.Errorf("Hosts() = %q", got)
	}
}

// The port of a development server is part of the host; two of them on one
// machine are two hosts.
func TestLocalPorts(t *testing.T) {
	a, err := NewAddresses([]Domain{{"localhost", "http://localhost:8480"}}, "ap.localhost", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if !a.IsLocalURL("http://localhost:8480/x") || a.IsLocalURL("http://localhost:9000/x") || a.IsLocalURL("http://localhost/x") {
		t.Error("IsLocalURL does not tell ports apart")
	}
	h, _, err := a.Handle("louise@localhost", "")
	if err != nil || h != "louise@localhost:8480" {
		t.Errorf("handle %q, %v", h, err)
	}
	if got := a.ActorURL(h); got != "http://localhost:8480/_ap/actor/louise@localhost:8480" {
		t.Errorf("actor URL %q", got)
	}
	if got := a.InstanceHandle("localhost:8480"); got != "localhost@localhost:8480" {
		t.Errorf("instance handle %q", got)
	}
}

// FuzzParseHost holds normalHost to giving one spelling of a host, once and for all.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"example.org", "EXAMPLE.org.:443", "münchen.example:8443", "xn--mnchen-3ya.example", "[::1]:80", "a_b.example", "例え。テスト", "xn--", "a..b", ":", "127.0.0.1:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := normalHost(s)
		if err != nil {
			return
		}
		if again, err := normalHost(h); err != nil || again != h {
			t.Errorf("normalHost(%q) = %q, which becomes %q, %v", s, h, again, err)
		}
		domain, _, _ := strings.Cut(h, ":")
		if back, err := normalDomain(unicodeDomain(domain)); err != nil || back != domain {
			t.Errorf("unicodeDomain(%q) becomes %q, %v", domain, back, err)
		}
	})
}

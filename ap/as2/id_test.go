package as2

import "testing"

// TestCheckID takes only ids that an honest peer can have (L12, L5).
func TestCheckID(t *testing.T) {
	for id, want := range map[string]bool{
		"https://a.test/1":                       true,
		"https://a.test":                         true,
		"https://A.test/users/%C3%A9?x=1#create": true,
		"https://a.test:8443/1":                  true,
		"https://[2001:db8::1]/1":                true,
		"https://xn--bcher-kva.test/1":           true,
		"http://127.0.0.1:8480/_ap/instance":     true,
		"http://localhost/x":                     true,
		"http://[::1]:80/x":                      true,
		"http://a.test/1":                        false,
		"http://127.0.0.1.evil.test/":            false,
		"":                                       false,
		"https:///1":                             false,
		"https://":                               false,
		"https:a.test/1":                         false,
		"//a.test/1":                             false,
		"/1":                                     false,
		"_:b0":                                   false,
		"urn:uuid:1":                             false,
		"xmpp:a@b.test":                          false,
		"data:text/plain,x":                      false,
		"javascript:alert(1)":                    false,
		"https://user:pw@a.test/1":               false,
		"https://user@a.test/1":                  false,
		"https://a.test./1":                      false,
		"https://.a.test/1":                      false,
		"https://a..test/1":                      false,
		"https://bücher.test/1":                  false,
		"https://a.test:/1":                      false,
		"https://a.test:x/1":                     false,
		"https://a.test/\x00":                    false,
		"https://a.test/a b":                     false,
		"https://a.test\\@b.test/":               false,
		"https://[fe80::1%25eth0]/1":             false,
		"https://a.test%2f.b.test/":              false,
	} {
		if err := CheckID(id); (err == nil) != want {
			t.Errorf("CheckID(%q) = %v", id, err)
		}
	}
}

// TestSameOrigin compares scheme, host and port (L7, SEC-3).
func TestSameOrigin(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://a.test/1", "https://a.test/2", true},
		{"https://a.test/1", "https://A.TEST:443/2#k", true},
		{"https://a.test/1", "https://a.test:8443/1", false},
		{"https://a.test/1", "https://b.a.test/1", false},
		{"https://a.test/1", "https://a.test.evil.test/1", false},
		{"https://a.test/1", "https://a.test./1", false},
		{"https://127.0.0.1/1", "http://127.0.0.1/1", false},
		{"http://127.0.0.1/1", "http://127.0.0.1:80/1", true},
		{"", "", false},
		{"https://a.test/1", "", false},
	} {
		if got := SameOrigin(c.a, c.b); got != c.want || SameOrigin(c.b, c.a) != got {
			t.Errorf("SameOrigin(%q, %q) = %v", c.a, c.b, got)
		}
	}
	if got := Host("https://A.test:443/x"); got != "a.test" {
		t.Errorf("Host = %q", got)
	}
}

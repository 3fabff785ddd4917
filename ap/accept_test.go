package ap

import (
	"net/http"
	"testing"
	"time"
)

// TestNegotiate decides between document and page (A1).
func TestNegotiate(t *testing.T) {
	for _, c := range []struct {
		accept []string
		want   want
	}{
		{nil, wantDocument},
		{[]string{""}, wantDocument},
		{[]string{"*/*"}, wantDocument},
		{[]string{"application/activity+json"}, wantDocument},
		{[]string{`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`}, wantDocument},
		{[]string{`application/ld+json; profile="https://www.w3.org/ns/activitystreams",application/activity+json`}, wantDocument},
		{[]string{"application/activity+json, application/ld+json"}, wantDocument},
		{[]string{"application/ld+json", "application/activity+json"}, wantDocument}, // two headers
		{[]string{`application/ld+json;profile="a,b";q=0.5, text/html;q=0.4`}, wantDocument},
		{[]string{"application/json"}, wantDocument},
		{[]string{"APPLICATION/ACTIVITY+JSON; charset=utf-8"}, wantDocument},
		{[]string{"text/html"}, wantPage},
		{[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}, wantPage},
		{[]string{"application/activity+json;q=0.5, text/html"}, wantPage},
		{[]string{"application/activity+json, text/html;q=0.5"}, wantDocument},
		{[]string{"application/activity+json, text/html"}, wantDocument},
		{[]string{"text/*"}, wantPage},
		{[]string{"image/png"}, wantNothing},
		{[]string{"application/activity+json;q=0"}, wantNothing},
		{[]string{"application/activity+json;q=2"}, wantNothing},
		{[]string{"application/activity+json;q=NaN"}, wantNothing},
		{[]string{"garbage"}, wantNothing},
		{[]string{`"`}, wantNothing},
	} {
		if got := negotiate(c.accept); got != c.want {
			t.Errorf("%q: %v, not %v", c.accept, got, c.want)
		}
	}
}

// TestRetryAfter reads seconds and dates.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "-5": 0, "soon": 0, "99999999999999": 0,
		now.Add(time.Hour).Format(http.TimeFormat): time.Hour, now.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// TestExcerpt makes one harmless line of anything.
func TestExcerpt(t *testing.T) {
	if got := excerpt("a\r\n\x1b[31mb\t\u202ec  \xff"); got != "a [31mb c" {
		t.Errorf("%q", got)
	}
}

// FuzzNegotiate makes sure that no header brings the reader down, and that a
// quality is one.
func FuzzNegotiate(f *testing.F) {
	for _, s := range []string{"*/*", `application/ld+json; profile="a,b\\"";q=0.5,text/html`, ";q=1", "a/b;q=0.1,", `"`, "text/html;q=1e-400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		negotiate([]string{s, s})
		for _, m := range parseAccept([]string{s}) {
			if !(m.q >= 0 && m.q <= 1) {
				t.Errorf("%q: %v", s, m)
			}
		}
	})
}

package translate

import (
	"strings"
	"testing"
)

// TestMeantActor reads what people write who know other gateways.
func TestMeantActor(t *testing.T) {
	a := testAddresses(t)
	for local, want := range map[string]string{
		"alice%mast.social":                            "alice@mast.social",
		"Alice%Mast.Social":                            "alice@mast.social",
		`alice%mast.social\3a8443`:                     "alice@mast.social:8443",
		`\40alice\40mast.social`:                       "alice@mast.social",
		`\40alice%mast.social`:                         "alice@mast.social",
		`acct\3aalice\40mast.social`:                   "alice@mast.social",
		`acct\3a\40alice\40mast.social`:                "alice@mast.social",
		`acct\3aalice%mast.social`:                     "alice@mast.social",
		`alice\5c40mast.social`:                        "alice@mast.social",
		`alice\5c40mast.social\5c3a8443`:               "alice@mast.social:8443",
		`ALICE\40MAST.SOCIAL`:                          "alice@mast.social",
		`https\3a\2f\2fmast.social\2f\40alice`:         "alice@mast.social",
		`https\3a\2f\2fmast.social\2fusers\2falice`:    "alice@mast.social",
		`https\3a\2f\2fmast.social\2fusers\2falice\2f`: "alice@mast.social",
		`https___mast.social_\40alice`:                 "alice@mast.social",
		`https___mast.social_users_al_ice`:             "al_ice@mast.social",
		`http___mast.social_u_alice`:                   "alice@mast.social",
		`louise%example.org`:                           "louise@example.org",
	} {
		if got, ok := a.MeantActor(local + "@ap.example.org/x"); got != want || !ok {
			t.Errorf("%s: %q, want %q", local, got, want)
		}
	}
	for _, jid := range []string{
		"alice@ap.example.org", "%mast.social@ap.example.org", "alice%@ap.example.org", "alice%mast@ap.example.org", "ap.example.org", "",
		`alice\40bob\40mast.social@ap.example.org`, `a%b%mast..social@ap.example.org`, "alice%mast.social@example.org", "alice%mast.social@other.example",
		`https\3a\2f\2fmast.social@ap.example.org`, `https\3a\2f\2fmast.social\2fusers\2fa\2fstatuses\2f1@ap.example.org`,
		`https\3a\2f\2fa\40mast.social\2f\40b@ap.example.org`, `https___mast.social@ap.example.org`,
		strings.Repeat("a", maxJIDPart) + "%mast.social@ap.example.org",
	} {
		if got, ok := a.MeantActor(jid); ok {
			t.Errorf("%s: %q", jid, got)
		}
	}
}

func FuzzMeantActor(f *testing.F) {
	a := testAddresses(f)
	for _, s := range []string{"alice%mast.social@ap.example.org", `https___mast.social_\40alice@ap.example.org`, `alice\5c40mast.social@ap.example.org`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, jid string) {
		handle, ok := a.MeantActor(jid)
		if !ok {
			return
		}
		if to, err := a.ActorJID(handle); err == nil {
			if back, _, err := a.ParseActorJID(to); err != nil || back != handle {
				t.Errorf("%q leads to %q, which is %q: %v", jid, to, back, err)
			}
		}
	})
}

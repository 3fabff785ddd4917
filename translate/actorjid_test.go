package translate

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestActorJID(t *testing.T) {
	a := testAddresses(t)
	for handle, want := range map[string]string{
		"alice@mast.social":                 `alice\40mast.social@ap.example.org`,
		"@Alice@Mast.Social":                `alice\40mast.social@ap.example.org`,
		"acct:alice@mast.social.:443":       `alice\40mast.social@ap.example.org`,
		"alice@host:8443":                   `alice\40host\3a8443@ap.example.org`,
		"a.b-c_d~e+f@mast.social":           `a.b-c_d~e+f\40mast.social@ap.example.org`,
		"a:b@mast.social":                   `a\3ab\40mast.social@ap.example.org`,
		"ÉMILE@mast.social":                 `émile\40mast.social@ap.example.org`,
		"日本@mast.social":                    `日本\40mast.social@ap.example.org`,
		"alice@münchen.example":             `alice\40xn--mnchen-3ya.example@ap.example.org`,
		"alice@127.0.0.1:3000":              `alice\40127.0.0.1\3a3000@ap.example.org`,
		testID + "a@mast.social":            testID + `a\40mast.social@ap.example.org`,
		strings.Repeat("a", 1016) + "@m.io": strings.Repeat("a", 1016) + `\40m.io@ap.example.org`,
	} {
		jid, err := a.ActorJID(handle)
		if jid != want || err != nil {
			t.Errorf("ActorJID(%q) = %q, %v; want %q", handle, jid, err, want)
		}
		for _, spelled := range []string{jid, strings.Replace(jid, "alice", "Alice", 1), jid + "/x@y"} {
			back, hashed, err := a.ParseActorJID(spelled)
			if again, err2 := a.ActorJID(back); hashed || err != nil || err2 != nil || again != jid {
				t.Errorf("ParseActorJID(%q) = %q, %v, %v", spelled, back, hashed, err)
			}
		}
	}
	for handle, want := range map[string]error{
		"":                                  ErrUnknown,
		"alice":                             ErrUnknown,
		"@mast.social":                      ErrUnknown,
		"alice@":                            ErrUnknown,
		"a@b@mast.social":                   ErrUnknown,
		"a b@mast.social":                   ErrUnknown,
		"a\x07@mast.social":                 ErrUnknown,
		"a\xff@mast.social":                 ErrUnknown,
		"a@[::1]":                           ErrUnknown,
		"a@mast.social:99999":               ErrUnknown,
		"louise@example.org":                ErrOurs,
		"louise@EXAMPLE.org.:443":           ErrOurs,
		"x@ap.example.org":                  ErrOurs,
		"blog@pubsub.example.org":           ErrOurs,
		testID + "@mast.social":             ErrUnstable, // would be read as a hash
		"straße@mast.social":                ErrUnstable, // ss after nodeprep
		"ｗｉｄｅ@mast.social":                  ErrUnstable,
		"ﬁ@mast.social":                     ErrUnstable,
		"\U0001f600@mast.social":            ErrUnstable,
		"عربي@mast.social":                  ErrUnstable, // not beside a Latin host
		"e\u0301@mast.social":               ErrUnstable,
		"a\u200db@mast.social":              ErrUnstable,
		`a\40b@mast.social`:                 ErrUnstable,
		"a'b@mast.social":                   ErrUnstable,
		"a/b@mast.social":                   ErrUnstable,
		strings.Repeat("a", 1017) + "@m.io": ErrUnstable,
	} {
		if jid, err := a.ActorJID(handle); !errors.Is(err, want) || jid != "" {
			t.Errorf("ActorJID(%q) = %q, %v; want %v", handle, jid, err, want)
		}
	}
}

func TestActorJIDHashed(t *testing.T) {
	a := testAddresses(t)
	const id = "https://mast.social/users/1"
	jid := a.ActorJIDHashed(id, "Mast.Social")
	if want := `g2mnweezx7vtm6erfityaahzme\40mast.social@ap.example.org`; jid != want {
		t.Errorf("ActorJIDHashed = %q, want %q", jid, want)
	}
	handle, hashed, err := a.ParseActorJID(jid)
	if want := strings.Replace(strings.TrimSuffix(jid, "@ap.example.org"), `\40`, "@", 1); handle != want || !hashed || err != nil {
		t.Errorf("ParseActorJID(%q) = %q, %v, %v", jid, handle, hashed, err)
	}
	if other := a.ActorJIDHashed(id+"2", "mast.social"); other == jid {
		t.Errorf("two ids share %q", jid)
	}
	for _, host := range []string{"example.org", "ap.example.org", "", "[::1]", "a b"} {
		if got := a.ActorJIDHashed(id, host); got != "" {
			t.Errorf("host %q gives %q", host, got)
		}
	}
}

func TestParseActorJIDErrors(t *testing.T) {
	a := testAddresses(t)
	for jid, want := range map[string]error{
		"":                                   ErrUnknown,
		"ap.example.org":                     ErrUnknown,
		"@ap.example.org":                    ErrUnknown,
		"alice@ap.example.org":               ErrUnknown,
		`\40mast.social@ap.example.org`:      ErrUnknown,
		`alice\40@ap.example.org`:            ErrUnknown,
		`a\40b\40mast.social@ap.example.org`: ErrUnknown,
		`alice\40mast.social\3a443@ap.example.org`:           ErrUnknown, // another spelling of alice
		`alice\40mast.social.@ap.example.org`:                ErrUnknown,
		`alice\40münchen.example@ap.example.org`:             ErrUnknown,
		`a:b\40mast.social@ap.example.org`:                   ErrUnknown,
		`a\27b\40mast.social@ap.example.org`:                 ErrUnknown,
		`alice%mast.social@ap.example.org`:                   ErrUnknown,
		`alice\40mast.social@example.org`:                    ErrNotOurs,
		`alice\40mast.social`:                                ErrUnknown,
		strings.Repeat("a", 1017) + `\40m.io@ap.example.org`: ErrUnknown,
	} {
		if h, hashed, err := a.ParseActorJID(jid); !errors.Is(err, want) || h != "" || hashed {
			t.Errorf("ParseActorJID(%q) = %q, %v, %v; want %v", jid, h, hashed, err, want)
		}
	}
	// Somebody adds one of us through the gateway: redirect.
	for jid, want := range map[string]string{
		`louise\40example.org@ap.example.org`:             "louise@example.org",
		`marie\40social.b.example@ap.example.org`:         "marie@b.example",
		`___j.c3.b8rgen\40example.org@ap.example.org`:     "jørgen@example.org",
		`jørgen\40example.org@ap.example.org`:             "jørgen@example.org",
		`news\40pubsub.example.org@ap.example.org`:        "pubsub.example.org",
		`louise\40example.org\3a443@ap.example.org/phone`: "louise@example.org",
	} {
		h, _, err := a.ParseActorJID(jid)
		if !errors.Is(err, ErrOurs) {
			t.Errorf("ParseActorJID(%q) = %q, %v", jid, h, err)
		}
		if got, _, err := a.ParseHandle(h); got != want || err != nil {
			t.Errorf("%q redirects to %q, %v; want %q", jid, got, err, want)
		}
	}
}

// Every handle has one JID that leads back to it, or says that it has none.
func TestActorJIDRoundTrip(t *testing.T) {
	a := testAddresses(t)
	user := rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9_.:~+-]{1,30}`),
		rapid.StringMatching(`[a-z2-7]{26}`),
		rapid.StringN(1, 12, 40),
	)
	host := rapid.SampledFrom([]string{"mast.social", "Mast.Social", "m.io:8443", "münchen.example", "192.0.2.1", "localhost:3000", "b.example"})
	rapid.Check(t, func(t *rapid.T) {
		handle := user.Draw(t, "user") + "@" + host.Draw(t, "host")
		jid, err := a.ActorJID(handle)
		if errors.Is(err, ErrUnstable) {
			jid = a.ActorJIDHashed("https://mast.social/"+handle, handle[strings.LastIndex(handle, "@")+1:])
		} else if err != nil {
			return
		}
		back, hashed, perr := a.ParseActorJID(jid)
		if perr != nil || hashed != (err != nil) {
			t.Fatalf("%q is %q, which is %q, %v, %v", handle, jid, back, hashed, perr)
		}
		if again, err := a.ActorJID(back); !hashed && (err != nil || again != jid) {
			t.Fatalf("%q is %q, which is %q, which is %q, %v", handle, jid, back, again, err)
		}
	})
}

func FuzzParseActorJID(f *testing.F) {
	for _, s := range []string{
		`alice\40mast.social@ap.example.org`, `alice\40host\3a8443@ap.example.org/x`, testID + `\40m.io@ap.example.org`,
		`louise\40example.org@ap.example.org`, `a\5c40b\40m.io@ap.example.org`, `é\40m.io@AP.example.org`, "a@b@c", `\40@ap.example.org`,
	} {
		f.Add(s)
	}
	a := testAddresses(f)
	f.Fuzz(func(t *testing.T, s string) {
		handle, hashed, err := a.ParseActorJID(s)
		if err != nil {
			return
		}
		local, _, _ := strings.Cut(s, "@")
		want := foldASCII(local) + "@ap.example.org"
		if hashed {
			_, host, _ := strings.Cut(handle, "@")
			if a.ActorJIDHashed("x", host) == "" {
				t.Errorf("%q is hashed on host %q, which takes none", s, host)
			}
			return
		}
		if jid, err := a.ActorJID(handle); jid != want || err != nil {
			t.Errorf("%q is %q, which is %q, %v", s, handle, jid, err)
		}
	})
}

package translate

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"isthmus/xmpp/stanza"

	"pgregory.net/rapid"
)

// address is a JID and node as Handle takes them.
type address struct{ jid, node string }

var (
	namePieces = []string{"a", "b", "louise", "Z", "0", "_", "__", "___", ".", "..", "-", "--", "---", "----", "é", "É", "日", "+", "%", "~", `\40`, ".2e", "x",
		".x", ":", "ß", "\U0001f600"}
	nodePieces   = append([]string{" ", "@", "/", "A@example.org", "example.org", "urn:xmpp:", stanza.NSMicroblog, "~2", "\t", "\""}, namePieces...)
	jidDomains   = []string{"example.org", "b.example", "news.example", "pubsub.example.org", "social.b.example", "example.net", "münchen.example", "192.0.2.1", "a_b.example", "x"}
	peersGrammar = regexp.MustCompile(`^[a-z0-9_]+([.-]+[a-z0-9_]+)*$`) // Mastodon's, in one case
)

func drawAddress(t *rapid.T) address {
	pieces := func(from []string, least, most int, label string) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), least, most).Draw(t, label), "")
	}
	domain := rapid.SampledFrom(jidDomains).Draw(t, "domain")
	node := rapid.OneOf(rapid.Just(""), rapid.Just(stanza.NSMicroblog), rapid.Just("example.org"), rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(nodePieces), 1, 6).Draw(t, "pieces"), "")
	}), rapid.StringN(1, 8, 300).Filter(validText)).Draw(t, "node")
	if rapid.Bool().Draw(t, "service") && node != "" {
		return address{domain, node}
	}
	local := pieces(namePieces, 1, 6, "local")
	if rapid.IntRange(0, 20).Draw(t, "length") == 0 {
		local += strings.Repeat("é", 100)
	}
	local = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"&'/:<>@`, r) {
			return -1
		}
		return r
	}, local) + rapid.SampledFrom([]string{"a", "_", "example.org", "-"}).Draw(t, "end")
	return address{local + "@" + domain, node}
}

// normal is what ParseHandle gives back.
func (d address) normal() address {
	local, domain, found := strings.Cut(d.jid, "@")
	if !found {
		return d
	}
	if d.node == stanza.NSMicroblog {
		d.node = ""
	}
	return address{foldASCII(local) + "@" + domain, d.node}
}

// siteConfigs are what the properties are tried with: also a service as the
// primary site, where names are nodes and strangers live nevertheless.
func siteConfigs(t testing.TB) []*Addresses {
	return []*Addresses{
		testAddresses(t),
		newTestAddresses(t, []Domain{{"news.example", "https://news.example"}, {"example.org", "https://example.org"}}),
		newTestAddresses(t, []Domain{{"b.example", "https://example.org"}, {"example.org", "https://b.example"}}),
		newTestAddresses(t, []Domain{{"pubsub.example.org", "https://pubsub.example.org"}}),
	}
}

// Every address has a handle that all peers take and that leads back to it,
// in any case; so no two addresses share one.
func TestHandleRoundTrip(t *testing.T) {
	configs := siteConfigs(t)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(configs).Draw(t, "config")
		d := drawAddress(t)
		h, long, err := a.Handle(d.jid, d.node)
		if err != nil {
			t.Fatal(err)
		}
		user, host, _ := strings.Cut(h, "@")
		if !peersGrammar.MatchString(user) || len(user) > maxUserPart || a.byHost[host] == nil {
			t.Fatalf("%q is no handle that peers take", h)
		}
		if c, err := a.Canonical(h); c != h || err != nil {
			t.Fatalf("Canonical(%q) = %q, %v", h, c, err)
		}
		for _, spelled := range []string{h, strings.ToUpper(h)} {
			jid, node, err := a.ParseHandle(spelled)
			if long && errors.Is(err, ErrHashed) {
				continue
			}
			if (address{jid, node}) != d.normal() || err != nil || long {
				t.Fatalf("%q is the handle of %q, %q; it leads to %q, %q, %v", spelled, d.jid, d.node, jid, node, err)
			}
		}
		ref, err := a.ParseURL(a.ActorURL(Acct(h, 2)))
		if err != nil || ref.Handle != h || ref.Generation != 2 || !ref.Canonical {
			t.Fatalf("actor URL of %q: %+v, %v", h, ref, err)
		}
	})
}

// Two addresses never share a handle, hashed ones included.
func TestHandleInjective(t *testing.T) {
	configs := siteConfigs(t)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(configs).Draw(t, "config")
		d, e := drawAddress(t), drawAddress(t)
		h, _, err := a.Handle(d.jid, d.node)
		i, _, err2 := a.Handle(e.jid, e.node)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if same := d.normal() == e.normal(); strings.EqualFold(h, i) != same {
			t.Fatalf("%+v is %q and %+v is %q", d, h, e, i)
		}
	})
}

func checkHandle(t interface{ Errorf(string, ...any) }, a *Addresses, s string) {
	jid, node, err := a.ParseHandle(s)
	if err != nil {
		if jid != "" || node != "" {
			t.Errorf("ParseHandle(%q) = %q, %q with error %v", s, jid, node, err)
		}
		return
	}
	c, err := a.Canonical(s)
	if err != nil {
		t.Errorf("%q is %q, %q without a canonical handle: %v", s, jid, node, err)
		return
	}
	h, long, err := a.Handle(jid, node)
	if h != c || err != nil {
		t.Errorf("Canonical(%q) = %q, Handle(%q, %q) = %q, %v", s, c, jid, node, h, err)
	}
	j, n, err := a.ParseHandle(c)
	if long != errors.Is(err, ErrHashed) || !long && (j != jid || n != node || err != nil) {
		t.Errorf("%q is %q, %q; its canonical form %q is %q, %q, %v", s, jid, node, c, j, n, err)
	}
}

// What decodes has one canonical form, which decodes to the same.
func TestHandleDecode(t *testing.T) {
	configs := siteConfigs(t)
	piece := rapid.SampledFrom([]string{"___", "---", "-", "_", ".", ".2d", ".5f", ".40", ".2E", ".c3.b8", ".x", "a", "louise", "B", "example.net", "+", "é", ".40xn.2d.2dmnchen.2d3ya.2eexample"})
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(configs).Draw(t, "config")
		user := strings.Join(rapid.SliceOfN(piece, 1, 8).Draw(t, "user"), "")
		host := rapid.SampledFrom([]string{"example.org", "social.b.example", "news.example", "pubsub.example.org", "ap.example.org"}).Draw(t, "host")
		checkHandle(t, a, user+"@"+host)
	})
}

func FuzzParseHandle(f *testing.F) {
	for _, s := range []string{
		"louise@example.org", "blog---louise@example.org", "___news---.40pubsub.2eexample.2eorg@example.org",
		"___pierre.40example.2enet@ap.example.org", "___j.C3.B8rgen@example.org", "___bad.zz@example.org",
		"alice---bob---louise@example.org", "___.xabcdefghijklmnopqrstuvwxyz@example.org", "example.org@example.org",
		"blog@news.example", "acct:@a@example.org:443", "___---a.40news.2eexample@news.example", "a@b@c", "___a.40xn.2d.2da@example.org",
	} {
		f.Add(s)
	}
	configs := siteConfigs(f)
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range configs {
			checkHandle(t, a, s)
			if h, g, err := a.ParseAcct(s); err == nil {
				if h2, g2, err := a.ParseAcct(Acct(h, g)); h2 != h || g2 != g || err != nil {
					t.Errorf("ParseAcct(%q) = %q, %d; formed anew: %q, %d, %v", s, h, g, h2, g2, err)
				}
			}
		}
	})
}

package xmpp

import (
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"testing"

	"isthmus/xmpp/stanza"
)

// TestVer has the two examples of XEP-0115 §5.2 and §5.3 and cases of our own,
// whose hashes are computed from the string that §5.1 describes.
func TestVer(t *testing.T) {
	hash := func(s string) string {
		sum := sha1.Sum([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	features := []string{stanza.NSDiscoInfo, stanza.NSDiscoItems, "http://jabber.org/protocol/muc", stanza.NSCaps}
	psi := NewForm(FormResult, "urn:xmpp:dataforms:softwareinfo").
		Add(Field{Var: "os_version", Values: []string{"10.5.1"}}, Field{Var: "ip_version", Type: "text-multi", Values: []string{"ipv6", "ipv4"}}).
		AddText("os", "Mac").AddText("software", "Psi").AddText("software_version", "0.11")
	tests := []struct {
		name string
		info DiscoInfo
		want string
	}{
		{"simple", DiscoInfo{Identities: []Identity{{"client", "pc", "Exodus 0.9.1", ""}}, Features: features}, "QgayPKawpkPSDYmwT/WM94uAlu0="},
		{"complex", DiscoInfo{
			Identities: []Identity{{"client", "pc", "Psi 0.11", "en"}, {"client", "pc", "Ψ 0.11", "el"}},
			Features:   features, Forms: []*Form{psi},
		}, "q07IKJEyjvHSyhy//CH0CxmKi8w="},
		{"forms by type", DiscoInfo{Forms: []*Form{
			NewForm(FormResult, "urn:b").AddText("x", "1"), NewForm(FormResult, "").AddText("no", "type"),
			NewForm(FormResult, "urn:a").Add(Field{Var: "z"}, Field{Var: "y", Values: []string{"2", "1"}}),
		}}, hash("urn:a<y<1<2<z<urn:b<x<1<")},
		{"a feature twice", DiscoInfo{Features: []string{"b", "a", "b"}}, hash("a<b<")},
		{"nothing", DiscoInfo{}, hash("")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.info.Features)
			if got := tt.info.Ver(); got != tt.want {
				t.Errorf("Ver() = %s, want %s", got, tt.want)
			}
			if !slices.Equal(before, tt.info.Features) {
				t.Error("Ver() changed the order of the features")
			}
		})
	}
}

// TestVerOfAnswer checks that what a server computes from our answer is what
// our presence says.
func TestVerOfAnswer(t *testing.T) {
	r := newWorld(0).router(t)
	info := DiscoInfo{
		Identities: []Identity{{"gateway", "activitypub", "Isthmus & more", "en"}, {"pubsub", "service", "", ""}},
		Features:   append(r.DomainFeatures(), NotifyFeatures()...),
		Forms:      []*Form{Contacts{Admin: []string{"xmpp:louise@example.org"}}.Form(), NodeMeta{Subscribers: -1}.Form()},
	}
	caps := NewCaps("https://isthmus.example/", info)
	r.Announce(caps)
	p := ParsePresence(reparse(t, PresenceWithCaps(domain, louise, caps, "")))
	if p.CapsHash != "sha-1" || p.CapsVer != caps.Ver() || p.Photo == nil || *p.Photo != "" {
		t.Errorf("presence: %+v", p)
	}
	el := answer(t, r, parse(t, DiscoInfoIQ(louise, domain, p.CapsNode+"#"+p.CapsVer).Set("id", "1").String()))
	got, err := ParseDiscoInfo(reparse(t, el).Child(stanza.NSDiscoInfo, "query"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Ver() != p.CapsVer {
		t.Errorf("the answer has hash %s, the presence says %s", got.Ver(), p.CapsVer)
	}
	if !got.Has("urn:xmpp:microblog:0+notify") || !got.Is("gateway", "") || got.Form(FormServerInfo) == nil {
		t.Errorf("the answer lacks something: %+v", got)
	}
}

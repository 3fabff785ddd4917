package xmpp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/xmpp/stanza"
)

func TestProfileElements(t *testing.T) {
	p := testProfile()
	for name, el := range map[string]*stanza.Element{
		"metadata":    p.AvatarMetadata(),
		"metadata-no": Profile{}.AvatarMetadata(),
		"data":        p.AvatarData(),
		"nick":        p.NickElement(),
		"banner":      p.Banner(),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "profile/"+name+".xml", pretty(reparse(t, el), stanza.NSComponent, ""))
		})
	}
	if (Profile{}).AvatarData() != nil || (Profile{}).Banner() != nil {
		t.Error("elements for what is not there")
	}
	data, err := ParseAvatarData(reparse(t, p.AvatarData()))
	if err != nil || string(data) != string(p.Photo) {
		t.Errorf("avatar data %q, %v", data, err)
	}
	want := []Avatar{{ID: p.PhotoID(), MediaType: "image/png", Bytes: len(p.Photo), Width: 96, Height: 96}}
	if diff := cmp.Diff(want, ParseAvatarMetadata(reparse(t, p.AvatarMetadata()))); diff != "" {
		t.Error(diff)
	}
	if got := ParseAvatarMetadata(p.Banner()); len(got) != 1 || got[0].URL != p.BannerURL {
		t.Errorf("banner %+v", got)
	}
	if got := ParseNick(reparse(t, p.NickElement())); got != p.Name {
		t.Errorf("nick %q", got)
	}
	if (Profile{PhotoSHA1: "abc"}).PhotoID() != "abc" || (Profile{}).PhotoID() != "" {
		t.Error("PhotoID")
	}
	if ParseAvatarMetadata(nil) != nil || ParseNick(nil) != "" {
		t.Error("parsed what is not there")
	}
	for _, el := range []*stanza.Element{nil, stanza.Text(stanza.NSAvatarData, "data", "???")} {
		if _, err := ParseAvatarData(el); err == nil {
			t.Errorf("avatar data %v was read", el)
		}
	}
}

func TestParseVCard(t *testing.T) {
	tests := []struct {
		name, xml string
		want      Profile
	}{
		{"vCard4 as Movim writes it", `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text> Louise </text></fn><nickname><text>lou</text></nickname>
			<pronouns><text>she/her</text></pronouns><url><uri>https://louise.example/</uri></url><url><uri/></url><note><text>One</text></note><note><text>Two</text></note>
			<impp><uri>xmpp:louise@example.org</uri></impp><photo><uri>data:image/png;base64,aGk=</uri></photo><fn><text>Second</text></fn></vcard>`,
			Profile{Name: "Louise", Nick: "lou", Pronouns: "she/her", URLs: []string{"https://louise.example/"}, Note: "One\nTwo", JID: "louise@example.org",
				Photo: []byte("hi"), PhotoType: "image/png", PhotoSHA1: "c22b5f9178342609428d6f51b2c5af4c0bde6a42"}},
		{"vCard4 with a photo elsewhere", `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><photo><uri>https://a.example/p.png</uri></photo></vcard>`, Profile{PhotoURL: "https://a.example/p.png"}},
		{"vCard4 with a broken photo", `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><photo><uri>data:image/png;base64,%%</uri></photo></vcard>`, Profile{}},
		{"vcard-temp", "<vCard xmlns='vcard-temp'><FN>Louise</FN><NICKNAME>lou</NICKNAME><URL>https://louise.example/</URL><JABBERID>louise@example.org</JABBERID><DESC>Words</DESC><PHOTO><TYPE>image/png</TYPE><BINVAL>\n aG\n k=\n</BINVAL></PHOTO></vCard>",
			Profile{Name: "Louise", Nick: "lou", URLs: []string{"https://louise.example/"}, JID: "louise@example.org", Note: "Words", Photo: []byte("hi"), PhotoType: "image/png", PhotoSHA1: "c22b5f9178342609428d6f51b2c5af4c0bde6a42"}},
		{"vcard-temp with parts of a name", "<vCard xmlns='vcard-temp'><N><FAMILY>Michel</FAMILY><GIVEN>Louise</GIVEN></N><NOTE>n</NOTE><PHOTO><EXTVAL>https://a.example/p.png</EXTVAL></PHOTO></vCard>",
			Profile{Name: "Louise Michel", Note: "n", PhotoURL: "https://a.example/p.png"}},
		{"empty", "<vCard xmlns='vcard-temp'/>", Profile{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParseVCard(parse(t, tt.xml))
			if diff := cmp.Diff(tt.want, got); diff != "" || !ok {
				t.Error(ok, diff)
			}
		})
	}
	if _, ok := ParseVCard(nil); ok {
		t.Error("nothing was read as a vCard")
	}
}

// TestVCardRoundTrip has both vCards of a profile be read as the profile.
func TestVCardRoundTrip(t *testing.T) {
	p := testProfile()
	p.Fields, p.Pronouns = nil, "she/her"
	want := p
	want.Photo, want.PhotoType, want.BannerURL, want.Width, want.Height = nil, "", "", 0, 0
	if got, _ := ParseVCard(reparse(t, p.VCard4())); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
	want = p
	want.PhotoSHA1, want.Handle, want.Pronouns, want.BannerURL, want.Width, want.Height = p.PhotoID(), "", "", "", 0, 0
	if got, _ := ParseVCard(reparse(t, p.VCardTemp())); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
}

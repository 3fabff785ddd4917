package translate

import (
	"strings"
	"testing"

	"isthmus/xmpp/stanza"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestChatParts(t *testing.T) {
	p := testPost(`<p><span class="h-card"><a href="https://example.org/@louise" class="u-url mention">@<span>louise</span></a></span> é 😀 look</p>`)
	p.Visibility, p.Warning = Direct, "secret"
	p.Mentions = []Mention{
		{Actor: Actor{URI: testOwner, Handle: "louise@example.org", JID: "louise@example.org"}, Text: "@louise@example.org"},
		{Actor: Actor{URI: "https://gts.example/bob", Handle: "bob@gts.example"}},
	}
	p.To = []string{testOwner, "https://gts.example/bob"}
	p.Media = []Media{{URL: "https://x.test/a.png", MediaType: "image/png", Alt: "a cat", Width: 2, Height: 3}}

	type part struct {
		Body    string
		Payload []string
	}
	var got []part
	for _, c := range ChatParts(p) {
		g := part{Body: c.Body}
		for _, el := range c.Payload {
			g.Payload = append(g.Payload, el.String())
		}
		got = append(got, g)
	}
	want := []part{
		{"CW: secret\n\n@louise é 😀 look\n\n→ @louise@example.org, @bob@gts.example", []string{
			"<reference xmlns='urn:xmpp:reference:0' type='mention' begin='12' end='19' uri='xmpp:louise@example.org'/>",
			"<reference xmlns='urn:xmpp:reference:0' type='mention' begin='53' end='69' uri='https://gts.example/bob'/>",
			"<spoiler xmlns='urn:xmpp:spoiler:0'>secret</spoiler>",
			"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:spoiler:0'><body start='0' end='12'/></fallback>",
		}},
		{"https://x.test/a.png", []string{
			"<x xmlns='jabber:x:oob'><url>https://x.test/a.png</url><desc>a cat</desc></x>",
			"<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'><file xmlns='urn:xmpp:file:metadata:0'><media-type>image/png</media-type><name>a.png</name>" +
				"<width>2</width><height>3</height><desc>a cat</desc></file><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://x.test/a.png'/></sources></file-sharing>",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.Visibility = Limited
	if got := ChatParts(p)[0].Body; strings.Count(got, "→ @louise@example.org, @bob@gts.example") != 1 {
		t.Errorf("to a closed circle: %q", got)
	}
	p.Visibility, p.To = Direct, p.To[:1]
	if got := ChatParts(p)[0].Body; got != "CW: secret\n\n@louise é 😀 look" {
		t.Errorf("to one only: %q", got)
	}
}

// TestChatMarks shows how a message begins that is not for its reader alone, or has
// a warning, and that neither is read back as text.
func TestChatMarks(t *testing.T) {
	const forFollowers, limited = "🔒 For followers of Alice. Your answer is a private message.", "🔒 For a limited group. Your answer is a private message."
	picture := []Media{{URL: "https://x.test/a.png", MediaType: "image/png"}}
	for _, c := range []struct {
		name string
		post Post
		want string
	}{
		{"direct", Post{Visibility: Direct, Text: "Hi."}, "Hi."},
		{"for followers", Post{Visibility: Followers, Text: "Hi."}, forFollowers + "\n\nHi."},
		{"for a circle", Post{Visibility: Limited, Text: "Hi."}, limited + "\n\nHi."},
		{"warned", Post{Visibility: Direct, Text: "Hi.", Warning: "a film\nits end"}, "CW: a film its end\n\nHi."},
		{"warned, for followers", Post{Visibility: Followers, Text: "Hi.", Warning: "film"}, "CW: film\n\n" + forFollowers + "\n\nHi."},
		{"a warning alone", Post{Visibility: Direct, Warning: "film", Media: picture}, "CW: film"},
		{"sensitive", Post{Visibility: Direct, Text: "Hi.", Sensitive: true}, "CW: sensitive\n\nHi."},
		{"a sensitive picture", Post{Visibility: Direct, Sensitive: true, Media: picture}, "CW: sensitive media"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.post
			p.HTML, p.Author = Linker{}.HTML(p.Text), Actor{Name: "Alice", Handle: "alice@mast.social"}
			part := ChatParts(p)[0]
			if part.Body != c.want {
				t.Errorf("begins %q, want %q", part.Body, c.want)
			}
			message := stanza.New(stanza.NSComponent, "message").Add(stanza.Text("", "body", part.Body)).Add(part.Payload...)
			got, err := FromChat(parseEntry(t, message.String()), Actor{}, nil)
			if err == nil && (strings.Contains(got.Text, "CW: ") || got.Warning != oneLine(p.Warning)) {
				t.Errorf("read back as %q, with the warning %q", got.Text, got.Warning)
			}
		})
	}
}

func TestChatPartsBounded(t *testing.T) {
	p := testPost(strings.Repeat("&amp; ", 100_000))
	p.Visibility = Direct
	for range 1000 {
		p.To = append(p.To, "https://x.test/"+strings.Repeat("u", len(p.To)))
	}
	part := ChatParts(p)[0]
	if n := len(stanza.Text("", "body", part.Body).String()); n > 180<<10 || !strings.Contains(part.Body, p.URL) {
		t.Errorf("%d bytes: %.100q", n, part.Body)
	}
}

func TestFromChat(t *testing.T) {
	louise := Actor{URI: testOwner, JID: "louise@example.org"}
	alice := Mention{Actor: Actor{URI: "https://mast.social/users/alice", Handle: "alice@mast.social"}, Text: "@alice"}
	base := Post{Kind: KindNote, Origin: OriginXMPP, Owner: louise, Author: louise, Visibility: Direct, To: []string{alice.URI}, Mentions: []Mention{alice}}
	with := func(change func(*Post)) Post {
		p := base
		change(&p)
		return p
	}
	text := func(html, text string) func(*Post) { return func(p *Post) { p.HTML, p.Text = html, text } }
	tests := []struct {
		name, in string
		want     Post
	}{
		{"text", "<body>Hi &lt;b> & #cats\n\nhttps://x.test/</body>", with(func(p *Post) {
			text(`<p>Hi &lt;b&gt; &amp; #cats</p><p><a href="https://x.test/">https://x.test/</a></p>`, "Hi <b> & #cats\n\nhttps://x.test/")(p)
			p.Tags = []string{"cats"}
		})},
		{"mention", "<body>@alice hi</body>", with(text(
			`<p><span class="h-card"><a href="https://mast.social/users/alice" class="u-url mention">@<span>alice</span></a></span> hi</p>`, "@alice hi"))},
		{"language", "<body xml:lang='fr'>oui</body>", with(func(p *Post) { text("<p>oui</p>", "oui")(p); p.Lang = "fr" })},
		{"reply with its fallback", "<body>&gt; é?\nyes</body><reply xmlns='urn:xmpp:reply:0' id='1' to='x@y'/>" +
			"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='5'/></fallback>", with(text("<p>yes</p>", "yes"))},
		{"fallback with wrong bounds", "<body>yes</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='-1' end='99'/><body start='x'/></fallback>",
			with(text("<p>yes</p>", "yes"))},
		{"spoiler", "<body>text</body><spoiler xmlns='urn:xmpp:spoiler:0'>film</spoiler>",
			with(func(p *Post) { text("<p>text</p>", "text")(p); p.Warning, p.Sensitive = "film", true })},
		{"file", "<body>https://x.test/a.png</body><x xmlns='jabber:x:oob'><url>https://x.test/a.png</url><desc>cat</desc></x>",
			with(func(p *Post) { p.Media = []Media{{URL: "https://x.test/a.png", MediaType: "image/png", Alt: "cat"}} })},
		{"file with all that is known", "<body>https://x.test/a.png</body><x xmlns='jabber:x:oob'><url>https://x.test/a.png</url></x>" +
			"<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'><media-type>image/png</media-type><size>7</size><width>2</width><height>3</height><desc>cat</desc></file>" +
			"<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://x.test/a.png'/></sources></file-sharing>",
			with(func(p *Post) {
				p.Media = []Media{{URL: "https://x.test/a.png", MediaType: "image/png", Alt: "cat", Size: 7, Width: 2, Height: 3}}
			})},
		{"link in a text is no file", "<body>see https://x.test/</body><x xmlns='jabber:x:oob'><url>https://x.test/</url></x>",
			with(text(`<p>see <a href="https://x.test/">https://x.test/</a></p>`, "see https://x.test/"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := FromChat(parseEntry(t, "<message xmlns='jabber:component:accept'>"+amp(tt.in)+"</message>"), louise, []Mention{alice})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, in := range []string{"<message/>", "<message><body> </body></message>", "<message><x xmlns='jabber:x:oob'><url>javascript:x</url></x></message>"} {
		if _, err := FromChat(parseEntry(t, in), louise, nil); err == nil {
			t.Errorf("%s is a post", in)
		}
	}
}

// amp lets tests write & for itself.
func amp(s string) string {
	out := []byte{}
	for i := range len(s) {
		out = append(out, s[i])
		if s[i] == '&' && (i+1 == len(s) || s[i+1] == ' ') {
			out = append(out, "amp;"...)
		}
	}
	return string(out)
}

// A file that we share is the file that we read.
func TestChatMediaRoundTrip(t *testing.T) {
	m := Media{URL: "https://x.test/a.mp4", MediaType: "video/mp4", Alt: "a\ncat", Size: 9, Width: 4, Height: 5, Duration: "PT1H2M3.5S", Blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj"}
	part := ChatParts(Post{Media: []Media{m}})[0]
	message := stanza.New(stanza.NSComponent, "message").Add(stanza.Text("", "body", part.Body)).Add(part.Payload...)
	got, err := FromChat(parseEntry(t, message.String()), Actor{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Media{m}, got.Media); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]int64{
		"PT1H2M3.5S": 3_723_500, "PT90S": 90_000, "P1DT1S": 86_401_000, "P2D": 172_800_000, "": 0, "90": 0, "PTx": 0, "P-1D": 0, "PT-5S": 0, "P1Y": 0, "P99999999D": 0,
	} {
		if got := milliseconds(in); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

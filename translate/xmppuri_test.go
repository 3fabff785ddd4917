package translate

import (
	"strings"
	"testing"

	"isthmus/xmpp/stanza"

	"pgregory.net/rapid"
)

const (
	testActor    = `alice\40mast.social@ap.example.org`
	testComments = stanza.CommentsNodePrefix + testID
)

func TestPubSubURI(t *testing.T) {
	tests := []struct{ got, want string }{
		{JIDURI(testActor), `xmpp:alice\40mast.social@ap.example.org`},
		{PubSubURI("louise@example.org", stanza.NSMicroblog, "post-1"), "xmpp:louise@example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=post-1"},
		{
			PubSubURI(testActor, testComments, ""),
			`xmpp:alice\40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0%3Acomments%2F` + testID,
		},
		{
			InReplyToURI(testActor, testComments, "a b;c"),
			`xmpp:alice\40mast.social@ap.example.org?;node=urn:xmpp:microblog:0:comments/` + testID + ";item=a%20b%3Bc",
		},
		{
			PubSubURI("u1@fedi.test", stanza.NSMicroblog, "https://fedi.test/users/u1/n/102"),
			"xmpp:u1@fedi.test?;node=urn%3Axmpp%3Amicroblog%3A0;item=https%3A%2F%2Ffedi.test%2Fusers%2Fu1%2Fn%2F102",
		},
		{PubSubURI("pubsub.example.org", "a;b=c&d é#?+", "~-._"), "xmpp:pubsub.example.org?;node=a%3Bb%3Dc%26d%20%C3%A9%23%3F%2B;item=~-._"},
		{JIDURI("jørgen@example.org"), "xmpp:jørgen@example.org"},
		{JIDURI("a%b@example.org"), "xmpp:a%b@example.org"},
		{JIDURI("a%20b@example.org"), "xmpp:a%2520b@example.org"},
		{JIDURI("a?b#c@example.org"), "xmpp:a%3Fb%23c@example.org"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got  %s\nwant %s", tt.got, tt.want)
		}
	}
}

func TestParsePubSubURI(t *testing.T) {
	post := Item{"louise@example.org", stanza.NSMicroblog, "post-1"}
	actor := Item{testActor, stanza.NSMicroblog, testID}
	tests := []struct {
		uri  string
		want Item
	}{
		{"xmpp:louise@example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=post-1", post},
		{"xmpp:louise@example.org?;node=urn:xmpp:microblog:0;item=post-1", post},
		{"xmpp:louise@example.org?;item=post-1;node=urn:xmpp:microblog:0", post},
		{"xmpp:louise@example.org?node=urn:xmpp:microblog:0;item=post-1", post},
		{"xmpp:louise@example.org?item=post-1;node=urn:xmpp:microblog:0", post},
		{"xmpp:louise@example.org?pubsub;action=retrieve;node=urn:xmpp:microblog:0;item=post-1", post},
		{"xmpp:louise@example.org?pubsub;node=urn%3Axmpp%3Amicroblog%3A0;item=post-1", post},
		{"XMPP:Louise@Example.org/phone?PubSub;x;node=urn%3axmpp%3amicroblog%3a0;item=post%2d1;y=z#f", post},
		{"xmpp:louise%40example.org?;node=urn:xmpp:microblog:0;item=post-1", post},
		{`xmpp:alice\40mast.social@ap.example.org?;node=urn:xmpp:microblog:0;item=` + testID, actor},
		{`xmpp:alice%5C40mast.social@ap.example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=` + testID, actor},
		{`xmpp:alice%5c40mast.social@ap.example.org?;node=urn:xmpp:microblog:0;item=` + testID, actor},
		{`xmpp:u1%5C40fedi.test@ap.xmpp.test?;node=urn%3Axmpp%3Amicroblog%3A0%3Acomments%2Fhttps%3A%2F%2Ffedi.test%2Fn%2F100`, Item{`u1\40fedi.test@ap.xmpp.test`, "urn:xmpp:microblog:0:comments/https://fedi.test/n/100", ""}},
		{"xmpp:pubsub.example.org?;node=blog", Item{"pubsub.example.org", "blog", ""}},
		{"xmpp:pubsub.example.org?;node=100%;item=a=b+c", Item{"pubsub.example.org", "100%", "a=b+c"}},
		{"xmpp:pubsub.example.org?;node=Blog%20Caf%C3%A9;item=", Item{"pubsub.example.org", "Blog Café", ""}},
	}
	for _, tt := range tests {
		if got, err := ParsePubSubURI(tt.uri); got != tt.want || err != nil {
			t.Errorf("ParsePubSubURI(%q) = %+v, %v; want %+v", tt.uri, got, err, tt.want)
		}
	}
	for _, uri := range []string{
		"", "xmpp", "xmpp:", "louise@example.org?;node=a", "https://example.org/?;node=a", "xmpp:louise@example.org", "xmpp:louise@example.org?", "xmpp:louise@example.org?;item=x",
		"xmpp://guest@example.org/louise@example.org?;node=a", "xmpp://example.org?;node=a", "xmpp:?;node=a", "xmpp:a@b@example.org?;node=a", "xmpp:@example.org?;node=a",
		"xmpp:louise@example.org?message;node=a", "xmpp:louise@example.org?;action=subscribe;node=a", "xmpp:louise@example.org?;node=a;node=b", "xmpp:louise@example.org?;node=a%00",
		"xmpp:louise@example.org?;node=%ff", "xmpp:lou%20ise@example.org?;node=a", "xmpp:louise@example.org?;node=" + strings.Repeat("a", 9000),
	} {
		if got, err := ParsePubSubURI(uri); err == nil || got != (Item{}) {
			t.Errorf("ParsePubSubURI(%q) = %+v, %v", uri, got, err)
		}
	}
}

func TestParseJIDURI(t *testing.T) {
	for uri, want := range map[string]string{
		"xmpp:louise@example.org":                           "louise@example.org",
		"xmpp:Louise@example.org/x?message;body=hi#f":       "louise@example.org",
		`xmpp:alice%5C40mast.social@ap.example.org`:         testActor,
		"xmpp:" + testActor:                                 testActor,
		"xmpp:pubsub.example.org":                           "pubsub.example.org",
		"xmpp:a%b@example.org":                              "a%b@example.org",
		"xmpp:jørgen@example.org":                           "jørgen@example.org",
		"xmpp:j%C3%B8rgen@example.org":                      "jørgen@example.org",
		"xmpp://guest@example.org/support@example.org?chat": "",
		"mailto:louise@example.org":                         "",
		"xmpp:":                                             "",
		"xmpp:a b@example.org":                              "",
	} {
		if got, err := ParseJIDURI(uri); got != want || (err == nil) != (want != "") {
			t.Errorf("ParseJIDURI(%q) = %q, %v; want %q", uri, got, err, want)
		}
	}
}

func checkItem(t interface{ Errorf(string, ...any) }, item Item) {
	for _, uri := range []string{PubSubURI(item.Service, item.Node, item.ID), InReplyToURI(item.Service, item.Node, item.ID)} {
		if len(uri) > maxURI {
			continue
		}
		if got, err := ParsePubSubURI(uri); got != item || err != nil {
			t.Errorf("%+v is %q, which is %+v, %v", item, uri, got, err)
		}
	}
}

func TestPubSubURIRoundTrip(t *testing.T) {
	text := rapid.OneOf(rapid.String().Filter(validText), rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(nodePieces), 1, 6).Draw(t, "pieces"), "")
	}))
	local := rapid.StringMatching(`[a-z?#%\\;=é0-9]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		item := Item{Service: "pubsub.example.org", Node: text.Filter(func(s string) bool { return s != "" }).Draw(t, "node"), ID: text.Draw(t, "item")}
		if rapid.Bool().Draw(t, "person") {
			item.Service = local.Draw(t, "local") + "@example.org"
		}
		checkItem(t, item)
	})
}

func FuzzParseXMPPURI(f *testing.F) {
	for _, s := range []string{
		"xmpp:louise@example.org?;node=urn%3Axmpp%3Amicroblog%3A0;item=post-1", "xmpp:louise@example.org?node=a;item=b",
		`xmpp:alice%5C40mast.social@ap.example.org?;item=x;node=urn:xmpp:microblog:0`, "xmpp:a?pubsub;action=retrieve;node=100%;item=%41",
		"xmpp://x/y", "xmpp:a%b@example.org", "XMPP:%61@a?;node=%3B#x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		jid, err := ParseJIDURI(s)
		if err != nil {
			return
		}
		if again, err := ParseJIDURI(JIDURI(jid)); again != jid || err != nil {
			t.Errorf("%q names %q, formed anew %q, %v", s, jid, again, err)
		}
		item, err := ParsePubSubURI(s)
		if err != nil {
			return
		}
		if item.Service != jid || item.Node == "" {
			t.Errorf("%q is %+v of %q", s, item, jid)
		}
		checkItem(t, item)
	})
}

package xmpp

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"isthmus/xmpp/stanza"
)

func ptr[T any](v T) *T { return &v }

var noRaw = cmpopts.IgnoreFields(Message{}, "Raw")

func TestParseMessage(t *testing.T) {
	const head = `<message from='louise@example.org/phone' to='a@ap.example.org' type='chat' id='m1'>`
	from := Request{From: louise, To: "a@ap.example.org"}
	tests := []struct {
		name, xml string
		want      Message
	}{
		{"plain", `<message from='louise@example.org/phone' to='a@ap.example.org' xml:lang='fr' id='m1'><subject>Sujet</subject><body>Salut</body><thread>t</thread></message>`,
			Message{Request: Request{From: louise, To: "a@ap.example.org", Lang: "fr"}, ID: "m1", Subject: "Sujet", Body: "Salut", Text: "Salut", Thread: "t"}},
		{"bodies in languages", head + `<body xml:lang='de'>Hallo</body><body>Hello</body></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "Hello", Text: "Hello"}},
		{"one body in a language", head + `<body xml:lang='de'>Hallo</body></message>`,
			Message{Request: Request{From: louise, To: "a@ap.example.org", Lang: "de"}, ID: "m1", Type: "chat", Body: "Hallo", Text: "Hallo"}},
		{"a body of another protocol", head + `<body xmlns='http://www.w3.org/1999/xhtml'><p>no</p></body></message>`,
			Message{Request: from, ID: "m1", Type: "chat"}},
		{"ids and hints", head + `<body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/><stanza-id xmlns='urn:xmpp:sid:0' id='s' by='louise@example.org'/>` +
			`<request xmlns='urn:xmpp:receipts'/><no-copy xmlns='urn:xmpp:hints'/><store xmlns='urn:xmpp:hints'/><nick xmlns='http://jabber.org/protocol/nick'>Lou</nick>` +
			`<delay xmlns='urn:xmpp:delay' stamp='2026-11-20T10:00:00.5+01:00'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "x", Text: "x", OriginID: "o", StanzaIDs: []StanzaID{{"louise@example.org", "s"}},
				ReceiptRequest: true, Hints: []string{"no-copy", "store"}, Nick: "Lou", Delayed: time.Date(2026, 11, 20, 9, 0, 0, 5e8, time.UTC)}},
		{"receipt", head + `<received xmlns='urn:xmpp:receipts' id='r'/></message>`, Message{Request: from, ID: "m1", Type: "chat", Received: "r"}},
		{"correction", head + `<body>better</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "better", Text: "better", Replaces: "m0"}},
		{"retraction", head + `<body>I took it back</body><retract xmlns='urn:xmpp:message-retract:1' id='m0'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "I took it back", Retracts: "m0"}},
		{"retraction as it was", head + `<apply-to xmlns='urn:xmpp:fasten:0' id='m0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Retracts: "m0"}},
		{"reaction with fallback", head + `<body>👍</body><reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>👍</reaction><reaction> ♥ </reaction><reaction>👍</reaction></reactions><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "👍", Reactions: &Reactions{ID: "m0", Emoji: []string{"👍", "♥"}}}},
		{"no reaction any more", head + `<reactions xmlns='urn:xmpp:reactions:0' id='m0'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Reactions: &Reactions{ID: "m0"}}},
		{"reply with quote and mention", head + "<body>&gt; ünd 😀\nyes @bob</body>" + `<reply xmlns='urn:xmpp:reply:0' to='a@ap.example.org' id='m0'/>` +
			`<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='8'/></fallback>` +
			`<reference xmlns='urn:xmpp:reference:0' type='mention' begin='12' end='16' uri='xmpp:bob@b.example'/>` +
			`<reference xmlns='urn:xmpp:reference:0' type='mention' begin='2' end='4' uri='xmpp:in-the-quote@b.example'/>` +
			`<reference xmlns='urn:xmpp:reference:0' type='mention' begin='90' end='99' uri='xmpp:nowhere@b.example'/>` +
			`<reference xmlns='urn:xmpp:reference:0' type='data' uri='https://example.org/'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "> ünd 😀\nyes @bob", Text: "yes @bob", Reply: &Reply{ID: "m0", To: "a@ap.example.org"},
				Mentions: []Mention{{Begin: 4, End: 8, URI: "xmpp:bob@b.example"}, {URI: "xmpp:nowhere@b.example"}}}},
		{"fallback without the extension", head + `<body>&gt; all there is</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='8'/></fallback></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "> all there is", Text: "> all there is"}},
		{"fallback of something unknown", head + `<body>words</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:new'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "words", Text: "words"}},
		{"odd fallbacks", head + `<body>0123456789</body><reply xmlns='urn:xmpp:reply:0' id='m0'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>` +
			`<body start='8' end='99'/><body start='5' end='3'/><body start='-1' end='3'/><body start='x'/><body end='2'/><body start='1' end='3'/></fallback></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "0123456789", Text: "34567", Reply: &Reply{ID: "m0"}}},
		{"a file by its URL", head + `<body>https://up.example/1.jpg</body><x xmlns='jabber:x:oob'><url>https://up.example/1.jpg</url></x></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "https://up.example/1.jpg", Files: []File{{URL: "https://up.example/1.jpg"}}}},
		{"a file with all about it", head + `<body>look</body><x xmlns='jabber:x:oob'><url>https://up.example/1.jpg</url></x>` +
			`<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'><media-type>image/jpeg</media-type><name>1.jpg</name><size>12</size><width>3</width><height>4</height><desc>A cat</desc></file>` +
			`<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://up.example/1.jpg'/></sources></file-sharing>` +
			`<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'><size>-5</size><dimensions>30x40</dimensions></file>` +
			`<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://up.example/2.jpg'/></sources></file-sharing>` +
			`<file-sharing xmlns='urn:xmpp:sfs:0'><sources/></file-sharing></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "look", Text: "look", Files: []File{
				{URL: "https://up.example/1.jpg", Name: "1.jpg", MediaType: "image/jpeg", Desc: "A cat", Size: 12, Width: 3, Height: 4},
				{URL: "https://up.example/2.jpg", Width: 30, Height: 40}}}},
		{"spoiler", head + `<body>Snape</body><spoiler xmlns='urn:xmpp:spoiler:0'>books</spoiler></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "Snape", Text: "Snape", Spoiler: ptr("books")}},
		{"bare spoiler", head + `<body>Snape</body><spoiler xmlns='urn:xmpp:spoiler:0'/></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "Snape", Text: "Snape", Spoiler: ptr("")}},
		{"encrypted and says so", head + `<encrypted xmlns='eu.siacs.conversations.axolotl'/><encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/><body>I sent you an OMEMO message</body></message>`,
			Message{Request: from, ID: "m1", Type: "chat", Body: "I sent you an OMEMO message", Text: "I sent you an OMEMO message", Encrypted: "eu.siacs.conversations.axolotl"}},
		{"encrypted", head + `<encrypted xmlns='urn:xmpp:omemo:2'/></message>`, Message{Request: from, ID: "m1", Type: "chat", Encrypted: "urn:xmpp:omemo:2"}},
		{"bounce", `<message from='louise@example.org' to='a@ap.example.org' type='error' id='m1'><body>x</body><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
			Message{Request: Request{From: louise.Bare(), To: "a@ap.example.org"}, ID: "m1", Type: "error", Body: "x", Text: "x", Error: stanza.NewError("item-not-found", "")}},
		{"nothing", `<message/>`, Message{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ParseMessage(parse(t, tt.xml)), noRaw, elements); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMessageElement(t *testing.T) {
	base := Message{Request: Request{From: alice, To: louise.Bare(), Lang: "en"}, ID: "m1", Type: "chat"}
	with := func(change func(*Message)) Message {
		m := base
		change(&m)
		return m
	}
	tests := map[string]Message{
		"text": with(func(m *Message) {
			m.Body, m.OriginID, m.Thread, m.Nick, m.ReceiptRequest = "Hello & <b>bye</b>", "m1", "t", "Alice", true
		}),
		"reply": with(func(m *Message) {
			m.Body = "@louise yes"
			m.Reply = &Reply{ID: "m0", To: louise.Bare(), Quote: "ünd 😀\nzwei\n"}
			m.Mentions = []Mention{{Begin: 0, End: 7, URI: "xmpp:louise@example.org"}}
		}),
		"correction": with(func(m *Message) { m.Body, m.Replaces = "better", "m0" }),
		"retraction": with(func(m *Message) { m.Retracts = "m0" }),
		"reaction":   with(func(m *Message) { m.Reactions = &Reactions{ID: "m0", Emoji: []string{"♥"}} }),
		"file": with(func(m *Message) {
			m.Files = []File{{URL: "https://mast.social/1.jpg", Name: "1.jpg", MediaType: "image/jpeg", Desc: "A cat", Size: 12, Width: 3, Height: 4}}
		}),
		"files-and-text": with(func(m *Message) {
			m.Body, m.Files = "look", []File{{URL: "https://mast.social/1.jpg"}, {URL: "https://mast.social/2.jpg"}}
		}),
		"spoiler": with(func(m *Message) { m.Body, m.Spoiler = "CW: books\n\nSnape", ptr("books") }),
		"receipt": with(func(m *Message) { m.Received, m.Hints = "m0", []string{"store"} }),
		"refusal": with(func(m *Message) { m.Type, m.Error = "error", stanza.NewError("not-acceptable", "Turn off OMEMO.") }),
		"late":    with(func(m *Message) { m.Body, m.Delayed = "old", epoch }),
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			golden(t, "message/"+name+".xml", pretty(reparse(t, m.Element()), stanza.NSComponent, ""))
		})
	}
}

// TestMessageRoundTrip has what is written be read again.
func TestMessageRoundTrip(t *testing.T) {
	text := rapid.StringOf(rapid.RuneFrom([]rune("ab> \n<&'\"é😀\u200d")))
	id := rapid.StringMatching(`[a-z]{1,5}`)
	rapid.Check(t, func(rt *rapid.T) {
		m := Message{
			Request: Request{From: alice, To: louise, Lang: rapid.SampledFrom([]string{"", "en"}).Draw(rt, "lang")},
			ID:      id.Draw(rt, "id"), Type: "chat", Text: text.Draw(rt, "text"), OriginID: id.Draw(rt, "origin"),
		}
		if rapid.Bool().Draw(rt, "reply") {
			m.Reply = &Reply{ID: id.Draw(rt, "re"), To: louise}
			if m.Text != "" {
				m.Reply.Quote = text.Draw(rt, "quote")
			}
		}
		if n := len([]rune(m.Text)); n > 0 && rapid.Bool().Draw(rt, "mention") {
			begin := rapid.IntRange(0, n-1).Draw(rt, "begin")
			m.Mentions = []Mention{{Begin: begin, End: rapid.IntRange(begin+1, n).Draw(rt, "end"), URI: "xmpp:a@b"}}
		}
		if rapid.Bool().Draw(rt, "file") {
			m.Files = []File{{URL: "https://a.example/" + id.Draw(rt, "file"), Desc: text.Draw(rt, "alt")}}
		}
		if rapid.Bool().Draw(rt, "spoiler") {
			m.Spoiler = ptr(text.Draw(rt, "warning"))
		}
		el, err := stanza.Parse(stanza.Append(nil, m.Element(), stanza.NSComponent), stanza.NSComponent, stanza.Limits{})
		if err != nil {
			rt.Fatal(err)
		}
		got := ParseMessage(el)
		ignore := cmp.Options{noRaw, cmpopts.IgnoreFields(Message{}, "Body"), cmpopts.IgnoreFields(Reply{}, "Quote")}
		if diff := cmp.Diff(m, got, ignore); diff != "" {
			rt.Fatalf("%s\n%s", el, diff)
		}
	})
}

func TestPresence(t *testing.T) {
	tests := []struct {
		name, xml string
		want      Presence
	}{
		{"available", `<presence from='louise@example.org/phone' to='ap.example.org' xml:lang='fr'><show> away </show><status>busy</status><priority>-5</priority>` +
			`<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://movim.eu/' ver='abc='/><x xmlns='vcard-temp:x:update'><photo>ABCDEF</photo></x>` +
			`<delay xmlns='urn:xmpp:delay' stamp='2026-11-20T10:00:00Z'/></presence>`,
			Presence{Request: Request{From: louise, To: domain, Lang: "fr"}, Show: "away", Status: "busy", Priority: -5,
				CapsNode: "https://movim.eu/", CapsVer: "abc=", CapsHash: "sha-1", Photo: ptr("ABCDEF"), Delayed: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}},
		{"no photo", `<presence from='a@b'><x xmlns='vcard-temp:x:update'><photo/></x></presence>`, Presence{Request: Request{From: "a@b"}, Photo: ptr("")}},
		{"photo not ready", `<presence from='a@b'><x xmlns='vcard-temp:x:update'/><priority>999</priority></presence>`, Presence{Request: Request{From: "a@b"}}},
		{"subscribe", `<presence from='a@b' to='ap.example.org' type='subscribe' id='p'><nick xmlns='http://jabber.org/protocol/nick'>Ann</nick><moved xmlns='urn:xmpp:moved:1'><old-jid>old@b</old-jid></moved></presence>`,
			Presence{Request: Request{From: "a@b", To: domain}, ID: "p", Type: Subscribe, Nick: "Ann", OldJID: "old@b"}},
		{"error", `<presence from='a@b' type='error'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
			Presence{Request: Request{From: "a@b"}, Type: "error", Error: stanza.NewError("remote-server-not-found", "")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ParsePresence(parse(t, tt.xml))
			ignore := cmpopts.IgnoreFields(Presence{}, "Raw")
			if diff := cmp.Diff(tt.want, got, ignore, elements); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.want, ParsePresence(reparse(t, got.Element())), ignore, elements); diff != "" {
				t.Errorf("written and read again:\n%s", diff)
			}
		})
	}
}

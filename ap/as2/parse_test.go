package as2

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// mustParse parses a document that must be readable.
func mustParse(t testing.TB, doc string) *Object {
	t.Helper()
	o, err := Parse([]byte(doc))
	if err != nil {
		t.Fatalf("Parse(%.200s): %v", doc, err)
	}
	return o
}

func readGolden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestParseCreate reads a Create as Mastodon sends it, to the last member.
func TestParseCreate(t *testing.T) {
	o, err := Parse(readGolden(t, "mastodon-create.json"))
	if err != nil {
		t.Fatal(err)
	}
	if o.Type() != TypeCreate || !o.IsActivity() || o.IsActor() || FirstID(o.Actor) != "https://mast.test/ap/users/116000000000000001" {
		t.Fatalf("activity: %+v", o)
	}
	n := o.Object[0]
	published := time.Date(2026, 11, 20, 18, 22, 31, 0, time.UTC)
	got := []any{n.Type(), n.ID, n.Summary.Value, n.InReplyTo, n.Published, n.URL, n.Sensitive, n.Conversation, n.Context,
		n.Content.Value == n.Content.Map["de"], n.To, len(n.Cc), n.RepliesTotal, n.LikesTotal, n.SharesTotal, n.Replies}
	id := "https://mast.test/ap/users/116000000000000001/statuses/116000000000000002"
	want := []any{TypeNote, id, "gardening, very long",
		"https://example.org/_ap/item/louise@example.org/k3x5n2fafgh7qqlmn3ab4cdefg", published,
		[]Link{{Href: "https://mast.test/@alice/116000000000000002"}}, true,
		"tag:mast.test,2026-11-20:objectId=991:objectType=Conversation", "https://mast.test/contexts/991-116000000000000000",
		true, []string{Public}, 2, int64(-1), int64(3), int64(0), id + "/replies"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	a := n.Attachment[0]
	if a.Blurhash == "" || a.Width != 1920 || a.Height != 1080 || *a.FocalPoint != [2]float64{0.12, -0.4} || a.Name.Value == "" {
		t.Errorf("attachment: %+v", a)
	}
	if len(n.Tag) != 3 || n.Tag[0].Href != "https://example.org/_ap/actor/louise@example.org" || n.Tag[1].Type() != TypeHashtag ||
		n.Tag[2].Icon[0].URL[0].Href != "https://files.mast.test/custom_emojis/77.png" {
		t.Errorf("tags: %+v", n.Tag)
	}
	if raw := mustParse(t, string(n.Raw)); raw.ID != n.ID {
		t.Errorf("the raw object is %.80s", n.Raw)
	}
}

// TestShapes reads every odd shape that peers are known to send (1.5, V21).
func TestShapes(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	refs := func(ids ...string) (list []*Object) {
		for _, id := range ids {
			list = append(list, newObject(id))
		}
		return list
	}
	for _, c := range []struct {
		doc  string
		want any
		got  func(*Object) any
	}{
		{`{"to":"https://a.test/x"}`, []string{"https://a.test/x"}, func(o *Object) any { return o.To }},
		{`{"to":null}`, []string(nil), func(o *Object) any { return o.To }},
		{`{"to":[["https://a.test/x"],"https://a.test/y"]}`, []string{"https://a.test/x", "https://a.test/y"}, func(o *Object) any { return o.To }},
		{`{"to":["as:Public","Public","` + Public + `",{"id":"https://a.test/z"},7,null]}`, []string{Public, Public, Public, "https://a.test/z"}, func(o *Object) any { return o.To }},
		{`{"cc":""}`, []string(nil), func(o *Object) any { return o.Cc }},
		{`{"actor":{"id":"https://a.test/x","type":"Person"}}`, "https://a.test/x", func(o *Object) any { return FirstID(o.Actor) }},
		{`{"actor":["https://a.test/x"]}`, refs("https://a.test/x"), func(o *Object) any { return o.Actor }},
		{`{"actor":90}`, refs(), func(o *Object) any { return o.Actor }},
		{`{"object":"https://a.test/x"}`, refs("https://a.test/x"), func(o *Object) any { return o.Object }},
		{`{"object":{"id":"https://a.test/x"}}`, "https://a.test/x", func(o *Object) any { return FirstID(o.Object) }},
		{`{"object":[{"id":"https://a.test/x"}]}`, "https://a.test/x", func(o *Object) any { return FirstID(o.Object) }},
		{`{"attributedTo":[{"type":"Person","id":"https://a.test/p"},"https://a.test/c"]}`, "https://a.test/p https://a.test/c",
			func(o *Object) any { return o.AttributedTo[0].ID + " " + o.AttributedTo[1].ID }},
		{`{"icon":[{"type":"Image","url":"https://a.test/i"}]}`, []Link{{Href: "https://a.test/i"}}, func(o *Object) any { return o.Icon[0].URL }},
		{`{"icon":"https://a.test/i"}`, []Link{{Href: "https://a.test/i"}}, func(o *Object) any { return o.Icon[0].URL }},
		{`{"url":"https://a.test/u"}`, []Link{{Href: "https://a.test/u"}}, func(o *Object) any { return o.URL }},
		{`{"url":{"type":"Link","href":"https://a.test/u","mediaType":"text/html","rel":["canonical","x"]}}`,
			[]Link{{Href: "https://a.test/u", MediaType: "text/html", Rel: "canonical"}}, func(o *Object) any { return o.URL }},
		{`{"url":["https://a.test/u",{"href":"xmpp:a@b","rel":"canonical"},3]}`,
			[]Link{{Href: "https://a.test/u"}, {Href: "xmpp:a@b", Rel: "canonical"}}, func(o *Object) any { return o.URL }},
		{`{"tag":{"type":"Mention","href":"https://a.test/x"}}`, "https://a.test/x", func(o *Object) any { return o.Tag[0].Href }},
		{`{"attachment":{"type":"Document","url":"https://a.test/f"}}`, "https://a.test/f", func(o *Object) any { return o.Attachment[0].URL[0].Href }},
		{`{"content":null,"contentMap":{"fr":"oui","de":"ja"}}`, Text{Value: "oui", Map: map[string]string{"fr": "oui", "de": "ja"}}, func(o *Object) any { return o.Content }},
		{`{"summary":""}`, Text{}, func(o *Object) any { return o.Summary }},
		{`{"nameMap":{"en":"Al"}}`, "Al", func(o *Object) any { return o.Name.Value }},
		{`{"name":{"en":"Al"}}`, "Al", func(o *Object) any { return o.Name.Value }},
		{`{"nameMap":"Al"}`, "Al", func(o *Object) any { return o.Name.Value }},
		{`{"name":[{"@value":"Hong"}]}`, "Hong", func(o *Object) any { return o.Name.Value }},
		{`{"name":5}`, "", func(o *Object) any { return o.Name.Value }},
		{`{"content":"cut \ud83d","name":["\udc00x"],"to":"https://a.test/\ud83d","summary":{"en":"\ud83d\ud83d\ude00"}}`, "cut \uFFFD|\uFFFDx|\uFFFD😀|0",
			func(o *Object) any {
				return fmt.Sprintf("%s|%s|%s|%d", o.Content.Value, o.Name.Value, o.Summary.Value, len(o.To))
			}},
		{`{"content":"a &amp; b \ud83d\ude00"}`, "a &amp; b 😀", func(o *Object) any { return o.Content.Value }},
		{`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.test/1"}`, "https://a.test/1", func(o *Object) any { return o.ID }},
		{`{"@context":{"a":"b"},"id":"https://a.test/1"}`, "https://a.test/1", func(o *Object) any { return o.ID }},
		{`{"@id":"https://a.test/1","@type":["https://www.w3.org/ns/activitystreams#Person"]}`, "https://a.test/1 Person",
			func(o *Object) any { return o.ID + " " + o.Type() }},
		{`{"as:content":"x","https://www.w3.org/ns/activitystreams#name":[{"@value":"N"}],"type":"as:Note"}`, "x N Note",
			func(o *Object) any { return o.Content.Value + " " + o.Name.Value + " " + o.Type() }},
		{`{"id":"https://a.test/1","publicKey":[{"id":"https://a.test/1#k","owner":"https://a.test/1","publicKeyPem":"P"},"https://a.test/1#l"]}`,
			[]PublicKey{{ID: "https://a.test/1#k", Owner: "https://a.test/1", PEM: "P"}, {ID: "https://a.test/1#l"}}, func(o *Object) any { return o.PublicKeys }},
		{`{"id":"https://a.test/k","controller":"https://a.test/1","publicKeyPem":"P"}`,
			[]PublicKey{{ID: "https://a.test/k", Owner: "https://a.test/1", PEM: "P"}}, func(o *Object) any { return o.PublicKeys }},
		{`{"type":"Person","id":"https://a.test/k","owner":"https://b.test/1","publicKeyPem":"P"}`, []PublicKey(nil), func(o *Object) any { return o.PublicKeys }}, // L9
		{`{"published":"2026-01-02T03:04:05"}`, at("2026-01-02T03:04:05Z"), func(o *Object) any { return o.Published }},
		{`{"published":"2026-01-02t03:04:05.25z"}`, at("2026-01-02T03:04:05.25Z"), func(o *Object) any { return o.Published }},
		{`{"published":"2026-01-02 03:04:05+02:00"}`, at("2026-01-02T01:04:05Z"), func(o *Object) any { return o.Published }},
		{`{"published":"2026-11-21T00:18:54.943333776Z"}`, at("2026-11-21T00:18:54.943333776Z"), func(o *Object) any { return o.Published }},
		{`{"published":"tomorrow"}`, time.Time{}, func(o *Object) any { return o.Published }},
		{`{"type":["Note","x"]}`, TypeNote, func(o *Object) any { return o.Type() }},
		{`{"type":["x","Person","PubSubNode"]}`, TypePerson, func(o *Object) any { return o.Type() }},
		{`{"type":"Zebra"}`, "Zebra", func(o *Object) any { return o.Type() }},
		{`{"type":16}`, "", func(o *Object) any { return o.Type() }},
		{`{"inReplyTo":""}`, "", func(o *Object) any { return o.InReplyTo }},
		{`{"inReplyTo":["https://a.test/1","https://a.test/2"]}`, "https://a.test/1", func(o *Object) any { return o.InReplyTo }},
		{`{"inReplyTo":{"id":"https://a.test/1","content":"x"}}`, "https://a.test/1", func(o *Object) any { return o.InReplyTo }},
		{`{"totalItems":"3"}`, int64(3), func(o *Object) any { return o.TotalItems }},
		{`{"totalItems":-3}`, int64(-1), func(o *Object) any { return o.TotalItems }},
		{`{"totalItems":9007199254740993}`, int64(9007199254740993), func(o *Object) any { return o.TotalItems }},
		{`{"width":"640","height":480.5}`, [2]int{640, 480}, func(o *Object) any { return [2]int{o.Width, o.Height} }},
		{`{"sensitive":"true"}`, true, func(o *Object) any { return o.Sensitive }},
		{`{"sensitive":null}`, false, func(o *Object) any { return o.Sensitive }},
		{`{"focalPoint":[0.5,2]}`, (*[2]float64)(nil), func(o *Object) any { return o.FocalPoint }},
		{`{"focalPoint":["x"]}`, (*[2]float64)(nil), func(o *Object) any { return o.FocalPoint }},
		{`{"endpoints":{"sharedInbox":"https://a.test/i"},"sharedInbox":"https://a.test/j"}`, "https://a.test/i", func(o *Object) any { return o.SharedInbox }},
		{`{"sharedInbox":"https://a.test/j"}`, "https://a.test/j", func(o *Object) any { return o.SharedInbox }},
		{`{"endpoints":null}`, "", func(o *Object) any { return o.SharedInbox }},
		{`{"source":{"content":"*x*","mediaType":"text/markdown"}}`, &Source{"*x*", "text/markdown"}, func(o *Object) any { return o.Source }},
		{`{"source":"*x*"}`, &Source{Content: "*x*"}, func(o *Object) any { return o.Source }},
		{`{"quoteUri":"https://a.test/4","_misskey_quote":"https://a.test/2","quoteUrl":"https://a.test/3"}`, "https://a.test/2", func(o *Object) any { return o.Quote }},
		{`{"tag":[{"type":"Link","href":"https://a.test/5","mediaType":"application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\""}]}`,
			"https://a.test/5", func(o *Object) any { return o.Quote }},
		{`{"first":"https://a.test/p"}`, newObject("https://a.test/p"), func(o *Object) any { return o.First }},
		{`{"first":{"id":"https://a.test/p","orderedItems":["https://a.test/1"]}}`, "https://a.test/1", func(o *Object) any { return FirstID(o.First.Items) }},
		{`{"oneOf":[{"name":"yes","replies":{"totalItems":4}}]}`, int64(4), func(o *Object) any { return o.OneOf[0].RepliesTotal }},
		{`{"closed":"2026-01-02T03:04:05Z","votersCount":7}`, int64(7), func(o *Object) any { return o.VotersCount }},
		{`{"type":"Like","_misskey_reaction":"⭐"}`, "⭐", func(o *Object) any { return o.Content.Value }},
		{`{"type":"Like","_misskey_reaction":"⭐","content":"❤"}`, "❤", func(o *Object) any { return o.Content.Value }},
		{`{"id":null}`, "", func(o *Object) any { return o.ID }},
		{`{"id":4}`, "", func(o *Object) any { return o.ID }},
		{`{"Id":"https://evil.test","ID":"https://evil.test","id":"https://a.test/1","İd":1}`, "https://a.test/1", func(o *Object) any { return o.ID }},
		{`{"\u0069d":"https://a.test/1"}`, "https://a.test/1", func(o *Object) any { return o.ID }},
		{`{"type":"Service"}`, true, func(o *Object) any { return o.Bot && o.IsActor() }},
		{`{"type":"OrderedCollectionPage","next":"https://a.test/2"}`, true, func(o *Object) any { return o.IsCollection() && o.Next == "https://a.test/2" }},
	} {
		o, err := Parse([]byte(c.doc))
		if err != nil {
			t.Errorf("%s: %v", c.doc, err)
			continue
		}
		if d := cmp.Diff(c.want, c.got(o)); d != "" {
			t.Errorf("%s: %s", c.doc, d)
		}
	}
}

// TestRefused reads documents that no parser of ours may accept.
func TestRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"empty":                 ``,
		"array":                 `[{"id":"https://a.test/1"}]`,
		"string":                `"https://a.test/1"`,
		"null":                  `null`,
		"trailing":              `{} {}`,
		"duplicate":             `{"id":"https://a.test/1","id":"https://a.test/1"}`,
		"duplicate by escape":   `{"id":"https://a.test/1","\u0069d":"https://b.test/1"}`,
		"duplicate by alias":    `{"id":"https://a.test/1","@id":"https://b.test/1"}`,
		"duplicate by as:":      `{"actor":"https://a.test/1","as:actor":"https://b.test/1"}`,
		"duplicate by IRI":      `{"https://www.w3.org/ns/activitystreams#to":"x","to":"y"}`,
		"duplicate inside":      `{"object":{"a":1,"a":2}}`,
		"duplicate in unknown":  `{"zebra":{"a":{"b":1,"b":2}}}`,
		"invalid UTF-8":         "{\"content\":\"\xff\"}",
		"invalid UTF-8 skipped": "{\"zebra\":\"\xc0\xaf\"}",
		"lone surrogate in id":  `{"id":"https://a.test/\ud800"}`,
		"and in a name":         `{"content\ud800":"x"}`,
		"and not even hex":      `{"content":"\ud80"}`,
		"graph":                 `{"@graph":[{"id":"https://a.test/1"}]}`,
		"included":              `{"id":"https://a.test/1","@included":[]}`,
		"reverse":               `{"object":{"@reverse":{}}}`,
		"reverse by escape":     `{"\u0040reverse":{}}`,
		"long id":               `{"id":"https://a.test/` + strings.Repeat("x", 2048) + `"}`,
		"control in id":         `{"id":"https://a.test/\u0007"}`,
		"control in inner id":   `{"object":{"id":"https://a.test/\n"}}`,
		"too deep":              `{"object":` + strings.Repeat(`[`, 32) + strings.Repeat(`]`, 32) + `}`,
		"bomb":                  strings.Repeat(`{"object":`, 100_000),
		"bomb of arrays":        strings.Repeat(`[`, 500_000),
		"too big":               `{"content":"` + strings.Repeat("x", MaxBytes) + `"}`,
		"cut":                   `{"id":"https://a.test/1"`,
		"comment":               `{/**/"id":"https://a.test/1"}`,
		"comma":                 `{"to":["a",]}`,
		"BOM":                   "\ufeff{}",
	} {
		if o, err := Parse([]byte(doc)); err == nil {
			t.Errorf("%s: accepted as %+v", name, o)
		}
	}
	deepest := `{"object":` + strings.Repeat(`[`, 31) + strings.Repeat(`]`, 31) + `,"content":"{[{[\"{["}`
	if o, err := Parse([]byte(deepest)); err != nil || o.Content.Value != `{[{["{[` {
		t.Errorf("32 levels: %v", err)
	}
}

// TestCounts cuts long lists instead of failing (L13, SEC-37).
func TestCounts(t *testing.T) {
	list := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	o := mustParse(t, `{"tag":`+list(1000, `{"type":"Hashtag"}`)+`,"attachment":`+list(100, `{"type":"Image"}`)+
		`,"oneOf":`+list(100, `{"name":"x"}`)+`,"alsoKnownAs":`+list(300, `"https://a.test/1"`)+
		`,"publicKey":`+list(20, `"https://a.test/1#k"`)+`,"to":`+list(2000, `"https://a.test/1"`)+`,"type":`+list(40, `"Note"`)+`}`)
	got := []int{len(o.Tag), len(o.Attachment), len(o.OneOf), len(o.AlsoKnownAs), len(o.PublicKeys), len(o.To), len(o.Types)}
	if d := cmp.Diff([]int{100, 32, 20, 256, 10, 1024, 16}, got); d != "" {
		t.Error(d)
	}
	if o = mustParse(t, `{"tag":`+list(80, `{"type":"Mention"}`)+`}`); len(o.Tag) != 50 {
		t.Errorf("%d mentions", len(o.Tag))
	}
	if o = mustParse(t, `{"type":"Person","attachment":`+list(100, `{"type":"PropertyValue"}`)+`}`); len(o.Attachment) != 50 {
		t.Errorf("%d fields", len(o.Attachment))
	}
	o = mustParse(t, `{"items":`+list(1000, list(300, `{}`))+`}`)
	if n := len(o.Items); n != 1024 {
		t.Errorf("%d items", n)
	}
	many := fmt.Sprintf(`{"items":%s}`, list(1000, `{"tag":`+list(90, `{}`)+`}`))
	objects := 0
	for _, i := range mustParse(t, many).Items {
		objects += 1 + len(i.Tag)
	}
	if objects > maxObjects {
		t.Errorf("%d objects out of one document", objects)
	}
}

// TestMemberNumbers makes sure that the set of members met has room for all.
func TestMemberNumbers(t *testing.T) {
	if n := len(vocabulary.members); n > 128 || vocabulary.members[0].name != "id" || vocabulary.members[1].name != "type" {
		t.Errorf("%d members, %s first", n, vocabulary.members[0].name)
	}
	names := map[string]bool{}
	for _, m := range vocabulary.members {
		if names[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		names[m.name] = true
	}
}

func BenchmarkParse(b *testing.B) {
	doc := readGolden(b, "mastodon-create.json")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseAny is the same document into maps, for comparison.
func BenchmarkParseAny(b *testing.B) {
	doc := readGolden(b, "mastodon-create.json")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		var v any
		if err := json.Unmarshal(doc, &v); err != nil {
			b.Fatal(err)
		}
	}
}

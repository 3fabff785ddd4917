package translate

import (
	"errors"
	"strings"
	"testing"

	"isthmus/ap/as2"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

const noteHead = `{"id":"https://x.test/1","attributedTo":"https://x.test/u","to":"as:Public",`

func parseAS2(t testing.TB, doc string) *as2.Object {
	t.Helper()
	o, err := as2.Parse([]byte(doc))
	if err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	return o
}

func TestFromAS2(t *testing.T) {
	tests := []struct {
		name, in string
		got      func(Post) any
		want     any
	}{
		{"unknown type", `"type":"ChatMessage","content":"hi"`, words, []string{"", "hi"}},
		{"types", `"type":["Funny","Note"],"content":"hi"`, func(p Post) any { return p.Kind }, KindNote},
		{"languages only", `"type":"Note","content":null,"contentMap":{"fr":"<p>oui</p>","en":"<p>yes</p>"}`,
			func(p Post) any { return []any{p.Text, p.Lang, len(p.Translations)} }, []any{"oui", "fr", 1}},
		{"undetermined language", `"type":"Note","content":"x","contentMap":{"und":"x"}`, func(p Post) any { return p.Lang }, ""},
		{"warning of a Note", `"type":"Note","content":"x","summary":"food"`, func(p Post) any { return []any{p.Warning, p.Sensitive, p.Summary} }, []any{"food", true, ""}},
		{"teaser of an Article", `"type":"Article","name":"T","content":"x","summary":"<p>in <b>short</b></p>"`,
			func(p Post) any { return []any{p.Warning, p.Sensitive, p.Summary} }, []any{"", false, "in short"}},
		{"warning of an Article", `"type":"Article","name":"T","content":"x","summary":"war","sensitive":true`,
			func(p Post) any { return []any{p.Warning, p.Sensitive, p.Summary} }, []any{"war", true, ""}},
		{"title in its mark", `"type":"Note","content":"<p><strong class=\"p-name\">A &amp; B</strong></p><p>x</p>"`, words, []string{"A & B", "x"}},
		{"bold start is no title", `"type":"Note","content":"<p><strong>A</strong></p><p>x</p>"`, words, []string{"", "A\n\nx"}},
		{"local mention of Mastodon", `"type":"Note","content":"x","tag":{"type":"Mention","href":"https://x.test/u/bob","name":"@bob"}`,
			func(p Post) any { return p.Mentions }, []Mention{{Actor{URI: "https://x.test/u/bob", Handle: "bob@x.test"}, "@bob"}}},
		{"hashtags", `"type":"Note","content":"x","tag":[{"type":"Hashtag","name":"#A b"},{"type":"Hashtag","name":"ab"},{"type":"Hashtag","name":"#"}]`,
			func(p Post) any { return p.Tags }, []string{"Ab"}},
		{"emoji without picture", `"type":"Note","content":"x","tag":[{"type":"Emoji","name":":a:"}]`, func(p Post) any { return len(p.Emoji) }, 0},
		{"alt text in summary", `"type":"Note","attachment":[{"type":"Image","url":"https://x.test/i.PNG?x","summary":"S","name":"N"}]`,
			func(p Post) any { return p.Media[0] }, Media{URL: "https://x.test/i.PNG?x", MediaType: "image/png", Alt: "S"}},
		{"attachment as a string", `"type":"Note","attachment":"https://x.test/i.jpg"`, func(p Post) any { return p.Media[0].MediaType }, "image/jpeg"},
		{"cover once", `"type":"Article","name":"T","image":{"type":"Image","url":"https://x.test/i.jpg"},"attachment":[{"type":"Image","url":"https://x.test/i.jpg"}]`,
			func(p Post) any { return len(p.Media) }, 1},
		{"published and updated alike", `"type":"Note","content":"x","published":"2026-11-20T10:00:00Z","updated":"2026-11-20T10:00:00Z"`,
			func(p Post) any { return p.Updated.IsZero() }, true},
		{"quote without a fallback", `"type":"Note","content":"x","quoteUrl":"https://x.test/2"`, func(p Post) any { return []string{p.Quote, p.Text} }, []string{"https://x.test/2", "x"}},
		{"fallback without a quote stays", `"type":"Note","content":"x<span class=\"quote-inline\"> RE: y</span>"`, words, []string{"", "x RE: y"}},
		{"its id for a page", `"type":"Note","content":"x"`, func(p Post) any { return p.URL }, "https://x.test/1"},
		{"page on another server", `"type":"Note","content":"x","url":[{"type":"Link","href":"https://bank.test/login","mediaType":"text/html"}]`,
			func(p Post) any { return p.URL }, "https://x.test/1"},
		{"page among links", `"type":"Note","content":"x","url":[{"type":"Link","href":"https://x.test/a.mp4","mediaType":"video/mp4"},{"type":"Link","href":"https://x.test/p","mediaType":"text/html"}]`,
			func(p Post) any { return p.URL }, "https://x.test/p"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := FromAS2(parseAS2(t, noteHead+tt.in+"}"), AS2Context{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tt.got(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromAS2Refuses(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing to show": noteHead + `"type":"Note"}`,
		"an actor":        `{"id":"https://x.test/1","attributedTo":"https://x.test/u","type":"Person","name":"x"}`,
		"an activity":     `{"id":"https://x.test/1","attributedTo":"https://x.test/u","type":"Like","content":"x"}`,
		"a collection":    `{"id":"https://x.test/1","attributedTo":"https://x.test/u","type":"Collection","name":"x"}`,
		"a tombstone":     `{"id":"https://x.test/1","attributedTo":"https://x.test/u","type":"Tombstone","content":"x"}`,
		"without id":      `{"attributedTo":"https://x.test/u","type":"Note","content":"x"}`,
		"without author":  `{"id":"https://x.test/1","type":"Note","content":"x"}`,
	} {
		if _, err := FromAS2(parseAS2(t, doc), AS2Context{}); !errors.Is(err, ErrNotPost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	doc := noteHead + `"type":"Note","content":"x"}`
	if _, err := FromAS2(parseAS2(t, doc), AS2Context{Owner: Actor{URI: "https://evil.test/u"}}); !errors.Is(err, ErrNotPost) {
		t.Errorf("of another owner: %v", err)
	}
	if _, err := FromAnnounce(parseAS2(t, `{"id":"https://x.test/1","type":"Announce","actor":"https://x.test/u"}`), AS2Context{}); !errors.Is(err, ErrNotPost) {
		t.Errorf("Announce of nothing: %v", err)
	}
}

// What is too much is cut, never refused (L13).
func TestFromAS2Limits(t *testing.T) {
	many := func(one string, n int) string { return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]" }
	p, err := FromAS2(parseAS2(t, noteHead+`"type":"Question","content":"x","oneOf":`+many(`{"type":"Note","name":"o"}`, 99)+
		`,"tag":`+many(`{"type":"Mention","href":"https://x.test/b","name":"@b"}`, 99)+`,"name":"`+strings.Repeat("é", 5000)+
		`","attachment":`+many(`{"type":"Link","href":"https://x.test/l"}`, 99)+`}`), AS2Context{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Poll.Options) > maxOptions || len(p.Mentions) > maxMentions || len(p.Links) > maxLinks || len([]rune(p.Title)) > maxTitle {
		t.Errorf("%d options, %d mentions, %d links, title of %d", len(p.Poll.Options), len(p.Mentions), len(p.Links), len([]rune(p.Title)))
	}
}

func TestIsVote(t *testing.T) {
	for doc, want := range map[string]bool{
		`{"id":"https://x.test/1","type":"Note","name":"Tea","inReplyTo":"https://y.test/2"}`:                      true,
		`{"id":"https://x.test/1","type":"Note","name":"Tea"}`:                                                     false,
		`{"id":"https://x.test/1","type":"Note","name":"Tea","content":"<p>x</p>","inReplyTo":"https://y.test/2"}`: false,
	} {
		if got := IsVote(parseAS2(t, doc)); got != want {
			t.Errorf("%s: %t", doc, got)
		}
	}
}

func TestActivities(t *testing.T) {
	p := testPost("<p>x</p>")
	p.Owner = Actor{URI: testOwner}
	p.Visibility = Public
	n := AS2Object(p, AS2Links{FollowersURL: testFollowers})
	n.Context = as2.ContextNote
	boost := Post{URI: "https://example.org/b", Kind: KindBoost, Owner: p.Owner, Author: Actor{URI: "https://x.test/u"}, Boost: "https://x.test/1", Visibility: Public}
	follow := jsontext.Value(`{"id":"https://x.test/f","type":"Follow","actor":"https://x.test/u","object":"` + testOwner + `","extra":1}`)
	const id, alice = "https://example.org/_ap/activity/1", "https://x.test/u"
	head := func(kind, context string) string {
		return `{"@context":` + context + `,"id":"` + id + `","type":"` + kind + `","actor":"` + testOwner + `",`
	}
	plain := string(as2.ContextAS2)
	note := string(as2.ContextNote)
	for name, tt := range map[string]struct {
		doc   *as2.Activity
		parts []string
	}{
		"create": {Create(id, n), []string{head("Create", note), `"published":"2026-11-20T10:00:00Z"`, `"cc":["` + testFollowers + `"],"object":{"id":"https://mast.social/1","type":"Note"`}},
		"update": {Update(id, n), []string{head("Update", note), `"object":{"id":"https://mast.social/1","type":"Note"`}},
		"delete": {Delete(id, testOwner, Tombstone(p), Audience{To: []string{as2.Public}}),
			[]string{head("Delete", plain), `"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":[],"object":{"id":"https://mast.social/1","type":"Tombstone","formerType":"Note"}}`}},
		"delete actor": {DeleteActor(id, testOwner), []string{head("Delete", plain), `"object":"` + testOwner + `"`}},
		"announce":     {Announce(boost, testFollowers), []string{`"type":"Announce"`, `"cc":["` + testFollowers + `","https://x.test/u"],"object":"https://x.test/1"`}},
		"like":         {Like(id, testOwner, "https://x.test/1", alice), []string{head("Like", plain), `"to":["https://x.test/u"],"cc":[],"object":"https://x.test/1"}`}},
		"react":        {React(id, testOwner, "https://x.test/1", alice, "🎉", false), []string{head("Like", note), `"content":"🎉"`}},
		"litepub":      {React(id, testOwner, "https://x.test/1", alice, "🎉", true), []string{head("EmojiReact", note), `"content":"🎉"`}},
		"follow":       {Follow(id, testOwner, alice), []string{head("Follow", plain), `"to":["https://x.test/u"],"cc":[],"object":"https://x.test/u"}`}},
		"accept":       {Accept(id, testOwner, follow, alice), []string{head("Accept", plain), `"object":` + string(follow)}},
		"reject":       {Reject(id, testOwner, follow, alice), []string{head("Reject", plain), `"object":` + string(follow)}},
		"undo": {Undo(id, Follow("https://example.org/f", testOwner, alice)),
			[]string{head("Undo", plain), `"to":["https://x.test/u"],"cc":[],"object":{"id":"https://example.org/f","type":"Follow","actor":"` + testOwner + `"`}},
		"profile": {UpdateActor(id, &as2.Actor{Context: as2.ContextActor, ID: testOwner, Type: as2.TypePerson}),
			[]string{`"object":{"id":"` + testOwner + `","type":"Person"`, `"to":["https://www.w3.org/ns/activitystreams#Public"]`}},
	} {
		b, err := as2.Marshal(tt.doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range tt.parts {
			if !strings.Contains(string(b), part) {
				t.Errorf("%s: no %s\nin %s", name, part, b)
			}
		}
		if strings.Count(string(b), `"@context"`) != 1 {
			t.Errorf("%s: @context more than once in %s", name, b)
		}
		parseAS2(t, string(b))
	}
}

// Links to JIDs of actors become links that all peers keep.
func TestHTTPTwin(t *testing.T) {
	l := Linker{Mentions: []Mention{{Actor: Actor{URI: "https://mast.social/users/alice", JID: `alice\40mast.social@ap.example.org`}}}}
	in := `<p><a href="xmpp:alice\40mast.social@ap.example.org">Alice</a> <a href="xmpp:eve@x.test">Eve</a> <a href="xmpp:alice\40mast.social@ap.example.org?;node=n">n</a></p>`
	want := `<p><a href="https://mast.social/users/alice" class="u-url mention">Alice</a> <a href="xmpp:eve@x.test">Eve</a> <a href="xmpp:alice\40mast.social@ap.example.org?;node=n">n</a></p>`
	if diff := cmp.Diff(want, l.Link(in)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

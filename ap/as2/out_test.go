package as2

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestMarshal writes documents with the members in our order, lists as lists
// and single values as strings (1.5).
func TestMarshal(t *testing.T) {
	at := Time{time.Date(2026, 11, 21, 10, 0, 0, 0, time.FixedZone("", 3600))}
	three := int64(3)
	for _, c := range []struct {
		name string
		doc  any
		want string
	}{
		{"note", &Note{Context: ContextAS2, ID: "https://a.test/1", Type: TypeNote, AttributedTo: "https://a.test/a", Published: at,
			URL: Links{{Href: "https://a.test/p"}}, To: []string{Public}, Content: "<p>&amp; <</p>"},
			`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.test/1","type":"Note","attributedTo":"https://a.test/a",` +
				`"inReplyTo":null,"published":"2026-11-21T09:00:00Z","url":"https://a.test/p",` +
				`"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":[],"sensitive":false,"content":"<p>&amp; <</p>","tag":[],"attachment":[]}`},
		{"links", &Note{Type: TypeNote, InReplyTo: "https://b.test/1", URL: Links{{Href: "https://a.test/p", MediaType: "text/html"}, {Href: "xmpp:a@b", Rel: "canonical"}}},
			`{"id":"","type":"Note","attributedTo":"","inReplyTo":"https://b.test/1",` +
				`"url":[{"type":"Link","href":"https://a.test/p","mediaType":"text/html"},{"type":"Link","href":"xmpp:a@b","rel":"canonical"}],` +
				`"to":[],"cc":[],"sensitive":false,"tag":[],"attachment":[]}`},
		{"accept", &Activity{Context: ContextAS2, ID: "https://a.test/2", Type: TypeAccept, Actor: "https://a.test/a", To: []string{"https://b.test/b"},
			Object: jsontext.Value(`{"type":"Follow","id":"https://b.test/3"}`)},
			`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.test/2","type":"Accept","actor":"https://a.test/a",` +
				`"to":["https://b.test/b"],"cc":[],"object":{"type":"Follow","id":"https://b.test/3"}}`},
		{"collection", &Collection{ID: "https://a.test/c", Type: TypeOrderedCollection, TotalItems: &three, First: "https://a.test/c?page=1"},
			`{"id":"https://a.test/c","type":"OrderedCollection","totalItems":3,"first":"https://a.test/c?page=1"}`},
		{"empty page", &Collection{Type: TypeOrderedCollectionPage, OrderedItems: []any{}}, `{"type":"OrderedCollectionPage","orderedItems":[]}`},
		{"tombstone", &Tombstone{ID: "https://a.test/1", Type: TypeTombstone, FormerType: TypeNote}, `{"id":"https://a.test/1","type":"Tombstone","formerType":"Note"}`},
	} {
		b, err := Marshal(c.doc)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if d := cmp.Diff(c.want, string(b)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestContexts makes sure that every context starts with the literal that peers
// look for (A4), and that actors have what the strictest reader asks for (A5).
func TestContexts(t *testing.T) {
	for _, c := range []Context{ContextActor, ContextNote} {
		if !strings.HasPrefix(string(c), `["https://www.w3.org/ns/activitystreams",`) {
			t.Errorf("%.60s", c)
		}
	}
	b, err := Marshal(&Actor{Context: ContextActor, ID: "https://a.test/a", Type: TypePerson, PublicKey: &Key{}, Endpoints: &Endpoints{}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), `{"@context":["https://www.w3.org/ns/activitystreams",`) {
		t.Errorf("%.80s", b)
	}
	for _, member := range []string{"inbox", "outbox", "preferredUsername", "attachment\":[]", "tag\":[]", "discoverable", "endpoints"} {
		if !strings.Contains(string(b), `"`+member) {
			t.Errorf("no %s in %s", member, b)
		}
	}
}

// TestRoundTrip reads what we write.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		ids := rapid.SliceOfN(rapid.StringMatching(`https://[a-z]{1,8}\.test/[a-z0-9]{1,8}`), 0, 4)
		n := &Note{Context: ContextNote, ID: "https://a.test/1", Type: TypeNote, AttributedTo: "https://a.test/a",
			Content: text.Draw(t, "content"), Name: text.Draw(t, "name"), Sensitive: rapid.Bool().Draw(t, "sensitive"),
			To: ids.Draw(t, "to"), Cc: ids.Draw(t, "cc"), Published: Time{time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "ms"))},
			InReplyTo: NullString(rapid.SampledFrom([]string{"", "https://b.test/2"}).Draw(t, "parent"))}
		a := &Activity{Context: ContextNote, ID: "https://a.test/2", Type: TypeCreate, Actor: n.AttributedTo, Object: n, To: n.To, Cc: n.Cc}
		b, err := Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Parse(b)
		if err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		in := o.Object[0]
		got := &Note{Context: n.Context, ID: in.ID, Type: in.Type(), AttributedTo: FirstID(in.AttributedTo), Content: in.Content.Value, Name: in.Name.Value,
			Sensitive: in.Sensitive, To: append([]string{}, in.To...), Cc: append([]string{}, in.Cc...), Published: Time{in.Published}, InReplyTo: NullString(in.InReplyTo)}
		same := cmp.Comparer(func(a, b Time) bool { return a.Equal(b.Time) })
		if d := cmp.Diff(n, got, same, cmp.Transformer("nil", func(s []string) string { return strings.Join(s, " ") })); d != "" {
			t.Fatal(d)
		}
	})
}

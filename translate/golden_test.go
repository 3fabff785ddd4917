package translate

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isthmus/ap/as2"
	"isthmus/xmpp/stanza"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file, or writes it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// inputs lists the files of a kind in a folder that are not golden ones.
func inputs(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	var kept []string
	for _, f := range files {
		if !strings.Contains(f, ".out.") {
			kept = append(kept, f)
		}
	}
	return kept
}

// Objects as the programs of the fediverse write them, as posts and as entries.
func TestGoldenFromAP(t *testing.T) {
	for _, file := range inputs(t, "testdata/from_ap/*.json") {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			o, err := as2.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			owner := as2.FirstID(o.AttributedTo)
			p, err := FromAS2(o, AS2Context{
				Owner:        Actor{URI: owner, Handle: name + "@remote.example", JID: name + `\40remote.example@ap.example.org`, Name: "The Author"},
				FollowersURL: owner + "/followers",
				IsActor:      func(uri string) bool { return strings.Contains(uri, "/actor/") || strings.Contains(uri, "/users/") },
			})
			if err != nil {
				t.Fatal(err)
			}
			checkFragment(t, p.HTML)
			golden(t, "testdata/from_ap/"+name+".out.post.json", indented(t, p))

			const id = "abcdefghijklmnopqrstuvwxyz"
			l := AtomLinks{Item: Item{p.Owner.JID, stanza.NSMicroblog, id}, AuthorJID: p.Owner.JID, Comments: PubSubURI(p.Owner.JID, stanza.CommentsNodePrefix+id, "")}
			if p.Visibility == Public {
				l.Page = p.URL
			}
			if p.ReplyTo != "" {
				l.InReplyTo = InReplyToURI("louise@example.org", stanza.NSMicroblog, "parent")
			}
			if p.Published.IsZero() { // the store knows when it came
				p.Published = testTime
			}
			entry := Atom(p, l)
			if _, err := stanza.Parse(stanza.Append(nil, entry, ""), "", stanza.Limits{}); err != nil {
				t.Error(err)
			}
			golden(t, "testdata/from_ap/"+name+".out.xml", lines(entry))
			golden(t, "testdata/from_ap/"+name+".out.txt", chatText(p))
		})
	}
}

// lines writes an entry with one child on each line.
func lines(entry *stanza.Element) []byte {
	spaced := stanza.New(entry.Space, entry.Name)
	spaced.Attrs = entry.Attrs
	for _, n := range entry.Nodes {
		spaced.AddText("\n  ")
		spaced.Nodes = append(spaced.Nodes, n)
	}
	return append(stanza.Append(nil, spaced.AddText("\n"), ""), '\n')
}

// chatText writes a post as the chat messages that clients would show.
func chatText(p Post) []byte {
	var b strings.Builder
	for _, part := range ChatParts(p) {
		b.WriteString(part.Body + "\n")
		for _, el := range part.Payload {
			b.WriteString("  | " + el.String() + "\n")
		}
		b.WriteString("--\n")
	}
	return []byte(b.String())
}

// Entries as XMPP clients write them, as posts and as activities.
func TestGoldenFromXMPP(t *testing.T) {
	for _, file := range inputs(t, "testdata/from_xmpp/*.xml") {
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			entry, err := stanza.Parse([]byte(strings.TrimSpace(string(b))), "", stanza.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := FromAtom(entry, Item{"louise@example.org", stanza.NSMicroblog, name}, Actor{URI: testOwner, JID: "louise@example.org"})
			if err != nil {
				t.Fatal(err)
			}
			checkFragment(t, p.HTML)
			golden(t, "testdata/from_xmpp/"+name+".out.post.json", indented(t, p))

			// What the gateway adds.
			p.URI = "https://example.org/_ap/item/louise@example.org/abcdefghijklmnopqrstuvwxyz"
			p.Visibility = Public
			for i := range p.Mentions {
				if p.Mentions[i].Handle == "alice@mast.social" {
					p.Mentions[i].URI = "https://mast.social/users/alice"
				}
			}
			var act *as2.Activity
			if p.Kind == KindBoost {
				p.Boost, p.Author.URI = "https://example.org/_ap/item/x/y", "https://example.org/_ap/actor/x"
				act = Announce(p, testFollowers)
			} else {
				act = Create("https://example.org/_ap/activity/1", AS2Object(p, AS2Links{
					FollowersURL: testFollowers, Replies: p.URI + "/replies", Proxy: PubSubURI("louise@example.org", stanza.NSMicroblog, name)}))
			}
			act.Context = "" // long, and always the same: see TestActivities
			golden(t, "testdata/from_xmpp/"+name+".out.json", indented(t, act))
		})
	}
}

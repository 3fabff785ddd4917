package translate

import (
	"os"
	"strings"
	"testing"
	"time"

	"isthmus/xmpp/stanza"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Attachments as clients publish them, and as they are given out.
func TestGoldenAttachments(t *testing.T) {
	for _, file := range inputs(t, "testdata/attachments/*.xml") {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseAttachments(parseEntry(t, strings.TrimSpace(string(b))))
		if err != nil {
			t.Fatal(file, err)
		}
		golden(t, strings.TrimSuffix(file, ".xml")+".out.xml", []byte(a.Element().String()+"\n"))
	}
}

func TestParseAttachments(t *testing.T) {
	for in, want := range map[string]bool{
		`<attachments xmlns='urn:xmpp:pubsub-attachments:1'/>`:           true,
		`<attachments xmlns='http://jabber.org/protocol/pubsub'/>`:       true,
		`<attachments xmlns='http://jabber.org/protocol/pubsub#event'/>`: true,
		`<attachments xmlns='urn:xmpp:pubsub-attachments:2'/>`:           false,
		`<entry xmlns='urn:xmpp:pubsub-attachments:1'/>`:                 false,
	} {
		a, err := ParseAttachments(parseEntry(t, in))
		if (err == nil) != want || !a.Empty() {
			t.Errorf("%s: %v, %v", in, a, err)
		}
	}
	if _, err := ParseAttachments(nil); err == nil {
		t.Error("nothing is read as attachments")
	}
	many := stanza.New(stanza.NSAttachments, "reactions")
	for r := rune(0x1F600); r < 0x1F600+3*MaxReactions; r++ {
		many.Add(stanza.Text(stanza.NSAttachments, "reaction", string(r)))
	}
	a, err := ParseAttachments(stanza.New(stanza.NSAttachments, "attachments").Add(many))
	if err != nil || len(a.Reactions) != MaxReactions {
		t.Errorf("%d reactions, %v", len(a.Reactions), err)
	}
}

func TestIsEmoji(t *testing.T) {
	for s, want := range map[string]bool{
		"🥕": true, "👍🏽": true, "❤": true, "❤️": true, "♥": true, "5️⃣": true, "🏳️‍🌈": true, "🇧🇪": true, "👩‍🚀": true, "☎": true, "‼️": true, "™": true,
		"": false, "a": false, "5": false, "#": false, "🥕a": false, ":cat:": false, "\u200d": false, "🏽": false, "<": false, "+": false, "🥕\x00": false,
		"🥕\n": false, "é": false, "漢": false, "\ufffd": false, "\xff": false, strings.Repeat("🥕", 17): false,
	} {
		if got := IsEmoji(s); got != want {
			t.Errorf("IsEmoji(%q) = %v", s, got)
		}
	}
}

func TestSummary(t *testing.T) {
	for want, s := range map[string]Summary{
		`<summary xmlns='urn:xmpp:pubsub-attachments:summary:1'/>`:                                                                                                           {},
		`<summary xmlns='urn:xmpp:pubsub-attachments:summary:1'><noticed count='5'/></summary>`:                                                                              {Noticed: 5},
		`<summary xmlns='urn:xmpp:pubsub-attachments:summary:1'><noticed count='1'/><reactions><reaction count='2'>👷</reaction><reaction>🔨</reaction></reactions></summary>`: {1, []EmojiCount{{"👷", 2}, {"🔨", 1}}},
	} {
		if got := s.Element().String(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestAttachmentsNode(t *testing.T) {
	juliet := Item{"juliet@capulet.lit", "urn:xmpp:microblog:0", "balcony-restoration-afd1"}
	const name = "urn:xmpp:pubsub-attachments:1/xmpp:juliet@capulet.lit?;node=urn%3Axmpp%3Amicroblog%3A0;item=balcony-restoration-afd1"
	if got := AttachmentsNode(juliet); got != name { // the example of XEP-0470 §4.1
		t.Errorf("the node is %s", got)
	}
	for _, node := range []string{
		"urn:xmpp:microblog:0", "urn:xmpp:pubsub-attachments:1", "urn:xmpp:pubsub-attachments:1/",
		"urn:xmpp:pubsub-attachments:1/xmpp:juliet@capulet.lit?;node=n", AttachmentsNode(Item{"juliet@capulet.lit", name, "romeo@montague.lit"}),
		AttachmentsNode(Item{"juliet@capulet.lit", SummaryNode("n"), "i"}),
	} {
		if it, ok := ParseAttachmentsNode(node); ok {
			t.Errorf("%s is for %v", node, it)
		}
	}
	for node, want := range map[string]string{
		"urn:xmpp:pubsub-attachments:summary:1/urn:xmpp:microblog:0": "urn:xmpp:microblog:0",
		"urn:xmpp:pubsub-attachments:summary:1/":                     "",
		SummaryNode(SummaryNode("n")):                                "",
		SummaryNode(name):                                            "",
		name:                                                         "",
	} {
		if of, ok := ParseSummaryNode(node); ok != (want != "") || ok && of != want {
			t.Errorf("%s is for %q, %v", node, of, ok)
		}
	}
}

// emojis of many kinds.
var emojis = []string{"🥕", "👍🏽", "❤️", "♥", "5️⃣", "🏳️‍🌈", "🇧🇪", "👩‍🚀", "☎", "‼️", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "👨‍👩‍👧‍👦"}

// TestAttachmentsRoundTrip shows that what is rendered is read again, names of
// nodes too.
func TestAttachmentsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stamp := func(name string) time.Time {
			if rapid.Bool().Draw(t, name+" dated") {
				return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, name), 0).UTC()
			}
			return time.Time{}
		}
		a := Attachments{Noticed: rapid.Bool().Draw(t, "noticed")}
		if a.Noticed {
			a.NoticedAt = stamp("noticed at")
		}
		a.Reactions = rapid.SliceOfNDistinct(rapid.SampledFrom(emojis), -1, len(emojis), rapid.ID).Draw(t, "reactions")
		if len(a.Reactions) == 0 {
			a.Reactions = nil
		} else {
			a.ReactedAt = stamp("reacted at")
		}
		el, err := stanza.Parse([]byte(a.Element().String()), "", stanza.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseAttachments(el)
		if diff := cmp.Diff(a, got); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		it := Item{
			Service: rapid.SampledFrom([]string{"juliet@capulet.lit", `alice\40mast.social@ap.example.org`, "pubsub.example.org"}).Draw(t, "service"),
			Node:    rapid.StringMatching(`[a-z;=&%?#:/\\ é]{1,12}`).Draw(t, "node"),
			ID:      rapid.StringMatching(`[a-zA-Z0-9;=&%?#:/\\ é]{1,12}`).Draw(t, "item"),
		}
		if back, ok := ParseAttachmentsNode(AttachmentsNode(it)); !ok || back != it {
			t.Fatalf("%v becomes %v", it, back)
		}
	})
}

// FuzzAttachments has what is read of foreign attachments be rendered, and read
// as the same again.
func FuzzAttachments(f *testing.F) {
	for _, file := range []string{"romeo", "libervia", "hostile"} {
		b, err := os.ReadFile("testdata/attachments/" + file + ".xml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "urn:xmpp:pubsub-attachments:1/xmpp:a@b.test?;node=n;item=i")
	}
	f.Fuzz(func(t *testing.T, b []byte, node string) {
		if it, ok := ParseAttachmentsNode(node); ok {
			if again, ok := ParseAttachmentsNode(AttachmentsNode(it)); !ok || again != it {
				t.Errorf("%v becomes %v", it, again)
			}
		}
		el, err := stanza.Parse(b, "", stanza.Limits{})
		if err != nil {
			return
		}
		a, err := ParseAttachments(el)
		if err != nil {
			return
		}
		el, err = stanza.Parse([]byte(a.Element().String()), "", stanza.Limits{})
		if err != nil {
			t.Fatalf("what is rendered is no XML: %v", err)
		}
		a.NoticedAt, a.ReactedAt = a.NoticedAt.Truncate(time.Second), a.ReactedAt.Truncate(time.Second)
		if len(a.Reactions) == 0 {
			a.ReactedAt = time.Time{}
		}
		again, err := ParseAttachments(el)
		if diff := cmp.Diff(a, again); err != nil || diff != "" {
			t.Errorf("%v (-first +second):\n%s", err, diff)
		}
	})
}

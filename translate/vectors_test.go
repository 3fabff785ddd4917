package translate

import (
	"errors"
	"io/fs"
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

// vectors is the folder of public test data beside the repository, or "".
func vectors(t *testing.T, folder string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "vectors", folder)
	if _, err := os.Stat(dir); err != nil {
		t.Logf("no test vectors here: %v", err)
		return ""
	}
	return dir
}

// entriesIn finds the Atom entries in a stanza.
func entriesIn(el *stanza.Element) []*stanza.Element {
	if el.Is(stanza.NSAtom, "entry") {
		return []*stanza.Element{el}
	}
	var list []*stanza.Element
	for c := range el.Elements() {
		list = append(list, entriesIn(c)...)
	}
	return list
}

// The entries in the examples of the XEPs.
func TestVectorsXEP(t *testing.T) {
	dir := vectors(t, "xeps")
	if dir == "" {
		return
	}
	want := map[string]func(Post) any{
		"0277/001": words, "0277/002": words,
		"0277/004": func(p Post) any { return []string{p.ReplyTo, p.ReplyRef.ID} },
		"0277/005": func(p Post) any { return []any{p.Kind, p.BoostRef.ID, p.Author.JID} },
		"0277/007": func(p Post) any { return p.Comments.Name },
		"0277/008": words,
		"0472/005": func(p Post) any { return p.ReplyRef.Service },
	}
	wanted := map[string]any{
		"0277/001": []string{"", "hanging out at the Café Napolitano"},
		"0277/002": []string{"", "hanging out at the Café Napolitano"},
		"0277/004": []string{"http://montague.lit/romeo/posts/1cb57d9c-1c46-11dd-838c-001143d5d5db", "1cb57d9c-1c46-11dd-838c-001143d5d5db"},
		"0277/007": "urn:xmpp:microblog:0:comments/dd88c9bc58886fce0049ed050df0c5f2",
		"0472/005": "news.montague.lit",
		"0277/005": []any{KindBoost, "1cb57d9c-1c46-11dd-838c-001143d5d5db", "romeo@montague.lit"},
		"0277/008": []string{"", "She is so pretty!"},
	}
	found := 0
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".xml" {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		el, err := stanza.Parse(b, stanza.NSComponent, stanza.Limits{})
		if err != nil {
			return nil // some are several stanzas, or shortened
		}
		rel, _ := filepath.Rel(dir, file)
		key := filepath.ToSlash(rel)[:8]
		for _, entry := range entriesIn(el) {
			owner := stanza.JID(el.Get("from")).Bare()
			p, err := FromAtom(entry, Item{string(owner), stanza.NSMicroblog, "i"}, Actor{JID: string(owner)})
			if err != nil {
				if !errors.Is(err, ErrNotPost) {
					t.Errorf("%s: %v", rel, err)
				}
				continue
			}
			found++
			checkFragment(t, p.HTML)
			if want[key] == nil {
				continue
			}
			if diff := cmp.Diff(wanted[key], want[key](p)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", rel, diff)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 10 {
		t.Errorf("only %d entries read", found)
	}
}

// Every document that is an object can be read, and written again.
func TestVectorsAS2(t *testing.T) {
	posts := 0
	read := func(name string, doc []byte) {
		o, err := as2.Parse(doc)
		if err != nil {
			return // package as2 tests what it refuses
		}
		if len(o.AttributedTo) == 0 && o.Type() != "" { // some are shortened
			o.AttributedTo = []*as2.Object{{ID: "https://x.test/u"}}
		}
		p, err := FromAS2(o, AS2Context{})
		if err != nil {
			if !errors.Is(err, ErrNotPost) {
				t.Errorf("%s: %v", name, err)
			}
			return
		}
		posts++
		checkPost(t, p)
	}
	for _, file := range [...]string{"bridgy-fed/as1-as2-pairs.json", "bridgy-fed/activities.json"} {
		dir := vectors(t, file)
		if dir == "" {
			return
		}
		b, err := os.ReadFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range documents(t, b) {
			read(file, doc)
		}
	}
	err := filepath.WalkDir(vectors(t, "fedify"), func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(file, ".md") {
			var b []byte
			if b, err = os.ReadFile(file); err == nil {
				read(file, b)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if posts < 20 {
		t.Errorf("only %d posts read", posts)
	}
}

// documents finds all JSON objects with an id, however deep.
func documents(t *testing.T, b jsontext.Value) []jsontext.Value {
	t.Helper()
	var list []jsontext.Value
	switch b.Kind() {
	case '{':
		var m map[string]jsontext.Value
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		if m["id"] != nil {
			list = append(list, b)
		}
		for _, v := range m {
			list = append(list, documents(t, v)...)
		}
	case '[':
		var a []jsontext.Value
		if err := json.Unmarshal(b, &a); err != nil {
			t.Fatal(err)
		}
		for _, v := range a {
			list = append(list, documents(t, v)...)
		}
	}
	return list
}

// checkPost writes a post in every form and fails unless each can be read.
func checkPost(t testing.TB, p Post) {
	t.Helper()
	checkFragment(t, p.HTML)
	for _, l := range []AtomLinks{{}, {Comment: true}, {Budget: 4 << 10}} {
		l.Item = Item{"a@x.test", "n", "i"}
		s := Atom(p, l).String()
		if _, err := stanza.Parse([]byte(s), "", stanza.Limits{Children: 1 << 20, Elements: 1 << 20}); err != nil {
			t.Errorf("%v: %.2000s", err, s)
		}
		if len(s) > AtomBudget {
			t.Errorf("entry of %d bytes", len(s))
		}
		if l.Comment && strings.Contains(s, "<title type='text'/>") {
			t.Errorf("comment without title: %.2000s", s)
		}
	}
	for _, part := range ChatParts(p) {
		message := stanza.New("jabber:client", "message").Add(stanza.Text("", "body", part.Body)).Add(part.Payload...)
		if _, err := stanza.Parse([]byte(message.String()), "", stanza.Limits{Children: 1 << 20, Elements: 1 << 20}); err != nil {
			t.Errorf("%v: %.2000s", err, message)
		}
	}
	b, err := as2.Marshal(AS2Object(p, AS2Links{}))
	if err != nil {
		t.Errorf("%v: %+v", err, p)
		return
	}
	if len(b) < as2.MaxBytes {
		if _, err := as2.Parse(b); err != nil {
			t.Errorf("%v: %.2000s", err, b)
		}
	}
}

func FuzzFromAS2(f *testing.F) {
	files, _ := filepath.Glob("testdata/from_ap/*.json")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := as2.Parse(b)
		if err != nil {
			return
		}
		IsVote(o)
		if p, err := FromAS2(o, AS2Context{}); err == nil {
			checkPost(t, p)
		}
		if p, err := FromAnnounce(o, AS2Context{}); err == nil {
			checkPost(t, p)
		}
	})
}

func FuzzFromAtom(f *testing.F) {
	files, _ := filepath.Glob("testdata/from_xmpp/*.xml")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(b)
		}
	}
	it := Item{"louise@example.org", stanza.NSMicroblog, "i"}
	owner := Actor{URI: testOwner, JID: "louise@example.org"}
	f.Fuzz(func(t *testing.T, b []byte) {
		entry, err := stanza.Parse(b, "", stanza.Limits{})
		if err != nil {
			return
		}
		IsHeart(entry)
		p, err := FromAtom(entry, it, owner)
		if err != nil {
			return
		}
		p.URI = "https://example.org/1"
		if p.Published.IsZero() { // the gateway knows when it came
			p.Published = testTime
		}
		checkPost(t, p)
		if p.Author.URI != testOwner && p.Kind != KindBoost {
			t.Errorf("author is %+v", p.Author)
		}
		// What we write of it is the same post again.
		if len(p.HTML)+len(p.Text) > AtomBudget/2 || len(p.Translations) > 0 {
			return
		}
		links := AtomLinks{Item: it, AuthorJID: owner.JID, Page: p.URL, Via: p.Boost}
		if r := p.BoostRef; r != nil {
			links.Via = PubSubURI(r.Service, r.Node, r.ID)
		}
		entry = parseEntry(t, Atom(p, links).String())
		again, err := FromAtom(entry, it, owner)
		if err != nil {
			t.Fatalf("%v: %+v", err, p)
		}
		if p.Kind == KindBoost {
			forgetBoosted(&p, &again)
		} else if madeOfText(entry, p, links) {
			if diff := cmp.Diff(lineWords(withHosts(readable(p), p.Mentions)), lineWords(readable(again))); diff != "" {
				t.Errorf("text (-once +twice):\n%s\n%s", diff, entry)
			}
			forgetEmphasis(&p, &again)
		}
		if diff := cmp.Diff([]any{p.HTML, p.Text, p.Warning, p.Sensitive, p.Quote, p.Media, p.Links, p.Published, p.Updated, p.ReplyTo},
			[]any{again.HTML, again.Text, again.Warning, again.Sensitive, again.Quote, again.Media, again.Links, again.Published, again.Updated, again.ReplyTo}); diff != "" {
			t.Errorf("(-once +twice):\n%s\n%s", diff, entry)
		}
	})
}

func FuzzFromChat(f *testing.F) {
	f.Add([]byte("<message><body>&gt; a\nb</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='4'/></fallback></message>"))
	f.Add([]byte("<message><body>https://x.test/a.png</body><x xmlns='jabber:x:oob'><url>https://x.test/a.png</url></x></message>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		message, err := stanza.Parse(b, "", stanza.Limits{})
		if err != nil {
			return
		}
		if p, err := FromChat(message, Actor{URI: testOwner}, nil); err == nil {
			checkPost(t, p)
		}
	})
}

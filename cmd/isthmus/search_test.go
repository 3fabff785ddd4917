package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"isthmus/cache"
	"isthmus/translate"
)

// library adds posts to search to the filled store.
func library(t *testing.T, b *bench) {
	t.Helper()
	store := filled(t, b)
	err := store.Update(t.Context(), func(tx *cache.Tx) error {
		for i, text := range []string{"cats and \x1b[2J\u202edogs", "a picture of the sea", "pages"} {
			p := post(string(rune('a'+i)), translate.Public, text)
			switch i {
			case 0:
				p.Tags, p.Lang, p.ReplyTo = []string{"Pets"}, "fr", post("7q", "", "").URI
			case 1:
				p.Media = []translate.Media{{URL: "https://m.example/1", MediaType: "image/png", Width: 1200, Alt: "waves"}}
			case 2:
				p.Kind, p.Title = translate.KindArticle, "Book"
			}
			p.Published = day.AddDate(0, 0, i)
			if _, _, err := tx.PutPost(p, nil, cache.PutOptions{Received: day.AddDate(0, 0, i)}); err != nil {
				return err
			}
			p.Updated = day.AddDate(0, i, 0)
			if _, _, err := tx.PutPost(p, nil, cache.PutOptions{Received: day.AddDate(0, i, 1)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	awaitIndex(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// Each flag of the search, and what it finds: the last part of the ids.
func TestSearchFlags(t *testing.T) {
	b := newBench(t, serveConfig(t))
	library(t, b)
	for _, tt := range []struct{ args, want string }{
		{"", "c b a 7q"},
		{"-l 1", "c"},
		{"-l 2 -i 1", "b a"},
		{"cats", "a"},
		{"cats OR sea", "b a"},
		{"--fts|cats OR sea|--fts|sea OR pages", "b"},
		{"-cats", "c b 7q"}, // words, although they look like flags
		{"-l2 -cats -o updated:desc", "c b"},
		{"sea|-pages", "b"},
		{"-F|media.alt|like|%aves|-t|note", "b"}, // in three arguments, as Libervia has it
		{"--filter|[\"media\", 0, \"alt\"]|==|waves|sea", "b"},
		{"-F|reply_to|exists|-l|5", "a"},
		{"-F|reply_to|exists|false|sea", "b"},
		{"-F|media.alt == waves|sea", "b"},
		{"-from:louise@example.org", ""},
		{"cats OR|-harbour", "c b a"},
		{"-(cats OR sea)|-l|2", "c 7q"},
		{"-o|-updated", "c b a 7q"},
		{"cats OR sea", "b a"},
		{"--fts|-cats", "c b 7q"},
		{"is:reply", "a"},
		{"-t blog -S|", "c b 7q"},
		{"-t article -t reply", "c a"},
		{"--subtype comment", "a"},
		{"--language fr --language en", "a"},
		{"--category pets", "a"},
		{"-T pets -T sea", "a"},
		{"--author louise@example.org sea", "b"},
		{"--author nobody@example.org", ""},
		{"-s louise@example.org", "c b a 7q"},
		{"-s louise@example.org -n urn:xmpp:microblog:0 -n other", "c b a 7q"},
		{"-s louise@example.org -n other", ""},
		{"-n other", ""},
		{"--after 2026-11-21", "c b"},
		{"--created-before 2026-11-21", "a 7q"},
		{"--updated-after 2026-12", "c b"},
		{"--updated-before 2026-12", "a"},
		{"--field|media.width >= 1000", "b"},
		{"-F|media.width >= 1000|-F|media.alt ilike %WAVE%", "b"},
		{"-F|kind in note,question|-o|creation asc", "7q a b"},
		{"-o updated:asc", "a 7q b c"},
		{"-o|modification desc", "c b a 7q"},
		{"-o|field kind asc|-o|field item.id desc", "c b a 7q"},
		{"-o rank sea", "b"},
		{"harbour --all", "8r 7q"},
		{"harbour --as louise@example.org", "8r 7q"},
		{"harbour", "7q"},
	} {
		args := strings.Fields(tt.args)
		if strings.Contains(tt.args, "|") {
			args = nil
			for part := range strings.SplitSeq(tt.args, "|") {
				if i := strings.IndexByte(part, ' '); i > 0 && strings.HasPrefix(part, "-t") {
					args = append(args, strings.Fields(part)...)
					continue
				}
				args = append(args, part)
			}
		}
		status, out, errs := b.with(append([]string{"search", "-O", "ndjson", "-k", "uri"}, args...)...)
		var ids []string
		for line := range strings.Lines(out) {
			var m map[string]string
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Errorf("%s: %q: %v", tt.args, line, err)
			}
			ids = append(ids, m["uri"][strings.LastIndexByte(m["uri"], '/')+1:])
		}
		if got := strings.Join(ids, " "); status != exitDone || got != tt.want || errs != "" && !strings.HasPrefix(errs, "isthmus: there are more; go on with --cursor ") {
			t.Errorf("%s: status %d, %q, want %q\n%s", tt.args, status, got, tt.want, errs)
		}
	}
}

// A wrong search shows the place of the mistake.
func TestSearchMistakes(t *testing.T) {
	b := newBench(t, serveConfig(t))
	library(t, b)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"é", "form:alice"}, "did you mean from:? To search for the words, put them in quotation marks\n  é form:alice\n    ^^^^^\n"},
		{[]string{"--type", "poem"}, `--type "poem" is none of`},
		{[]string{"--type", ""}, `--type "" is none of`},
		{[]string{"--fts", "guce sort:title"}, "sort: is no part of it; give the order with --order-by"},
		{[]string{"lang:English"}, "did you mean lang:en?"},
		{[]string{"--field", "media.widht > 3"}, "did you mean width?"},
		{[]string{"--order-by", "titel"}, "did you mean title?"},
		{[]string{"--key", "titel"}, "did you mean title?"},
		{[]string{"--key", ""}, "the path of a field is needed"},
		{[]string{"cats OR"}, "OR"},
		{[]string{"--cursor", "x"}, "the cursor is not one of this search; start without it"},
		{[]string{"--before", "soon"}, `"soon" is no date`},
		{[]string{"x", "--all", "--as", "louise@example.org"}, "--all is for the operator"},
		{[]string{"x", "--count", "--output", "xml"}, "--count is one number; leave --output xml away, or take --json"},
		{[]string{"x", "--count", "--key", "url"}, "--count is of all pages"},
		{[]string{"--field", "kind == reply"}, `there is no kind "reply"; did you mean is:reply?`},
		{[]string{"--field", "kind == pol"}, "did you mean poll?"},
		{[]string{"--field", "visibility in public,folowers"}, "did you mean followers?"},
		{[]string{`where:"origin == elsewhere"`}, `there is no origin "elsewhere"; there are ap, xmpp`},
		{[]string{"x", "--index=-1"}, "--index must not be negative"},
	} {
		if status, out, errs := b.with(append([]string{"search"}, tt.args...)...); status != exitFailed || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: status %d\n%s%s", tt.args, status, out, errs)
		}
	}
}

// How many there are does not depend on how many are shown.
func TestSearchCount(t *testing.T) {
	b := newBench(t, serveConfig(t))
	library(t, b)
	for _, tt := range []struct{ args, want string }{
		{"", "4\n"}, {"-l 1", "4\n"}, {"cats OR sea", "2\n"}, {"harbour", "1\n"}, {"harbour --all", "2\n"}, {"-o updated sea", "1\n"}, {"nothing", "0\n"},
		{"--json -F reply_to==x", "{\n  \"count\": 0\n}\n"}, {"--json cats", "{\n  \"count\": 1\n}\n"},
	} {
		status, out, errs := b.with(append([]string{"search", "--count"}, strings.Fields(tt.args)...)...)
		if status != exitDone || out != tt.want || errs != "" {
			t.Errorf("%q: status %d, %q\n%s", tt.args, status, out, errs)
		}
	}
}

// What is saved is checked before it is.
func TestSaveMistakes(t *testing.T) {
	b := newBench(t, serveConfig(t))
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"two words", "quokka"}, `isthmus: "two words" is no name of a search: a name is one word` + "\n"},
		{[]string{"mine", "form:x"}, "isthmus: there is no operator form:; did you mean from:? To search for the words, put them in quotation marks\n  form:x\n  ^^^^^\n"},
	} {
		if status, out, errs := b.with(append([]string{"save", "--as", "louise@example.org"}, tt.args...)...); status != exitFailed || out != "" || errs != tt.want {
			t.Errorf("%q: status %d\n%s%s", tt.args, status, out, errs)
		}
	}
}

// The forms of output; the cursor of one page leads to the next.
func TestSearchOutput(t *testing.T) {
	b := newBench(t, serveConfig(t))
	library(t, b)
	var page struct {
		Posts []struct {
			Text    string           `json:"text"`
			Snippet string           `json:"snippet"`
			Items   []translate.Item `json:"items"`
			Payload string           `json:"item_payload"`
		} `json:"posts"`
		Cursor string `json:"cursor"`
	}
	seen := ""
	for range 5 {
		_, out, errs := b.with("search", "--json", "-P", "--limit", "1", "--cursor", page.Cursor)
		page.Cursor = ""
		page.Posts = nil
		if err := json.Unmarshal([]byte(out), &page); err != nil || len(page.Posts) != 1 {
			t.Fatalf("%v: %s%s", err, out, errs)
		}
		p := page.Posts[0]
		if len(p.Items) != 1 || !strings.HasPrefix(p.Payload, "<entry") || p.Snippet != p.Text {
			t.Errorf("%+v", p)
		}
		seen += p.Items[0].ID + " "
		if page.Cursor == "" {
			break
		}
	}
	if seen != "c b a 7q " {
		t.Errorf("the pages are %s", seen)
	}
	_, out, _ := b.with("search", "-O", "xml")
	titles := 0
	for d := xml.NewDecoder(strings.NewReader(out)); ; {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "entry" && e.Name.Space == "http://www.w3.org/2005/Atom" {
			titles++
		}
	}
	if titles != 4 {
		t.Errorf("%d entries in\n%s", titles, out)
	}
	var feed struct {
		ID      string    `xml:"id"`
		Title   string    `xml:"title"`
		Updated time.Time `xml:"updated"`
		Author  string    `xml:"author>name"`
	}
	_, out, _ = b.with("search", "-O", "xml", "-l", "1", "is:note", "-t", "note")
	if err := xml.Unmarshal([]byte(out), &feed); err != nil || !strings.HasPrefix(feed.ID, "urn:uuid:") || len(feed.ID) != 45 ||
		feed.Title != "Search is:note (is:note)" || !feed.Updated.Equal(day.AddDate(0, 1, 0)) || feed.Author == "" {
		t.Errorf("the feed is %+v, %v\n%s", feed, err, out)
	}
	for _, form := range []string{"xml", "ndjson", "table"} {
		_, out, errs := b.with("search", "-O", form, "-l", "1", "is:note", "-t", "note")
		_, cursor, more := strings.Cut(errs, "isthmus: there are more; go on with --cursor ")
		if !more || strings.Contains(out, "cursor") {
			t.Errorf("%s: no cursor\n%s%s", form, out, errs)
		}
		if _, out, errs = b.with("search", "-O", form, "-l", "1", "is:note", "-t", "note", "--cursor", strings.TrimSpace(cursor)); !strings.Contains(out, "/a") {
			t.Errorf("%s: the next page is %s%s", form, out, errs)
		}
	}
	_, out, _ = b.with("search", "-k", "media.alt", "-k", "owner.handle", "sea")
	if want := "MEDIA.ALT  OWNER.HANDLE\n[\"waves\"]  louise@example.org\n"; out != want {
		t.Errorf("keys: %q", out)
	}
	_, out, _ = b.with("search", "-k", "media[0].alt", "-k", "media[1].alt", "-k", "received", "-k", "items.id", "sea")
	if want := "waves         -             2026-11-21T06:30:00Z  [\"b\"]\n"; !strings.HasSuffix(out, want) {
		t.Errorf("keys: %q", out)
	}
	// The cursor is of the search, however many flags it has.
	search := []string{"search", "-a", "louise@example.org", "-a", "nobody@example.org", "-s", "louise@example.org", "-t", "blog", "--after", "2020", "--before", "2030", "-l", "1", "--json"}
	for range 10 {
		_, out, _ := b.with(search...)
		if err := json.Unmarshal([]byte(out), &page); err != nil {
			t.Fatal(err)
		}
		if page.Cursor == "" {
			break
		}
		if status, _, errs := b.with(append(search, "--cursor", page.Cursor)...); status != exitDone {
			t.Fatalf("the next page: %s", errs)
		}
	}
	if _, out, _ = b.with("search", "cats"); strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("a stranger steers the terminal: %q", out)
	}
}

// On a terminal what matched is bold, and nothing that a post says steers it.
func TestSearchList(t *testing.T) {
	h := searchHit{Post: post("x", translate.Public, ""), Snippet: "\x1b[2Ja cat\u202e", Marks: [][2]int{{5, 10}}}
	var out bytes.Buffer
	if err := (searchReport{Hits: []searchHit{h, h}}).printList(&out, 80, true); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.Count(text, "\x1b[1m") != 2 || strings.Count(text, "\x1b[") != 4 || strings.Contains(text, "\u202e") {
		t.Errorf("%q", text)
	}
	if got := ink(h.marked(false)); strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
	covered := searchHit{Post: post("x", translate.Public, "behind it"), Snippet: "behind it", Marks: [][2]int{{0, 6}}}
	covered.Post.Warning = "cats"
	out.Reset()
	found := searchReport{Hits: []searchHit{covered}}
	if err := errors.Join(found.printList(&out, 80, true), found.print(&app{stdout: &out}, &searchCmd{})); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "[cats]") != 2 || strings.Contains(text, "behind") {
		t.Errorf("a warning hides nothing: %q", text)
	}
	if m, err := covered.members(); err != nil || m["text"] != "behind it" || m["snippet"] != "behind it" {
		t.Errorf("%v, %v", m, err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if !(&app{stdout: null}).terminal() || (&app{stdout: &out}).terminal() {
		t.Error("what is a terminal is not seen")
	}
	var b bytes.Buffer
	if _, err := (safe{&b}).Write([]byte("a\x1b\nb\u202e\n")); err != nil || b.String() != "a\ufffd\nb\ufffd\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

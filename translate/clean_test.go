package translate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestCleanKeepsWhatWasRead: what the readers of both worlds made of documents
// passes as it is.
func TestCleanKeepsWhatWasRead(t *testing.T) {
	for _, pattern := range []string{"testdata/from_ap/*.out.post.json", "testdata/from_xmpp/*.out.post.json"} {
		files := goldenPosts(t, pattern)
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var p Post
			if err := json.Unmarshal(b, &p); err != nil {
				t.Fatal(err)
			}
			if p.Kind == KindBoost { // the gateway stores what it points to only
				p = p.WithOriginal(Post{Author: p.Author, URL: p.URL})
			}
			if diff := cmp.Diff(p, Clean(p), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-read +cleaned):\n%s", file, diff)
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := drawing{rt}
		p := d.post()
		p.Kind, p.Poll, p.To = KindQuestion, d.poll(), []string{"as:Public", "https://x.test/users/1"}
		if diff := cmp.Diff(p, Clean(p), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("(-drawn +cleaned):\n%s", diff)
		}
	})
}

// TestClean: what no reader would let pass is taken out.
func TestClean(t *testing.T) {
	evil := "javascript:alert(1)"
	year := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := Clean(Post{
		URI: evil, Kind: KindNote, Origin: OriginAP, Owner: Actor{URI: "data:text/html,x", Handle: "no handle", JID: "a b@c", Name: "A\x00\nB"},
		Title: strings.Repeat("t", 2000), HTML: `<p onclick="x()">hi<script>alert(1)</script><a href="` + evil + `">x</a>`, Text: "a\x00b",
		Lang: "<en>", Warning: "w\x1b[2J", Tags: []string{"#a b<script>", ""}, Published: year,
		Translations: []Translation{{Lang: "fr", HTML: "<iframe src='https://e.example/'></iframe><script>1</script>x"}, {Lang: "?", Text: "x"}},
		Media:        []Media{{URL: evil}, {URL: "https://a.example/b.png", Size: -1, Blurhash: strings.Repeat("b", 200), Focus: &[2]float64{5, 5}}},
		Links:        []Link{{URL: evil, Title: "x"}}, Emoji: []Emoji{{Shortcode: "x", URL: evil}}, URL: evil, Quote: evil, ReplyTo: evil, Boost: evil,
		Mentions: []Mention{{Actor: Actor{URI: evil}, Text: "@x"}}, To: []string{evil, "as:Public"}, Item: &Item{"s", "n\x00", "i"}, Comments: &Node{"s", ""},
	})
	want := Post{
		Kind: KindNote, Origin: OriginAP, Owner: Actor{Name: "A B"}, Title: strings.Repeat("t", 999) + "…", HTML: "<p>hix</p>", Text: "ab",
		Warning: "w[2J", Tags: []string{"abscript"}, Translations: []Translation{{Lang: "fr", HTML: `<p><a href="https://e.example/">e.example/</a>x</p>`}},
		Media: []Media{{URL: "https://a.example/b.png"}}, To: []string{"as:Public"},
	}
	want.Translations[0].HTML, _ = Sanitize(`<iframe src='https://e.example/'></iframe><script>1</script>x`)
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b := Clean(Post{URI: "https://a.example/1", Kind: KindBoost, Boost: "https://b.example/2", Text: "forged", HTML: "<p>forged", Title: "forged", Media: want.Media})
	if diff := cmp.Diff(Post{URI: b.URI, Kind: KindBoost, Boost: "https://b.example/2"}, b); diff != "" {
		t.Errorf("a boost (-want +got):\n%s", diff)
	}
}

// FuzzClean: what was cleaned is clean.
func FuzzClean(f *testing.F) {
	for _, file := range goldenPosts(f, "testdata/from_*/*.out.post.json") {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"uri":"xmpp:x","kind":"note","html":"<svg><script>1","thread":"\u0000 x","translations":[{"lang":"fr","html":"<b"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Post
		if json.Unmarshal(b, &p) != nil {
			return
		}
		once := Clean(p)
		checkFragment(t, once.HTML)
		if diff := cmp.Diff(once, Clean(once), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-once +twice):\n%s", diff)
		}
	})
}

// goldenPosts lists golden files.
func goldenPosts(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

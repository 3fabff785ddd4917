package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isthmus/translate"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"  Plain  ASCII\t":    "plain ascii",
		"Café":                "cafe",
		"Cafe\u0301":          "cafe",
		"ΕΛΛΆΔΑ":              "ελλαδα",
		"Ελλάδος":             "ελλαδοσ",
		"Straße":              "strasse",
		"Œuvre de Łódź":       "oeuvre de lodz",
		"Þór Æsir smørrebrød": "thor aesir smorrebrod",
		"STRAẞE":              "strasse",
		"ﬁne":                 "fine",
		"İstanbul":            "istanbul",
		"天气好":                 "天 气 好",
		"在Go里":                "在 go 里",
		"テスト":                 "テ ス ト",
		"ﾃｽﾄ":                 "テ ス ト",
		"コーヒー":                "コ ー ヒ ー",
		"日本語のtest":            "日 本 語 の test",
		"ไทย":                 "ไ ท ย",
		"ភាសា":                "ភ ា ស ា",
		"שָׁלוֹם":             "שלום",
		"Ｆｕｌｌ　ｗｉｄｔｈ":          "full width",
		"x²":                  "x2",
		"№":                   "no",
		"Ångström":            "angstrom",
		"Đặng Tiếng Việt":     "dang tieng viet",
		"a\u00a0b":            "a b",
		"🎉 party":             "🎉 party",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFoldTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		once := Fold(s)
		if twice := Fold(once); twice != once {
			t.Fatalf("%q folds to %q, and that to %q", s, once, twice)
		}
		if strings.HasPrefix(once, " ") || strings.HasSuffix(once, " ") || strings.Contains(once, "  ") {
			t.Fatalf("%q folds to %q", s, once)
		}
	})
}

// TestTokens: the words of a text are those of the folded text, whichever way
// they are cut.
func TestTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.SampledFrom([]rune("aB é\u0301ßﬁ½天ーテﾃ゙ไที่ \n-_.x²🎉가각\u1100\u1161\u11a8")), 0, 20, -1).Draw(t, "text")
		var got []string
		last := 0
		for tok := range tokens(s) {
			got = append(got, tok.word)
			if tok.start < last || tok.end <= tok.start || tok.end > len(s) {
				t.Fatalf("%q: token %+v after %d", s, tok, last)
			}
			last = tok.start
		}
		if want := words(Fold(s)); !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
	})
}

// library fills a store with posts to search, one a second.
func library(t testing.TB, s *Store) {
	t.Helper()
	s.update(t, func(tx *Tx) error {
		for i, text := range []string{
			"Der Schnee auf der Straße in München",
			"Snow in Munich, don't slip",
			"今日は天気がいいですね",
			"Η Ελλάδα το καλοκαίρι",
			"the quick brown fox jumps over the lazy dog",
			"quick foxes and brown bears",
			"cats",
		} {
			owner := fmt.Sprintf("https://h%d.example/u", i%3)
			p := note(fmt.Sprintf("https://h%d.example/%d", i%3, i), owner, text)
			p.Owner.Handle = fmt.Sprintf("user%d@h%d.example", i, i%3)
			if i%3 == 2 {
				p.Owner.Name = "Harbour Master"
			}
			p.Published = day.Add(time.Duration(i) * time.Second)
			p.Lang = []string{"de", "en-GB", "ja"}[i%3]
			switch i {
			case 3:
				p.Summary = "the harbour"
			case 4:
				p.Title, p.Tags = "A pangram", []string{"Typography"}
			case 5:
				p.Warning, p.Kind = "animals", translate.KindArticle
				p.Media = []translate.Media{{URL: "https://m", Alt: "a panda"}}
			case 6:
				p.Translations = []translate.Translation{{Lang: "fr", Text: "des chats"}}
			}
			if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Hour)}); err != nil {
				return err
			}
			if err := tx.PutActor(Actor{URI: owner, Acct: fmt.Sprintf("u@h%d.example", i%3), Name: p.Owner.Name, Indexable: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestSearch(t *testing.T) {
	s := open(t)
	library(t, s)
	for _, c := range []struct {
		q    SearchQuery
		want string // the numbers of the posts
	}{
		{SearchQuery{Text: "strasse"}, "0"},
		{SearchQuery{Text: "MUNCHEN"}, "0"},
		{SearchQuery{Text: "münchen"}, "0"},
		{SearchQuery{Text: "天気"}, "2"},
		{SearchQuery{Text: "気"}, "2"},
		{SearchQuery{Text: "気天"}, ""},
		{SearchQuery{Text: "ελλαδα"}, "3"},
		{SearchQuery{Text: "quick"}, "54"},
		{SearchQuery{Text: "quick brown"}, "54"},
		{SearchQuery{Text: `"quick brown"`}, "4"},
		{SearchQuery{Text: "quick -lazy"}, "5"},
		{SearchQuery{Text: "fox"}, "4"},
		{SearchQuery{Text: "fox*"}, "54"},
		{SearchQuery{Text: `"brown fo"*`}, "4"},
		{SearchQuery{Text: "don't"}, "1"},
		{SearchQuery{Text: "pangram"}, "4"},
		{SearchQuery{Text: "#typography"}, "4"},
		{SearchQuery{Text: "animals"}, "5"},
		{SearchQuery{Text: "panda"}, "5"},
		{SearchQuery{Text: "chats"}, "6"},
		{SearchQuery{Text: "@user1@h1.example"}, ""}, // is who wrote, and for from:
		{SearchQuery{Text: "harbour"}, "3"},          // but not the posts of Harbour Master
		{SearchQuery{Text: "harb*"}, "3"},
		{SearchQuery{Text: "quick -harbour"}, "54"},
		{SearchQuery{Text: "from:harbour"}, "52"},
		{SearchQuery{Text: `from:"HARBOUR master" quick`}, "5"},
		{SearchQuery{Text: `from:"master harbour"`}, ""},
		{SearchQuery{Text: "from:harb"}, ""},
		{SearchQuery{Text: "-from:harbour quick"}, "4"},
		{SearchQuery{Text: "-quick"}, "63210"},
		{SearchQuery{Text: "?!"}, ""},
		{SearchQuery{}, "6543210"},
		{SearchQuery{Text: "tag:TYPOGRAPHY"}, "4"},
		{SearchQuery{Text: "from:https://h1.example/u"}, "41"},
		{SearchQuery{Text: "from:@u@h1.example quick"}, "4"},
		{SearchQuery{Text: "from:nobody@x"}, ""},
		{SearchQuery{Text: "from:H2.example"}, "52"},
		{SearchQuery{Text: "is:article"}, "5"},
		{SearchQuery{Text: "lang:en"}, "41"},
		{SearchQuery{Text: "lang:en-GB"}, "41"},
		{SearchQuery{Text: "after:2026-11-21T12:00:04Z"}, "654"},
		{SearchQuery{Text: "before:2026-11-21T12:00:02Z"}, "10"},
		{SearchQuery{Text: "quick after:2026-11-21T12:00:05Z"}, "5"},
		{SearchQuery{Text: "quick before:2026-11-21T12:00:05Z"}, "4"},
	} {
		for _, limit := range []int{1, 2, 100} {
			got := ""
			q := c.q
			q.Limit = limit
			for {
				var res SearchResult
				s.view(t, func(tx *Tx) (err error) { res, err = tx.Search(q); return err })
				for _, h := range res.Hits {
					got += h.Post.URI[len(h.Post.URI)-1:]
				}
				if q.Cursor = res.Cursor; q.Cursor == "" {
					break
				}
			}
			if got != c.want {
				t.Errorf("%+v: found %q, want %q", q, got, c.want)
			}
		}
	}
}

// TestSearchFollows: an edit, a narrower audience and an opt-out are seen at
// once, whether the indexer ran or not.
func TestSearchFollows(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	p := note("https://a.example/1", alice, "before")
	s.update(t, func(tx *Tx) error { return tx.PutActor(Actor{URI: alice, Indexable: true}) })
	find := func(text string, want int) {
		t.Helper()
		s.view(t, func(tx *Tx) error {
			res, err := tx.Search(SearchQuery{Text: text})
			if len(res.Hits) != want {
				t.Errorf("%q is found %d times", text, len(res.Hits))
			}
			return err
		})
	}
	s.put(t, p)
	if err := s.Index(ctx); err != nil {
		t.Fatal(err)
	}
	find("before", 1)
	p.Text = "after"
	s.put(t, p)
	find("before", 0)
	if err := s.Index(ctx); err != nil {
		t.Fatal(err)
	}
	find("after", 1)
	p.Visibility = translate.Followers
	s.put(t, p)
	find("after", 0)
	p.Visibility = translate.Public
	s.put(t, p)
	if err := s.Index(ctx); err != nil {
		t.Fatal(err)
	}
	find("after", 1)
	s.update(t, func(tx *Tx) error { return tx.PutActor(Actor{URI: alice}) })
	find("after", 0)
}

// TestIndexer: the store indexes by itself, also what another run left.
func TestIndexer(t *testing.T) {
	path := t.TempDir() + "/x.db"
	s := openAt(t, path)
	wait := func() {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			st, err := s.Stats(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if st.Unindexed == 0 {
				return
			}
			if time.Now().After(end) {
				t.Fatal("posts are not indexed")
			}
		}
	}
	s.put(t, note("https://a.example/1", alice, "x"))
	wait()
	s.put(t, note("https://a.example/2", alice, "x"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	wait()
}

// TestIndexStale: what changed while it was being folded is not indexed as it
// was.
func TestIndexStale(t *testing.T) {
	s := open(t)
	p := note("https://a.example/1", alice, "stale")
	err := s.Update(context.Background(), func(tx *Tx) error {
		if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Hour)}); err != nil {
			return err
		}
		rows, err := all(tx, s.scanIndexRow, "SELECT "+indexColumns+" FROM "+postsBodies+" WHERE p.indexed = 0")
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		p.Text = "fresh"
		if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(time.Hour)}); err != nil {
			return err
		}
		if err := tx.index(rows); err != nil {
			return err
		}
		for text, want := range map[string]int{"stale": 0, "fresh": 0} {
			if res, err := tx.Search(SearchQuery{Text: text, Any: true}); len(res.Hits) != want || res.Behind != 1 || err != nil {
				t.Errorf("%q: %d hits, %d behind, %v", text, len(res.Hits), res.Behind, err)
			}
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
}

// TestIndexReused: the words of a post that went while they were being folded do
// not become those of the one that has its number now.
func TestIndexReused(t *testing.T) {
	s := open(t)
	s.update(t, func(tx *Tx) error {
		_, _, err := tx.PutPost(note("https://a.example/1", alice, "private words"), nil, PutOptions{Received: day})
		return err
	})
	s.update(t, func(tx *Tx) error {
		rows, err := all(tx, s.scanIndexRow, "SELECT "+indexColumns+" FROM "+postsBodies+" WHERE p.indexed = 0")
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		if err := tx.forget(candidate{id: rows[0].ID, uri: "https://a.example/1"}); err != nil {
			return err
		}
		id, _, err := tx.PutPost(note("https://a.example/2", alice, "other words"), nil, PutOptions{Received: day})
		if err != nil || id != rows[0].ID {
			t.Fatalf("the number is %d, was %d, %v", id, rows[0].ID, err)
		}
		return tx.index(rows)
	})
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.view(t, func(tx *Tx) error {
		for text, want := range map[string]int{"private": 0, "other": 1} {
			if res, err := tx.Search(SearchQuery{Text: text, Any: true}); len(res.Hits) != want || err != nil {
				t.Errorf("%q: %d hits, %v", text, len(res.Hits), err)
			}
		}
		return nil
	})
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("word ", 60)
	for name, c := range map[string]struct {
		text, query, want string // the match in want stands in []
	}{
		"whole":        {"the quick brown fox", "brown", "the quick [brown] fox"},
		"folded":       {"In der Straße", "STRASSE", "In der [Straße]"},
		"combining":    {"un cafe\u0301 noir", "café", "un [cafe\u0301] noir"},
		"han":          {"今日は天気がいい", "天気", "今日は[天気]がいい"},
		"phrase":       {"brown quick brown fox", `"quick brown"`, "brown [quick brown] fox"},
		"prefix":       {"foxes fox", "fox*", "[foxes] [fox]"},
		"two":          {"a b c a", "a c", "[a] b [c] [a]"},
		"not":          {"a b", "a -b", "[a] b"},
		"none":         {"a b", "zzz", "a b"},
		"ligature":     {"so ﬁne", "fine", "so [ﬁne]"},
		"from inside":  {long + "needle " + long, "needle", "…" + strings.Repeat("word ", 9) + "[needle] " + strings.Repeat("word ", 22)[:108] + "…"},
		"only letters": {"don't", "don't", "[don't]"},
	} {
		q, err := parseQuery(c.query, day)
		if err != nil {
			t.Fatal(err)
		}
		got, marks := snippet(translate.Post{Text: c.text}, q.root.terms())
		for _, m := range slices.Backward(marks) {
			got = got[:m[0]] + "[" + got[m[0]:m[1]] + "]" + got[m[1]:]
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestSnippetOfWhatMatched: where the text has no match, what has one is shown.
func TestSnippetOfWhatMatched(t *testing.T) {
	alt := []translate.Media{{URL: "u"}, {Alt: "red fox"}, {Alt: "a quokka"}}
	for _, c := range []struct {
		post        translate.Post
		query, want string
	}{
		{translate.Post{Media: alt}, "quokka", "a quokka"},
		{translate.Post{Media: alt, Text: "look"}, "quokka", "a quokka"},
		{translate.Post{Media: alt, Text: "look"}, "zzz", "look"},
		{translate.Post{Media: alt}, "zzz", "red fox"},
		{translate.Post{Text: "look", Translations: []translate.Translation{{Text: "regarde"}}}, "regarde", "regarde"},
	} {
		q, err := parseQuery(c.query, day)
		if err != nil {
			t.Fatal(err)
		}
		if got, marks := snippet(c.post, q.root.terms()); got != c.want || len(marks) > 0 != (c.query != "zzz") {
			t.Errorf("%s: %q %v, want %q", c.query, got, marks, c.want)
		}
	}
}

// TestPhraseEnds: a phrase is in one tag, one text or one description, and what
// keeps them apart is not found.
func TestPhraseEnds(t *testing.T) {
	s := open(t)
	p := note("https://h.example/1", alice, "last of the text")
	p.Title, p.Summary, p.Tags = "The title", "first of the summary", []string{"cats", "dogs", "big fish"}
	p.Owner.Name, p.Owner.Handle = "Ann", "bob@h.example"
	p.Media = []translate.Media{{Alt: "a moon"}, {}, {Alt: "rising"}}
	p.Translations = []translate.Translation{{Text: "le texte", Title: "Le titre"}}
	s.put(t, p)
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.view(t, func(tx *Tx) error {
		for text, want := range map[string]int{
			`"cats dogs"`: 0, `"dogs big"`: 0, `"big fish"`: 1, "cats dogs fish": 1, `"text first"`: 0, `"summary le"`: 0, `"texte a"`: 0, `"a moon"`: 1,
			`"moon rising"`: 0, `"moon ris*"`: 0, `"title le"`: 0, `"ann bob"`: 0, `"bob h example"`: 0, "from:ann": 1, border: 0, border + "*": 0, `"cats ` + border + ` dogs"`: 0,
			markSign + "*": 0, mark(markIs, "note"): 0, `"of the text"`: 1, `"of the summary"`: 1,
		} {
			res, err := tx.Search(SearchQuery{Text: text, Any: true})
			if len(res.Hits) != want || err != nil {
				t.Errorf("%s: %d hits, %v", text, len(res.Hits), err)
			}
		}
		return nil
	})
}

// FuzzSearchQuery: a text is either found by or wrong at a place in it, and a
// snippet's marks are valid.
func FuzzSearchQuery(f *testing.F) {
	for _, seed := range []string{
		`"x`, "a:b", "NEAR(a b, 5)", "* -* -\"", `a" OR "b`, "title : x", "{title text} : x", "^a", "a + b", "-", "\x00", "\xff\xfe",
		"'; DROP TABLE posts; --", "a AND", "NOT", "(((", ")", `""""`, "天*", "½", "\u202e", "ﷺ", strings.Repeat("(", 500),
		strings.Repeat("a* ", 100), `-"`, `"-a" -"-b"*`, "rank", "posts_fts", "x{", "\u0300", "a\u0300*", "%", "_", "\\",
		"(a OR b) -c", "from:me to:u@h1.example", `where:"media.alt like %a%"`, "sort:-title quick", "in:a.b/c", "is:repli", "has:", "on:7d",
		"(", ")", "a OR", "NOT", `tag:"x`, "where:media[0].focus[1]>2", "(from:a OR #b) after:2026 before:7d", `where:"updated in 2026,2025"`,
	} {
		f.Add(seed)
	}
	s := open(f)
	library(f, s)
	f.Fuzz(func(t *testing.T, text string) {
		s.view(t, func(tx *Tx) error {
			res, err := tx.Search(SearchQuery{Text: text, Any: true})
			var wrong *QueryError
			if errors.As(err, &wrong) && wrong.Pos >= 0 && wrong.Len >= 0 && wrong.Pos+wrong.Len <= len(text) && wrong.Problem != "" {
				return nil
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			for _, h := range res.Hits {
				last := 0
				for _, m := range h.Marks {
					if m[0] < last || m[1] <= m[0] || m[1] > len(h.Snippet) || !utf8.ValidString(h.Snippet[m[0]:m[1]]) {
						t.Fatalf("%q: marks %v in %q", text, h.Marks, h.Snippet)
					}
					last = m[1]
				}
			}
			return nil
		})
	})
}

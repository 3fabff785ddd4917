package cache

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// plans are the steps in which SQLite answers a search.
func (tx *Tx) plans(q SearchQuery) (string, error) {
	read, err := parseQuery(q.Text, day)
	if err != nil {
		return "", err
	}
	w, err := tx.newWalk(q, read, "")
	if err != nil || len(w.arms) == 0 {
		return "", err
	}
	query, args := w.statement(20)
	steps, err := all(tx, func(r row) (s string, err error) {
		var a, b, c any
		err = r.Scan(&a, &b, &c, &s)
		return s, err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	return strings.Join(steps, "\n"), err
}

// fromMarks is a walk through the index by marks, and through what waits for it.
const fromMarks = "MERGE (UNION)\nLEFT\nSCAN posts_fts VIRTUAL TABLE INDEX 192:M5>\nSEARCH p USING INTEGER PRIMARY KEY (rowid=?)"

// TestNewestNeverSorts: newest first walks an index and stops, whatever is
// asked and whoever asks.
func TestNewestNeverSorts(t *testing.T) {
	s := open(t)
	library(t, s)
	crowd(t, s, 3*maxPeople)
	s.update(t, func(tx *Tx) error { // a service with many nodes, and comments
		for i := range 20 {
			for _, node := range []string{"n", commentsPrefix} {
				_, err := tx.Place(Placement{Service: "many.example", Node: fmt.Sprint(node, i), ItemID: "i", URI: "https://h0.example/0", PlacedAt: day})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	s.view(t, func(tx *Tx) error {
		for text, by := range map[string]string{
			"":                                  "SEARCH p USING INTEGER PRIMARY KEY",
			"quick":                             "SCAN posts_fts VIRTUAL TABLE INDEX",
			"quick -lazy brown":                 "SCAN posts_fts VIRTUAL TABLE INDEX",
			"quick (cats OR is:reply)":          "SCAN posts_fts VIRTUAL TABLE INDEX",
			"quick has:media lang:fr":           "SCAN posts_fts VIRTUAL TABLE INDEX",
			"quick after:2025 before:2027":      "SCAN posts_fts VIRTUAL TABLE INDEX",
			"-quick":                            "p USING INTEGER PRIMARY KEY",
			"is:article":                        fromMarks,
			"is:article -is:reply":              fromMarks,
			"has:video lang:fr":                 fromMarks,
			"lang:fr OR is:poll":                fromMarks,
			"from:h1.example":                   fromMarks,
			"from:h1.example has:link":          fromMarks,
			`where:"lang == fr"`:                fromMarks,
			`where:"kind in note,event"`:        fromMarks,
			"in:comments":                       "p USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY",
			"in:many.example lang:fr":           "p USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY",
			"in:many.example/n3":                "SEARCH t USING COVERING INDEX placements_sorted",
			"is:boost":                          "SEARCH p USING COVERING INDEX posts_boosts",
			"-is:article":                       "p USING INTEGER PRIMARY KEY",
			`where:"media.size > 3"`:            "p USING INTEGER PRIMARY KEY",
			"tag:typography":                    "SEARCH t USING PRIMARY KEY (tag=?",
			"tag:typography quick":              "SEARCH t USING PRIMARY KEY (tag=?", // the fewer
			"#typography OR #other":             "MERGE (UNION)",
			"quick OR tag:typography":           "MERGE (UNION)",
			"from:https://h1.example/u":         "SEARCH p USING COVERING INDEX posts_owner",
			"from:@u@h1.example is:note":        "SEARCH p USING INDEX posts_owner",
			"from:u":                            "MERGE (UNION)",
			"from:zed":                          "p USING INTEGER PRIMARY KEY (rowid=?)\nLIST SUBQUERY",
			"-from:zed":                         "SEARCH p USING INTEGER PRIMARY KEY",
			"to:zed":                            "MERGE (UNION)",
			"to:https://h1.example/u":           "mentions",
			"from:https://h1.example/u -#other": "posts_owner",
			"sort:updated":                      "p USING INDEX posts_touched",
			"sort:received -is:event":           "p USING INDEX posts_received",
			"sort:published":                    "p USING INTEGER PRIMARY KEY",
			"quick sort:published:asc":          "SCAN posts_fts VIRTUAL TABLE INDEX",
		} {
			for _, v := range []Viewer{{}, {Actor: "https://h1.example/u"}, {Operator: true}} {
				read, err := parseQuery(text, day)
				if err != nil {
					return err
				}
				plan, err := tx.plans(SearchQuery{Text: text, Order: read.order, Viewer: v, All: v.Operator})
				if err != nil {
					return err
				}
				if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "MATERIALIZE") {
					t.Errorf("%q sorts for %+v:\n%s", text, v, plan)
				}
				if v.Operator && !strings.Contains(strings.ReplaceAll(plan, "COVERING INDEX", "INDEX"), strings.ReplaceAll(by, "COVERING INDEX", "INDEX")) {
					t.Errorf("%q goes another way than %s:\n%s", text, by, plan)
				}
			}
		}
		return nil
	})
}

// TestManyNodes finds what stands in a service with more nodes than there are
// ways at once.
func TestManyNodes(t *testing.T) {
	s := open(t)
	library(t, s)
	s.update(t, func(tx *Tx) error {
		for i := range 60 {
			_, err := tx.Place(Placement{Service: "many.example", Node: fmt.Sprint("n", i), ItemID: fmt.Sprint(i), URI: fmt.Sprintf("https://h%d.example/%d", i%3, i%6), PlacedAt: day})
			if err != nil {
				return err
			}
		}
		return nil
	})
	s.view(t, func(tx *Tx) error {
		for text, want := range map[string]string{"in:many.example": "543210", "in:many.example lang:de": "30", "in:many.example/n4": "4", "in:many.example -in:many.example/n4": "53210", "in:other.example": ""} {
			for _, limit := range []int{1, 20} {
				got := ""
				for q := (SearchQuery{Text: text, Any: true, Limit: limit}); ; {
					res, err := tx.Search(q)
					if err != nil {
						t.Fatal(err)
					}
					for _, h := range res.Hits {
						got += h.Post.URI[len(h.Post.URI)-1:]
					}
					if q.Cursor = res.Cursor; q.Cursor == "" {
						break
					}
				}
				if got != want {
					t.Errorf("%s by %d: %s, want %s", text, limit, got, want)
				}
			}
		}
		return nil
	})
}

// TestRelevance: what says more about the words comes first, and the pages of a
// ranked search stay whole while posts come.
func TestRelevance(t *testing.T) {
	s := open(t)
	add := func(i int, text, title string) {
		p := note(fmt.Sprintf("https://h.example/%d", i), alice, text)
		p.Title, p.Published = title, day.Add(time.Duration(i)*time.Second)
		s.put(t, p)
		if err := s.Index(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	add(0, "pears and some more words that say nothing of what is asked", "about cats")
	add(1, "cats cats cats", "")
	add(2, "a long text in which cats are named only once among a lot of other things that it tells", "")
	add(3, "dogs", "")
	q := SearchQuery{Text: "cats sort:relevance", Any: true, Limit: 1}
	got := ""
	for i := 4; i < 20; i++ {
		var res SearchResult
		s.view(t, func(tx *Tx) (err error) { res, err = tx.Search(q); return err })
		for _, h := range res.Hits {
			got += h.Post.URI[len(h.Post.URI)-1:]
		}
		if q.Cursor = res.Cursor; q.Cursor == "" {
			break
		}
		add(i, "cats", "")
	}
	if got != "012" && got != "102" {
		t.Errorf("ranked %s", got)
	}
}

// TestRelevanceOfNames: an author's name alone is not found by its words; beside
// a word in the post it says a little, and less than the word said again.
func TestRelevanceOfNames(t *testing.T) {
	s := open(t)
	for i, c := range []struct{ text, name string }{
		{"a word about cats, and about dogs", "Ann"},
		{"a word about cats, and about dogs", "Cats Everywhere"},
		{"a word about cats, and about cats", "Ann"},
		{"a word about birds, and about dogs", "Cats Everywhere"},
		{"a word about birds, and about dogs", "Ann"},
	} {
		p := note(fmt.Sprintf("https://h.example/%d", i), alice, c.text)
		p.Owner.Name, p.Published = c.name, day.Add(-time.Duration(i)*time.Second)
		s.put(t, p)
	}
	for i := range 20 {
		s.put(t, note(fmt.Sprintf("https://h.example/other%d", i), alice, "something else"))
	}
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"cats sort:relevance": "210", "cats": "012", "cats -everywhere sort:relevance": "210", "cats dogs sort:relevance": "10", "everywhere sort:relevance": "",
		"(cats OR birds) -from:bob sort:relevance": "23410", "cat* -birds sort:relevance": "210",
	} {
		s.view(t, func(tx *Tx) error {
			res, err := tx.Search(SearchQuery{Text: text, Any: true})
			got := ""
			for _, h := range res.Hits {
				got += h.Post.URI[len(h.Post.URI)-1:]
			}
			if got != want {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
			return err
		})
	}
}

// TestCursorBelongs: a cursor only goes on with its own search.
func TestCursorBelongs(t *testing.T) {
	s := open(t)
	library(t, s)
	s.view(t, func(tx *Tx) error {
		res, err := tx.Search(SearchQuery{Text: "quick", Limit: 1})
		if err != nil || res.Cursor == "" {
			t.Fatal(res, err)
		}
		for _, q := range []SearchQuery{
			{Text: "brown", Cursor: res.Cursor}, {Text: "quick", Cursor: res.Cursor, Order: []Order{{By: "title"}}},
			{Text: "quick", Cursor: res.Cursor[1:]}, {Text: "quick", Cursor: "!"}, {Text: "quick", Cursor: strings.Repeat("A", 10_000)},
			{Text: "quick", Cursor: res.Cursor, Viewer: Viewer{Actor: alice}},
		} {
			if _, err := tx.Search(q); err == nil || !strings.Contains(err.Error(), "cursor") {
				t.Errorf("%+v: %v", q, err)
			}
		}
		return nil
	})
}

// TestScripts: words are found in every script, however they are written.
func TestScripts(t *testing.T) {
	s := open(t)
	texts := []string{
		"ภาษาไทยไม่มีช่องว่าง", "東京都に行きました", "我们在北京大学学习中文", "한국어 검색을 합니다", "السَّلَامُ عَلَيْكُمْ",
		"Die Straße ist groß", "İstanbul'da IŞIK ışık", "oﬃce ﬁne ﬂow", "Crème brûlée à São Tomé", "Ёлка и ёжик",
		"καλημέρα ΚΌΣΜΕ", "שָׁלוֹם עולם", "हिन्दी में खोज", "ភាសាខ្មែរ", "ﾃｽﾄ カタカナ", "Smørrebrød Æble", "naïve coöperation", "ℌ①②",
		"Tiếng Việt", "ပြည်မြန်မာ",
	}
	for i, text := range texts {
		s.put(t, note(fmt.Sprintf("https://h.example/%d", i), alice, text))
	}
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"ไทย": 0, "ภาษา": 0, "東京": 1, "京都": 1, "行きました": 1, "北京": 2, "中文": 2, "大学": 2, "검색을": 3, "한국*": 3, "한국": 3, "검색": 3, "국어": 3, "한국어": 3, "한국어 검색": 3,
		"السلام": 4, "عليكم": 4, "السَّلام": 4, "STRASSE": 5, "gross": 5, "straße": 5, "GROẞ": 5, "istanbul": 6, "ISTANBUL*": 6, "ışık": 6,
		"office": 7, "fine": 7, "ﬂow": 7, "creme brulee": 8, "SAO TOME": 8, "елка": 9, "Ёжик": 9, "καλημερα": 10, "κοσμε": 10,
		"שלום": 11, "हिन्दी": 12, "खोज": 12, "ខ្មែរ": 13, "テスト": 14, "ｶﾀｶﾅ": 14, "smørrebrød": 15, "æble": 15, "naive": 16, "cooperation": 16,
		"H12": 17, "tieng viet": 18, "မြန်မာ": 19,
	} {
		s.view(t, func(tx *Tx) error {
			res, err := tx.Search(SearchQuery{Text: text, Any: true})
			if err != nil || len(res.Hits) != 1 || res.Hits[0].Post.Text != texts[want] {
				t.Errorf("%s: %d hits, %v", text, len(res.Hits), err)
			} else if len(res.Hits[0].Marks) == 0 {
				t.Errorf("%s: nothing is marked in %q", text, res.Hits[0].Snippet)
			}
			return nil
		})
	}
}

// FuzzFilter: a filter is either wrong or one that SQLite can answer, whatever
// its path and value are.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"title == x", "media[0].focus[1] > 0.5", "media[].alt ilike %a_%", "tags in [\"a\"]", "event exists", "received < 7d",
		"') OR 1 == 1", "owner.uri' == x", "a.b.c.d == 1", "tags[0] overlap [1,true,null]", "poll.options[3].votes between 1,2",
		"sensitive != false", "updated > 2026", "media.size == 1e400", "title like [*?[%_", "media[65536].alt == x", "media[-1].alt == x",
	} {
		f.Add(seed, "title")
	}
	f.Add("title == x", "media[0].size")
	f.Add("title == x", "-event.place")
	f.Add("title == x", "relevance:asc")
	s := open(f)
	library(f, s)
	f.Fuzz(func(t *testing.T, text, by string) {
		filter, err := ParseFilter(text)
		if err != nil {
			if _, ok := err.(*QueryError); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		q := SearchQuery{Filters: []Filter{filter}, Any: true, Limit: 2}
		if o, err := ParseOrder(by); err == nil {
			q.Order = []Order{o}
		}
		s.view(t, func(tx *Tx) error {
			res, err := tx.Search(q)
			if err != nil {
				t.Fatalf("%q by %q: %v", text, by, err)
			}
			if q.Cursor = res.Cursor; q.Cursor != "" {
				if _, err := tx.Search(q); err != nil {
					t.Fatalf("%q by %q, next: %v", text, by, err)
				}
			}
			return nil
		})
	})
}

package cache

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/translate"
)

// marksWorld puts a plain post, and one that has everything that is: and has:
// ask for.
func marksWorld(t *testing.T, s *Store) (rich string) {
	t.Helper()
	s.put(t, note("https://plain.example/1", "https://plain.example/u", "plain"))
	p := note("https://h.example/1", alice, "see https://x.example/")
	p.Title, p.Warning, p.Sensitive, p.Tags, p.ReplyTo = "Title", "careful", true, []string{"Über Cats"}, "https://h.example/0"
	p.Kind, p.Poll = translate.KindQuestion, &translate.Poll{Options: []translate.Option{{Text: "a"}}}
	p.Lang, p.Translations = "pt-BR", []translate.Translation{{Lang: "zh-Hant-TW", Text: "x"}}
	for _, m := range []string{"image/png", "video/mp4", "audio/ogg"} {
		p.Media = append(p.Media, translate.Media{URL: "https://m", MediaType: m})
	}
	s.put(t, p)
	p.Text, p.Updated = "edited, see https://x.example/", day.Add(time.Hour)
	s.put(t, p)
	return p.URI
}

// asksMarks are searches that find the rich post of marksWorld alone.
var asksMarks = []string{
	"from:" + alice, "from:a.example", "tag:über-cats OR tag:ubercats", "is:reply", "is:poll", "is:edited", "is:sensitive", "has:media",
	"has:image", "has:video", "has:audio", "has:link", "has:cw", "has:title", "has:tag", "has:poll", "lang:pt", "lang:pt-br",
	"lang:zh", "lang:zh-hant", `where:"lang == pt-BR"`, `where:"kind == question"`, `where:"owner.uri == ` + alice + `"`,
	"is:reply lang:pt has:audio from:a.example", "is:edited is:poll", "is:ap is:public -lang:en has:cw", "(is:event OR is:poll)",
	"(lang:pt OR lang:xx) (has:tag OR nothing)",
}

func (s *Store) findsRich(t *testing.T, rich, when string) {
	t.Helper()
	for _, text := range asksMarks {
		s.view(t, func(tx *Tx) error {
			res, err := tx.Search(SearchQuery{Text: text, Any: true})
			if err != nil || len(res.Hits) != 1 || res.Hits[0].Post.URI != rich {
				t.Errorf("%s: %s finds %d, %v", when, text, len(res.Hits), err)
			}
			return nil
		})
	}
}

// TestMarks: what posts are is found by the index, before they are in it, and
// while it is built anew.
func TestMarks(t *testing.T) {
	s := open(t)
	rich := marksWorld(t, s)
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.findsRich(t, rich, "indexed")
	s.update(t, func(tx *Tx) error {
		// As an older version left it: words, and no marks.
		stored, err := tx.list(Viewer{Operator: true}, postsBodies, "")
		for _, p := range stored {
			row := ftsRow(p, nil)
			if err == nil {
				err = tx.run("DELETE FROM posts_fts WHERE rowid = ?", p.ID)
			}
			if err == nil {
				err = tx.run("INSERT INTO posts_fts (rowid, title, text, warning, author, tags) VALUES (?, ?, ?, ?, ?, ?)", row...)
			}
		}
		return err
	})
	s.view(t, func(tx *Tx) error { // otherwise the index would not have been asked
		res, err := tx.Search(SearchQuery{Text: "is:poll", Any: true})
		if len(res.Hits) != 0 {
			t.Error("found without a mark")
		}
		return err
	})
	if found := s.verified(t, false); len(found) != 2 {
		t.Errorf("posts without marks: %+v", found)
	}
	s.update(t, func(tx *Tx) error { return tx.SetMeta(metaReindex, "0") })
	s.findsRich(t, rich, "while the index is built anew")
	if found := s.verified(t, false); len(found) > 0 {
		t.Errorf("while the index is built anew: %+v", found)
	}
	path := s.path
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	for going := true; going; time.Sleep(time.Millisecond) {
		s.view(t, func(tx *Tx) (err error) {
			going, err = tx.Reindexing()
			return err
		})
	}
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.findsRich(t, rich, "built anew")
	s.update(t, func(tx *Tx) error {
		_, err := tx.reindexSome()
		return err
	})
	s.findsRich(t, rich, "not indexed yet")
}

// TestRebuildLetsNewPostsIn: a rebuild that takes long keeps no new post waiting.
func TestRebuildLetsNewPostsIn(t *testing.T) {
	s := open(t)
	for i := range reindexBatch + 10 {
		s.put(t, note(fmt.Sprintf("https://a.example/%d", i), alice, "old"))
	}
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.update(t, func(tx *Tx) error {
		p := note("https://a.example/new", alice, "fresh")
		p.Published = day.Add(time.Hour)
		if _, _, err := tx.PutPost(p, nil, PutOptions{Received: day.Add(2 * time.Hour)}); err != nil {
			return err
		}
		if err := tx.SetMeta(metaReindex, "0"); err != nil {
			return err
		}
		if err := tx.rebuildSome(); err != nil {
			return err
		}
		going, err := tx.Reindexing()
		res, err2 := tx.Search(SearchQuery{Text: "fresh", Any: true})
		if !going || len(res.Hits) != 1 || res.Behind != 0 {
			t.Errorf("going on: %t, found %d, %d wait", going, len(res.Hits), res.Behind)
		}
		return errors.Join(err, err2)
	})
}

// TestMarksAreBounded: what comes from outside makes no endless marks, and none
// that people could write as words.
func TestMarksAreBounded(t *testing.T) {
	p := translate.Post{Lang: strings.Repeat("a-", 5000) + "b"}
	for range 50 {
		p.Translations = append(p.Translations, translate.Translation{Lang: strings.Repeat("-", 100)})
	}
	list := marks(p, false)
	if len(list) > 30 {
		t.Errorf("%d marks", len(list))
	}
	for _, m := range list {
		if !strings.HasPrefix(m, markSign) || len(words(m)) != 1 || len(m) > 3+5+maxMark {
			t.Errorf("%q", m)
		}
	}
	if got := fmt.Sprintf("%q", languageMarks("zh-Hant-TW")); got != `["\ue000langzh" "\ue000langzhhant" "\ue000langzhhanttw"]` {
		t.Error(got)
	}
}

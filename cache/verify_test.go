package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isthmus/ap/as2"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// verified runs Verify and returns what it found.
func (s *Store) verified(t testing.TB, repair bool) (list []Finding) {
	t.Helper()
	_, err := s.Verify(context.Background(), Verification{Repair: repair, Found: func(f Finding) { list = append(list, f) }})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// receive stores a note as a peer sends it.
func (s *Store) receive(t testing.TB, n int, members string) translate.Post {
	t.Helper()
	raw := fmt.Sprintf(`{"id":"https://a.example/%d","type":"Note","attributedTo":%q,"published":"2026-11-20T10:00:00Z",
		"content":"<p>Words of number%d in it</p>"%s}`, n, alice, n, members)
	o, err := as2.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	p, err := translate.FromAS2(o, translate.AS2Context{Owner: translate.Actor{URI: alice, JID: "alice@x"}, FollowersURL: alice + "/followers"})
	if err != nil {
		t.Fatal(err)
	}
	s.update(t, func(tx *Tx) error {
		_, _, err := tx.PutPost(p, []byte(raw), PutOptions{Received: day})
		return err
	})
	return p
}

// furnish fills a store with posts of every kind that documents are kept of.
func (s *Store) furnish(t testing.TB) {
	t.Helper()
	s.update(t, func(tx *Tx) error {
		_, err := tx.Bind("alice@x", alice, day)
		return errors.Join(err, tx.PutActor(Actor{URI: alice, Type: "Person", Followers: alice + "/followers"}))
	})
	s.receive(t, 1, `,"to":["https://www.w3.org/ns/activitystreams#Public"],"tag":[{"type":"Hashtag","name":"#Café"},
		{"type":"Mention","href":"`+bob+`","name":"@bob"}]`)
	s.receive(t, 2, `,"to":["`+alice+`/followers"],"cc":["`+bob+`"],"summary":"warned","sensitive":true`)
	s.receive(t, 3, `,"to":["https://www.w3.org/ns/activitystreams#Public"],"inReplyTo":"https://a.example/1",
		"attachment":[{"type":"Image","url":"https://a.example/i.png","mediaType":"image/png","name":"a cat"}]`)
	entry := `<entry xmlns="http://www.w3.org/2005/Atom"><title>Louise writes about whales</title><id>tag:1</id>` +
		`<published>2026-11-20T10:00:00Z</published><updated>2026-11-20T10:00:00Z</updated><category term="sea"/></entry>`
	el, err := stanza.Parse([]byte(entry), "", stanza.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	us := louise()
	p, err := translate.FromAtom(el, translate.Item{Service: "louise@example.org", Node: "urn:xmpp:microblog:0", ID: "i"},
		translate.Actor{URI: us.URI, JID: "louise@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	p.URI, p.Visibility, p.ReplyTo, p.Published = us.URI+"/i", translate.Public, "https://a.example/1", day
	s.update(t, func(tx *Tx) error {
		if err := tx.PutAccount(us); err != nil {
			return err
		}
		_, _, err := tx.PutPost(p, []byte(entry), PutOptions{Received: day, RawType: "application/atom+xml"})
		if err != nil {
			return err
		}
		return tx.Enqueue(Job{Kind: "deliver", Host: "h", Lane: "l", CreatedAt: day}, Job{Kind: "deliver", Host: "h", Lane: "l", CreatedAt: day})
	})
	if err := s.Index(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestVerify: everything that is wrong is found, mended when that is asked for,
// and the post is then as it was.
func TestVerify(t *testing.T) {
	const one, two = "https://a.example/1", "https://a.example/2"
	id := "(SELECT id FROM posts WHERE uri = '" + one + "')"
	tests := []struct{ name, harm, want string }{
		{"text", `UPDATE bodies SET parsed = jsonb_set(parsed, '$.text', 'lies, and more of them than the text was long') WHERE post_id = ` + id, "does not say"},
		{"too short a text", `UPDATE bodies SET parsed = jsonb_set(parsed, '$.text', 'lies') WHERE post_id = ` + id, "cannot be read"},
		{"markup", `UPDATE bodies SET parsed = jsonb_set(parsed, '$.html', '<p>lies</p>') WHERE post_id = ` + id, "does not say"},
		{"unreadable", `UPDATE bodies SET parsed = x'00ff00' WHERE post_id = ` + id, "cannot be read"},
		{"another's form", `UPDATE bodies SET parsed = (SELECT parsed FROM bodies WHERE post_id <> ` + id + `) WHERE post_id = ` + id, "cannot be read"},
		{"a tag less", `DELETE FROM tags WHERE post_id = ` + id, "tags"},
		{"a tag more", `INSERT INTO tags (tag, post_id) VALUES ('spam', ` + id + `)`, "tags"},
		{"a mention less", `DELETE FROM mentions WHERE post_id = ` + id, "mentions"},
		{"a mention more", `INSERT INTO mentions (actor, post_id) VALUES ('https://x', ` + id + `)`, "mentions"},
		{"an addressee less", `DELETE FROM addressees WHERE actor = '` + bob + `'`, "should see it cannot"},
		{"an addressee more", `INSERT INTO addressees (post_id, actor, extra) SELECT id, 'https://x', 0 FROM posts WHERE uri = '` + two + `'`, "should not"},
		{"a column", `UPDATE posts SET reply_to = NULL WHERE uri = 'https://a.example/3'`, "row disagrees"},
		{"an audience in the row", `UPDATE posts SET vis = 0 WHERE uri = '` + two + `'`, "row disagrees"},
		{"an audience in both", `UPDATE posts SET vis = 0 WHERE uri = '` + two + `';
			UPDATE bodies SET parsed = jsonb_set(parsed, '$.visibility', 'public') WHERE post_id = (SELECT id FROM posts WHERE uri = '` + two + `')`, "wider"},
		{"a digest", `UPDATE posts SET hash = x'00' WHERE uri = '` + one + `'`, "digest"},
		{"the index", `DELETE FROM posts_fts WHERE rowid = ` + id, "missing in the text"},
		{"words of the index", `DELETE FROM posts_fts WHERE rowid = ` + id + `; INSERT INTO posts_fts (rowid, title, text, warning, author, tags)
			SELECT id, '', 'other words', '', '', '' FROM posts WHERE uri = '` + one + `'`, "does not find it"},
		{"a deleted post in the index", `INSERT INTO posts_fts (rowid, title, text, warning, author, tags) VALUES (77, '', 'ghost', '', '', '')`, "a text of a deleted post"},
		{"an entry", `UPDATE bodies SET parsed = jsonb_set(parsed, '$.title', 'lies') WHERE raw_type <> ''`, "does not say"},
		{"a person's text", `DELETE FROM people_fts`, "person missing"},
		{"a stranger's text", `INSERT INTO people_fts (rowid, name, handle, bio) VALUES (770, 'ghost', '', '')`, "forgotten person"},
		{"leases", `UPDATE job_queues SET inflight = 7`, "count of leases"},
		{"counts", `UPDATE node_counts SET items = items + 1`, "wrong count of items"},
		{"no counts", `DELETE FROM node_counts`, "wrong count of items"},
		{"heads", `UPDATE jobs SET head = 1`, "two heads"},
		{"no head", `UPDATE jobs SET head = 0`, "without head"},
		{"no turn", `UPDATE job_queues SET turn = 9223372036854775807`, "without turn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			s.furnish(t)
			if found := s.verified(t, false); len(found) > 0 {
				t.Fatalf("a sound store: %+v", found)
			}
			before := s.posts(t)
			s.update(t, func(tx *Tx) error {
				for _, q := range strings.Split(tt.harm, ";") {
					if n, err := tx.exec(q); n == 0 || err != nil {
						return fmt.Errorf("%s: %d, %w", q, n, err)
					}
				}
				return nil
			})
			has := func(list []Finding) bool {
				return slices.ContainsFunc(list, func(f Finding) bool { return strings.Contains(f.What, tt.want) && f.Remedy != "" })
			}
			if found := s.verified(t, false); !has(found) || found[0].Mended {
				t.Fatalf("not found: %+v", found)
			}
			if found := s.verified(t, true); !has(found) || slices.ContainsFunc(found, func(f Finding) bool { return !f.Mended }) {
				t.Errorf("not mended: %+v", found)
			}
			if err := s.Index(context.Background()); err != nil {
				t.Fatal(err)
			}
			if found := s.verified(t, false); len(found) > 0 {
				t.Errorf("still wrong: %+v", found)
			}
			if diff := cmp.Diff(before, s.posts(t)); diff != "" {
				t.Errorf("posts (-before +after):\n%s", diff)
			}
		})
	}
}

// posts returns every post, as the operator sees it.
func (s *Store) posts(t testing.TB) (list []translate.Post) {
	t.Helper()
	s.view(t, func(tx *Tx) error {
		stored, err := tx.list(Viewer{Operator: true}, postsBodies, " ORDER BY p.id")
		for _, x := range stored {
			list = append(list, x.Post)
		}
		return err
	})
	return list
}

// TestVerifyLost: what cannot be computed anew is reported with a remedy.
func TestVerifyLost(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.furnish(t)
	s.update(t, func(tx *Tx) error { return tx.run("UPDATE bodies SET parsed = x'00ff00', raw = x'0700'") })
	if _, err := s.Breakdown(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "isthmus cache verify") ||
		!strings.Contains(err.Error(), "a stored post cannot be read") {
		t.Errorf("stats: %v", err)
	}
	found := s.verified(t, true)
	if len(found) < 4 || slices.ContainsFunc(found, func(f Finding) bool { return f.Mended || f.Remedy == "" }) {
		t.Errorf("%+v", found)
	}
}

// harmPages overwrites pages of a table or index in the file, all but their heads:
// what a page holds stands at its end.
func harmPages(t *testing.T, path, name string, pages int) {
	t.Helper()
	s, err := Open(t.Context(), path, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	var list []int64
	s.view(t, func(tx *Tx) (err error) {
		list, err = all(tx, value[int64], "SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno DESC LIMIT ?", name, pages)
		return err
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s has no pages", name)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, no := range list {
		if _, err := f.WriteAt([]byte(strings.Repeat("damage! ", 504)), (no-1)*4096+64); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamagedPages: damage in the full text or in an index is found and mended
// from the rows; damage in the rows is found, and the remedy is a backup.
func TestDamagedPages(t *testing.T) {
	for name, mends := range map[string]bool{"posts_fts_data": true, "people_fts_data": true, "posts_owner": true, "tags_post": true, "bodies": false} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			s, err := Open(t.Context(), path, quiet(t))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 300 {
				s.receive(t, i, `,"to":["https://www.w3.org/ns/activitystreams#Public"],"tag":[{"type":"Hashtag","name":"#t`+fmt.Sprint(i)+`"}]`)
			}
			s.update(t, func(tx *Tx) error {
				for i := range 300 {
					a := Actor{URI: fmt.Sprintf("https://a.example/u%d", i), Acct: fmt.Sprintf("u%d@a.example", i), Name: fmt.Sprintf("Person%d", i), Discoverable: true}
					if err := tx.PutActor(a); err != nil {
						return err
					}
				}
				return nil
			})
			if err := s.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			harmPages(t, path, name, 1)
			s, err = Open(t.Context(), path, quiet(t))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var found []Finding
			add := func(f Finding) { found = append(found, f) }
			sum, err := s.Verify(t.Context(), Verification{Found: add})
			if len(found) == 0 || len(found) != sum.Findings || err != nil || mends && sum.Posts != 300 {
				t.Fatalf("the damage was not found: %+v, %+v, %v", sum, found, err)
			}
			for _, f := range found {
				if strings.Contains(f.What, "isthmus") || f.Remedy == "" {
					t.Errorf("%+v", f)
				}
			}
			exported, left := 0, 0
			exported, err = s.Export(t.Context(), io.Discard, Selection{}, day, func(int64, error) { left++ })
			if err != nil || exported+left != 300 || exported < 200 || mends != (left == 0) {
				t.Errorf("%d posts are exported, %d left out, %v", exported, left, err)
			}
			found = nil
			_, err = s.Verify(t.Context(), Verification{Repair: true, Found: add})
			if !mends {
				if len(found) == 0 || found[0].Mended || found[0].Remedy != remedyBackup {
					t.Errorf("%+v, %v", found, err)
				}
				return
			}
			if err != nil || !found[0].Mended {
				t.Fatalf("not mended: %+v, %v", found, err)
			}
			if err := s.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found := s.verified(t, false); len(found) > 0 {
				t.Errorf("still wrong: %+v", found[:1])
			}
			s.view(t, func(tx *Tx) error {
				res, err := tx.Search(SearchQuery{Text: "number123", Any: true})
				if len(res.Hits) != 1 {
					t.Errorf("%d hits", len(res.Hits))
				}
				people, err2 := tx.FindPeople(PeopleQuery{Name: "person123"})
				if len(people) != 1 {
					t.Errorf("%d people", len(people))
				}
				return errors.Join(err, err2)
			})
		})
	}
}

// TestReindex: the index is made anew while posts come and searches are
// answered, and goes on where it was cut off.
func TestReindex(t *testing.T) {
	s := open(t)
	for i := range 1200 {
		s.put(t, note(fmt.Sprintf("https://a.example/%d", i), alice, fmt.Sprintf("number%d stays", i)))
	}
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cut := context.WithCancel(t.Context())
	_, err := s.Reindex(ctx, func(r Reindexed) {
		if r.Done == reindexBatch {
			cut()
		}
	})
	if err == nil {
		t.Error("not cut off")
	}
	s.view(t, func(tx *Tx) error {
		going, err := tx.Reindexing()
		if !going {
			t.Error("it is not known that it was cut off")
		}
		return err
	})
	s.update(t, func(tx *Tx) error { return tx.run("DELETE FROM posts_fts WHERE rowid = (SELECT max(id) FROM posts)") })
	r, err := s.Reindex(t.Context(), func(Reindexed) {
		s.put(t, note(fmt.Sprintf("https://a.example/n%d", time.Now().UnixNano()), alice, "came meanwhile"))
	})
	if r.Done < 600 || r.Done > 800 || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := s.verified(t, false); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

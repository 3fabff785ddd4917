package cache

import (
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"isthmus/migrations"
	"isthmus/translate"
)

// TestFindPeople shows who is found by whom, and by what.
func TestFindPeople(t *testing.T) {
	s := open(t)
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	me := "https://example.org/_ap/actor/louise@example.org"
	s.update(t, func(tx *Tx) error {
		put := func(name, acct, bio string, found bool) string {
			uri := "https://" + acct[strings.IndexByte(acct, '@')+1:] + "/" + name
			if err := tx.PutActor(Actor{URI: uri, Acct: acct, Name: name, Summary: bio, Discoverable: found, FetchedAt: day}); err != nil {
				t.Fatal(err)
			}
			return uri
		}
		put("Álice Unterwegs", "alice@mast.social", "<p>I grow <b>ferns</b> &amp; #moss</p>", true)
		put("Bob", "bob@pub.test", "ferns too", false)
		friend := put("Carla", "carla@pub.test", "ferns, quietly", false)
		blocked := put("Dora", "dora@pub.test", "ferns", true)
		blocker := put("Eve", "eve@pub.test", "ferns", true)
		gone := put("Fern", "fern@gone.test", "ferns", true)
		put("Gus", "gus@evil.test", "ferns", true)
		poster, unfound := put("Hans", "hans@pub.test", "", true), put("Ines", "ines@quiet.test", "", true)
		for _, err := range []error{
			tx.SetActorGone(gone, day),
			tx.PutActor(Actor{URI: poster, Acct: "hans@pub.test", Name: "Hans", Discoverable: true, Indexable: true, FetchedAt: day}),
			tx.PutBlock(Block{Target: "evil.test", CreatedAt: day}),
			tx.PutBlock(Block{Owner: me, Target: blocked, CreatedAt: day}),
			tx.PutBlock(Block{Owner: blocker, Target: me, CreatedAt: day}),
			tx.PutFollow(Follow{Follower: me, Followee: friend, State: FollowAccepted, CreatedAt: day, UpdatedAt: day}),
			tx.PutAccount(Account{URI: me, Acct: "louise@example.org", JID: "louise@example.org", Name: "Louise", Summary: "keeps ferns", State: Linked, Discoverable: true, CreatedAt: day, UpdatedAt: day}),
			tx.PutAccount(Account{URI: me + "2", Acct: "pierre@example.org", JID: "pierre@example.org", Name: "Pierre", Summary: "ferns", State: FollowerOnly, Discoverable: true, CreatedAt: day, UpdatedAt: day}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, uri := range []string{poster, unfound} { // whose posts are not to be found
			_, _, err := tx.PutPost(translate.Post{URI: uri + "/1", Kind: translate.KindNote, Origin: translate.OriginAP,
				Owner: translate.Actor{URI: uri}, Tags: []string{"Moss"}, Visibility: translate.Public, Published: day}, nil, PutOptions{Received: day})
			if err != nil {
				return err
			}
		}
		return nil
	})
	stranger, louise := Viewer{}, Viewer{Actor: me}
	for _, c := range []struct {
		q      PeopleQuery
		viewer Viewer
		want   string
	}{
		{PeopleQuery{Any: "ferns"}, stranger, "Dora Eve Louise Álice Unterwegs"},
		{PeopleQuery{Any: "ferns"}, louise, "Carla Louise Álice Unterwegs"},
		{PeopleQuery{Name: "alice"}, stranger, "Álice Unterwegs"},
		{PeopleQuery{Name: "ALICE UNTER"}, stranger, "Álice Unterwegs"},
		{PeopleQuery{Name: "unter alice"}, stranger, ""},
		{PeopleQuery{Handle: "alice@mast.social"}, stranger, "Álice Unterwegs"},
		{PeopleQuery{Handle: "@pub.test"}, stranger, "Dora Eve Hans"},
		{PeopleQuery{Bio: "alice"}, stranger, ""},
		{PeopleQuery{Bio: "b"}, stranger, ""},
		{PeopleQuery{Tag: "#moss"}, stranger, "Hans Álice Unterwegs"},
		{PeopleQuery{Tag: "moss", Name: "hans"}, stranger, "Hans"},
		{PeopleQuery{Tag: "lichen"}, stranger, ""},
		{PeopleQuery{Tag: "_"}, stranger, ""},
		{PeopleQuery{Any: `" NOT "`}, stranger, ""},
		{PeopleQuery{Any: "*"}, stranger, ""},
		{PeopleQuery{}, stranger, ""},
		{PeopleQuery{Any: "fern", Limit: 1}, louise, ""},
	} {
		c.q.Viewer = c.viewer
		s.view(t, func(tx *Tx) error {
			found, err := tx.FindPeople(c.q)
			if c.q.Limit > 0 {
				if len(found) != c.q.Limit {
					t.Errorf("%d found with a limit of %d", len(found), c.q.Limit)
				}
				return err
			}
			var names []string
			for _, f := range found {
				names = append(names, f.Name)
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%+v: %q, want %q", c.q, got, c.want)
			}
			return err
		})
	}
	s.update(t, func(tx *Tx) error { return tx.forgetActor("https://mast.social/Álice Unterwegs", "") })
	s.view(t, func(tx *Tx) error {
		n, err := tx.count(`SELECT count(*) FROM people_fts WHERE people_fts MATCH 'unterwegs'`)
		if n != 0 {
			t.Error("a forgotten actor is still in the index")
		}
		return err
	})
}

// TestPeopleOfOlderStore shows that people whom an older version knew are found
// after the upgrade.
func TestPeopleOfOlderStore(t *testing.T) {
	dir := t.TempDir()
	path, modern := filepath.Join(dir, "test.db"), filepath.Join(dir, "modern.db")
	s := openAt(t, modern)
	s.update(t, func(tx *Tx) error {
		return tx.PutActor(Actor{URI: "https://a.example/1", Acct: "alice@a.example", Name: "Álice", Summary: "<p>Ferns</p>", Discoverable: true})
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.FS, goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err == nil {
		_, err = p.UpTo(t.Context(), 3)
	}
	if err == nil {
		_, err = db.Exec("ATTACH ? AS modern", modern)
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := columnsOf(t, db, "actors")
	if _, err := db.Exec(fmt.Sprintf("INSERT INTO main.actors (%[1]s) SELECT %[1]s FROM modern.actors", plain)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path).view(t, func(tx *Tx) error {
		for _, q := range []PeopleQuery{{Name: "alice"}, {Handle: "a.example"}, {Bio: "ferns"}} {
			if found, err := tx.FindPeople(q); err != nil || len(found) != 1 {
				t.Errorf("%+v: %v, %v", q, found, err)
			}
		}
		return nil
	})
}

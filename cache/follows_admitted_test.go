package cache

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pressly/goose/v3"

	"isthmus/migrations"
)

// TestAdmittedInboxes shows who gets what is for followers only: whom the owner
// approved, on servers where nobody else follows who was not.
func TestAdmittedInboxes(t *testing.T) {
	s := open(t)
	me := louise()
	hosts := map[string]string{}
	follow := func(uri string, state FollowState, approved bool) {
		t.Helper()
		s.update(t, func(tx *Tx) error {
			hosts[uri+"/inbox"] = uri
			if err := tx.PutActor(Actor{URI: uri, Inbox: uri + "/inbox", SharedInbox: "https://" + hostOf(uri) + "/inbox"}); err != nil {
				return err
			}
			return tx.PutFollow(Follow{Follower: uri, Followee: me.URI, State: state, Approved: approved, CreatedAt: day, UpdatedAt: day})
		})
	}
	want := func(step string, uris ...string) {
		t.Helper()
		s.view(t, func(tx *Tx) error {
			var got []string
			for after := ""; ; {
				page, err := tx.AdmittedInboxes(me.URI, after, 1)
				if err != nil {
					return err
				}
				if len(page) == 0 {
					break
				}
				after = page[0]
				got = append(got, hosts[after])
			}
			if !slices.Equal(got, uris) {
				t.Errorf("%s: %v get it, want %v", step, got, uris)
			}
			n, _, err := tx.CountAdmitted(me.URI)
			if n != len(uris) {
				t.Errorf("%s: counted %d", step, n)
			}
			return err
		})
	}
	s.update(t, func(tx *Tx) error { return tx.PutAccount(me) })
	follow("https://a.example/1", FollowAccepted, true)
	follow("https://a.example/2", FollowPending, false)
	follow("https://b.example/1", FollowAccepted, true)
	follow("https://c.example/1", FollowAccepted, false)
	want("at first", "https://a.example/1", "https://b.example/1")
	follow("https://b.example/2", FollowAccepted, false)
	want("one more on b who was let in by nobody", "https://a.example/1")
	follow("https://b.example/2", FollowAccepted, true)
	want("approved", "https://a.example/1", "https://b.example/1", "https://b.example/2")
	follow("https://a.example/1", FollowPending, true)
	want("who waits gets nothing", "https://b.example/1", "https://b.example/2")
}

// TestUpgradeFollows opens a database of before there were approvals: who
// followed an account of ours then was approved by nobody, and whom our people
// follow had accepted them.
func TestUpgradeFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.FS, goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err == nil {
		_, err = p.UpTo(t.Context(), 8)
	}
	if err != nil {
		t.Fatal(err)
	}
	me := louise()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO accounts SELECT 1, ?, ?, 1, ?, '', 'person', 'linked', '', '', '', '', '', '', '', 'null', 1, 0, 0, 'open', 0, 0, 0, 0, '{}'`,
		me.URI, me.Acct, me.JID)
	for _, f := range [][2]string{
		{"https://A.example:8443/1", me.URI}, {"https://[2001:db8::1]/1", me.URI}, {me.URI, "https://b.example/1"},
	} {
		exec(`INSERT INTO follows (follower, followee, state, activity, inbox, meta, created_at, updated_at)
			VALUES (?, ?, 'accepted', '', '', '', 0, 0)`, f[0], f[1])
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	s.view(t, func(tx *Tx) error {
		for f, want := range map[[2]string]bool{
			{"https://A.example:8443/1", me.URI}: false, {me.URI, "https://b.example/1"}: true,
		} {
			got, err := tx.Admitted(f[0], f[1])
			if got != want || err != nil {
				t.Errorf("%s by %s: %v, %v", f[1], f[0], got, err)
			}
		}
		list, err := all(tx, value[string], "SELECT host FROM follows ORDER BY id")
		for i, uri := range []string{"https://A.example:8443/1", "https://[2001:db8::1]/1", me.URI} {
			if len(list) != 3 || list[i] != hostOf(uri) {
				t.Fatalf("hosts %v", list)
			}
		}
		a, acctErr := tx.AccountByURI(me.URI)
		if acctErr != nil || !a.FollowersOnly.IsZero() || !a.ManuallyApproves {
			t.Errorf("the account is %+v, %v", a, acctErr)
		}
		return err
	})
}

package cache

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"isthmus/migrations"
)

// rowsOf returns the rows of a table as text, in a fixed order.
func rowsOf(t *testing.T, db *sql.DB, table, columns string) (list []string) {
	t.Helper()
	rows, err := db.Query(fmt.Sprintf("SELECT json_array(%s) FROM %s ORDER BY 1", columns, table))
	if err != nil {
		t.Fatal(table, err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		list = append(list, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// columnsOf lists the columns of a table, blobs as hexadecimal digits.
func columnsOf(t *testing.T, db *sql.DB, table string) (plain, shown string) {
	t.Helper()
	err := db.QueryRow(`SELECT group_concat(name, ','), group_concat(iif(type = 'BLOB', 'hex(' || name || ')', name), ',')
		FROM pragma_table_info(?)`, table).Scan(&plain, &shown)
	if err != nil {
		t.Fatal(err)
	}
	return plain, shown
}

// TestUpgrade opens a database as the first release left it, with something in
// every table that has rows here: after the upgrade every row is as it was, and
// everything is found.
func TestUpgrade(t *testing.T) {
	dir := t.TempDir()
	modern := openAt(t, filepath.Join(dir, "modern.db"))
	modern.furnish(t)
	var index [][]any
	modern.update(t, func(tx *Tx) error {
		_, err := tx.PutReaction(Reaction{Actor: bob, Object: "https://a.example/1", Kind: Like, CreatedAt: day})
		_, err2 := tx.DeletePost("https://a.example/3", alice, day)
		stored, err3 := tx.list(Viewer{Operator: true}, postsBodies, "")
		for _, s := range stored {
			index = append(index, ftsRow(s, nil))
		}
		return errors.Join(err, err2, err3, tx.Pin("x", "y"), tx.PutMedia(Media{ID: "m", Type: "image/png", Owner: alice, At: day}),
			tx.PutBlock(Block{Target: "spam.example", CreatedAt: day}), tx.AddReceipt("o", alice, "h", day))
	})
	if err := modern.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "old.db")
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
		_, err = db.Exec("PRAGMA foreign_keys = 0; ATTACH ? AS modern", filepath.Join(dir, "modern.db"))
	}
	if err != nil {
		t.Fatal(err)
	}
	before, columns := map[string][]string{}, map[string]string{}
	for _, line := range rowsOf(t, db, "pragma_table_list", `name, schema <> 'main' OR type <> 'table' OR name LIKE 'sqlite%' OR name LIKE 'goose%'`) {
		name, skip, _ := strings.Cut(strings.Trim(line, `[]"`), `",`)
		if skip == "1" {
			continue
		}
		plain, shown := columnsOf(t, db, name)
		if _, err := db.Exec(fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM modern.%s", name, plain, plain, name)); err != nil {
			t.Fatal(name, err)
		}
		before[name], columns[name] = rowsOf(t, db, "main."+name, shown), shown
	}
	for _, row := range index {
		if _, err := db.Exec("INSERT INTO main.posts_fts (rowid, title, text, warning, author, tags) VALUES (?, ?, ?, ?, ?, ?)", row...); err != nil {
			t.Fatal(err)
		}
	}
	// An edit of the future, which that release took as it came.
	for _, q := range []string{"UPDATE posts SET updated = 4102444800000 WHERE uri = 'https://a.example/1' AND updated = 0",
		"UPDATE bodies SET parsed = jsonb_set(parsed, '$.updated', '2100-01-01T00:00:00Z') WHERE post_id = (SELECT id FROM posts WHERE updated > modified)"} {
		res, err := db.Exec(q)
		if n, err2 := res.RowsAffected(); n != 1 || err != nil || err2 != nil {
			t.Fatal(q, n, err, err2)
		}
	}
	if len(before) < 20 || len(before["posts"]) != 3 {
		t.Fatalf("%d tables, posts %v", len(before), before["posts"])
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s := openAt(t, path)
	if found := s.verified(t, false); len(found) > 0 {
		t.Errorf("wrong after the upgrade: %+v", found)
	}
	s.update(t, func(tx *Tx) error {
		p, err := tx.PostByURI("https://a.example/1", Viewer{Operator: true})
		if row, err := one(tx, value[int64], "SELECT updated FROM posts WHERE uri = ?", p.Post.URI); row != p.Modified.UnixMilli() || !p.Post.Updated.Equal(p.Modified) || err != nil {
			t.Errorf("edited at %s and %d, %v", p.Post.Updated, row, err)
		}
		return errors.Join(err, tx.run("UPDATE bodies SET parsed = jsonb_remove(parsed, '$.updated') WHERE post_id = ?", p.ID),
			tx.run("UPDATE posts SET updated = 0 WHERE id = ?", p.ID))
	})
	s.view(t, func(tx *Tx) error {
		res, err := tx.Search(SearchQuery{Text: "number1", Any: true})
		if len(res.Hits) != 1 {
			t.Errorf("%d hits", len(res.Hits))
		}
		return err
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sql.Open("sqlite", path); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, rows := range before {
		if diff := cmp.Diff(rows, rowsOf(t, db, name, columns[name])); diff != "" {
			t.Errorf("%s (-before +after the upgrade):\n%s", name, diff)
		}
	}
}

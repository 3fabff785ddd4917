package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to make a database of a newer version

	"github.com/google/go-cmp/cmp"
)

// A search gets the same answer from the running gateway as from the file, byte
// by byte, mistakes included.
func TestSearchWithAndWithoutServer(t *testing.T) {
	b := newBench(t, serveConfig(t))
	library(t, b)
	searches := [][]string{
		{"sea OR cats"}, {"-O", "json", "-P"}, {"-O", "ndjson", "-k", "uri", "-k", "items.id"}, {"-O", "xml", "sea"}, {"-l", "1", "--json"}, {"-i", "1", "-l", "2"},
		{"--as", "louise@example.org", "is:direct", "--json"}, {"--all", "--json"}, {"-F", "media.width", ">=", "1000"}, {"-o", "title"},
		{"nothing that is there"}, {"frm:alice"}, {"--cursor", "x"}, {"--as", "nobody@example.org"}, {"where:\"titel == x\""},
	}
	ask := func() (all []string) {
		for _, args := range searches {
			status, out, errs := b.with(append([]string{"search"}, args...)...)
			all = append(all, fmt.Sprintf("%q: %d\n%s\n%s", args, status, out, errs))
		}
		return all
	}
	alone := ask()
	b.serve()
	if diff := cmp.Diff(alone, ask()); diff != "" {
		t.Errorf("the gateway answers otherwise (-file +gateway):\n%s", diff)
	}
	if !strings.Contains(alone[0], "0\nPUBLISHED") || !strings.Contains(alone[11], "1\n\nisthmus: ") || !strings.Contains(alone[12], "cursor") {
		t.Errorf("%s", alone)
	}
}

// A database that a newer version has changed is left as it is, by every command,
// which say so in one line.
func TestNewerDatabase(t *testing.T) {
	b := newBench(t, serveConfig(t))
	library(t, b)
	db, err := sql.Open("sqlite", filepath.Join(b.dir, "isthmus.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"search", "cats"}, {"links"}, {"cache", "stats"}, {"cache", "verify", "--repair"}, {"cache", "reset"}, {"cache", "vacuum"}} {
		b.stdin = "yes\n"
		status, out, errs := b.with(args...)
		lines := strings.Split(strings.TrimSpace(errs), "\n")
		if last := lines[len(lines)-1]; status != exitFailed || out != "" || !strings.Contains(last, "newer version") || !strings.Contains(last, "install the newer program or restore a backup") {
			t.Errorf("%q: status %d: %s%s", args, status, out, errs)
		}
	}
	var posts int
	if err := db.QueryRow("SELECT count(*) FROM posts").Scan(&posts); err != nil || posts != 5 {
		t.Errorf("%d posts are left, %v", posts, err)
	}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/translate"
)

// stocked is a store with posts of others that can be forgotten, besides ours.
func stocked(t *testing.T, b *bench) {
	t.Helper()
	store := filled(t, b)
	err := store.Update(t.Context(), func(tx *cache.Tx) error {
		for i := range 10 {
			p := translate.Post{URI: fmt.Sprintf("https://mast.social/%d", i), Kind: translate.KindNote, Origin: translate.OriginAP,
				Owner:      translate.Actor{URI: "https://mast.social/users/alice", JID: `alice\40mast.social@ap.example.org`},
				Visibility: translate.Public, Text: fmt.Sprintf("the sea %d", i), HTML: "<p>the sea</p>", Published: day,
				Item: &translate.Item{Service: `alice\40mast.social@ap.example.org`, Node: "urn:xmpp:microblog:0", ID: fmt.Sprintf("i%d", i)}}
			if _, _, err := tx.PutPost(p, nil, cache.PutOptions{Received: day}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		awaitIndex(t, store)
	}
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
}

// forgedExport has a post of a user of ours that nobody here wrote.
const forgedExport = `{"isthmus_export":1,"made":"2026-11-21T12:00:00Z"}
{"post":{"uri":"https://example.org/_ap/item/louise@example.org/forged","kind":"note","origin":"xmpp","owner":{"uri":"https://example.org/_ap/actor/louise@example.org"},"author":{},"html":"<script>alert(1)</script>","text":"x","visibility":"public"},"received":"2026-11-21T12:00:00Z"}
{"posts":1}
`

// TestCacheCommands gives every command to the file and to a running gateway:
// the answers are the same.
func TestCacheCommands(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running=%t", running), func(t *testing.T) {
			b := newBench(t, serveConfig(t))
			stocked(t, b)
			if running {
				b.serve()
			}
			file := func(name string) string { return filepath.Join(b.dir, name) }
			ours := post("7q", "", "").URI
			const foot = `{"posts":12}`
			for _, tt := range []struct {
				args   []string
				stdin  string
				status int
				want   string
			}{
				{[]string{"cache", "stats"}, "", exitDone, "host      mast.social"},
				{[]string{"cache", "stats", "--json"}, "", exitDone, `"bytes a post"`},
				{[]string{"cache", "get", ours}, "", exitDone, "the harbour at six"},
				{[]string{"cache", "get", "louise@example.org/urn:xmpp:microblog:0/7q"}, "", exitDone, ours},
				{[]string{"cache", "get", ours, "--form", "json"}, "", exitDone, `"text": "the harbour at six"`},
				{[]string{"cache", "get", ours, "--form", "xml"}, "", exitDone, `<entry xmlns='http://www.w3.org/2005/Atom'>`},
				{[]string{"cache", "get", ours, "--form", "raw"}, "", exitFailed, "no document is kept"},
				{[]string{"cache", "get", ours, "--form", "dance"}, "", exitUsage, "--form"},
				{[]string{"cache", "get", "https://nowhere.example/"}, "", exitFailed, "no such post is stored"},
				{[]string{"cache", "get", "17"}, "", exitFailed, "no such post is stored"},
				{[]string{"cache", "export", file("x.ndjson")}, "", exitDone, "12 posts are exported, 0 left out"},
				{[]string{"cache", "export", file("x.ndjson")}, "", exitFailed, "name a new file"},
				{[]string{"cache", "export"}, "", exitDone, foot},
				{[]string{"cache", "export", "--host", "mast.social", "--public"}, "", exitDone, `{"posts":10}`},
				{[]string{"cache", "purge"}, "", exitFailed, "say which posts"},
				{[]string{"cache", "purge", "--older=-3"}, "", exitFailed, "number of days"},
				{[]string{"cache", "purge", "--larger", "much"}, "", exitFailed, "100KB"},
				{[]string{"cache", "purge", "--kind", "poem"}, "", exitFailed, `--kind: there is no kind "poem": the kinds are note, article, event, poll, boost`},
				{[]string{"cache", "purge", "--kind", "poll"}, "", exitDone, "There is no such post."},
				{[]string{"cache", "purge", "--kind", "question"}, "", exitDone, "There is no such post."},
				{[]string{"cache", "purge", "--host", "example.org"}, "", exitDone, "No post that is selected can be forgotten"},
				{[]string{"cache", "purge", "--post", "https://mast.social/3"}, "", exitDone, "1 post of"},
				{[]string{"cache", "purge", "--actor", `alice\40mast.social@ap.example.org`}, "", exitDone, "There is no such post."}, // not bound here
				{[]string{"cache", "purge", "--actor", "https://mast.social/users/alice"}, "", exitDone, "would be forgotten: 10 of kind note"},
				{[]string{"cache", "purge", "--post", "https://mast.social/3", "--yes"}, "", exitDone, "1 post of 315 bytes is forgotten"},
				{[]string{"cache", "reset"}, "no\n", exitFailed, "nothing was forgotten"},
				{[]string{"cache", "reset"}, "yes\n", exitDone, "are forgotten: 9 of kind note"},
				{[]string{"cache", "import", file("x.ndjson")}, "", exitDone, "10 posts are new, 2 were there"},
				{[]string{"search", "sea", "-k", "uri"}, "", exitDone, "https://mast.social/7"}, // at once
				{[]string{"cache", "import", file("x.ndjson")}, "", exitDone, "0 posts are new, 12 were there"},
				{[]string{"cache", "import", "-"}, "nonsense", exitFailed, "no head\n"},
				{[]string{"cache", "import", "-"}, forgedExport, exitDone, "0 posts are new, 0 were there, 0 were there and differ (they stay as they were), 0 were deleted here and stay so. 1 were left out: they are of our users"},
				{[]string{"cache", "import", file("none")}, "", exitFailed, "no such file"},
				{[]string{"cache", "verify"}, "", exitDone, "12 posts were looked at, 0 compared with the original. All is well."},
				{[]string{"cache", "reindex"}, "", exitDone, "12 posts are in the index."},
				{[]string{"cache", "vacuum"}, "", exitDone, "The database went from"},
				{[]string{"cache", "backup", file("copy.db")}, "", exitDone, "is a whole copy"},
				{[]string{"cache", "backup", file("copy.db")}, "", exitFailed, "name a new file"},
				{[]string{"cache", "backup", file("none/copy.db")}, "", exitFailed, "no such file"},
			} {
				b.stdin = tt.stdin
				if status, out, errs := b.with(tt.args...); status != tt.status || !strings.Contains(out+errs, tt.want) {
					t.Errorf("%q: status %d: %s%s", tt.args, status, out, errs)
				}
			}
			b.fullDisk("cache", "export")
			info, err := os.Stat(file("copy.db"))
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("the copy: %v, %v", info.Mode(), err)
			}
			copied, err := cache.Open(t.Context(), file("copy.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := copied.Verify(t.Context(), cache.Verification{Found: func(f cache.Finding) { t.Errorf("%+v", f) }}); err != nil {
				t.Error(err)
			}
			if err := copied.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// fullDisk runs a command whose output nothing has room for.
func (b *bench) fullDisk(args ...string) {
	b.t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		b.t.Log(err) // Linux has it
		return
	}
	defer full.Close()
	var e bytes.Buffer
	status := run(b.t.Context(), append(args, "--config", b.config), b.app(full, &e))
	said := e.String()
	if status != exitFailed || !strings.Contains(said, "/dev/full: no space left on device; make room") || strings.Contains(said, "broke off") {
		b.t.Errorf("%q on a full disk: %d, %s", args, status, said)
	}
}

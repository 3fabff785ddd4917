package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"isthmus/e2e/lab"
)

// TestCache fetches whole histories of both worlds from the command line, finds
// what they brought, and takes care of the store while the gateway serves.
func TestCache(t *testing.T) {
	over(t, mainSetups, func(t *testing.T, s *site) {
		ctx := within(t, 3*patience)
		run := func(want string, arguments ...string) {
			t.Helper()
			out, status, err := s.gateway.Run(ctx, arguments...)
			if err != nil || status != 0 || !strings.Contains(out, want) {
				t.Errorf("%s: status %d, %v, want %q in\n%s", strings.Join(arguments, " "), status, err, want, out)
			}
		}
		for i := range 25 {
			_, err := s.fedi.Post(ctx, "alice", lab.Note{HTML: fmt.Sprintf("<p>The fern number %d uncurls.</p>", i)})
			s.must(err)
		}
		s.must(s.pierre.OpenMicroblog(ctx))
		s.must(s.pierre.Blog(ctx, "moss", "Moss on a northern wall."))
		run("That is all of it", "cache", "sync", "alice@"+s.fedi.Host)
		run("number 24", "search", "fern", "--limit", "30")
		run("number 0 ", "search", "fern", "--limit", "30")
		run("That is all of it", "cache", "sync", s.pierre.Account.JID(), lab.Microblog)
		run("Moss on a northern wall", "search", "northern")
		run("done", "cache", "sync")
		run("All is well", "cache", "verify")
		run("in the index.", "cache", "reindex")
		run("is a whole copy", "cache", "backup", filepath.Join(t.TempDir(), "copy.db"))
		run("forgotten: ", "cache", "purge", "--host", s.fedi.Host, "--yes")
		run("The database went from", "cache", "vacuum")
		if out, _, _ := s.gateway.Run(ctx, "search", "fern"); strings.Contains(out, "uncurls") {
			t.Errorf("what was forgotten is found:\n%s", out)
		}
	})
}

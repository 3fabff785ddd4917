package gateway

import (
	"regexp"
	"strings"
	"testing"
)

// TestHelpIsShort: help fits into a chat window and still names every command,
// with what leaves away from what joins; help more has a line for each.
func TestHelpIsShort(t *testing.T) {
	w := newWorld(t)
	short, _ := w.obey(t.Context(), louise, "help")
	if lines := strings.Split(short, "\n"); len(lines) > 12 {
		t.Errorf("help has %d lines: %s", len(lines), short)
	}
	long, _ := w.obey(t.Context(), louise, "help more")
	for _, c := range table() {
		if c.name == "help" {
			continue
		}
		word := regexp.MustCompile(`(?m)(^|[ :])` + regexp.QuoteMeta(c.name) + `(,|$)`)
		if !word.MatchString(short) {
			t.Errorf("help does not name %s: %s", c.name, short)
		}
		if strings.Count(long, "\n"+c.usage()+" – ") != 1 {
			t.Errorf("help more has no line for %s: %s", c.name, long)
		}
		if one, _ := w.obey(t.Context(), louise, "help "+c.name); !strings.HasPrefix(one, c.usage()+" – ") && c.name != helpAll {
			t.Errorf("help %s: %s", c.name, one)
		}
	}
	for line := range strings.Lines(short) {
		if strings.Contains(line, " link,") && strings.Contains(line, "unlink") {
			t.Errorf("unlink stands next to link: %s", line)
		}
	}
}

// TestCounted counts in the singular and the plural.
func TestCounted(t *testing.T) {
	for _, c := range []struct {
		n    int
		one  string
		many []string
		want string
	}{
		{0, "post", nil, "0 posts"}, {1, "post", nil, "1 post"}, {2, "post", nil, "2 posts"},
		{1, "person writes", []string{"people write"}, "1 person writes"}, {3, "person writes", []string{"people write"}, "3 people write"},
	} {
		if got := counted(c.n, c.one, c.many...); got != c.want {
			t.Errorf("%d: %q, want %q", c.n, got, c.want)
		}
	}
}

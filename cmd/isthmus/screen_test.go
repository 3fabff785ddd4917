package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func plainInk(s string) (out []inked) {
	for _, r := range s {
		out = append(out, inked{r: r})
	}
	return out
}

func wrapped(s string, n int) (out []string) {
	for _, l := range wrap(plainInk(s), n) {
		out = append(out, ink(l))
	}
	return out
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want []string
	}{
		{"", 10, nil},
		{"one two three four", 9, []string{"one two", "three", "four"}},
		{"one two", 3, []string{"one", "two"}},
		{"abcdefghij kl", 4, []string{"abcd", "efgh", "ij", "kl"}},
		{"a abcdefgh", 4, []string{"a", "abcd", "efgh"}},
		{"我们在北京", 4, []string{"我们", "在北", "京"}},
		{"ab我们", 4, []string{"ab我", "们"}},
		{"我们abc", 6, []string{"我们", "abc"}},
		{"e\u0301e\u0301e\u0301", 3, []string{"e\u0301e\u0301e\u0301"}},
		{"   ", 2, nil},
	} {
		if diff := cmp.Diff(c.want, wrapped(c.text, c.n)); diff != "" {
			t.Errorf("%q at %d (-want +got):\n%s", c.text, c.n, diff)
		}
	}
	bold := plainInk("ab cd ef")
	for i := 1; i < 7; i++ {
		bold[i].bold = true
	}
	if got := ink(wrap(bold, 5)[0]) + "|" + ink(wrap(bold, 5)[1]); got != "a\x1b[1mb cd\x1b[0m|\x1b[1me\x1b[0mf" {
		t.Errorf("%q", got)
	}
}

// Nothing but blanks is lost, and no line is too long.
func TestWrapLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "bcd", " ", "  ", "字", "e\u0301", "abcdefghijklmnop", "한", "\u200d", "!"})).Draw(t, "text"), "")
		n := rapid.IntRange(2, 20).Draw(t, "columns")
		lines := wrapped(s, n)
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(s, " ", ""); got != want {
			t.Fatalf("%q became %q", s, lines)
		}
		if i := slices.IndexFunc(lines, func(l string) bool { return columns(l) > n || l == "" }); i >= 0 {
			t.Fatalf("%q at %d: line %q", s, n, lines[i])
		}
	})
}

func TestScreen(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for env, want := range map[string]int{"": 80, "COLUMNS=40": 40, "COLUMNS=3": 20, "COLUMNS=9000": 120, "COLUMNS=x": 80} {
		if got := (&app{stdout: null, environ: []string{env}}).screen(); got != want {
			t.Errorf("%q: %d columns", env, got)
		}
	}
	for env, want := range map[string]bool{"": true, "NO_COLOR=1": false, "NO_COLOR=": true, "TERM=dumb": false, "TERM=xterm": true} {
		if got := (&app{environ: []string{env}}).bold(); got != want {
			t.Errorf("%q: bold %t", env, got)
		}
	}
}

// Columns stand under each other in every script, numbers on the right.
func TestTableColumns(t *testing.T) {
	var b strings.Builder
	table := table{Columns: []string{"name", "posts", "note"}, Rows: [][]any{{"北京", 5.0, "x"}, {"e\u0301a", 12345, nil}, {"plain", nil, "long text"}}}
	if err := table.print(&b); err != nil {
		t.Fatal(err)
	}
	const want = "NAME   POSTS  NOTE\n北京       5  x\ne\u0301a     12345  -\nplain      -  long text\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// Package docs_test holds the pages against the code.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Comments and log lines name rules by codes, docs/rules.md explains them: no
// code without a row, and no row that nothing refers to.
func TestEachRuleHasItsRow(t *testing.T) {
	page, err := os.ReadFile("rules.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| ((?:SEC|BR)-\d+|[A-Z]\d+) \|`).FindAllSubmatch(page, -1) {
		code := string(m[1])
		if rows[code] {
			t.Errorf("rules.md has two rows for %s", code)
		}
		rows[code] = true
	}

	used := map[string]string{}
	for path, text := range source(t) {
		for _, code := range ruleCodes(text) {
			used[code] = path
		}
	}
	for code, path := range used {
		if !rows[code] {
			t.Errorf("%s names the rule %s, of which rules.md says nothing", path, code)
		}
	}
	for code := range rows {
		if used[code] == "" {
			t.Errorf("rules.md explains %s, which no code names", code)
		}
	}
	if len(used) < 100 {
		t.Errorf("only %d codes were found in the code: is it looked for in the right place?", len(used))
	}
}

var (
	code    = regexp.MustCompile(`\b(?:(?:SEC|BR)-\d{1,2}|[WAFVNSDILX]\d{1,2})\b`)
	comment = regexp.MustCompile(`//.*`)
	rule    = regexp.MustCompile(`"(?:SEC-\d{1,2}|BR-\d{1,2}|[WAFVNSDILX]\d{1,2})"`)
)

// ruleCodes finds the codes in comments, and in text that is a code and nothing
// else, as log lines have it.
func ruleCodes(text string) []string {
	var codes []string
	for _, c := range comment.FindAllString(text, -1) {
		codes = append(codes, code.FindAllString(c, -1)...)
	}
	for _, c := range rule.FindAllString(text, -1) {
		codes = append(codes, strings.Trim(c, `"`))
	}
	return codes
}

// source reads the Go files of the project.
func source(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path != ".." && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

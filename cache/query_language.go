package cache

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// language checks the value of lang:, a code. Who writes the name of a language
// is told its code.
func (p *parser) language(c *clause, at int) error {
	c.value = strings.ToLower(c.value)
	first, _, _ := strings.Cut(c.value, "-")
	if len(first) <= 3 && strings.Trim(c.value, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
		return nil
	}
	hint := "give its code, such as lang:fr or lang:pt-br"
	if code := languageCode(c.value); code != "" {
		hint = "did you mean lang:" + code + "?"
	}
	return p.wrong(at, "no language has the code "+c.value, hint)
}

// languageCode finds the code of a language by its name, in English or in itself.
func languageCode(name string) string {
	name = Fold(name)
	for _, t := range display.Supported.BaseLanguages() {
		for _, known := range []string{display.English.Languages().Name(t), display.Self.Name(language.Make(t.String()))} {
			if known != "" && Fold(known) == name {
				return t.String()
			}
		}
	}
	return ""
}

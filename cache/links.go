package cache

import (
	"database/sql/driver"
	"strings"

	"modernc.org/sqlite"

	"isthmus/translate"
)

// hasLink reports whether a post leads anywhere: by a card, an address in its
// text, or a word that is a link.
func hasLink(p translate.Post) bool {
	return p.Links != nil || strings.Contains(p.Text, "https://") || strings.Contains(p.Text, "http://") || linked(p.HTML)
}

// linkSQL is hasLink of a stored post.
func linkSQL() string {
	return "(json_type(b.parsed, '$.links') IS NOT NULL OR instr(coalesce(b.parsed ->> '$.text', ''), 'https://') > 0" +
		" OR instr(coalesce(b.parsed ->> '$.text', ''), 'http://') > 0 OR isthmus_linked(" + formSQL("$.html") + "))"
}

// linked reports whether HTML, as Sanitize leaves it, has a link that is no mention
// and no hashtag.
func linked(html string) bool {
	for {
		_, rest, ok := strings.Cut(html, "<a ")
		if !ok {
			return false
		}
		var tag string
		tag, html, _ = strings.Cut(rest, ">")
		_, class, _ := strings.Cut(tag, ` class="`)
		class, _, _ = strings.Cut(class, `"`)
		quiet := strings.Contains(tag, ` rel="tag"`)
		for word := range strings.FieldsSeq(class) {
			quiet = quiet || word == "mention" || word == "hashtag"
		}
		if !quiet && (strings.Contains(tag, `href="https://`) || strings.Contains(tag, `href="http://`)) {
			return true
		}
	}
}

func init() {
	sqlite.MustRegisterDeterministicScalarFunction("isthmus_linked", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		s, _ := args[0].(string)
		return linked(s), nil
	})
}

package web

import (
	"embed"
	"html/template"
	"strings"
	"time"

	"isthmus/translate"
)

//go:embed templates
var templateFiles embed.FS

// templates are parsed when the program starts: a mistake in one fails every test.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"content": translated,
	"day":     func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
	"stamp":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"xmpp":    xmppURL,
}).ParseFS(templateFiles, "templates/*.html"))

// translated is the content in another language, as markup below its title.
func translated(t translate.Translation) template.HTML {
	if t.Title == "" {
		return content(t.HTML, 2)
	}
	return content(t.HTML, 3)
}

// xmppURL lets a link of the xmpp: scheme through, which html/template does not
// know, and nothing else.
func xmppURL(uri string) template.URL {
	if !strings.HasPrefix(uri, "xmpp:") {
		return ""
	}
	return template.URL(uri) //nolint:gosec // the scheme is checked; the template escapes the rest
}

// mediaKind is how an attachment is shown. Anything that may carry script, such
// as SVG, is a link.
func mediaKind(m translate.Media) string {
	typ, sub, _ := strings.Cut(strings.ToLower(m.MediaType), "/")
	switch {
	case !strings.HasPrefix(m.URL, "https://") && !strings.HasPrefix(m.URL, "http://"):
		return "file"
	case typ == "image" && !strings.HasPrefix(sub, "svg"):
		return "image"
	case typ == "video" || typ == "audio":
		return typ
	}
	return "file"
}

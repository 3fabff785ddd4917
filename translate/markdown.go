package translate

import (
	"bytes"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// maxMarkdown bounds what is rendered. A longer text is shown as it stands.
const maxMarkdown = 128 << 10

// markdownHTML renders Markdown, as PeerTube, Lemmy and Movim write it: line ends
// are kept, addresses are links, and HTML in it is not taken for markup. What
// comes of it is foreign HTML still.
func markdownHTML(source string) string {
	if source = manyLines(source); len(source) > maxMarkdown {
		return Linker{}.HTML(source)
	}
	md := goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough),
		goldmark.WithRendererOptions(html.WithHardWraps()),
	)
	var b bytes.Buffer
	if err := md.Convert([]byte(source), &b); err != nil { // a buffer takes everything
		return Linker{}.HTML(source)
	}
	return b.String()
}

// contentHTML is a text of a media type as HTML: what is no markup that we know
// is plain text.
func contentHTML(content, mediaType string) string {
	switch cleanMediaType(mediaType) {
	case "", "text/html", "application/xhtml+xml":
		return content
	case "text/markdown":
		return markdownHTML(content)
	}
	return Linker{}.HTML(content)
}

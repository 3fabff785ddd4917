package translate

// Body is all that readers see under the title: the content, when and where an
// event is, the choices of a poll, and the link to what is quoted.
func (p Post) Body() (xhtml, text string) {
	extra := p.HTML
	if p.Event != nil {
		extra = eventHTML(p.Event) + extra
	}
	if p.Poll != nil {
		extra += "<ul>"
		for _, o := range p.Poll.Options {
			extra += "<li>" + escape(o.Text) + "</li>"
		}
		extra += "</ul>"
	}
	extra += quoteHTML(p.Quote)
	if extra == p.HTML {
		return p.HTML, p.Text
	}
	return Sanitize(extra)
}

// readable is the text of a post's body.
func readable(p Post) string {
	_, text := p.Body()
	return text
}

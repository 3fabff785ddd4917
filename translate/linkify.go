package translate

// Linker knows the targets of the names in a text.
type Linker struct {
	Mentions []Mention               // those with a URI become links
	TagURL   func(tag string) string // "" or nil: hashtags stay text
}

// HTML makes an XHTML fragment of plain text: paragraphs, line breaks, and
// links for addresses, mentions and hashtags.
func (l Linker) HTML(text string) string { return "" }

// Link puts links around the mentions, hashtags and addresses that stand as
// text in a sanitised fragment. What is a link already stays as it is.
func (l Linker) Link(xhtml string) string { return xhtml }

// FindMentions lists the @user@host in a text, without the first @, in lower
// case and without doubles.
func FindMentions(text string) []string { return nil }

// FindTags lists the hashtags in a text, without #, as written.
func FindTags(text string) []string { return nil }

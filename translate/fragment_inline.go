package translate

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// link is the text of a link that is open.
type link struct {
	href  string
	quiet bool   // a mention or hashtag: the text says enough
	start int    // where its text starts, -1 before
	whole []byte // its text, with what Mastodon does not show
}

// startInline opens an inline element.
func (f *fragment) startInline(name string, a attrs) {
	if name == "a" {
		f.end("a") // links do not nest
	}
	in := inline{name: name, class: safeClass(a.class)}
	lang := safeLang(a.lang)
	switch name {
	case "a":
		if in.href = safeHref(a.href); in.href == "" {
			in.ghost = true
			break
		}
		in.attrs = attr("href", in.href) + attr("class", in.class)
		if hasWord(a.rel, "tag") {
			in.attrs += attr("rel", "tag")
		}
	case "span":
		in.attrs = attr("class", in.class)
		in.ghost = in.class == "" && lang == "" && !f.inMention()
	case "abbr":
		in.attrs = attr("title", oneLine(a.title))
	}
	if len(f.inlines) >= maxInlines {
		return
	}
	if !in.ghost {
		in.attrs += attr("lang", lang)
		f.closing += len(name) + 3
	}
	f.inlines = append(f.inlines, in)
}

// inMention tells whether a span belongs to a mention: @<span>user</span>.
func (f *fragment) inMention() bool {
	for _, in := range f.inlines {
		if in.name == "a" && !in.ghost && hasWord(in.class, "mention") {
			return true
		}
	}
	return false
}

// endInline closes one inline element; those that were opened in it go on.
func (f *fragment) endInline(i int) {
	f.closeInlines(i)
	if f.inlines[i].name == "a" { // a plain span means something in a mention only
		for j := range f.inlines[i:] {
			if in := &f.inlines[i+j]; in.name == "span" && in.attrs == "" && !in.ghost {
				in.ghost = true
				f.closing -= len("</span>")
			}
		}
	}
	if in := f.inlines[i]; !in.ghost {
		f.closing -= len(in.name) + 3
	}
	f.inlines = append(f.inlines[:i], f.inlines[i+1:]...)
}

// closeInlines writes the end tags of all inline elements but the first n.
// They stay active, and are opened again before the next word.
func (f *fragment) closeInlines(n int) {
	for i := len(f.inlines) - 1; i >= n; i-- {
		in := &f.inlines[i]
		if !in.written {
			continue
		}
		in.written = false
		f.out = append(append(append(f.out, "</"...), in.name...), '>')
		switch {
		case in.name == "a":
			f.endLink()
		case hasWord(in.class, "ellipsis") && f.link != nil:
			f.text.word("…", f.blocks)
		}
	}
}

// endLink puts the address of a link into the text, unless it stands there.
func (f *fragment) endLink() {
	l := f.link
	f.link = nil
	if l == nil || len(l.whole) == 0 {
		return
	}
	whole := string(l.whole)
	switch {
	case l.start < 0: // nothing of it is shown
		f.text.word(l.href, f.blocks)
	case l.quiet:
	case bareURL(whole) == bareURL(l.href):
		if strings.HasPrefix(l.href, "http") {
			f.text.truncate(l.start)
			f.text.word(l.href, f.blocks)
		}
	case (whole[0] == '@' || whole[0] == '#') && !strings.ContainsRune(whole, ' '):
	default:
		f.text.word(" ("+l.href+")", f.blocks)
	}
}

// bareURL is an address as people write it.
func bareURL(s string) string {
	for _, scheme := range [...]string{"https://", "http://", "mailto:", "xmpp:", "gemini://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			s = rest
			break
		}
	}
	return strings.TrimSuffix(s, "/")
}

// lineBreak is a <br>.
func (f *fragment) lineBreak() {
	switch {
	case f.inPre():
		f.space += "\n"
	case f.begun:
		f.space = ""
		f.breaks = min(f.breaks+1, maxBreaks)
	}
}

// media becomes a link to it, or its description where a link cannot be.
func (f *fragment) media(a attrs) {
	alt := strings.Trim(oneLine(a.alt), " ")
	src := safeHref(a.src)
	if !strings.HasPrefix(src, "http") {
		src = ""
	}
	if isEmojiAlt(a, alt) || src == "" || f.link != nil {
		f.chars(alt)
		return
	}
	for _, in := range f.inlines { // a link that waits for its text
		if in.name == "a" && !in.ghost {
			f.chars(cmp.Or(alt, fileName(src)))
			return
		}
	}
	f.startInline("a", attrs{href: src})
	f.chars(cmp.Or(alt, fileName(src)))
	f.end("a")
}

// isEmojiAlt tells whether a picture is a custom emoji, or a drawing of an
// ordinary one, and alt its text.
func isEmojiAlt(a attrs, alt string) bool {
	if len(alt) > 2 && alt[0] == ':' && alt[len(alt)-1] == ':' && !strings.Contains(alt, " ") {
		return true
	}
	return alt != "" && utf8.RuneCountInString(alt) <= 8 && (hasWord(a.class, "emoji") || hasWord(a.class, "wp-smiley"))
}

// fileName is the last part of a URL's path.
func fileName(src string) string {
	src, _, _ = strings.Cut(src, "#")
	src, _, _ = strings.Cut(src, "?")
	_, rest, _ := strings.Cut(src, "://")
	if name := path.Base(rest); strings.Contains(rest, "/") && name != "/" && name != "." {
		return name
	}
	return rest
}

// chars is text.
func (f *fragment) chars(s string) {
	if f.skip != "" {
		return
	}
	s = Balanced(legalText(s))
	pre := f.inPre()
	for len(s) > 0 {
		i := strings.IndexAny(s, htmlSpace)
		if i < 0 {
			f.word(s)
			return
		}
		if i > 0 {
			f.word(s[:i])
			s = s[i:]
		}
		n := len(s) - len(strings.TrimLeft(s, htmlSpace))
		if pre {
			f.space += newlines(s[:n])
		} else {
			f.space = " "
		}
		s = s[n:]
	}
}

// htmlSpace is the white space that HTML collapses.
const htmlSpace = " \t\n\f\r"

// newlines normalises white space in preformatted text.
func newlines(s string) string {
	if strings.ContainsAny(s, "\r\f") {
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\f", " ").Replace(s)
	}
	return s
}

// word writes text without white space, after all that waited for it.
func (f *fragment) word(s string) {
	if f.full {
		return
	}
	if top := len(f.blocks) - 1; top < 0 || f.blocks[top].kind == kindQuote {
		f.push(block{name: "p", kind: kindLeaf})
	}
	f.needItem()
	if !f.fits(s) {
		f.full = true
		return
	}
	space, breaks := f.space, f.breaks
	f.space, f.breaks = "", 0
	for i := range f.blocks {
		if b := &f.blocks[i]; !b.written {
			b.written = true
			f.out = append(append(append(append(f.out, '<'), b.name...), b.attrs...), '>')
		}
	}
	if !f.begun {
		breaks = 0
		if f.inPre() {
			space = space[strings.LastIndexByte(space, '\n')+1:]
		} else {
			space = ""
		}
	}
	f.begun = true
	f.gap(space, breaks)
	f.openInlines()
	f.out = appendText(f.out, s)
	if l := f.link; l != nil {
		l.whole = append(l.whole, s...)
		if f.hidden() {
			return
		}
		if l.start < 0 {
			f.text.line(f.blocks)
			l.start = f.text.len()
		}
	}
	f.text.word(s, f.blocks)
}

// gap writes the breaks or the space before a word. Elements that are open and
// those that are about to be come out the same when the gap is read again.
func (f *fragment) gap(space string, breaks int) {
	if breaks > 0 {
		for range breaks {
			f.out = append(f.out, "<br/>"...)
		}
		f.text.breaks = max(f.text.breaks, breaks)
		return
	}
	if space == "" {
		return
	}
	f.out = append(f.out, space...)
	if f.link != nil && len(f.link.whole) > 0 {
		f.link.whole = append(f.link.whole, ' ')
	}
	f.text.space(space, f.blocks)
}

// openInlines writes the start tags that wait.
func (f *fragment) openInlines() {
	for i := range f.inlines {
		in := &f.inlines[i]
		if in.written || in.ghost {
			continue
		}
		in.written = true
		f.out = append(append(append(append(f.out, '<'), in.name...), in.attrs...), '>')
		if in.name == "a" {
			f.sawJID(in.href)
			f.link = &link{href: in.href, quiet: hasWord(in.class, "mention") || hasWord(in.class, "hashtag"), start: -1}
		}
	}
}

// sawJID remembers a link to somebody in XMPP.
func (f *fragment) sawJID(href string) {
	if !strings.HasPrefix(href, "xmpp:") || strings.Contains(href, "?") || len(f.jids) == maxMentions {
		return
	}
	if jid, err := ParseJIDURI(href); err == nil && !slices.Contains(f.jids, jid) {
		f.jids = append(f.jids, jid)
	}
}

// hidden tells whether Mastodon hides this part of a link.
func (f *fragment) hidden() bool {
	for _, in := range f.inlines {
		if hasWord(in.class, "invisible") {
			return true
		}
	}
	return false
}

// fits tells whether a word and all that comes with it keeps within the limit.
func (f *fragment) fits(s string) bool {
	n := len(f.out) + f.closing + len(f.space) + len("<br/>")*f.breaks + 5*len(s)
	for _, b := range f.blocks {
		n += len(b.name) + len(b.attrs) + 2
	}
	for _, in := range f.inlines {
		n += len(in.name) + len(in.attrs) + 2
	}
	if n <= maxHTML { // surely
		return true
	}
	n = len(f.out) + f.closing + len(f.space) + len("<br/>")*f.breaks + len(appendText(nil, s))
	for _, b := range f.blocks {
		if !b.written {
			n += len(b.name) + len(b.attrs) + 2
		}
	}
	for _, in := range f.inlines {
		if !in.written && !in.ghost {
			n += len(in.name) + len(in.attrs) + 2
		}
	}
	return n <= maxHTML
}

package translate

import (
	"slices"
	"strings"
)

// kind is how an element is treated. The zero value drops the tags and keeps
// what is between them.
type kind uint8

const (
	kindUnknown kind = iota
	kindInline       // kept
	kindLeaf         // kept: a block of inline elements
	kindQuote        // kept: a block of blocks
	kindList         // kept: a block of items
	kindItem         // kept
	kindBreak        // dropped, but the text before and after stays apart
	kindCell         // dropped, but leaves a space
	kindSkip         // dropped with all that it holds
	kindBR
	kindMedia // becomes a link
)

// kinds are the elements that we know: those that Mastodon keeps and Movim and
// Converse show (xmpp.md §6, activitypub.md 1.5).
var kinds = func() map[string]kind {
	m := map[string]kind{
		"blockquote": kindQuote, "ul": kindList, "ol": kindList, "li": kindItem, "br": kindBR,
		"td": kindCell, "th": kindCell,
	}
	for k, names := range map[kind]string{
		kindInline: "a em strong b i u s del sub sup abbr code span ruby rt rp",
		kindLeaf:   "p h1 h2 h3 h4 h5 h6 pre",
		kindBreak: "address article aside body caption center dd details dialog dir div dl dt fieldset figcaption figure footer " +
			"form header hgroup hr html legend main menu nav option section summary table tbody tfoot thead tr",
		kindSkip: "script style title template object applet svg math canvas textarea select noscript noembed " +
			"noframes xmp plaintext iframe",
		kindMedia: "img video audio",
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = k
		}
	}
	return m
}()

// aliases are elements that are written as others.
var aliases = map[string]string{"strike": "s", "ins": "u", "tt": "code", "kbd": "code", "samp": "code"}

// formatting are the inline elements that go on in the next block when they
// were not closed, as in browsers.
const formatting = " a b code em i s strong u "

// classes are the class names that mean something to readers.
var classes = []string{"mention", "hashtag", "h-card", "u-url", "invisible", "ellipsis", "quote-inline"}

// How deep elements nest. Deeper ones lose their tags.
const (
	maxBlocks  = 20
	maxInlines = 16
	maxBreaks  = 10 // line breaks in a row
)

// block is an open block element. The text of quotes and items is indented:
// first before their first line, rest before the others.
type block struct {
	name, attrs string
	kind        kind
	written     bool // its start tag is
	items       int  // of an ol: the number of the last item
	first, rest string
	begun       bool // its first line of text is
}

// inline is an open inline element.
type inline struct {
	name, attrs string
	class, href string
	written     bool
	ghost       bool // never written
}

// fragment builds a sanitised fragment and its text from events. Start tags,
// white space and line breaks are written when text follows, so that there are
// no empty elements and no spaces at the edges of blocks; what is written is
// therefore the same when it is read again.
type fragment struct {
	out     []byte
	text    plainText
	blocks  []block
	inlines []inline
	link    *link
	space   string // white space that waits for a word
	breaks  int    // line breaks that wait for a word
	begun   bool   // the block has text
	closing int    // bytes of the end tags that are due
	full    bool   // the limit was met

	skip      string // name of the element that is being dropped
	skipDepth int
	cutQuote  bool
	quote     string
	jids      []string
}

// done closes what is open.
func (f *fragment) done() (xhtml, text string) {
	f.boundary()
	f.popBlocks(0)
	return string(f.out), f.text.String()
}

// result closes what is open.
func (f *fragment) result() sanitized {
	html, text := f.done()
	return sanitized{html, text, f.quote, f.jids}
}

// start opens an element.
func (f *fragment) start(name string, a attrs) {
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	k := kinds[name]
	if f.skip != "" && f.skipping(name, k, a) {
		return
	}
	if f.cutQuote && (name == "p" || name == "span") && slices.Contains(strings.Fields(a.class), "quote-inline") {
		f.skip, f.skipDepth = name, 1
		return
	}
	switch k {
	case kindInline:
		f.startInline(name, a)
	case kindLeaf, kindQuote, kindList, kindItem:
		f.startBlock(name, k, a)
	case kindBreak:
		f.breakBlock()
	case kindCell:
		f.chars(" ")
	case kindBR:
		f.lineBreak()
	case kindMedia:
		f.media(a)
	case kindSkip:
		if name == "iframe" {
			f.media(a)
		}
		f.skip, f.skipDepth = name, 1
	}
}

// skipping handles a start tag while an element is being dropped, and tells
// whether it goes on. A quote's fallback ends at the latest with its block.
func (f *fragment) skipping(name string, k kind, a attrs) bool {
	if kinds[f.skip] == kindSkip {
		if name == f.skip && (name == "svg" || name == "math" || name == "object" || name == "template") {
			f.skipDepth++
		}
		return true
	}
	switch {
	case k >= kindLeaf && k <= kindBreak:
		f.skip = ""
		return false
	case name == f.skip:
		f.skipDepth++
	case name == "a" && f.quote == "":
		f.quote = safeHref(a.href)
	}
	return true
}

// end closes an element.
func (f *fragment) end(name string) {
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	k := kinds[name]
	if f.skip != "" {
		if name == f.skip {
			if f.skipDepth--; f.skipDepth <= 0 {
				f.skip = ""
			}
			return
		}
		if kinds[f.skip] == kindSkip || k < kindLeaf || k > kindBreak {
			return
		}
		f.skip = ""
	}
	switch k {
	case kindInline:
		for i := len(f.inlines) - 1; i >= 0; i-- {
			if f.inlines[i].name == name {
				f.endInline(i)
				return
			}
		}
	case kindLeaf, kindQuote, kindList, kindItem:
		f.endBlock(name, k)
	case kindBreak:
		f.breakBlock()
	}
}

// startBlock opens a block where it may stand.
func (f *fragment) startBlock(name string, k kind, a attrs) {
	f.boundary()
	f.popLeaf()
	if k == kindItem {
		list := f.innermost(kindList, kindQuote)
		switch {
		case list >= 0 && f.blocks[list].kind == kindList:
			f.popBlocks(list + 1)
		case len(f.blocks)+2 > maxBlocks:
			return
		default:
			f.push(block{name: "ul", kind: kindList})
		}
	} else {
		f.needItem()
		if k != kindLeaf && len(f.blocks)+2 > maxBlocks { // a list has room for its items
			return
		}
	}
	b := block{name: name, kind: k}
	if lang := safeLang(a.lang); lang != "" {
		b.attrs = attr("lang", lang)
	}
	switch name {
	case "p":
		b.attrs = attr("class", safeClass(a.class)) + b.attrs
	case "ol":
		if n := smallNumber(a.start); n > 1 {
			b.items, b.attrs = n-1, b.attrs+attr("start", itoa(n))
		}
	}
	f.push(b)
}

// push opens a block.
func (f *fragment) push(b block) {
	top := len(f.blocks) - 1
	inItem := top >= 0 && f.blocks[top].kind == kindItem
	switch {
	case b.kind == kindItem:
		f.text.need(1)
		b.first = "- "
		if top >= 0 && f.blocks[top].name == "ol" {
			f.blocks[top].items++
			b.first = itoa(f.blocks[top].items) + ". "
		}
		b.rest = strings.Repeat(" ", len(b.first))
	case inItem && (b.kind == kindList || !f.blocks[top].begun):
		f.text.need(1)
	default:
		f.text.need(2)
	}
	if b.kind == kindQuote {
		b.first, b.rest = "> ", "> "
	}
	f.closing += len(b.name) + 3
	f.blocks = append(f.blocks, b)
}

// needItem opens an item if only an item may stand here.
func (f *fragment) needItem() {
	if top := len(f.blocks) - 1; top >= 0 && f.blocks[top].kind == kindList {
		f.push(block{name: "li", kind: kindItem})
	}
}

// innermost finds the innermost open block of one of two kinds, or -1.
func (f *fragment) innermost(a, b kind) int {
	for i := len(f.blocks) - 1; i >= 0; i-- {
		if k := f.blocks[i].kind; k == a || k == b {
			return i
		}
	}
	return -1
}

// endBlock closes a block and those in it.
func (f *fragment) endBlock(name string, k kind) {
	for i := len(f.blocks) - 1; i >= 0; i-- {
		b := &f.blocks[i]
		if b.name == name {
			f.boundary()
			f.popBlocks(i)
			return
		}
		// No leaf closes a block of blocks, no item its list.
		if k == kindLeaf && b.kind != kindLeaf || k == kindItem && b.kind == kindList {
			return
		}
	}
}

// breakBlock stands for the edge of a block that is not kept.
func (f *fragment) breakBlock() {
	if f.inPre() {
		f.chars("\n")
		return
	}
	f.boundary()
	f.popLeaf()
}

// popLeaf closes the paragraph that is open.
func (f *fragment) popLeaf() {
	if top := len(f.blocks) - 1; top >= 0 && f.blocks[top].kind == kindLeaf {
		f.popBlocks(top)
	}
}

// popBlocks closes all blocks but the first n.
func (f *fragment) popBlocks(n int) {
	for len(f.blocks) > n {
		b := f.blocks[len(f.blocks)-1]
		f.blocks = f.blocks[:len(f.blocks)-1]
		f.closing -= len(b.name) + 3
		if b.written {
			f.out = append(append(append(f.out, "</"...), b.name...), '>')
		}
	}
}

// boundary ends the run of text before the edge of a block.
func (f *fragment) boundary() {
	f.closeInlines(0)
	kept := f.inlines[:0]
	for _, in := range f.inlines {
		if strings.Contains(formatting, " "+in.name+" ") {
			kept = append(kept, in)
		} else if !in.ghost {
			f.closing -= len(in.name) + 3
		}
	}
	f.inlines = kept
	f.space, f.breaks, f.begun = "", 0, false
	f.text.need(1)
}

func (f *fragment) inPre() bool {
	top := len(f.blocks) - 1
	return top >= 0 && f.blocks[top].name == "pre"
}

package translate

import (
	"strings"

	"isthmus/xmpp/stanza"

	"golang.org/x/net/html"
)

// maxHTML bounds fragments and their text: what AS2 documents may be at most.
const maxHTML = 1 << 20

// Sanitize makes foreign HTML safe: a well-formed XHTML fragment of the
// elements that both worlds show, and the same as readable text. The fragment
// sanitises to itself.
func Sanitize(html string) (xhtml, text string) {
	var f fragment
	f.html(html)
	return f.done()
}

// sanitized is all that a walk finds.
type sanitized struct {
	html, text string
	quote      string   // link of the fallback of a quote (N12), which is left out
	jids       []string // that are linked to
}

// sanitizeQuoting is Sanitize for a post that may quote another.
func sanitizeQuoting(html string) sanitized {
	f := fragment{cutQuote: true}
	f.html(html)
	return f.result()
}

// sanitizeTree is sanitizeQuoting for XHTML that came as elements: what el
// holds, without el itself.
func sanitizeTree(el *stanza.Element) sanitized {
	f := fragment{cutQuote: true}
	f.tree(el, 0)
	return f.result()
}

// attrs are the attributes that mean something to us.
type attrs struct {
	href, src, class, rel, alt, title, lang, start string
}

// set keeps the first attribute of a name (SEC-44: parsers that take the last
// one would otherwise see something else).
func (a *attrs) set(name, value string) {
	var to *string
	switch name {
	case "href":
		to = &a.href
	case "src":
		to = &a.src
	case "class":
		to = &a.class
	case "rel":
		to = &a.rel
	case "alt":
		to = &a.alt
	case "title":
		to = &a.title
	case "lang":
		to = &a.lang
	case "start":
		to = &a.start
	default:
		return
	}
	if *to == "" {
		*to = value
	}
}

// html walks HTML. The tokenizer copes with any bytes and never fails.
func (f *fragment) html(s string) {
	if len(s) > maxHTML {
		s = s[:maxHTML]
	}
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		token := z.Next()
		switch token {
		case html.ErrorToken:
			return
		case html.TextToken:
			f.chars(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			var a attrs
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				a.set(string(k), string(v))
			}
			f.start(tag, a)
			if token == html.SelfClosingTagToken && (tag == "svg" || tag == "math") {
				f.end(tag) // in HTML the slash means nothing, but for these
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			f.end(string(name))
		}
	}
}

// tree walks XHTML.
func (f *fragment) tree(el *stanza.Element, depth int) {
	if el == nil || depth > 64 {
		return
	}
	for _, n := range el.Nodes {
		if n.El == nil {
			f.chars(n.Text)
			continue
		}
		var a attrs
		for _, attr := range n.El.Attrs {
			if attr.Space == "" || attr.Space == stanza.NSXML {
				a.set(attr.Name, attr.Value)
			}
		}
		f.start(n.El.Name, a)
		f.tree(n.El, depth+1)
		f.end(n.El.Name)
	}
}

// xhtmlNodes makes elements of a sanitised fragment, for a place where their
// namespace is in force.
func xhtmlNodes(xhtml string) []stanza.Node {
	root := stanza.New("", "")
	open := []*stanza.Element{root}
	z := html.NewTokenizer(strings.NewReader(xhtml))
	for {
		top := open[len(open)-1]
		switch z.Next() {
		case html.ErrorToken:
			return root.Nodes
		case html.TextToken:
			top.AddText(string(z.Text()))
		case html.StartTagToken:
			el := tokenElement(z)
			top.Add(el)
			open = append(open, el)
		case html.SelfClosingTagToken:
			top.Add(tokenElement(z))
		case html.EndTagToken:
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		}
	}
}

func tokenElement(z *html.Tokenizer) *stanza.Element {
	name, more := z.TagName()
	el := stanza.New("", string(name))
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		el.Set(string(k), string(v))
	}
	return el
}

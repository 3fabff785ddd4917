package stanza

import (
	"slices"
	"unicode/utf8"
)

// Append writes the element as well-formed XML, whatever it holds: one
// ill-formed byte would end the stream for everybody (RFC 6120 §11.3). outer is
// the namespace in force around the element.
//
// Characters that XML does not know become U+FFFD. What cannot be written is
// left out: elements and attributes whose name is no ASCII NCName, elements in
// the two reserved namespaces, attributes of namespaces other than NSXML,
// second attributes of a name, and what Parse would refuse for its depth or
// number of attributes. Nothing but xml: is ever prefixed.
func Append(dst []byte, e *Element, outer string) []byte {
	if cap(dst) == 0 {
		dst = make([]byte, 0, weight(e))
	}
	return appendElement(dst, e, outer, 1)
}

func appendElement(dst []byte, e *Element, outer string, depth int) []byte {
	if e == nil {
		return dst
	}
	if e.rendered != nil {
		return append(dst, e.rendered...)
	}
	if depth > maxDepth || !writable(e) {
		return dst
	}
	dst = append(append(dst, '<'), e.Name...)
	left := maxAttrs
	if e.Space != "" && e.Space != outer {
		outer = e.Space
		dst = append(dst, " xmlns='"...)
		dst = append(appendEscaped(dst, outer, inSpace), '\'')
		left--
	}
	dst = appendAttrs(dst, e.Attrs, left)
	start := len(dst) + 1
	dst = append(dst, '>')
	for _, n := range e.Nodes {
		if n.El != nil {
			dst = appendElement(dst, n.El, outer, depth+1)
		} else {
			dst = appendEscaped(dst, n.Text, inText)
		}
	}
	if len(dst) == start {
		return append(dst[:start-1], "/>"...)
	}
	dst = append(append(dst, "</"...), e.Name...)
	return append(dst, '>')
}

// weight is about how many bytes an element takes, and enough unless much of it
// is escaped.
func weight(e *Element) int {
	if e == nil {
		return 0
	}
	if e.rendered != nil {
		return len(e.rendered)
	}
	n := 2*len(e.Name) + len("<></>")
	if e.Space != "" {
		n += len(" xmlns=''") + len(e.Space)
	}
	for _, a := range e.Attrs {
		n += len(" xml:=''") + len(a.Name) + len(a.Value)
	}
	for _, c := range e.Nodes {
		n += len(c.Text) + weight(c.El)
	}
	return n
}

// appendAttrs writes at most so many attributes.
func appendAttrs(dst []byte, attrs []Attr, left int) []byte {
	for i, a := range attrs {
		if left == 0 {
			break
		}
		if !writableAttr(attrs[:i], a) {
			continue
		}
		left--
		dst = append(dst, ' ')
		if a.Space == NSXML {
			dst = append(dst, "xml:"...)
		}
		dst = append(append(dst, a.Name...), "='"...)
		dst = append(appendEscaped(dst, a.Value, inAttr), '\'')
	}
	return dst
}

// String is the element as XML, outside of any namespace.
func (e *Element) String() string {
	return string(Append(nil, e, ""))
}

// Size is how many bytes the element is as XML, outside of any namespace.
func (e *Element) Size() int {
	if e != nil && e.rendered != nil {
		return len(e.rendered)
	}
	return len(Append(nil, e, ""))
}

// Prerender returns a copy of the element that keeps its XML, so that many
// stanzas can carry it at the cost of a copy. What it holds must not be changed
// any more.
func Prerender(e *Element) *Element {
	if e == nil {
		return nil
	}
	r := *e
	// Without a namespace in force every namespace is declared where it
	// starts, which is right wherever the element is put.
	r.rendered = Append(make([]byte, 0, weight(e)), e, "")
	return &r
}

// writable tells whether the element itself can be written. No declaration may
// make NSXML or the namespace of xmlns the default one (Namespaces in XML §3).
func writable(e *Element) bool {
	return isASCIIName(e.Name) && e.Space != NSXML && e.Space != nsXMLNS
}

// writableAttr tells whether an attribute that comes after others can be
// written; xmlns would be a declaration.
func writableAttr(before []Attr, a Attr) bool {
	switch a.Space {
	case "":
		if a.Name == "xmlns" {
			return false
		}
	case NSXML:
	default:
		return false
	}
	if !isASCIIName(a.Name) {
		return false
	}
	return !slices.ContainsFunc(before, func(b Attr) bool { return b.Name == a.Name && b.Space == a.Space })
}

// Where a character is written decides how: each context has a bit in classes.
const (
	inText = 1 << iota
	inAttr
	inSpace // a namespace name; white space in it would only confuse servers
)

// classes marks the bytes that a context does not copy as they are.
var classes = func() (t [256]byte) {
	const all = inText | inAttr | inSpace
	for c := range t {
		if c < 0x20 || c >= utf8.RuneSelf {
			t[c] = all
		}
	}
	t['\t'], t['\n'] = inAttr|inSpace, inAttr|inSpace
	t['&'], t['<'], t['>'] = all, all, all
	t['\''] = inAttr | inSpace
	return t
}()

// appendEscaped writes character data for a context.
func appendEscaped(dst []byte, s string, context byte) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if classes[c]&context == 0 {
			i++
			continue
		}
		size, rep := 1, ""
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if isChar(r) && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
			rep = "\uFFFD"
		} else {
			rep = escape(c, context)
		}
		dst = append(append(dst, s[from:i]...), rep...)
		i += size
		from = i
	}
	return append(dst, s[from:]...)
}

// escape is how an ASCII character that cannot be copied is written. White
// space is a reference where a parser would otherwise normalise it (XML §2.11,
// §3.3.3).
func escape(c, context byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\'':
		return "&apos;"
	}
	if context == inSpace {
		return "\uFFFD"
	}
	switch c {
	case '\t':
		return "&#9;"
	case '\n':
		return "&#10;"
	case '\r':
		return "&#13;"
	}
	return "\uFFFD"
}

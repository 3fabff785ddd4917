package stanza

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
)

// Limits bound what Parse accepts. A zero field means its default.
type Limits struct {
	Depth    int // nested elements; 64
	Attrs    int // attributes of an element, declarations included; 64
	Children int // child nodes of an element; 10,000
	Elements int // elements in all; 30,000
	Name     int // bytes of a name with its prefix; 256
	// Prefixes are the namespace prefixes declared around the element, as on
	// the stream header. xml and stream are always known.
	Prefixes map[string]string
}

// Default limits, which hold for what is written too.
const (
	maxDepth = 64
	maxAttrs = 64
)

func (l Limits) withDefaults() Limits {
	l.Depth = cmp.Or(l.Depth, maxDepth)
	l.Attrs = cmp.Or(l.Attrs, maxAttrs)
	l.Children = cmp.Or(l.Children, 10_000)
	l.Elements = cmp.Or(l.Elements, 30_000)
	l.Name = cmp.Or(l.Name, 256)
	return l
}

// What Parse refuses is ErrLimit where it is over the limits, and ErrSyntax
// where it is no XML or holds what XMPP forbids (RFC 6120 §11.1).
var (
	ErrSyntax = errors.New("not the XML of a stanza")
	ErrLimit  = errors.New("stanza over the limits")
)

// Parse reads one element with all that it holds. outer is the namespace in
// force around it. Every parsed element has its own Space, unless it is in no
// namespace at all. Comments, processing instructions and document types are
// refused.
//
// The decoder of encoding/xml is not used: it accepts duplicate attributes,
// unbound prefixes and more, which this link must never pass on, and is several
// times slower.
func Parse(frame []byte, outer string, lim Limits) (*Element, error) {
	p := parser{b: frame, lim: lim.withDefaults()}
	p.space()
	e, err := p.element(outer, 1)
	if err != nil {
		return nil, err
	}
	if p.space(); p.i != len(p.b) {
		return nil, p.bad("something after the element")
	}
	return e, nil
}

// ParseStart reads only the start tag that a frame opens with.
func ParseStart(frame []byte, outer string, lim Limits) (*Element, error) {
	p := parser{b: frame, lim: lim.withDefaults()}
	p.space()
	e := &Element{}
	_, _, err := p.start(e, outer)
	return e, err
}

type binding struct {
	prefix []byte
	space  string
}

// rawAttr is an attribute before its prefix is resolved.
type rawAttr struct {
	prefix, name []byte
	value        string
}

type parser struct {
	b        []byte
	i        int
	lim      Limits
	elements int
	bound    []binding // the prefixes in force, innermost last
	raw      []rawAttr // of the start tag being read
	text     []byte    // scratch for text that is not copied as it is
}

func (p *parser) bad(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, p.i)
}

func (p *parser) over(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrLimit, what, p.i)
}

// element reads an element, of which p stands at the start tag.
func (p *parser) element(outer string, depth int) (*Element, error) {
	if depth > p.lim.Depth {
		return nil, p.over("nesting")
	}
	if p.elements++; p.elements > p.lim.Elements {
		return nil, p.over("elements")
	}
	e := &Element{}
	bound := len(p.bound)
	from := p.i + 1
	inner, empty, err := p.start(e, outer)
	if err != nil {
		return nil, err
	}
	if !empty {
		// Names are compared as written, prefix and all (XML §3, WFC: Element
		// Type Match).
		name := p.b[from : from+p.qname(from)]
		if err := p.content(e, inner, depth); err != nil {
			return nil, err
		}
		if err := p.end(name); err != nil {
			return nil, err
		}
	}
	p.bound = p.bound[:bound]
	return e, nil
}

// content reads what an element holds, up to its end tag.
func (p *parser) content(e *Element, space string, depth int) error {
	for {
		text, err := p.charData()
		if err != nil {
			return err
		}
		if text != "" {
			e.Nodes = append(e.Nodes, Node{Text: text})
		}
		if p.peek(1) == '/' {
			return nil
		}
		child, err := p.element(space, depth+1)
		if err != nil {
			return err
		}
		if e.Nodes = append(e.Nodes, Node{El: child}); len(e.Nodes) > p.lim.Children {
			return p.over("children")
		}
	}
}

// end reads an end tag.
func (p *parser) end(name []byte) error {
	p.i += len("</")
	if !bytes.HasPrefix(p.b[p.i:], name) {
		return p.bad("end tag of another element")
	}
	p.i += len(name)
	p.space()
	if p.peek(0) != '>' {
		return p.bad("end tag")
	}
	p.i++
	return nil
}

// start reads a start tag into e. It returns the default namespace inside, and
// whether the element is empty. Prefixes declared stay in p.bound.
func (p *parser) start(e *Element, outer string) (inner string, empty bool, err error) {
	if p.peek(0) != '<' {
		return "", false, p.bad("no element")
	}
	p.i++
	prefix, name, err := p.name()
	if err != nil {
		return "", false, err
	}
	if empty, err = p.attributes(); err != nil {
		return "", false, err
	}
	inner, plain, err := p.declarations(outer)
	if err != nil {
		return "", false, err
	}
	e.Name, e.Space = intern(name), inner
	if len(prefix) > 0 {
		if e.Space, err = p.resolve(prefix); err != nil {
			return "", false, err
		}
	}
	if plain == 0 {
		return inner, empty, nil
	}
	e.Attrs = make([]Attr, 0, plain)
	for _, a := range p.raw {
		if isDeclaration(a) {
			continue
		}
		attr := Attr{Name: intern(a.name), Value: a.value}
		if len(a.prefix) > 0 {
			if attr.Space, err = p.resolve(a.prefix); err != nil {
				return "", false, err
			}
		}
		for _, b := range e.Attrs {
			if b.Name == attr.Name && b.Space == attr.Space {
				return "", false, p.bad("attribute twice")
			}
		}
		e.Attrs = append(e.Attrs, attr)
	}
	return inner, empty, nil
}

// attributes reads the rest of a start tag into p.raw.
func (p *parser) attributes() (empty bool, err error) {
	p.raw = p.raw[:0]
	for {
		gap := p.space()
		switch c := p.peek(0); {
		case c == '>':
			p.i++
			return false, nil
		case c == '/' && p.peek(1) == '>':
			p.i += len("/>")
			return true, nil
		case !gap:
			return false, p.bad("start tag")
		}
		if len(p.raw) == p.lim.Attrs {
			return false, p.over("attributes")
		}
		prefix, name, err := p.name()
		if err != nil {
			return false, err
		}
		p.space()
		if p.peek(0) != '=' {
			return false, p.bad("attribute without value")
		}
		p.i++
		p.space()
		value, err := p.value()
		if err != nil {
			return false, err
		}
		p.raw = append(p.raw, rawAttr{prefix, name, value})
	}
}

func isDeclaration(a rawAttr) bool {
	return len(a.prefix) == 0 && string(a.name) == "xmlns" || string(a.prefix) == "xmlns"
}

// declarations takes the namespace declarations among p.raw into force, and
// counts the other attributes.
func (p *parser) declarations(outer string) (inner string, plain int, err error) {
	inner = outer
	for i, a := range p.raw {
		if !isDeclaration(a) {
			plain++
			continue
		}
		for _, b := range p.raw[:i] {
			if bytes.Equal(a.name, b.name) && bytes.Equal(a.prefix, b.prefix) {
				return "", 0, p.bad("attribute twice")
			}
		}
		// Namespaces in XML §3: the reserved prefixes and namespaces.
		isXML := len(a.prefix) > 0 && string(a.name) == "xml"
		switch {
		case a.value == nsXMLNS, isXML != (a.value == NSXML), len(a.prefix) > 0 && string(a.name) == "xmlns":
			return "", 0, p.bad("reserved namespace or prefix")
		case len(a.prefix) == 0:
			inner = a.value
		case a.value == "":
			return "", 0, p.bad("prefix without namespace")
		case !isXML:
			p.bound = append(p.bound, binding{a.name, a.value})
		}
	}
	return inner, plain, nil
}

// resolve finds the namespace of a prefix.
func (p *parser) resolve(prefix []byte) (string, error) {
	for i := len(p.bound) - 1; i >= 0; i-- {
		if bytes.Equal(p.bound[i].prefix, prefix) {
			return p.bound[i].space, nil
		}
	}
	if space, ok := p.lim.Prefixes[string(prefix)]; ok {
		return space, nil
	}
	switch string(prefix) {
	case "xml":
		return NSXML, nil
	case "stream":
		return NSStream, nil
	}
	return "", p.bad("unbound prefix")
}

// Header is the start tag of a stream, with the namespaces in force inside it.
type Header struct {
	*Element
	Inner    string            // the default namespace
	Prefixes map[string]string // the declared prefixes
}

// ParseHeader reads the start tag of a stream.
func ParseHeader(tag []byte, lim Limits) (Header, error) {
	p := parser{b: tag, lim: lim.withDefaults()}
	p.space()
	h := Header{Element: &Element{}, Prefixes: map[string]string{}}
	var err error
	if h.Inner, _, err = p.start(h.Element, ""); err != nil {
		return Header{}, err
	}
	for _, b := range p.bound {
		h.Prefixes[string(b.prefix)] = b.space
	}
	return h, nil
}

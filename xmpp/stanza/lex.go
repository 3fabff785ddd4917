package stanza

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// peek is the byte n further on, or 0 at the end.
func (p *parser) peek(n int) byte {
	if p.i+n < len(p.b) {
		return p.b[p.i+n]
	}
	return 0
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// space skips white space and tells whether there was any.
func (p *parser) space() bool {
	from := p.i
	for p.i < len(p.b) && isSpace(p.b[p.i]) {
		p.i++
	}
	return p.i > from
}

// qname is the length of the name at offset i, prefix included.
func (p *parser) qname(i int) int {
	from := i
	for ; i < len(p.b); i++ {
		if c := p.b[i]; c < utf8.RuneSelf && nameBytes[c] == 0 && c != ':' {
			break
		}
	}
	return i - from
}

// name reads a name, and its prefix if it has one.
func (p *parser) name() (prefix, local []byte, err error) {
	n := p.qname(p.i)
	if n > p.lim.Name {
		return nil, nil, p.over("length of a name")
	}
	local = p.b[p.i : p.i+n]
	if i := bytes.IndexByte(local, ':'); i >= 0 {
		prefix, local = local[:i], local[i+1:]
		if !isName(prefix) {
			return nil, nil, p.bad("prefix")
		}
	}
	if !isName(local) {
		return nil, nil, p.bad("name")
	}
	p.i += n
	return prefix, local, nil
}

// value reads a quoted attribute value.
func (p *parser) value() (string, error) {
	quote := p.peek(0)
	if quote != '\'' && quote != '"' {
		return "", p.bad("attribute without quotes")
	}
	p.i++
	n := bytes.IndexByte(p.b[p.i:], quote)
	if n < 0 {
		return "", p.bad("attribute without end")
	}
	raw := p.b[p.i : p.i+n]
	if isPlain(raw) {
		p.i += n + 1
		return intern(raw), nil
	}
	p.text = p.text[:0]
	if err := p.decode(raw, true); err != nil {
		return "", err
	}
	p.i += n + 1
	return string(p.text), nil
}

// charData reads text and CDATA sections up to the next tag, as one string.
func (p *parser) charData() (string, error) {
	p.text = p.text[:0]
	for {
		n := bytes.IndexByte(p.b[p.i:], '<')
		if n < 0 {
			return "", p.bad("element without end")
		}
		raw := p.b[p.i : p.i+n]
		cdata := p.peek(n+1) == '!'
		if !cdata && len(p.text) == 0 && isPlain(raw) {
			p.i += n
			return string(raw), nil
		}
		if err := p.decode(raw, false); err != nil {
			return "", err
		}
		p.i += n
		if !cdata {
			return string(p.text), nil
		}
		if err := p.cdata(); err != nil {
			return "", err
		}
	}
}

var (
	cdataStart = []byte("<![CDATA[")
	cdataEnd   = []byte("]]>")
)

func (p *parser) cdata() error {
	if !bytes.HasPrefix(p.b[p.i:], cdataStart) {
		return p.bad("comment or declaration")
	}
	p.i += len(cdataStart)
	n := bytes.Index(p.b[p.i:], cdataEnd)
	if n < 0 {
		return p.bad("CDATA without end")
	}
	end := p.i + n
	for p.i < end {
		size, err := p.literal(p.b[p.i:end])
		if err != nil {
			return err
		}
		p.i += size
	}
	p.i += len(cdataEnd)
	return nil
}

// special marks the bytes that a value is not copied with as they are.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c >= utf8.RuneSelf || c == '&' || c == '<' || c == '>'
	}
	t['\n'] = true
	return t
}()

// isPlain tells whether character data means just its bytes.
func isPlain(raw []byte) bool {
	for _, c := range raw {
		if special[c] {
			return false
		}
	}
	return true
}

// decode appends character data to p.text. attr asks for the rules of values.
func (p *parser) decode(raw []byte, attr bool) error {
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case !special[c]:
			p.text = append(p.text, c)
			i++
		case c == '&':
			n, err := p.reference(raw[i:])
			if err != nil {
				return err
			}
			i += n
		case attr && c == '<':
			return p.bad("< in an attribute")
		case c == '>' && !attr && bytes.HasSuffix(raw[:i], cdataEnd[:2]):
			return p.bad("]]> in text")
		case attr && isSpace(c): // XML §3.3.3
			if c == '\r' && i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			p.text = append(p.text, ' ')
			i++
		default:
			n, err := p.literal(raw[i:])
			if err != nil {
				return err
			}
			i += n
		}
	}
	return nil
}

// literal appends the first character of raw, of which it returns the length.
// Ends of lines become LF (XML §2.11).
func (p *parser) literal(raw []byte) (int, error) {
	if raw[0] == '\r' {
		p.text = append(p.text, '\n')
		if len(raw) > 1 && raw[1] == '\n' {
			return 2, nil
		}
		return 1, nil
	}
	r, n := utf8.DecodeRune(raw)
	if !isChar(r) || r == utf8.RuneError && n < 2 {
		return 0, p.bad("illegal character")
	}
	p.text = append(p.text, raw[:n]...)
	return n, nil
}

// reference appends what a reference at the start of raw means.
func (p *parser) reference(raw []byte) (int, error) {
	// The longest one that means anything is &#1114111; or &#x10FFFF;, zeros
	// before the digits aside.
	n := bytes.IndexByte(raw[:min(len(raw), 32)], ';')
	if n < 0 {
		return 0, p.bad("reference without end")
	}
	switch body := string(raw[1:n]); body {
	case "lt":
		p.text = append(p.text, '<')
	case "gt":
		p.text = append(p.text, '>')
	case "amp":
		p.text = append(p.text, '&')
	case "apos":
		p.text = append(p.text, '\'')
	case "quot":
		p.text = append(p.text, '"')
	default:
		r, ok := charRef(body)
		if !ok {
			return 0, p.bad("reference")
		}
		p.text = utf8.AppendRune(p.text, r)
	}
	return n + 1, nil
}

// charRef reads #123 or #x7b.
func charRef(body string) (rune, bool) {
	digits, ok := strings.CutPrefix(body, "#")
	base := rune(10)
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	if !ok || digits == "" {
		return 0, false
	}
	var r rune
	for i := range len(digits) {
		c := digits[i]
		if !isHex(c) || base == 10 && c > '9' {
			return 0, false
		}
		if r = r*base + rune(unhex(c)); r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, isChar(r) && utf8.ValidRune(r)
}

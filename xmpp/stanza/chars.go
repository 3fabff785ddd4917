package stanza

import "unicode/utf8"

// nsXMLNS is the namespace of namespace declarations.
const nsXMLNS = "http://www.w3.org/2000/xmlns/"

// isChar is Char of XML 1.0 §2.2, for what utf8 decodes: never a surrogate.
func isChar(r rune) bool {
	return r >= 0x20 && r < 0xFFFE || r > 0xFFFF || r == '\t' || r == '\n' || r == '\r'
}

// Bits of nameBytes.
const (
	nameStart = 1 << iota
	nameRest
)

var nameBytes = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
			t[c] = nameStart | nameRest
		case '0' <= c && c <= '9', c == '-', c == '.':
			t[c] = nameRest
		}
	}
	return t
}()

// isASCIIName tells whether s is a name without colon (Namespaces in XML §3) in
// ASCII. Servers differ in the edition of XML whose letters they know, and no
// protocol has names beyond ASCII: only such names are written.
func isASCIIName(s string) bool {
	if s == "" {
		return false
	}
	want := byte(nameStart)
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || nameBytes[s[i]]&want == 0 {
			return false
		}
		want = nameRest
	}
	return true
}

// nameLetters are the ranges of NameStartChar beyond ASCII, and nameMarks those
// that NameChar adds (XML 1.0 §2.3, fifth edition).
var (
	nameLetters = [][2]rune{
		{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF},
		{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF},
		{0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
	}
	nameMarks = [][2]rune{{0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}
)

// isName tells whether s is any name without colon.
func isName(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	want := byte(nameStart)
	for i := 0; i < len(s); want = nameRest {
		if c := s[i]; c < utf8.RuneSelf {
			if nameBytes[c]&want == 0 {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		bad := r == utf8.RuneError && size == 1
		if bad || !inRanges(nameLetters, r) && (want == nameStart || !inRanges(nameMarks, r)) {
			return false
		}
		i += size
	}
	return true
}

func inRanges(ranges [][2]rune, r rune) bool {
	for _, x := range ranges {
		if x[0] <= r && r <= x[1] {
			return true
		}
	}
	return false
}

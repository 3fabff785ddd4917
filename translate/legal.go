package translate

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxHref bounds the addresses in fragments (L12).
const maxHref = 2048

// legalText drops what XML cannot carry and what nobody sees: control
// characters, other than white space, and noncharacters (X1). Bytes that are
// no UTF-8 become U+FFFD.
func legalText(s string) string {
	clean := true
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' && strings.IndexByte(htmlSpace, c) < 0 {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && strings.ContainsRune(htmlSpace, r) {
			return r
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// oneLine is a text whose white space is single spaces, for titles and names.
func oneLine(s string) string {
	return Balanced(strings.Join(strings.Fields(legalText(s)), " "))
}

// manyLines is plain text with Unix line ends and no white space around it.
func manyLines(s string) string {
	return Balanced(strings.Trim(newlines(legalText(s)), " \t\n"))
}

// cutRunes cuts a text to at most n characters, the last one an ellipsis.
func cutRunes(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for range n - 1 {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return strings.TrimRight(withoutDirections(s[:i]), " \n") + "…" // their ends may be behind the cut
}

// cutBytes cuts a text to at most n bytes, at the end of a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// safeHref is an address that may stand in a link, or "".
func safeHref(s string) string {
	if strings.ContainsAny(s, htmlSpace) {
		s = strings.Trim(s, htmlSpace)
		s = strings.NewReplacer("\t", "", "\n", "", "\r", "", "\f", "", " ", "%20").Replace(s)
	}
	if s = withoutDirections(legalText(s)); strings.ContainsAny(s, "<>\"`") {
		s = strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", "`", "%60").Replace(s)
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || len(s) > maxHref {
		return ""
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https", "gemini":
		if !strings.HasPrefix(rest, "//") || len(rest) < 3 || strings.IndexByte("/?#\\@:", rest[2]) >= 0 {
			return ""
		}
	case "mailto", "xmpp":
		if rest == "" {
			return ""
		}
	default:
		return ""
	}
	return scheme + ":" + rest
}

// safeClass keeps the class names that mean something.
func safeClass(s string) string {
	if s == "" {
		return ""
	}
	var kept string
	for class := range strings.FieldsSeq(s) {
		for _, known := range classes {
			if class == known && !hasWord(kept, class) {
				kept += " " + class
			}
		}
	}
	return strings.TrimPrefix(kept, " ")
}

// safeLang is a language tag (BCP 47), or "".
func safeLang(s string) string {
	if len(s) < 2 || len(s) > 35 {
		return ""
	}
	part := 0
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case 'a' <= c && c <= 'z', i > 1 && '0' <= s[i] && s[i] <= '9':
			if part++; part > 8 {
				return ""
			}
		case s[i] == '-' && part > 0 && i < len(s)-1:
			part = 0
		default:
			return ""
		}
	}
	return s
}

// hasWord tells whether a list of words holds one.
func hasWord(list, word string) bool {
	if !strings.Contains(list, word) {
		return false
	}
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

// attr is an attribute with a space before it; an empty value gives nothing.
func attr(name, value string) string {
	if value == "" {
		return ""
	}
	b := append(append(append(make([]byte, 0, len(name)+len(value)+12), ' '), name...), `="`...)
	return string(append(appendText(b, value), '"'))
}

// appendText writes text or an attribute's value in double quotes.
func appendText(dst []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		var esc string
		switch s[i] {
		case '&':
			esc = "&amp;"
		case '<':
			esc = "&lt;"
		case '>':
			esc = "&gt;"
		case '"':
			esc = "&#34;"
		default:
			continue
		}
		dst = append(append(dst, s[from:i]...), esc...)
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// smallNumber reads a number of at most four digits; anything else is 0.
func smallNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 9999 {
		return 0
	}
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }

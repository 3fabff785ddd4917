package translate

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nameKind is what a name in a text names.
type nameKind uint8

const (
	nameURL nameKind = iota + 1
	nameMention
	nameTag
)

// name is an address, a mention or a hashtag in a text; text is without @ or #.
type name struct {
	kind       nameKind
	start, end int
	text       string
}

// names finds what a text names. prev is the character before the text.
func names(s string, prev rune) iter.Seq[name] {
	return func(yield func(name) bool) {
		for i := 0; i < len(s); {
			r, size := utf8.DecodeRuneInString(s[i:])
			var n name
			switch {
			case isNameRune(prev):
			case r == '@' && prev != '@' && prev != '/':
				n = mentionAt(s, i)
			case r == '#' && prev != '#' && prev != '&' && prev != '/':
				n = tagAt(s, i)
			default:
				n = urlAt(s, i)
			}
			if n.kind == 0 {
				prev = r
				i += size
				continue
			}
			if !yield(n) {
				return
			}
			prev = lastRune(s[:n.end], ' ')
			i = n.end
		}
	}
}

// isNameRune tells whether a character can belong to a word.
func isNameRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// mentionAt reads @user or @user@host.
func mentionAt(s string, start int) name {
	user := handlePart(s[start+1:], false)
	if user == 0 {
		return name{}
	}
	end := start + 1 + user
	if end < len(s) && s[end] == '@' {
		if host := handlePart(s[end+1:], true); host > 0 {
			end += 1 + host
		}
	}
	return name{nameMention, start, end, s[start+1 : end]}
}

// handlePart is the length of the user or the host at the start of s. Neither
// starts or ends with a dot or hyphen; hosts have a dot within, or a port.
func handlePart(s string, host bool) int {
	n, dot := 0, false
	for i, r := range s {
		switch {
		case r == '_' || r < utf8.RuneSelf && isNameRune(r) || host && isNameRune(r):
			n = i + utf8.RuneLen(r)
		case (r == '.' || r == '-') && n > 0:
		case host && r == ':' && n == i && n > 0:
			digits := strings.IndexFunc(s[i+1:]+" ", func(r rune) bool { return r < '0' || r > '9' })
			if digits > 0 && digits <= 5 {
				return i + 1 + digits
			}
			return hostLen(s[:n])
		default:
			if host {
				return hostLen(s[:n])
			}
			return n
		}
		dot = dot || r == '.'
	}
	if host {
		return hostLen(s[:n])
	}
	return n
}

// hostLen is the length of a host, 0 if it has no dot.
func hostLen(s string) int {
	if !strings.Contains(s, ".") {
		return 0
	}
	return len(s)
}

// tagAt reads a hashtag: letters, digits and marks, not only digits.
func tagAt(s string, start int) name {
	end, word := start+1, false
	for i, r := range s[start+1:] {
		if !isNameRune(r) && r != '\u200c' && r != '\u00b7' {
			break
		}
		word = word || !unicode.IsDigit(r)
		end = start + 1 + i + utf8.RuneLen(r)
	}
	if !word || end-start > 2*maxTag {
		return name{}
	}
	return name{nameTag, start, end, s[start+1 : end]}
}

// urlSchemes are the schemes by which addresses are recognised in text.
var urlSchemes = [...]string{"https://", "http://", "xmpp:", "mailto:", "gemini://"}

// urlAt reads an address. Punctuation at its end belongs to the sentence, and
// so does a closing bracket that was not opened in it.
func urlAt(s string, start int) name {
	rest := cutBytes(s[start:], maxHref+1) // so that a text full of them costs no more
	var scheme string
	for _, sch := range urlSchemes {
		if len(rest) > len(sch) && strings.EqualFold(rest[:len(sch)], sch) {
			scheme = sch
			break
		}
	}
	if scheme == "" {
		return name{}
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("<>\"`{}|^«»“”„", r)
	})
	if end < 0 {
		end = len(rest)
	}
	rest = trimURL(rest[:end])
	if len(rest) <= len(scheme) || safeHref(rest) != rest {
		return name{}
	}
	if scheme[len(scheme)-1] == ':' && strings.IndexByte(rest, '@') <= len(scheme) {
		return name{} // "xmpp:" also stands in sentences
	}
	return name{nameURL, start, start + len(rest), rest}
}

// trimURL cuts what follows an address in a sentence.
func trimURL(s string) string {
	open := map[byte]int{}
	for i := range len(s) {
		if c := s[i]; strings.IndexByte("()[]", c) >= 0 {
			open[c]++
		}
	}
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		switch {
		case strings.ContainsRune(".,;:!?'*_~…’", r):
		case r == ')' && open[')'] > open['(']:
			open[')']--
		case r == ']' && open[']'] > open['[']:
			open[']']--
		default:
			return s
		}
		s = s[:len(s)-size]
	}
	return s
}

package cache

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold brings text into the form in which it is searched: compatibility forms,
// marks and case do not matter, and each character of a script that is written
// without spaces is a word. Words are separated by one space.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	f := folder{b: &b}
	if isASCII(s) {
		for i := range len(s) {
			f.put(rune(s[i]))
		}
		return b.String()
	}
	for _, r := range norm.NFKD.String(s) {
		if !f.compose(r) {
			f.flush()
			f.put(r)
		}
	}
	f.flush()
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// folder writes folded runes; a space is only written once a word follows.
type folder struct {
	b     *strings.Builder
	space bool
	held  rune // the beginning of a Hangul syllable, 0 if there is none
}

// Hangul syllables are made of letters by arithmetic (Unicode §3.12).
const (
	hangulBase   = 0xAC00
	leadBase     = 0x1100
	vowelBase    = 0x1161
	trailBase    = 0x11A7 // one before the first
	leadCount    = 19
	vowelCount   = 21
	trailCount   = 28
	hangulVowels = vowelCount * trailCount
)

func isVowel(r rune) bool { return r >= vowelBase && r < vowelBase+vowelCount }
func isTrail(r rune) bool { return r > trailBase && r < trailBase+trailCount }

// compose takes a letter of a Hangul syllable, which decomposition took apart,
// and tells whether it was one.
func (f *folder) compose(r rune) bool {
	switch {
	case r >= leadBase && r < leadBase+leadCount:
		f.flush()
		f.held = r
	case isVowel(r) && f.held != 0 && f.held < hangulBase:
		f.held = hangulBase + (f.held-leadBase)*hangulVowels + (r-vowelBase)*trailCount
	case isTrail(r) && f.held >= hangulBase:
		f.held += r - trailBase
		f.flush()
	default:
		return false
	}
	return true
}

func (f *folder) flush() {
	if r := f.held; r != 0 {
		f.held = 0
		f.put(r)
	}
}

// put folds one rune of decomposed text.
func (f *folder) put(r rune) {
	if r < utf8.RuneSelf {
		switch {
		case r == ' ' || (r >= '\t' && r <= '\r'):
			f.space = true
		case r >= 'A' && r <= 'Z':
			f.write(r + 'a' - 'A')
		default:
			f.write(r)
		}
		return
	}
	switch {
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
		return
	case unicode.IsSpace(r):
		f.space = true
	case alone(r):
		f.space = true
		f.write(r)
		f.space = true
	default:
		f.fold(r)
	}
}

// fold folds the case of a rune. Full folding differs from lower case only in ß
// and ς once compatibility forms are decomposed; the others are letters with a
// stroke, and ligatures, that Unicode does not decompose but people type
// without, and search engines fold.
func (f *folder) fold(r rune) {
	switch r = unicode.ToLower(r); r {
	case 'ß':
		f.letters("ss")
	case 'ς':
		f.write('σ')
	case 'æ':
		f.letters("ae")
	case 'œ':
		f.letters("oe")
	case 'þ':
		f.letters("th")
	case 'ø':
		f.write('o')
	case 'ł':
		f.write('l')
	case 'đ', 'ð':
		f.write('d')
	case 'ħ':
		f.write('h')
	case 'ŧ':
		f.write('t')
	case 'ı':
		f.write('i')
	default:
		f.write(r)
	}
}

func (f *folder) letters(s string) {
	for _, r := range s {
		f.write(r)
	}
}

func (f *folder) write(r rune) {
	if f.space && f.b.Len() > 0 {
		f.b.WriteByte(' ')
	}
	f.space = false
	f.b.WriteRune(r)
}

// spaceless are the scripts that are written without spaces between words, and
// Hangul, whose words have endings.
var spaceless = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Hangul,
}

// alone reports whether a rune is a word of its own.
func alone(r rune) bool {
	if r < 0x0E00 { // before Thai, the first of them
		return false
	}
	const longSound = 'ー' // of no script, but only used with Kana
	return r == longSound || unicode.In(r, spaceless...)
}

// isWord reports whether the full-text index keeps a rune; what it does not
// keep separates words (unicode61: letters, numbers, private use).
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Co, r)
}

// words are the words of folded text as the index has them.
func words(folded string) []string {
	return strings.FieldsFunc(folded, func(r rune) bool { return !isWord(r) })
}

// token is a word of a text, folded, and where it stands in it.
type token struct {
	word       string
	start, end int
}

// tokens are the words of a text that was not folded.
func tokens(text string) iter.Seq[token] {
	return func(yield func(token) bool) {
		start := -1
		end := func(at int) bool {
			from := start
			start = -1
			if from < 0 {
				return true
			}
			for _, w := range words(Fold(text[from:at])) {
				if !yield(token{word: w, start: from, end: at}) {
					return false
				}
			}
			return true
		}
		single := false // what began at start is a word of its own
		for i, r := range text {
			if start >= 0 && (unicode.IsMark(r) || isVowel(r) || isTrail(r)) {
				continue
			}
			if word := isWord(r); !word || single || alone(r) {
				if !end(i) {
					return
				}
				if !word {
					continue
				}
			}
			if start < 0 {
				start, single = i, alone(r)
			}
		}
		end(len(text))
	}
}

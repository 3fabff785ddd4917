package translate

import (
	"strings"

	"golang.org/x/text/unicode/bidi"
)

// Characters that set the direction of the text after them, until they are ended
// or the line is (UAX #9, 2). Left open in a name or a title, they turn around
// what is written behind it.
const (
	openEmbedding  = "\u202a\u202b\u202d\u202e" // LRE RLE LRO RLO
	endEmbedding   = '\u202c'                   // PDF
	openIsolate    = "\u2066\u2067\u2068"       // LRI RLI FSI
	endIsolate     = '\u2069'                   // PDI
	directions     = openEmbedding + "\u202c" + openIsolate + "\u2069"
	mostDirections = 100 // that are open at a time; UAX #9 counts 125 levels
)

// withoutDirections is a name without characters that set the direction.
func withoutDirections(s string) string {
	if !strings.ContainsAny(s, directions) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(directions, r) {
			return -1
		}
		return r
	}, s)
}

// Balanced ends in each line what sets the direction there, and drops ends of
// what was never begun, so that nothing behind the text is turned around.
func Balanced(s string) string {
	if !strings.ContainsAny(s, directions) {
		return s
	}
	var b strings.Builder
	var open []rune // what will end what is open, the innermost last
	end := func() {
		for ; len(open) > 0; open = open[:len(open)-1] {
			b.WriteRune(open[len(open)-1])
		}
	}
	for _, r := range s {
		switch {
		case r == '\n':
			end()
		case strings.ContainsRune(openEmbedding+openIsolate, r):
			if len(open) == mostDirections {
				continue
			}
			closer := endEmbedding
			if strings.ContainsRune(openIsolate, r) {
				closer = endIsolate
			}
			open = append(open, closer)
		case r == endEmbedding:
			if len(open) == 0 || open[len(open)-1] != endEmbedding {
				continue
			}
			open = open[:len(open)-1]
		case r == endIsolate:
			i := len(open) - 1
			for i >= 0 && open[i] != endIsolate {
				i--
			}
			if i < 0 {
				continue
			}
			for ; len(open) > i+1; open = open[:len(open)-1] { // embeddings in it end with it
				b.WriteRune(open[len(open)-1])
			}
			open = open[:i]
		}
		b.WriteRune(r)
	}
	end()
	return b.String()
}

// ShownName is the name of somebody as one line of at most n characters, without
// what would turn around the text behind it.
func ShownName(s string, n int) string { return cutRunes(oneLine(withoutDirections(s)), n) }

// Isolated is foreign text for a line of ours. What is written from right to left
// is set apart from the words around it, which would else change places with it.
func Isolated(s string) string {
	s = Balanced(s)
	for _, r := range s {
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL {
			return "\u2068" + s + "\u2069"
		}
	}
	return s
}

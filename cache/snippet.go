package cache

import (
	"strings"
	"unicode/utf8"

	"isthmus/translate"
)

// A snippet has about this many runes, a third of them before the match.
const (
	snippetRunes  = 160
	snippetBefore = 50
)

// snippet cuts a piece of a post's text, or of what else was found by, around the
// first match, and says what in it matched. Without a match it is the beginning
// of the text.
func snippet(p translate.Post, terms []term) (string, [][2]int) {
	said := []string{p.Text, p.Title, p.Warning, p.Summary}
	for _, t := range p.Translations {
		said = append(said, t.Text, t.Title)
	}
	shown := []string{p.Text, p.Title}
	for _, m := range p.Media {
		said, shown = append(said, m.Alt), append(shown, m.Alt)
	}
	for _, text := range said {
		if marks := matches(text, terms); len(marks) > 0 {
			return cut(text, marks)
		}
	}
	for _, text := range shown {
		if text != "" {
			return cut(text, nil)
		}
	}
	return "", nil
}

// matches finds where the terms stand in a text, as far as the snippet of the
// first match reaches; ranges do not overlap.
func matches(text string, terms []term) [][2]int {
	ahead := 0 // how many tokens a term may have
	for _, t := range terms {
		ahead = max(ahead, len(t.words))
	}
	if ahead == 0 {
		return nil
	}
	var marks [][2]int
	var window []token
	next := func() {
		n := longest(window, terms)
		if n > 0 {
			marks = addMark(marks, window[0].start, window[n-1].end)
		}
		window = window[max(n, 1):]
	}
	for t := range tokens(text) {
		if len(marks) > 0 && t.start > marks[0][1]+snippetRunes*utf8.UTFMax {
			break
		}
		if window = append(window, t); len(window) >= ahead {
			next()
		}
	}
	for len(window) > 0 {
		next()
	}
	return marks
}

// addMark adds a range, or extends the last one: one place in a text can be
// several words, as in a compatibility form.
func addMark(marks [][2]int, start, end int) [][2]int {
	if last := len(marks) - 1; last >= 0 && start < marks[last][1] {
		marks[last][1] = max(marks[last][1], end)
		return marks
	}
	return append(marks, [2]int{start, end})
}

// longest is how many tokens at the beginning of list are the longest match.
func longest(list []token, terms []term) int {
	n := 0
	for _, t := range terms {
		if len(t.words) > n && t.match(list) {
			n = len(t.words)
		}
	}
	return n
}

func (t term) match(list []token) bool {
	if len(list) < len(t.words) {
		return false
	}
	for i, w := range t.words {
		got := list[i].word
		if got != w && (!t.prefix || i < len(t.words)-1 || !strings.HasPrefix(got, w)) {
			return false
		}
	}
	return true
}

// cut takes the part of text around the first mark, with marks moved along.
func cut(text string, marks [][2]int) (string, [][2]int) {
	start := 0
	if len(marks) > 0 {
		start = back(text, marks[0][0], snippetBefore)
	}
	end := forth(text, start, snippetRunes)
	if len(marks) > 0 {
		end = max(end, marks[0][1])
	}
	piece, head := text[start:end], ""
	if start > 0 {
		head = "…"
	}
	var moved [][2]int
	for _, m := range marks {
		if m[1] <= end {
			moved = append(moved, [2]int{m[0] - start + len(head), m[1] - start + len(head)})
		}
	}
	if end < len(text) {
		piece += "…"
	}
	return head + piece, moved
}

// back goes n runes back from at, and forth to the beginning of a word there.
func back(text string, at, n int) int {
	i := at
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(text[:i])
		i -= size
	}
	if i == 0 {
		return 0
	}
	if gap := strings.IndexAny(text[i:at], " \n\t"); gap >= 0 {
		return i + gap + 1
	}
	return i
}

// forth goes n runes forth from at.
func forth(text string, at, n int) int {
	for ; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

package main

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// The widths of terminals: what is taken if none is known, and bounds.
const (
	usualWidth = 80
	leastWidth = 20
	mostWidth  = 120 // longer lines are hard to read
)

// cells is how many columns of a terminal a character takes.
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case wide(r):
		return 2
	}
	return 1
}

// wide reports whether a character is one of a script that has two columns for
// each, and may stand at the end of any line.
func wide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

// columns is how many columns a text takes.
func columns(s string) (n int) {
	for _, r := range s {
		n += cells(r)
	}
	return n
}

// pad fills a text up with blanks on the right, or on the left.
func pad(s string, n int, left bool) string {
	blanks := strings.Repeat(" ", max(0, n-columns(s)))
	if left {
		return blanks + s
	}
	return s + blanks
}

// inked is a character of a text in bold or not.
type inked struct {
	r    rune
	bold bool
}

// piece is what stands on one line: a word, or one wide character.
type piece struct {
	text []inked
	wide bool
	gap  bool // a blank is before it
}

// piecesOf cuts a text where lines may end. Marks stay with what they are on.
func piecesOf(text []inked) (out []piece) {
	gap := false
	for _, t := range text {
		if t.r == ' ' {
			gap = true
			continue
		}
		last := len(out) - 1
		mark := cells(t.r) == 0 && last >= 0
		if gap || last < 0 || !mark && (wide(t.r) || out[last].wide) {
			out = append(out, piece{wide: wide(t.r), gap: gap})
			gap, last = false, last+1
		}
		out[last].text = append(out[last].text, t)
	}
	return out
}

// wrap breaks a text into lines of at most n columns: at blanks, beside wide
// characters, and in words that are longer than a line.
func wrap(text []inked, n int) (lines [][]inked) {
	var line []inked
	used := 0
	end := func() {
		if len(line) > 0 {
			lines = append(lines, line)
		}
		line, used = nil, 0
	}
	for _, p := range piecesOf(text) {
		size := 0
		for _, t := range p.text {
			size += cells(t.r)
		}
		switch {
		case used == 0:
		case p.gap && used+1+size <= n:
			line, used = append(line, inked{' ', p.text[0].bold && line[len(line)-1].bold}), used+1
		case p.gap || used+size > n:
			end()
		}
		for _, t := range p.text {
			if used+cells(t.r) > n {
				end()
			}
			line, used = append(line, t), used+cells(t.r)
		}
	}
	end()
	return lines
}

// ink writes a line; nothing stays bold after it.
func ink(line []inked) string {
	var b strings.Builder
	on := false
	for _, t := range line {
		if t.bold != on {
			on = t.bold
			b.WriteString(map[bool]string{true: "\x1b[1m", false: "\x1b[0m"}[on])
		}
		b.WriteRune(t.r)
	}
	if on {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// screen is the width of the terminal that is written to, within bounds.
func (a *app) screen() int {
	n, _ := strconv.Atoi(a.env("COLUMNS"))
	return min(max(cmp.Or(n, terminalWidth(a.stdout), usualWidth), leastWidth), mostWidth)
}

// bold reports whether the terminal shows bold letters, and is to.
func (a *app) bold() bool { return a.env("NO_COLOR") == "" && a.env("TERM") != "dumb" }

// env is a variable of the environment.
func (a *app) env(name string) (value string) {
	for _, e := range a.environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

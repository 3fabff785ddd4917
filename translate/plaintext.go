package translate

import (
	"strings"
)

// plainText builds readable text: paragraphs apart by an empty line, quotes and
// items marked.
type plainText struct {
	buf    []byte
	breaks int // line ends that wait for a word
}

// need asks for at least n line ends before what follows.
func (t *plainText) need(n int) {
	if len(t.buf) > 0 {
		t.breaks = max(t.breaks, n)
	}
}

// line starts a new line, if one is due, with the marks of the blocks that the
// line is in.
func (t *plainText) line(blocks []block) {
	if t.breaks == 0 && len(t.buf) > 0 || len(t.buf) > maxHTML {
		return
	}
	t.trim()
	for i := range t.breaks {
		t.buf = append(t.buf, '\n')
		if i == t.breaks-1 {
			break
		}
		for _, b := range blocks { // an empty line
			if b.begun {
				t.buf = append(t.buf, b.rest...)
			}
		}
		t.trim()
	}
	t.breaks = 0
	for i := range blocks {
		b := &blocks[i]
		if b.begun {
			t.buf = append(t.buf, b.rest...)
		} else {
			t.buf = append(t.buf, b.first...)
			b.begun = true
		}
	}
}

// trim removes the spaces at the end of a line.
func (t *plainText) trim() {
	n := len(t.buf)
	for n > 0 && t.buf[n-1] == ' ' {
		n--
	}
	t.buf = t.buf[:n]
}

// word writes text without line ends.
func (t *plainText) word(s string, blocks []block) {
	t.line(blocks)
	if len(t.buf) <= maxHTML {
		t.buf = append(t.buf, s...)
	}
}

// space writes white space; only preformatted text has line ends in it.
func (t *plainText) space(s string, blocks []block) {
	for {
		before, after, found := strings.Cut(s, "\n")
		if before != "" {
			t.word(before, blocks)
		}
		if !found {
			return
		}
		t.breaks++
		s = after
	}
}

func (t *plainText) len() int { return len(t.buf) }

func (t *plainText) truncate(n int) { t.buf = t.buf[:n] }

// String is the text.
func (t *plainText) String() string {
	t.trim()
	return string(t.buf)
}

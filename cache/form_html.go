package cache

import (
	"database/sql/driver"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"modernc.org/sqlite"
)

// markup is HTML beside the text that was made of it, which is most of it. Its
// JSON is the HTML, or a list of what to write one after the other: a text as
// it is, or so many of the next bytes of the text beside it; of a negative
// number the bytes are left out.
type markup struct {
	plain  string
	pieces []piece
}

type piece struct {
	text string // if n is 0
	n    int
}

// leastPiece is from how many bytes on a piece of the text is worth naming;
// nextPiece is how far ahead the next one is looked for.
const (
	leastPiece = 8
	nextPiece  = 200
)

// weave writes HTML as pieces of the text beside it, if that is shorter.
func weave(html, text string) markup {
	plain := markup{plain: html}
	if len(html) < 2*leastPiece || !utf8.ValidString(html) || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return plain // where text is repaired, bytes cannot be counted
	}
	w := weaver{html: html, text: text}
	for w.html != "" {
		w.step()
	}
	w.flush()
	m := markup{pieces: w.pieces}
	if same, err := m.over(text); w.size+leastPiece > len(html) || err != nil || same != html {
		return plain
	}
	return m
}

// weaver is what is left of HTML and text, and the pieces so far.
type weaver struct {
	html, text string
	literal    strings.Builder
	skip       int
	pieces     []piece
	size       int // of the JSON, about
}

// step takes a tag, a character reference or some text from the HTML.
func (w *weaver) step() {
	end := -1
	switch w.html[0] {
	case '<':
		end = strings.IndexByte(w.html, '>')
	case '&':
		end = strings.IndexByte(w.html, ';')
	}
	if end >= 0 {
		w.take(end + 1)
		return
	}
	run := strings.IndexAny(w.html[1:], "<&") + 1
	if run == 0 {
		run = len(w.html)
	}
	w.run(run)
}

// run writes so many bytes of HTML without markup.
func (w *weaver) run(n int) {
	if n < leastPiece {
		w.take(n)
		return
	}
	at := strings.Index(w.text[:min(len(w.text), nextPiece)], w.html[:leastPiece])
	if at < 0 {
		w.take(n)
		return
	}
	same := leastPiece
	for same < n && at+same < len(w.text) && w.html[same] == w.text[at+same] {
		same++
	}
	for same < len(w.html) && !utf8.RuneStart(w.html[same]) {
		same--
	}
	if same < leastPiece {
		w.take(n)
		return
	}
	w.skip += at
	w.flush()
	w.pieces, w.size = append(w.pieces, piece{n: same}), w.size+5
	w.html, w.text = w.html[same:], w.text[at+same:]
}

// take writes so many bytes of HTML as they are.
func (w *weaver) take(n int) {
	w.literal.WriteString(w.html[:n])
	w.html = w.html[n:]
}

// flush writes what stands between two pieces of the text.
func (w *weaver) flush() {
	if w.skip > 0 {
		w.pieces, w.size = append(w.pieces, piece{n: -w.skip}), w.size+5
	}
	if w.literal.Len() > 0 {
		w.pieces, w.size = append(w.pieces, piece{text: w.literal.String()}), w.size+w.literal.Len()+3
	}
	w.skip = 0
	w.literal.Reset()
}

var errPieces = errors.New("its HTML does not go with its text")

// over is the HTML, given the text beside it.
func (m markup) over(text string) (string, error) {
	if m.pieces == nil {
		return m.plain, nil
	}
	var b strings.Builder
	b.Grow(len(text) + 64)
	for _, p := range m.pieces {
		n := max(p.n, -p.n)
		if n < 0 || n > len(text) {
			return "", errPieces
		}
		if p.n > 0 {
			b.WriteString(text[:n])
		} else if p.n == 0 {
			b.WriteString(p.text)
		}
		text = text[n:]
	}
	return b.String(), nil
}

// IsZero tells whether there is no HTML.
func (m markup) IsZero() bool { return m.plain == "" && m.pieces == nil }

// MarshalJSONTo writes the JSON.
func (m markup) MarshalJSONTo(out *jsontext.Encoder) error {
	if m.pieces == nil {
		return out.WriteToken(jsontext.String(m.plain))
	}
	err := out.WriteToken(jsontext.BeginArray)
	for _, p := range m.pieces {
		t := jsontext.Int(int64(p.n))
		if p.n == 0 {
			t = jsontext.String(p.text)
		}
		if err == nil {
			err = out.WriteToken(t)
		}
	}
	if err != nil {
		return err
	}
	return out.WriteToken(jsontext.EndArray)
}

// UnmarshalJSONFrom reads the JSON.
func (m *markup) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	*m = markup{}
	if in.PeekKind() != '[' {
		return json.UnmarshalDecode(in, &m.plain)
	}
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	m.pieces = []piece{}
	for in.PeekKind() != ']' {
		var p piece
		into := any(&p.text)
		if in.PeekKind() == '0' {
			into = &p.n
		}
		if err := json.UnmarshalDecode(in, into); err != nil {
			return err
		}
		m.pieces = append(m.pieces, p)
	}
	_, err := in.ReadToken()
	return err
}

// isthmus_html is the HTML of a stored post for SQL: of its pieces and its text.
// What does not go together is no HTML; reading the post tells of it.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("isthmus_html", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		pieces, _ := args[0].(string)
		text, _ := args[1].(string)
		var m markup
		if json.Unmarshal([]byte(pieces), &m, lenientText) != nil {
			return "", nil
		}
		html, _ := m.over(text)
		return html, nil
	})
}

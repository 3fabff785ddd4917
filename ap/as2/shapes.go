package as2

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// unquote is the text of a JSON string; most need no copy.
func unquote(quoted []byte) ([]byte, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	return jsontext.AppendUnquote(nil, quoted)
}

// readString reads the string that comes next.
func (d *document) readString() (string, error) {
	v, err := d.dec.ReadValue()
	if err != nil {
		return "", err
	}
	b, _ := unquote(v) // half a character is U+FFFD; the decoder has seen to the rest
	return string(b), nil
}

// skip passes over the value that comes next; it is checked all the same.
func (d *document) skip() error {
	_, err := d.dec.ReadValue()
	return err
}

// each calls read for the value that comes next or, if that is a list, for
// every value of it; lists in lists are one list.
func (d *document) each(read func() error) error {
	if d.dec.PeekKind() != '[' {
		return read()
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	for d.dec.PeekKind() != ']' {
		if err := d.each(read); err != nil {
			return err
		}
	}
	_, err := d.dec.ReadToken()
	return err
}

// str reads a string: itself, the first of a list, the @value of an object.
func (d *document) str() (s string, err error) {
	if d.dec.PeekKind() == '"' {
		return d.readString()
	}
	err = d.each(func() error {
		switch k := d.dec.PeekKind(); {
		case k == '"' && s == "":
			s, err = d.readString()
			return err
		case k == '{' && s == "":
			return d.fields(func(name string) error {
				if name == "@value" && d.dec.PeekKind() == '"' {
					s, err = d.readString()
					return err
				}
				return d.skip()
			})
		default:
			return d.skip()
		}
	})
	return s, err
}

// fields calls read for each member of the object that comes next.
func (d *document) fields(read func(name string) error) error {
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	for d.dec.PeekKind() != '}' {
		name, err := d.readString()
		if err != nil {
			return err
		}
		if err := read(name); err != nil {
			return err
		}
	}
	_, err := d.dec.ReadToken()
	return err
}

// usable tells whether a reference can be an id at all (L12).
func usable(id string, limit int) bool {
	if id == "" || len(id) > limit {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool { return r < 0x20 || r == 0x7f || r == utf8.RuneError }) < 0
}

// refs reads objects, or ids of objects, into list, at most limit of them. Like
// each, but without a closure, since this is what documents consist of.
func (d *document) refs(list *[]*Object, limit int) error {
	if d.dec.PeekKind() != '[' {
		return d.oneRef(list, limit)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	for d.dec.PeekKind() != ']' {
		if err := d.refs(list, limit); err != nil {
			return err
		}
	}
	_, err := d.dec.ReadToken()
	return err
}

// oneRef reads one object, or the id of one, into list.
func (d *document) oneRef(list *[]*Object, limit int) error {
	k := d.dec.PeekKind()
	if len(*list) >= limit || k != '"' && k != '{' {
		return d.skip()
	}
	if k == '{' {
		o, err := d.object()
		if o != nil {
			*list = append(*list, o)
		}
		return err
	}
	s, err := d.readString()
	if err != nil || !usable(s, maxID) {
		return err
	}
	if d.objects++; d.objects <= maxObjects {
		*list = append(*list, newObject(s))
	}
	return nil
}

// ref reads one id: a string, the id of an object, the first of a list.
func (d *document) ref() (string, error) {
	if d.dec.PeekKind() == '"' {
		s, err := d.readString()
		if err != nil || !usable(s, maxID) {
			return "", err
		}
		return s, nil
	}
	var list []*Object
	if err := d.refs(&list, 1); err != nil || len(list) == 0 {
		return "", err
	}
	if list[0].ID == "" {
		return list[0].Href, nil // a Link
	}
	return list[0].ID, nil
}

// ids reads ids into list, at most limit of them. Public has one spelling
// afterwards.
func (d *document) ids(list *[]string, limit int) error {
	return d.each(func() error {
		if len(*list) >= limit {
			return d.skip()
		}
		s, err := d.ref()
		switch s {
		case "":
			return err
		case "as:Public", "Public":
			s = Public
		}
		*list = append(*list, s)
		return err
	})
}

// text reads a text, or a map from language to text.
func (d *document) text(f *frame, i int) error {
	if d.dec.PeekKind() == '{' {
		return d.fields(func(lang string) error { return d.language(f, i, lang) })
	}
	return d.each(func() error {
		switch d.dec.PeekKind() {
		case '"':
			s, err := d.readString()
			if t := f.text(i); t.Value == "" {
				t.Value = s
			}
			return err
		case '{':
			return d.fields(func(lang string) error { return d.language(f, i, lang) })
		default:
			return d.skip()
		}
	})
}

// language reads the text in one language.
func (d *document) language(f *frame, i int, lang string) error {
	s, err := d.str()
	t := f.text(i)
	switch {
	case err != nil || s == "":
	case lang == "@value":
		t.Value = s
	case strings.HasPrefix(lang, "@") || len(t.Map) >= maxLanguages:
	default:
		if t.Map == nil {
			t.Map = make(map[string]string, 1)
		}
		if f.first[i] == "" {
			f.first[i] = s
		}
		t.Map[lang] = s
	}
	return err
}

// boolean reads true or false, also as a string.
func (d *document) boolean() (bool, error) {
	switch d.dec.PeekKind() {
	case 't':
		return true, d.skip()
	case '"':
		s, err := d.readString()
		return s == "true", err
	default:
		return false, d.skip()
	}
}

// count reads a number that is not negative, also as a string.
func (d *document) count() (n int64, ok bool, err error) {
	var digits []byte
	switch d.dec.PeekKind() {
	case '0':
		digits, err = d.dec.ReadValue()
	case '"':
		var s string
		s, err = d.readString()
		digits = []byte(s)
	default:
		err = d.skip()
	}
	if err != nil || len(digits) == 0 {
		return 0, false, err
	}
	if n, perr := strconv.ParseInt(string(digits), 10, 64); perr == nil {
		return max(n, 0), n >= 0, nil
	}
	f, perr := strconv.ParseFloat(string(digits), 64) // 1e3, 640.5
	if perr != nil || f < 0 || f > 1<<53 {
		return 0, false, nil
	}
	return int64(f), true, nil
}

// layouts are the spellings of an instant that are met (N15).
var layouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04", time.DateOnly,
}

// parseTime reads an instant; without a zone it is UTC. What cannot be read is
// the zero time.
func parseTime(s string) time.Time {
	if s == "" || len(s) > 64 {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return writable(t)
	}
	s = strings.ToUpper(strings.TrimSpace(s)) // t, z
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + strings.ReplaceAll(s[11:], " ", "")
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return writable(t)
		}
	}
	return time.Time{}
}

// writable keeps instants in the years that can be written again: a zone moves
// the last hours of 9999 beyond them.
func writable(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// coordinate reads a number between -1 and 1.
func coordinate(v []byte) (float64, bool) {
	x, err := strconv.ParseFloat(string(v), 64)
	return x, err == nil && x >= -1 && x <= 1
}

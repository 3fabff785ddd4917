package as2

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What a document may be at most (L1, L12, L13). Lists that are longer are
// cut; everything else is refused.
const (
	MaxBytes = 1 << 20
	MaxDepth = 32

	maxID          = 2048
	maxURL         = 8192
	maxObjects     = 4096 // in one document, so that 1 MiB of {} stays small
	maxRefs        = 256
	maxItems       = 1024
	maxAudience    = 1024
	maxTypes       = 16
	maxLanguages   = 64
	maxTags        = 100
	maxMentions    = 50
	maxFields      = 50 // attachments of an actor
	maxAttachments = 32
	maxOptions     = 20
	maxAliases     = 256
	maxKeys        = 10
)

// Reasons to refuse a document.
var (
	errTooBig  = errors.New("over 1 MiB")
	errUTF8    = errors.New("not UTF-8")
	errTooDeep = errors.New("more than 32 levels")
	errShape   = errors.New("not one object")
	errID      = errors.New("id is too long or has control characters")
	errJSONLD  = errors.New("@graph, @included and @reverse are not read")
)

// Parse reads a document: strictly JSON (at most 1 MiB and 32 levels, exact
// member names, none twice in any of its spellings, valid UTF-8), with lenient
// shapes. An escape for half a character becomes U+FFFD, in no name and no id:
// servers in JavaScript cut names and texts there. The result keeps pointing into
// b, which must not change afterwards.
func Parse(b []byte) (*Object, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("parse document: %w", errTooBig)
	}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("parse document: %w", errUTF8)
	}
	if tooDeep(b) {
		return nil, fmt.Errorf("parse document: %w", errTooDeep)
	}
	d := document{src: b, terms: vocabulary}
	if err := json.Unmarshal(b, &d, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, fmt.Errorf("parse document: %w", err)
	}
	return d.root, nil
}

// FirstID is the id of the first object of a list, empty if there is none.
func FirstID(list []*Object) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].ID
}

// Addresses are where the objects of a list are, each once: by id, or where
// that is missing by the href of a Link, or by url.
func Addresses(list []*Object) []string {
	var out []string
	for _, o := range list {
		at := cmp.Or(o.ID, o.Href)
		if at == "" && len(o.URL) > 0 {
			at = o.URL[0].Href
		}
		if at != "" && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// tooDeep tells whether brackets nest deeper than we read. It runs before the
// parser, so that no parser has to be trusted with a bomb (SEC-37).
func tooDeep(b []byte) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += 1 + endOfString(b[i+1:])
		case '{', '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// endOfString is where the quote that ends a string is.
func endOfString(b []byte) int {
	for from := 0; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return len(b)
		}
		end := from + n
		escapes := 0
		for k := end - 1; k >= from && b[k] == '\\'; k-- {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
		from = end + 1
	}
}

// document is one run of the parser.
type document struct {
	*terms
	src     []byte
	root    *Object
	dec     *jsontext.Decoder
	objects int
}

// UnmarshalJSONFrom reads the document. It is called once, by json.Unmarshal,
// which refuses what follows the value.
func (d *document) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return errShape
	}
	d.dec = dec
	root, err := d.object()
	d.root = root
	return err
}

// frame is an object that is being read.
type frame struct {
	*Object
	seen       [2]uint64     // members met, by number
	first      [texts]string // the first language of each text
	quote      [4]string     // in the order of what they are worth (N12)
	pem        string        // of a key
	owner      string
	controller string
	inbox      string // sharedInbox outside of endpoints
}

// newObject is an object of which no more than the id is known.
func newObject(id string) *Object {
	return &Object{ID: id, TotalItems: -1, RepliesTotal: -1, LikesTotal: -1, SharesTotal: -1, VotersCount: -1}
}

// object reads the object that comes next; beyond the limit it is nil.
func (d *document) object() (*Object, error) {
	if d.objects++; d.objects > maxObjects {
		return nil, d.skip()
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return nil, err
	}
	start := d.dec.InputOffset() - 1
	f := frame{Object: newObject("")}
	for d.dec.PeekKind() != '}' {
		name, err := d.dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if err := d.member(&f, name); err != nil {
			return nil, err
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return nil, err
	}
	f.Raw = d.src[start:d.dec.InputOffset()]
	f.finish()
	return f.Object, nil
}

// member reads the value of a member, or skips it.
func (d *document) member(f *frame, quoted []byte) error {
	name, err := unquote(quoted)
	if err != nil {
		return err
	}
	switch string(name) {
	case "@graph", "@included", "@reverse": // L11, SEC-20
		return errJSONLD
	}
	n, ok := d.number[string(name)]
	if !ok {
		return d.skip()
	}
	// One term in two spellings is two truths (1.10).
	if bit := uint64(1) << (n % 64); f.seen[n/64]&bit != 0 {
		return fmt.Errorf("member %q comes twice", d.members[n].name)
	}
	f.seen[n/64] |= uint64(1) << (n % 64)
	return d.members[n].read(d, f)
}

// finish settles what depends on several members.
func (f *frame) finish() {
	for i, first := range f.first { // only languages came (N6)
		if t := f.text(i); t.Value == "" {
			t.Value = first
		}
	}
	for _, q := range f.quote {
		if f.Quote == "" {
			f.Quote = q
		}
	}
	if f.Quote == "" {
		f.Quote = quoteTag(f.Tag)
	}
	if f.pem != "" && !f.IsActor() { // a key; never both key and actor (L9)
		f.PublicKeys = []PublicKey{{ID: f.ID, Owner: cmp.Or(f.owner, f.controller), PEM: f.pem}}
	}
	if f.SharedInbox == "" {
		f.SharedInbox = f.inbox
	}
	if !f.IsActor() && len(f.Attachment) > maxAttachments {
		f.Attachment = f.Attachment[:maxAttachments]
	}
	for _, list := range [...][]*Object{f.Icon, f.Image, f.Attachment} {
		for _, o := range list {
			if o.Raw == nil { // a bare string is where the file is
				o.URL = []Link{{Href: o.ID}}
			}
		}
	}
	switch f.Type() {
	case TypeService, TypeApplication: // A17
		f.Bot = true
	}
}

// The texts of an object.
const (
	textName = iota
	textSummary
	textContent
	texts
)

// text is one of the texts.
func (f *frame) text(i int) *Text {
	switch i {
	case textName:
		return &f.Name
	case textSummary:
		return &f.Summary
	default:
		return &f.Content
	}
}

// quoteTag finds a quote among the tags (FEP-e232).
func quoteTag(tags []*Object) string {
	for _, t := range tags {
		if t.Href == "" || t.Type() != TypeLink {
			continue
		}
		if t.Rel == "https://misskey-hub.net/ns#_misskey_quote" || IsMediaType(t.MediaType) {
			return t.Href
		}
	}
	return ""
}

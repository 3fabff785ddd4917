package stanza

import "errors"

// Limits bound what Parse accepts. A zero field means its default.
type Limits struct {
	Depth    int // nested elements; 64
	Attrs    int // attributes of an element; 64
	Children int // child nodes of an element; 10,000
	Elements int // elements in all; 30,000
	Name     int // bytes of a name; 256
	// Prefixes are the namespace prefixes declared around the element, as on
	// the stream header. "stream" is always known.
	Prefixes map[string]string
}

// ErrSyntax is wrapped by every error of Parse.
var ErrSyntax = errors.New("stanza refused")

// Parse reads one element with all that it holds. outer is the namespace in
// force around it. Every parsed element has its own Space.
func Parse(frame []byte, outer string, lim Limits) (*Element, error) {
	return nil, ErrSyntax
}

// ParseStart reads only the start tag that a frame opens with.
func ParseStart(frame []byte, outer string, lim Limits) (*Element, error) {
	return nil, ErrSyntax
}

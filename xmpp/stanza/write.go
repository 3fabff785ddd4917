package stanza

// Append writes the element as well-formed XML, whatever it holds. outer is
// the namespace in force around it.
func Append(dst []byte, e *Element, outer string) []byte {
	if e == nil {
		return dst
	}
	return append(dst, e.rendered...)
}

// String is the element as XML, outside of any namespace.
func (e *Element) String() string {
	return string(Append(nil, e, ""))
}

// Prerender returns a copy of the element that keeps its XML, so that many
// stanzas can carry it at the cost of a copy. It must not be changed any more.
func Prerender(e *Element) *Element {
	r := *e
	r.rendered = Append(nil, e, "")
	return &r
}

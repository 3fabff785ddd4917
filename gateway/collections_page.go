package gateway

import (
	"slices"
	"strconv"
	"strings"

	"isthmus/cache"
	"isthmus/translate"
)

// entry is a member of a collection, with its place in it.
type entry struct {
	id   int64
	item any
}

func entries(posts []cache.Stored, item func(translate.Post) any) []entry {
	out := make([]entry, len(posts))
	for i, s := range posts {
		out[i] = entry{s.ID, item(s.Post)}
	}
	return out
}

// span is a page of a collection by its end: what follows a member in the order
// of the collection, or, read backwards, what comes before it. From 0 it is the
// first page, and backwards the last. So what comes and goes moves nothing
// between pages.
type span struct {
	from  int64
	back  bool
	limit int
}

// The cursors in addresses: a number, or b and a number for pages before it.
const (
	backPage = "b"
	lastPage = "last"
)

func parseSpan(cursor string) (span, bool) {
	if cursor == lastPage {
		return span{back: true}, true
	}
	digits, back := strings.CutPrefix(cursor, backPage)
	from, err := strconv.ParseUint(digits, 10, 63) // which takes no sign
	return span{from: int64(from), back: back}, err == nil && !(back && from == 0)
}

// read gives the members of the page in the order of the collection, and the
// cursors of the pages around it, "" where there is none.
func (s span) read(tx *cache.Tx, page func(*cache.Tx, span) ([]entry, error)) (list []entry, prev, next string, err error) {
	s.limit = collectionPage + 1 // one more tells whether it goes on
	if list, err = page(tx, s); err != nil || len(list) == 0 {
		return nil, "", "", err
	}
	more := len(list) > collectionPage
	list = list[:min(len(list), collectionPage)]
	if s.back {
		slices.Reverse(list)
	}
	ahead, behind := more, s.from != 0
	if s.back {
		ahead, behind = behind, more
	}
	if ahead {
		next = strconv.FormatInt(list[len(list)-1].id, 10)
	}
	if behind {
		prev = backPage + strconv.FormatInt(list[0].id, 10)
	}
	return list, prev, next, nil
}

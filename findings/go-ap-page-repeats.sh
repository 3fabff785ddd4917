#!/bin/bash
# github.com/go-ap/activitypub v0.0.0-20260803135430-cb9978486dff: a page of an
# ordered collection.
#
# Guess: the list of a page is kept as it is, also where one thing stands in it
#   twice, as in an outbox in which a post was boosted, taken back and boosted
#   again; and where the page begins (startIndex) is kept.
# Seen: the second of two equal items is dropped while the page is read, and
#   "startIndex" 0 is not written: places in the list, counts and the sum over
#   all pages are no longer what the server said.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat >go.mod <<'END'
module finding
go 1.24
require github.com/go-ap/activitypub v0.0.0-20260803135430-cb9978486dff
END
cat >main.go <<'END'
package main

import (
	"fmt"

	vocab "github.com/go-ap/activitypub"
)

func main() {
	page, err := vocab.UnmarshalJSON([]byte(`{"id":"https://list.example/1?page=1","type":"OrderedCollectionPage","totalItems":3,` +
		`"startIndex":0,"orderedItems":["https://list.example/a","https://list.example/b","https://list.example/a"]}`))
	if err != nil {
		panic(err)
	}
	out, err := vocab.MarshalJSON(page)
	fmt.Printf("%s %v\n", out, err)
}
END
go mod tidy 2>/dev/null
seen=$(go run .)
echo "$seen"
[ "$seen" = '{"id":"https://list.example/1?page=1","type":"OrderedCollectionPage","totalItems":3,"orderedItems":["https://list.example/a","https://list.example/b"]} <nil>' ] ||
	{ echo 'the behaviour has changed'; exit 1; }

#!/bin/bash
# github.com/go-ap/activitypub v0.0.0-20260803135430-cb9978486dff: a Place.
#
# Guess: a Place that is read and written again keeps its radius and the units
#   of it (Activity Vocabulary, 5.3: "radius" is a number, "units" a word).
# Seen: the units are written under the name of the radius. The object has the
#   member "radius" twice, first the number, then the word, and no "units";
#   most readers of JSON keep the last, so that the radius is "miles".
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
	place, err := vocab.UnmarshalJSON([]byte(`{"id":"https://places.example/1","type":"Place","radius":15,"units":"miles"}`))
	if err != nil {
		panic(err)
	}
	out, err := vocab.MarshalJSON(place)
	fmt.Printf("%s %v\n", out, err)
}
END
go mod tidy 2>/dev/null
seen=$(go run .)
echo "$seen"
[ "$seen" = '{"id":"https://places.example/1","type":"Place","radius":15,"radius":"miles"} <nil>' ] ||
	{ echo 'the behaviour has changed'; exit 1; }

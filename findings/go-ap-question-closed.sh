#!/bin/bash
# github.com/go-ap/activitypub v0.0.0-20260803135430-cb9978486dff: a poll that
# has ended.
#
# Guess: "closed" of a Question comes back as it went in: the time at which the
#   poll ended, as Mastodon and others write it, or true (Activity Vocabulary,
#   4: object, link, time, or boolean).
# Seen: a time comes back as the text "false", so that a poll that has ended is
#   open again; and true comes back as the text "true", no boolean.
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
	for _, closed := range []string{`"2026-11-30T12:00:00Z"`, `true`} {
		poll, err := vocab.UnmarshalJSON([]byte(`{"id":"https://polls.example/1","type":"Question","name":"Moss?","closed":` + closed + `}`))
		if err != nil {
			panic(err)
		}
		out, err := vocab.MarshalJSON(poll)
		fmt.Printf("%s %v\n", out, err)
	}
}
END
go mod tidy 2>/dev/null
seen=$(go run .)
echo "$seen"
[ "$seen" = '{"id":"https://polls.example/1","type":"Question","name":"Moss?","closed":"false"} <nil>
{"id":"https://polls.example/1","type":"Question","name":"Moss?","closed":"true"} <nil>' ] ||
	{ echo 'the behaviour has changed'; exit 1; }

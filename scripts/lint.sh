#!/bin/bash
# Format, vet, staticcheck, and a go.mod that says what the code uses.
set -uo pipefail
cd "$(dirname "$0")/.."
go=scripts/go.sh
status=0

unformatted=$(find . -name '*.go' -not -path '*/node_modules/*' -not -path './.cache/*' -print0 |
	xargs -0 "$($go env GOROOT)/bin/gofmt" -l)
if [ -n "$unformatted" ]; then
	printf 'not formatted (gofmt -w):\n%s\n' "$unformatted"
	status=1
fi
$go vet ./... || status=1
$go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 ./... || status=1
$go mod tidy -diff || status=1
[ $status = 0 ] && echo 'lint: clean'
exit $status

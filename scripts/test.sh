#!/bin/bash
# Everything that make test does. Each part runs even if one before it failed;
# what failed is named at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
go=scripts/go.sh
failed=()

part() {
	local name=$1 start=$SECONDS
	shift
	printf '\n== %s\n' "$name"
	if "$@"; then
		printf '== %s: done in %d s\n' "$name" $((SECONDS - start))
	else
		printf '== %s: FAILED after %d s\n' "$name" $((SECONDS - start))
		failed+=("$name")
	fi
}

unit_packages() { $go list ./... | grep -v '/e2e'; }
# shellcheck disable=SC2046
unit() {
	# The database engine is C that was turned into Go: told to watch it too, the
	# race detector takes several times as long, and says nothing of our code.
	$go test -race -gcflags='modernc.org/...=-race=false' -shuffle=on -timeout 20m $(unit_packages)
}
build() { CGO_ENABLED=0 $go build -trimpath -o bin/isthmus ./cmd/isthmus; }
e2e() { ISTHMUS_BIN=$PWD/bin/isthmus $go test -count=1 -timeout 30m ./e2e/...; }

scripts/deps.sh test || { echo 'the tests cannot run without what is named above'; exit 1; }
part 'build' build
part 'lint' scripts/lint.sh
part 'unit tests' unit
part 'fuzz, briefly' scripts/fuzz.sh "${FUZZTIME:-5s}"
part 'end-to-end tests' e2e

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
	printf 'FAILED: %s\n' "$(IFS=,; echo "${failed[*]}")"
	exit 1
fi
printf 'all parts passed in %d s\n' $SECONDS

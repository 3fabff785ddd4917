#!/bin/bash
# Runs every fuzz target for a while: scripts/fuzz.sh 5s
set -uo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
status=0
count=0
while IFS=: read -r file target; do
	dir=$(dirname "$file")
	count=$((count + 1))
	printf 'fuzz %s %s for %s\n' "$dir" "$target" "$time"
	scripts/go.sh test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -parallel 2 "$dir" || status=1
done < <(grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's/^([^:]+):[0-9]+:func /\1:/')
if [ $count = 0 ]; then
	echo 'fuzz: no target found'
	exit 1
fi
printf 'fuzz: %d targets\n' $count
exit $status

#!/bin/bash
# Runs every fuzz target for a while: scripts/fuzz.sh 5s
set -uo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
status=0
count=0
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# Before Go 1.27 the end of the time that was asked for can itself be reported
# as a failure (go.dev/issue/75804). A target that failed says which input did
# it, and one that hung says so: neither looks like this.
only_out_of_time() {
	grep -qx '    context deadline exceeded' "$said" &&
		! grep -qE 'Failing input|hung or terminated|panic|_test\.go:[0-9]+' "$said"
}

while IFS=: read -r file target; do
	dir=$(dirname "$file")
	count=$((count + 1))
	printf 'fuzz %s %s for %s\n' "$dir" "$target" "$time"
	if ! scripts/go.sh test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -parallel 2 "$dir" 2>&1 | tee "$said"; then
		if only_out_of_time; then
			printf 'fuzz %s %s: its time was over and no input failed; see go.dev/issue/75804\n' "$dir" "$target"
		else
			status=1
		fi
	fi
done < <(grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's/^([^:]+):[0-9]+:func /\1:/')
if [ $count = 0 ]; then
	echo 'fuzz: no target found'
	exit 1
fi
printf 'fuzz: %d targets\n' $count
exit $status

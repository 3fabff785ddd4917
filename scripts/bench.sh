#!/bin/bash
# Prints the benchmark tables: the whole gateway, the store with POSTS posts (a
# million, which takes a quarter of an hour and 5 GB), then their parts.
#   scripts/bench.sh [-scale 0.1]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh demo
CGO_ENABLED=0 scripts/go.sh build -trimpath -o bin/isthmus ./cmd/isthmus
CGO_ENABLED=0 scripts/go.sh build -trimpath -o bin/bench ./e2e/bench
CGO_ENABLED=0 scripts/go.sh build -trimpath -o bin/scale ./e2e/scale
ISTHMUS_BIN=bin/isthmus bin/bench "$@"
printf '\nThe store:\n'
bin/scale -posts "${POSTS:-1000000}"
printf '\nThe parts:\n'
scripts/go.sh test -run '^$' -bench . -benchmem ./... | grep -E '^(Benchmark|pkg:|FAIL|panic)' | sed 's/^pkg: /\n/'

#!/bin/bash
# Prints the benchmark table: the whole gateway, then its parts.
#   scripts/bench.sh [-scale 0.1]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh demo
CGO_ENABLED=0 scripts/go.sh build -trimpath -o bin/isthmus ./cmd/isthmus
CGO_ENABLED=0 scripts/go.sh build -trimpath -o bin/bench ./e2e/bench
ISTHMUS_BIN=bin/isthmus bin/bench "$@"
printf '\nThe parts:\n'
scripts/go.sh test -run '^$' -bench . -benchmem ./... | grep -E '^(Benchmark|pkg:|FAIL|panic)' | sed 's/^pkg: /\n/'

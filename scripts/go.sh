#!/bin/bash
# Runs Go, of the version that go.mod asks for. Any Go since 1.21 fetches that by
# itself. Debian 12's is older: it fetches the newer one as a module, which is
# unpacked into .cache/go.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
wanted=1.26.8
own=$root/.cache/go/bin/go

minor() { "$1" version 2>/dev/null | sed -n 's/.* go1\.\([0-9]*\).*/\1/p'; }

if [ -x "$own" ]; then
	PATH=$root/.cache/go/bin:$PATH exec "$own" "$@"
fi
found=$(command -v go || { [ -x /usr/local/go/bin/go ] && echo /usr/local/go/bin/go; } || true)
if [ -n "$found" ] && [ "$(minor "$found")" -ge 21 ]; then
	PATH=$(dirname "$found"):$PATH exec "$found" "$@"
fi
if [ -z "$found" ]; then
	echo "go: not installed; installing Debian's, to fetch Go $wanted with it" >&2
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -qq >&2
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go ca-certificates git >/dev/null
	found=$(command -v go)
fi
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) echo "go: no Go $wanted for $(uname -m): see https://go.dev/dl/" >&2; exit 1 ;; esac
echo "go: fetching Go $wanted" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(
	cd "$work"
	"$found" mod init fetch >/dev/null 2>&1
	"$found" mod download "golang.org/toolchain@v0.0.1-go$wanted.linux-$arch"
)
from=$("$found" env GOMODCACHE)/golang.org/toolchain@v0.0.1-go$wanted.linux-$arch
mkdir -p "$root/.cache"
rm -rf "$root/.cache/go"
cp -r "$from" "$root/.cache/go"
# A module's files are neither writable nor programs.
chmod -R u+w "$root/.cache/go"
chmod +x "$root"/.cache/go/bin/* "$root"/.cache/go/pkg/tool/*/*
rm -rf "$work"
trap - EXIT
PATH=$root/.cache/go/bin:$PATH exec "$own" "$@"

#!/bin/bash
# Installs what demo and tests need and the machine lacks. Made for Debian 12;
# does nothing, quickly, where everything is there. Servers that it installs are
# not started: the demo and the tests start their own.
#   scripts/deps.sh build | demo | test
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-test}

say() { printf 'deps: %s\n' "$*"; }
have() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }

packages=()
want() { have "$1" || packages+=("${@:2}"); }

if [ "$purpose" != build ]; then
	want prosody prosody
	want node nodejs
	want npm npm
fi
if [ "$purpose" = test ]; then
	want ejabberdctl ejabberd
	want nginx nginx
	want apache2 apache2
	want caddy caddy
	want gcc gcc libc6-dev
	want chromium chromium
	want certutil libnss3-tools
	/usr/bin/python3 -c 'import slixmpp' 2>/dev/null || packages+=(python3-slixmpp)
	/usr/bin/python3 -c 'import nbxmpp' 2>/dev/null || packages+=(python3-nbxmpp)
fi

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; return; fi
	have sudo || { say "not root and no sudo: run as root: apt-get install ${packages[*]}"; exit 1; }
	sudo "$@"
}

if [ ${#packages[@]} -gt 0 ]; then
	have apt-get || { say "this is no Debian: install ${packages[*]} yourself"; exit 1; }
	say "installing ${packages[*]}"
	# Debian starts servers as it installs them, unless this program says 101.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'as_root rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
	fi
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
	# Nor shall they start when the machine does.
	if [ -d /run/systemd/system ]; then
		for unit in prosody ejabberd nginx apache2 caddy; do
			case " ${packages[*]} " in *" $unit"*) as_root systemctl disable --quiet --now $unit || true ;; esac
		done
	fi
fi

# Go of the version that go.mod asks for. Any Go since 1.21 fetches it by
# itself; an older one is made to fetch it here, as the module that it is.
scripts/go.sh version >/dev/null || exit 1

# node_packages FOLDER WHAT installs what its lock file names.
node_packages() (
	cd "$1"
	if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
		say "installing the packages of $2"
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
		touch node_modules/.package-lock.json
	fi
)

if [ "$purpose" != build ]; then
	node_packages e2e/fedify "the fediverse peer"
	[ "$purpose" != test ] || node_packages e2e/browser "what drives the browser"
	(
		cd e2e/fedify
		major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
		if [ "$major" -lt 20 ] && [ ! -d node22 ]; then
			case $(uname -m) in x86_64) cpu=x64 ;; aarch64) cpu=arm64 ;; *) say "no Node 20 for $(uname -m)"; exit 1 ;; esac
			say "node $(node --version) is too old for the peer: installing Node 22 beside it"
			npm install --prefix node22 --ignore-scripts --no-audit --no-fund --no-save --loglevel=error "node-linux-$cpu@22.23.3"
		fi
	)
fi

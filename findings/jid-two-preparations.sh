#!/bin/bash
# mellium.im/xmpp v0.23.0 (jid) beside Prosody 0.12.3 (Debian 12): which account
# an address names.
#
# Guess: a library and a server that both speak XMPP agree on which addresses
#   name the same account, at least where both accept them.
# Seen: they do not, for letters that RFC 6122 folds by nodeprep, as the server
#   does, and RFC 7622 keeps by PRECIS, as the library does. "weiß" is the
#   account "weiss" on the server and stays "weiß" in the library, final sigma
#   is a sigma here and its own letter there; and the library refuses letters
#   of width and form (Ⅷ, ﬁ) under which the server has users. A program that
#   prepares addresses by the library and compares them with those that come
#   from the server keeps two entries of one account, or none.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root prosody=0.12.3-1+deb12u1 libicu72=72.1-3+deb12u1 lua5.4=5.4.4-3+deb12u1
for package in *.deb; do dpkg -x "$package" root; done
cat >server.lua <<'END'
local prep = require "util.encodings".stringprep.nodeprep
for _, name in ipairs { "Alice", "weiß", "οδυσσεύς", "Ⅷ", "ﬁn" } do print(name .. " " .. tostring(prep(name))) end
END
libraries=$(dirname "$(find root -name 'libicuuc.so.72')")
server=$(LD_LIBRARY_PATH=$libraries LUA_CPATH="$work/root/usr/lib/prosody/?.so" root/usr/bin/lua5.4 server.lua)

cat >go.mod <<'END'
module finding
go 1.24
require mellium.im/xmpp v0.23.0
END
cat >main.go <<'END'
package main

import (
	"fmt"

	"mellium.im/xmpp/jid"
)

func main() {
	for _, name := range []string{"Alice", "weiß", "οδυσσεύς", "Ⅷ", "ﬁn"} {
		if j, err := jid.New(name, "example.org", ""); err != nil {
			fmt.Println(name, "refused")
		} else {
			fmt.Println(name, j.Localpart())
		}
	}
}
END
go mod tidy 2>/dev/null
library=$(go run .)
printf 'the server:\n%s\nthe library:\n%s\n' "$server" "$library"
[ "$server" = 'Alice alice
weiß weiss
οδυσσεύς οδυσσεύσ
Ⅷ viii
ﬁn fin' ] && [ "$library" = 'Alice alice
weiß weiß
οδυσσεύς οδυσσεύς
Ⅷ refused
ﬁn refused' ] || { echo 'the behaviour has changed'; exit 1; }

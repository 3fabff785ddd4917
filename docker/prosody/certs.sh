#!/bin/sh
# A certificate authority for one machine, and one certificate for all the names
# given, under each of them:
#   certs.sh FOLDER NAME...
# What is there already stays as it is.
set -eu
cd "$1"
shift
[ -e ca.crt ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
	-subj '/CN=Isthmus local CA' -keyout ca.key -out ca.crt
if [ ! -e "$1.crt" ]; then
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout all.key -out all.csr
	printf 'extendedKeyUsage=serverAuth\nsubjectAltName=DNS:%s' "$(printf '%s,DNS:' "$@" | sed 's/,DNS:$//')" >all.ext
	openssl x509 -req -in all.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 180 -extfile all.ext -out all.crt
	for name in "$@"; do
		cp all.crt "$name.crt"
		cp all.key "$name.key"
	done
	rm all.csr all.ext all.key all.crt
fi
# Prosody and the gateway run under users of their own; ca.key is for neither.
chmod 644 ./*.crt
for name in "$@"; do chmod 644 "$name.key"; done

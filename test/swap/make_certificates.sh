#!/usr/bin/env bash
# Makes what the TLS examples of Asio read: make_certificates.sh DIRECTORY. Those that come with them have expired.
set -euo pipefail
mkdir -p "$1"
cd "$1"
[[ ! -s dh4096.pem ]] || exit 0
exec 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /O=auraio/CN=ca
openssl req -newkey rsa:2048 -passout pass:test -keyout server.key -out server.csr -subj /O=auraio/CN=server
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.crt -days 30
cat server.crt server.key >server.pem
openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out dh4096.pem

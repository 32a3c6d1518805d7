#!/usr/bin/env bash
# Runs one scenario in the directory it is started in: scenario.sh SCENARIO SERVER CLIENT ARGUMENT...
#
# SERVER and CLIENT are programs (or - for none). Prints a transcript in which nothing depends on the run, so that two
# can be compared. Expects namespaces of its own: network, mounts, processes.
# shellcheck disable=SC2034 # the scenarios use them
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scenario=$1
server=$2
client=$3
shift 3

ip link set lo up multicast on
ip route add 224.0.0.0/4 dev lo

# The examples' hosts of the outer world are this machine.
echo '127.0.0.1 localhost www.boost.org postman-echo.com' >hosts
mount --bind hosts /etc/hosts

# shellcheck source=test/swap/process.sh
source "$here/process.sh"
# shellcheck source=test/swap/scenarios.sh
source "$here/scenarios.sh"
# shellcheck source=test/swap/scenarios-beast.sh
source "$here/scenarios-beast.sh"

"$scenario" "$@" 2>&1 | sed --regexp-extended --file "$here/transcript.sed"

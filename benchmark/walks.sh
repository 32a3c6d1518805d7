#!/usr/bin/env bash
# Instructions of the walks of doc/architecture.md in user space, by callgrind: walks.sh [-b build]
#
# Two run lengths, of which the difference counts: what a program does once is in both. Backends are chosen with
# AURAIO_BACKEND, as everywhere.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

build=$here/../build/release
while getopts b: option; do
    case $option in
    b) build=$OPTARG ;;
    *) exit 2 ;;
    esac
done
programs=$(cd "$build/benchmark" && pwd)
few=2000 many=12000

instructions() {
    local output
    output=$(cd "$programs" && valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1)
    sed -n 's/.*Collected : //p' <<<"$output"
}

# row name program arguments...
row() {
    local name=$1 program=./$2
    shift 2
    local short long
    short=$(instructions "$program" "$@" count=$few)
    long=$(instructions "$program" "$@" count=$many)
    printf '%-32s %6d\n' "$name" $(((long - short) / (many - few)))
}

(cd "$programs" && ./make_test_file path=data "mib=${FILE_MIB:-1024}")
for depth in 1 32; do
    for walk in post timer echo; do
        row "$walk, Asio, depth $depth" walks_asio walk=$walk depth=$depth
    done
    for walk in post timer read echo; do
        row "$walk, depth $depth" walks_auraio walk=$walk depth=$depth
    done
    row "read from C, depth $depth" c_walk depth=$depth
done

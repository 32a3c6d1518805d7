#!/usr/bin/env bash
# Compares the ABI of libauraio-c with that of the last release: check-abi.sh [--record | --since COMMIT | --headers DIRECTORY]
#
# The ABI is what the header says: a stub library of its declarations, each with an empty body, has the types and functions that
# programs see and nothing of the engine (test/capi/symbols.sh compares the header with what the library exports). Functions may
# be added, and structs that carry their size may grow at their end; anything else is a break, and raises SOVERSION in
# src/c_library.cmake. --record writes src/capi/libauraio-c.abi, when a release is made. --since compares with another commit, and
# --headers takes the header from another include directory.
# 77, a skip: abidiff (Debian: abigail-tools) is not installed.
set -euo pipefail
cd "$(dirname "$0")/.."
released=src/capi/libauraio-c.abi
if ! command -v abidiff >/dev/null; then
    echo "skipped: abidiff is not installed (Debian: abigail-tools)"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# describe INCLUDE-DIRECTORY OUTPUT
describe() {
    rm -rf "$work/include"
    mkdir -p "$work/include/auraio"
    cp "$1"/auraio/aura*.h "$work/include/auraio"
    # What stands behind the header's own mark of what is exported, up to the semicolon, gets a body.
    sed -i 's/^#define AURA_API.*/#define AURA_API EXPORTED/' "$work/include/auraio/aura.h"
    cc -E -P -D_GNU_SOURCE -I"$work/include" "$work/include/auraio/aura.h" | tr '\n' ' ' | sed 's/EXPORTED/\nEXPORTED/g' |
        sed '/^EXPORTED/{s/^EXPORTED//;s/;/ { __builtin_trap(); }/}' >"$work/stub.i"
    cc -x cpp-output -w -g -O0 -shared -fPIC -o "$work/libauraio-c.so" "$work/stub.i"
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file "$2" "$work/libauraio-c.so"
}

before=$released headers=include
case ${1-} in
    --record)
        describe include "$released"
        exit
        ;;
    --since)
        git archive "$2" include/auraio | tar -x -C "$work" --transform 's/^include/before/'
        describe "$work/before" "$work/before.abi"
        before=$work/before.abi
        ;;
    --headers) headers=$2 ;;
esac
describe "$headers" "$work/now.abi"
# A struct that begins with its size grows at its end.
cat >"$work/rules" <<'RULES'
[suppress_type]
    name_regexp = ^aura_(options|op|stats|histogram|buffer_stats|device_stats|storage)$
    has_data_member_inserted_at = end
RULES
status=0
abidiff --no-added-syms --suppressions "$work/rules" "$before" "$work/now.abi" || status=$?
if ((status != 0)); then
    echo "the ABI of libauraio-c is not what it was: raise SOVERSION in src/c_library.cmake, or give back what programs use" >&2
    exit 1
fi
echo "the ABI of libauraio-c has kept all there was: $(grep -c '<function-decl.*elf-symbol-id' "$before") functions"

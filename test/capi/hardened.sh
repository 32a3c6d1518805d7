#!/usr/bin/env bash
# The library is linked and compiled as distributions ask: hardened.sh LIBRARY optimised|plain
set -euo pipefail
library=$1 build=$2
fail() { echo "hardened: $*" >&2 && exit 1; }
dynamic=$(readelf -dW "$library") segments=$(readelf -lW "$library") names=$(nm -D "$library")
grep -qE '\(FLAGS\).*BIND_NOW|\(BIND_NOW\)|\(FLAGS_1\).*NOW' <<<"$dynamic" || fail "symbols are bound late"
grep -q GNU_RELRO <<<"$segments" || fail "no RELRO: what the loader has relocated stays writable"
! grep -E 'GNU_STACK.* RWE ' <<<"$segments" || fail "the stack is executable"
grep -q __stack_chk_fail <<<"$names" || fail "no stack protector"
[ "$build" = plain ] || grep -q '_chk@' <<<"$names" || fail "no FORTIFY"

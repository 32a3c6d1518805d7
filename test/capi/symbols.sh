#!/usr/bin/env bash
# The library exports what is listed, which is what the header declares: symbols.sh LIBRARY LIST HEADER...
# And no static variable of a function is made at its first use, but by first_use: a child of fork(2) would wait for a
# thread of its parent that was making it.
set -euo pipefail
library=$1 list=$2
shift 2
exported=$(nm -D --defined-only "$library" | awk '$2 ~ /^[TBDRVW]$/ { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u)
declared=$(cat "$@" | grep -v '^ \*' | tr '\n' ' ' | grep -oE 'AURA_API [^;]*' | grep -oE '\*?aura_[a-z_]+\(' |
    tr -d '*(' | LC_ALL=C sort -u)
diff <(LC_ALL=C sort "$list") <(echo "$exported") || { echo "symbols: $list is not what $library exports" >&2; exit 1; }
diff <(echo "$declared") <(echo "$exported") || { echo "symbols: $* do not declare what is exported" >&2; exit 1; }
if guarded=$(readelf --syms --wide --demangle "$library" | grep 'guard variable' | grep -v ' TLS '); then
    echo "$guarded" >&2
    echo "symbols: static variables with a guard, where src/core/base/first_use.hpp is needed" >&2
    exit 1
fi

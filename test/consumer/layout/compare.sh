#!/bin/bash
# compare.sh CXX INCLUDE TABLE PROGRAM same|other FLAG...: the sizes of what crosses the library's edge, as compiled with
# the flags, are those of TABLE, or others; TABLE is written where there are no flags. Exits with 77, a skip, where the
# compiler makes no program with them.
set -eu
cxx=$1 include=$2 table=$3 program=$4 expected=$5
shift 5
if ! "$cxx" "$@" -x c++ - -o "$program" <<<'int main() {}' || ! "$program"; then
    echo "SKIPPED: $cxx makes no program with $* here"
    exit 77
fi
"$cxx" -std=c++20 -w -O0 -fno-access-control "-I$include" "$@" "$(dirname "$0")/sizes.cpp" -o "$program"
"$program" >"$program.table"
(($(wc -l <"$program.table") > 100)) || {
    echo "the table is short"
    exit 1
}
if (($# == 0)); then
    mv "$program.table" "$table"
elif diff "$table" "$program.table"; then
    [[ $expected == same ]]
else
    [[ $expected == other ]]
fi

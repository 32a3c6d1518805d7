#!/bin/bash
# compare.sh CXX SOURCE TABLE PROGRAM MODE FLAG...: the table that SOURCE prints, compiled with the flags. MODE: write, it
# becomes TABLE; same, it is TABLE; other, it is not; apart, it is not, but no name has one layout here and another there.
# Exits with 77, a skip, where the compiler makes no program with the flags.
set -eu
cxx=$1 source=$2 table=$3 program=$4 mode=$5
shift 5
if ! "$cxx" "$@" -x c++ - -o "$program" <<<'int main() {}' || ! "$program"; then
    echo "SKIPPED: $cxx makes no program with $* here"
    exit 77
fi
"$cxx" -std=c++20 -w -O0 -fno-access-control "$@" "$source" -o "$program"
"$program" >"$program.table"
[[ -s $program.table ]]
if [[ $mode == write ]]; then
    mv "$program.table" "$table"
elif diff "$table" "$program.table"; then
    [[ $mode == same ]]
elif [[ $mode == apart ]]; then
    awk 'NR == FNR { rows[$1] = $0; next } ($1 in rows) && rows[$1] != $0 { print "two of " $1; bad = 1 } END { exit bad }' \
        "$table" "$program.table"
else
    [[ $mode == other ]]
fi

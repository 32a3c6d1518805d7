#!/usr/bin/env bash
# Asio's own unit tests with `aura` in the place of `asio`: retarget.sh SOURCE_TREE [FILTER]
#
# SOURCE_TREE is a source tree of Asio's, fetched by hand (the folder that has include/ and src/tests/unit/, or the one
# above it). Copies of its unit tests whose name contains FILTER, all by default, are changed by sed, built and run, each
# with a time limit; nothing of Asio's is kept outside of the build folder. The library is taken from $AURAIO_BUILD
# (build/dev), built by the preset `dev`. Two at a time: the whole takes some twenty minutes on two processors.
# Prints a table, and fails if a test that is not listed in excluded.txt does not build or does not pass.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(cd "${1:?usage: retarget.sh SOURCE_TREE [FILTER]}" && pwd)
filter=${2:-}
if [[ ! -d $tree/src/tests/unit ]]; then
    tree=$tree/asio
fi
library=${AURAIO_BUILD:-$root/build/dev}/src/libauraio-core.a
folder=$root/build/retarget
if [[ ! -f $library || ! -d $tree/src/tests/unit ]]; then
    echo "retarget: needs $library and $tree/src/tests/unit" >&2
    exit 2
fi
rm -rf "$folder"
mkdir -p "$folder/results"
cp -r "$tree/src/tests/unit" "$folder/unit"

# Names are qualified in Asio's tests; what re-opens namespace asio goes on doing so.
find "$folder/unit" -name '*.[ch]pp' -exec sed -i -E \
    's/(^|[^A-Za-z0-9_:])(::)?asio::/\1aura::/g; s/using namespace asio;/using namespace aura;/' {} +
# The socket inside an iostream of ours is Asio's own: one line of one test gives it the name of ours.
sed -i 's/basic_socket<ip::tcp>& sref = ios1/auto\& sref = ios1/' "$folder/unit/ip/tcp.cpp"

# All of Asio and ours, once. Two tests do not compile where all of Asio comes first, with Asio alone either.
mkdir -p "$folder/precompiled/auraio"
g++ -std=c++20 -O0 -w "-I$root/include" "-I$tree/include" -x c++-header "$root/include/auraio/auraio.hpp" \
    -o "$folder/precompiled/auraio/auraio.hpp.gch"
header_for() {
    case $1 in
    is_read_buffered | is_write_buffered) echo auraio/ip/tcp.hpp ;;
    *) echo auraio/auraio.hpp ;;
    esac
}

libraries=(-luring -lssl -lcrypto -pthread)
if [[ $(g++ -print-file-name=libboost_context.so) == /* ]]; then # spawn's
    libraries+=(-lboost_context)
fi

try_one() {
    local name=$1 source=$folder/unit/$1.cpp out=$folder/results/${1//\//.} outcome
    local options=(-std=c++20 -O0 -w "-I$folder/precompiled" -include "$(header_for "$name")" "-I$root/include"
        "-I$tree/include" "-I$folder/unit" "-I$(dirname "$source")")
    if ! nice g++ "${options[@]}" -c "$source" -o "$out.o" >"$out.log" 2>&1 ||
        ! g++ "$out.o" "$library" "${libraries[@]}" -o "$out.program" >>"$out.log" 2>&1; then
        outcome='did not build'
    elif (cd "$folder/results" && timeout 120 "$out.program" >"$out.log" 2>&1); then
        outcome=passed
    else
        outcome=failed
    fi
    rm -f "$out.o" "$out.program"
    echo "$outcome" >"$out.outcome"
}
reason_for() { sed -n "s#^$1 ##p" "$root/test/conformance/excluded.txt"; }

names=$(cd "$folder/unit" && find . -name '*.cpp' | sed 's#^\./##; s#\.cpp$##' | grep -F -- "$filter" | sort)
running=0
for name in $names; do
    if [[ -n $(reason_for "$name") ]]; then
        continue
    fi
    try_one "$name" &
    running=$((running + 1))
    if ((running >= 2)); then
        wait -n || true
        running=$((running - 1))
    fi
done
wait

passed=0 bad=0 excluded=0
for name in $names; do
    reason=$(reason_for "$name")
    if [[ -n $reason ]]; then
        outcome="excluded: $reason"
        excluded=$((excluded + 1))
    else
        outcome=$(cat "$folder/results/${name//\//.}.outcome")
        if [[ $outcome == passed ]]; then
            passed=$((passed + 1))
        else
            bad=$((bad + 1))
            outcome="$outcome: $(grep -m 1 -E 'error:|undefined|failed' "$folder/results/${name//\//.}.log" | cut -c 1-160 || true)"
        fi
    fi
    printf '%-45s %s\n' "$name" "$outcome"
done
echo "$passed passed, $bad failed or did not build, $excluded excluded"
((bad == 0))

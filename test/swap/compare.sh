#!/usr/bin/env bash
# Runs one line of scenarios in every pair of original and swapped programs: compare.sh BUILD DIRECTORY LINE
#
# With AURAIO_SWAP_ORIGINALS set, runs the originals twice instead: whether the table and the scenarios are good.
# Prints "passed", "failed" or "excluded", the line's programs, and why. What the pairs printed stays in DIRECTORY.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/swap/programs
directory=$2
read -r scenario server client arguments <<<"${3%%=>*}"
expected=${3#*=> }

verdict() {
    printf '%-8s %-17s %-44s %-40s %s\n' "$1" "$scenario" "${server#asio/}" "${client#asio/}" "$2"
    exit 0
}

# run_pair SERVER-VARIANT CLIENT-VARIANT [NAME]: the transcript, in a directory and namespaces of its own.
run_pair() {
    local pair=$directory/${3:-$1-$2} client_program=-
    rm -rf "$pair"
    mkdir -p "$pair"
    cp "$directory"/../certificates/* "$pair"
    [[ $client == - ]] || client_program=$programs/$2/$client/program
    # shellcheck disable=SC2086 # words are what the table holds
    (cd "$pair" && timeout --kill-after 5 180 \
        unshare --net --mount --pid --fork --kill-child --mount-proc \
        "$here/scenario.sh" "$scenario" "$programs/$1/$server/program" "$client_program" $arguments) \
        >"$pair.transcript" 2>&1
}

# What the swapped programs were seen to wait with.
seen_backends() { cat "$directory"/*/backends 2>/dev/null | sort --unique | paste --serial --delimiters + -; }

for program in $server $client; do
    if [[ $program == */* && ! -x $programs/original/$program/program ]]; then
        verdict excluded "this Asio cannot build ${program##*/}"
    fi
done
rm -rf "$directory"
run_pair original original
if ! grep --quiet --fixed-strings --regexp="$expected" "$directory/original-original.transcript"; then
    verdict failed "the original itself: no '$expected'"
fi
if [[ -n ${AURAIO_SWAP_ORIGINALS:-} ]]; then
    run_pair original original again
    if ! cmp --silent "$directory/original-original.transcript" "$directory/again.transcript"; then
        verdict failed "differs: again"
    fi
    verdict passed "the original"
fi
for program in $server $client; do
    if [[ $program == */* && ! -x $programs/swapped/$program/program ]]; then
        verdict failed "does not build swapped: ${program##*/}"
    fi
done

pairs=("swapped original")
[[ $client == - ]] || pairs+=("original swapped" "swapped swapped")
failures=()
for pair in "${pairs[@]}"; do
    # shellcheck disable=SC2086
    run_pair $pair
    if ! cmp --silent "$directory/original-original.transcript" "$directory/${pair/ /-}.transcript"; then
        failures+=("${pair/ /-}")
    fi
done
if ((${#failures[@]})); then
    verdict failed "differs: ${failures[*]}"
fi
verdict passed "$(seen_backends)"

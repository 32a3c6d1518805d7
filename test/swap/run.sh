#!/usr/bin/env bash
# Proves the swap on the example programs of the distribution's Asio and Boost.Beast, as they are and with aura in asio's
# place, run against each other: test/swap/run.sh [--subset] [--only REGEX] [--no-build] [--build DIRECTORY] [--stock]
#
# Prints a table of what passed, failed and was excluded, and why; fails if anything failed. --subset takes the lines
# marked with * (most ways to use the library), --only those that match; --build adds to a build tree that exists; --stock builds
# with AURAIO_STOCK, where namespace aura is Asio itself, in a tree of its own, and with --build takes the programs as they are
# from the one that is named.
# Needs root or sudo: every run has a network of its own, since many examples have their ports built in.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/test/swap
build='' originals=''
subset='' only=. compile=true configure=true stock=OFF
arguments=("$@")
begun=$SECONDS
while (($#)); do
    case $1 in
        --subset) subset='^\* ' ;;
        --only) only=$2 && shift ;;
        --no-build) compile=false ;;
        --build) build=$2 && shift ;;
        --stock) stock=ON ;;
        *) sed --quiet '2,9s/^# \?//p' "$0" && exit 2 ;;
    esac
    shift
done
if [[ $stock == ON ]]; then
    originals=$build
    build=build/swap-stock
    [[ ! $originals -ef $build ]] || originals=''
elif [[ $build ]]; then
    configure=false
else
    build=build/swap
fi

if ! unshare --net true 2>/dev/null; then
    if sudo --non-interactive unshare --net true 2>/dev/null; then
        exec sudo --non-interactive "$here/run.sh" "${arguments[@]}"
    fi
    echo "skipped: no network namespaces here"
    exit 77
fi

tools/install-packages.sh \
    g++ cmake ninja-build pkg-config liburing-dev libgtest-dev libssl-dev \
    libasio-dev libasio-doc libboost1.81-dev libboost1.81-doc \
    libboost-coroutine1.81-dev libboost-context1.81-dev libboost-serialization1.81-dev \
    curl iproute2 netbase openssl procps python3 python3-websocket
if $configure; then
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
        -DAURAIO_BUILD_SWAP=ON -DAURAIO_STOCK=$stock -DAURAIO_BUILD_BENCHMARKS=OFF -DAURAIO_BUILD_EXAMPLES=OFF
else
    cmake -DAURAIO_BUILD_SWAP=ON "$build" # the library is there already
fi
build=$(cd "$build" && pwd)
work=$build/swap/runs
mkdir -p "$work"
[[ ! -L $build/swap/programs/original ]] || rm "$build/swap/programs/original" # to those of another tree
if [[ $originals ]]; then
    originals=$(cd "$originals/swap/programs/original" && pwd -P)
    mkdir -p "$build/swap/programs"
    rm -rf "$build/swap/programs/original"
    ln --symbolic "$originals" "$build/swap/programs/original"
fi

lines=()
while read -r line; do
    lines+=("${line#\* }")
done < <(cat "$here"/scenarios-*.txt | grep --invert-match '^#\|^$' | grep --extended-regexp "$subset" |
    grep --extended-regexp --regexp="$only")

if $compile; then
    started=$SECONDS
    variants=(original swapped)
    [[ -z ${AURAIO_SWAP_ORIGINALS:-} ]] || variants=(original)
    [[ -z $originals ]] || variants=(swapped)
    targets=()
    for program in $(printf '%s\n' "${lines[@]%%=>*}" | grep --only-matching '\(asio\|beast\)/[^ ]*' | sort --unique); do
        grep --quiet "^$program " "$here/excluded.txt" && continue
        for variant in "${variants[@]}"; do
            targets+=("swap_$variant.${program//\//.}")
        done
    done
    # What does not build is a result: the table shows it.
    ninja -C "$build" -k 0 -j 2 "${targets[@]}" >"$work/build.log" 2>&1 || true
    echo "compiled ${#targets[@]} programs in $((SECONDS - started)) s: $work/build.log"
fi

"$here/make_certificates.sh" "$work/certificates"
started=$SECONDS
for number in "${!lines[@]}"; do
    read -r scenario server client _ <<<"${lines[number]}"
    name="$scenario.${server//\//.}.${client//\//.}"
    printf '%s\0%s\0%s\0' "$build" "$work/$name" "${lines[number]}"
done | xargs --null --max-args 3 --max-procs 6 "$here/compare.sh" | tee "$work/results"

# Every example must be somewhere: in a scenario, or excluded with a reason.
if [[ -z $subset && $only == . ]]; then
    cut --delimiter ' ' --fields 1 "$build/swap/examples/programs" | while read -r program; do
        if reason=$(sed --quiet "s#^$program  *##p" "$here/excluded.txt") && [[ -n $reason ]]; then
            printf '%-8s %-17s %-44s %s\n' excluded - "${program#asio/}" "$reason"
        elif ! printf '%s\n' "${lines[@]}" | grep --quiet " $program "; then
            printf '%-8s %-17s %-44s %s\n' failed - "${program#asio/}" "no scenario"
        fi
    done | tee --append "$work/results"
fi

count() { grep --count "^$1 " "$work/results" || true; }
echo "ran for $((SECONDS - started)) s: $(count passed) passed, $(count failed) failed, $(count excluded) excluded; $work"
echo "took $((SECONDS - begun)) s in all"
(($(count failed) == 0))

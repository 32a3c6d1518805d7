#!/usr/bin/env bash
# Random 4 KiB reads of a real file: auraio beside plain Asio, a pread pool and a hand-written liburing loop.
#
# For a fresh Debian 12 machine: installs what is missing, builds, makes the file, measures for about a
# minute, and prints one small table. Arguments: file_reads.sh [build directory].
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(dirname "$here")
build=${1:-$source_dir/build/demo}
MEASURE_MS=${MEASURE_MS:-600}
ROUNDS=${ROUNDS:-5}
# shellcheck source=support/driver.sh
source "$here/support/driver.sh"

install_missing() {
    local -a needed=()
    local package
    for package in g++ cmake ninja-build libasio-dev liburing-dev python3; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
            needed+=("$package")
    done
    ((${#needed[@]} == 0)) && return
    echo "Installing ${needed[*]}"
    local -a as_root=()
    ((EUID == 0)) || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${needed[@]}" >/dev/null
}

build_contenders() {
    echo "Building in $build"
    cmake -S "$source_dir" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAURAIO_BUILD_TESTS=OFF \
        -DAURAIO_BUILD_EXAMPLES=OFF -DAURAIO_BUILD_BENCHMARKS=ON >/dev/null
    cmake --build "$build" --target file_reads_demo
}

make_file() {
    case $(stat -f -c %T "$build") in
    tmpfs | ramfs)
        echo "$build is in memory, not on a disk: name another directory (file_reads.sh <directory>)" >&2
        exit 1
        ;;
    esac
    echo "Making a file of 1 GiB, $programs/data"
    "$programs/make_test_file" "path=$programs/data" mib=1024
}

contenders() {
    local mode=$1 depth=$2 threads=$3
    local where="path=data mode=$mode depth=$depth"
    cat <<END
raw liburing, by hand|raw_uring_read $where
auraio, callbacks|file_reads_auraio $where
auraio, co_await|file_reads_auraio style=coroutines $where
Asio, one file object|file_reads_asio $where
Asio, $depth file objects|file_reads_asio files=many $where
pread pool, $threads threads|pread_pool threads=$threads places=2 $where
END
}

install_missing
build_contenders
programs=$(cd "$build/benchmark" && pwd)
make_file
results=$programs/results.file_reads_demo
: >"$results"
echo "Measuring: 2 scenarios, 6 programs in turn, $rounds rounds"
contenders cache 32 4 | run_scenario "$programs" "$results" page_cache_depth_32
contenders direct 128 64 | run_scenario "$programs" "$results" O_DIRECT_depth_128
"$here/report.py" small "$results" read \
    "Random 4 KiB reads of one file, on one processor (the pread pool on two); medians."

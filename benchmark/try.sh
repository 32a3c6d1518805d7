#!/usr/bin/env bash
# An Asio echo server swapped onto the rings under load, and random reads of a real file: auraio beside plain Asio
# and programs written by hand.
#
# For a fresh Debian 12 machine: installs what is missing, builds, measures for about two minutes, and prints three
# small tables. Arguments: try.sh [build directory].
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(dirname "$here")
build=${1:-$source_dir/build/demo}

# The servers first: both are benchmark/echo_server.cpp, compiled on asio::io_context and on aura::io_context.
"$source_dir/tools/install-packages.sh" g++ cmake ninja-build libasio-dev liburing-dev python3
echo "Building in $build"
cmake -S "$source_dir" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAURAIO_BUILD_TESTS=OFF \
    -DAURAIO_BUILD_EXAMPLES=OFF -DAURAIO_BUILD_BENCHMARKS=ON >/dev/null
cmake --build "$build" --target echo_demo

(
    MEASURE_MS=${MEASURE_MS:-500}
    ROUNDS=${ROUNDS:-5}
    # shellcheck source=support/driver.sh
    source "$here/support/driver.sh"
    programs=$(cd "$build/benchmark" && pwd)
    results=$programs/results.echo_demo
    : >"$results"
    echo "Measuring: an echo server on one processor, its load on another, $rounds rounds"
    run_scenario "$programs" "$results" echo_64_connections <<END
Asio|echo_server_asio depth=64
Asio, co_await|echo_server_asio style=coroutines depth=64
the same on auraio|echo_server_auraio depth=64
the same, co_await|echo_server_auraio style=coroutines depth=64
epoll, by hand|echo_epoll depth=64
liburing, by hand|echo_uring depth=64
END
    "$here/report.py" small "$results" message \
        "Messages of 64 bytes over TCP, every byte verified; CPU is the server's own."
)

exec "$here/file_reads.sh" "$build"

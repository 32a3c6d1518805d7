#!/usr/bin/env bash
# Installs what the tests need, builds a preset (dev unless told otherwise) and runs the tests:
# test/run.sh [PRESET [CMAKE-OPTION...]]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-dev}
shift || true

tools/install-packages.sh \
    g++ cmake ninja-build ccache make pkg-config \
    liburing-dev libasio-dev libboost1.81-dev libssl-dev libgtest-dev libbenchmark-dev strace curl \
    cargo librust-libc-dev librust-futures-core-dev python3 git abigail-tools meson systemtap-sdt-dev

export NINJA_STATUS='[%f/%t, %e s] ' # how much of it is done, and since when
cmake --preset "$preset" "$@"
cmake --build --preset "$preset"

# The sanitizers' memory layout leaves less room than the newest kernels' randomisation of addresses takes.
fixed_addresses=()
if [[ $preset == *san* ]] && (($(</proc/sys/vm/mmap_rnd_bits) > 28)); then
    fixed_addresses=(setarch --addr-no-randomize)
fi
"${fixed_addresses[@]}" ctest --preset "$preset" --parallel "$(nproc)"

# What a case skips for, the machine or the sanitizer, is in the log alone.
skipped() {
    printf '\nskipped cases:\n'
    grep -h -B 2 '^\[  SKIPPED \]' "$log" |
        grep -v '^--$' || printf 'none\n'
}
log=build/$preset/Testing/Temporary/LastTest.log
passed() {
    grep --count '^Test Passed\.$' "$log" || true
}
skipped
on_rings=$(passed)

# The same programs on the other backend: what uses one.
printf '\non epoll:\n'
AURAIO_BACKEND=epoll "${fixed_addresses[@]}" ctest --preset "$preset" --parallel "$(nproc)" \
    --label-regex '^(asio|adopt|executors|capi|cpp|fuzz|integration|stress|rust|example)$'
skipped
printf '\n%s: %d tests passed, %d of them again on epoll, in %d min %02d s\n' \
    "$preset" "$on_rings" "$(passed)" $((SECONDS / 60)) $((SECONDS % 60))

#!/usr/bin/env bash
# Cross-compiles for 64-bit ARM and runs the suites unit, asio and integration under qemu-user: test/arm64/run.sh [CTEST-OPTION...]
#
# qemu-user has no io_uring: what runs there is the fall-back to epoll, and a compiler for another processor.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$PWD/build/arm64

tools/install-packages.sh cmake ninja-build g++-aarch64-linux-gnu qemu-user libasio-dev
tools/fetch-packages.sh bookworm "$build/packages" liburing-dev:arm64 libgtest-dev:arm64
# Only the static library is linked: the package of the shared one is not there.
rm -f "$build"/packages/usr/lib/aarch64-linux-gnu/liburing.so*
cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$PWD/test/arm64/toolchain.cmake" -DPACKAGES="$build/packages" \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g0 -DAURAIO_BUILD_BENCHMARKS=OFF -DAURAIO_BUILD_EXAMPLES=OFF \
    -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON
cmake --build "$build" --target unit asio.std integration.std
ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" --timeout 120 \
    --tests-regex '^(unit|asio\.std|integration\.std)\.' "$@"

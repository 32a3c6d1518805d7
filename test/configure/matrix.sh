#!/bin/bash
# matrix.sh SOURCE_DIR WORK_DIR C_COMPILER CXX_COMPILER: configures the source tree on machines that lack something. It says
# in one line what is left out, and goes on; nothing is compiled.
set -u
source=$1 work=$2 cc=$3 cxx=$4
failed=0

# An installation of Boost that is too old, as Debian 12's own is.
old_boost=$work/boost-1.74
mkdir -p "$old_boost/include/boost"
printf '#define BOOST_VERSION 107400\n#define BOOST_LIB_VERSION "1_74"\n' >"$old_boost/include/boost/version.hpp"

# configure NAME WHAT-IT-SAYS OPTION...: one line of the output matches.
configure() {
    local name=$1 says=$2 output
    shift 2
    rm -rf "$work/$name"
    if ! output=$(cmake -S "$source" -B "$work/$name" -G Ninja -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" "$@" 2>&1); then
        printf 'FAILED %s: does not configure\n%s\n' "$name" "$output"
        failed=1
    elif [ "$(grep -cE "$says" <<<"$output")" != 1 ]; then
        printf 'FAILED %s: expected one line "%s" in\n%s\n' "$name" "$says" "$output"
        failed=1
    else
        printf 'ok %s: %s\n' "$name" "$(grep -E "$says" <<<"$output")"
    fi
    rm -rf "${work:?}/$name"
}

configure boost_none 'left out, no Boost 1.81' -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON
configure boost_old 'left out, no Boost 1.81' -DBoost_NO_BOOST_CMAKE=ON -DBoost_NO_SYSTEM_PATHS=ON -DBOOST_ROOT="$old_boost"
configure asio 'left out, no standalone Asio' -DCMAKE_DISABLE_FIND_PACKAGE_Asio=ON
configure googletest 'left out, no GoogleTest' -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON
configure openssl 'left out, no OpenSSL' -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON -DAURAIO_BUILD_BENCHMARKS=OFF \
    -DAURAIO_BUILD_TESTS=OFF
configure cargo 'left out, no cargo' -DCARGO_PROGRAM=OFF -DAURAIO_BUILD_BENCHMARKS=OFF -DAURAIO_BUILD_EXAMPLES=OFF
configure benchmark 'left out, no Google Benchmark' -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON -DAURAIO_BUILD_TESTS=OFF \
    -DAURAIO_BUILD_EXAMPLES=OFF
configure c_library 'left out, AURAIO_BUILD_C is off' -DAURAIO_BUILD_C=OFF

# Without liburing there is nothing to build: one sentence says what is needed.
if output=$(cmake -S "$source" -B "$work/liburing" -G Ninja -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
    -Dliburing_INCLUDE_DIR=OFF 2>&1); then
    echo "FAILED liburing: configures without its headers"
    failed=1
elif ! grep -q 'auraio needs liburing 2.3' <<<"$output"; then
    printf 'FAILED liburing: does not say what is needed\n%s\n' "$output"
    failed=1
else
    echo "ok liburing: refused, with a reason"
fi
rm -rf "${work:?}/liburing"
exit $failed

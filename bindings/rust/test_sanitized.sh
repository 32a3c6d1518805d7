#!/usr/bin/env bash
# The tests of the crates on a C library that Clang 19 has built with AddressSanitizer and UndefinedBehaviorSanitizer:
# test_sanitized.sh PLAIN-BUILD SANITIZED-BUILD
#
# Linked with the plain library, run with the other: its accesses to memory of Rust's are checked, and leaks of both. (rustc's own
# sanitizers need a nightly compiler, and Miri calls no C.)
set -euo pipefail
plain=$(realpath "$1") sanitized=$(realpath "$2")
cd "$(dirname "$0")"
runtime=$(clang-19 -print-file-name=libclang_rt.asan-x86_64.so)
export AURAIO_LIB_DIR=$plain/src AURAIO_INCLUDE_DIR=$PWD/../../include CARGO_TARGET_DIR=$plain/bindings/rust
# The tests alone get the runtime, and not the compilers of C programs that one of them calls.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="env LD_PRELOAD=$runtime LD_LIBRARY_PATH=$sanitized/src"
for tests in accepts async_io descriptors engine exact files linked messages registered_files registration safety sockets \
        storage stress; do
    ./cargo.sh test --all-features --package aura --test "$tests"
done

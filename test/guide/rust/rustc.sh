#!/usr/bin/env bash
# rustc for a program that uses the crate aura and no cargo: rustc.sh ARGUMENT... 77: the crates' dependencies are not here.
# AURAIO_LIB_DIR is the directory of the C library, CARGO_TARGET_DIR where the crates are built.
set -euo pipefail
crates=$(dirname "$(realpath "$0")")/../../../bindings/rust
cd "$crates"
messages=$(./cargo.sh build --quiet --package aura --features async --message-format json) || exit $?
library=$(sed -n 's/.*"filenames":\["\([^"]*libaura\.rlib\)".*/\1/p' <<<"$messages" | tail -n 1)
exec "${RUSTC:-rustc}" --edition 2021 -D warnings --extern "aura=$library" -L "dependency=$(dirname "$library")/deps" \
    -L "native=$AURAIO_LIB_DIR" -C "link-arg=-Wl,-rpath,$AURAIO_LIB_DIR" "$@"

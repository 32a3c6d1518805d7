#!/usr/bin/env bash
# What the compiler, and clippy where it is installed, say of the crates, with each set of features: nothing. Needs AURAIO_LIB_DIR.
set -euo pipefail
cd "$(dirname "$0")"
export RUSTFLAGS="-D warnings"
for features in --no-default-features --all-features; do
    ./cargo.sh check --quiet --all-targets "$features"
done
if ! "${CARGO:-cargo}" clippy --version >/dev/null 2>&1; then
    echo "clippy: skipped, it is not installed"
    exit
fi
# Every unsafe block says why it is sound.
./cargo.sh clippy --quiet --all-targets --all-features -- -D warnings
./cargo.sh clippy --quiet --all-features -- -D clippy::undocumented_unsafe_blocks

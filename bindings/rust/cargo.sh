#!/usr/bin/env bash
# cargo for the tests, which ask no registry: cargo.sh SUBCOMMAND [ARGUMENT...]. 77: what Cargo.lock names is not here.
#
# It comes from the distribution's sources (librust-libc-dev, librust-futures-core-dev); where these are not installed, or have another
# version, from what cargo has downloaded before. Cargo.lock names the registry for both, so that a clone builds without this script
# where there is one.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
cargo=${CARGO:-cargo}
registry=/usr/share/cargo/registry
version_of() {
    sed -n "/^name = \"$1\"\$/{n;s/^version = \"\(.*\)\"\$/\1/p}" "$here/Cargo.lock"
}
libc=libc-$(version_of libc) futures_core=futures-core-$(version_of futures-core)
source=()
if [[ -d $registry/$libc && -d $registry/$futures_core ]]; then
    source=(--config 'source.crates-io.replace-with="distribution"' --config "source.distribution.directory=\"$registry\"")
elif ! "$cargo" metadata --manifest-path "$here/Cargo.toml" --offline --locked --format-version 1 >/dev/null 2>&1; then
    echo "skipped: no $libc and $futures_core, neither in $registry (librust-libc-dev, librust-futures-core-dev)" \
        "nor downloaded by cargo (cargo fetch)"
    exit 77
fi
# After the subcommand: an external one (clippy) is not told what stands before it.
exec "$cargo" "$1" "${source[@]}" --offline --locked "${@:2}"

#!/usr/bin/env bash
# `cargo package` for both crates, asking no registry. 77, a skip: the distribution's sources of their dependencies are not here.
#
# Packaging `aura` compiles it against a packaged `aura-sys`: the one just made is put beside the distribution's crates, in a folder
# that stands for the registry. The one warning, that the manifests name no address of a repository, stays until there is one.
# Needs AURAIO_LIB_DIR.
set -euo pipefail
cd "$(dirname "$0")"
cargo=${CARGO:-cargo}
registry=/usr/share/cargo/registry
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
crates=$CARGO_TARGET_DIR/crates
rm -rf "$crates"
mkdir -p "$crates"
# What Cargo.lock names and is not ours.
while read -r crate; do
    if [[ ! -d $registry/$crate ]]; then
        echo "skipped: no $crate in $registry (Debian: librust-${crate%-*}-dev)"
        exit 77
    fi
    ln -s "$registry/$crate" "$crates"
done < <(awk -F '"' '/^name = / { name = $2 } /^version = / { version = $2 } /^source = / { print name "-" version }' Cargo.lock)

# package NAME: packs and compiles it, and puts it among the crates.
package() {
    local output
    output=$("$cargo" package --allow-dirty --offline --manifest-path "$1/Cargo.toml" \
        --config 'source.crates-io.replace-with="these"' --config "source.these.directory=\"$crates\"" 2>&1) || {
        echo "$output"
        exit 1
    }
    if grep '^warning' <<<"$output" | grep -v 'no documentation, homepage or repository'; then
        echo "$output"
        exit 1
    fi
    local packed
    packed=$(ls -t "$CARGO_TARGET_DIR/package/$1"-[0-9]*.crate | head -n 1)
    tar -xzf "$packed" -C "$crates"
    printf '{"files":{},"package":"%s"}' "$(sha256sum "$packed" | cut -d ' ' -f 1)" \
        >"$crates/$(basename "$packed" .crate)/.cargo-checksum.json"
    echo "ok: $(basename "$packed"), $(tar -tzf "$packed" | wc -l) files"
}
package aura-sys
package aura

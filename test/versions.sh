#!/usr/bin/env bash
# Every file that has to repeat the version of include/auraio/aura.h does: versions.sh SOURCE_DIRECTORY BUILD_DIRECTORY
set -euo pipefail
cd "$1"
version=$(sed --quiet 's/^#define AURA_VERSION_[MP][A-Z]* //p' include/auraio/aura.h | paste --serial --delimiters .)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "versions: aura.h has no version: '$version'" && exit 1; }
wrong=0
# says FILE VALUE: the value is the version
says() {
    if [[ $2 == "$version" ]]; then
        echo "ok: $1"
    else
        echo "versions: $1 says '$2', and aura.h $version"
        wrong=1
    fi
}
says "CMake's project" "$(sed --quiet 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$2/CMakeCache.txt")"
for crate in aura-sys aura; do
    says "bindings/rust/$crate/Cargo.toml" "$(sed --quiet '0,/^version = /s/^version = "\(.*\)"$/\1/p' bindings/rust/$crate/Cargo.toml)"
    says "bindings/rust/Cargo.lock, $crate" \
        "$(sed --quiet "/^name = \"$crate\"\$/{n;s/^version = \"\\(.*\\)\"\$/\\1/p}" bindings/rust/Cargo.lock)"
done
says "bindings/rust/aura/Cargo.toml, of aura-sys" \
    "$(sed --quiet 's/^aura-sys = .*version = "\(.*\)".*/\1/p' bindings/rust/aura/Cargo.toml)"
says debian/changelog "$(sed --quiet '1s/^auraio (\([0-9.]*\)-.*/\1/p' debian/changelog)"
says packaging/vcpkg/auraio/vcpkg.json "$(sed --quiet 's/^ *"version": "\(.*\)",$/\1/p' packaging/vcpkg/auraio/vcpkg.json)"
exit $wrong

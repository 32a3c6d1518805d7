#!/usr/bin/env bash
# meson.sh WORK LIBRARY_DIRECTORY C_COMPILER CXX_COMPILER: builds the Meson project against the installed library, and runs its programs.
# 77, a skip: Meson is not installed.
set -euo pipefail
work=$1 libraries=$2
if ! command -v meson >/dev/null; then
    echo "skipped: meson is not installed"
    exit 77
fi
here=$(cd "$(dirname "$0")" && pwd)
export PKG_CONFIG_PATH=$libraries/pkgconfig LD_LIBRARY_PATH=$libraries CC=$3 CXX=$4
rm -rf "$work"
meson setup "$work" "$here/meson"
meson compile -C "$work"
"$work/consumer"
"$work/adopt_consumer"
if [[ -e $work/c_consumer ]]; then
    "$work/c_consumer" "$here/meson.sh"
fi

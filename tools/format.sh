#!/usr/bin/env bash
# Formats the C++ sources with the clang-format that CI uses; with --check only tells which lines differ.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
if [[ ${1-} == --check ]]; then
    mode=(--dry-run -Werror)
fi
find . -path ./build -prune -o -type f \( -name '*.[hci]pp' -o -name '*.[hc]' \) -print0 |
    xargs -0 clang-format-19 "${mode[@]}"

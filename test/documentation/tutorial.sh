#!/usr/bin/env bash
# Takes a program out of the tutorial: tutorial.sh TUTORIAL NAME OUTPUT. Its first line begins with "// NAME:".
set -euo pipefail

awk -v first="// $2:" '
    /^```/ {
        if (inside && index(block, first) == 1) { printf "%s", block; found = 1 }
        inside = $0 == "```cpp"
        block = ""
        next
    }
    inside { block = block $0 "\n" }
    END { exit !found }' "$1" >"$3"

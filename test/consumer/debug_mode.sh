#!/bin/bash
# debug_mode.sh CXX PROGRAM: a program with the containers of libstdc++'s debug mode does not link to a library without (an
# installation, by PKG_CONFIG_PATH), and the missing name says why; without them it links.
set -eu
cxx=$1 program=$2
source=$(dirname "$0")/debug_mode.cpp
read -ra flags <<<"$(pkg-config --cflags auraio)"
read -ra libraries <<<"$(pkg-config --libs auraio)"
"$cxx" -std=c++20 "${flags[@]}" "$source" "${libraries[@]}" -o "$program"
if output=$("$cxx" -std=c++20 -D_GLIBCXX_DEBUG "${flags[@]}" "$source" "${libraries[@]}" -o "$program" 2>&1); then
    echo "it linked"
    exit 1
fi
grep -q 'undefined reference.*with_glibcxx_debug::library_has_the_same_containers' <<<"$output" || {
    echo "$output"
    exit 1
}

#!/bin/sh
# same_definitions.sh PACKAGE DEFINITIONS: compares what a .pc file defines with what the CMake target does (a list by CMake).
set -eu
pc=$(pkg-config --cflags "$1" | tr ' ' '\n' | sed -n 's/^-D//p' | sort -u)
cmake=$(printf '%s' "$2" | tr ';' '\n' | sed '/^$/d' | sort -u)
if [ "$pc" != "$cmake" ]; then
    printf '%s.pc defines:\n%s\nits CMake target:\n%s\n' "$1" "$pc" "$cmake"
    exit 1
fi

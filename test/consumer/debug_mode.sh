#!/bin/bash
# debug_mode.sh CXX PROGRAM: a program whose containers have another layout than the library's (an installation, by
# PKG_CONFIG_PATH), or are filled in another way, does not link to it, and the missing name says why; others link.
set -eu
cxx=$1 program=$2
source=$(dirname "$0")/debug_mode.cpp
read -ra flags <<<"$(pkg-config --cflags auraio)"
read -ra libraries <<<"$(pkg-config --libs auraio)"
build() { "$cxx" -std=c++20 -w "$@" "${flags[@]}" "$source" "${libraries[@]}" -o "$program" 2>&1; }

# refused NAMESPACE FLAG...
refused() {
    local name=$1 output
    shift
    if output=$(build "$@"); then
        echo "it linked: $*"
        exit 1
    fi
    grep -q "undefined reference.*$name::.*library_has_the_same_containers" <<<"$output" || {
        echo "$output"
        exit 1
    }
}

build
refused with_glibcxx_debug -D_GLIBCXX_DEBUG
refused with_strings_of_before_cxx11 -D_GLIBCXX_USE_CXX11_ABI=0
# Vectors that tell AddressSanitizer how far they are filled; AddressSanitizer alone is no matter.
if "$cxx" -fsanitize=address -x c++ - -o "$program" <<<'int main() {}'; then
    build -fsanitize=address
    refused with_glibcxx_sanitize_vector -fsanitize=address -D_GLIBCXX_SANITIZE_VECTOR=1
else
    echo "not tried: $cxx makes no program with AddressSanitizer here"
fi

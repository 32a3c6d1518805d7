#!/usr/bin/env bash
# unknown_component.sh PREFIX WORK: what find_package(auraio COMPONENTS ...) says when something is not there. Compiles nothing.
set -euo pipefail
prefix=$1 work=$2
rm -rf "$work"
mkdir -p "$work"

# refused SAYS LANGUAGE ARGUMENTS-OF-FIND_PACKAGE [CMAKE-OPTION...]: the project does not configure, and is told so.
refused() {
    local says=$1 language=$2 arguments=$3 output
    shift 3
    rm -rf "$work/build"
    printf 'cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES %s)\nfind_package(auraio %s)\n' \
        "$language" "$arguments" >"$work/CMakeLists.txt"
    if output=$(cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" "$@" 2>&1); then
        echo "find_package(auraio $arguments) succeeded"
        exit 1
    fi
    # CMake wraps its messages.
    grep -qF "$says" <<<"$(tr -s ' \n' '  ' <<<"$output")" || {
        printf 'find_package(auraio %s) does not say "%s":\n%s\n' "$arguments" "$says" "$output"
        exit 1
    }
    echo "ok: find_package(auraio $arguments): $says"
}

refused "auraio has no component 'bost'; it has core, auraio, adopt" NONE "REQUIRED COMPONENTS core bost"
refused "needs the headers of standalone Asio 1.22.1 or later; auraio::boost needs the headers of Boost 1.81 or later" \
    CXX "REQUIRED COMPONENTS adopt boost_adopt" -DCMAKE_DISABLE_FIND_PACKAGE_Asio=ON -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON
refused "auraio::core needs liburing to link" CXX "REQUIRED COMPONENTS core" -Dliburing_LIBRARY=liburing_LIBRARY-NOTFOUND \
    -DCMAKE_DISABLE_FIND_PACKAGE_liburing=ON

#!/usr/bin/env bash
# build_and_run.sh SOURCE_DIR WORK_DIR CXX_COMPILER: configures, builds, tests and installs the project with AURAIO_STOCK, where
# namespace aura is Asio itself; nothing of it may be linked. The whole swap in that form: test/swap/run.sh --stock.
set -euo pipefail
source=$1 work=$2 cxx=$3
rm -rf "$work"
mkdir -p "$work"

cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DAURAIO_STOCK=ON -DCMAKE_CXX_FLAGS=-O0 \
    -DCMAKE_INSTALL_PREFIX="$work/installed"
cmake --build "$work/build"
ctest --test-dir "$work/build" --output-on-failure --no-tests=error
cmake --install "$work/build" >/dev/null

# As a user has it, and with each public header: of both flavours' the same text, so one of them is enough.
mapfile -t headers < <(cd "$work/installed/include" && find auraio -name '*.hpp' \
    -not -path '*/core/*' -not -path '*/detail/*' -not -path '*/asio/*' -not -path '*/cpp/*' \
    -not -name beast.hpp -not -name adopt.hpp | sort)
((${#headers[@]} > 30))
{
    printf '#include <%s>\n' "${headers[@]}"
    cat "$(dirname "$0")/program.cpp"
} >"$work/program.cpp"
export PKG_CONFIG_PATH=$work/installed/lib/pkgconfig:$work/installed/lib/x86_64-linux-gnu/pkgconfig
# shellcheck disable=SC2046 # words are what it prints
"$cxx" -std=c++20 -O0 -Wall -Wextra "$work/program.cpp" -o "$work/program" $(pkg-config --cflags --libs auraio)
"$work/program"

# What is not there says so.
echo '#include <auraio/listen.hpp>
int main() { aura::io_context ctx; aura::listen(ctx, aura::ip::tcp::endpoint(), 2); }' >"$work/absent.cpp"
# shellcheck disable=SC2046
if output=$("$cxx" -std=c++20 -fsyntax-only "$work/absent.cpp" $(pkg-config --cflags auraio) 2>&1); then
    echo "listen() compiles"
    exit 1
fi
grep --quiet 'AURAIO_STOCK has no rings' <<<"$output"

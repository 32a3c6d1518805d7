#!/usr/bin/env bash
# What may include what. The engine knows neither Asio nor std::error_code; its rooms build on one another in one
# direction; what is installed is what public headers reach.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
# forbid WHAT REGEX PATH...
forbid() {
    local what=$1 regex=$2
    shift 2
    if grep -rnE "$regex" "$@"; then
        echo "layers: $what" >&2
        failed=1
    fi
}
forbid "the engine includes Asio" '#\s*include\s*[<"](boost/)?asio' include/auraio/core src
forbid "the engine includes std::error_code" '#\s*include\s*<system_error>' include/auraio/core src
forbid "a public header includes liburing" '#\s*include\s*[<"]liburing' include
forbid "liburing is for src/backend/uring" '#\s*include\s*[<"]liburing' src/core src/capi
forbid "the engine includes a layer above it" '#\s*include\s*[<"]auraio/(asio|detail|ip|local|generic|posix)/' include/auraio/core src
forbid "the C library includes the Asio layer" '#\s*include\s*[<"]auraio/[a-z_]+\.hpp' src
forbid "a room of the engine includes a backend: backend/backends.hpp has them all" \
    '#\s*include\s*"backend/[a-z]+/' src/core
forbid "the C++ layer stands on the C library and on nothing else" '#\s*include\s*"auraio/[^c]|#\s*include\s*"auraio/c[^p]' \
    include/aura.hpp include/auraio/cpp
# One file chooses between the flavours; the others ask it.
forbid "a flavour is chosen elsewhere than in detail/config.hpp" 'AURAIO_FLAVOUR_(STANDALONE|BOOST)' \
    --exclude=config.hpp include

# ---- the rooms, from the ground up: headers include their own and what stands before it ----
rooms=(base operation stats control memory io storage registered timer loop report)
declare -A height
for i in "${!rooms[@]}"; do
    height[${rooms[i]}]=$i
done
# Bodies are allowed one thing more: what is done on a shard calls it, so those of the rooms below may include loop.
# And a descriptor lets go of the storage that it has been given.
allowed_bodies='^(operation|io|registered|storage|timer) loop$|^io storage$'

while IFS=: read -r file include; do
    room=${file#*core/} room=${room%%/*}
    other=${include#*core/} other=${other%%/*}
    for named in "$room" "$other"; do
        if [[ -z ${height[$named]:-} ]]; then
            echo "layers: $file: '$named' is no room" >&2
            failed=1
            continue 2
        fi
    done
    if ((height[$other] <= height[$room])); then
        continue
    fi
    if [[ $file == *.cpp && "$room $other" =~ $allowed_bodies ]]; then
        continue
    fi
    echo "layers: $file includes $other, which stands above $room" >&2
    failed=1
done < <(grep -roE '#\s*include\s*"(auraio/)?core/[a-z_./]+"' include/auraio/core src/core | sed -E 's/#.*"((auraio\/)?core\/[^"]*)"/\1/')

# ---- installed headers of the engine: those that public headers reach, and no others ----
mapfile -t waiting < <(find include/auraio -name '*.h*' -not -path '*/core/*')
declare -A reached
while ((${#waiting[@]} != 0)); do
    file=${waiting[-1]}
    unset 'waiting[-1]'
    while read -r include; do
        if [[ -f include/$include && -z ${reached[$include]:-} ]]; then
            reached[$include]=1
            waiting+=("include/$include")
        fi
    done < <(sed -nE 's/^\s*#\s*include\s*["<](auraio\/[^">]+)[">].*/\1/p' "$file")
done
while read -r header; do
    if [[ -z ${reached[${header#include/}]:-} ]]; then
        echo "layers: $header: no public header reaches it; its place is in src/core" >&2
        failed=1
    fi
done < <(find include/auraio/core -name '*.hpp')
exit "$failed"

#!/usr/bin/env bash
# The engine knows neither Asio nor std::error_code, and no public header asks its users for liburing's.
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
exit "$failed"

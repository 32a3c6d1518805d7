#!/bin/bash
# no_macro_of_asio.sh INCLUDE/auraio: no condition in a core header asks for a macro of Asio's or for NDEBUG, and none
# includes a header of Asio's or one of ours that does.
set -eu
if grep -rnE '^[[:space:]]*#[[:space:]]*(el)?if.*(ASIO_|AURAIO_(ADOPT|FLAVOUR|HAS_|TRACKS)|NDEBUG)' "$1/core" ||
    grep -rnE '^[[:space:]]*#[[:space:]]*include[^/]*asio' "$1/core" | grep -vF '"auraio/core/' ||
    grep -rnE 'AURAIO_(ASIO|WHEN_TRACKING|ALSO_TRACKED)' "$1/core"; then
    exit 1
fi

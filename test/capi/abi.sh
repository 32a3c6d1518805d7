#!/usr/bin/env bash
# abi.sh SOURCE_DIR WORK_DIR: the ABI is that of the last release or more, and a break would be found: headers are changed to see.
set -euo pipefail
source=$1 work=$2
check=$source/tools/check-abi.sh
"$check" # 77, a skip, where abidiff is missing

# changed FILE SED-SCRIPT WHAT ALLOWED: a copy of the header with this change
changed() {
    rm -rf "$work"
    mkdir -p "$work/auraio"
    cp "$source"/include/auraio/aura*.h "$work/auraio"
    sed -i "$2" "$work/auraio/$1"
    if cmp -s "$work/auraio/$1" "$source/include/auraio/$1"; then
        echo "nothing was changed: $3"
        exit 1
    fi
    if "$check" --headers "$work" >"$work/output" 2>&1; then found=allowed; else found=refused; fi
    if [[ $found != "$4" ]]; then
        cat "$work/output"
        echo "$3: $found, but has to be $4"
        exit 1
    fi
    echo "ok: $3: $found"
}
changed aura_stats.h 's/^} aura_stats_t;/uint64_t more; &/' 'a field at the end of a struct that carries its size' allowed
changed aura.h 's/^AURA_API int aura_destroy/AURA_API int aura_new_function(int one); &/' 'one function more' allowed
changed aura_stats.h 's/^    size_t struct_size; .*aura_stats_t.*/&\nuint64_t more;/' 'a field in the middle' refused
changed aura.h 's/aura_get_ring_count(const aura_engine_t\* engine)/aura_get_ring_count(long engine)/' 'another parameter' refused
changed aura.h 's/aura_get_backend_reason/aura_why_backend/' 'another name' refused
changed aura.h 's/^} aura_buf_t;/uint64_t more; &/' 'a field more in a struct that is passed by value' refused

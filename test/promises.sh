#!/usr/bin/env bash
# Every test that doc/reliability.md names exists: promises.sh SOURCE_DIRECTORY
set -euo pipefail
cd "$1"
missing=0
held_by=$(grep -E '^\|' doc/reliability.md | sed -E 's/.*\|([^|]*)\|$/\1/' | grep -oE '`[^`]+`' | tr -d '`' | sort -u)
while read -r name; do
    suite=${name%%.*} test=${name#*.}
    if [ "$suite" = "$name" ]; then
        pattern="TEST(_F|_P)?\($name,|TYPED_TEST\($name,|fn $name\("
    else
        pattern="TEST(_F|_P)?\($suite, *$test\)"
    fi
    grep -rqE "$pattern" test bindings/rust/aura/tests bindings/rust/aura-sys/tests --include=*.cpp --include=*.rs || {
        echo "promises: doc/reliability.md names $name, which no test is called"
        missing=1
    }
done <<<"$held_by"
exit $missing

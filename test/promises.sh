#!/usr/bin/env bash
# Every test that the last column of a table in doc/reliability.md or doc/guide.md names exists: promises.sh SOURCE_DIRECTORY
set -euo pipefail
cd "$1"
missing=0
held_by=$(grep -hE '^\|' doc/reliability.md doc/guide.md | sed -E 's/.*\|([^|]*)\|$/\1/' | grep -oE '`[^`]+`' | tr -d '`' | sort -u)
while read -r name; do
    suite=${name%%.*} test=${name#*.}
    if [ "$suite" = "$name" ]; then
        pattern="TEST(_F|_P)?\($name,|TYPED_TEST\($name,|fn $name\("
    else
        pattern="TEST(_F|_P)?\($suite, *$test\)"
    fi
    grep -rqE "$pattern" test bindings/rust/aura/tests bindings/rust/aura-sys/tests --include=*.cpp --include=*.rs || {
        echo "promises: doc/reliability.md or doc/guide.md names $name, which no test is called"
        missing=1
    }
done <<<"$held_by"
exit $missing

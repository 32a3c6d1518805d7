#!/usr/bin/env bash
# Every public header has its place in the reference, and every place its header: reference.sh SOURCE-DIRECTORY
set -euo pipefail
cd "$1"

# What includes others and declares nothing of its own, or what is within another's page.
elsewhere='auraio|adopt|beast|io_context_service|io_context_strand|cpp/descriptions|cpp/callable_memory|cpp/running'
headers=$(find include/auraio -maxdepth 1 -name '*.h*' -o -path 'include/auraio/*' -not -path '*/detail/*' -not -path '*/core/*' \
    -not -name 'adopted_*' -name '*.h*' | sed 's|^include/||' | sort --unique |
    grep --invert-match --extended-regexp "^auraio/($elsewhere)\.hpp$")
named=$(sed --quiet 's/^## `<\(.*\)>`$/\1/p' doc/reference/*.md | sort)
missing=$(comm -23 <(echo "$headers") <(echo "$named"))
gone=$(while read -r header; do [[ -e include/$header ]] || echo "$header"; done <<<"$named")
twice=$(uniq --repeated <<<"$named")
# What Doxygen is to read and cannot is a warning there, and no site.
unread=$(grep --only-matching --extended-regexp 'include/auraio/[a-z0-9_/]+\.hp*' doc/site/Doxyfile |
    while read -r file; do [[ -e $file ]] || echo "$file"; done)
[[ -z $missing ]] || printf 'reference: no page of doc/reference has %s\n' $missing
[[ -z $gone ]] || printf 'reference: doc/reference names %s, which is no header\n' $gone
[[ -z $twice ]] || printf 'reference: doc/reference has %s twice\n' $twice
[[ -z $unread ]] || printf 'reference: doc/site/Doxyfile names %s, which does not exist\n' $unread
[[ -z $missing$gone$twice$unread ]]

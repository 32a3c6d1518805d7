#!/usr/bin/env bash
# auraio_cp against a tree with everything in it, and against what can go wrong: auraio_cp_test.sh PROGRAM DIRECTORY
set -euo pipefail
program=$1 work=$2
rm -rf "$work"
mkdir -p "$work/tree/deep/er" "$work/tree/empty"
trap 'mountpoint -q "$work/small" && umount "$work/small"; rm -rf "$work"' EXIT

fail() { echo "failed: $*" && exit 1; }

seq 200000 >"$work/tree/numbers"
: >"$work/tree/nothing"
head -c 262144 /dev/urandom >"$work/tree/one block"
head -c 5000001 /dev/urandom >"$work/tree/deep/large"
truncate -s 20M "$work/tree/deep/sparse"
printf data | dd of="$work/tree/deep/sparse" bs=1 seek=10000000 conv=notrunc status=none
for i in {1..300}; do echo "file $i" >"$work/tree/deep/er/$i"; done
ln -s numbers "$work/tree/link"
ln -s nowhere "$work/tree/dangling"
mkfifo "$work/tree/fifo"
chmod 4711 "$work/tree/numbers"
chmod 500 "$work/tree/deep/er"
touch -d '2001-02-03 04:05:06.789' "$work/tree/deep/er/7" "$work/tree/empty"

listing() { (cd "$1" && find . -printf '%p %y %m %u %T@ %l %s\n' | sort); }
same() {
    diff <(listing "$1") <(listing "$2") || fail "names, modes or times differ"
    diff --recursive --no-dereference --exclude fifo "$1" "$2" || fail "contents differ"
}

"$program" --verify "$work/tree" "$work/copy"
same "$work/tree" "$work/copy"
(($(stat -c %b "$work/copy/deep/sparse") < 2000)) || fail "the hole was filled"

# Into an existing directory, over what is there; and one file.
echo old >"$work/copy/numbers"
mkdir "$work/in"
"$program" "$work/tree" "$work/in"
same "$work/tree" "$work/in/tree"
"$program" "$work/tree/numbers" "$work/copy/numbers"
cmp "$work/tree/numbers" "$work/copy/numbers"

# Into itself; from nowhere; a kind of file it does not copy.
! "$program" "$work/tree" "$work/tree/deep" 2>"$work/errors" || fail "copied into itself"
grep -q 'into itself' "$work/errors" || fail "no message: $(<"$work/errors")"
! "$program" "$work/missing" "$work/other" 2>"$work/errors" || fail "copied what is not there"
grep -q 'missing: No such file' "$work/errors" || fail "no message: $(<"$work/errors")"

# What cannot be read is told; the rest is copied.
if ((EUID == 0)); then
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
else
    as_nobody=()
fi
mkdir -m 777 "$work/open"
if "${as_nobody[@]}" test -x "$program" && "${as_nobody[@]}" test -w "$work/open"; then
    "${as_nobody[@]}" sh -c 'mkdir "$0/t" && echo a >"$0/t/a" && echo b >"$0/t/b" && chmod 0 "$0/t/a"' "$work/open"
    ! "${as_nobody[@]}" "$program" "$work/open/t" "$work/open/c" 2>"$work/errors" || fail "read the unreadable"
    grep -q 't/a: Permission denied' "$work/errors" || fail "no message: $(<"$work/errors")"
    cmp "$work/open/t/b" "$work/open/c/b"
else
    echo "skipped, an unreadable file: root reads everything, and nobody else may run the program here"
fi

# A full disk.
mkdir "$work/small"
if mount -t tmpfs -o size=1M none "$work/small" 2>/dev/null; then
    ! "$program" "$work/tree" "$work/small" 2>"$work/errors" || fail "a full disk went unnoticed"
    grep -q 'No space left' "$work/errors" || fail "no message: $(<"$work/errors")"
else
    echo "skipped, a full disk: mounting a tmpfs needs root"
fi
echo passed

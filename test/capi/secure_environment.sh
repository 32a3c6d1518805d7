#!/usr/bin/env bash
# A program that runs as another user than the one who started it takes no options from that one's environment.
# secure_environment.sh PROGRAM FILE: the program makes an engine and reads the file.
set -euo pipefail
program=$1 file=$2
skip() { echo "SKIPPED: $*" && exit 77; }
fail() { echo "failed: $*" && exit 1; }
"$program" "$file" >/dev/null || fail "does not run at all"
! AURAIO_BACKEND=none "$program" "$file" >/dev/null 2>&1 || fail "the environment is not read"
((EUID == 0)) || skip "only root can make a program of another user"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
chmod 755 "$directory"
cp "$program" "$directory/program"
cp "$file" "$directory/file"
chmod 644 "$directory/file"
chown 65534 "$directory/program"
chmod 4755 "$directory/program"
"$directory/program" "$directory/file" >/dev/null 2>&1 || skip "user 65534 may not run it here"
case $(AURAIO_BACKEND=none "$directory/program" "$directory/file" 2>&1 >/dev/null && echo runs) in
runs) echo passed ;;
*) findmnt -no OPTIONS -T "$directory" | grep -q nosuid && skip "$directory is mounted nosuid"
   fail "the environment of another user was read" ;;
esac

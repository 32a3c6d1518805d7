#!/usr/bin/env bash
# Idle means idle: a context with a one-hour timer makes no system call in 10 s, with 1 and with 3 threads in run().
set -euo pipefail
program=$1
command -v strace >/dev/null || { echo "SKIPPED: strace is not installed"; exit 77; }
pause() { read -rt "$1" <> <(:) || :; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strace -o "$work/probe" true 2>/dev/null || { echo "SKIPPED: strace may not trace here (ptrace is restricted)"; exit 77; }
for threads in 1 3; do
    mkfifo "$work/in.$threads"
    strace -f -ttt -o "$work/trace" "$program" "$threads" <"$work/in.$threads" >"$work/out" &
    pid=$!
    exec 9>"$work/in.$threads"
    until grep -q idle "$work/out" 2>/dev/null; do pause 0.05; done
    # Until all threads have got to sleep, which takes a loaded machine its time: a second without a system call. One
    # that never comes ends the test below.
    for ((i = 0, before = -1, now = 0; i < 20 && now != before; ++i)); do
        before=$now
        pause 1
        now=$(stat -c %s "$work/trace")
    done
    pause 10 # time is what this test measures: nothing else to wait for
    end=$(date +%s.%N)
    calls=$(awk -v end="$end" '$2 > end - 10 && $2 < end' "$work/trace" | wc -l)
    echo x >&9
    exec 9>&-
    wait "$pid"
    echo "threads=$threads: $calls system calls in 10 s"
    if ((calls != 0)); then
        awk -v end="$end" '$2 > end - 10 && $2 < end' "$work/trace" | head -20
        exit 1
    fi
    rm -f "$work/out"
done

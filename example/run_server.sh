#!/usr/bin/env bash
# Starts one of the example servers, talks to it as its users would, and ends it: run_server.sh NAME PROGRAM
set -euo pipefail
name=$1
program=$2
work=$(mktemp -d)
server=
cleanup() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "$name: $*" >&2
    exit 1
}

arguments=()
if [[ $name == http_file_server ]]; then
    arguments=("$work")
fi
mkfifo "$work/output"
"$program" "${arguments[@]}" >"$work/output" &
server=$!
exec 3<"$work/output"
read -r -t 10 line <&3 || fail "says nothing"
port=${line##* }

case $name in
chat)
    exec 4<>"/dev/tcp/127.0.0.1/$port" 5<>"/dev/tcp/127.0.0.1/$port"
    echo hello >&4
    read -r -t 10 heard <&4 && [[ $heard == hello ]] || fail "does not repeat"
    # The second may have come too late for the first line; its own is heard by both.
    echo again >&5
    read -r -t 10 heard <&4 && [[ $heard == again ]] || fail "does not pass on"
    ;;
udp_echo)
    exec 4<>"/dev/udp/127.0.0.1/$port"
    echo hello >&4
    # Not by `read`, which takes a byte at a time and with it the whole datagram.
    heard=$(timeout 10 head -c 6 <&4) && [[ $heard == hello ]] || fail "does not echo"
    ;;
http_file_server)
    head -c 3000000 /dev/urandom >"$work/file"
    curl -sS --max-time 10 -o "$work/copy1" -o "$work/copy2" "http://127.0.0.1:$port/file" "http://127.0.0.1:$port/file"
    cmp "$work/file" "$work/copy1" && cmp "$work/file" "$work/copy2" || fail "sends something else"
    status=$(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/missing")
    [[ $status == 404 ]] || fail "answers $status for a missing file"
    ;;
*)
    for _ in 1 2 3 4; do
        exec 4<>"/dev/tcp/127.0.0.1/$port"
        echo hello >&4
        read -r -t 10 heard <&4 && [[ $heard == hello ]] || fail "does not echo"
        exec 4>&-
    done
    ;;
esac

if [[ $name == graceful_shutdown ]]; then
    kill -TERM "$server"
    read -r -t 10 line <&3 && [[ $line == closing* ]] || fail "ignores SIGTERM"
    read -r -t 10 line <&3 && [[ $line == closed ]] || fail "does not end"
    wait "$server" || fail "exit status $?"
    server=
fi
if [[ $name == tutorial_server ]]; then
    kill -TERM "$server"
    read -r -t 10 line <&3 && [[ $line == *requests*system\ calls* ]] || fail "says nothing at its end"
    wait "$server" || fail "exit status $?"
    server=
fi

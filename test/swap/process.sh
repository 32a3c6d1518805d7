# Starting, feeding, awaiting and ending the programs of one scenario; sourced by scenario.sh, which runs in namespaces
# of its own for network, processes and mounts. What a program printed is shown when it has ended.
# shellcheck shell=bash disable=SC2154 # server, client, here: scenario.sh

declare -A process_id process_input

# start NAME PROGRAM ARGUMENT...: in the background, its input a pipe that say writes to and hang_up closes.
start() {
    local name=$1 input
    shift
    mkfifo "$name.in"
    exec {input}<>"$name.in"
    process_input[$name]=$input
    (
        # Whoever else held the writing end would keep the program from seeing the end of its input.
        for input in "${process_input[@]}"; do
            exec {input}>&-
        done
        exec stdbuf --output=L "$@" <"$name.in" >"$name.out" 2>&1
    ) &
    process_id[$name]=$!
}

say() { printf '%s\n' "$2" >&"${process_input[$1]}"; }
hang_up() {
    local input=${process_input[$1]}
    exec {input}>&-
    unset "process_input[$1]"
}

# Waits until COMMAND... succeeds. The event lies in another process, hence the looking again.
until_true() {
    local deadline=$((SECONDS + 30))
    until "$@"; do
        if ((SECONDS > deadline)); then
            echo "*** timed out: $*"
            return 1
        fi
        sleep 0.02
    done
}
until_output() { until_true grep --quiet --no-messages --extended-regexp --regexp="$2" "$1.out"; }
until_tcp() { until_true listening --tcp "sport = :$1"; }
until_udp() { until_true listening --udp "sport = :$1"; }
# Its path is relative: a longer one than that of this directory may not fit into an address.
until_unix() { until_true grep --quiet " 00010000 .* $1\$" /proc/net/unix; }
listening() { [[ -n $(ss --no-header --listening --numeric "$@") ]]; }

# ended NAME: waits for its end. stop NAME [SIGNAL]: ends it; servers that handle SIGTERM end by themselves.
# Either shows what it printed and how it ended.
ended() {
    local status=0 watchdog input
    # Its sleep outlives it, and must hold nothing whose end others wait for: the transcript, programs' inputs.
    (
        for input in "${process_input[@]}"; do
            exec {input}>&-
        done
        sleep 30 && kill -s KILL "${process_id[$1]}"
    ) >/dev/null 2>&1 &
    watchdog=$!
    { wait "${process_id[$1]}" || status=$?; } 2>/dev/null
    kill "$watchdog" 2>/dev/null
    echo "--- $1"
    cat "$1.out"
    echo "--- $1: status $status"
}
stop() {
    note_backends "${process_id[$1]}"
    kill -s "${2:-TERM}" "${process_id[$1]}" 2>/dev/null || echo "*** $1 had ended"
    ended "$1"
}

# What a swapped program waits with: one that has an epoll left something to Asio's reactor.
note_backends() {
    [[ $(readlink "/proc/$1/exe") == */swapped/* ]] || return 0
    find "/proc/$1/fd" -lname '*io_uring*' -printf 'io_uring\n' -o -lname '*eventpoll*' -printf 'epoll\n' \
        >>backends 2>/dev/null
}

# client PROGRAM ARGUMENT...: to its end, with the standard input of the caller.
client() {
    local status=0
    stdbuf --output=L timeout 30 "$@" 2>&1 || status=$?
    echo "--- client: status $status"
}

#!/usr/bin/env bash
# Runs the benchmarks of a build tree and prints their tables: run.sh [-b build] [suite...]
#
# Suites: those of the variable below, all of them without arguments (an hour). `run.sh all` runs them too, with as little as a budget takes
# (contenders that one compares, shorter runs, as many rounds as 15 minutes have room for), and ends with one table of the budgets.
# MEASURE_MS, WARM_MS and ROUNDS change the length. Results are kept in <build>/benchmark/results.<suite>, one line per run, for report.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=support/driver.sh
source "$here/support/driver.sh"

build=$here/../build/release
while getopts b: option; do
    case $option in
    b) build=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
programs=$(cd "$build/benchmark" && pwd)
suites=(synced_writes life coroutines post timers churn udp http size echo threads blocking file_reads c registered gate)
(($# > 0)) || set -- "${suites[@]}"

# The other backend, as one more contender.
on_epoll="AURAIO_BACKEND=epoll"

# The file that is read, or another one, made once: test_file [name MiB]
test_file() {
    local path=$programs/${1:-data} mib=${2:-${FILE_MIB:-1024}}
    [[ $(stat --format %s "$path" 2>/dev/null) == "$((mib << 20))" ]] ||
        "$programs/make_test_file" "path=$path" "mib=$mib"
}

# The pool's threads: as many as libuv has for a cache, which never waits; one for each read of a device.
pool_threads() {
    local mode=$1 depth=$2
    local limit=64
    [[ $mode == cache ]] && limit=4
    echo $((depth < limit ? depth : limit))
}

# read_scenario results mode depth name span: what a cache holds is read in part, what a disk holds as a
# whole.
read_scenario() {
    local mode=$2 depth=$3
    local where="path=data mode=$mode depth=$depth span_mib=$5"
    local loop="preadv2_loop|preadv2_loop $where"
    [[ $mode == cache ]] || loop=
    run_scenario "$programs" "$1" "file_reads/$4/$depth" <<END
raw_uring|raw_uring_read $where
raw_uring_defer|raw_uring_read ring=defer $where
auraio_callbacks|file_reads_auraio $where
auraio_coroutines|file_reads_auraio style=coroutines $where
auraio_typed_coroutines|file_reads_auraio style=typed_coroutines $where
asio|file_reads_asio $where
asio_coroutines|file_reads_asio style=coroutines $where
asio_file_per_read|file_reads_asio files=many $where
asio_file_per_read_coroutines|file_reads_asio files=many style=coroutines $where
pread_pool|pread_pool threads=$(pool_threads "$mode" "$depth") $where
pread_pool_two_cpus|pread_pool threads=$(pool_threads "$mode" "$depth") places=2 $where
auraio_epoll|$on_epoll AURAIO_POOL_THREADS=$(pool_threads "$mode" "$depth") file_reads_auraio $where
$loop
END
}

suite_file_reads() {
    test_file
    local depth
    for depth in 1 4 32 128 512; do
        read_scenario "$1" cache "$depth" cache 256
    done
    # Blocks that stay in the processor's cache: copying is cheap then, and what the library adds stands out.
    for depth in 32 128; do
        read_scenario "$1" cache "$depth" hot 16
    done
    for depth in 1 4 32 128 512; do
        read_scenario "$1" direct "$depth" direct 0
    done
}

# The Rust reader, where there is cargo; a script, for it has to find the library.
build_rust_reads() {
    local library
    library=$(cd "$build/src" && pwd)
    (cd "$here/../bindings/rust" && AURAIO_LIB_DIR=$library CARGO_TARGET_DIR=$programs/cargo \
        ./cargo.sh build --quiet --release --example read_benchmark) || return
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$library" "$programs/cargo/release/examples/read_benchmark"
}

# From C, C++ without Asio and Rust, beside the loop written by hand and fio: aura_run(), a program's own loop around
# aura_wait(); fio that submits and reaps one by one, as it does unless told otherwise, and 16 at a time.
suite_c() {
    build_rust_reads >"$programs/rust_reads" ||
        printf '#!/bin/sh\necho "there is no cargo, or it failed"\nexit 77\n' >"$programs/rust_reads"
    chmod +x "$programs/rust_reads"
    cp "$here/peers/fio_reads" "$programs/fio_reads"
    test_file
    local mode depth span where
    for mode in cache direct; do
        span=$([[ $mode == cache ]] && echo 256 || echo 0)
        for depth in 1 4 32 128 512; do
            where="path=data mode=$mode depth=$depth span_mib=$span"
            run_scenario "$programs" "$1" "c/$mode/$depth" <<END
raw_uring|raw_uring_read $where
auraio_c|c_reads $where
auraio_c_wait|c_reads loop=wait $where
auraio_cpp|cpp_reads $where
auraio_cpp_coroutines|cpp_reads style=coroutines $where
auraio_callbacks|file_reads_auraio $where
auraio_rust|rust_reads $where
auraio_rust_owned|rust_reads style=owned $where
fio|fio_reads $where
fio_batched|fio_reads batch=16 $where
END
        done
    done
}

# Whether registered buffers and files pay, from C.
suite_registered() {
    test_file
    local mode where
    for mode in cache direct; do
        where="path=data mode=$mode depth=32 span_mib=256"
        run_scenario "$programs" "$1" "registered/$mode/32" <<END
none|c_reads $where
buffers|c_reads registered=buffers $where
files|c_reads registered=files $where
both|c_reads registered=both $where
END
    done
}

# The device's gate and the same without it. A run begins before the gate has learnt anything, so it is longer than others.
suite_gate() {
    test_file
    # shellcheck disable=SC2034 # the driver reads them
    local measure_ms=${GATE_MEASURE_MS:-10000} warm_ms=${GATE_WARM_MS:-5000} rounds=${GATE_ROUNDS:-5} time_limit=60
    local depth where
    for depth in 32 64 128 256; do
        where="path=data mode=direct depth=$depth"
        run_scenario "$programs" "$1" "gate/$depth" <<END
gate_off|file_reads_auraio adaptive=0 $where
gate_on|file_reads_auraio $where
raw_uring|raw_uring_read $where
END
    done
}

suite_synced_writes() {
    test_file log 64
    local depth
    for depth in 1 8 32; do
        run_scenario "$programs" "$1" "synced_writes/$depth" <<END
raw_uring|raw_uring_synced_writes path=log depth=$depth
auraio|synced_writes_auraio path=log depth=$depth
auraio_no_gate|synced_writes_auraio adaptive=0 path=log depth=$depth
auraio_epoll|$on_epoll synced_writes_auraio path=log depth=$depth
END
    done
}

suite_life() {
    run_scenario "$programs" "$1" "life/post" <<END
asio|context_life_asio
asio_uring|context_life_asio_uring
auraio|context_life_auraio
auraio_no_hint|context_life_auraio hint=none
auraio_epoll|$on_epoll context_life_auraio
END
    run_scenario "$programs" "$1" "life/socket" <<END
raw_uring|ring_life
raw_uring_256|ring_life entries=256
asio|context_life_asio with=socket
asio_uring|context_life_asio_uring with=socket
auraio|context_life_auraio with=socket
auraio_no_hint|context_life_auraio with=socket hint=none
auraio_epoll|$on_epoll context_life_auraio with=socket
END
}

# Bytes of a stripped program; one run is enough.
suite_size() {
    local name
    for name in asio asio_uring auraio; do
        printf 'round=1 scenario=size/echo name=%s size_bytes=%d\n' "$name" "$(stat --format %s "$programs/small_echo_$name")"
    done >>"$1"
}

suite_post() {
    local depth
    for depth in 1 32; do
        run_scenario "$programs" "$1" "post/own/$depth" <<END
asio|post_own_asio depth=$depth
asio_no_hint|post_own_asio hint=none depth=$depth
auraio|post_own_auraio depth=$depth
auraio_no_hint|post_own_auraio hint=none depth=$depth
auraio_ring|post_own_auraio to=ring depth=$depth
auraio_ring_no_hint|post_own_auraio hint=none to=ring depth=$depth
auraio_epoll|$on_epoll post_own_auraio depth=$depth
END
        run_scenario "$programs" "$1" "post/own_beside_a_timer/$depth" <<END
asio|post_own_asio timer=1 depth=$depth
asio_no_hint|post_own_asio timer=1 hint=none depth=$depth
auraio|post_own_auraio timer=1 depth=$depth
auraio_no_hint|post_own_auraio timer=1 hint=none depth=$depth
auraio_ring|post_own_auraio timer=1 to=ring depth=$depth
auraio_epoll|$on_epoll post_own_auraio timer=1 depth=$depth
END
    done
    run_scenario "$programs" "$1" "post/unsafe/1" <<END
asio|post_own_asio hint=unsafe
auraio|post_own_auraio hint=unsafe
END
    run_scenario "$programs" "$1" "post/foreign_wake" <<END
raw_eventfd_ring|raw_wake kind=eventfd_ring
raw_eventfd_epoll|raw_wake kind=eventfd_epoll
raw_msg_ring|raw_wake kind=msg_ring
raw_msg_ring_sync|raw_wake kind=msg_ring_sync
raw_futex|raw_wake kind=futex
asio|post_foreign_asio
asio_no_hint|post_foreign_asio hint=none
auraio|post_foreign_auraio
auraio_no_hint|post_foreign_auraio hint=none
auraio_epoll|$on_epoll post_foreign_auraio
END
    for depth in 16 1000; do
        run_scenario "$programs" "$1" "post/foreign_burst/$depth" <<END
asio|post_foreign_asio mode=burst depth=$depth
asio_no_hint|post_foreign_asio mode=burst hint=none depth=$depth
auraio|post_foreign_auraio mode=burst depth=$depth
auraio_no_hint|post_foreign_auraio mode=burst hint=none depth=$depth
auraio_epoll|$on_epoll post_foreign_auraio mode=burst depth=$depth
END
    done
    run_scenario "$programs" "$1" "post/between/1" <<END
raw_msg_ring|raw_wake mode=ping_pong kind=msg_ring
raw_msg_ring_sync|raw_wake mode=ping_pong kind=msg_ring_sync
raw_eventfd_ring|raw_wake mode=ping_pong kind=eventfd_ring
asio|post_between_asio
asio_no_hint|post_between_asio hint=none
asio_strands|post_between_asio contexts=one
auraio_rings|post_between_auraio contexts=one
auraio_contexts|post_between_auraio
END
    # Answers that take a while, for which nobody should stay awake.
    run_scenario "$programs" "$1" "post/between_slowly/1" <<END
asio|post_between_asio work_us=20
asio_strands|post_between_asio contexts=one work_us=20
auraio_rings|post_between_auraio contexts=one work_us=20
auraio_contexts|post_between_auraio work_us=20
END
    for depth in 16 256; do
        run_scenario "$programs" "$1" "post/between/$depth" <<END
asio|post_between_asio depth=$depth
asio_no_hint|post_between_asio hint=none depth=$depth
asio_strands|post_between_asio contexts=one depth=$depth
auraio_rings|post_between_auraio contexts=one depth=$depth
auraio_contexts|post_between_auraio depth=$depth
END
    done
}

# timer_scenario results name depth arguments...
timer_scenario() {
    local results=$1 name=$2 depth=$3
    shift 3
    run_scenario "$programs" "$results" "timers/$name/$depth" <<END
asio|timers_asio depth=$depth $*
auraio|timers_auraio depth=$depth $*
auraio_no_hint|timers_auraio hint=none depth=$depth $*
auraio_epoll|$on_epoll timers_auraio depth=$depth $*
END
}

suite_timers() {
    local depth
    for depth in 10 1000 100000; do
        timer_scenario "$1" set_cancel $depth mode=set_cancel
    done
    for depth in 10 1000 100000; do
        timer_scenario "$1" rearm $depth mode=rearm
    done
    # One timer per turn, as when each handler pushes back its own connection's time-out.
    timer_scenario "$1" rearm_single 1000 mode=rearm batch=1
    # Ten timers that are waited for in turn; then more than a processor can fire.
    timer_scenario "$1" fire 10 mode=fire spread_us=1000
    timer_scenario "$1" fire 1000 mode=fire spread_us=50
    timer_scenario "$1" fire 100000 mode=fire spread_us=5000
    # All armed, then all due: more at a time than a cache holds.
    local from
    while read -r depth from; do
        run_scenario "$programs" "$1" "bulk_timers/$from/$depth" <<END
asio|timers_asio depth=$depth mode=bulk from=$from spread_us=$((depth < 100000 ? 1000 : depth / 5))
auraio|timers_auraio depth=$depth mode=bulk from=$from spread_us=$((depth < 100000 ? 1000 : depth / 5))
END
    done <<<"1000 inside
100000 inside
100000 outside
1000000 inside"
}

suite_coroutines() {
    local mode depth
    for mode in post nested timer spawn outside; do
        depth=1
        [[ $mode != outside ]] || depth=100
        run_scenario "$programs" "$1" "coroutines/$mode" <<END
asio|coroutines_asio mode=$mode depth=$depth
asio_typed|coroutines_asio mode=$mode depth=$depth executor=typed
asio_no_hint|coroutines_asio mode=$mode depth=$depth hint=none
auraio|coroutines_auraio mode=$mode depth=$depth
auraio_typed|coroutines_auraio mode=$mode depth=$depth executor=typed
auraio_no_hint|coroutines_auraio mode=$mode depth=$depth hint=none
END
    done
}

# echo_scenario results name arguments...: every way to write the server, under the same load.
echo_scenario() {
    local results=$1 name=$2
    shift 2
    run_scenario "$programs" "$results" "echo/$name" <<END
raw_uring|echo_uring $*
raw_uring_multishot|echo_uring recv=multishot $*
raw_uring_copied|echo_uring recv=copied $*
raw_uring_poll_first|echo_uring recv=poll_first $*
raw_uring_defer|echo_uring ring=defer $*
raw_uring_interrupted|echo_uring ring=none $*
raw_epoll|echo_epoll $*
auraio_callbacks|echo_server_auraio $*
auraio_coroutines|echo_server_auraio style=coroutines $*
asio|echo_server_asio $*
asio_coroutines|echo_server_asio style=coroutines $*
asio_uring|echo_server_asio_uring $*
asio_uring_coroutines|echo_server_asio_uring style=coroutines $*
auraio_epoll|$on_epoll echo_server_auraio $*
auraio_epoll_coroutines|$on_epoll echo_server_auraio style=coroutines $*
END
}

suite_echo() {
    local size depth
    for size in 64 4096; do
        for depth in 1 64 1000; do
            echo_scenario "$1" "$size/$depth" "size=$size depth=$depth"
        done
    done
    # Clients that take their time, as those behind a network do: nothing is there yet when a receive starts.
    echo_scenario "$1" "64/64_thinking" "size=64 depth=64 think_us=300"
    echo_scenario "$1" "64/1000_thinking" "size=64 depth=1000 think_us=5000"
}

suite_churn() {
    run_scenario "$programs" "$1" "churn/64" <<END
raw_uring|echo_uring load=churn
raw_uring_oneshot_accept|echo_uring accept=oneshot load=churn
raw_uring_close|echo_uring close=ring load=churn
raw_epoll|echo_epoll load=churn
auraio_callbacks|echo_server_auraio load=churn
auraio_coroutines|echo_server_auraio style=coroutines load=churn
asio|echo_server_asio load=churn
asio_coroutines|echo_server_asio style=coroutines load=churn
asio_uring|echo_server_asio_uring load=churn
auraio_epoll|$on_epoll echo_server_auraio load=churn
END
}

suite_udp() {
    run_scenario "$programs" "$1" "udp/64" <<END
raw_uring|datagram_uring load=udp
raw_epoll|echo_epoll load=udp
auraio_callbacks|datagram_server_auraio load=udp
auraio_coroutines|datagram_server_auraio style=coroutines load=udp
asio|datagram_server_asio load=udp
asio_coroutines|datagram_server_asio style=coroutines load=udp
asio_uring|datagram_server_asio_uring load=udp
auraio_epoll|$on_epoll datagram_server_auraio load=udp
END
}

# One operation is one request; wrk runs whole seconds.
suite_http() {
    run_scenario "$programs" "$1" "http/64" <<END
auraio|http_server_auraio load=http depth=64 size=1024
asio|http_server_asio load=http depth=64 size=1024
asio_uring|http_server_asio_uring load=http depth=64 size=1024
auraio_epoll|$on_epoll http_server_auraio load=http depth=64 size=1024
END
}

# Two threads against one. The load needs the second processor too: where there is nothing to compute the second
# thread only shares that with it; where computing is nearly everything, and the load sleeps, the rate tells how
# far the library scales.
suite_threads() {
    local name what
    while read -r name what; do
        run_scenario "$programs" "$1" "threads/$name" <<END
auraio_one|echo_server_auraio $what
auraio_two|echo_server_auraio threads=2 $what
asio_one|echo_server_asio $what
asio_two|echo_server_asio threads=2 $what
END
    done <<<"echo work_us=0
compute work_us=200 load=epoll_echo"
}

# blocking_scenario results name arguments...: the bystanders' rate and latency, beside both backends of Asio.
blocking_scenario() {
    local results=$1 name=$2
    shift 2
    run_scenario "$programs" "$results" "blocking/$name" <<END
asio|blocking_asio $*
asio_uring|blocking_asio_uring $*
auraio|blocking_auraio $*
END
}

# Some clients make the handler sleep for 20 ms; all make it compute; one makes it compute for as long as all
# others together.
suite_blocking() {
    local blocked
    for blocked in 0 1 2 3; do
        blocking_scenario "$1" "$blocked" "threads=4 depth=64 blocking=$blocked"
    done
    blocking_scenario "$1" "compute_100us" "threads=2 depth=16 work_us=100"
    blocking_scenario "$1" "compute_100us_four" "threads=4 depth=16 work_us=100"
    blocking_scenario "$1" "compute_1ms" "threads=2 depth=16 work_us=1000"
    blocking_scenario "$1" "unequal" "threads=2 depth=16 blocking=1 block_us=0 work_us=50 heavy_us=750"
}

needed_contenders() { "$here/report.py" needed "$here/budgets" "$1"; }

# Every suite once with what its budgets compare, again and again while there is time, then one table. Rounds that are
# minutes apart meet the machine in more of its moods than rounds in a row.
run_all() {
    local limit=$((${ALL_SECONDS:-900} - 15)) longest=0 began suite
    local -a files=("${suites[@]/#/$programs/results.}")
    # shellcheck disable=SC2034 # the driver's
    choose_contenders=needed_contenders when_broken=note
    rounds=1 measure_ms=${MEASURE_MS:-150} warm_ms=${WARM_MS:-40}
    GATE_ROUNDS=1 GATE_MEASURE_MS=${GATE_MEASURE_MS:-1500} GATE_WARM_MS=${GATE_WARM_MS:-2500}
    for suite in "${files[@]}"; do
        : >"$suite"
    done
    for ((first_round = 1; first_round == 1 || SECONDS + longest <= limit; ++first_round)); do
        began=$SECONDS
        for suite in "${suites[@]}"; do
            ((first_round == 1 || SECONDS <= limit)) || break 2 # the machine has become slower: what there is counts
            "suite_$suite" "$programs/results.$suite"
        done
        longest=$((SECONDS - began > longest ? SECONDS - began : longest))
        printf 'Round %d, after %d s\n' "$first_round" "$SECONDS" >&2
    done
    "$here/report.py" table "$here/budgets" "${files[@]}"
    printf '%d rounds, of %d ms after %d; of the gate %d after %d, shorter than its promise is about (run.sh gate)\n' \
        $((first_round - 1)) "$measure_ms" "$warm_ms" "$GATE_MEASURE_MS" "$GATE_WARM_MS"
    printf 'In all %d min %02d s\n' $((SECONDS / 60)) $((SECONDS % 60))
}

if [[ $* == all ]]; then
    run_all
    exit
fi
for suite in "$@"; do
    declare -F "suite_$suite" >/dev/null || {
        echo "no such suite: $suite" >&2
        exit 2
    }
    results=$programs/results.$suite
    : >"$results"
    "suite_$suite" "$results"
    "$here/report.py" suite "$here/budgets" "$results"
done

#!/usr/bin/env bash
# The storage gate on a real disk: storage.sh [-b build] [-d directory of the test file] [-o directory for plots]
#
# First a sweep of fixed depths, and the gate left to itself under the largest load, alternating; then 30 s each of
# what may happen to it: a neighbour that comes and goes, a workload that changes, a ceiling for the P99, a device
# that is throttled (cgroup v1's blkio, root). With -o and gnuplot each of these becomes a picture.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../build/release
directory=
plots=
while getopts b:d:o: option; do
    case $option in
    b) build=$OPTARG ;;
    d) directory=$OPTARG ;;
    o) plots=$(realpath "$OPTARG") ;;
    *) exit 2 ;;
    esac
done
programs=$(cd "$build/benchmark" && pwd)
directory=$(realpath "${directory:-$programs}")
data=$directory/data
rounds=${ROUNDS:-5}
results=$programs/results.storage
mkdir -p "$results"
"$programs/make_test_file" "path=$data" "mib=${FILE_MIB:-1024}"

load() { "$programs/storage_load" "path=$data" "$@"; }

sweep() {
    local round depth
    for ((round = 1; round <= rounds; ++round)); do
        for depth in 1 2 4 8 16 32 64 128 256 512; do
            load "depth=$depth" adaptive=0 warm_ms=200 measure_ms=1000
        done
        load depth=1024 warm_ms=8000 measure_ms=2000
    done >"$results/sweep"
    "$here/report.py" sweep "$results/sweep"
}

# The gate beside fixed depths that have run as long: a disk that is shared changes its speed meanwhile, for both alike.
compare() {
    local round depth
    for ((round = 1; round <= rounds; ++round)); do
        for depth in 64 128 256; do
            load "depth=$depth" adaptive=0 warm_ms=6000 measure_ms=2000
        done
        load depth=1024 warm_ms=6000 measure_ms=2000
    done >"$results/compare"
    "$here/report.py" gate "$results/compare"
}

# plot <name> <title>
plot() {
    [[ -n $plots ]] || return 0
    command -v gnuplot >/dev/null || { echo "no plot of $1: gnuplot is not installed"; return 0; }
    sed -n 's/[a-z0-9_]*=//gp' "$results/$1" | awk 'NF == 6' >"$results/$1.columns"
    gnuplot <<END
set terminal pngcairo size 900,700 noenhanced
set output "$plots/storage-$1.png"
set multiplot layout 3,1 title "$2"
set lmargin 12
set grid
set xrange [0:30]
set ylabel "requests/s"
plot "$results/$1.columns" using (\$1/1000):2 with lines notitle
set ylabel "P99 of device, ms"
set logscale y
plot "$results/$1.columns" using (\$1/1000):(\$3/1000) with lines notitle
set ylabel "limit"
set xlabel "seconds"
plot "$results/$1.columns" using (\$1/1000):5 with steps notitle
END
}

# timeline <name> <title> <argument>...: 30 s, and its mean per 10 s.
timeline() {
    local name=$1 title=$2
    shift 2
    load depth=512 series=1 warm_ms=0 measure_ms=30000 "$@" >"$results/$name"
    printf '%s\n' "$title"
    "$here/report.py" thirds "$results/$name"
    plot "$name" "$title"
}

neighbour() {
    cp --reflink=never "$data" "$directory/neighbour"
    (sleep 10 && exec "$programs/storage_load" "path=$directory/neighbour" kind=write depth=64 adaptive=0 place=1 \
        warm_ms=0 measure_ms=10000 >/dev/null) &
    timeline neighbour "A neighbour writes from 10 to 20 s"
    wait
    rm "$directory/neighbour"
}

throttle() {
    local blkio=/sys/fs/cgroup/blkio device group
    if [[ ! -e $blkio/blkio.throttle.read_iops_device || ! -w $blkio ]]; then
        echo "skipped, throttled device: no cgroup v1 blkio controller that may be written"
        return
    fi
    device=$(findmnt -no MAJ:MIN --target "$directory")
    group=$blkio/auraio-benchmark-$$
    mkdir "$group"
    (
        sleep 10
        echo "$device 5000" >"$group/blkio.throttle.read_iops_device"
        sleep 10
        echo "$device 0" >"$group/blkio.throttle.read_iops_device"
    ) &
    echo "$BASHPID" >"$group/cgroup.procs"
    timeline throttle "5000 IOPS allowed from 10 to 20 s"
    echo "$BASHPID" >"$blkio/cgroup.procs"
    wait
    rmdir "$group"
}

sweep
compare
timeline quiet "Undisturbed"
neighbour
timeline change "Sequential for 10 s, then random" sequential_ms=10000
timeline ceiling "A ceiling of 2 ms from 10 s" ceiling_us=2000 ceiling_after_ms=10000
throttle

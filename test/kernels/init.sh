#!/bin/busybox sh
# What runs in the virtual machine, as its first process: mounts, runs every suite of tests, says how each ended, powers off.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
ln -s /proc/self/fd /dev/fd 2>/dev/null
for module in virtio_pci virtio_blk tun; do
    modprobe "$module" 2>/dev/null
done
mount -t ext4 /dev/vda /disk || echo "kernels: no disk"
ip link set lo up
hostname localhost
cd /disk || exit 1
ulimit -n 20000

failed_in_all=0 unit_has_run=
for backend in $(cat /etc/backends); do
    for program in unit integration.std asio.std; do
        [ "$program" = unit ] && [ -n "$unit_has_run" ] && continue
        suites=$(sed -n "s/^$program\.\([^.]*\)$/\1/p" /etc/suites)
        [ -n "$suites" ] || continue
        [ "$program" = unit ] && unit_has_run=1
        passed=0 failed=0 skipped=0
        for suite in $suites; do
            echo "$backend $program $suite"
            AURAIO_BACKEND=$backend timeout -s KILL 300 "/programs/$program" --gtest_filter="$suite.*" >/tmp/log 2>&1
            code=$?
            # Lines that begin so stand once for each test; the summary repeats failures with another form.
            ok=$(grep -c '^\[       OK \]' /tmp/log)
            no=$(grep -c '^\[  FAILED  \] .* ms)$' /tmp/log)
            skip=$(grep -c '^\[  SKIPPED \] .* ms)$' /tmp/log)
            passed=$((passed + ok)) failed=$((failed + no)) skipped=$((skipped + skip))
            if [ "$no" != 0 ]; then
                grep '^\[  FAILED  \] .* ms)$' /tmp/log | sed "s/^/kernels: $backend $program: /"
                grep -v '^\[       OK\|^\[ RUN' /tmp/log | head -n 200
            elif [ "$code" != 0 ]; then
                echo "kernels: $backend $program: $suite ended with $code in $(grep '^\[ RUN' /tmp/log | tail -n 1)"
                tail -n 20 /tmp/log
                failed=$((failed + 1))
            fi
            grep -B 3 '^\[  SKIPPED \] .* ms)$' /tmp/log | head -n 20
        done
        echo "kernels: table $(uname -r) $backend $program: $passed passed, $failed failed, $skipped skipped"
        failed_in_all=$((failed_in_all + failed))
    done
done
dmesg | grep -E 'BUG:|WARNING:|Oops:|blocked for more than' | sed 's/^/kernels: dmesg /'
echo "kernels: end $failed_in_all"
sync
poweroff -f

#!/bin/bash
# thread_sanitizer.sh COMPILER PACKAGE SOURCE PROGRAM: a program compiled with ThreadSanitizer, against the installed library
# (by PKG_CONFIG_PATH), which is not: nothing is reported of what the library orders, and a race is (argument "race", C++).
# Exits with 77, a skip, where the compiler has no ThreadSanitizer.
set -eu
compiler=$1 package=$2 source=$3 program=$4
case $source in
*.c) language=(-x c -std=gnu11) ;;
*) language=(-x c++ -std=c++20) ;;
esac
# Its memory layout leaves less room than the newest kernels' randomisation of addresses takes.
run=()
if (($(</proc/sys/vm/mmap_rnd_bits) > 28)); then
    run=(setarch --addr-no-randomize)
fi
if ! "$compiler" -fsanitize=thread "${language[@]}" - -o "$program" <<<'int main(void) { return 0; }' || ! "${run[@]}" "$program"; then
    echo "SKIPPED: $compiler makes no program with ThreadSanitizer here"
    exit 77
fi
read -ra flags <<<"$(pkg-config --cflags "$package")"
read -ra libraries <<<"$(pkg-config --libs "$package")"
# Asio's fences, which ThreadSanitizer does not know, are warned of in every header.
"$compiler" -w "${language[@]}" -g -fsanitize=thread "${flags[@]}" "$source" -x none "${libraries[@]}" -o "$program"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir "$package")
export LD_LIBRARY_PATH TSAN_OPTIONS=exitcode=66
timeout 120 "${run[@]}" "$program"
if [[ $source == *.cpp ]]; then
    # Rings go to other threads all the time, on the other backend too.
    AURAIO_TAKEOVER_AFTER=1 timeout 120 "${run[@]}" "$program"
    AURAIO_TAKEOVER_AFTER=1 AURAIO_BACKEND=epoll timeout 120 "${run[@]}" "$program"
    status=0
    output=$(timeout 60 "${run[@]}" "$program" race 2>&1) || status=$?
    if ((status != 66)) || ! grep -q 'WARNING: ThreadSanitizer: data race' <<<"$output"; then
        echo "a race was not reported: $status"
        echo "$output"
        exit 1
    fi
fi

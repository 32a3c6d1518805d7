#!/usr/bin/env bash
# Runs the suites unit, integration and asio on other kernels, on both backends: test/kernels/run.sh [--build DIRECTORY]
# [--no-build] [--backend NAME] [--only REGEX] [--kvm] [SUITE...], with suites of Debian: bullseye (5.10) bookworm (6.1)
# trixie (6.12) forky (7.2).
#
# Each kernel is the distribution's for clouds, in a virtual machine with two processors, a disk and nothing but these
# programs; emulated, since KVM is not to be had everywhere (--kvm, where it is: as fast as here). Every suite of tests has
# a process of its own, so that one that dies takes no other along; unit, which asks no kernel for anything, runs once.
# Prints a line for each that fails, and a table. --only: suites of tests whose program.Suite matches. --no-build: the
# programs as they are, of which one may be missing. 77, a skip: what it takes could not be downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/test/kernels
build=build/dev build_first=1 backends='uring epoll' only=. processor=(-accel tcg,thread=multi -cpu max)
while (($#)); do
    case $1 in
        --build) build=$2 && shift ;;
        --no-build) build_first= ;;
        --backend) backends=$2 && shift ;;
        --only) only=$2 && shift ;;
        --kvm) processor=(-accel kvm -cpu host) ;;
        -*) sed --quiet '2,11s/^# \?//p' "$0" && exit 2 ;;
        *) break ;;
    esac
    shift
done
suites=("$@")
((${#suites[@]})) || suites=(bullseye bookworm trixie forky)

tools/install-packages.sh qemu-system-x86 busybox-static cpio kmod e2fsprogs binutils || {
    echo 'skipped: qemu, or what it takes beside it, could not be installed'
    exit 77
}
if [[ $build_first ]]; then
    [[ -d $build ]] || cmake --preset dev
    cmake --build "$build" --target unit integration.std asio.std
fi

work=$PWD/build/kernels
rm -rf "$work/root"
mkdir -p "$work/root"/{bin,etc,dev,proc,sys,tmp,disk,programs,run}
cp /bin/busybox "$work/root/bin"
cp "$here/init.sh" "$work/root/init"
for program in unit/unit integration/integration.std asio/asio.std; do
    name=${program#*/}
    [[ $build_first || -x $build/test/$program ]] || continue
    # Listed here: there it would take half a minute.
    suites_here=$("$build/test/$program" --gtest_list_tests | sed --quiet "s/^\([^ ]*\)\..*/$name.\1/p" | sort --unique |
        grep --extended-regexp "$only") || continue
    printf '%s\n' "$suites_here" >>"$work/root/etc/suites"
    strip --strip-debug -o "$work/root/programs/$name" "$build/test/$program"
done
install -D --mode=644 doc/auraio-grafana.json "$work/root$PWD/doc/auraio-grafana.json" # which a test reads by this name
[[ -e $work/root/etc/suites ]] || { echo "kernels: no suite of tests matches $only" >&2 && exit 2; }
# The libraries they load, where the loader looks for them.
for library in $(ldd "$work/root/programs"/* | grep --only-matching '/[^ ]*\.so[^ ]*' | sort --unique); do
    install -D "$library" "$work/root$library"
done
printf 'root:x:0:0::/:/bin/sh\n' >"$work/root/etc/passwd"
printf 'root:x:0:\n' >"$work/root/etc/group"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$work/root/etc/hosts"
printf 'passwd: files\ngroup: files\nhosts: files\n' >"$work/root/etc/nsswitch.conf"
printf '%s\n' "$backends" >"$work/root/etc/backends"
status=0 skipped=0
for suite in "${suites[@]}"; do
    kernel=$work/$suite
    tools/fetch-packages.sh "$suite" "$kernel" depends:linux-image-cloud-amd64 || {
        echo "skipped: the kernel of $suite could not be downloaded"
        skipped=77
        continue
    }
    vmlinuz=$(find "$kernel" -name 'vmlinuz*' -print -quit)
    # The disk's driver is a module; busybox loads it by what depmod(8) writes.
    modules=$(find "$kernel" -type d -path '*/lib/modules/*' -print -quit)
    release=${modules##*/}
    rm -rf "$work/root/lib/modules"
    mkdir -p "$work/root/lib/modules/$release"
    # Not every kernel has all three.
    cp "$modules"/modules.{builtin,builtin.modinfo,order} "$work/root/lib/modules/$release" 2>/dev/null || true
    # Without compression: not every kernel was built to take modules apart by itself.
    find "$modules" -regex '.*/\(virtio[a-z_]*\|tun\|crc32c[a-z_-]*\)\.ko.*' | while read -r module; do
        target=$work/root/lib/modules/$release/$(basename "${module%.xz}")
        case $module in
            *.xz) xz --decompress --stdout "$module" >"$target" ;;
            *) cp "$module" "$target" ;;
        esac
    done
    depmod --basedir "$work/root" "$release"
    (cd "$work/root" && find . | cpio --quiet --create --format newc) >"$kernel.cpio"
    rm -f "$kernel.disk"
    truncate --size 3G "$kernel.disk"
    mkfs.ext4 -q "$kernel.disk"

    started=$SECONDS
    timeout "${AURAIO_KERNEL_SECONDS:-3600}" qemu-system-x86_64 "${processor[@]}" -smp 2 -m 3G -nodefaults -display none -no-reboot \
        -serial stdio -kernel "$vmlinuz" -initrd "$kernel.cpio" -append 'console=ttyS0 quiet panic=-1 no_timer_check' \
        -drive "file=$kernel.disk,format=raw,if=virtio,cache=none,aio=threads" >"$kernel.log" </dev/null || true
    tr --delete '\r' <"$kernel.log" | grep --text '^kernels: ' | sed 's/^kernels: //' | grep --invert-match '^table\|^end' || true
    echo "== $suite, $release, $((SECONDS - started)) s: $kernel.log"
    tr --delete '\r' <"$kernel.log" | grep --text '^kernels: table ' | sed 's/^kernels: table //' || true
    # A machine that stopped half way has not passed.
    if ! tr --delete '\r' <"$kernel.log" | grep --text --quiet '^kernels: end 0$'; then
        status=1
    fi
    rm -f "$kernel.disk" "$kernel.cpio"
done
exit $((status ? status : skipped))

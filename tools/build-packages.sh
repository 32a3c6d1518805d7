#!/usr/bin/env bash
# Builds the Debian packages, checks them with lintian, installs them and runs the examples against them: build-packages.sh [--check]
#
# The packages are left in build/packages. They are installed into a copy of this machine's system that is thrown away (an overlay
# in a mount namespace of its own, for which root is needed), so nothing of it changes but the compiler cache. --check also runs
# the unit and capi tests while they are built, with the distribution's flags: minutes more. --install builds nothing, and tries
# what was built.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install-packages.sh build-essential debhelper lintian fakeroot cmake ninja-build pkg-config ccache \
    liburing-dev libgtest-dev libasio-dev python3 \
    doxygen python3-sphinx python3-breathe python3-myst-parser furo python3-sphinx-copybutton

version=$(sed --quiet 's/^#define AURA_VERSION_[MP][A-Z]* //p' include/auraio/aura.h | paste --serial --delimiters .)
packages=$PWD/build/packages
source=$packages/auraio-$version
export CCACHE_DIR=${CCACHE_DIR:-$(ccache --get-config cache_dir)} # debhelper gives the build another home

build() {
    rm -rf "$packages"
    mkdir -p "$source"
    git ls-files -z | xargs -0 tar -cf - | tar -xf - -C "$source"
    tar -czf "$packages/auraio_$version.orig.tar.gz" -C "$packages" --exclude=debian "auraio-$version"
    (cd "$source" && DEB_BUILD_OPTIONS="$1 parallel=$(nproc)" dpkg-buildpackage --unsigned-source --unsigned-changes)
    # No bug of Debian's asks for packages that were never uploaded.
    lintian --allow-root --fail-on error,warning --info --suppress-tags initial-upload-closes-no-bugs "$packages"/*.changes
    printf '\npackages:\n'
    (cd "$packages" && ls --size --human-readable -- *.deb)
}

# In a mount namespace: the packages are installed into an overlay over this system, and tested there as autopkgtest does.
try_in_overlay() {
    packages=$1
    mount -t tmpfs tmpfs "$packages/.overlay"
    mkdir "$packages/.overlay"/{upper,work,root}
    root=$packages/.overlay/root
    mount -t overlay overlay -o "lowerdir=/,upperdir=$packages/.overlay/upper,workdir=$packages/.overlay/work" "$root"
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$CCACHE_DIR" "$root$CCACHE_DIR"
    mkdir "$root/tmp/packages" "$root/tmp/examples"
    cp "$packages"/*.deb "$root/tmp/packages"
    chroot "$root" sh -c "dpkg --install /tmp/packages/*.deb && cd /tmp && AUTOPKGTEST_TMP=/tmp/examples exec \"$2/debian/tests/examples\""
}

case ${1-} in
    --check) build "" ;;
    --install) ;;
    *) build nocheck ;;
esac
mkdir -p "$packages/.overlay"
as_root=()
if ((EUID != 0)); then as_root=(sudo); fi
"${as_root[@]}" env CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR="$CCACHE_DIR" \
    unshare --mount bash -euo pipefail -c "$(declare -f try_in_overlay); try_in_overlay \"\$@\"" - "$packages" "$source"

#!/usr/bin/env bash
# install_components.sh BUILD PREFIX WORK: the four components of the installation are all of it, and each holds what it is called.
set -euo pipefail
build=$1 whole=$2 work=$3
rm -rf "$work"

files() { (cd "$1" && find . ! -type d | sort); }

for component in runtime development tools doc; do
    cmake --install "$build" --component "$component" --prefix "$work/$component" >/dev/null
    mkdir -p "$work/$component"
    files "$work/$component" >"$work/$component.files"
done
files "$whole" | diff - <(sort "$work"/*.files) || {
    echo "the components are not what the whole installation is, or share files"
    exit 1
}

# only COMPONENT PATTERN: all of its files are such.
only() {
    ! grep -vE "$2" "$work/$1.files" || {
        echo "these are not of component $1"
        exit 1
    }
}
only runtime '/lib[^/]*\.so\.[0-9.]+$'
only tools '^\./(bin|share/man/man1)/'
only doc '^\./share/doc/'
only development '^\./(include/|lib.*/(cmake/auraio|pkgconfig)/|lib.*\.(a|so)$)'
wc -l "$work"/*.files

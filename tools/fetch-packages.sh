#!/usr/bin/env bash
# Unpacks packages of another Debian release into a folder, without installing them: fetch-packages.sh SUITE FOLDER PACKAGE...
#
# PACKAGE:ARCHITECTURE is that of another processor.
# depends:PACKAGE stands for what PACKAGE needs of its own kind, the first part of its name and a version in theirs.
#
# The mirror is the one this machine's apt is configured with. apt works in a state directory of its own, so neither
# its sources nor its package database change, and root is not needed.
set -euo pipefail

suite=$1
folder=$2
shift 2

if [[ -e $folder/.complete ]]; then
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
folder=$(realpath "$folder")
state=$folder/.apt
mkdir -p "$state"/{lists/partial,archives/partial}
trap 'rm -rf "$state"' EXIT

. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' "Codename: $VERSION_CODENAME" 'Component: main' | head -n 1)
if [[ -z $mirror ]]; then
    echo "fetch-packages: apt knows no Debian mirror for $VERSION_CODENAME; run apt-get update" >&2
    exit 1
fi
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"

touch "$state/status"
architectures=$({
    dpkg --print-architecture
    printf '%s\n' "$@" | sed --quiet 's/.*:\([a-z0-9]*\)$/\1/p'
} | sort --unique | paste --serial --delimiters ,)
options=(
    -o APT::Architectures="$architectures"
    -o Dir::State="$state"
    -o Dir::State::Lists="$state/lists"
    -o Dir::State::status="$state/status"
    -o Dir::Cache="$state"
    -o Dir::Etc::SourceList="$state/sources.list"
    -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null
    -o Dir::Etc::PreferencesParts=/dev/null
    -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
    -o Acquire::Retries=3
    -o APT::Sandbox::User=
    -qq
)
apt-get "${options[@]}" update
packages=()
for package in "$@"; do
    if [[ $package == depends:* ]]; then
        package=${package#depends:}
        mapfile -t needed < <(apt-cache "${options[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts \
            --no-breaks --no-replaces --no-enhances "$package" | grep "^${package%%-*}-.*[0-9]\.[0-9]" | sort --unique)
        packages+=("${needed[@]}")
        continue
    fi
    packages+=("$package")
done
(cd "$state" && apt-get "${options[@]}" download "${packages[@]}")
for package in "$state"/*.deb; do
    dpkg-deb --extract "$package" "$folder"
done
touch "$folder/.complete"

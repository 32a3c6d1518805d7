#!/usr/bin/env bash
# Builds the examples with the distribution's sources of their dependencies, runs each on a file and compares what they
# count: run.sh FILE. 77: those sources are not installed.
set -euo pipefail
cd "$(dirname "$0")"
registry=/usr/share/cargo/registry
for package in tokio-1 smol-1 futures-executor-0.3 futures-util-0.3; do
    compgen -G "$registry/$package.*" >/dev/null || {
        echo "skipped: no $package in $registry (librust-tokio-dev librust-smol-dev librust-futures-executor-dev)"
        exit 77
    }
done
size=$(stat --format=%s "$1")
for program in on_tokio on_smol on_futures; do
    output=$(cargo --config 'source.crates-io.replace-with="distribution"' \
        --config "source.distribution.directory=\"$registry\"" run --offline --quiet --bin "$program" -- "$1")
    printf '%s: %s\n' "$program" "${output//$'\n'/, }"
    [[ $(sort --unique <<<"$output") == "$size bytes" ]]
done

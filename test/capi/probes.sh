#!/usr/bin/env bash
# The library has the tracepoints that doc/observing.md lists: probes.sh LIBRARY
set -euo pipefail
notes=$(readelf --notes --wide "$1")
status=0
for name in request__start request__done handler__begin handler__end gate__wait gate__pass phase stall; do
    if ! grep -q "Name: $name\$" <<<"$notes"; then
        echo "probes: $1 has no tracepoint $name" >&2
        status=1
    fi
done
exit "$status"

#!/usr/bin/env python3
# draw-rooms.py [OUTPUT.svg]: draws which room of the sources includes which, from the includes themselves.
"""Rooms stand in the order of test/layers.sh, the ground at the bottom. Bars tell how many lines a room has, arcs who
includes whom: on the left what is included below, on the right what bodies include above (loop, mostly)."""
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "doc/rooms.svg")

ENGINE = re.search(r"^rooms=\((.*)\)$", (ROOT / "test/layers.sh").read_text(), re.M).group(1).split()
ABOVE = ["backend", "capi", "detail", "asio", "public"]
ROOMS = ENGINE + ABOVE
LABEL = {"backend": "src/backend", "capi": "src/capi", "detail": "include/auraio/detail", "asio": "include/auraio/asio, ip, local, ...",
         "public": "include/auraio"}


def room_of(path):
    m = re.search(r"(?:^|/)core/([a-z]+)/", path)
    if m:
        return m.group(1)
    if "backend/" in path:
        return "backend"
    if path.startswith("src/capi/") or re.match(r"(?:include/)?auraio/aura(_[a-z]+)?\.h$", path):
        return "capi"
    m = re.match(r"(?:include/)?auraio/(?:([a-z]+)/)?", path)
    if not m:
        return None
    return {"detail": "detail", None: "public"}.get(m.group(1), "asio")


def read():
    lines, includes = Counter(), Counter()
    tracked = subprocess.run(["git", "-C", str(ROOT), "ls-files", "include", "src"], capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if not name.endswith((".hpp", ".cpp", ".h")):
            continue
        text = (ROOT / name).read_text()
        here = room_of(name)
        lines[here] += text.count("\n")
        for included in re.findall(r"^\s*#\s*include\s*[\"<]([^\">]+)[\">]", text, re.M):
            there = room_of(included)
            if there and there != here and there in ROOMS:
                includes[here, there] += 1
    return lines, includes


def draw(lines, includes):
    row, left, width = 46, 330, 300
    height = row * len(ROOMS) + 40
    y = {room: height - 40 - row * i for i, room in enumerate(ROOMS)}
    most = max(lines.values())
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {height}" font-family="sans-serif" font-size="13">',
           "<title>The rooms of the sources, and what includes what</title>",
           f'<rect width="960" height="{height}" fill="#ffffff"/>']
    for (here, there), count in sorted(includes.items()):
        down = ROOMS.index(there) < ROOMS.index(here)
        x = left - 6 if down else left + width + 6
        reach = 20 + 11 * abs(ROOMS.index(here) - ROOMS.index(there))
        bend = x - reach if down else x + reach
        a, b = y[here], y[there]
        colour = "#5b7a99" if down else "#c0392b"
        out.append(f'<path d="M{x} {a} C{bend} {a} {bend} {b} {x} {b}" fill="none" stroke="{colour}" stroke-opacity="0.55" '
                   f'stroke-width="{min(0.6 + count / 4, 6):.1f}">'
                   f'<title>{here} includes {there}: {count}</title></path>')
    for room in ROOMS:
        top = y[room] - 15
        bar = max(4, round(width * lines[room] / most))
        colour = "#dbe7f3" if room in ENGINE else "#f6e7cf"
        out.append(f'<rect x="{left}" y="{top}" width="{width}" height="30" rx="4" fill="none" stroke="#9aa7b4"/>')
        out.append(f'<rect x="{left}" y="{top}" width="{bar}" height="30" rx="4" fill="{colour}"/>')
        out.append(f'<text x="{left + 10}" y="{y[room] + 5}">{LABEL.get(room, room)}</text>')
        out.append(f'<text x="{left + width - 10}" y="{y[room] + 5}" text-anchor="end" fill="#555">{lines[room]} lines</text>')
    out.append(f'<text x="{left - 6}" y="{height - 4}" text-anchor="end" fill="#5b7a99">includes what stands below</text>')
    out.append(f'<text x="{left + width + 6}" y="{height - 4}" fill="#c0392b">bodies include what stands above</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(draw(*read()))

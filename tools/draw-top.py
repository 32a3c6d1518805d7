#!/usr/bin/env python3
# draw-top.py SOCKET [OUTPUT.svg [SECONDS]]: the picture of auraio-top in doc/, taken in tmux of a program that runs.
"""The program at SOCKET should have something to show: after a minute (SECONDS) the sparklines are full."""
import html
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOCKET = sys.argv[1]
OUTPUT = Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "doc/auraio-top.svg")
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 64
COLUMNS, ROWS = 204, 12
WIDTH, HEIGHT = 7.2, 16 # of a character
NO_BREAK = "\u00a0" # else browsers make one space of several
INK, PAPER, COLOURS = "#d8d8d8", "#1c1e22", {33: "#e5c07b"}


def tmux(*arguments):
    return subprocess.run(["tmux", "-L", "draw-top", "-f", "/dev/null", *arguments], capture_output=True, text=True, check=True).stdout


def screen():
    tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), sys.executable, str(ROOT / "tools/top/auraio-top"), SOCKET)
    try:
        time.sleep(SECONDS)
        return tmux("capture-pane", "-e", "-p")
    finally:
        tmux("kill-server")


def runs(line):
    """(column, text, attributes) of what is written alike."""
    column, on = 0, set()
    for part in re.split(r"(\x1b\[[0-9;]*m)", line.replace("\x0e", "").replace("\x0f", "")):
        if part.startswith("\x1b["):
            for code in (int(c or 0) for c in part[2:-1].split(";")):
                on = set() if code == 0 else on - {33} if code == 39 else on | {code}
        elif part:
            yield column, part, frozenset(on)
            column += len(part)


def drawn(text):
    width, height = COLUMNS * WIDTH + 16, ROWS * HEIGHT + 16
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="auraio-top">',
           f'<rect width="100%" height="100%" rx="6" fill="{PAPER}"/>',
           '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="12">']
    for y, line in enumerate(text.split("\n")[:ROWS]):
        for column, part, on in runs(line):
            x, top = 8 + column * WIDTH, 8 + y * HEIGHT
            ink = next((COLOURS[c] for c in on if c in COLOURS), INK)
            if 7 in on:
                out.append(f'<rect x="{x:.1f}" y="{top:.1f}" width="{len(part) * WIDTH:.1f}" height="{HEIGHT}" fill="{ink}"/>')
                ink = PAPER
            if part.strip():
                style = (' font-weight="bold"' if 1 in on else "") + (' opacity="0.6"' if 2 in on else "")
                out.append(f'<text x="{x:.1f}" y="{top + 12:.1f}" textLength="{len(part) * WIDTH:.1f}" fill="{ink}"{style}>'
                           f"{html.escape(part).replace(' ', NO_BREAK)}</text>")
    return "\n".join([*out, "</g>", "</svg>", ""])


OUTPUT.write_text(drawn(screen()), encoding="utf-8")

#!/usr/bin/env python3
"""top_test.py AURAIO-TOP PROGRAM SOURCE: auraio-top, with a program to look at, for scripts and in a terminal."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios

top, program, source = sys.argv[1:]


def run(*arguments):
    return subprocess.run([sys.executable, top, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def in_terminal(path):
    """The process, and its terminal, 130 columns wide."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(sys.executable, [sys.executable, top, "-i", "0.05", path], {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 130, 0, 0))
    return process, terminal


def read_until(terminal, pattern):
    shown = ""
    while not re.search(pattern, shown, re.DOTALL):
        try:
            read = os.read(terminal, 4096)
        except OSError: # its process has ended
            read = b""
        check(read, f"{pattern} is not in what was shown: {shown!r}")
        shown += read.decode(errors="replace")
    return shown


with tempfile.TemporaryDirectory() as directory:
    path = directory + "/socket"
    looked_at = subprocess.Popen([program, path, source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    check(looked_at.stdout.readline() == "ready\n", "the program does not start")

    once = run("--once", "--json", path)
    snapshot = json.loads(once.stdout)
    check(once.returncode == 0 and once.stdout.count("\n") == 1, once)
    check(snapshot["process"] == looked_at.pid and snapshot["context"] == "main", snapshot)
    check(sum(r["requests_completed"] for r in snapshot["rings"]) == 1, snapshot)

    table = run("--once", "-i", "0.05", path)
    check(table.returncode == 0 and "handlers/s" in table.stdout and snapshot["backend"] in table.stdout, table)

    check(run("--json", path).returncode == 2 and run("-i", "0", path).returncode == 2, "options that make no sense")
    absent = run("--once", directory + "/none")
    check(absent.returncode == 1 and "No such file" in absent.stderr and "Traceback" not in absent.stderr, absent)

    process, terminal = in_terminal(path)
    read_until(terminal, "handlers/s.*q quits")
    os.write(terminal, b"q")
    check(os.waitpid(process, 0)[1] == 0, "q does not quit")
    os.close(terminal)

    process, terminal = in_terminal(path)
    read_until(terminal, "q quits")
    looked_at.stdin.close()
    check(looked_at.wait(timeout=60) == 0, "the program fails")
    read_until(terminal, "the program has ended")
    check(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 1, "the end of the program is no failure")
print("ok")

#!/usr/bin/env python3
# under_profile.py PROFILE PROGRAM [ARGUMENT...]: runs a program under a seccomp profile as container runtimes read it. 77: no filters here.
"""What of the format the profile uses is what this knows: names, allowed or answered by an errno. Anything else is an error."""
import ctypes
import errno
import json
import os
import platform
import re
import struct
import sys

HEADERS = {"x86_64": "asm/unistd_64.h", "aarch64": "asm-generic/unistd.h"}
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD_NUMBER = (0x20, 0, 0, 0)


def numbers():
    for folder in (f"/usr/include/{platform.machine()}-linux-gnu", "/usr/include"):
        path = os.path.join(folder, HEADERS[platform.machine()])
        if os.path.exists(path):
            with open(path, encoding="ascii") as header:
                return {n: int(v) for n, v in re.findall(r"#define __NR3?2?_?(\w+)\s+(\d+)", header.read())}
    sys.exit("under_profile: no header with the numbers of system calls")


def answer(action, number):
    if action == "SCMP_ACT_ALLOW":
        return ALLOW
    if action == "SCMP_ACT_ERRNO":
        return ERRNO | number
    sys.exit(f"under_profile: {action}?")


def program_of(profile):
    known = numbers()
    code = [LOAD_NUMBER]
    seen = set()
    for rule in profile["syscalls"]:
        unknown = set(rule) - {"comment", "names", "action", "errnoRet"}
        if unknown:
            sys.exit(f"under_profile: {unknown}?")
        for name in rule["names"]:
            if name in seen:
                sys.exit(f"under_profile: {name} stands there twice")
            seen.add(name)
            if name in known: # else it is of a later kernel than the header
                code += [(0x15, 0, 1, known[name]), (0x06, 0, 0, answer(rule["action"], rule.get("errnoRet", 1)))]
    for name in ("io_uring_setup", "io_uring_enter", "io_uring_register"):
        if name not in seen:
            sys.exit(f"under_profile: {name} is missing")
    code.append((0x06, 0, 0, answer(profile["defaultAction"], profile["defaultErrnoRet"])))
    return code


def install(code):
    raw = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    descriptor = struct.pack("HxxxxxxP", len(code), ctypes.addressof(raw))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) != 0 or libc.prctl(set_seccomp, filter_mode, descriptor, 0, 0) != 0:
        print(f"skipped: no seccomp filters here: {errno.errorcode[ctypes.get_errno()]}")
        sys.exit(77)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        profile = json.load(file)
    install(program_of(profile))
    os.execv(sys.argv[2], sys.argv[2:])


main()

#!/usr/bin/env python3
# guide.py: compiles and runs the snippets of the earlier library's architecture guide, which it takes out of the guide when it runs.
"""guide.py run GUIDE LANGUAGE NUMBER AROUND OUT -- COMPILER [ARGUMENT...]
guide.py covered GUIDE DIRECTORY

The guide is not ours, so nothing of it is here. AROUND is a program of ours in which lines are the places of the snippet's parts:

    // guide: all           the snippet as it stands
    // guide: functions     the definitions of functions that begin in its first column, with what comments are right before them
    // guide: includes      its lines that begin with #include
    // guide: uses          its lines that begin with use (Rust's)
    // guide: statements    what is left of it, without those of the three that AROUND has a place for
    // guide: before await  the lines of what is left before the first that awaits something
    // guide: from await    and those from there on

`run` puts snippet NUMBER (1 is the first one in that language) there, in a copy in OUT, compiles that (`COMPILER ARGUMENT... FILE -o
PROGRAM`; a compiler's argument `{}` is the place of FILE, if there is one), and runs the program, whose exit code is the result. The
text of the snippet is nowhere changed. `covered` fails when a snippet in C, C++ or Rust has no file NUMBER_*.* (or NUMBER_NUMBER_*.*) in
DIRECTORY/LANGUAGE.

GUIDE is a file or a directory with one file *.md, and AURAIO_GUIDE in the environment another one; where it is missing the exit code
is 77, which ctest takes for a skip.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
SECONDS = 60 # for a program that hangs
LANGUAGES = {"c": "c", "cpp": "cpp", "rust": "rs"}
PLACE = re.compile(r"^\s*(?://|/\*) guide: (all|functions|includes|uses|statements|before await|from await)\b.*$", re.MULTILINE)


def read_guide(name):
    path = Path(os.environ.get("AURAIO_GUIDE", name))
    files = sorted(path.glob("*.md")) if path.is_dir() else [path]
    files = [f for f in files if f.is_file()]
    if len(files) != 1:
        print(f"skipped: {len(files)} guides at {path}; AURAIO_GUIDE names the file, or its directory")
        sys.exit(SKIPPED)
    return files[0].read_text()


def snippets(guide, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)


def parts_of(snippet, places):
    """The snippet's text by the places for it."""
    parts, rest = {"all": snippet}, snippet
    # A definition: from a line in the first column that ends in an opening brace behind a parenthesis to the brace in its column.
    patterns = {"functions": r"(?:^(?://|/\*)[^\n]*\n)*^[A-Za-z_][^\n;=]*\([^\n;]*\)[^\n;]*\{\n.*?^\}\n?",
                "includes": r"^#include [^\n]*\n", "uses": r"^use [^\n]*\n"}
    for name, pattern in patterns.items():
        if name in places:
            expression = re.compile(pattern, re.MULTILINE | re.DOTALL)
            parts[name] = "".join(m.group(0) for m in expression.finditer(rest))
            rest = expression.sub("", rest)
    lines = rest.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if "await" in line), len(lines))
    return parts | {"statements": rest, "before await": "".join(lines[:first]), "from await": "".join(lines[first:])}


def filled(around, snippet):
    places = set(PLACE.findall(around))
    parts = parts_of(snippet, places)
    whole = places & {"all", "statements"} or places >= {"before await", "from await"}
    left_out = "" if whole else parts["statements"].strip()
    empty = [p for p in places if not parts[p].strip()]
    if not places or left_out or empty:
        raise SystemExit(f"guide.py: the snippet does not fit: no place for {left_out!r}, nothing for {empty}")
    return PLACE.sub(lambda place: parts[place.group(1)], around)


def run(guide, language, number, around, out, compiler):
    found = snippets(read_guide(guide), language)
    if not 1 <= int(number) <= len(found):
        raise SystemExit(f"guide.py: the guide has {len(found)} snippets in {language}, and none of number {number}")
    out, around = Path(out).resolve(), Path(around).resolve()
    out.mkdir(parents=True, exist_ok=True)
    source, program = out / around.name, out / around.stem
    source.write_text(filled(around.read_text(), found[int(number) - 1]))
    command = [str(source) if argument == "{}" else argument for argument in compiler]
    if "{}" not in compiler:
        command.append(str(source))
    # For programs that include what several share.
    compiled = subprocess.run([*command, "-o", str(program)], env=os.environ | {"GUIDE_AROUND": str(around.parent)})
    if compiled.returncode:
        return SKIPPED if compiled.returncode == SKIPPED else 1
    result = subprocess.run([str(program)], cwd=out, timeout=SECONDS).returncode
    print(f"snippet {number} in {language}, in {around.name}: exit code {result}")
    return result


def covered(guide, directory):
    text, missing = read_guide(guide), 0
    for language in LANGUAGES:
        count = len(snippets(text, language))
        names = [f.name for f in (Path(directory) / language).glob(f"*.{LANGUAGES[language]}")]
        there = {int(n) for name in names for n in re.match(r"(\d+_)*", name).group(0).split("_") if n}
        for number in range(1, count + 1):
            if number not in there:
                print(f"no program in {directory}/{language} has snippet {number} of {count} in {language}")
                missing += 1
    print(f"{missing} snippets without a program")
    return 1 if missing else 0


def main():
    arguments = sys.argv[1:]
    command = arguments[arguments.index("--") + 1:] if "--" in arguments else []
    arguments = arguments[:arguments.index("--")] if "--" in arguments else arguments
    if arguments[:1] == ["run"] and len(arguments) == 6 and command:
        return run(*arguments[1:], command)
    if arguments[:1] == ["covered"] and len(arguments) == 3:
        return covered(*arguments[1:])
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())

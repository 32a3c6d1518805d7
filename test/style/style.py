#!/usr/bin/env python3
# style.py [SOURCE_DIR [--subjects]]: the rules of CONTRIBUTING.md that a program can hold. Prints each breach; exits with 1 if there is any.
"""After the tidy.zig of TigerBeetle: what reviewers would have to say again and again, a test says."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()

LINE = {".hpp": 120, ".cpp": 120, ".h": 120, ".c": 120, ".rs": 140, ".py": 140, ".sh": 140, ".cmake": 140, ".txt": 140}
FILE_LINES = 500
FUNCTION_LINES = 70
SUBJECT = 72
SKIPPED = 77 # what ctest takes for a skip

# Functions that are one long list.
TABLES = {"test/simulation/catalogue.cpp"}
# A table is read across: its rows are as long as they are.
WIDE_FILES = {"include/auraio/core/io/request_table.hpp", "test/style/style.py", "test/swap/scenarios-asio.txt"}

# Lists that other programs read as they stand.
NOT_OURS_TO_BEGIN = {"test/swap/excluded.txt", "test/capi/symbols.txt"}

# Words that say nothing about what a thing is, as names of files or as whole names of types.
BANNED_STEMS = re.compile(r"(^|_)(utils?|helpers?|misc|common|stuff|manager|impl)(_|$|\.)")
BANNED_WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
OTHER_TEST_NAMESPACE = re.compile(r"\b(aura_test|test_support)\b(::|;| \{)")

# The first word of a commit's subject, behind "area: " if there is one: a verb that completes "this commit will".
VERBS = set("""
abandon accept add adopt align allow annotate answer apply arm ask assert avoid begin bind bound bring build call cancel carry
change check choose clean close collect compare compile complete compute connect correct count cover cut declare decide default
define delete deliver derive describe destroy detect document do draw drive drop encode end enforce ensure exclude explain export
extend fail fall fill find fix flush follow forbid format forward free gate generate give group guard hand handle harden hold
honour ignore include inline install introduce join keep leave let lift limit link list load lock log look lower make mark match
measure mend merge model move name narrow note open order own park pass pin place poll post prefer prepare print promise protect
prove publish put quote raise read receive reclaim record recover reduce refuse register reject release remove rename repair repeat
replace report require reset resolve restore retry return reuse revert review run sample save say scale select send separate serve
set share shed shorten show simplify size skip sort specify speed split spread start state stop store stress submit support survive
swap switch take teach tell test tidy time track translate trim tune turn unify unregister update use verify wait wake walk warn
watch widen wire write
""".split())

breaches: list[str] = []


def breach(where, text):
    breaches.append(f"{where}: {text}")


def git(*arguments):
    return subprocess.run(["git", "-c", "safe.directory=*", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout


def tracked_files():
    return [f for f in git("ls-files").splitlines() if (ROOT / f).is_file()]


def first_line(name, lines):
    """A file begins by saying what it is for."""
    first = lines[1] if lines[0].startswith("#!") or lines[0] == "/*" and len(lines) > 1 else lines[0]
    ok = re.match(r"(//!?|/\*| \*|#|\"\"\"|<!--)\s*\S", first) is not None
    if not ok:
        breach(f"{name}:1", "the first line does not say what the file is for")


def lengths(name, suffix, lines):
    if len(lines) > FILE_LINES and suffix in (".hpp", ".cpp", ".h", ".c", ".rs", ".py"):
        breach(name, f"{len(lines)} lines, {FILE_LINES} at most: split it by what it holds")
    if name in WIDE_FILES:
        return
    for number, line in enumerate(lines, 1):
        if len(line) > LINE[suffix] and not line.startswith(("//! |", "/// |")):
            breach(f"{name}:{number}", f"{len(line)} characters, {LINE[suffix]} at most")


def functions(name, lines):
    """Bodies as the formatter writes them: from a line that ends in an opening brace to the brace in its column."""
    not_functions = re.compile(r"\s*([,:] |namespace|class|struct|union|enum|extern|template|concept|public|private|switch|[{}])\b")
    for indent in ("", "    "):
        start = None
        for number, line in enumerate(lines, 1):
            if indent and "[" in line.split("//")[0]:
                continue # a lambda or an array inside of a function
            at_level = line.startswith(indent) and line[len(indent):len(indent) + 1] not in ("", " ", "#", "/")
            if start is None and at_level and line.endswith("{") and "(" in line and not not_functions.match(line):
                start = number
            elif start is not None and line.startswith(indent + "}"):
                if number - start + 1 > FUNCTION_LINES and name not in TABLES:
                    breach(f"{name}:{start}", f"a function of {number - start + 1} lines, {FUNCTION_LINES} at most")
                start = None


def orphaned_words(name, lines):
    """A comment that was wrapped by a machine leaves one short word alone on a line, between full ones."""
    comment = re.compile(r"\s*(///?<?|#|\*)\s(.*)$")
    previous = None
    for number, line in enumerate(lines, 1):
        m = comment.match(line)
        text = m.group(2).strip() if m else None
        following = comment.match(lines[number]) if number < len(lines) else None
        if text and previous and following and following.group(2).strip() and re.fullmatch(r"[a-z]{1,12}[.,;:]?", text) \
                and not text.endswith((".", ":")) and following.group(2).strip()[:1].islower():
            breach(f"{name}:{number}", f"'{text}' stands alone in the middle of a sentence: wrap the comment again")
        previous = text


def words(name, lines):
    if BANNED_STEMS.search(Path(name).name):
        breach(name, "the file's name does not say what it holds")
    for number, line in enumerate(lines, 1):
        if BANNED_WORDS.search(line):
            breach(f"{name}:{number}", "an unfinished thing belongs into an issue")
        if OTHER_TEST_NAMESPACE.search(line):
            breach(f"{name}:{number}", "what tests share is in namespace test")


def dead_files(files):
    """Every source is compiled by somebody, every header of the tests, benchmarks and sources is included by somebody."""
    texts = {f: (ROOT / f).read_text(errors="replace") for f in files
             if f.endswith((".hpp", ".cpp", ".h", ".c", ".txt", ".cmake", ".sh", ".rs", ".in", ".py"))}
    included = set()
    for text in texts.values():
        included.update(Path(i).name for i in re.findall(r"#\s*include\s+[\"<]([^\">]+)[\">]", text))
    built = "\n".join(t for f, t in texts.items() if f.endswith((".txt", ".cmake", ".sh", ".in", ".rs", ".py")))
    for f in files:
        name = Path(f).name
        if f.startswith("include/") or f.startswith("bindings/"):
            continue
        if f.startswith("test/swap/"):
            continue # its CMakeLists.txt puts the names together from the kinds of programs
        if f.endswith((".hpp", ".h")) and name not in included and name not in built:
            breach(f, "nobody includes it")
        if f.endswith((".cpp", ".c")) and not name.endswith(("_test.cpp", "_test.c")) and name not in built \
                and Path(f).stem not in built:
            breach(f, "nobody builds it")


def subjects():
    """Of the commits since these rules are kept, if they are here: a shallow clone has none to look at."""
    first = (ROOT / "test/style/since").read_text().split()[0]
    try:
        git("merge-base", "--is-ancestor", first, "HEAD")
    except (subprocess.CalledProcessError, FileNotFoundError):
        print(f"skipped: commit {first} is not in this clone, so subjects of commits cannot be looked at")
        sys.exit(SKIPPED)
    for line in git("log", "--no-merges", "--format=%h %s", f"{first}..HEAD").splitlines():
        commit, subject = line.split(" ", 1)
        if len(subject) > SUBJECT:
            breach(commit, f"a subject of {len(subject)} characters, {SUBJECT} at most: {subject}")
        if ";" in subject:
            breach(commit, f"two things in one commit: {subject}")
        verb = re.sub(r"^[^:]{1,40}: ", "", subject).split()[0].lower().strip(",.")
        if verb not in VERBS:
            breach(commit, f"not imperative, or a verb that test/style does not know yet: {subject}")


def main():
    try:
        files = tracked_files()
    except (subprocess.CalledProcessError, FileNotFoundError):
        print("skipped: not in a checkout by Git, or without Git: it tells which files are ours")
        return SKIPPED
    if sys.argv[2:] == ["--subjects"]:
        subjects()
        return report(files)
    for name in files:
        suffix = Path(name).suffix
        if suffix not in LINE or "/corpus/" in name or name.endswith("requirements.txt"):
            continue
        lines = (ROOT / name).read_text(errors="replace").splitlines()
        if not lines:
            continue
        if name not in NOT_OURS_TO_BEGIN:
            first_line(name, lines)
        lengths(name, suffix, lines)
        words(name, lines) if name != "test/style/style.py" else None
        if suffix in (".hpp", ".cpp", ".h", ".c", ".rs"):
            orphaned_words(name, lines)
        if suffix in (".hpp", ".cpp"):
            functions(name, lines)
    dead_files(files)
    return report(files)


def report(files):
    for b in breaches:
        print(b)
    print(f"style: {len(files)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# plain_declarations.py FROM TO: copies headers as Doxygen is to read them, line for line, but for what it does not understand.
"""What a header declares in a namespace becomes a group of Doxygen's, by the header's name: namespaces, which go through many headers,
have no page. Then three conventions of the headers that Doxygen does not know:

- A comment holds for the declarations that follow it without a blank line: it is repeated for each.
- What a class says to have "Asio's" interface or meaning needs no comment on members that have Asio's: they are told to be that.
- A requires clause, and the result that is computed from a completion token, say nothing to readers that the text does not.
"""
import re
import sys
from pathlib import Path

ASIOS = "As Asio's of this name."
BY_COMPILER = "Member by member."
SCOPE = re.compile(r"^(?:template\s*<.*>\s*)?(?:typedef\s+)?(?:inline\s+)?(class|struct|union|namespace|enum|extern \"C\")\b")
MACRO = re.compile(r"AURAIO_\w*(OPEN|CLOSE)$")


def without_conditions(text):
    """`explicit(...)`: Doxygen takes it for the function's name."""
    return re.sub(r"\bexplicit\((?:[^()]|\([^()]*\))*\) ", "explicit ", text)


def balanced(text, start, pair):
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == pair[0]) - (text[i] == pair[1])
        if depth == 0:
            return i + 1
    return start


def without_results(text):
    """`-> detail::initiated<...>` is what initiate() makes of the token; `auto` says as much."""
    out, at = [], 0
    for m in re.finditer(r"\s*->\s*(?:aura::)?detail::initiated<", text):
        end = balanced(text, m.end() - 1, "<>")
        out += [text[at:m.start()], "\n" * text[m.start():end].count("\n")]
        at = end
    return "".join(out) + text[at:]


def without_constraints(text):
    """Clauses stand in lines of their own, which the formatter sees to; what continues them is indented further."""
    lines, kept, i = text.split("\n"), [], 0
    while i < len(lines):
        m = re.match(r"(\s*)requires\b", lines[i])
        kept.append("" if m else lines[i])
        i += 1
        if m is None:
            continue
        inside = lines[i - 1].endswith("{")
        while re.match(m.group(1) + ("(    | *}$)" if inside else r"    \s*[^\s:]"), lines[i]):
            inside = inside and lines[i] != m.group(1) + "}"
            kept.append("")
            i += 1
    return "\n".join(kept)


class Reader:
    """Goes through the lines and knows where a declaration of a class or namespace begins."""

    def __init__(self, lines, group):
        self.lines, self.out, self.group = lines, [], group
        self.scopes = []    # of each open brace: whether what is in it is documented, whether that is Asio's, and whether it has members
        self.statement = "" # what there is of the current declaration
        self.comment, self.shared, self.whole = [], None, []

    def run(self):
        self.out.append(f"/** @defgroup {self.group} {self.group} */") # in the place of the line that says the purpose
        for line in self.lines[1:]:
            self.out.append(self.read(line))
        return "\n".join(self.out)

    def read(self, line):
        text = line.strip()
        if not text:
            if not self.statement:
                self.comment, self.shared = [], None
            return line
        if self.statement == "" and text.startswith("///") and not text.startswith("///<"):
            self.comment.append(text[3:].strip())
            self.shared = None
            return line
        if text.startswith(("//", "#", "/*", "* ", "*/")) or text in ("*", "public:", "private:", "protected:") or MACRO.match(text):
            return line
        code = re.sub(r'"(\\.|[^"])*"|\'(\\.|[^\'])\'', '""', re.sub(r"//.*", "", text)).strip()
        begins = self.statement == "" and all(s[0] for s in self.scopes) and code not in ("};", "}")
        if begins:
            line = self.with_comment(line, text)
        self.follow(code)
        return line

    def with_comment(self, line, text):
        if "///<" in text or SCOPE.match(text) and "namespace" in text:
            return line
        if self.comment:
            self.shared, self.comment = self.comment, []
            self.whole = self.shared
            self.into_group()
            return line
        self.whole = []
        if re.search(r"(&&?\)( noexcept)?|~\w+\(\)|operator==.*) = default;$", text):
            self.shared = self.shared or [BY_COMPILER]
        if self.out[-1].strip().endswith("*/") and not self.out[-1].strip().startswith("//"):
            self.into_group()
            return line
        said = " ".join(c or "<p>" for c in self.shared) if self.shared else ASIOS if any(s[1] for s in self.scopes) else ""
        indent = re.match(r"\s*", line).group(0)
        return f"{indent}/** {said}{self.ingroup()} */ {line.strip()}" if said else line

    def ingroup(self):
        return "" if any(s[2] for s in self.scopes) else f" @ingroup {self.group}"

    def into_group(self):
        """Adds it to the comment that has just ended."""
        end = re.match(r"(.*?)(\s*\*/)?$", self.out[-1])
        self.out[-1] = f"{end[1]}{self.ingroup()}{end[2] or ''}"

    def follow(self, code):
        for c in re.findall(r"[{}]|;|[^{};]+", code):
            if c == "{":
                scope = SCOPE.match(self.statement.strip())
                asios = bool(re.search(r"\bAsio's\b|\basio::", " ".join(self.whole))) and scope is not None
                asios = asios or scope is not None and any(s[1] for s in self.scopes)
                kind = scope.group(1) if scope else ""
                self.scopes.append((kind not in ("", "enum"), asios, kind not in ("namespace", 'extern "C"')))
                if scope:
                    self.statement, self.shared = "", None
            elif c == "}":
                was = self.scopes.pop() if self.scopes else (True, False, False)
                if not was[0] and all(s[0] for s in self.scopes):
                    self.statement = ""
            elif c == ";":
                if all(s[0] for s in self.scopes):
                    self.statement = ""
            elif c.strip():
                self.statement += c + " "


def main():
    headers, out = Path(sys.argv[1]), Path(sys.argv[2])
    for source in sorted([*headers.rglob("*.hpp"), *headers.rglob("*.h")]):
        text = source.read_text()
        if source.suffix == ".hpp":
            group = re.sub(r"\W", "_", str(source.relative_to(headers)))
            text = Reader(without_constraints(without_results(without_conditions(text))).split("\n"), group).run()
        copy = out / source.relative_to(headers)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)


if __name__ == "__main__":
    main()

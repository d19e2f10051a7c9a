#!/usr/bin/env python3
"""Checks the size limits of CONTRIBUTING.md: lines of files and functions, files of a folder, headers of a room.

Usage: check_sizes.py [ROOT]. Prints one line per breach; exit code 1 when there is one. Folders named `gen` hold
generated code and are exempt.
"""
import re
import sys

import house

MAX_SOURCE_LINES = 600
MAX_HEADER_LINES = 250
MAX_FUNCTION_LINES = 100
MAX_FOLDER_FILES = 15
MAX_PUBLIC_HEADERS = 8
TREES = ("src", "tests", "fuzz", "bench", "python")

_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.S)
_NO_FUNCTION = re.compile(r"^\s*(?:(?:inline|export)\s+)?(?:namespace|class|struct|union|enum|extern\s*\"\")\b")
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)


def _blank(match):
    text = match.group(0)
    lines = "\n" * text.count("\n")
    return '""' + lines if text[0] in 'R"' else lines


def functions(code):
    """Yields (first line, number of lines, head) of every function body in C++ source text."""
    code = _PREPROCESSOR.sub(lambda m: "\n" * m.group(0).count("\n"), _TOKENS.sub(_blank, code))
    stack = []
    head_begin, line = 0, 1
    for place, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            head = code[head_begin:place]
            inside = any(kind == "function" for kind, _, _ in stack)
            if inside or ")" not in head or _NO_FUNCTION.match(head.strip()):
                kind = "other"
            else:
                kind = "function"
            first = line - head.lstrip().count("\n")
            stack.append((kind, first, " ".join(head.split())))
            head_begin = place + 1
        elif char == "}":
            if stack:
                kind, first, head = stack.pop()
                if kind == "function":
                    yield first, line - first + 1, head
            head_begin = place + 1
        elif char == ";":
            head_begin = place + 1


def breaches(root):
    """Returns the list of breaches in the trees under `root`, as text."""
    found = []
    folders = {}
    for tree in TREES:
        for path in sorted((root / tree).rglob("*")):
            relative = path.relative_to(root)
            if path.suffix not in (".cc", ".h") or "gen" in relative.parts:
                continue
            folders.setdefault(relative.parent, []).append(relative)
            code = path.read_text(encoding="utf-8")
            lines = code.count("\n")
            # A table of data that one source includes counts as a source.
            table = path.suffix == ".h" and path.stem.endswith("_table_internal")
            limit = MAX_SOURCE_LINES if path.suffix == ".cc" or table else MAX_HEADER_LINES
            if lines > limit:
                found.append(f"{relative}: {lines} lines, more than {limit}; split it by topic")
            for first, count, head in functions(code):
                if count > MAX_FUNCTION_LINES:
                    found.append(f"{relative}:{first}: function of {count} lines, more than {MAX_FUNCTION_LINES}: {head[:60]}")
    for folder, files in sorted(folders.items()):
        if tuple(folder.parts[:1]) == ("src",) and "include" in folder.parts:
            if len(files) > MAX_PUBLIC_HEADERS:
                found.append(f"{folder}: {len(files)} public headers, more than {MAX_PUBLIC_HEADERS}; merge or hide some")
        elif len([f for f in files if not f.stem.endswith("_test")]) > MAX_FOLDER_FILES:
            found.append(f"{folder}: {len(files)} files besides tests, more than {MAX_FOLDER_FILES}; make sub-folders")
    return found


if __name__ == "__main__":
    sys.exit(house.run(breaches, sys.argv))

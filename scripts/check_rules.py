#!/usr/bin/env python3
"""Checks what no compiler does: library rooms do not throw, print, exit or read the environment.

Usage: check_rules.py [ROOT]. Prints one line per breach; exit code 1 when there is one.
"""
import re
import sys

import house

RULES = {
    "throws": re.compile(r"\bthrow\b"),
    "prints": re.compile(r"std::(?:cout|cerr|clog)\b|\b(?:std::)?(?:f?printf|puts|fputs|putchar)\s*\(|fmt::print\b|<iostream>"),
    "reads the environment": re.compile(r"\b(?:std::)?(?:secure_)?getenv\s*\(|\benviron\b"),
    "exits": re.compile(r"\b(?:std::)?(?:exit|_Exit|quick_exit)\s*\("),
}
# (path under src/, rule): reason. The apps are free to print, exit and read the environment.
ALLOWED = {
    ("core/check.cc", "prints"): "the last words of a process that a broken invariant stops",
}
APPS = ("cli",)
_COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"', re.S)


def breaches(root):
    """Returns the list of breaches in `root`/src, as text."""
    found = []
    for path in sorted((root / "src").rglob("*")):
        relative = path.relative_to(root / "src")
        if path.suffix not in (".cc", ".h") or path.stem.endswith("_test") or "tests" in relative.parts:
            continue
        if relative.name.endswith(("_test_support.h", "_bench.cc")):
            continue
        code = _COMMENT_OR_STRING.sub(lambda m: "\n" * m.group(0).count("\n"), path.read_text(encoding="utf-8"))
        for rule, pattern in RULES.items():
            if (str(relative), rule) in ALLOWED or (relative.parts[0] in APPS and rule != "throws"):
                continue
            for match in pattern.finditer(code):
                line = code.count("\n", 0, match.start()) + 1
                found.append(f"src/{relative}:{line}: {rule} ({match.group(0).strip()}); return a Result instead")
    return found


if __name__ == "__main__":
    sys.exit(house.run(breaches, sys.argv))

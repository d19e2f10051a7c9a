#!/usr/bin/env python3
"""The twin of `assay logs templates FILE`: lines to templates, by Drain's fixed-depth tree (He et al. 2017).

usage: logs.py FILE
"""

import json
import re
import sys
from pathlib import Path

MASKS = [(re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<*>"), (re.compile(r"\b0x[0-9a-f]+\b"), "<*>"),
         (re.compile(r"\b\d+\b"), "<*>")]
DEPTH, SIMILAR, MOST_CHILDREN = 2, 0.5, 100

tree: dict = {}
groups: list[list[str]] = []
found: list[int] = []
lines = Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace").splitlines()
for line in lines:
    for mask, name in MASKS:
        line = mask.sub(name, line)
    tokens = line.split()
    node = tree.setdefault(len(tokens), {})
    for token in tokens[:DEPTH]:
        key = "<*>" if any(c.isdigit() for c in token) or (token not in node and len(node) >= MOST_CHILDREN) else token
        node = node.setdefault(key, {})
    leaf = node.setdefault("", [])
    best, most = -1, -1.0
    for group in leaf:
        equal = sum(a == b for a, b in zip(groups[group], tokens, strict=True)) / max(1, len(tokens))
        if equal > most:
            best, most = group, equal
    if best < 0 or most < SIMILAR:
        best = len(groups)
        groups.append(tokens)
        leaf.append(best)
    else:
        groups[best] = [a if a == b else "<*>" for a, b in zip(groups[best], tokens, strict=True)]
    found.append(best)
for number, group in enumerate(found):
    print(json.dumps({"line": number + 1, "id": group, "template": " ".join(groups[group])}))

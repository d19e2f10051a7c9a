#!/usr/bin/env python3
"""Peer of pattern_set_bench: a loop of Python's `re` over 66 patterns and the same sentences.

usage: python_re.py DATA_FOLDER [SENTENCES [RUNS]]     prints one JSON object; CPU time
"""
import json
import re
import statistics
import sys
import time
from pathlib import Path


def read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def main() -> int:
    if not 2 <= len(sys.argv) <= 4:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]) / "bench"
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    sentences = read_lines(folder / "sentences.txt")[:limit]
    expressions = [re.escape(line) for line in read_lines(folder / "literals.txt")]
    expressions += read_lines(folder / "regexes.txt")
    compiled = [re.compile(text, re.IGNORECASE | re.ASCII) for text in expressions]
    seconds, pairs = [], 0
    for _ in range(runs):
        start = time.process_time()
        pairs = sum(1 for s in sentences for pattern in compiled if pattern.search(s))
        seconds.append(time.process_time() - start)
    print(json.dumps({
        "peer": "python re",
        "python": sys.version.split()[0],
        "patterns": len(compiled),
        "sentences": len(sentences),
        "pairs": pairs,
        "runs_s": [value / len(sentences) for value in seconds],
        "ns_per_sentence": statistics.median(seconds) / len(sentences) * 1e9,
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())

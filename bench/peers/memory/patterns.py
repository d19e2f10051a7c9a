#!/usr/bin/env python3
"""The twin of `assay consensus --patterns FILE`: frequencies, statistics, autocorrelation, hull and outliers.

usage: patterns.py FILE      JSON lines: {"time", "pattern", "value"}
"""

import json
import math
import statistics
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy

from assay.reference import consensus


def hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Andrew's monotone chains."""
    out: list[tuple[float, float]] = []
    for chain in (sorted(set(points)), sorted(set(points), reverse=True)):
        begin = len(out)
        for x, y in chain:
            while len(out) - begin >= 2:
                (ax, ay), (bx, by) = out[-2], out[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                out.pop()
            out.append((x, y))
        out.pop()
    return out


events = sorted((json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()),
                key=lambda event: event["time"])
counts = Counter(event["pattern"] for event in events)
by_pattern = defaultdict(list)
for event in events:
    by_pattern[event["pattern"]].append(event["value"])
values = [event["value"] for event in events]
median = statistics.median(values)
spread = statistics.median(abs(value - median) for value in values) * 1.4826
per_bin = numpy.histogram([event["time"] for event in events], bins=len(events) // 4)[0].astype(float)
print(json.dumps({
    "top": [[pattern, count, statistics.fmean(by_pattern[pattern])] for pattern, count in counts.most_common(20)],
    "entropy_bits": -sum(n / len(events) * math.log2(n / len(events)) for n in counts.values()),
    "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
    "strongest": float(max(consensus.autocorrelation(per_bin)[1:])),
    "hull": len(hull([(event["time"], event["value"]) for event in events])),
    "outliers": [i for i, value in enumerate(values) if abs(value - median) > 3.5 * spread],
}))

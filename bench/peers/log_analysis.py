#!/usr/bin/env python3
"""Times bench/logs_analyze_bench, a loop in Python and grep on the same logs, taking turns.

usage: log_analysis.py PROGRAM DATA ROUNDS [--quick]

The logs of log_templates.py. The loop reads time, level and source of each line by one expression a format, looks for
words of levels where the format has none, and counts all three; first it must find the same levels. grep (and ripgrep,
where it is installed) counts lines with any of five texts, which is a part of that work. CPU time, one thread. Prints one
JSON object: versions, and seconds a line of each round.
"""

import argparse
import collections
import json
import os
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import log_templates

HEADERS = (re.compile(r"(\d{6} \d{6}) \d+ ([A-Z]+) ([^:\s]+): ?(.*)$"), re.compile(r"\[([^\]]+)\] \[(\w+)\] ()(.*)$"),
           re.compile(r"(\w{3} [ \d]\d [\d:]{8}) \S+ ()([^:\[\s]+)(?:\[\d+\])?: ?(.*)$"))
WORDS = (("fatal", re.compile(r"\b(?:fatal|panic|critical)\b", re.I)),
         ("error", re.compile(r"\b(?:error|failed|failure|severe)\b|exception|error:", re.I)),
         ("warn", re.compile(r"\b(?:warn|warning|deprecated)\b", re.I)))
TEXTS = ("terminating", "Failed password", "Got exception", "error state", "addStoredBlock")


def loop(lines):
    """Seconds of CPU time a line, and the levels."""
    levels, minutes, sources = collections.Counter(), collections.Counter(), collections.Counter()
    begin = time.process_time()
    for line in lines:
        match = next(filter(None, (expression.match(line) for expression in HEADERS)), None)
        moment, level, source, content = match.groups() if match else ("", "", "", line)
        levels[level.lower() or next((name for name, words in WORDS if words.search(content)), "unknown")] += 1
        minutes[moment[:-2]] += 1
        if source:
            sources[source] += 1
    return (time.process_time() - begin) / len(lines), dict(levels)


def assay(program, path):
    """Seconds of CPU time a line: levels, times and sources; with five patterns too."""
    said = subprocess.run([program, "--benchmark_format=json", "--benchmark_min_time=0.3"], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "ASSAY_LOG": str(path)}).stdout
    found = {one["name"]: one for one in json.loads(said)["benchmarks"]}
    return [1 / found[name]["items_per_second"] for name in ("LevelsTimesSources", "FivePatterns")]


def count(command, path, lines):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Into a pipe: grep ends at the first match where it writes to /dev/null.
    subprocess.run([*command, path], check=True, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / lines


def levels_of(program, lines):
    """Those that the bench program finds, for the comparison with the loop's."""
    with tempfile.NamedTemporaryFile("w", suffix=".log", encoding="utf-8") as log:
        log.write("\n".join(lines) + "\n")
        log.flush()
        said = subprocess.run([program, "--levels"], check=True, text=True, stdout=subprocess.PIPE,
                              env={**os.environ, "ASSAY_LOG": log.name}).stdout
    return json.loads(said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("data")
    parser.add_argument("rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    size, peer_lines = (5_000_000, 5_000) if options.quick else (100_000_000, 50_000)
    pattern = "|".join(TEXTS)
    peers = {"grep": ["grep", "-E", "-c", pattern]}
    if shutil.which("rg"):
        peers["ripgrep"] = ["rg", "-c", pattern]
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("repeated", log_templates.repeated), ("distinct", log_templates.distinct)):
            # As there: a line that is never repeated costs the generator more than us.
            text = make(options.data, size if name == "repeated" else size // 5, random.Random(6))
            path = Path(folder, name)
            path.write_text(text, encoding="utf-8")
            lines = text.split("\n")[:-1]
            sample = lines[:peer_lines]
            if (ours := levels_of(options.program, sample)) != (theirs := loop(sample)[1]):
                raise SystemExit(f"the levels differ: {ours} and {theirs}")
            for _ in range(options.rounds):
                plain, patterns = assay(options.program, path)
                sides = {"assay": plain, "assay_patterns": patterns, "python": loop(sample)[0]}
                sides |= {peer: count(command, path, len(lines)) for peer, command in peers.items()}
                for side, seconds in sides.items():
                    runs.setdefault(f"{name}/{side}", []).append(seconds)
    versions = {peer: subprocess.run([command[0], "--version"], check=True, text=True, stdout=subprocess.PIPE)
                .stdout.split("\n")[0].split()[-1] for peer, command in peers.items()}
    print(json.dumps({"versions": versions, "runs_s": runs}))


if __name__ == "__main__":
    main()

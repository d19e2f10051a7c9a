#!/usr/bin/env python3
"""Times the program as its users run it: `assay index` of a folder, `assay check` on the warm index, `assay bench`.

    check_bench.py ASSAY DOCS ANSWER [RUNS [CHECKER_FOLDER]]     prints one JSON object

Every run of index and check is a process of its own, start, models and output included; wall and CPU seconds and the
peak resident memory come from the kernel's account of it. The documents are copied to a folder that goes away. With the folder
of a cross-encoder the check is timed once more, with it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH_ROUNDS = "50"


def run(arguments, folder):
    """Returns wall seconds, CPU seconds, peak bytes and the standard output of one process."""
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        begin = time.perf_counter()
        process = subprocess.Popen([str(a) for a in arguments], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments[1:3]))}: exit code {process.returncode}: {(folder / 'err').read_text()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, (folder / "out").read_text()


class Series:
    def __init__(self):
        self.wall_s, self.cpu_s, self.peak_bytes = [], [], []

    def add(self, sample):
        self.wall_s.append(sample[0])
        self.cpu_s.append(sample[1])
        self.peak_bytes.append(sample[2])


def main():
    if not 4 <= len(sys.argv) <= 6:
        print(__doc__, file=sys.stderr)
        return 2
    assay, answer = Path(sys.argv[1]).resolve(), Path(sys.argv[3]).resolve()
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    model = sys.argv[5] if len(sys.argv) > 5 else None
    index, check, with_checker, samples = Series(), Series(), Series(), {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        docs = folder / "docs"
        shutil.copytree(sys.argv[2], docs, ignore=shutil.ignore_patterns(".assay"))
        for number in range(runs + 1):  # the first one warms up the page cache
            made = run([assay, "index", docs, "--rebuild", "--json"], folder)
            checked = run([assay, "check", answer, "--against", docs, "--json", "--no-checker"], folder)
            if model:
                judged = run([assay, "check", answer, "--against", docs, "--json", "--checker", model], folder)
            inside = run([assay, "bench", answer, "--against", docs, "--rounds", BENCH_ROUNDS, "--json"], folder)
            if number > 0:
                index.add(made)
                check.add(checked)
                if model:
                    with_checker.add(judged)
                report = json.loads(inside[3])
                for stage, times in report["stages"].items():
                    samples.setdefault(stage, []).append(times["p50_ms"] * 1e-3)
                samples.setdefault("load", []).append(report["load_ms"] * 1e-3)
        claims = json.loads(checked[3])
        indexed = json.loads(made[3])
    print(json.dumps({
        "claims": len(claims["claims"]), "summary": claims["summary"],
        "files": indexed["files"], "passages": indexed["passages"],
        "index": vars(index), "check": vars(check), "with_checker": vars(with_checker) if model else None, "inside_s": samples,
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())

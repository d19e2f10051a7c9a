#!/usr/bin/env python3
"""How the vector index's time and memory grow with the number of rows: 100,000, 300,000 and 1,000,000 x 384.

usage: vector_growth.py ASSAY [--folder DIR] [--rows 100000,300000,1000000] [--recall 0.99]

ASSAY is build/release/assay. The rows are generated: unit vectors around 1,000 centres in 48 dimensions with noise of a
1/i spectrum. Needs 3.5 GB of disk in DIR (default build/bench/vector_growth) and memory for the page cache; takes about
ten minutes of CPU time. Prints a Markdown table.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
DIM, CENTRES, QUERIES, NEAREST, PIECE = 384, 1_000, 1_000, 10, 100_000


def pieces(count):
    """PIECE rows at a time, the same ones whatever `count` is."""
    rng = np.random.default_rng(20260101)
    turn = np.linalg.qr(rng.standard_normal((DIM, DIM), dtype=np.float32))[0]
    centre = np.zeros((CENTRES, DIM), np.float32)
    heart = rng.standard_normal((CENTRES, 48))
    centre[:, :48] = heart / np.linalg.norm(heart, axis=1, keepdims=True)
    spread = (1 / np.arange(1, DIM + 1)) ** 0.5
    spread = (1.5 * spread / np.sqrt((spread**2).sum())).astype(np.float32)

    def rows(number):
        values = centre[rng.integers(0, CENTRES, number)]
        values += rng.standard_normal((number, DIM), dtype=np.float32) * spread
        values = values @ turn
        return values / np.linalg.norm(values, axis=1, keepdims=True)

    yield rows(QUERIES)
    for _ in range(0, count, PIECE):
        yield rows(PIECE)


def write_sets(folder, counts):
    """One base file of each size, with the true neighbours of the same queries."""
    if all((folder / f"truth-{count}.npy").exists() for count in counts):
        return
    folder.mkdir(parents=True, exist_ok=True)
    some = pieces(max(counts))
    queries = next(some)
    np.save(folder / "queries.npy", queries)
    bases = {count: np.lib.format.open_memmap(folder / f"base-{count}.npy", "w+", np.float32, (count, DIM))
             for count in counts}
    best_rows = np.zeros((QUERIES, 0), np.int64)
    best_scores = np.zeros((QUERIES, 0), np.float32)
    for number, rows in enumerate(some):
        begin = number * PIECE
        for count, base in bases.items():
            if begin < count:
                base[begin:begin + PIECE] = rows
        scores = queries @ rows.T
        found = np.argpartition(-scores, NEAREST, axis=1)[:, :NEAREST]
        best_scores = np.concatenate([best_scores, np.take_along_axis(scores, found, axis=1)], axis=1)
        best_rows = np.concatenate([best_rows, found + begin], axis=1)
        order = np.argsort(-best_scores, axis=1)[:, :NEAREST]
        best_scores = np.take_along_axis(best_scores, order, axis=1)
        best_rows = np.take_along_axis(best_rows, order, axis=1)
        if begin + PIECE in bases:
            np.save(folder / f"truth-{begin + PIECE}.npy", best_rows)


def measure(assay, folder, count, recall):
    command = [assay, "vector", "bench", "--json", "--base", folder / f"base-{count}.npy", "--queries",
               folder / "queries.npy", "--truth", folder / f"truth-{count}.npy", "--recall", recall]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"vector_growth.py: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=Path)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench" / "vector_growth")
    parser.add_argument("--rows", default="100000,300000,1000000", help="multiples of 100,000")
    parser.add_argument("--recall", default="0.99")
    options = parser.parse_args()
    counts = [int(one) for one in options.rows.split(",")]
    if any(count % PIECE for count in counts):
        parser.error(f"--rows takes multiples of {PIECE}")
    write_sets(options.folder, counts)
    print("| rows x 384 | recall@10 | a search, CPU | p50 | p99 | index in memory | file | building, CPU |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for count in counts:
        one = measure(options.assay, options.folder, count, options.recall)
        print(f"| {count:,} | {one['recall_at_10']:.3f} | {1e6 / one['qps_cpu']:,.0f} us | {one['p50_us']:,.0f} us "
              f"| {one['p99_us']:,.0f} us | {one['resident_bytes_per_vector'] * count / 1e6:,.0f} MB "
              f"({one['resident_bytes_per_vector']:.0f} bytes a row) | {one['disk_bytes_per_vector'] * count / 1e9:.2f} GB "
              f"| {one['build_cpu_seconds']:.0f} s |", flush=True)


if __name__ == "__main__":
    main()

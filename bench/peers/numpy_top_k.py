"""Top-10 over 100,000 x 384 float32 by numpy (matmul, argpartition, sort): the peer of bench/vector. JSON lines."""

import json
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread, as vector_bench
import numpy as np

ROWS, DIM, QUERIES, BEST, RUNS = 100_000, 384, 64, 10, 7


def unit(rows, seed):
    values = np.random.default_rng(seed).standard_normal((rows, DIM), dtype=np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def top_k(queries, rows):
    scores = queries @ rows.T
    best = np.argpartition(-scores, BEST, axis=1)[:, :BEST]
    order = np.take_along_axis(scores, best, axis=1).argsort(axis=1)[:, ::-1]
    return np.take_along_axis(best, order, axis=1)


def main():
    rows, queries = unit(ROWS, 1), unit(QUERIES, 2)
    for name, batch in (("numpy_single", queries[:1]), ("numpy_batch", queries)):
        top_k(batch, rows)
        times = []
        for _ in range(RUNS):
            begin = time.process_time()
            top_k(batch, rows)
            times.append((time.process_time() - begin) / len(batch))
        seconds = sorted(times)[RUNS // 2]
        print(json.dumps({"name": name, "ms_per_query": round(seconds * 1e3, 3), "runs_s": times,
                          "gb_per_second": round(rows.nbytes / seconds / 1e9, 2)}))


if __name__ == "__main__":
    main()

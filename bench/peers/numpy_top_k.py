"""Top-10 over 100,000 x 384 float32, and all similarities of 4,000 of them, by numpy (matmul, argpartition, sort): the
peer of bench/vector. JSON lines."""

import json
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread, as vector_bench
import numpy as np

ROWS, DIM, QUERIES, BEST, RUNS = 100_000, 384, 64, 10, 7
SMALL_SET = 4_000


def unit(rows, seed):
    values = np.random.default_rng(seed).standard_normal((rows, DIM), dtype=np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def top_k(queries, rows):
    scores = queries @ rows.T
    best = np.argpartition(-scores, BEST, axis=1)[:, :BEST]
    order = np.take_along_axis(scores, best, axis=1).argsort(axis=1)[:, ::-1]
    return np.take_along_axis(best, order, axis=1)


def similarity_matrix(rows):
    return rows @ rows.T  # which numpy gives to OpenBLAS's syrk: one half is computed, the other copied


def most_similar(rows):
    scores = rows @ rows.T
    np.fill_diagonal(scores, -np.inf)
    best = np.argpartition(-scores, BEST, axis=1)[:, :BEST]
    order = np.take_along_axis(scores, best, axis=1).argsort(axis=1)[:, ::-1]
    return np.take_along_axis(best, order, axis=1)


def timed(name, action, items):
    action()
    times = []
    for _ in range(RUNS):
        begin = time.process_time()
        action()
        times.append((time.process_time() - begin) / items)
    seconds = sorted(times)[RUNS // 2]
    print(json.dumps({"name": name, "ms": round(seconds * 1e3, 4), "runs_s": times}))


def main():
    rows, queries = unit(ROWS, 1), unit(QUERIES, 2)
    small = np.ascontiguousarray(rows[:SMALL_SET])
    timed("numpy_single", lambda: top_k(queries[:1], rows), 1)
    timed("numpy_batch", lambda: top_k(queries, rows), QUERIES)
    timed("numpy_similarity_matrix", lambda: similarity_matrix(small), SMALL_SET)
    timed("numpy_most_similar", lambda: most_similar(small), SMALL_SET)


if __name__ == "__main__":
    main()

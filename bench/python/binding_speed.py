#!/usr/bin/env python3
"""Times pure Python twin, binding and C++ at the same work, and writes the table of docs/python.md.

Usage: binding_speed.py [--check]. Needs build/release with the package and bench/binding_speed. With --check the
table is printed only. Each figure is the best of several rounds of about 50 ms.
"""

import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
sys.path.insert(0, str(BUILD / "python"))

import numpy as np  # noqa: E402

import assay  # noqa: E402
from assay import cache, claims, consensus, corpus, crypto, experiments, text, vector  # noqa: E402
from assay.reference import cache as cache_twin  # noqa: E402
from assay.reference import consensus as consensus_twin  # noqa: E402
from assay.reference import crypto as crypto_twin  # noqa: E402
from assay.reference import experiments as experiments_twin  # noqa: E402
from assay.reference import text as text_twin  # noqa: E402
from assay.reference import vector as vector_twin  # noqa: E402

PAGE = ROOT / "docs/python.md"
BEGIN, END = "<!-- speed: bench/python/binding_speed.py -->", "<!-- end of speed -->"
SEED_US = 32.24  # a claim in the pure Python verifier that the goal was set against; another machine


class Numbers:
    """The generator of binding_speed.cc."""

    state = 1

    def next(self):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return self.state

    def unit(self):
        return self.next() / 2147483648

    def text(self, size):
        return "".join("etaoin shrdlu"[(self.next() >> 16) % 13] for _ in range(size))


def best_ns(work, units=1):
    begin = time.perf_counter_ns()
    work()
    calls = max(1, int(5e7 / max(1, time.perf_counter_ns() - begin)))
    rounds = 5 if calls > 1 else 2
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        for _ in range(calls):
            work()
        best = min(best, (time.perf_counter_ns() - begin) / calls / units)
    return best


def work():
    """Yields (name, units, of the twin, through the binding)."""
    numbers = Numbers()
    a, b = numbers.text(120), numbers.text(120)
    yield "similarity of two texts", 1, lambda: text_twin.similarity(a, b), lambda: text.similarity(a, b)
    texts = [numbers.text(120) for _ in range(40)]
    yield ("similarity matrix of 40 texts", 1, lambda: text_twin.similarity_matrix(texts),
           lambda: text.similarity_matrix(texts, threads=1))  # fmt: skip
    rng = np.random.default_rng(1)
    rows = rng.random((10_000, 256), dtype=np.float32) - np.float32(0.5)
    for name, m in (("10 nearest of 10,000 rows", 1), ("10 nearest of 10,000 rows, 64 queries", 64)):
        queries = rows[:m]
        yield name, 1, lambda q=queries: vector_twin.top_k(q, rows, 10), lambda q=queries: vector.top_k(q, rows, 10)
    x, y = rng.random(10_000), rng.random(10_000)
    yield "Welch's test of 2 x 10,000 values", 1, lambda: experiments_twin.welch(x, y), lambda: experiments.welch(x, y)
    few = x[:500].copy()
    yield ("bootstrap, 200 x 2 x 500 draws", 1, lambda: experiments_twin.bootstrap(few, few, 200),
           lambda: experiments.bootstrap(few, few, 200))  # fmt: skip
    upper = np.triu(rng.random((30, 30)), 1)
    agreement = upper + upper.T + np.eye(30)
    yield ("clusters of 30 answers", 1, lambda: consensus_twin.cluster(agreement),
           lambda: consensus.cluster(agreement))  # fmt: skip
    message, secret = numbers.text(100).encode(), b"0123456789abcdef0123456789abcdef"
    python_key, key = crypto_twin.HmacKey(secret), crypto.HmacKey(secret)
    yield "HMAC-SHA256 of 100 bytes", 1, lambda: python_key.sign(message), lambda: key.sign(message)
    block = numbers.text(65_536).encode()
    yield "CRC-32C of 64 KiB", 1, lambda: crypto_twin.crc32c(block), lambda: crypto.crc32c(block)
    python_cache, held = cache_twin.MemoryCache(), cache.MemoryCache()
    for one in (python_cache, held):
        one.put(b"a key of the cache", message, now_ms=1)
    yield ("hit of the exact cache", 1, lambda: python_cache.get(b"a key of the cache", 2),
           lambda: held.get(b"a key of the cache", 2))  # fmt: skip
    yield claim_work(numbers)


def claim_work(numbers):
    """The twin of a warm look-up is a dict of verdicts: verifying itself has no twin."""
    many = [numbers.text(60) for _ in range(10_000)]
    verifier = claims.Verifier(corpus.Index.from_texts({"a.md": "The sky is blue at noon."}))
    known = dict(zip(many, zip(*(array.tolist() for array in verifier.codes(many)), strict=True), strict=True))

    def twin():
        codes, confidences = np.empty(len(many), np.uint8), np.empty(len(many), np.float32)
        for i, claim in enumerate(many):
            codes[i], confidences[i] = known[claim]
        return codes, confidences

    assert (twin()[0] == verifier.codes(many)[0]).all()
    return "verdict of a claim, warm cache", len(many), twin, lambda: verifier.codes(many)


def shown(ns):
    for limit, unit in ((1e3, "ns"), (1e6, "us"), (1e9, "ms")):
        if ns < limit:
            return f"{ns / limit * 1e3:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"


def main():
    done = subprocess.run([BUILD / "bench/binding_speed"], capture_output=True, text=True, check=True)
    plain = {name: float(ns) for name, ns in (line.rsplit(" ", 1) for line in done.stdout.splitlines())}
    lines = ["| work | pure Python twin | binding | C++ | twin / binding | binding / C++ |", "|---|---|---|---|---|---|"]
    for name, units, twin, binding in work():
        python, native = best_ns(twin, units), best_ns(binding, units)
        lines.append(
            f"| {name} | {shown(python)} | {shown(native)} | {shown(plain[name])} | {python / native:.3g} | "
            f"{native / plain[name]:.3g} |"
        )
        print(lines[-1], flush=True)
    if "--check" in sys.argv:
        return
    claim = native / 1000
    lines.append("")
    lines.append(
        f"A claim with a warm cache takes {claim:.3f} us through the binding: {SEED_US / claim:.0f} times less than the "
        f"{SEED_US} us of the pure Python verifier that the goal of 644 was set against (its own figure, on another machine)."
    )
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    assert assay.backend().name == "native", assay.backend().reason
    main()

"""BM25 over 100,000 sentences: Assay against bm25s and tantivy, one thread, the same tokens, top 10.

    python bench/peers/bm25.py BM25_BENCH DATA_FOLDER [ROUNDS]

Needs scripts/requirements-bench.txt. First the answers are compared (the score at each rank against
bm25s, which computes the same formula in float32; tantivy rounds lengths, so there only the overlap
of the top ten is shown), then the three are timed in turns, in CPU time.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import bm25s  # noqa: E402
import numpy as np  # noqa: E402
import tantivy  # noqa: E402

K = 10
K1, B = 1.2, 0.75


def read_tokens(path):
    return [line.split() for line in path.read_text().split("\n")[:-1]]


def run_assay(program, data, out):
    """One run of the C++ program; returns its queries a second (one round after its warm-up)."""
    text = subprocess.run([program, data, str(out), "1"], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"queries_per_second (\d+)", text)[1])


class Bm25s:
    """Eager sparse scoring; numba's top-k where it is installed."""

    def __init__(self, passages):
        self.engine = bm25s.BM25(method="lucene", k1=K1, b=B, backend="numba")
        self.engine.index(passages, show_progress=False)

    def search_all(self, queries):
        rows, scores = self.engine.retrieve(queries, k=K, show_progress=False, n_threads=1, sorted=True)
        return rows, scores * (K1 + 1)  # Lucene's variant leaves the constant factor out


class Tantivy:
    """Block-max WAND in Rust; the query object is built from the tokens, as a caller would."""

    def __init__(self, passages):
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("body", stored=False, tokenizer_name="whitespace", index_option="freq")
        builder.add_integer_field("row", stored=True)
        self.schema = builder.build()
        self.index = tantivy.Index(self.schema)
        writer = self.index.writer(heap_size=500_000_000, num_threads=1)
        for row, tokens in enumerate(passages):
            writer.add_document(tantivy.Document(body=" ".join(tokens), row=row))
        writer.commit()
        writer.wait_merging_threads()
        self.index.reload()
        self.searcher = self.index.searcher()

    def query(self, tokens):
        terms = [(tantivy.Occur.Should, tantivy.Query.term_query(self.schema, "body", t, index_option="freq")) for t in tokens]
        return tantivy.Query.boolean_query(terms)

    def search_all(self, queries):
        return [self.searcher.search(self.query(q), K, count=False).hits for q in queries]


def compare(assay, peer_rows, peer_scores):
    """Largest relative difference of a score at its rank; queries whose row sets differ beyond ties."""
    worst, different = 0.0, 0
    for ours, rows, scores in zip(assay, peer_rows, peer_scores):
        positive = [(int(r), float(s)) for r, s in zip(rows, scores) if s > 0]
        worst = max([worst] + [abs(a[1] - b[1]) / b[1] for a, b in zip(ours, positive)])
        last = positive[-1][1] if positive else 0.0
        sure = {r for r, s in positive if s > last * (1 + 1e-5)}
        different += len(ours) != len(positive) or not sure <= {r for r, _ in ours}
    return worst, different


def timed(call, *arguments):
    start = time.process_time()
    result = call(*arguments)
    return time.process_time() - start, result


def main():
    program, data = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        run_assay(program, data, out)
        passages, queries = read_tokens(out / "passages.txt"), read_tokens(out / "queries.txt")
        hits = [
            [(int(r), float(s)) for r, s in (pair.split(":") for pair in line.split())]
            for line in (out / "assay_hits.txt").read_text().split("\n")[:-1]
        ]
        print(f"{len(passages)} passages, {len(queries)} queries, top {K}, one thread")
        sparse, rust = Bm25s(passages), Tantivy(passages)
        rows, scores = sparse.search_all(queries)
        worst, different = compare(hits, rows, scores)
        print(f"against bm25s: scores differ by at most {worst:.1e}, {different} queries with other rows")
        found = [{rust.searcher.doc(a)["row"][0] for _, a in h} for h in rust.search_all(queries[:500])]
        overlap = statistics.mean(len(f & {r for r, _ in h}) / max(len(h), 1) for f, h in zip(found, hits))
        print(f"against tantivy: {overlap:.1%} of the top ten in common")
        if worst > 1e-4 or different:
            sys.exit("the answers differ: no figures")
        speeds = {"assay": [], "bm25s": [], "tantivy": []}
        for _ in range(rounds):
            speeds["assay"].append(run_assay(program, data, out))
            speeds["bm25s"].append(len(queries) / timed(sparse.search_all, queries)[0])
            speeds["tantivy"].append(len(queries) / timed(rust.search_all, queries)[0])
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    for name, values in speeds.items():
        print(f"{name:8} {medians[name]:9.0f} queries/s  ({min(values):.0f} .. {max(values):.0f})")
    best = max(medians["bm25s"], medians["tantivy"])
    print(f"ratio to the better peer: {medians['assay'] / best:.2f}")


if __name__ == "__main__":
    main()

"""BM25 over 100,000 sentences: Assay against bm25s and tantivy, one thread, the same tokens, top 10.

    python bench/peers/bm25.py BM25_BENCH DATA_FOLDER [ROUNDS [QUERIES]] [--json]

Peers come from scripts/requirements-bench.txt; one that is not installed is left out. First the answers are
compared (the score at each rank against bm25s, which computes the same formula in float32; tantivy rounds lengths,
so there only the overlap of the top ten counts), then they are timed in turns, in CPU time. --json prints one JSON
object.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata

for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

try:
    import bm25s
except ImportError:
    bm25s = None
try:
    import numba
except ImportError:
    numba = None
try:
    import tantivy
except ImportError:
    tantivy = None

K = 10
K1, B = 1.2, 0.75


def read_tokens(path):
    return [line.split() for line in path.read_text().split("\n")[:-1]]


class Assay:
    """The C++ program, which writes its tokens and answers to `out` and then waits for each round."""

    def __init__(self, program, data, out):
        self.process = subprocess.Popen([program, data, str(out), "-"], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        while (line := self.process.stdout.readline()) != "ready\n":
            if not line:
                sys.exit(f"{program} stopped with exit code {self.process.wait()}")

    def queries_per_second(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(re.match(r"queries_per_second (\d+)", self.process.stdout.readline())[1])

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Bm25s:
    """Eager sparse scoring; numba's top-k where it is installed."""

    def __init__(self, passages):
        self.engine = bm25s.BM25(method="lucene", k1=K1, b=B, backend="numba" if numba else "numpy")
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


def check(engines, hits, queries, say):
    """Stops the program unless bm25s gives our answers; says how much of tantivy's is the same."""
    if "bm25s" in engines:
        worst, different = compare(hits, *engines["bm25s"].search_all(queries))
        say(f"against bm25s: scores differ by at most {worst:.1e}, {different} queries with other rows")
        if worst > 1e-4 or different:
            sys.exit("the answers differ from those of bm25s: no figures")
    if "tantivy" in engines:
        rust = engines["tantivy"]
        found = [{rust.searcher.doc(a)["row"][0] for _, a in h} for h in rust.search_all(queries[:500])]
        overlap = statistics.mean(len(f & {r for r, _ in h}) / max(len(h), 1) for f, h in zip(found, hits))
        say(f"against tantivy: {overlap:.1%} of the top ten in common")
        if overlap < 0.95:
            sys.exit("the answers differ from those of tantivy: no figures")


def measure(program, data, rounds, limit, say):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        assay = Assay(program, data, out)
        passages, queries = read_tokens(out / "passages.txt"), read_tokens(out / "queries.txt")
        hits = [
            [(int(r), float(s)) for r, s in (pair.split(":") for pair in line.split())]
            for line in (out / "assay_hits.txt").read_text().split("\n")[:-1]
        ]
        say(f"{len(passages)} passages, {len(queries)} queries, top {K}, one thread")
        engines = {}
        if bm25s:
            engines["bm25s"] = Bm25s(passages)
        if tantivy:
            engines["tantivy"] = Tantivy(passages)
        check(engines, hits[:limit], queries[:limit], say)
        speeds = {name: [] for name in ["assay", *engines]}
        assay.queries_per_second()  # warm-up
        for _ in range(rounds):
            speeds["assay"].append(assay.queries_per_second())
            for name, engine in engines.items():
                speeds[name].append(len(queries[:limit]) / timed(engine.search_all, queries[:limit])[0])
        assay.stop()
    return {
        "versions": {name: metadata.version(name) for name in [*engines, *(["numba"] if numba and bm25s else [])]},
        "passages": len(passages),
        "queries": len(queries),
        "peer_queries": len(queries[:limit]),
        "queries_per_second": speeds,
    }


def main():
    arguments = [a for a in sys.argv[1:] if a != "--json"]
    as_json = "--json" in sys.argv
    rounds = int(arguments[2]) if len(arguments) > 2 else 5
    limit = int(arguments[3]) if len(arguments) > 3 else None
    result = measure(arguments[0], arguments[1], rounds, limit, (lambda _: None) if as_json else print)
    if as_json:
        print(json.dumps(result))
        return
    medians = {name: statistics.median(values) for name, values in result["queries_per_second"].items()}
    for name, values in result["queries_per_second"].items():
        print(f"{name:8} {medians[name]:9.0f} queries/s  ({min(values):.0f} .. {max(values):.0f})")
    best = max((medians[name] for name in medians if name != "assay"), default=None)
    if best:
        print(f"ratio to the better peer: {medians['assay'] / best:.2f}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Assay's vector index beside faiss, usearch and hnswlib: recall, queries a second, memory, build time.

usage: vector_index.py ASSAY [--folder DIR] [--sets clustered,questions] [--rounds N] [--prepare-for SECONDS]
                       [--docs docs/vectors.md] [--json]

ASSAY is build/release/assay. Two sets: 100,000 x 1,536 generated rows around 1,000 centres, and 100,000 questions of
$ASSAY_DATA as MiniLM embeds them (384 dimensions). They, their true neighbours and the peers' indexes are made once, step by
step, and kept in DIR (default build/bench/vector_index): 15 minutes of CPU time, 3 GB. With --prepare-for no further
step is begun after so many seconds; the exit code is then 3, and the next call goes on. Once all is there, a run builds
Assay's index and measures all sides in turns, one query at a time on one thread: about a minute a set.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "2")
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
SPAWN = multiprocessing.get_context("spawn")
ROWS, QUERIES, NEAREST = 100_000, 1_000, 10
UNFINISHED = 3
BEGIN, END = "<!-- vector-index:begin -->", "<!-- vector-index:end -->"
TITLES = {"clustered": "100,000 x 1,536, generated around 1,000 centres",
          "questions": "100,000 x 384, MiniLM over questions"}


class Steps:
    """What is done, on a terminal; and when to stop and be called again."""

    def __init__(self, limit_s):
        self.limit_s, self.start, self.shown = limit_s, time.monotonic(), sys.stderr.isatty()

    def begin(self, what):
        passed = time.monotonic() - self.start
        if self.limit_s and passed > self.limit_s:
            self.end()
            print(f"stopped after {passed:.0f} s before {what}; call it again, it goes on there", file=sys.stderr)
            print(f"stopped before {what}; call it again, it goes on there")
            sys.exit(UNFINISHED)
        self.show(what)

    def show(self, what):
        if self.shown:
            print(f"\r\033[K{what} ... ({time.monotonic() - self.start:.0f} s)", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# ---- the two sets ----


def clustered_rows():
    """A mixture of 1,000 Gaussians whose centres lie in 48 dimensions, with a noise spectrum of 1/i, turned at random."""
    rng = np.random.default_rng(20260101)
    dim, centres, noise = 1_536, 1_000, 1.5
    turn = np.linalg.qr(rng.standard_normal((dim, dim), dtype=np.float32))[0].astype(np.float32)
    centre = np.zeros((centres, dim), np.float32)
    heart = rng.standard_normal((centres, 48))
    centre[:, :48] = heart / np.linalg.norm(heart, axis=1, keepdims=True)
    spread = (1 / np.arange(1, dim + 1)) ** 0.5
    spread *= noise / np.sqrt((spread**2).sum())
    label = rng.integers(0, centres, ROWS + QUERIES)
    rows = centre[label] + rng.standard_normal((ROWS + QUERIES, dim), dtype=np.float32) * spread.astype(np.float32)
    rows = rows @ turn
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def question_texts(data):
    texts = set()
    for name in ("pairs/qqp", "questions/nq_open", "questions/longfact_prompts", "intents/banking77", "pairs/mrpc",
                 "pairs/stsb"):
        with open(Path(data) / f"{name}.jsonl", encoding="utf-8") as stream:
            for line in stream:
                texts.update(value for value in json.loads(line).values()
                             if isinstance(value, str) and 15 <= len(value) <= 300 and " " in value)
    texts = sorted(texts)
    random.Random(1).shuffle(texts)
    return texts[:ROWS + QUERIES]


def question_rows(assay, data):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open(folder / "texts.jsonl", "w", encoding="utf-8") as stream:
            for text in question_texts(data):
                stream.write(json.dumps({"text": text}) + "\n")
        environment = {"ASSAY_MODELS": str(ROOT / ".models"), **os.environ}
        command = [assay, "embed", folder / "texts.jsonl", "--model", "minilm-l6-v2-int8", "--out", folder / "rows.npy"]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return np.load(folder / "rows.npy")


def save_whole(path, write):
    """Half a file of a run that was stopped is not taken for a whole one."""
    half = path.with_name(path.name + ".half")
    with open(half, "wb") as file:
        write(file)
    half.replace(path)


def prepare_set(name, folder, assay, data, steps):
    """Writes base.npy, queries.npy and truth.npy unless they are there."""
    if (folder / "truth.npy").exists():
        return
    steps.begin(f"making the set '{name}'")
    if name == "questions" and not data:
        sys.exit("vector_index.py: the questions are read from $ASSAY_DATA, which is not set")
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.ascontiguousarray(clustered_rows() if name == "clustered" else question_rows(assay, data), np.float32)
    base, queries = rows[:-QUERIES], rows[-QUERIES:]
    np.save(folder / "base.npy", base)
    np.save(folder / "queries.npy", queries)
    best = np.argpartition(-(queries @ base.T), NEAREST, axis=1)[:, :NEAREST]
    scores = np.einsum("qkd,qd->qk", base[best].astype(np.float64), queries.astype(np.float64))
    save_whole(folder / "truth.npy",
               lambda file: np.save(file, np.take_along_axis(best, np.argsort(-scores, axis=1), axis=1).astype(np.int64)))


# ---- the peers: build, save, load, and one search function a setting ----


class Faiss:
    """One of faiss's index types by its factory's name."""

    def __init__(self, spec, probes=()):
        self.spec, self.probes, self.key = spec, probes, "faiss_" + spec.lower().replace(",", "_")
        self.module, self.extra = "faiss", ""

    def build(self, base):
        import faiss

        index = faiss.index_factory(base.shape[1], self.spec, faiss.METRIC_L2)
        if not index.is_trained:
            index.train(np.ascontiguousarray(base[:50_000]))
        index.add(base)
        return index

    def save(self, index, path):
        import faiss

        faiss.write_index(index, str(path))

    def load(self, path, base):
        import faiss

        return faiss.read_index(str(path))

    def searches(self, index, base):
        import faiss

        faiss.omp_set_num_threads(1)
        for probes in self.probes or (0,):
            def search(query, probes=probes):
                if probes:
                    index.nprobe = probes
                return index.search(query[None], NEAREST)[1][0]

            yield f"faiss {self.spec}" + (f", nprobe {probes}" if probes else ""), search


class UsearchBits:
    """usearch's graph over the signs, then the float rows of the best compared by numpy."""

    key, module, extra = "usearch_b1", "usearch", ", and the float rows"

    def new(self, dim):
        from usearch.index import Index

        return Index(ndim=dim, metric="hamming", dtype="b1", connectivity=16, expansion_add=128)

    def build(self, base):
        index = self.new(base.shape[1])
        index.add(np.arange(len(base)), np.packbits(base > 0, axis=1), threads=1)
        return index

    def save(self, index, path):
        index.save(str(path))

    def load(self, path, base):
        index = self.new(base.shape[1])
        index.load(str(path))
        return index

    def searches(self, index, base):
        for effort, compared in ((128, 100), (256, 200)):
            def search(query, effort=effort, compared=compared):
                index.expansion_search = effort
                found = index.search(np.packbits(query > 0), compared, threads=1).keys
                scores = base[found] @ query
                return found[np.argpartition(-scores, NEAREST)[:NEAREST]]

            yield f"usearch b1, ef {effort}, {compared} compared", search


class Hnswlib:
    key, module, extra = "hnswlib", "hnswlib", ""

    def build(self, base):
        import hnswlib

        index = hnswlib.Index("cosine", base.shape[1])
        index.init_index(len(base), M=16, ef_construction=100)
        index.add_items(base, num_threads=1)
        return index

    def save(self, index, path):
        index.save_index(str(path))

    def load(self, path, base):
        import hnswlib

        index = hnswlib.Index("cosine", base.shape[1])
        index.load_index(str(path))
        index.set_num_threads(1)
        return index

    def searches(self, index, base):
        for effort in (64, 128, 256):
            def search(query, effort=effort):
                index.set_ef(effort)
                return index.knn_query(query[None], NEAREST)[0][0]

            yield f"hnswlib M 16, ef {effort}", search


PEERS = (UsearchBits(), Hnswlib(), Faiss("Flat"), Faiss("IVF256,PQ96", (16, 64)), Faiss("IVF256,SQ8", (64,)))


def recall_of(search, queries, truth):
    right = sum(len(set(map(int, search(query))) & set(map(int, wanted))) for query, wanted in zip(queries, truth))
    return right / truth[:, :NEAREST].size


def prepare_peer(peer, folder):
    """Builds and saves the index and notes what it costs and finds."""
    base, queries, truth = load_set(folder)
    begin = time.process_time()
    index = peer.build(base)
    build_cpu_s = time.process_time() - begin
    peer.save(index, folder / peer.key)
    recall = {name: 1.0 if peer.key == "faiss_flat" else recall_of(search, queries, truth)
              for name, search in peer.searches(index, base)}
    size = (folder / peer.key).stat().st_size / len(base)
    note = json.dumps({"build_cpu_s": build_cpu_s, "bytes": size, "recall": recall})
    save_whole(folder / f"{peer.key}.json", lambda file: file.write(note.encode()))


def prepare_peers(folder, missing, steps):
    """Each in a process of its own: their OpenMP libraries do not bear each other."""
    for peer in PEERS:
        if (folder / f"{peer.key}.json").exists():
            continue
        if importlib.util.find_spec(peer.module) is None:
            missing[peer.key] = f"peer not installed ({peer.module})"
            continue
        steps.begin(f"{folder.name}: the index of {peer.key}")
        process = SPAWN.Process(target=prepare_peer, args=(peer, folder))
        process.start()
        process.join()
        if process.exitcode != 0:
            missing[peer.key] = f"{peer.module} ended with {process.exitcode}"


def load_set(folder):
    return (np.load(folder / f"{name}.npy") for name in ("base", "queries", "truth"))


# ---- measuring ----


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def run_peer(search, queries, budget_s):
    for query in queries[:3]:
        search(query)
    times, cpu, begin = [], time.thread_time(), time.perf_counter()
    for query in queries:
        start = time.perf_counter()
        search(query)
        end = time.perf_counter()
        times.append((end - start) * 1e6)
        if end - begin > budget_s:
            break
    return {"qps": len(times) / (time.perf_counter() - begin), "qps_cpu": len(times) / (time.thread_time() - cpu),
            "us": times}


def serve_peer(peer, folder, pipe):
    """In a process of its own: says which settings there are, then runs them when asked."""
    base, queries, _ = load_set(folder)
    searches = dict(peer.searches(peer.load(folder / peer.key, base), base))
    pipe.send(list(searches))
    while request := pipe.recv():
        name, budget_s = request
        pipe.send(run_peer(searches[name], queries, budget_s))


class PeerRuns:
    """One setting of one peer."""

    def __init__(self, peer, name, pipe, note):
        self.pipe = pipe
        self.result = {"name": name, "peer": peer.key, "recall": note["recall"][name], "bytes": note["bytes"],
                       "extra": peer.extra, "build_cpu_s": note["build_cpu_s"], "qps": [], "qps_cpu": [], "us": []}

    def run(self, budget_s):
        self.pipe.send((self.result["name"], budget_s))
        report = self.pipe.recv()
        self.result["us"] += report.pop("us")
        for key, value in report.items():
            self.result[key].append(value)


class OurRuns:
    """`assay vector bench`: builds in the first round, opens what it built in the others."""

    def __init__(self, assay, folder, wanted):
        self.folder, self.index = folder, folder / f"assay-{wanted}.index"
        self.command = [assay, "vector", "bench", "--json", "--base", folder / "base.npy", "--queries",
                        folder / "queries.npy", "--truth", folder / "truth.npy", "--recall", wanted, "--index", self.index]
        self.result = {"name": f"Assay, wanted {wanted}", "peer": "assay", "extra": ", rows mapped", "qps": [], "qps_cpu": [],
                       "p50_us": [], "p99_us": []}

    def run(self, _):
        first = not self.result["qps"]
        command = self.command if first else [*self.command, "--reuse"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"vector_index.py: {done.stderr.strip()}")
        report = json.loads(done.stdout)
        if first:
            self.result.update(build_s=report["build_seconds"], build_cpu_s=report["build_cpu_seconds"],
                               recall=report["recall_at_10"], bytes=report["resident_bytes_per_vector"])
        for name in ("qps", "qps_cpu", "p50_us", "p99_us"):
            self.result[name].append(report[name])


def start_peers(folder):
    """Yields the runs of all settings, and the pipes to their processes."""
    for peer in PEERS:
        note = folder / f"{peer.key}.json"
        if not note.exists() or importlib.util.find_spec(peer.module) is None:
            continue
        pipe, theirs = SPAWN.Pipe()
        SPAWN.Process(target=serve_peer, args=(peer, folder, theirs), daemon=True).start()
        theirs.close()  # so that a process that dies is noticed
        known = json.loads(note.read_text())
        for name in pipe.recv():
            yield PeerRuns(peer, name, pipe, known), pipe


def measure(folder, assay, wanted, rounds, budget_s):
    ours = [OurRuns(assay, folder, one) for one in wanted]
    peers = list(start_peers(folder))
    runs = [*ours, *(run for run, _ in peers)]
    for _ in range(rounds):
        for one in runs:
            one.run(budget_s)
    for pipe in {pipe for _, pipe in peers}:
        pipe.send(None)
    for run in ours:
        run.index.unlink(missing_ok=True)
    return [finish(run.result) for run in runs]


def finish(result):
    times = sorted(result.pop("us", []))
    if times:
        result.update(p50_us=[percentile(times, 0.5)], p99_us=[percentile(times, 0.99)])
    for name in ("p50_us", "p99_us"):
        result[name] = float(np.median(result[name]))
    return result


# ---- what is told ----


def best_peer(results):
    """The fastest peer setting that finds at least what we find, or 99%, of the neighbours; None where none does."""
    bar = min(0.99, results[0]["recall"])
    fit = [one for one in results if one["peer"] != "assay" and one["recall"] >= bar]
    return max(fit, key=lambda one: np.median(one["qps_cpu"]), default=None)


def table(report):
    yield "| what | recall@10 | queries/s | queries a CPU second | p50 | p99 | bytes a row in memory | build, CPU |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, results in report["sets"].items():
        yield f"| **{TITLES[name]}** | | | | | | | |"
        for one in results:
            yield (f"| {one['name']} | {one['recall']:.3f} | {np.median(one['qps']):,.0f} | {np.median(one['qps_cpu']):,.0f} "
                   f"| {one['p50_us']:,.0f} us | {one['p99_us']:,.0f} us | {one['bytes']:,.0f}{one['extra']} "
                   f"| {one['build_cpu_s']:,.1f} s |")


def sentences(report):
    for name, results in report["sets"].items():
        ours, peer = results[0], best_peer(results)
        words = f"{TITLES[name]}: Assay's index was built in {ours['build_s']:.1f} s of wall time, file included"
        pq = next((one for one in results if one["peer"] == "faiss_ivf256_pq96"), None)
        if pq:
            words += f", with {pq['build_cpu_s'] / ours['build_cpu_s']:.1f} times less CPU time than faiss IVF256,PQ96"
        if peer:
            ratio = np.median(ours["qps_cpu"]) / np.median(peer["qps_cpu"])
            words += (f"; it answers {ratio:.2f} times as many queries a CPU second as the best peer of at least that "
                      f"recall or 0.99 ({peer['name']})")
        yield words + "."


def markdown(report):
    lines = [f"Measured {report['date']} by `scripts/bench.sh --only vector-index --write-docs`, {report['rounds']} rounds in turns; "
             + ", ".join(f"{name} {version}" for name, version in report["versions"].items())
             + f"; load before the run {report['load']:.1f}.", "", *table(report), ""]
    return "\n".join([*lines, *(f"- {line}" for line in sentences(report))])


def write_docs(path, report):
    text = path.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    path.write_text(f"{head}{BEGIN}\n{markdown(report)}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def versions():
    from importlib import metadata

    found = {}
    for name in ("faiss-cpu", "usearch", "hnswlib", "numpy"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=Path)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench" / "vector_index")
    parser.add_argument("--sets", default="clustered,questions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=0.7, help="seconds a round for each setting of a peer")
    parser.add_argument("--prepare-for", type=float, default=0, metavar="SECONDS", help="begin no step after that; 0: all")
    parser.add_argument("--prepare-only", action="store_true", help="make the sets and the peers' indexes, and stop")
    parser.add_argument("--docs", type=Path, help="rewrite the table in this file")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    report = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "rounds": options.rounds, "load": load,
              "versions": versions(), "missing": {}, "sets": {}}
    steps = Steps(options.prepare_for)
    names = options.sets.split(",")
    for name in names:
        prepare_set(name, options.folder / name, options.assay, os.environ.get("ASSAY_DATA", ""), steps)
        prepare_peers(options.folder / name, report["missing"], steps)
    steps.begin("measuring")
    for name in () if options.prepare_only else names:
        steps.show(f"measuring '{name}'")
        wanted = (0.99,) if name == "clustered" else (0.99, 0.98)
        report["sets"][name] = measure(options.folder / name, options.assay, wanted, options.rounds, options.budget)
    steps.end()
    if options.docs:
        write_docs(options.docs, report)
    if not options.prepare_only:
        print(json.dumps(report) if options.json else markdown(report))


if __name__ == "__main__":
    main()

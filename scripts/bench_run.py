#!/usr/bin/env python3
"""Runs the benchmarks beside their peers and writes build/bench/results.json. scripts/bench.sh builds what this runs.

usage: bench_run.py [--only GROUP[,GROUP]] [--quick] [--rounds N] [--write-docs]

Standard output gets the table, standard error the progress when it is a terminal. Exit code 1 when a benchmark failed
(or its answers differed from the peer's), 2 when the build must not be measured, 3 when data or peers are prepared in
part: the same command goes on where it stopped.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import bench_report

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
PROGRAMS = BUILD / "bench"
RESULTS = ROOT / "build" / "bench" / "results.json"
DOCS = ROOT / "docs" / "benchmarks.md"
COMMAND_LIMIT_S = 600
PREPARE_FOR_S = 240  # of a run that prepares data and peers: no further step is begun, none takes longer than that
UNFINISHED = 3  # exit code of what prepared a part and wants to be called again
NO_DATA = "needs ASSAY_DATA"
CLEAN_CPU_SHARE = 0.95  # below it other programs were running
NO_PEER = "peer not installed"
NO_CHECKER = "no model in .models/checker"


class BenchError(Exception):
    """A benchmark could not be run; the message is for the table."""


class MissingPeer(BenchError):
    """What to compare with is not installed, which is no failure of ours."""


class Unfinished(BenchError):
    """What is measured is not prepared yet; calling again goes on."""


class Plan:
    """How much is measured."""

    def __init__(self, quick, rounds, data, write_docs=False):
        self.quick, self.data, self.write_docs = quick, data, write_docs
        self.rounds = rounds or (3 if quick else 7)
        self.min_time_s = 0.02 if quick else 0.2
        self.embed_sentences = 60 if quick else 300
        self.checker_pairs = 32 if quick else 96
        self.wordpiece_texts = (5_000, 100) if quick else (50_000, 1_000)
        self.python_re_sentences = 1_000 if quick else 5_000
        self.bm25_peer_queries = 1_000 if quick else 5_000
        self.check_runs = max(self.rounds, 5)


class Results:
    def __init__(self):
        self.series, self.missing, self.failed, self.facts = {}, {}, [], {"peers": {}, "took_s": {}}
        self.unfinished = []  # what has to be called again
        self.cpu_shares = []  # CPU time over wall time of every single-threaded run: 1 on a quiet machine

    def add(self, name, unit, runs):
        self.series[name] = {"unit": unit, "runs": list(runs)}


def check_build(cache_text):
    """Returns why this build must not be measured, or None. `cache_text` is its CMakeCache.txt."""
    entries = dict(re.findall(r"^(\w+):\w+=(.*)$", cache_text, re.M))
    if entries.get("CMAKE_BUILD_TYPE") != "Release":
        return f"build type {entries.get('CMAKE_BUILD_TYPE') or 'unset'} is not Release"
    if entries.get("ASSAY_SANITIZE") or entries.get("ASSAY_FUZZ") in ("ON", "TRUE", "1"):
        return "sanitizers are on"
    flags = " ".join(entries.get(name, "") for name in ("CMAKE_CXX_FLAGS", "CMAKE_CXX_FLAGS_RELEASE"))
    bad = re.search(r"-fsanitize\S*|-O0\b|-Og\b|--coverage|-pg\b", flags)
    if bad:
        return f"the compiler flags hold {bad[0]}"
    if not re.search(r"-O[23]\b|-Ofast\b", flags):
        return "the compiler flags do not optimise"
    return None


def run(command, limit_s=COMMAND_LIMIT_S, **options):
    """Returns the standard output of one program, or raises BenchError with its last words."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, text=True, timeout=limit_s, cwd=ROOT, stdout=subprocess.PIPE,
                              **{"stderr": subprocess.PIPE, **options})
    except FileNotFoundError:
        raise BenchError(f"{Path(command[0]).name} is not built") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{Path(command[0]).name} ran longer than {limit_s} s") from None
    if done.returncode != 0:
        name = next((Path(part).name for part in command if part.endswith((".py", "_bench"))), Path(command[0]).name)
        said = ((done.stderr or "").strip() or done.stdout.strip()).split("\n")[-1]
        if done.returncode == UNFINISHED:
            raise Unfinished(said)
        module = re.match(r"ModuleNotFoundError: No module named '(\w+)", said)
        if module:
            raise MissingPeer(f"{NO_PEER} ({module[1]})")
        raise BenchError(f"{name} failed ({done.returncode}): {said[:120]}")
    return done.stdout


def google_benchmark(plan, results, name, *arguments):
    """Runs one Google Benchmark program with its benchmarks interleaved; returns its runs by name, and its output."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        output = run([PROGRAMS / name, *arguments, f"--benchmark_repetitions={plan.rounds}",
                      "--benchmark_enable_random_interleaving=true", f"--benchmark_min_time={plan.min_time_s}",
                      f"--benchmark_out={file.name}"])
        report = json.load(open(file.name, encoding="utf-8"))
    runs = {}
    for one in report["benchmarks"]:
        if one.get("error_occurred"):
            raise BenchError(f"{name}: {one['name']}: {one['error_message']}")
        if one["run_type"] == "iteration":
            title = re.sub("/(real_time|process_time)$", "", one["name"])
            runs.setdefault(title, []).append(one)
            if title == one["name"] and one["threads"] == 1:  # timed by CPU, one thread
                results.cpu_shares.append(one["cpu_time"] / one["real_time"])
    return runs, output


_UNIT_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def seconds(one, clock):
    return one[clock] * _UNIT_S[one["time_unit"]]


# ---- one function a benchmark; each adds its series ----


def pattern_set(plan, results):
    runs, output = google_benchmark(plan, results, "pattern_set_bench")
    results.facts["simd"] = re.search(r"SIMD target (\S+)", output)[1]
    for name, values in runs.items():
        results.add(f"text/pattern_set/{name}", "s", (one["per_sentence"] for one in values))
    results.facts["peers"].update(
        {"Vectorscan": debian_version("libvectorscan5"), "RE2": debian_version("libre2-9")})


def python_re(plan, results):
    report = json.loads(run([sys.executable, "bench/peers/python_re.py", plan.data, plan.python_re_sentences, plan.rounds]))
    results.add("text/python_re", "s", report["runs_s"])
    results.facts["peers"]["Python"] = report["python"]


def wordpiece(plan, results):
    sentences, documents = plan.wordpiece_texts
    report = json.loads(run([sys.executable, "bench/text/wordpiece_peer.py", PROGRAMS / "wordpiece_bench", "--rounds", plan.rounds,
                             "--sentences", sentences, "--documents", documents, "--json"]))
    results.facts["peers"].update(report["versions"])
    for kind in ("sentences", "documents"):
        for side, runs in report[kind]["runs_s"].items():
            results.add(f"text/wordpiece/{kind}/{side}", "s", runs)


def segment(plan, results):
    runs, _ = google_benchmark(plan, results, "segment_bench")
    for name, values in runs.items():
        results.add(f"text/segment/{name}", "B/s", (one["bytes_per_second"] for one in values))


def similarity(plan, results):
    report = json.loads(run([sys.executable, "bench/peers/similarity.py", PROGRAMS / "similarity_bench", plan.rounds]))
    for name, runs in report["runs_s"].items():
        results.add(f"text/similarity/{name}", "s", runs)
    results.facts["peers"].update(report["versions"])


def consensus(plan, results):
    report = json.loads(run([sys.executable, "bench/peers/consensus.py", PROGRAMS / "consensus_bench", models_folder(), plan.rounds]))
    for name, runs in report["runs_s"].items():
        results.add(f"consensus/{name}", "s", runs)
    for name, runs in report["bytes_per_second"].items():
        results.add(f"consensus/{name}", "B/s", runs)
    results.add("consensus/memory", "B", [report["memory_bytes"]])
    results.facts["peers"]["Python"] = sys.version.split()[0]


def verdict_cache(plan, results):
    runs, _ = google_benchmark(plan, results, "verdict_cache_bench")
    for name, values in runs.items():
        results.add(f"claims/verdict_cache/{name}", "s", (one["per_claim"] for one in values))
    results.facts["peers"]["oneTBB"] = debian_version("libtbb12")


def shared_claims(plan, results):
    os.environ.setdefault("ASSAY_MODELS", str(models_folder()))
    os.environ.setdefault("ASSAY_SOURCE_DIR", str(ROOT))
    runs, _ = google_benchmark(plan, results, "shared_claims_bench")
    for name, values in runs.items():
        results.add(f"claims/shared/{name}", "s", (one["per_claim"] for one in values))


def memory_cache(plan, results):
    runs, _ = google_benchmark(plan, results, "cache_bench")
    for name, values in runs.items():
        results.add(f"cache/{name}", "s", (1 / one["items_per_second"] for one in values))
    results.facts["peers"]["oneTBB"] = debian_version("libtbb12")


def cache_tiers(plan, results):
    runs, _ = google_benchmark(plan, results, "cache_tiers_bench")
    for name, values in runs.items():
        name = name.removesuffix("/manual_time")
        if name.startswith("redis_batch"):
            results.add(f"cache/tiers/{name}", "s", (1 / one["items_per_second"] for one in values))
        else:
            clock = "real_time" if name.startswith("disk_open") else "cpu_time"
            results.add(f"cache/tiers/{name}", "s", (seconds(one, clock) for one in values))
    results.facts["peers"].update({"SQLite": debian_version("libsqlite3-0"), "hiredis": debian_version("libhiredis0.14")})


def semantic_cache(plan, results):
    os.environ.setdefault("ASSAY_MODELS", str(models_folder()))
    runs, _ = google_benchmark(plan, results, "semantic_bench")
    for name, values in runs.items():
        results.add(f"cache/semantic/{name.removeprefix('Find/')}", "s", (seconds(one, "cpu_time") for one in values))


def extractor(plan, results):
    runs, _ = google_benchmark(plan, results, "extractor_bench", "--benchmark_filter=BM_Extract")
    for name, values in runs.items():
        results.add(f"claims/extractor/{name}", "s", (seconds(one, "cpu_time") for one in values))


def spread_sentences(path, count):
    """`count` distinct claims and evidence sentences of VitaminC, evenly spread over the file."""
    texts = {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            record = json.loads(line)
            for field in ("hypothesis", "premise"):
                texts[" ".join(record[field].split())] = None
    texts = list(texts)
    return texts[:: len(texts) // count][:count]


def crypto(plan, results):
    runs, _ = google_benchmark(plan, results, "crypto_bench")
    for name, values in runs.items():
        results.add(f"crypto/{name}", "s", (1 / one["items_per_second"] for one in values))
    results.facts["peers"].update({"OpenSSL": debian_version("libssl3"), "libsodium": debian_version("libsodium23"),
                                   "libargon2": debian_version("libargon2-1")})


def python_crypto(plan, results):
    report = json.loads(run([sys.executable, "bench/peers/python_crypto.py", plan.rounds]))
    for name, runs in report["runs_s"].items():
        results.add(f"crypto/{name}", "s", runs)
    results.facts["peers"].update(report["versions"])


def encoders(plan, results):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("".join(text + "\n" for text in
                           spread_sentences(Path(plan.data) / "nli" / "vitaminc.jsonl", plan.embed_sentences)))
        file.flush()
        report = json.loads(run([sys.executable, "bench/peers/openvino_minilm.py", file.name, plan.rounds, "--beside",
                                 PROGRAMS / "embed_bench", models_folder()]))
    results.facts["peers"].update({"openvino": report["versions"]["openvino"].split("-")[0]})
    for name, runs in report["runs_s"].items():
        results.add(f"embed/{name}", "s", runs)


def evidence_pairs(path, count):
    """`count` claims of VitaminC, evenly spread over the file, each with three sentences as the verifier would give it."""
    with open(path, encoding="utf-8") as stream:
        records = [json.loads(line) for line in stream]
    step = len(records) // count

    def text(record, field):
        return " ".join(record[field].split())

    return [(" ".join(text(one, "premise") for one in records[i * step:i * step + 3]), text(records[i * step], "hypothesis"))
            for i in range(count)]


def cross_encoder(plan, results):
    if not checker_folder():
        raise MissingPeer(NO_CHECKER)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
        file.write("".join("\t".join(pair) + "\n" for pair in
                           evidence_pairs(Path(plan.data) / "nli" / "vitaminc.jsonl", plan.checker_pairs)))
        file.flush()
        report = json.loads(run([sys.executable, "bench/peers/cross_encoder.py", *checker_folder(), file.name, plan.rounds,
                                 PROGRAMS / "cross_encoder_bench"]))
    results.facts["peers"].update({"openvino": report["versions"]["openvino"].split("-")[0]})
    for name, runs in report["runs_s"].items():
        results.add(f"embed/cross/{name}", "s", runs)


def vectors(plan, results):
    runs, _ = google_benchmark(plan, results, "vector_bench", "--benchmark_filter=BM_(Float|Int8|Sim|Most|Cached)")
    for name, values in runs.items():
        results.add(f"vector/{name}", "s", (1 / one["items_per_second"] for one in values))
    for line in run([sys.executable, "bench/peers/numpy_top_k.py"]).splitlines():
        report = json.loads(line)
        results.add(f"vector/{report['name']}", "s", report["runs_s"])
    results.facts["peers"]["numpy"] = metadata.version("numpy")


def vector_store(plan, results):
    output = run([sys.executable, "bench/peers/vector_store.py", PROGRAMS / "vector_store_bench"])
    for line in output.splitlines():
        report = json.loads(line)
        if "gb_per_second" in report:
            results.add(f"vector/{report['name']}", "s", [1 / report["gb_per_second"]])
            results.add(f"vector/{report['name']}/encode", "s", [1 / report["encode_gb_per_second"]])
        elif "p50_us" in report:
            results.add(f"vector/{report['name']}", "s", [report["p50_us"] * 1e-6])


def vector_index(plan, results):
    """Two sets beside their peers, which the first runs make; writes the whole table to docs/vectors.md if asked."""
    prepared = (RESULTS.parent / "vector_index" / "clustered" / "faiss_ivf256_pq96.json").exists()
    if plan.quick and not prepared:
        raise MissingPeer("only after a whole run, which makes the peers' indexes")
    command = [sys.executable, "bench/peers/vector_index.py", BUILD / "assay", "--json", "--prepare-for", PREPARE_FOR_S,
               "--sets", "clustered,questions" if plan.data else "clustered", "--rounds", min(plan.rounds, 3)]
    if plan.write_docs:
        command += ["--docs", "docs/vectors.md"]
    # It shows its own progress on a terminal.
    report = json.loads(run(command, **({"stderr": None} if sys.stderr.isatty() else {})))
    for which, measured in report["sets"].items():
        for one in measured:
            name = re.sub(r"[^a-z0-9]+", "_", one["name"].lower())
            results.add(f"vector-index/{which}/qps/{name}", "1/s", one["qps_cpu"])
            results.add(f"vector-index/{which}/build/{one['peer']}", "s", [one["build_cpu_s"]])
            results.add(f"vector-index/{which}/bytes/{one['peer']}", "B", [one["bytes"]])
    results.facts["peers"].update(report["versions"])
    for peer, reason in report["missing"].items():
        print(f"note: {peer}: {reason}", file=sys.stderr)


def bm25(plan, results):
    report = json.loads(run([sys.executable, "bench/peers/bm25.py", PROGRAMS / "bm25_bench", plan.data, plan.rounds,
                             plan.bm25_peer_queries, "--json"]))
    results.facts["peers"].update(report["versions"])
    for name, runs in report["queries_per_second"].items():
        results.add(f"corpus/bm25/{name}", "1/s", runs)
    for name in ("bm25s", "tantivy"):
        if name not in report["queries_per_second"]:
            results.missing[f"corpus/bm25/{name}"] = NO_PEER


def index(plan, results):
    runs, _ = google_benchmark(plan, results, "index_bench", "examples/handbook", models_folder())
    for name, values in runs.items():
        results.add(f"corpus/index/{name}", "s", (seconds(one, "real_time") for one in values))


def check(plan, results):
    report = json.loads(run([sys.executable, "bench/cli/check_bench.py", BUILD / "assay", "examples/handbook",
                             "bench/cli/answer.md", plan.check_runs, *checker_folder()], env={**os.environ, "ASSAY_MODELS": str(models_folder())}))
    if report["claims"] != 10:
        raise BenchError(f"bench/cli/answer.md has {report['claims']} claims, not 10")
    results.add("cli/check/wall", "s", report["check"]["wall_s"])
    results.add("cli/check/cpu", "s", report["check"]["cpu_s"])
    results.add("cli/check/peak", "B", report["check"]["peak_bytes"])
    if report["with_checker"]:
        results.add("cli/with_checker/wall", "s", report["with_checker"]["wall_s"])
        results.add("cli/with_checker/peak", "B", report["with_checker"]["peak_bytes"])
    else:
        results.missing["cli/with_checker"] = NO_CHECKER
    results.add("cli/index/wall", "s", report["index"]["wall_s"])
    for stage, runs in report["inside_s"].items():
        results.add(f"cli/inside/{stage}", "s", runs)


def _gateway_report(results, script, *arguments):
    """Runs one of the gateway's benchmarks, each of which pins itself and all its servers to one core."""
    report = json.loads(run([sys.executable, f"bench/gateway/{script}", BUILD / "assay", *arguments]))
    units = {"rate": "1/s", "hits": "1/s", "memory": "B", "calls": "", "saved": ""}
    for name, runs in report["results"].items():
        part = next((part for part in name.split("/") if part in units), "")
        results.add(f"gateway/{name}", units.get(part, "s"), runs)
    for name, reason in report["missing"].items():
        for kind in ("rate", "median", "memory"):
            results.missing[f"gateway/{kind}/{name}"] = reason
        results.missing[f"gateway/{name}"] = reason


def gateway(plan, results):
    if not (shutil.which("wrk") and shutil.which("nginx") and shutil.which("haproxy")):
        raise MissingPeer("needs wrk, nginx and haproxy (scripts/setup.sh --bench)")
    # Peers that must be downloaded first are for a whole run: installing them takes minutes.
    peers = () if plan.quick else ("--peers", RESULTS.parent / "gateways")
    _gateway_report(results, "gateway_bench.py", "--rounds", 1 if plan.quick else plan.rounds, *peers)
    results.facts["peers"].update({"nginx": debian_version("nginx-light"), "HAProxy": debian_version("haproxy")})


def gateway_combined(plan, results):
    quick = ("--tokens", 8, "--requests", 20_000) if plan.quick else ()
    _gateway_report(results, "combined_bench.py", *quick)


def gateway_scale(plan, results):
    if not all(map(shutil.which, ("wrk", "nginx", "redis-server"))):
        raise MissingPeer("needs wrk, nginx and redis-server (scripts/setup.sh --bench --tests)")
    report = json.loads(run([sys.executable, "bench/gateway/scale_bench.py", BUILD / "assay", "--rounds",
                             1 if plan.quick else plan.rounds, "--seconds", 1 if plan.quick else 2]))
    for name, runs in report["results"].items():
        results.add(f"scale/{name}", "s", runs)


def telemetry(plan, results):
    runs, _ = google_benchmark(plan, results, "telemetry_bench")
    for name, values in runs.items():
        results.add(f"telemetry/{name}", "s", (seconds(one, "cpu_time") for one in values))
    results.facts["peers"].update({"prometheus-cpp": debian_version("libprometheus-cpp-core1.0"),
                                   "spdlog": debian_version("libspdlog1.10")})


def config(plan, results):
    with tempfile.TemporaryDirectory() as folder:
        quick = ("--quick",) if plan.quick else ()
        report = json.loads(run([sys.executable, "bench/peers/config.py", folder, plan.rounds, *quick]))
        runs, _ = google_benchmark(plan, results, "config_bench", folder)
    for name, values in runs.items():
        results.add(f"config/{name}", "s", (seconds(one, "cpu_time") for one in values))
    for name, values in report["runs_s"].items():
        results.add(f"config/{name}", "s", values)
    results.missing.update({f"config/{name}": reason for name, reason in report["missing"].items()})
    for name in ("yaml/yaml_cpp", "yaml/libyaml_events"):
        if f"{name}/1k" not in runs:
            results.missing[f"config/{name}"] = NO_PEER
    results.facts["peers"].update(report["versions"] | {
        "libfyaml": debian_version("libfyaml0"), "simdjson": debian_version("libsimdjson14"),
        "toml++": debian_version("libtomlplusplus-dev"), "yaml-cpp": debian_version("libyaml-cpp-dev"),
        "libyaml": debian_version("libyaml-dev")})


def experiments(plan, results):
    report = json.loads(run([sys.executable, "bench/peers/experiments.py", PROGRAMS / "experiments_bench", plan.rounds]))
    for name, runs in report["runs_s"].items():
        results.add(f"experiments/{name}", "s", runs)
    results.facts["peers"].update(report["versions"])


def scan(plan, results):
    report = json.loads(run([sys.executable, "bench/peers/scan.py", PROGRAMS / "scan_bench", BUILD / "assay", plan.rounds]))
    for name, runs in report["runs_s"].items():
        results.add(f"scan/{name}", "s", runs)
    results.facts["peers"].update(report["versions"])
    if "nmap" not in report["versions"]:
        results.missing["scan/process/nmap"] = NO_PEER


def tuner(plan, results):
    budget = ("--evaluations", 2_000, "--seeds", 1) if plan.quick else ()
    report = json.loads(run([sys.executable, "bench/peers/tuner.py", PROGRAMS / "tuner_bench", "--json", *budget]))
    for name, one in report["results"].items():
        results.add(f"tuner/{name}", "s", [one["seconds_per_evaluation"]])
    results.facts["peers"].update(report["versions"])


def log_templates(plan, results):
    quick = ("--quick",) if plan.quick else ()
    report = json.loads(run([sys.executable, "bench/peers/log_templates.py", PROGRAMS / "log_templates_bench", plan.data,
                             min(plan.rounds, 5), *quick]))
    for name, runs in report["runs_s"].items():
        results.add(f"logs/templates/{name}", "s", runs)
    results.facts["peers"].update(report["versions"])


def log_analysis(plan, results):
    quick = ("--quick",) if plan.quick else ()
    report = json.loads(run([sys.executable, "bench/peers/log_analysis.py", PROGRAMS / "logs_analyze_bench", plan.data,
                             min(plan.rounds, 5), *quick]))
    for name, runs in report["runs_s"].items():
        results.add(f"logs/analysis/{name}", "s", runs)
    results.facts["peers"].update(report["versions"])


# title, function, prefix of its series, whether it needs ASSAY_DATA, the targets that must be built
BENCHMARKS = (
    ("patterns", pattern_set, "text/pattern_set", True, "pattern_set_bench"),
    ("patterns by Python's re", python_re, "text/python_re", True, ""),
    ("WordPiece", wordpiece, "text/wordpiece", True, "wordpiece_bench"),
    ("sentences and words", segment, "text/segment", True, "segment_bench"),
    ("similarity", similarity, "text/similarity", False, "similarity_bench"),
    ("consensus", consensus, "consensus", False, "consensus_bench"),
    ("verdict cache", verdict_cache, "claims/verdict_cache", True, "verdict_cache_bench"),
    ("verdicts through shared memory", shared_claims, "claims/shared", True, "shared_claims_bench assay_program"),
    ("memory cache", memory_cache, "cache/get", False, "cache_bench"),
    ("disk and Redis tiers", cache_tiers, "cache/tiers", False, "cache_tiers_bench"),
    ("semantic cache", semantic_cache, "cache/semantic", False, "semantic_bench"),
    ("extractor", extractor, "claims/extractor", False, "extractor_bench"),
    ("configuration files", config, "config", False, "config_bench"),
    ("crypto", crypto, "crypto", False, "crypto_bench"),
    ("crypto in Python", python_crypto, "crypto", False, ""),
    ("encoders", encoders, "embed", True, "embed_bench"),
    ("cross-encoder", cross_encoder, "embed/cross", True, "cross_encoder_bench"),
    ("exact vector search", vectors, "vector", False, "vector_bench"),
    ("vector store", vector_store, "vector", False, "vector_store_bench"),
    ("vector index", vector_index, "vector-index", False, "assay_program"),
    ("BM25", bm25, "corpus/bm25", True, "bm25_bench"),
    ("index", index, "corpus/index", False, "index_bench"),
    ("metrics and log", telemetry, "telemetry", False, "telemetry_bench"),
    ("experiments", experiments, "experiments", False, "experiments_bench"),
    ("tuner", tuner, "tuner", False, "tuner_bench"),
    ("ports", scan, "scan", False, "scan_bench assay_program"),
    ("templates of logs", log_templates, "logs/templates", True, "log_templates_bench"),
    ("analysis of logs", log_analysis, "logs/analysis", True, "logs_analyze_bench"),
    ("assay check", check, "cli", False, "assay_program"),
    ("gateway", gateway, "gateway", False, "assay_program"),
    ("gateways that share Redis", gateway_scale, "scale", False, "assay_program"),
    ("gateway before a local model, and a replay", gateway_combined, "gateway/combined", False, "assay_program"),
)
GROUPS = tuple(dict.fromkeys(prefix.split("/")[0] for _, _, prefix, _, _ in BENCHMARKS))


def targets(groups):
    """The build targets that these groups need."""
    return [target for _, _, prefix, _, names in BENCHMARKS if prefix.split("/")[0] in groups for target in names.split()]


def models_folder():
    return ROOT / ".models"


def checker_folder():
    """A list of the installed checker, or empty."""
    folder = models_folder() / "checker"
    return [folder] if (folder / "checker.yaml").exists() else []


def debian_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=False)
    return done.stdout or "unknown"


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip()


def describe_build(cache_text):
    entries = dict(re.findall(r"^(\w+):\w+=(.*)$", cache_text, re.M))
    version = run([entries["CMAKE_CXX_COMPILER"], "--version"]).splitlines()[0]
    return version, f"{entries.get('CMAKE_CXX_FLAGS', '')} {entries.get('CMAKE_CXX_FLAGS_RELEASE', '')}".strip()


def describe_machine():
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu[1] if cpu else os.uname().machine, "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(memory / 2**30), "simd": "unknown", "load_before": os.getloadavg()[0], "cpu_share": None}


class Progress:
    """One line on a terminal, nothing elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.begin = total, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def step(self, title):
        self.done += 1
        if self.shown:
            print(f"\r\033[K[{self.done}/{self.total}] {title} ... ({time.monotonic() - self.begin:.0f} s)", end="",
                  file=sys.stderr, flush=True)

    def end(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def measure(plan, groups):
    results = Results()
    chosen = [one for one in BENCHMARKS if one[2].split("/")[0] in groups]
    progress = Progress(len(chosen))
    for title, function, prefix, needs_data, _ in chosen:
        progress.step(title)
        if needs_data and not plan.data:
            results.missing[prefix] = NO_DATA
            continue
        begin = time.monotonic()
        try:
            function(plan, results)
        except MissingPeer as error:
            results.missing[prefix] = str(error)
        except Unfinished as error:
            results.missing[prefix] = str(error)
            results.unfinished.append(f"{title}: {error}")
        except BenchError as error:
            results.missing[prefix] = str(error)
            results.failed.append(f"{title}: {error}")
        results.facts["took_s"][prefix] = round(time.monotonic() - begin, 1)
    progress.end()
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--write-docs", action="store_true")
    parser.add_argument("--command", default="scripts/bench.sh", help="what the user typed, for the record")
    parser.add_argument("--targets", action="store_true", help="print the build targets that are needed, and stop")
    options = parser.parse_args()
    groups = tuple(dict.fromkeys(options.only.split(","))) if options.only else GROUPS
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        print(f"bench: no group {', '.join(unknown)}; there are: {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    if options.targets:
        print("\n".join(targets(groups)))
        return 0
    cache_text = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
    refused = check_build(cache_text)
    if refused:
        print(f"bench: build/release is not measured: {refused}; remove it and run scripts/bench.sh again", file=sys.stderr)
        return 2

    data = os.environ.get("ASSAY_DATA", "")
    plan = Plan(options.quick, options.rounds, data, options.write_docs)
    machine = describe_machine()
    compiler, flags = describe_build(cache_text)
    measured = measure(plan, groups)
    if measured.cpu_shares:
        machine["cpu_share"] = round(statistics.median(measured.cpu_shares), 3)
    machine["simd"] = measured.facts.get("simd") or simd_target()
    report = {
        "format": 1,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": git("rev-parse", "--short=12", "HEAD") or "unknown",
        "dirty": bool(git("status", "--porcelain", "--", "src", "bench", "cmake", "CMakeLists.txt")),
        "command": options.command, "quick": plan.quick, "rounds": plan.rounds, "groups": list(groups),
        "machine": machine, "compiler": compiler, "flags": flags,
        "peers": measured.facts["peers"],
        "data": data_description(plan),
        "took_s": measured.facts["took_s"],
        "series": measured.series, "missing": measured.missing, "failed": measured.failed,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_report(report)
    for line in measured.unfinished:
        print(f"not finished: {line}", file=sys.stderr)
    if measured.unfinished:
        return UNFINISHED
    if options.write_docs:
        text = DOCS.read_text(encoding="utf-8")
        DOCS.write_text(bench_report.rewrite_document(text, report), encoding="utf-8")
        print(f"wrote {DOCS.relative_to(ROOT)}")
    return 1 if measured.failed else 0


def simd_target():
    try:
        return json.loads(run([BUILD / "assay", "version", "--json"]))["simd"]
    except (BenchError, KeyError, ValueError):
        return "unknown"


def data_description(plan):
    if not plan.data:
        return "no ASSAY_DATA: the rows on real sentences are left out; examples/handbook"
    return ("$ASSAY_DATA: bench/sentences.txt (100,000 sentences), bench/literals.txt (60), bench/regexes.txt (6), VitaminC, "
            "RAGTruth, WiCE and others (100,000 distinct passages); examples/handbook")


def print_report(report):
    machine = report["machine"]
    print(f"{machine['cpu']}, {machine['cores']} cores, SIMD {machine['simd']}; {report['compiler']}, {report['flags']}; "
          f"commit {report['commit']}{' with local changes' if report['dirty'] else ''}; {report['rounds']} rounds")
    if machine["cpu_share"] is not None and machine["cpu_share"] < CLEAN_CPU_SHARE:
        print(f"note: the machine is busy (a thread got {machine['cpu_share']:.0%} of a core): trust ratios, not wall times")
    print(bench_report.terminal_table(report))
    for failure in report["failed"]:
        print(f"failed: {failure}", file=sys.stderr)
    print(f"details: {RESULTS.relative_to(ROOT)} ({sum(report['took_s'].values()):.0f} s)")


if __name__ == "__main__":
    sys.exit(main())

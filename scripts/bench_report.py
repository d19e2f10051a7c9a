#!/usr/bin/env python3
"""Turns the measurements of scripts/bench.sh into tables: for a terminal, and for docs/benchmarks.md.

usage: bench_report.py RESULTS.json [--docs docs/benchmarks.md]

RESULTS.json holds, besides the machine, `series`: name -> {"unit": "s" | "1/s" | "B" | "B/s", "runs": [...]}, all per
item (a sentence, a claim, a query), and `missing`: name or prefix of a series -> why it is not there.
"""

import argparse
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
# The parts of docs/benchmarks.md: their markers, and the groups of rows that stand between them.
SECTIONS = (
    (BEGIN, END, ("text", "claims", "consensus", "embed", "corpus", "experiments", "tuner", "cli")),
    ("<!-- bench:gateway:begin -->", "<!-- bench:gateway:end -->", ("gateway", "cache", "crypto", "telemetry")),
    ("<!-- bench:scale:begin -->", "<!-- bench:scale:end -->", ("scale",)),
    ("<!-- bench:scan:begin -->", "<!-- bench:scan:end -->", ("scan",)),
    ("<!-- bench:logs:begin -->", "<!-- bench:logs:end -->", ("logs",)),
    ("<!-- bench:config:begin -->", "<!-- bench:config:end -->", ("config",)),
    ("<!-- bench:vector:begin -->", "<!-- bench:vector:end -->", ("vector",)),
    ("<!-- bench:vector-index:begin -->", "<!-- bench:vector-index:end -->", ("vector-index",)),
)


@dataclass(frozen=True)
class Row:
    """One comparison. `peer` empty: nothing to compare with. A row without at_most and at_least has no target."""

    what: str
    ours: str
    peer: str = ""
    peer_name: str = ""
    at_most: float | None = None  # of our median, in the unit of the series
    at_least: float | None = None  # times as fast as the peer
    goal: str = ""

    @property
    def group(self):
        return self.ours.split("/")[0]

    @property
    def has_target(self):
        return self.at_most is not None or self.at_least is not None


GET, TBB, LRU = "cache/get/", "cache/get/tbb_concurrent_hash_map/", "cache/get/sharded_lru_mutex/"
TIERS = "cache/tiers/"
SPOT, CACHE = "text/pattern_set/", "claims/verdict_cache/"
CROSS = "embed/cross/"
CROSS_ROW = "cross-encoder, {} pairs of about 120 tokens, a pair"
MINILM, OPENVINO = "embed/assay/minilm-l6-v2-int8/", "embed/openvino_python/"
SPOT_BATCH, CACHE_BATCH = "spotting 66 patterns, batch, a sentence", "verdict cache, batch, a claim"
ALIKE = "text/similarity/"
MERGE = "consensus/assay/"
SHARED = "claims/shared/"
TEMPLATES = "logs/templates/"
LOGS = "logs/analysis/"
BM25_ROW = "BM25 over 100,000 passages, top 10"
HIT = "gateway, hit, 16 connections"
MISS, ADDED = "gateway, passed through, 16 connections", "gateway, passed through, added median latency"
CLUSTERED, QUESTIONS = "vector-index/clustered/", "vector-index/questions/"
NEAREST_D = "10 nearest of 100,000 x 1,536, wanted recall 0.99"
NEAREST_R = "10 nearest of 100,000 questions x 384, wanted recall 0.99"
EXPERIMENT = "experiment, 10 variants x 8 metrics x 1,000 values"
PORTS = "1,000 ports of this machine, 20 open"
COMBINED = "72 requests at once, 69% duplicates, a local model"


def config_rows():
    """Every reader beside every other one of its syntax, by size; the targets are for 1 MB."""
    peers = {
        "yaml": (("pyyaml", "PyYAML"), ("pyyaml_c", "PyYAML, C loader"), ("ruamel", "ruamel.yaml"), ("yaml_cpp", "yaml-cpp"),
                 ("libfyaml", "libfyaml, its tree"), ("libyaml_events", "libyaml, events, no tree"),
                 ("rapidyaml", "rapidyaml, tree without values")),
        "toml": (("tomlplusplus", "toml++"), ("tomli", "tomli"), ("tomllib", "tomllib")),
        "json": (("simdjson", "simdjson, tree without places"), ("simdjson_fresh", "the same, a parser each time"),
                 ("orjson", "orjson"), ("json", "Python json")),
    }
    targets = {("yaml", "pyyaml"): {"at_most": 20e-3, "at_least": 100, "goal": "goal 8.7 ms"},
               ("toml", "tomlplusplus"): {"at_least": 1}, ("json", "simdjson"): {"at_least": 0.67}}
    rows = []
    for size, words in (("1k", "1 KB"), ("10k", "10 KB"), ("100k", "100 KB"), ("1m", "1 MB")):
        for syntax, others in peers.items():
            for name, title in others:
                target = targets.get((syntax, name), {}) if size == "1m" else {}
                rows.append(Row(f"{syntax.upper()}, {words}", f"config/{syntax}/assay/{size}", f"config/{syntax}/{name}/{size}",
                                title, **target))
    rows += [Row(f"{syntax.upper()}, 1 MB, the text copied as well", f"config/{syntax}/assay_copy/1m") for syntax in peers]
    rows.append(Row("YAML, 1 MB, with anchors and aliases", "config/yaml_anchored/assay/1m", "config/yaml_anchored/libfyaml/1m",
                    "libfyaml, its tree"))
    return tuple(rows)


ROWS = (
    *config_rows(),
    Row(SPOT_BATCH, SPOT + "batch/assay", SPOT + "batch/vectorscan", "Vectorscan, block mode, one buffer", at_most=60e-9,
        goal="goal 40 ns"),
    Row(SPOT_BATCH, SPOT + "batch/assay", SPOT + "single/re2_set", "re2::Set (has no batch)"),
    Row(SPOT_BATCH, SPOT + "batch/assay", "text/python_re", "Python re, loop over patterns"),
    Row("spotting, single calls", SPOT + "single/assay", SPOT + "single/vectorscan", "Vectorscan, block mode",
        at_most=120e-9),
    Row("spotting, single calls", SPOT + "single/assay", SPOT + "single/re2_set", "re2::Set"),
    Row("spotting, batch, two threads, wall", SPOT + "batch/assay_two_threads_wall", SPOT + "batch/assay_one_thread_wall",
        "one thread", at_least=1.8),
    Row(CACHE_BATCH, CACHE + "batch/assay/threads:1", CACHE + "single/unordered_map_mutex/threads:1",
        "unordered_map + mutex", at_most=100e-9, goal="goal 50 ns"),
    Row(CACHE_BATCH, CACHE + "batch/assay/threads:1", CACHE + "single/tbb_concurrent_hash_map/threads:1",
        "tbb::concurrent_hash_map"),
    Row("verdicts of known claims by shared memory, one at a time, wall", SHARED + "shared_memory/1", SHARED + "http/1",
        "POST /v1/claims/verify, kept connection"),
    Row("the same, 1,024 at a time, a claim, wall", SHARED + "shared_memory/1024", SHARED + "http/1024",
        "POST /v1/claims/verify, kept connection", at_most=360e-9),
    Row("the same, 1,024 at a time, a claim, wall", SHARED + "shared_memory/1024", SHARED + "in_process/1024",
        "a call in the process"),
    Row("cache get, 100,000 zipf keys of 64 bytes", GET + "assay/threads:1", TBB + "threads:1",
        "tbb::concurrent_hash_map, copy out", at_most=80e-9),
    Row("cache get, batch", GET + "assay_batch/threads:1", TBB + "threads:1", "tbb::concurrent_hash_map, copy out",
        at_most=40e-9),
    Row("cache get, batch, two threads, wall, of both", GET + "assay_batch/real_time/threads:2",
        TBB + "real_time/threads:2", "tbb::concurrent_hash_map, copy out", at_most=1 / 30e6),
    Row("disk tier, get 1 KB, in the page cache", TIERS + "disk_get/assay", TIERS + "disk_get/sqlite",
        "SQLite, WAL, mapped", at_least=1),
    Row("disk tier, put 1 KB that survives kill -9", TIERS + "disk_put/assay", TIERS + "disk_put/sqlite",
        "SQLite, WAL, synchronous=NORMAL", at_least=1),
    Row("disk tier, start with 1,000,000 entries, wall", TIERS + "disk_open/million", at_most=0.100),
    Row("the same after kill -9, 120,000 records behind the checkpoint", TIERS + "disk_open/million_after_kill"),
    Row("Redis tier, get 1 KB, 128 in a pipeline, an answer, wall", TIERS + "redis_batch/assay",
        TIERS + "redis_batch/hiredis", "hiredis, bytes only"),
    Row("semantic look-up, 1,000 questions, 8 candidates judged", "cache/semantic/transformer", at_most=2e-3),
    Row("the same where the static encoder rules a match out", "cache/semantic/ruled_out", at_most=60e-6),
    Row("WordPiece, a sentence", "text/wordpiece/sentences/assay", "text/wordpiece/sentences/encode_batch_fast",
        "tokenizers (Rust), encode_batch_fast", at_least=5),
    Row("WordPiece, a document", "text/wordpiece/documents/assay", "text/wordpiece/documents/encode_batch_fast",
        "tokenizers (Rust), encode_batch_fast", at_least=5),
    Row("Levenshtein, all pairs of 20 answers of 100 words", ALIKE + "assay/levenshtein", ALIKE + "rapidfuzz/levenshtein",
        "rapidfuzz, cdist", at_least=4),
    Row("Indel, all pairs of 20 answers of 100 words", ALIKE + "assay/indel", ALIKE + "rapidfuzz/indel", "rapidfuzz, cdist",
        at_least=4),
    Row("Jaro-Winkler, all pairs of 20 answers of 100 words", ALIKE + "assay/jaro_winkler", ALIKE + "rapidfuzz/jaro_winkler",
        "rapidfuzz, cdist"),
    Row("Jaccard of 20 answers of 100 words, from raw text", ALIKE + "assay/jaccard", ALIKE + "python/jaccard", "Python, sets",
        at_most=100e-6),
    Row("cosine of 20 answers of 100 words, from raw text", ALIKE + "assay/cosine", ALIKE + "python/cosine", "Python, Counter",
        at_most=100e-6),
    Row("consensus of 20 experts, 100 words, merged claims", MERGE + "EndToEnd/20", "consensus/python/end_to_end/20",
        "Python twin", at_least=35),
    Row("agreement, opinions, medoid: 5 experts", MERGE + "Sequential/5"),
    Row("agreement, opinions, medoid: 10 experts", MERGE + "Sequential/10"),
    Row("agreement, opinions, medoid: 20 experts", MERGE + "Sequential/20"),
    Row("agreement, opinions, medoid: 50 experts", MERGE + "Sequential/50"),
    Row("claims and encoder, 5 experts, two threads, wall", MERGE + "MergeParallel/5", MERGE + "MergeSequential/5", "one thread"),
    Row("claims and encoder, 10 experts, two threads, wall", MERGE + "MergeParallel/10", MERGE + "MergeSequential/10", "one thread"),
    Row("claims and encoder, 20 experts, two threads, wall", MERGE + "MergeParallel/20", MERGE + "MergeSequential/20", "one thread"),
    Row("claims and encoder, 50 experts, two threads, wall", MERGE + "MergeParallel/50", MERGE + "MergeSequential/50", "one thread"),
    Row("aggregation of 20 answers of 10 words", MERGE + "rate/Words/10"),
    Row("aggregation of 20 answers of 50 words", MERGE + "rate/Words/50"),
    Row("aggregation of 20 answers of 100 words", MERGE + "rate/Words/100"),
    Row("aggregation of 20 answers of 500 words", MERGE + "rate/Words/500"),
    Row("memory of 1,000 experts and 2,048 questions", "consensus/memory"),
    Row("history of 10,000 exchanges, 10 patterns", MERGE + "Patterns/10"),
    Row("history of 10,000 exchanges, 200 patterns", MERGE + "Patterns/200"),
    Row("static encoder, a sentence", "embed/assay/static-minilm-256/single", at_most=15e-6),
    Row("transformer, one sentence a call", MINILM + "single", OPENVINO + "single", "OpenVINO through Python", at_least=1),
    Row("transformer, batch, a sentence", MINILM + "batch", OPENVINO + "batch_sorted",
        "OpenVINO through Python, sorted by length", at_least=1.3),
    Row("transformer, batch, a sentence", MINILM + "batch", OPENVINO + "batch", "OpenVINO through Python, order as given"),
    Row(CROSS_ROW.format(16), CROSS + "assay/batch/16", CROSS + "openvino_python/batch_sorted/16",
        "OpenVINO through Python, sorted by length", at_least=1.2),
    Row(CROSS_ROW.format(16), CROSS + "assay/batch/16", CROSS + "openvino_python/batch/16",
        "OpenVINO through Python, order as given"),
    Row(CROSS_ROW.format(32), CROSS + "assay/batch/32", CROSS + "openvino_python/batch_sorted/32",
        "OpenVINO through Python, sorted by length", at_least=1.2),
    Row(CROSS_ROW.format(32), CROSS + "assay/batch/32", CROSS + "openvino_python/batch/32",
        "OpenVINO through Python, order as given"),
    Row("cross-encoder, two callers at once, a pair, wall", CROSS + "assay/callers/2/streams/2",
        CROSS + "assay/callers/2/streams/1", "one stream"),
    Row(BM25_ROW, "corpus/bm25/assay", "corpus/bm25/bm25s", "bm25s", at_least=2),
    Row(BM25_ROW, "corpus/bm25/assay", "corpus/bm25/tantivy", "tantivy", at_least=2),
    Row("`assay check`, 10 claims, warm index, wall", "cli/check/wall", at_most=0.150),
    Row("`assay check`, peak memory", "cli/check/peak"),
    Row("`assay check --checker`, 10 claims, warm index, wall", "cli/with_checker/wall", at_most=0.400),
    Row("open an index of 100,000 passages, 52 MB", "corpus/index/open/sentences", at_most=0.010),
    Row("open an index of 15,000 passages, 8 MB, checked whole", "corpus/index/open/checked", at_most=0.010),
    Row(EXPERIMENT, "experiments/analyze/assay", "experiments/analyze/numpy", "numpy with scipy's stdtr, p-values alone",
        at_most=100e-6, at_least=1, goal="goal 0.10 ms"),
    Row(EXPERIMENT, "experiments/analyze/assay", "experiments/analyze/scipy", "scipy.stats.ttest_ind, 72 calls"),
    Row(EXPERIMENT, "experiments/analyze/assay", "experiments/analyze/python", "plain Python", at_least=500),
    Row("bootstrap, 10,000 resamples of two samples of 1,000", "experiments/bootstrap/assay", "experiments/bootstrap/numpy",
        "numpy", at_least=8),
    Row("opportunities in 8 series of 1,000 values", "experiments/opportunities/assay", "experiments/opportunities/python",
        "plain Python", at_least=50),
    Row("one evaluation, Rastrigin's function, differential evolution", "tuner/differential/Rastrigin",
        "tuner/scipy differential_evolution/Rastrigin", "scipy differential_evolution"),
    Row("one evaluation, Rastrigin's function, annealing", "tuner/annealing/Rastrigin",
        "tuner/scipy dual_annealing, no local search/Rastrigin", "scipy dual_annealing"),
    Row(PORTS, "scan/scan/assay", "scan/process/nmap", "nmap -sT -n -T5, the whole program", at_most=8e-3, at_least=5,
        goal="goal 5 ms"),
    Row(PORTS, "scan/scan/assay", "scan/scan/python", "Python, blocking connects one by one"),
    Row("the same by `assay scan --open-only`, the whole program", "scan/process/assay", "scan/process/nmap",
        "nmap -sT -n -T5, the whole program"),
    Row("the same, from a kept result", "scan/cached/assay", "scan/scan/python", "Python, blocking connects one by one",
        at_most=0.8e-3),
    Row("templates of 888,000 log lines, 100 MB, a line", TEMPLATES + "repeated/assay", TEMPLATES + "repeated/drain3",
        "drain3 with three masks", at_most=500e-9, at_least=15),
    Row("the same of lines that never repeat", TEMPLATES + "distinct/assay", TEMPLATES + "distinct/drain3",
        "drain3 with three masks", at_most=500e-9, at_least=15),
    Row("the same without cutting off time, level and source", TEMPLATES + "distinct/assay_contents"),
    Row("levels, times and sources of the 888,000 lines, a line", LOGS + "repeated/assay", LOGS + "repeated/python",
        "Python re, a loop over the lines", at_most=125e-9),
    Row("the same of lines that never repeat", LOGS + "distinct/assay", LOGS + "distinct/python",
        "Python re, a loop over the lines", at_most=125e-9),
    Row("the same and lines with five texts, a line", LOGS + "repeated/assay_patterns", LOGS + "repeated/grep",
        "grep -E -c, the five texts alone", at_most=125e-9),
    Row("one count, a metric", "telemetry/counter/assay/threads:1", "telemetry/counter/prometheus_cpp/threads:1",
        "prometheus-cpp", at_most=5e-9),
    Row("one count, a metric, two threads, CPU of each", "telemetry/counter/assay/threads:2",
        "telemetry/counter/prometheus_cpp/threads:2", "prometheus-cpp", at_most=5e-9),
    Row("one observation of a histogram", "telemetry/histogram/assay/threads:1",
        "telemetry/histogram/prometheus_cpp/threads:1", "prometheus-cpp, 27 buckets", at_most=5e-9),
    Row("one line of the log, cost to its thread", "telemetry/log/assay", "telemetry/log/spdlog_async",
        "spdlog, asynchronous", at_least=1),
    Row("AES-256-GCM, 1 KiB, batch, one thread", "crypto/seal/assay_batch", "crypto/seal/openssl_kept",
        "OpenSSL, context kept", at_least=0.95),
    Row("AES-256-GCM, 1 KiB, batch, one thread", "crypto/seal/assay_batch", "crypto/seal/openssl_naive",
        "OpenSSL, context a message"),
    Row("AES-256-GCM, 1 KiB, batch, one thread", "crypto/seal/assay_batch", "crypto/seal/python_cryptography",
        "Python cryptography"),
    Row("AES-256-GCM, 10,000 of 1 KiB, two threads", "crypto/seal/assay_10000_two_threads", "crypto/seal/assay_10000",
        "one thread", at_least=1.8),
    Row("AES-256-GCM, opening 1 KiB, batch", "crypto/open/assay_batch", "crypto/open/openssl_kept",
        "OpenSSL, context kept", at_least=0.95),
    Row("HMAC-SHA256, 1 KiB, batch, one thread", "crypto/hmac/assay_batch", "crypto/hmac/openssl_kept",
        "OpenSSL, context kept", at_least=0.95),
    Row("HMAC-SHA256, 1 KiB, batch, one thread", "crypto/hmac/assay_batch", "crypto/hmac/openssl_one_shot",
        "OpenSSL, one shot"),
    Row("HMAC-SHA256, 1 KiB, batch, one thread", "crypto/hmac/assay_batch", "crypto/hmac/python_cryptography",
        "Python cryptography"),
    Row("HMAC-SHA256, 10,000 of 1 KiB, two threads", "crypto/hmac/assay_10000_two_threads", "crypto/hmac/assay_10000",
        "one thread", at_least=1.8),
    Row("Argon2id, 19 MiB, 2 passes, a hash", "crypto/argon2/assay_batch", "crypto/argon2/libsodium", "libsodium",
        at_least=0.95),
    Row("Argon2id, 19 MiB, 2 passes, a hash", "crypto/argon2/assay_batch", "crypto/argon2/libargon2", "libargon2"),
    Row("Argon2id, 19 MiB, 2 passes, a hash", "crypto/argon2/assay_batch", "crypto/argon2/argon2_cffi", "argon2-cffi"),
    Row("Argon2id, two threads, a hash", "crypto/argon2/assay_batch_two_threads", "crypto/argon2/assay_batch",
        "one thread", at_least=1.8, goal="where memory allows"),
    Row("API key: who asks", "crypto/keys/authenticate", at_most=1e-6),
    Row(HIT, "gateway/rate/assay_hit/16", "gateway/rate/static/16", "nginx, static answer", at_least=0.85, goal="goal 1"),
    Row("the same, 1 connection", "gateway/rate/assay_hit/1", "gateway/rate/static/1", "nginx, static answer",
        at_least=0.85, goal="goal 1"),
    Row("the same, median latency", "gateway/median/assay_hit/1", "gateway/median/static/1", "nginx, static answer",
        at_most=30e-6),
    Row(MISS, "gateway/rate/assay_miss/16", "gateway/rate/proxy/16", "nginx, its upstream in the same process",
        at_least=0.85),
    Row(MISS, "gateway/rate/assay_miss/16", "gateway/rate/proxy_apart/16", "nginx, its upstream in another process"),
    Row(MISS, "gateway/rate/assay_miss/16", "gateway/rate/haproxy/16", "HAProxy"),
    Row(MISS, "gateway/rate/assay_miss/16", "gateway/rate/portkey/16", "Portkey", at_least=20),
    Row(MISS, "gateway/rate/assay_miss/16", "gateway/rate/litellm/16", "LiteLLM", at_least=200),
    Row("gateway, passed through, 1 connection", "gateway/rate/assay_miss/1", "gateway/rate/proxy/1",
        "nginx, its upstream in the same process"),
    Row(ADDED, "gateway/added/assay_miss", "gateway/added/proxy", "nginx", at_most=25e-6),
    Row(ADDED, "gateway/added/assay_miss", "gateway/added/haproxy", "HAProxy"),
    Row("gateway, resident memory, idle", "gateway/memory/idle", "gateway/memory/litellm", "LiteLLM, after its runs",
        at_most=40e6),
    Row("gateway, resident memory, 100,000 answers of 1 KB", "gateway/memory/100000", at_most=180e6),
    Row(COMBINED, "gateway/combined/assay/wall", "gateway/combined/direct/wall", "asked directly"),
    Row("the same: calls of the model", "gateway/combined/assay/calls", "gateway/combined/direct/calls", "asked directly"),
    Row("the same: share answered without a call", "gateway/combined/assay/saved"),
    Row("the same questions again: hits a second", "gateway/combined/assay/hits"),
    Row("replay, 100,000 requests, 10,000 questions by Zipf's law", "gateway/replay/rate"),
    Row("replay: share of hits", "gateway/replay/saved"),
    Row("replay: calls of the upstream", "gateway/replay/calls"),
    Row("replay: median latency, 16 connections", "gateway/replay/median"),
    Row("replay: 99% are faster than", "gateway/replay/p99"),
    *(Row(f"CPU a {kind}, {count} gateways that share Redis", f"scale/{name}/{count}", f"scale/{name}/1", "one gateway",
          at_least=0.9) for kind, name in (("hit", "hit"), ("miss", "miss")) for count in (2, 3)),
    *(Row(f"the same: CPU of Redis a miss, {count} gateways", f"scale/redis_miss/{count}", "scale/redis_miss/1",
          "one gateway") for count in (2, 3)),
    Row(NEAREST_D, CLUSTERED + "qps/assay_wanted_0_99", CLUSTERED + "qps/usearch_b1_ef_128_100_compared",
        "usearch b1, 100 compared (recall 0.991)", at_least=2),
    Row(NEAREST_D, CLUSTERED + "qps/assay_wanted_0_99", CLUSTERED + "qps/hnswlib_m_16_ef_128", "hnswlib, ef 128 (0.993)"),
    Row(NEAREST_D, CLUSTERED + "qps/assay_wanted_0_99", CLUSTERED + "qps/faiss_flat", "faiss Flat (1)"),
    Row(NEAREST_D, CLUSTERED + "qps/assay_wanted_0_99", CLUSTERED + "qps/faiss_ivf256_sq8_nprobe_64",
        "faiss IVF256,SQ8, nprobe 64 (0.954)"),
    Row(NEAREST_D, CLUSTERED + "qps/assay_wanted_0_99", CLUSTERED + "qps/faiss_ivf256_pq96_nprobe_64",
        "faiss IVF256,PQ96, nprobe 64 (0.55)"),
    Row("the same, memory a vector", CLUSTERED + "bytes/assay", CLUSTERED + "bytes/usearch_b1",
        "usearch b1, besides the float rows", at_most=430),
    Row("the same, building the index, CPU time", CLUSTERED + "build/assay", CLUSTERED + "build/faiss_ivf256_pq96",
        "faiss IVF256,PQ96", at_least=10),
    Row(NEAREST_R, QUESTIONS + "qps/assay_wanted_0_99", QUESTIONS + "qps/usearch_b1_ef_256_200_compared",
        "usearch b1, 200 compared"),
    Row(NEAREST_R, QUESTIONS + "qps/assay_wanted_0_99", QUESTIONS + "qps/hnswlib_m_16_ef_256", "hnswlib, ef 256"),
    # Not asked for, but good to know.
    Row("API key: who asks, may it, charge it", "crypto/keys/whole_request/threads:1"),
    Row("API key: the same, two threads, CPU of each", "crypto/keys/whole_request/threads:2"),
    Row("AES-256-GCM, 1,000 of 1 KiB, two threads", "crypto/seal/assay_batch_two_threads", "crypto/seal/assay_batch",
        "one thread"),
    Row("HMAC-SHA256, 1,000 of 1 KiB, two threads", "crypto/hmac/assay_batch_two_threads", "crypto/hmac/assay_batch",
        "one thread"),
    Row("AES-256-GCM, 1 KiB, single calls", "crypto/seal/assay_single", "crypto/seal/openssl_kept",
        "OpenSSL, context kept"),
    Row("HMAC-SHA256, 1 KiB, single calls", "crypto/hmac/assay_single", "crypto/hmac/openssl_kept",
        "OpenSSL, context kept"),
    Row("open an index, the handbook", "corpus/index/open/docs"),
    Row("`assay check`, CPU time of the process", "cli/check/cpu"),
    Row("checking 10 claims, program already running", "cli/inside/check"),
    Row("`assay index` of the handbook, wall", "cli/index/wall"),
    Row("index 100,000 sentences in memory, with vectors", "corpus/index/build/sentences"),
    Row("verdict cache, batch, two threads, CPU of each", CACHE + "batch/assay/threads:2",
        CACHE + "single/unordered_map_mutex/threads:2", "unordered_map + mutex"),
    Row("verdict cache, single calls", CACHE + "single/assay/threads:1",
        CACHE + "single/unordered_map_mutex/threads:1", "unordered_map + mutex"),
    Row("cache get, two threads, wall, of both", GET + "assay/real_time/threads:2", TBB + "real_time/threads:2",
        "tbb::concurrent_hash_map, copy out"),
    Row("cache get, one thread", GET + "assay/threads:1", LRU + "threads:1", "LRU in 16 parts with mutexes"),
    Row("extract the claims of 100 words", "claims/extractor/BM_Extract"),
    Row("UTF-8 validation", "text/segment/FindUtf8Error"),
    Row("sentence splitting", "text/segment/SplitSentences"),
    Row("word splitting", "text/segment/SplitWords"),
    Row("top 10 of 100,000 x 384 float32, one query", "vector/BM_FloatSingle", "vector/numpy_single", "numpy"),
    Row("top 10 of 100,000 x 384 float32, batch, a query", "vector/BM_FloatBatch", "vector/numpy_batch", "numpy"),
    Row("top 10 of 100,000 x 384 int8, batch, a query", "vector/BM_Int8Batch", "vector/numpy_batch",
        "numpy, float32"),
    Row("4,000 x 384: all similarities, a row", "vector/BM_SimilarityMatrix", "vector/numpy_similarity_matrix",
        "numpy, OpenBLAS's syrk"),
    Row("4,000 x 384: the 10 most similar to each row, a row", "vector/BM_MostSimilarRows", "vector/numpy_most_similar",
        "numpy"),
    Row("a search asked before, of the result cache", "vector/BM_CachedResult"),
    Row("decode 1 GB of float32 vectors, lossless", "vector/codec/float32", "vector/codec/float32/pcodec_8",
        "pcodec, level 8"),
    Row("decode 1 GB of vectors of bfloat16 precision", "vector/codec/bfloat16", "vector/codec/bfloat16/pcodec_8",
        "pcodec, level 8"),
    Row("encode 1 GB of float32 vectors, lossless", "vector/codec/float32/encode",
        "vector/codec/float32/pcodec_8/encode", "pcodec, level 8"),
    Row("encode 1 GB of vectors of bfloat16 precision", "vector/codec/bfloat16/encode",
        "vector/codec/bfloat16/pcodec_8/encode", "pcodec, level 8"),
    Row("read a stored vector, packed", "vector/store/read_packed", "vector/store/read/sqlite", "SQLite, Python",
        at_most=10e-6),
    Row("read a stored vector, a difference to its base", "vector/store/read_drifted", "vector/store/read/sqlite",
        "SQLite, Python", at_most=10e-6),
    Row("update a stored vector, durably", "vector/store/durable_update", "vector/store/update/sqlite",
        "SQLite, WAL, Python", at_most=10e-3),
)
_SCALES = {
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")),
    "B": ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")),
    "B/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1, "B/s")),
    "1/s": ((1, "/s"),),
    "": ((1, ""),),
}


def show(value, unit):
    """A value with three significant digits and the unit that fits: 3.8e-08 s is 38.0 ns."""
    if not unit and value == int(value):
        return f"{value:,.0f}"
    scale, name = next((pair for pair in _SCALES[unit] if abs(value) >= pair[0]), _SCALES[unit][-1])
    scaled = value / scale
    text = f"{scaled:,.0f}" if scaled >= 99.95 else f"{scaled:.1f}" if scaled >= 9.995 else f"{scaled:.2f}"
    return text + (" " if name[:1].isalpha() else "") + name


def show_bound(value, unit):
    """A bound as a person writes it: 0.15 s is 150 ms."""
    scale, name = next((pair for pair in _SCALES[unit] if value >= pair[0]), _SCALES[unit][-1])
    return f"{value / scale:g} {name}"


def is_rate(unit):
    return unit.endswith("/s")


def spread(runs):
    """Half the range of the runs, as a share of their median."""
    middle = statistics.median(runs)
    return (max(runs) - min(runs)) / 2 / middle if middle else 0.0


def why_missing(results, name):
    for key, reason in results.get("missing", {}).items():
        if name == key or name.startswith(key.rstrip("/") + "/"):
            return reason
    return "not measured"


@dataclass(frozen=True)
class Line:
    """One printed row. `met` is True, False or None where there is no target or no measurement."""

    what: str
    ours: str
    peer: str
    ratio: str
    target: str
    met: bool | None
    has_target: bool
    short_by: float = 0.0  # how far a missed target is away, as a share of it


def _cell(series):
    return f"{show(statistics.median(series['runs']), series['unit'])} ±{spread(series['runs']):.0%}"


def _target(row, unit):
    if row.at_most is not None:
        text = f"at most {show_bound(row.at_most, unit)}"
    elif row.at_least is not None:
        text = f"at least {row.at_least:g} x"
    else:
        return ""
    return f"{text}, {row.goal}" if row.goal else text


def _ratio(row, ours, peer, is_rate):
    """How many times as fast as the peer. Where the sides of a round run one right after the other, a round's ratio holds
    although the machine is faster in one round than in another: then the median of these."""
    paired = row.ours.startswith("gateway/rate/") and len(ours["runs"]) == len(peer["runs"])
    pairs = zip(ours["runs"], peer["runs"]) if paired else [(statistics.median(ours["runs"]), statistics.median(peer["runs"]))]
    return statistics.median(mine / theirs if is_rate else theirs / mine for mine, theirs in pairs)


def line_of(row, results):
    ours, peer = results["series"].get(row.ours), results["series"].get(row.peer)
    unit = ours["unit"] if ours else "s"
    ratio, met, short_by = None, None, 0.0
    if ours and peer:
        ratio = _ratio(row, ours, peer, is_rate(unit))
    if ours and row.at_most is not None:
        short_by = statistics.median(ours["runs"]) / row.at_most - 1
        met = short_by <= 0
    elif ratio is not None and row.at_least is not None:
        short_by = 1 - ratio / row.at_least
        met = short_by <= 0
    if not row.peer:
        peer_cell = "-"
    elif peer:
        peer_cell = f"{row.peer_name}: {_cell(peer)}"
    elif not ours:
        peer_cell = row.peer_name
    else:
        peer_cell = f"{row.peer_name}: {why_missing(results, row.peer)}"
    return Line(row.what, _cell(ours) if ours else why_missing(results, row.ours), peer_cell,
                f"{ratio:.2f}" if ratio is not None else "-", _target(row, unit), met, row.has_target, max(short_by, 0.0))


def lines_of(results):
    """The rows of the groups that were run, those with a target (or beside one) first."""
    return [line_of(row, results) for row in ROWS if row.group in results["groups"]]


def verdict(line):
    if not line.has_target:
        return ""
    return {True: "yes", False: "NO", None: "?"}[line.met]


HEAD = ("what", "ours", "peer", "ratio", "target", "met")


def _cells(line):
    return (line.what, line.ours, line.peer, line.ratio, line.target, verdict(line))


def terminal_table(results):
    cells = [HEAD, *(_cells(line) for line in lines_of(results))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEAD))]
    out = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    out.insert(1, "  ".join("-" * width for width in widths))
    lines = lines_of(results)
    targets = [line for line in lines if line.has_target]
    out.append("")
    out.append(f"{sum(line.met is True for line in targets)} of {len(targets)} targets met")
    out += [f"missed: {line.what} ({line.ratio if line.ratio != '-' else line.ours}; {line.target}; by {line.short_by:.0%})"
            for line in targets if line.met is False]
    out += [f"not measured: {line.what}" for line in targets if line.met is None]
    return "\n".join(out)


def _markdown_rows(lines, columns):
    yield "| " + " | ".join(HEAD[:columns]) + " |"
    yield "|---|---:|---|---:" + "|---" * (columns - 4) + "|"
    for line in lines:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(line)[:columns]) + " |"


def _quietness(machine):
    if machine["cpu_share"] is None:
        return f"load before the run {machine['load_before']:.1f}"
    return f"load before the run {machine['load_before']:.1f}; a thread had {machine['cpu_share']:.0%} of a core"


def markdown(results):
    """What stands between the markers of docs/benchmarks.md."""
    machine = results["machine"]
    lines = lines_of(results)
    # A row without a target explains the row above it when it has the same subject.
    wanted = {line.what for line in lines if line.has_target} | {"`assay check`, peak memory"}
    main = [line for line in lines if line.what in wanted]
    rest = [line for line in lines if line.what not in wanted]
    commit = results["commit"] + (" with local changes" if results.get("dirty") else "")
    peers = ", ".join(f"{name} {version}" for name, version in sorted(results["peers"].items()))
    targets = [line for line in lines if line.has_target]
    out = [
        f"Measured {results['date']} by `{results['command']}` at commit {commit}"
        f"{', short runs' if results.get('quick') else ''}; {results['rounds']} interleaved runs of each side.",
        "",
        f"- Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB; SIMD target "
        f"{machine['simd']}; {_quietness(machine)}.",
        f"- Built by {results['compiler']}, `{results['flags']}`.",
        f"- Peers: {peers}.",
        f"- Data: {results['data']}.",
        "",
        *_markdown_rows(main, 6),
        "",
        f"{sum(line.met is True for line in targets)} of {len(targets)} targets met.",
    ]
    missed = [line for line in targets if line.met is False]
    if missed:
        out += ["Missed:", ""]
        out += [f"- {line.what}: {line.ratio + ' x' if line.ratio != '-' and 'x' in line.target else line.ours}, "
                f"target {line.target} ({line.short_by:.0%} short)" for line in missed]
    if rest:
        out += ["", "Also measured:", "", *_markdown_rows(rest, 4)]
    return "\n".join(out)


def replace_between_markers(text, content, begin=BEGIN, end=END):
    """Returns `text` with `content` between the markers. Raises ValueError when they are not there once each."""
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the document needs {begin} and {end} once each, in this order")
    head, rest = text.split(begin)
    return f"{head}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def rewrite_document(text, results):
    """Returns docs/benchmarks.md with each section replaced all of whose groups were measured."""
    for begin, end, groups in SECTIONS:
        if set(groups) <= set(results["groups"]):
            text = replace_between_markers(text, markdown({**results, "groups": groups}), begin, end)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--docs", type=Path, help="document whose part between the markers is replaced")
    options = parser.parse_args()
    results = json.loads(options.results.read_text(encoding="utf-8"))
    print(terminal_table(results))
    if options.docs:
        text = options.docs.read_text(encoding="utf-8")
        options.docs.write_text(rewrite_document(text, results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

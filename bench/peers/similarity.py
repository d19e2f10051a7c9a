#!/usr/bin/env python3
"""Times rapidfuzz, scikit-learn's formula in plain Python and bench/similarity_bench on the same texts, taking turns.

usage: similarity.py PROGRAM ROUNDS

20 answers of about 100 words to one question, made with a seed: each keeps most of a shared text and changes the rest.
Prints one JSON object: versions, and seconds of each round for a whole matrix of 190 pairs.
"""

import json
import math
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

import rapidfuzz
from rapidfuzz import process
from rapidfuzz.distance import Indel, JaroWinkler, Levenshtein

ANSWERS, WORDS = 20, 100
VOCABULARY = """the of a cache stores answers that were given before so a repeated question costs nothing when entries are
old they leave memory by a policy which prefers what is asked often and small values over large ones because each byte
has its price while latency stays low for most clients even under load if many threads read at once no lock is taken
documents change verdicts follow them within seconds and every claim carries evidence with its file line score""".split()


def make_texts():
    rng = random.Random(20240603)
    shared = rng.choices(VOCABULARY, k=WORDS)
    texts = []
    for _ in range(ANSWERS):
        words = [word if rng.random() < 0.6 else rng.choice(VOCABULARY) + rng.choice(("", "", "s", "ing")) for word in shared]
        del words[rng.randrange(WORDS)]
        texts.append(" ".join(words).capitalize() + ".")
    return texts


def jaccard(texts):
    bags = [set(re.findall(r"[^\W_]+", text.lower())) for text in texts]
    return [[len(a & b) / len(a | b) for b in bags] for a in bags]


def cosine(texts):
    bags = [Counter(re.findall(r"[^\W_]+", text.lower())) for text in texts]
    norms = [math.sqrt(sum(count * count for count in bag.values())) for bag in bags]
    return [[sum(count * b[word] for word, count in a.items()) / (x * y) for b, y in zip(bags, norms)] for a, x in zip(bags, norms)]


PEERS = {
    "rapidfuzz/levenshtein": lambda texts: process.cdist(texts, texts, scorer=Levenshtein.normalized_similarity, dtype="float64", workers=1),
    "rapidfuzz/indel": lambda texts: process.cdist(texts, texts, scorer=Indel.normalized_similarity, dtype="float64", workers=1),
    "rapidfuzz/jaro_winkler": lambda texts: process.cdist(texts, texts, scorer=JaroWinkler.normalized_similarity, dtype="float64", workers=1),
    "python/jaccard": jaccard,
    "python/cosine": cosine,
}
OURS = {"Edit/levenshtein": "levenshtein", "Edit/indel": "indel", "Edit/jaro_winkler": "jaro_winkler", "Jaccard": "jaccard",
        "Shingles": "shingles", "Cosine": "cosine"}


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    texts = make_texts()
    runs = {name: [] for name in (*PEERS, *(f"assay/{name}" for name in OURS.values()))}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file, tempfile.NamedTemporaryFile(suffix=".json") as report:
        file.write("".join(text + "\n" for text in texts))
        file.flush()
        for _ in range(rounds):
            for name, peer in PEERS.items():
                best = math.inf
                for _ in range(3):
                    begin = time.process_time()
                    peer(texts)
                    best = min(best, time.process_time() - begin)
                runs[name].append(best)
            said = subprocess.run([program, file.name, "--benchmark_min_time=0.02", f"--benchmark_out={report.name}"],
                                  check=True, capture_output=True, text=True).stdout
            sums = [float(value) for value in said.split("\n")[0].split()[1:]]
            wanted = [float(PEERS[f"rapidfuzz/{name}"](texts).sum()) for name in ("levenshtein", "indel")]
            if any(abs(a - b) > 1e-9 for a, b in zip(sums, wanted)):
                raise SystemExit(f"the matrices differ: {sums} and {wanted}")
            for one in json.load(open(report.name, encoding="utf-8"))["benchmarks"]:
                runs[f"assay/{OURS[one['name']]}"].append(one["cpu_time"] * 1e-9)
    print(json.dumps({"versions": {"rapidfuzz": rapidfuzz.__version__}, "runs_s": runs,
                      "characters": sum(map(len, texts)) / len(texts)}))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Times a pure-Python twin of the consensus beside bench/consensus_bench on the same answers, taking turns.

usage: consensus.py PROGRAM MODELS ROUNDS

The twin: word-count cosines of all pairs, clusters by average linkage, the medoid, and a merged text of the sentences
that at least half of the experts say with the same numbers. 50 experts answer with 10 sentences of about ten words, made
with a seed; the two must choose the same medoid and the same sentences. Prints one JSON object.
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

EXPERTS, SENTENCES = 50, 10
TEMPLATES = (
    "Full-time employees receive {} days of paid annual leave each calendar year.",
    "The head office in Hamburg opened its doors in the year {}.",
    "Travel expenses above {} euros need a written approval by the manager.",
    "Every laptop is replaced with a newer model after {} years of service.",
    "The probation period of all new contracts lasts {} months without exception.",
    "Customers reach the support team by telephone within {} minutes on average.",
    "The canteen serves about {} warm meals on an ordinary working day.",
    "Passwords must consist of at least {} characters and one special sign.",
    "The annual report is published {} weeks after the end of the year.",
    "Visitors may park their cars in the garage for up to {} hours.",
)
RIGHT = (27, 1998, 150, 4, 6, 3, 240, 14, 9, 5)
SAME, NEAR, QUORUM = 0.75, 0.7, 0.5


def make_answers():
    rng = random.Random(20250107)
    answers = []
    for _ in range(EXPERTS):
        picked = [(template.format(right if rng.random() < 0.7 else right + rng.randrange(1, 30)))
                  for template, right in zip(TEMPLATES, RIGHT)]
        answers.append(picked)
    return answers


def bag(text):
    return Counter(re.findall(r"[^\W_]+", text.lower()))


def cosine(a, b):
    dot = sum(count * b[word] for word, count in a.items())
    return dot / math.sqrt(sum(c * c for c in a.values()) * sum(c * c for c in b.values())) if a and b else float(not a and not b)


def clusters(agreement):
    groups = [[i] for i in range(len(agreement))]
    while len(groups) > 1:
        best, x, y = -1.0, 0, 0
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                value = sum(agreement[a][b] for a in groups[i] for b in groups[j]) / (len(groups[i]) * len(groups[j]))
                if value > best:
                    best, x, y = value, i, j
        if best < SAME:
            break
        groups[x] += groups.pop(y)
    return groups


def twin(answers):
    texts = [" ".join(sentences) for sentences in answers]
    bags = [bag(text) for text in texts]
    agreement = [[cosine(a, b) for b in bags] for a in bags]
    groups = clusters(agreement)
    medoid = max(range(len(texts)), key=lambda i: (round(sum(agreement[i]) - agreement[i][i], 9), -i))
    claims = [(i, sentence, bag(sentence), re.findall(r"\d+", sentence)) for i, text in enumerate(texts)
              for sentence in re.split(r"(?<=[.!?])\s+", text)]
    accepted = []
    for i, sentence, words, numbers in claims:
        makers = {i}
        opponents = set()
        for j, _, other, values in claims:
            if i != j and cosine(words, other) >= NEAR:
                (makers if numbers == values else opponents).add(j)
        if len(makers) >= max(2, QUORUM * len(texts)) and len(makers) > len(opponents - makers):
            accepted.append(sentence)
    return medoid, groups, list(dict.fromkeys(accepted))


def main():
    program, models, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    answers = make_answers()
    runs = {"python/end_to_end/20": []}
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file, tempfile.NamedTemporaryFile(suffix=".json") as report:
        file.write("".join("\t".join(sentences) + "\n" for sentences in answers))
        file.flush()
        for _ in range(rounds):
            begin = time.process_time()
            medoid, _, merged = twin(answers[:20])
            runs["python/end_to_end/20"].append(time.process_time() - begin)
            said = subprocess.run([program, file.name, models, "--benchmark_min_time=0.02", f"--benchmark_out={report.name}"],
                                  check=True, capture_output=True, text=True).stdout
            lines = dict(line.split(" ", 1) for line in said.splitlines()[:3])
            ours = sorted(re.split(r"(?<=[.!?])\s+", lines["merged"]))
            if int(lines["medoid"]) != medoid or ours != sorted(merged):
                raise SystemExit(f"the two differ: medoid {lines['medoid']} and {medoid}, merged {ours} and {sorted(merged)}")
            for one in json.load(open(report.name, encoding="utf-8"))["benchmarks"]:
                name = one["name"].removesuffix("/real_time")
                clock = "real_time" if one["name"].endswith("/real_time") else "cpu_time"
                if name.startswith("Words"):
                    runs.setdefault(f"assay/rate/{name}", []).append(one["bytes_per_second"])
                runs.setdefault(f"assay/{name}", []).append(one[clock] * 1e-9)
    print(json.dumps({"runs_s": {k: v for k, v in runs.items() if "/rate/" not in k},
                      "bytes_per_second": {k: v for k, v in runs.items() if "/rate/" in k},
                      "memory_bytes": int(lines["memory"])}))


if __name__ == "__main__":
    main()

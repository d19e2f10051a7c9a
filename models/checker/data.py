"""Reads the sets that may be trained on and writes the examples of the checker.

    data.py --data FOLDER --answers ragtruth.jsonl --out examples.jsonl

FOLDER is ASSAY_DATA; --answers is what `claim_eval .models ragtruth.jsonl --dump` wrote: sentences of answers with the
evidence that the verifier would show. An example is one line: evidence, claim, relation (0 supported, 1 contradicted,
2 not mentioned, 3 one of the last two, null for pairs), same (true, false or null), unsupported ([[begin, end]] in
characters of the claim, or null where nobody said), set, group, fold. Evaluation sets are read only to leave out what
they share with training. Everything is seeded.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import sys

from changes import names_of, one_change

SEED = 7
FOLDS = 5
LABELS = {"supported": 0, "contradicted": 1, "neutral": 2, "not_supported": 3, "partially_supported": 3}
# Set: rows used at most, the first of a seeded shuffle.
RELATIONS = {"vitaminc": 26000, "mnli_dev": 9815, "snli_dev": 9842, "conjnli": 3000, "breaking_nli": 3000,
             "negation_nli": 3000, "med": 2500, "help": 2500, "scitail_test": 2126}
NEVER_TRAINED_ON = ("nli/sick", "nli/rte", "nli/covidfact", "nli/scifact_rte", "nli/snli_test", "nli/becel_negational")
CHANGED = 12000  # one-fact changes of supported claims
MOST_EVIDENCE = 4  # sentences
SHINGLE = 5  # words
SHARED = 0.6  # of a text's shingles in one evaluation text: it is left out


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def fold_of(group):
    """FNV-1a modulo FOLDS, as in models/verifier/train.py."""
    value = 14695981039346656037
    for byte in str(group).encode():
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value % FOLDS


def plain(text):
    """Undoes the tokenised writing of VitaminC."""
    for token, sign in (("-LRB- ", "("), (" -RRB-", ")"), ("`` ", '"'), (" ''", '"')):
        text = text.replace(token, sign)
    return re.sub(r"\s+([.,;:!?%)']|n't\b)", r"\1", text)


def example(evidence, claim, relation, unsupported, name, group, same=None):
    return {"evidence": evidence, "claim": claim, "relation": relation, "same": same, "unsupported": unsupported,
            "set": name, "group": str(group), "fold": fold_of(group)}


def may_train(name, row):
    if name == "negation_nli":
        return row["set"] != "negation_rte"
    if name == "med":
        return not str(row.get("genre", "")).startswith("paper")
    return True


def relations(folder, rng):
    for name, most in RELATIONS.items():
        rows = [row for row in read(folder / "nli" / f"{name}.jsonl") if may_train(name, row)]
        rng.shuffle(rows)
        for row in rows[:most]:
            label = LABELS[row["label"]]
            yield example(plain(row["premise"]), plain(row["hypothesis"]), label, [] if label == 0 else None, name,
                          row.get("group", row["premise"]))


def wice(folder):
    evidence_of = {}
    for row in read(folder / "grounding/wice_claims.jsonl"):
        chosen = sorted({i for group in row["supporting"][:1] for i in group})
        evidence_of[row["id"]] = " ".join(row["evidence"][i] for i in chosen) or " ".join(row["evidence"][:3])
        yield example(evidence_of[row["id"]], row["claim"], LABELS[row["label"]], None, "wice", row["id"])
    for row in read(folder / "grounding/wice_tokens.jsonl"):
        evidence = " ".join(row["evidence"][i] for i in row["supporting"][0]) if row["evidence"] and row["supporting"] \
            else evidence_of.get(row["claim_id"])
        if not evidence:
            continue
        spans, at = [], 0
        for token, bad in zip(row["tokens"], row["unsupported"]):
            begin = row["claim"].find(token, at)
            if begin < 0:
                continue
            at = begin + len(token)
            if bad:
                spans.append([begin, at])
        yield example(evidence, row["claim"], LABELS[row["label"]], spans, "wice_tokens", row["claim_id"])


def answers(path):
    """Sentences of RAGTruth's answers, without one-fact changes: README.md has what came of those."""
    for row in read(path):
        spans = []
        for part in row["unsupported"]:
            begin = row["text"].find(part.strip())
            if part.strip() and begin >= 0:
                spans.append([begin, begin + len(part.strip())])
        evidence = " ".join(row["evidence"][:MOST_EVIDENCE])
        made = example(evidence, row["text"], row["truth"], spans, "ragtruth", row["group"])
        yield made | {"id": row["id"], "claim_index": row["claim"], "part": row["part"]}


def changed(examples, rng):
    """One-fact changes of claims that are supported by other words."""
    supported = [one for one in examples if one["relation"] == 0 and one["set"] in ("vitaminc", "mnli_dev", "snli_dev", "wice")]
    names = names_of(one["claim"] for one in supported)
    rng.shuffle(supported)
    for one in supported[:CHANGED]:
        change = one_change(one["claim"], names, rng)
        if change is not None:
            yield example(one["evidence"], change.text, 3, [[change.begin, change.end]], f"change_{change.kind}", one["group"])


def questions(folder, rng):
    """Pairs for the same-answer head; see the model card for what may be used."""
    rows = read(folder / "pairs/gptcache_mock.jsonl")
    for i, row in enumerate(rows):
        yield example(row["a"], row["b"], None, None, "reworded", row["a"], True)
        yield example(row["a"], rows[(i + rng.randrange(1, len(rows))) % len(rows)]["b"], None, None, "reworded", row["a"], False)
    intents = collections.defaultdict(list)
    for row in read(folder / "intents/banking77.jsonl"):
        if row["split"] == "train":
            intents[row["intent"]].append(row["text"])
    asked = [row["question"] for row in read(folder / "questions/nq_open.jsonl")]
    texts = [text for group in intents.values() for text in group] + asked
    names = names_of(texts)
    for text in texts:
        change = one_change(text, names, rng)
        if change is not None and (change.kind != "negation" or rng.random() < 0.2):
            yield example(text, change.text, None, None, f"question_change_{change.kind}", text, False)
    for intent, group in sorted(intents.items()):
        others = [text for name, texts in sorted(intents.items()) if name != intent for text in texts]
        for text in rng.sample(group, min(20, len(group))):
            yield example(text, rng.choice(others), None, None, "other_intent", intent, False)


def near_misses(path):
    for row in read(path):
        yield example(row["a"], row["b"], None, None, "near_misses", row["a"], bool(row["same"]))


# --- what evaluation and training share ---------------------------------------------------------------------------

def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return {hash(tuple(words[i:i + SHINGLE])) for i in range(max(1, len(words) - SHINGLE + 1))}


def held_out_index(folder):
    index = collections.defaultdict(set)
    number = 0
    for name in NEVER_TRAINED_ON:
        for row in read(folder / f"{name}.jsonl"):
            for text in (row["premise"] + " " + row["hypothesis"],):
                for shingle in shingles(text):
                    index[shingle].add(number)
                number += 1
    return index


def is_held_out(one, index):
    own = shingles(f"{one['evidence']} {one['claim']}")
    count = collections.Counter(number for shingle in own for number in index.get(shingle, ()))
    return bool(count) and max(count.values()) >= SHARED * len(own)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--answers", type=pathlib.Path, required=True)
    parser.add_argument("--near-misses", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2] / "tests/cache/near_misses.jsonl")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    rng = random.Random(SEED)
    examples = [*relations(options.data, rng), *wice(options.data)]
    examples += [*changed(examples, rng), *answers(options.answers), *questions(options.data, rng),
                 *near_misses(options.near_misses)]
    index = held_out_index(options.data)
    kept = [one for one in examples if one["set"] == "ragtruth" or not is_held_out(one, index)]
    with open(options.out, "w", encoding="utf-8") as out:
        for one in kept:
            out.write(json.dumps(one, ensure_ascii=False) + "\n")
    counts = collections.Counter(one["set"] for one in kept)
    for name, count in sorted(counts.items()):
        print(f"{count:7} {name}")
    print(f"{len(kept):7} examples; {len(examples) - len(kept)} left out, near an evaluation set", file=sys.stderr)


if __name__ == "__main__":
    main()

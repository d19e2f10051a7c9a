"""Question pairs of your own for the head that says whether two questions have the same answer.

    pairs.py examples PAIRS.jsonl... --out own.jsonl     both orders of every pair, as train.py reads them
    pairs.py served SCORES.jsonl [--wrong 0.05]          what a threshold that serves so many wrong would serve

A line of PAIRS.jsonl is {"a": question, "b": question, "same": true or false}. Questions that are joined by pairs get
one fold, so no question is on both sides. SCORES.jsonl is what `train.py scores --set own` wrote; the score of a pair is
the mean of both orders, as the semantic cache takes it.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

from data import example, read


def read_pairs(path):
    rows = read(path)
    for number, row in enumerate(rows, 1):
        if not isinstance(row.get("a"), str) or not isinstance(row.get("b"), str) or not isinstance(row.get("same"), bool):
            sys.exit(f'{path}:{number}: a pair is {{"a": question, "b": question, "same": true or false}}')
    return rows


def components(rows):
    """A name for each row: the first question of all that its two are joined with."""
    parent = {}

    def root(text):
        while parent.setdefault(text, text) != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for row in rows:
        parent[root(row["b"])] = root(row["a"])
    return [root(row["a"]) for row in rows]


def examples(options):
    rows = [row for path in options.pairs for row in read_pairs(path)]
    groups = components(rows)
    with open(options.out, "w", encoding="utf-8") as out:
        for number, (row, group) in enumerate(zip(rows, groups)):
            for first, second in (("a", "b"), ("b", "a")):
                one = example(row[first], row[second], None, None, "own", group, row["same"])
                out.write(json.dumps(one | {"id": number}, ensure_ascii=False) + "\n")
    print(f"{len(rows)} pairs, {len(set(groups))} groups", file=sys.stderr)


def most_served(scores, same, wrong):
    """The largest share with the highest scores of which at most `wrong` are not the same, and its lowest score."""
    order = np.argsort(-scores, kind="stable")
    faults = np.cumsum(~same[order])
    fits = np.flatnonzero(faults <= wrong * np.arange(1, len(order) + 1))
    return ((fits[-1] + 1) / len(order), float(scores[order[fits[-1]]])) if len(fits) else (0.0, 1.0)


def served(options):
    by_pair = {}
    for row in read(options.scores):
        by_pair.setdefault(row["id"], (row["same"], []))[1].append(row["pair"])
    same = np.array([one for one, _ in by_pair.values()], bool)
    scores = np.array([np.mean(both) for _, both in by_pair.values()])
    if same.all() or not same.any():
        sys.exit(f"{options.scores}: there must be pairs with the same answer and pairs without")
    ranks = np.argsort(np.argsort(scores)) + 1
    area = (ranks[same].sum() - same.sum() * (same.sum() + 1) / 2) / (same.sum() * (~same).sum())
    share, threshold = most_served(scores, same, options.wrong)
    print(f"{len(same)} pairs, {same.sum()} same: accuracy {np.mean((scores >= 0.5) == same):.3f}, area {area:.3f}; "
          f"{share:.3f} served at {threshold:.4f}, at most {options.wrong:g} of them wrong")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("examples")
    make.add_argument("pairs", type=pathlib.Path, nargs="+")
    make.add_argument("--out", type=pathlib.Path, required=True)
    make.set_defaults(run=examples)
    tell = commands.add_parser("served")
    tell.add_argument("scores", type=pathlib.Path)
    tell.add_argument("--wrong", type=float, default=0.05)
    tell.set_defaults(run=served)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()

"""How the extractor's claims compare with people's: PropSegmEnt propositions and FActScore facts.

  python models/claim_detection/measure_splitting.py --data $ASSAY_DATA/claim_decomposition

Prints, for each set: claims and references a sentence, the correlation of the two counts, the token F1
between each reference and the claim that fits it best (beside the same for the uncut sentence), and
the share of the claims' tokens that the sentence itself holds (1 - additions).
"""

import argparse
import json
import pathlib
import re
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tokens(text):
    return set(re.findall(r"\w+", text.lower()))


def f1(a, b):
    both = len(a & b)
    return 2 * both / (len(a) + len(b)) if both else 0.0


def load(folder):
    sets = {"PropSegmEnt": [], "FActScore": []}
    for line in open(folder / "propsegment.jsonl", encoding="utf-8"):
        row = json.loads(line)
        if row["propositions"]:
            sets["PropSegmEnt"].append((row["sentence"], [p["text"] for p in row["propositions"]]))
    for line in open(folder / "factscore.jsonl", encoding="utf-8"):
        row = json.loads(line)
        if row["facts"]:
            sets["FActScore"].append((row["sentence"], [f["text"] for f in row["facts"]]))
    return sets


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--program", default=str(ROOT / "build/release/src/claims/claim_features"))
    args = parser.parse_args()
    for name, rows in load(args.data).items():
        lines = "\n".join(s.replace("\n", " ") for s, _ in rows) + "\n"
        out = subprocess.run([args.program, "--claims"], input=lines, text=True, capture_output=True,
                             check=True).stdout.split("\n")[:-1]
        claims = [[c for c in line.split("\t") if c] for line in out]
        counts = np.array([len(c) for c in claims], float)
        references = np.array([len(r) for _, r in rows], float)
        best, whole, kept = [], [], []
        for (sentence, wanted), found in zip(rows, claims):
            own = tokens(sentence)
            for reference in wanted:
                whole.append(f1(tokens(reference), own))
                best.append(max((f1(tokens(reference), tokens(c)) for c in found), default=0.0))
            for claim in found:
                kept.append(len(tokens(claim) & own) / max(1, len(tokens(claim))))
        cut = counts > 1
        print(f"{name}: {len(rows)} sentences, {counts.mean():.2f} claims and {references.mean():.2f} "
              f"references each, {cut.mean():.1%} cut; count correlation "
              f"{np.corrcoef(counts, references)[0, 1]:.3f}; token F1 {np.mean(best):.3f} "
              f"(uncut {np.mean(whole):.3f}); claim tokens from the sentence {np.mean(kept):.4f}; "
              f"references of cut sentences {references[cut].mean():.2f}, of others "
              f"{references[~cut].mean():.2f}; without a claim {np.mean(counts == 0):.1%}")


if __name__ == "__main__":
    main()

"""Fits how the checker's scores and the verifier's own go together: the card's `mix`.

    mix.py --answers ragtruth.jsonl --scores fold0.jsonl ... --dumps FOLDER --held held.jsonl --held-scores scores.jsonl --out mix.json

--answers and --dumps are what `claim_eval --dump` wrote (features, verdict and risk of weights that never saw the group);
--scores are those of networks that did not see the fold. --held are rows of the sets that `train.py general` held back, as
`mix.py --select` writes them, and --held-scores what the final network says of them. Weights are fitted on claims that the
odds decided: there the mix alone decides (src/claims/verify/decide.cc). Needs numpy and scikit-learn.
"""

import argparse
import json
import pathlib
import re

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from data import fold_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = re.findall(r"X\((k\w+),", (ROOT / "src/claims/verify/features_internal.h").read_text(encoding="utf-8"))
SENTENCES, NEAR, NEAR_TOP = (NAMES.index(name) for name in ("kEvidenceSentences", "kNearMean", "kNearTopMean"))
# As in decide.cc.
MIN_DOCUMENT, MIN_NEAR, MIN_NEAR_TOP, EVEN_ODDS = 4, 0.5, 0.35, 1.1
UNSUPPORTED_WEIGHT = 3  # of an unsupported claim of RAGTruth, as in models/verifier/train.py
SHOWN = 3  # sentences that the verifier gives a checker
HELD_SETS = ("mnli_dev", "snli_dev", "vitaminc", "conjnli", "breaking_nli", "negation_nli", "med", "help", "scitail_test", "changes")
MANY = {"vitaminc": 0.5, "conjnli": 0.3, "breaking_nli": 0.3}  # weights of sets of which many rows are held back


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def log_odds(p):
    p = np.asarray(p, float)
    return np.log((p + 1e-4) / (1 - p + 1e-4))


class Claims:
    """Claims with the verifier's verdict and what a checker said of them."""

    def __init__(self, rows, scores):
        features = np.array([row["features"] for row in rows])
        self.part = np.array([row["set"] for row in rows])
        self.truth = np.array([row["truth"] != 0 for row in rows])
        self.verdict = np.array([row["verdict"] != 0 for row in rows])
        self.is_document = features[:, SENTENCES] >= MIN_DOCUMENT
        own = log_odds([row["risk"] for row in rows])
        supported = log_odds([1 - score["scores"][0] for score in scores])
        words = log_odds([max(score["tokens"] or [0]) for score in scores])
        self.x = np.column_stack([own, supported, words])
        apart = np.where(self.is_document, features[:, NEAR] < MIN_NEAR, features[:, NEAR_TOP] < MIN_NEAR_TOP)
        agrees = (own + np.where(self.is_document, EVEN_ODDS, 0) > 0) == self.verdict
        self.by_odds = ~np.array([row["rule"] for row in rows]) & ~apart & agrees

    def judged(self, mix):
        """Log odds and verdicts (True: not supported) with the checker."""
        odds = np.where(self.is_document, mixed(self.x, mix["documents"]), mixed(self.x, mix["sentences"]))
        even = odds + np.where(self.is_document, EVEN_ODDS, 0)
        return np.where(self.by_odds, odds, self.x[:, 0]), np.where(self.by_odds, even > 0, self.verdict)

    def part_of(self, name):
        part = object.__new__(Claims)
        part.__dict__ = {key: value[self.part == name] for key, value in self.__dict__.items()}
        return part


WEIGHTS = ("verifier", "supported", "words")  # the columns of Claims.x


def fit(x, truth, weight):
    """Weights by name; a column whose weight would be negative is left out."""
    columns = list(range(len(WEIGHTS)))
    while True:
        model = LogisticRegression(C=1).fit(x[:, columns], truth, weight)
        if model.coef_[0].min() > 0:
            break
        columns.pop(int(model.coef_[0].argmin()))
    found = {WEIGHTS[k]: round(float(v), 3) for k, v in zip(columns, model.coef_[0])}
    return {"bias": round(float(model.intercept_[0]), 3)} | found


def mixed(x, weights):
    return x @ [weights.get(name, 0) for name in WEIGHTS] + weights["bias"]


def calibration_error(truth, log_odds_):
    """Expected calibration error in ten bins of equal numbers (Naeini et al. 2015)."""
    p = 1 / (1 + np.exp(-log_odds_))
    return sum(abs(p[part].mean() - truth[part].mean()) * len(part) for part in np.array_split(np.argsort(p), 10)) / len(p)


def select(dumps, out):
    with open(out, "w", encoding="utf-8") as lines:
        for name in HELD_SETS:
            for row in read(dumps / f"{name}.jsonl"):
                group = str(row["group"])
                if fold_of(group) == 0 and fold_of(f"held {group}") == 0:
                    lines.write(json.dumps({
                        "evidence": " ".join(row["evidence"][:SHOWN]), "claim": row["text"], "relation": row["truth"],
                        "same": None, "unsupported": None, "set": "held", "group": group, "fold": 0,
                        "id": f"{name}|{row['id']}", "claim_index": row["claim"], "part": name}) + "\n")


def joined(rows, scores, key):
    said = {(score["id"], score["claim_index"]): score for score in scores}
    chosen = [row for row in rows if key(row) in said]
    return Claims(chosen, [said[key(row)] for row in chosen])


def report(name, claims, mix):
    score, verdict = claims.judged(mix)
    print(f"{name:14} {len(verdict):5}  right {accuracy_score(claims.truth, claims.verdict):.3f} -> "
          f"{accuracy_score(claims.truth, verdict):.3f}  balanced {balanced_accuracy_score(claims.truth, claims.verdict):.3f} -> "
          f"{balanced_accuracy_score(claims.truth, verdict):.3f}", end="")
    if len(set(claims.truth)) == 2:
        print(f"  area {roc_auc_score(claims.truth, claims.x[:, 0]):.3f} -> {roc_auc_score(claims.truth, score):.3f}"
              f"  calibration error {calibration_error(claims.truth, claims.x[:, 0]):.3f} -> "
              f"{calibration_error(claims.truth, score):.3f}", end="")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dumps", type=pathlib.Path, required=True)
    parser.add_argument("--select", type=pathlib.Path, help="write the held back rows here, and nothing else")
    parser.add_argument("--answers", type=pathlib.Path)
    parser.add_argument("--scores", type=pathlib.Path, nargs="+")
    parser.add_argument("--held-scores", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    if options.select:
        select(options.dumps, options.select)
        return
    answers = joined([row | {"set": "ragtruth"} for row in read(options.answers)],
                     [score for path in options.scores for score in read(path)], lambda row: (row["id"], row["claim"]))
    held = joined([row | {"set": name, "id": f"{name}|{row['id']}"} for name in HELD_SETS
                   for row in read(options.dumps / f"{name}.jsonl")], read(options.held_scores), lambda row: (row["id"], row["claim"]))
    documents = [claims.by_odds & claims.is_document for claims in (answers, held)]
    x = np.vstack([claims.x[use] for claims, use in zip((answers, held), documents)])
    truth = np.concatenate([claims.truth[use] for claims, use in zip((answers, held), documents)])
    weight = np.concatenate([np.where(answers.truth[documents[0]], UNSUPPORTED_WEIGHT, 1), np.ones(documents[1].sum())])
    mix = {"documents": fit(x, truth, weight)}
    use = held.by_odds & ~held.is_document
    mix["sentences"] = fit(held.x[use], held.truth[use], np.array([MANY.get(name, 1) for name in held.part[use]]))
    options.out.write_text(json.dumps(mix), encoding="utf-8")
    print(mix)
    report("ragtruth", answers, mix)
    for name in HELD_SETS:
        report(name, held.part_of(name), mix)


if __name__ == "__main__":
    main()

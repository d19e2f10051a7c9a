"""Trains the verifier's weights from the features that the C++ evaluator dumps (claim_eval --dump).

    train.py --dumps FOLDER --out src/claims/gen/verifier_model.inc --folds models/verifier/folds

FOLDER holds ragtruth.jsonl and the sets of NLI_SETS as dumps. Everything is seeded and runs on one thread, so the
same dumps give the same weights. Needs numpy, scikit-learn 1.7 and lightgbm 4.6 (not part of Assay's environment).

Parts: `swap` scores exchanged words, `unsupported` (trees and a linear model) gives P(not supported), `contradicted`
P(contradicted | not supported), `answer` combines the claims of an answer. Fold f holds the same parts trained without
every group (source_id, page, premise) whose FNV-1a hash is f modulo 5, so its figures on those groups are honest. The
answer model of fold f is trained on predictions of models that saw neither fold f nor the fold predicted.
"""

import argparse
import json
import pathlib
import warnings

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

FOLDS = 5
# Set: claims used at most (the first of a shuffle with a fixed seed) and their weight in training.
NLI_SETS = {
    "vitaminc": 12000, "mnli_dev": 6000, "snli_dev": 5000, "conjnli": 3000, "breaking_nli": 2500,
    "negation_nli": 2500, "med": 2000, "help": 1500, "scitail_test": 2000, "wice_claims": 349, "changes": 4000,
}
RAG_WEIGHT = 2.0  # of a RAGTruth claim; one of the other sets counts 1
# A tenth of RAGTruth's claims is unsupported. Counted three times, they are a quarter, and 0.5 is about the threshold
# of the largest F1 over claims: that is what `support` is calibrated for.
RAG_UNSUPPORTED_WEIGHT = 3.0
SUPPORTED, CONTRADICTED, NEUTRAL, NOT_SUPPORTED = range(4)
SEED = 7


def fold_of(group):
    value = 14695981039346656037
    for byte in group.encode():
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value % FOLDS


def may_train(name, row):
    if name == "negation_nli":
        return row["part"] != "negation_rte"
    if name == "med":
        return not row["id"].startswith("paper")
    return True


def read(folder, feature_names):
    """One record array of claims, RAGTruth first."""
    rng = np.random.default_rng(SEED)
    rows = []
    for name in ["ragtruth", *NLI_SETS]:
        part = [json.loads(line) for line in (folder / f"{name}.jsonl").open()]
        part = [row for row in part if may_train(name, row)]
        if name in NLI_SETS and len(part) > NLI_SETS[name]:
            chosen = np.sort(rng.permutation(len(part))[:NLI_SETS[name]])
            part = [part[i] for i in chosen]
        for row in part:
            row["set"] = name
        rows += part
    data = {
        "x": np.array([row["features"] for row in rows], np.float32),
        "truth": np.array([row["truth"] for row in rows]),
        "fold": np.array([fold_of(row["group"]) for row in rows]),
        "rag": np.array([row["set"] == "ragtruth" for row in rows]),
        "set": np.array([row["set"] for row in rows]),
        "swaps": [row["swaps"] for row in rows],
    }
    assert data["x"].shape[1] == len(feature_names), "the dumps are of another program"
    answers, truth, group = {}, [], []
    owner = np.full(len(rows), -1)
    for i, row in enumerate(rows):
        if row["set"] != "ragtruth":
            continue
        if row["id"] not in answers:
            answers[row["id"]] = len(answers)
            truth.append(row["case_truth"] != SUPPORTED)
            group.append(fold_of(row["group"]))
        owner[i] = answers[row["id"]]
    data["owner"], data["answer_truth"], data["answer_fold"] = owner, np.array(truth, int), np.array(group)
    return data


# --- word swaps -----------------------------------------------------------------------------------------------------

def swap_rows(data):
    rows, owner = [], []
    for i, swaps in enumerate(data["swaps"]):
        for k in range(0, len(swaps), 2):
            a, b = np.array(swaps[k]) / 1000, np.array(swaps[k + 1]) / 1000
            rows.append(np.concatenate([a * b, np.abs(a - b)]))
            owner.append(i)
    return np.array(rows, np.float32), np.array(owner)


def fit_swap(pairs, owner, truth, use):
    chosen = use[owner] & (truth[owner] != NOT_SUPPORTED)
    scale = np.concatenate([np.full(pairs.shape[1] // 2, 16.0), np.full(pairs.shape[1] // 2, 8.0)])
    model = LogisticRegression(C=0.01, max_iter=300)
    model.fit(pairs[chosen] * scale, truth[owner[chosen]] == CONTRADICTED)
    return model.coef_[0] * scale, float(model.intercept_[0])


def swap_scores(weights, bias, pairs, owner, n):
    score = np.full(n, -3.0)
    np.maximum.at(score, owner, pairs @ weights + bias)
    return score


# --- claims ---------------------------------------------------------------------------------------------------------

def trees(count, leaves, seed):
    return lightgbm.LGBMClassifier(
        n_estimators=count, learning_rate=0.05, num_leaves=leaves, min_child_samples=40, subsample=0.7,
        subsample_freq=1, colsample_bytree=0.4, reg_lambda=5, random_state=seed, n_jobs=1, deterministic=True,
        force_row_wise=True, verbose=-1)


def fit_claims(data, x, use):
    y = (data["truth"] != SUPPORTED).astype(int)
    weight = np.where(data["rag"], RAG_WEIGHT, 1.0) * np.where(data["rag"] & (y == 1), RAG_UNSUPPORTED_WEIGHT, 1.0)
    boosted = trees(300, 15, SEED).fit(x[use], y[use], sample_weight=weight[use])
    scaler = StandardScaler().fit(x[use & data["rag"]])
    linear = LogisticRegression(C=0.05, max_iter=3000, class_weight={0: 1, 1: RAG_UNSUPPORTED_WEIGHT}).fit(
        scaler.transform(x[use & data["rag"]]), y[use & data["rag"]])
    scale = np.where(scaler.scale_ > 0, scaler.scale_, 1)
    weights = linear.coef_[0] / scale
    bias = float(linear.intercept_[0] - (weights * scaler.mean_).sum())
    return boosted, (weights, bias)


def fit_contradicted(data, x, use):
    chosen = use & np.isin(data["truth"], [CONTRADICTED, NEUTRAL])
    return trees(150, 15, SEED).fit(x[chosen], (data["truth"][chosen] == CONTRADICTED).astype(int))


def risks(model, x):
    boosted, (weights, bias) = model
    odds = boosted.predict(x, raw_score=True)
    is_document = x[:, EVIDENCE_SENTENCES] >= 4  # kMinDocumentSentences
    odds = np.where(is_document, (odds + x @ weights + bias) / 2, odds)
    return 1 / (1 + np.exp(-odds))


# --- answers --------------------------------------------------------------------------------------------------------

def answer_features(data, risk):
    n = len(data["answer_truth"])
    of = [[] for _ in range(n)]
    for i in np.nonzero(data["owner"] >= 0)[0]:
        of[data["owner"][i]].append(risk[i])
    logit = lambda p: np.log((p + 1e-4) / (1 - p + 1e-4))
    out = np.zeros((n, 8))
    for i, values in enumerate(of):
        q = np.sort(values)[::-1]
        out[i] = [logit(q[0]), logit(q[:2].mean()), logit(q[:3].mean()), logit(q.mean()), 1 - np.prod(1 - q),
                  q.sum(), np.log1p(len(q)), logit(q[-1])]
    return out


def fit_answer(features, truth):
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=0.1, max_iter=3000).fit(scaler.transform(features), truth)
    weights = model.coef_[0] / scaler.scale_
    return weights, float(model.intercept_[0] - (weights * scaler.mean_).sum())


def best_threshold(truth, score):
    """The threshold of the largest F1, smoothed over five neighbours."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(truth) + 1) + truth.sum())
    smooth = np.convolve(f1, np.ones(5) / 5, "same")
    best = int(smooth[2:-2].argmax()) + 2
    return float((score[order][best] + score[order][best + 1]) / 2)


# --- writing --------------------------------------------------------------------------------------------------------

def number(value):
    return f"{value:.5g}"


def write_tree(node, lines):
    feature, threshold, left, right, leaf = [], [], [], [], []

    def walk(item):
        if "leaf_value" in item:
            leaf.append(item["leaf_value"])
            return -len(leaf)  # ~index
        at = len(feature)
        feature.append(item["split_feature"])
        threshold.append(item["threshold"])
        left.append(0)
        right.append(0)
        left[at] = walk(item["left_child"])
        right[at] = walk(item["right_child"])
        return at

    walk(node)
    lines.append(str(len(feature)))
    for values, text in ((feature, str), (threshold, lambda v: f"{v:.9g}"), (left, str), (right, str), (leaf, number)):
        if values:
            lines.append(" ".join(map(text, values)))


def write_ensemble(name, model, lines):
    dumped = model.booster_.dump_model()["tree_info"]
    lines.append(f"{name} {len(dumped)} 0")
    for tree in dumped:
        write_tree(tree["tree_structure"], lines)


def write_linear(name, weights, bias, lines):
    lines.append(f"{name} {len(weights)} {bias:.7g}")
    lines.append(" ".join(f"{w:.6g}" for w in weights))


def render(feature_names, swap, claims, contradicted, answer, answer_threshold):
    lines = ["assay-verifier 1", f"features {len(feature_names)}", *feature_names]
    write_linear("swap", *swap, lines)
    write_ensemble("unsupported", claims[0], lines)
    write_linear("unsupported_linear", *claims[1], lines)
    write_ensemble("contradicted", contradicted, lines)
    write_linear("answer", *answer, lines)
    lines.append(f"answer_threshold {answer_threshold:.6g}")
    return "\n".join(lines) + "\n"


def write_include(text, path):
    chunks, chunk = [], ""
    for line in text.splitlines(keepends=True):
        if len(chunk) + len(line) > 8000:
            chunks.append(chunk)
            chunk = ""
        chunk += line
    chunks.append(chunk)
    body = "\n".join(f'R"assay({chunk})assay"' for chunk in chunks)
    path.write_text(f"// clang-format off\n// Generated by models/verifier/train.py. Do not edit.\n{body}\n")


# --- all ------------------------------------------------------------------------------------------------------------

def train(data, pairs, owner, use):
    swap = fit_swap(pairs, owner, data["truth"], use)
    x = data["x"].copy()
    x[:, SLOT_SCORE] = swap_scores(*swap, pairs, owner, len(x))
    return swap, x, fit_claims(data, x, use)


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dumps", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--folds", type=pathlib.Path, required=True)
    options = parser.parse_args()
    header = pathlib.Path(__file__).resolve().parents[2] / "src/claims/verify/features_internal.h"
    names = [line.split('"')[1] for line in header.read_text().splitlines() if line.strip().startswith("X(k")]
    global SLOT_SCORE, EVIDENCE_SENTENCES
    SLOT_SCORE = names.index("slot_score")
    EVIDENCE_SENTENCES = names.index("evidence_sentences")
    data = read(options.dumps, names)
    pairs, owner = swap_rows(data)
    print(f"{len(data['truth'])} claims, {int(data['rag'].sum())} of RAGTruth; {len(pairs)} swapped words", flush=True)

    # without[f, g]: risks of RAGTruth claims by a model that saw neither fold f nor fold g.
    without = {}
    single = {}
    for f in range(FOLDS):
        for g in range(f, FOLDS):
            use = (data["fold"] != f) & (data["fold"] != g)
            swap, x, claims = train(data, pairs, owner, use)
            without[f, g] = without[g, f] = risks(claims, x)
            if f == g:
                single[f] = swap, x, claims, fit_contradicted(data, x, use)
            print(f"trained without folds {f} and {g}", flush=True)

    truth, fold = data["answer_truth"], data["answer_fold"]
    score = np.zeros(len(truth))
    flagged = np.zeros(len(truth), bool)
    options.folds.mkdir(parents=True, exist_ok=True)
    for f in range(FOLDS):
        risk = np.zeros(len(data["truth"]))
        for g in range(FOLDS):
            risk[data["fold"] == g] = without[f, g][data["fold"] == g]
        features = answer_features(data, risk)
        inside = fold != f
        answer = fit_answer(features[inside], truth[inside])
        log_odds = features @ answer[0] + answer[1]
        probability = 1 / (1 + np.exp(-log_odds))
        threshold = best_threshold(truth[inside], probability[inside])
        score[~inside] = probability[~inside]
        flagged[~inside] = probability[~inside] >= threshold
        swap, _, claims, contradicted = single[f]
        (options.folds / f"fold{f}.model").write_text(
            render(names, swap, claims, contradicted, answer, threshold))
    print(f"RAGTruth, cross-validated: area {roc_auc_score(truth, score):.4f}, F1 {f1_score(truth, flagged):.4f}")

    everything = np.ones(len(data["truth"]), bool)
    swap, x, claims = train(data, pairs, owner, everything)
    contradicted = fit_contradicted(data, x, everything)
    risk = np.zeros(len(data["truth"]))
    for g in range(FOLDS):
        risk[data["fold"] == g] = without[g, g][data["fold"] == g]
    features = answer_features(data, risk)
    answer = fit_answer(features, truth)
    probability = 1 / (1 + np.exp(-(features @ answer[0] + answer[1])))
    write_include(render(names, swap, claims, contradicted, answer, best_threshold(truth, probability)), options.out)


if __name__ == "__main__":
    main()

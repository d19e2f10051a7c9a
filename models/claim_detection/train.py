"""Trains the check-worthiness model of room `claims` and writes its weights.

One command (after a release build):
  python models/claim_detection/train.py --data $ASSAY_DATA/claim_detection/claimbuster.jsonl

Logistic regression with an L2 penalty, minimised by L-BFGS from zero; numpy only, no random choice, so
the result repeats. Features come from the C++ program claim_features. Texts of the test fold are taken
out of the training fold; the penalty is chosen by 5-fold cross-validation inside the training fold,
with folds by a hash of the text.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess

import numpy as np

HASHED, DENSE = 1 << 14, 40
ROOT = pathlib.Path(__file__).resolve().parents[2]


def normal(text):
    return re.sub(r"\W+", " ", text.lower()).strip()


def load(path):
    train, test = {}, {}
    for line in open(path, encoding="utf-8"):
        row = json.loads(line)
        key = normal(row["text"])
        item = (row["text"].replace("\n", " "), row["label"])
        if "test" in row["folds"]:
            test[key] = item
        elif "train" in row["folds"]:
            train.setdefault(key, item)
    return {k: v for k, v in train.items() if k not in test}, test


def features(program, texts):
    out = subprocess.run([program], input="\n".join(texts) + "\n", text=True, capture_output=True,
                         check=True).stdout.split("\n")[:-1]
    assert len(out) == len(texts)
    rows, cols, vals = [], [], []
    for i, line in enumerate(out):
        for pair in line.split():
            index, value = pair.split(":")
            rows.append(i)
            cols.append(int(index))
            vals.append(float(value))
    return np.array(rows), np.array(cols), np.array(vals), len(texts)


def select(x, keep):
    """Rows of x where keep is true."""
    rows, cols, vals, _ = x
    renumber = np.cumsum(keep) - 1
    mask = keep[rows]
    return renumber[rows[mask]], cols[mask], vals[mask], int(keep.sum())


def scores(x, w, bias):
    rows, cols, vals, n = x
    return bias + np.bincount(rows, vals * w[cols], n)


def fit(x, y, penalty, iterations=60, memory=10):
    """L-BFGS (Nocedal and Wright, algorithm 7.5) with backtracking."""
    rows, cols, vals, n = x
    size = HASHED + DENSE + 1

    def loss(theta):
        z = scores(x, theta[:-1], theta[-1])
        value = np.sum(np.logaddexp(0, z) - y * z) + 0.5 * penalty * np.sum(theta[:-1] ** 2)
        d = 1 / (1 + np.exp(-z)) - y
        grad = np.append(np.bincount(cols, vals * d[rows], size - 1) + penalty * theta[:-1], d.sum())
        return value, grad

    theta = np.zeros(size)
    value, grad = loss(theta)
    pairs = []
    for _ in range(iterations):
        q = grad.copy()
        alphas = []
        for s, t, r in reversed(pairs):
            a = r * (s @ q)
            alphas.append(a)
            q -= a * t
        if pairs:
            s, t, _ = pairs[-1]
            q *= (s @ t) / (t @ t)
        for (s, t, r), a in zip(pairs, reversed(alphas)):
            q += s * (a - r * (t @ q))
        step = 1.0 if pairs else 1.0 / np.linalg.norm(grad)
        while True:
            new = theta - step * q
            new_value, new_grad = loss(new)
            if new_value <= value - 1e-4 * step * (grad @ q) or step < 1e-10:
                break
            step /= 2
        s, t = new - theta, new_grad - grad
        if s @ t > 1e-12:
            pairs = (pairs + [(s, t, 1 / (s @ t))])[-memory:]
        done = abs(value - new_value) < 1e-7 * abs(value)
        theta, value, grad = new, new_value, new_grad
        if done:
            break
    return theta[:-1], theta[-1]


def average_precision(y, s):
    order = np.argsort(-s, kind="stable")
    hits = np.cumsum(y[order])
    return float(np.sum(hits / np.arange(1, len(y) + 1) * y[order]) / y.sum())


def f1(y, s, threshold):
    p = s >= threshold
    return float(2 * np.sum(p & (y == 1)) / (p.sum() + y.sum()))


def best_threshold(y, s):
    return max((f1(y, s, t), t) for t in np.quantile(s, np.linspace(0.01, 0.99, 197)))[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--features", default=str(ROOT / "build/release/src/claims/claim_features"))
    parser.add_argument("--out", default=str(ROOT / "src/claims/extract/gen/check_weights.inc"))
    args = parser.parse_args()
    train, test = load(args.data)
    y = np.array([v[1] for v in train.values()], float)
    y_test = np.array([v[1] for v in test.values()], float)
    x = features(args.features, [v[0] for v in train.values()])
    x_test = features(args.features, [v[0] for v in test.values()])
    print(f"train {len(y)} ({int(y.sum())} check-worthy), test {len(y_test)} ({int(y_test.sum())})")

    fold = np.array([hashlib.sha1(k.encode()).digest()[0] % 5 for k in train])
    results = []
    for penalty in (0.1, 0.3, 1.0):
        out = np.zeros(len(y))
        for k in range(5):
            w, b = fit(select(x, fold != k), y[fold != k], penalty)
            out[fold == k] = scores(select(x, fold == k), w, b)
        results.append((average_precision(y, out), penalty, best_threshold(y, out)))
        print(f"penalty {penalty}: cross-validated average precision {results[-1][0]:.4f}")
    _, penalty, threshold = max(results)
    w, b = fit(x, y, penalty)
    scale = float(np.abs(w).max() / 127)
    quantised = np.round(w / scale).astype(int)
    s = scores(x_test, quantised * scale, b)
    print(f"penalty {penalty}, threshold {1 / (1 + np.exp(-threshold)):.3f} (both from the training fold)")
    print(f"test: average precision {average_precision(y_test, s):.4f}, F1 {f1(y_test, s, threshold):.4f}, "
          f"F1 at 0.5 {f1(y_test, s, 0.0):.4f}")
    print(f"flag everything: average precision {y_test.mean():.4f}, "
          f"F1 {2 * y_test.mean() / (1 + y_test.mean()):.4f}")
    digit = np.array([bool(re.search(r"\d", v[0])) for v in test.values()], float)
    print(f"flag sentences with a digit: F1 {f1(y_test, digit, 0.5):.4f}")
    lines = [",".join(map(str, quantised[i:i + 32])) for i in range(0, len(quantised), 32)]
    path = pathlib.Path(args.out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("// Written by models/claim_detection/train.py.\nconstexpr Weights kCheckWeights = {\n"
                    f"    {scale:.9g}F, {b:.9g}F,\n    {{" + ",\n".join(lines) + "}};\n")


if __name__ == "__main__":
    main()

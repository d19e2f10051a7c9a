"""Fits the shipped weights of the model of the same answer.

    question_features .models PAIRS.jsonl > PAIRS.features   (once for each set)
    train.py near_misses.features reworded.features near_other.features > src/cache/semantic/model/weights.inc

The last two sets weigh a two-hundredth: they are statements, and their near pairs are far from a near miss. Pairs that
a fact refuses are left out, since the cache never asks the model about them. Weights are pulled to those of HAND, which say what each input
means; the inputs that only a running cache has keep them. Newton's method in double precision: the same on every run.
"""

import json
import sys

import numpy as np

NAMES = ["kBias", "kCosine", "kCosineHigh", "kStaticCosine", "kShared", "kLeftOutBoth", "kLeftOutOne", "kRarest",
         "kRest", "kSwapped", "kOneSwap", "kMoved", "kAskDiffers", "kFactsAgree", "kLooseFacts", "kLengthRatio",
         "kReworded", "kNeighbours", "kMargin", "kSupport", "kHistory", "kWrongBefore", "kStory",
         "kStoryCosine", "kPairModel"]
HAND = np.array([-1.0, 3, 3, .3, 2, -1, -1.2, -.3, 1, -.5, -4, -1, -.5, .2, -.5, -.3, 2,
                 1, .5, .3, .5, -.5, 0, 5, 4])
SET_WEIGHTS = [1.0, 0.005, 0.005]
PULL = 30.0
PULL_BIAS = 0.5
STEPS = 30


def load(path, set_weight):
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    rows = [row for row in rows if not row["refused"]]
    inputs = np.array([row["features"] for row in rows])
    same = np.array([row["same"] for row in rows], float)
    return inputs, same, np.full(len(rows), set_weight)


def loss_of(weights, inputs, same, weight, pull):
    logits = inputs @ weights
    return (weight * (np.logaddexp(0, logits) - same * logits)).sum() + (pull * (weights - HAND) ** 2).sum() / 2


def fit(inputs, same, weight):
    pull = np.full(len(HAND), PULL)
    pull[0] = PULL_BIAS
    weights = HAND.copy()
    loss = loss_of(weights, inputs, same, weight, pull)
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ ((probability - same) * weight) + pull * (weights - HAND)
        curvature = np.maximum(probability * (1 - probability), 1e-6) * weight
        step = np.linalg.solve((inputs * curvature[:, None]).T @ inputs + np.diag(pull), gradient)
        while (after := loss_of(weights - step, inputs, same, weight, pull)) > loss and np.abs(step).max() > 1e-9:
            step = step / 2
        weights, loss = weights - step, after
    return weights


def main():
    sets = [load(path, weight) for path, weight in zip(sys.argv[1:], SET_WEIGHTS)]
    weights = fit(*(np.concatenate(parts) for parts in zip(*sets)))
    print("// Written by models/same_question/train.py. Do not edit.\n// clang-format off")
    for name, weight in zip(NAMES, weights):
        print(f"{weight:.3f},  // {name}")


if __name__ == "__main__":
    main()

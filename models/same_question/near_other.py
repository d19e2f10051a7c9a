"""Pairs each text with the nearest rewordings of other texts: what looks alike and is not the same.

    near_other.py reworded.jsonl a.npy b.npy > near_other.jsonl

`a.npy` and `b.npy` hold the vectors of the texts "a" and "b" of the pairs, by `assay embed --model minilm-l6-v2-int8`.
"""

import json
import sys

import numpy as np

NEIGHBOURS = 3
TWINS = 0.97  # nearer ones may say the same after all


def main():
    pairs = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    cosines = np.load(sys.argv[2]) @ np.load(sys.argv[3]).T
    np.fill_diagonal(cosines, -1)
    for i, pair in enumerate(pairs):
        for j in np.argsort(-cosines[i])[:NEIGHBOURS]:
            if cosines[i, j] < TWINS:
                print(json.dumps({"a": pair["a"], "b": pairs[j]["b"], "same": False}))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""all-MiniLM-L6-v2 in plain numpy, float32, tokenized by Hugging Face `tokenizers`; sentences of equal length
go together, so nothing is ever padded.

It shares no code with models/: weights are read from the package, the layers are written out as the BERT paper
has them. Output, little-endian, to standard output: per sentence u32 text bytes, the text in UTF-8, u32 dimensions,
the vector in float32. The sentences are spread evenly over five of $ASSAY_DATA's files.

    minilm_reference.py MODEL_DIR [SENTENCES]
"""
import json
import math
import os
import struct
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
import numpy as np  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

SOURCES = [("pairs/stsb.jsonl", "a"), ("nli/vitaminc.jsonl", "premise"), ("questions/nq_open.jsonl", "question"),
           ("grounding/wice_claims.jsonl", "claim"), ("claim_decomposition/factscore.jsonl", "sentence")]
LAYERS, HEADS, WINDOW, BATCH = 6, 12, 256, 16


def sentences(data, wanted):
    share = -(-wanted // len(SOURCES))
    for name, key in SOURCES:
        with open(data / name, encoding="utf-8") as stream:
            texts = [json.loads(line)[key] for line in stream]
        step = max(1, len(texts) // share)
        yield from texts[::step][:share]


def load(path):
    raw = Path(path).read_bytes()
    (size,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(raw, "<f4", offset=8 + size + e["data_offsets"][0],
                                count=math.prod(e["shape"])).reshape(e["shape"])
            for name, e in header.items() if e["dtype"] == "F32"}


def gelu(x):
    """x * Phi(x), with erf by Abramowitz and Stegun 7.1.26 (error below 1.5e-7), for numpy has none."""
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = series * np.exp(-z * z) * np.float32(0.5)
    return x * np.where(x >= 0, 1 - tail, tail)


class Bert:
    def __init__(self, weights):
        self.w = weights

    def linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return scaled * self.w[name + ".weight"] + self.w[name + ".bias"]

    def attention(self, x, name):
        split = lambda y: y.reshape(*x.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)  # noqa: E731
        q, k, v = (split(self.linear(x, f"{name}.self.{part}")) for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / np.float32(math.sqrt(q.shape[3]))
        scores = np.exp(scores - scores.max(axis=3, keepdims=True))
        mixed = (scores / scores.sum(axis=3, keepdims=True)) @ v
        mixed = mixed.transpose(0, 2, 1, 3).reshape(x.shape)
        return self.norm(self.linear(mixed, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")

    def encode(self, ids):
        """[sentences, 384] for ids [sentences, tokens]."""
        table = "embeddings."
        x = (self.w[table + "word_embeddings.weight"][ids] + self.w[table + "position_embeddings.weight"][:ids.shape[1]]
             + self.w[table + "token_type_embeddings.weight"][0])
        x = self.norm(x, table + "LayerNorm")
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            x = self.attention(x, name + ".attention")
            y = self.linear(gelu(self.linear(x, name + ".intermediate.dense")), name + ".output.dense")
            x = self.norm(y + x, name + ".output.LayerNorm")
        mean = x.mean(axis=1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def main():
    folder = Path(sys.argv[1])
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(WINDOW)
    model = Bert(load(folder / "model.safetensors"))
    groups = {}
    for text in sentences(Path(os.environ["ASSAY_DATA"]), wanted):
        ids = tokenizer.encode(text).ids
        groups.setdefault(len(ids), []).append((text, ids))
    for group in groups.values():
        for begin in range(0, len(group), BATCH):
            part = group[begin:begin + BATCH]
            for (text, _), vector in zip(part, model.encode(np.array([ids for _, ids in part]))):
                raw = text.encode()
                sys.stdout.buffer.write(struct.pack("<I", len(raw)) + raw + struct.pack("<I", len(vector))
                                        + vector.astype("<f4").tobytes())


if __name__ == "__main__":
    main()

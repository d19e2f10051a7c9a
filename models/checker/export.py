"""Writes a trained checker as an OpenVINO graph with int8 weights (a scale a row), its vocabulary and its card.

    export.py --network final.pt --vocabulary vocab.txt --mix mix.json --out FOLDER [--temperature T] [--version N]

The network computes in floating point; int8 is how the weights are kept, a quarter of their size.
"""

import argparse
import json
import pathlib
import shutil
import sys

import numpy as np
import openvino as ov
import torch
from openvino import opset13 as op

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "minilm"))
import graph  # noqa: E402

CARD = """format: 1
name: assay-checker-{version}
max_tokens: 512
inputs: {{ids: input_ids, mask: attention_mask, types: token_type_ids}}
relation: {{output: relation, classes: [supported, contradicted, neutral], temperature: {temperature:.4g}}}
tokens: {{output: tokens, temperature: 1.0, threshold: {threshold:.4g}, claim_risk: {claim_risk:.4g}}}
mix:
  documents: {documents}
  sentences: {sentences}
"""
# Of a word, and of a claim whose words are marked: the best F1 over the marked characters of RAGTruth's held out folds.
WORD_THRESHOLD, CLAIM_RISK = 0.04, 0.77


def published_names(state):
    """The trained weights under the names of the published ones, which models/minilm/graph.py knows."""
    weights = {name: value.float().numpy() for name, value in state.items()}
    out = {"embeddings.word_embeddings.weight": weights["words.weight"],
           "embeddings.position_embeddings.weight": weights["places.weight"],
           "embeddings.token_type_embeddings.weight": weights["segments.weight"]}
    for kind in ("weight", "bias"):
        out[f"embeddings.LayerNorm.{kind}"] = weights[f"norm.{kind}"]
        for i in range(graph.LAYERS):
            prefix, own = f"encoder.layer.{i}.", f"layers.{i}."
            for part, value in zip(("query", "key", "value"), np.split(weights[f"{own}qkv.{kind}"], 3)):
                out[f"{prefix}attention.self.{part}.{kind}"] = value
            for name, published in (("mix", "attention.output.dense"), ("mix_norm", "attention.output.LayerNorm"),
                                    ("widen", "intermediate.dense"), ("narrow", "output.dense"), ("norm", "output.LayerNorm")):
                out[f"{prefix}{published}.{kind}"] = weights[f"{own}{name}.{kind}"]
        for head in ("pool", "relation", "pair", "tokens"):
            out[f"{head}.{kind}"] = weights[f"{head}.{kind}"]
    return out


def quantise(weights):
    """Name -> (int8 matrix, scale a row) of every matrix that weighs something."""
    found = {}
    for name, value in weights.items():
        if value.ndim == 2 and value.size > 50_000:
            scale = np.maximum(np.abs(value).max(axis=1, keepdims=True), 1e-12) / 127
            found[name] = (np.round(value / scale).astype(np.int8), scale.astype(np.float32))
    return found


class _Checker(graph._Builder):
    def __init__(self, weights, quantised, types):
        super().__init__(weights, quantised)
        self.types = types

    def embeddings(self, ids):
        words = op.gather(self.matrix("embeddings.word_embeddings.weight"), ids, op.constant(0))
        length = op.gather(op.shape_of(ids, "i32"), op.constant(1), op.constant(0))
        positions = op.range(op.constant(np.int32(0)), length, op.constant(np.int32(1)), "i32")
        places = op.gather(self.matrix("embeddings.position_embeddings.weight"), positions, op.constant(0))
        segments = op.gather(op.constant(self.weights["embeddings.token_type_embeddings.weight"]), self.types, op.constant(0))
        return self.layer_norm(op.add(op.add(words, places), segments), "embeddings.LayerNorm")

    def mean(self, x, part):
        weights = op.unsqueeze(part, op.constant(np.array([2])))
        total = op.reduce_sum(op.multiply(x, weights), op.constant(np.array([1])), False)
        count = op.maximum(op.reduce_sum(part, op.constant(np.array([1])), True), op.constant(np.float32(1)))
        return op.divide(total, count)


def build(weights, quantised):
    """input_ids, token_type_ids [batch, length] i32, attention_mask f32 -> relation [b, 3], pair [b, 1], tokens [b, length]."""
    ids = graph._named(op.parameter([-1, -1], np.int32), "input_ids")
    types = graph._named(op.parameter([-1, -1], np.int32), "token_type_ids")
    mask = graph._named(op.parameter([-1, -1], np.float32), "attention_mask")
    builder = _Checker(weights, quantised, types)
    x = builder.encoder(ids, mask)
    claim = op.multiply(op.convert(types, "f32"), mask)
    evidence = op.subtract(mask, claim)
    first = op.gather(x, op.constant(0), op.constant(1))
    pooled = op.concat([first, builder.mean(x, evidence), builder.mean(x, claim)], 1)
    pooled = op.tanh(builder.linear(pooled, "pool"))
    relation = graph._named(builder.linear(pooled, "relation"), "relation")
    pair = graph._named(builder.linear(pooled, "pair"), "pair")
    tokens = graph._named(op.squeeze(builder.linear(x, "tokens"), op.constant(np.array([2]))), "tokens")
    return ov.Model([op.result(out) for out in (relation, pair, tokens)], [ids, types, mask], "assay_checker")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=pathlib.Path, required=True)
    parser.add_argument("--vocabulary", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--mix", type=pathlib.Path, required=True, help="what mix.py wrote")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--version", default="1")
    options = parser.parse_args()
    weights = published_names(torch.load(options.network))
    options.out.mkdir(parents=True, exist_ok=True)
    ov.save_model(build(weights, quantise(weights)), options.out / "model.xml", compress_to_fp16=False)
    shutil.copyfile(options.vocabulary, options.out / "vocab.txt")
    mix = json.loads(options.mix.read_text(encoding="utf-8"))
    for key in ("documents", "sentences"):
        mix[key] = "{" + ", ".join(f"{name}: {value}" for name, value in mix[key].items()) + "}"
    card = CARD.format(version=options.version, temperature=options.temperature, threshold=WORD_THRESHOLD,
                       claim_risk=CLAIM_RISK, **mix)
    (options.out / "checker.yaml").write_text(card, encoding="utf-8")
    print(f"{sum(path.stat().st_size for path in options.out.iterdir()) / 1e6:.1f} MB in {options.out}")


if __name__ == "__main__":
    main()

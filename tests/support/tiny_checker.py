"""A tiny cross-encoder for tests: 2 layers, 32 wide, seeded random weights, the real WordPiece vocabulary.

    tiny_checker.py VOCAB_FOLDER OUT

Writes OUT/checker/ (model.xml, model.bin, vocab.txt, checker.yaml) and OUT/expected.jsonl: pairs with the outputs that
OpenVINO's Python interface gives for them, one pair a run without padding, tokenized by Hugging Face `tokenizers`, with the
windows and their merging written a second time. OUT/onnx/ and OUT/expected_onnx.jsonl are the same for an ONNX graph, whose
outputs come from NumPy.
"""

import json
import os
import random
import shutil
import sys

import numpy as np
import openvino as ov
import tiny_onnx
from openvino import opset13 as op
from tokenizers import BertWordPieceTokenizer

LAYERS, WIDTH, HEADS, TOKENS = 2, 32, 4, 48
TEMPERATURES = {"relation": 0.5, "tokens": 0.7, "pair": 2.0}


def build(vocabulary, seed=7):
    generator = np.random.default_rng(seed)

    def weights(*shape, scale=1.0):
        return op.constant((generator.standard_normal(shape) * scale).astype(np.float32))

    def named(node, name):
        node.set_friendly_name(name)
        node.output(0).tensor.set_names({name})
        return node

    def linear(x, wide, out):
        return op.add(op.matmul(x, weights(out, wide, scale=wide**-0.5), False, True), weights(out, scale=0.1))

    def norm(x):
        return op.mvn(x, op.constant(np.array([-1], np.int64)), True, 1e-12, "inside_sqrt")

    ids = named(op.parameter([-1, -1], np.int64, "input_ids"), "input_ids")
    mask = named(op.parameter([-1, -1], np.int64, "attention_mask"), "attention_mask")
    types = named(op.parameter([-1, -1], np.int32, "token_type_ids"), "token_type_ids")
    zero = op.constant(np.int64(0))
    length = op.gather(op.shape_of(ids, "i64"), op.constant(np.int64(1)), zero)
    places = op.range(zero, length, op.constant(np.int64(1)), "i64")
    x = norm(op.add(op.add(op.gather(weights(vocabulary, WIDTH), ids, zero),
                           op.gather(weights(TOKENS, WIDTH), places, zero)),
                    op.gather(weights(2, WIDTH), types, zero)))
    keep = op.convert(op.unsqueeze(mask, op.constant(np.array([1, 2]))), "f32")
    bias = op.multiply(op.subtract(op.constant(np.float32(1)), keep), op.constant(np.float32(-1e9)))
    for _ in range(LAYERS):
        heads = op.reshape(linear(x, WIDTH, 3 * WIDTH), op.constant(np.array([0, 0, 3 * HEADS, WIDTH // HEADS])), True)
        heads = op.transpose(heads, op.constant(np.array([0, 2, 1, 3])))
        q, k, v = op.split(heads, op.constant(np.array(1)), 3).outputs()
        mixed = op.transpose(op.scaled_dot_product_attention(q, k, v, bias), op.constant(np.array([0, 2, 1, 3])))
        mixed = op.reshape(mixed, op.constant(np.array([0, 0, WIDTH])), True)
        x = norm(op.add(linear(mixed, WIDTH, WIDTH), x))
        x = norm(op.add(linear(op.gelu(linear(x, WIDTH, 2 * WIDTH), "erf"), 2 * WIDTH, WIDTH), x))
    first = op.squeeze(op.gather(x, op.constant(np.array([0])), op.constant(np.array(1))), op.constant(np.array([1])))
    results = [op.result(named(linear(first, WIDTH, 3), "relation")),
               op.result(named(op.squeeze(linear(x, WIDTH, 1), op.constant(np.array([2]))), "tokens")),
               op.result(named(linear(first, WIDTH, 1), "pair"))]
    return ov.Model(results, [ids, mask, types], "tiny_checker")


CARD = """format: 1
name: tiny
max_tokens: {tokens}
inputs: {{ids: input_ids, mask: attention_mask, types: token_type_ids}}
relation: {{output: relation, classes: [contradicted, supported, neutral], temperature: {relation}}}
tokens: {{output: tokens, temperature: {tokens_t}, threshold: 0.6}}
pair: {{output: pair, temperature: {pair}}}
"""
ONNX_NAMES = {"name: tiny": "name: tiny-onnx\nmodel: graph.onnx", "output: relation": "output: logits",
              "output: tokens": "output: unsupported", "output: pair": "output: same"}


class Reference:
    def __init__(self, folder):
        self.tokenizer = BertWordPieceTokenizer(os.path.join(folder, "vocab.txt"), lowercase=True)
        self.model = ov.Core().compile_model(os.path.join(folder, "model.xml"), "CPU",
                                             {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1"})

    def pieces(self, text):
        encoded = self.tokenizer.encode(text, add_special_tokens=False)
        return encoded.ids, encoded.offsets

    def outputs(self, ids, types):
        out = self.model({"input_ids": np.array([ids], np.int64), "attention_mask": np.ones((1, len(ids)), np.int64),
                          "token_type_ids": np.array([types], np.int32)})
        return {name: out[name][0] for name in TEMPERATURES}

    def run(self, evidence, claim):
        out = self.outputs([101, *evidence, 102, *claim, 102], [0] * (len(evidence) + 2) + [1] * (len(claim) + 1))
        relation = np.exp(out["relation"].astype(np.float64) / TEMPERATURES["relation"])
        relation /= relation.sum()
        begin = len(evidence) + 2
        tokens = 1 / (1 + np.exp(-out["tokens"][begin:begin + len(claim)].astype(np.float64) / TEMPERATURES["tokens"]))
        same = 1 / (1 + np.exp(-float(out["pair"][0]) / TEMPERATURES["pair"]))
        return {"supported": relation[1], "contradicted": relation[0], "same": same, "tokens": tokens}

    def score(self, evidence_text, claim_text):
        evidence, claim = self.pieces(evidence_text)[0], self.pieces(claim_text)[0]
        if not claim:
            return {"supported": 0, "contradicted": 0, "neutral": 1, "same": 0, "tokens": []}
        room = TOKENS - 3
        count = -(-len(claim) // (room // 2))
        parts = []
        for i in range(count):
            part = claim[len(claim) * i // count:len(claim) * (i + 1) // count]
            width = room - len(part)
            begins = [0] if len(evidence) <= width else [*range(0, len(evidence) - width, width - width // 4),
                                                         len(evidence) - width]
            runs = [self.run(evidence[begin:begin + width], part) for begin in begins]
            supported = max(run["supported"] for run in runs)
            parts.append({"supported": supported,
                          "contradicted": min(max(run["contradicted"] for run in runs), 1 - supported),
                          "same": max(run["same"] for run in runs),
                          "tokens": np.min([run["tokens"] for run in runs], axis=0)})
        supported = min(part["supported"] for part in parts)
        contradicted = min(max(part["contradicted"] for part in parts), 1 - supported)
        return {"supported": supported, "contradicted": contradicted, "neutral": 1 - supported - contradicted,
                "same": min(part["same"] for part in parts), "tokens": np.concatenate([part["tokens"] for part in parts]).tolist()}


class OnnxReference(Reference):
    def __init__(self, folder, weights):
        self.tokenizer = BertWordPieceTokenizer(os.path.join(folder, "vocab.txt"), lowercase=True)
        self.weights = weights

    def outputs(self, ids, types):
        return tiny_onnx.outputs(self.weights, ids, types)


def pairs(seed=3):
    generator = random.Random(seed)
    words = ("employees receive 27 days of paid annual leave per calendar year the manager may approve it naïve café "
             "Zürich $600 50% state-of-the-art unbelievability 3.5 x² don't (see annex) Alder & Finch 2009 in Rotterdam").split()
    found = [("", "A claim without evidence."), ("Evidence.", ""), ("Evidence.", " \t\n"), ("a", "b"),
             ("He said [SEP] twice.", "He said [MASK]."), ("東京は晴れ", "東京 is sunny")]
    for _ in range(40):
        evidence = " ".join(generator.choices(words, k=generator.choice([3, 8, 20, 60, 200])))
        found.append((evidence, " ".join(generator.choices(words, k=generator.choice([1, 4, 9, 25, 60])))))
    return found


def write_folder(out, name, vocabulary_file, card):
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    shutil.copyfile(vocabulary_file, os.path.join(folder, "vocab.txt"))
    with open(os.path.join(folder, "checker.yaml"), "w", encoding="utf-8") as stream:
        stream.write(card)
    return folder


def write_expected(path, reference):
    with open(path, "w", encoding="utf-8") as stream:
        for evidence, claim in pairs():
            score = reference.score(evidence, claim)
            stream.write(json.dumps({"evidence": evidence, "claim": claim, **score}) + "\n")


def main(vocabulary_folder, out):
    vocabulary_file = os.path.join(vocabulary_folder, "vocab.txt")
    with open(vocabulary_file, encoding="utf-8") as stream:
        vocabulary = len(stream.read().splitlines())
    card = CARD.format(tokens=TOKENS, relation=TEMPERATURES["relation"], tokens_t=TEMPERATURES["tokens"],
                       pair=TEMPERATURES["pair"])
    folder = write_folder(out, "checker", vocabulary_file, card)
    ov.save_model(build(vocabulary), os.path.join(folder, "model.xml"), compress_to_fp16=False)
    for old, new in ONNX_NAMES.items():
        card = card.replace(old, new)
    onnx_folder = write_folder(out, "onnx", vocabulary_file, card)
    weights = tiny_onnx.weights(vocabulary)
    with open(os.path.join(onnx_folder, "graph.onnx"), "wb") as stream:
        stream.write(tiny_onnx.model(weights))
    write_expected(os.path.join(out, "expected_onnx.jsonl"), OnnxReference(onnx_folder, weights))
    write_expected(os.path.join(out, "expected.jsonl"), Reference(folder))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

"""A cross-encoder by OpenVINO's Python interface: the peer of bench/embed/cross_encoder_bench. Prints one JSON object.

    cross_encoder.py MODEL_FOLDER PAIRS.tsv RUNS CROSS_ENCODER_BENCH

The same graph and vocabulary, Hugging Face `tokenizers`, one thread, float32 sums; 16 or 32 pairs a call, padded to the
longest of them, in the order given (batch) and sorted by length beforehand (batch_sorted). Runs of either side take
turns, after the scores of both were compared; seconds a pair of every run.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import numpy as np  # noqa: E402
import openvino as ov  # noqa: E402
import yaml  # noqa: E402
from tokenizers import BertWordPieceTokenizer  # noqa: E402

BATCHES = (16, 32)
MOST_APART = 0.05  # of a probability; int8 activations are cut into other groups here and there


class Peer:
    def __init__(self, folder):
        with open(os.path.join(folder, "checker.yaml"), encoding="utf-8") as stream:
            self.card = yaml.safe_load(stream)
        names = [self.card.get("model", ""), "model.xml", "model.onnx"]
        graph = next(path for name in names if name and os.path.exists(path := os.path.join(folder, name)))
        settings = {"INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1", "INFERENCE_PRECISION_HINT": "f32"}
        self.model = ov.Core().compile_model(graph, "CPU", settings)
        self.types = {port.any_name: np.dtype(port.element_type.to_dtype()) for port in self.model.inputs}
        self.tokenizer = BertWordPieceTokenizer(os.path.join(folder, "vocab.txt"), lowercase=True)
        self.tokenizer.enable_truncation(self.card.get("max_tokens", 512), strategy="only_first")

    def score(self, pairs):
        """Rows of supported, contradicted and same answer; and the tokens that were read, without padding."""
        encoded = self.tokenizer.encode_batch(pairs)
        values = {name: np.zeros((len(encoded), max(len(one.ids) for one in encoded)), np.int64)
                  for name in ("ids", "mask", "types")}
        for i, one in enumerate(encoded):
            for name, row in (("ids", one.ids), ("mask", one.attention_mask), ("types", one.type_ids)):
                values[name][i, :len(row)] = row
        inputs = self.card["inputs"]
        out = self.model({inputs[name]: value.astype(self.types[inputs[name]])
                          for name, value in values.items() if name in inputs})
        rows = np.zeros((len(encoded), 3), np.float32)
        if relation := self.card.get("relation"):
            logits = out[relation["output"]] / relation.get("temperature", 1)
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            for column, name in enumerate(("supported", "contradicted")):
                if name in relation["classes"]:
                    rows[:, column] = shares[:, relation["classes"].index(name)]
        if pair := self.card.get("pair"):
            rows[:, 2] = 1 / (1 + np.exp(-out[pair["output"]][:, 0] / pair.get("temperature", 1)))
        return rows, int(values["mask"].sum())


def ours_scores(command):
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([*command, f"--scores={file.name}"], check=True, stdout=subprocess.DEVNULL)
        return np.fromfile(file.name, np.float32).reshape(-1, 3)


def ours_run(command):
    """Seconds a pair by CPU for batches, by the wall for several callers."""
    options = ["--benchmark_min_warmup_time=0.01", "--benchmark_min_time=0.05", "--benchmark_format=json"]
    done = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    report = [one for one in json.loads(done.stdout)["benchmarks"]]
    if failed := [one["error_message"] for one in report if one.get("error_occurred")]:
        sys.exit(failed[0])
    return {"assay/" + re.sub("/(process|real)_time$", "", one["name"]): 1 / one["items_per_second"] for one in report}


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    folder, path, runs, program = sys.argv[1:]
    with open(path, encoding="utf-8") as stream:
        pairs = [tuple(line.rstrip("\n").split("\t")) for line in stream]
    peer, command = Peer(folder), [program, folder, path]
    alone = [peer.score([pair]) for pair in pairs]
    apart = float(np.abs(ours_scores(command) - np.concatenate([rows for rows, _ in alone])).max())
    if apart > MOST_APART:
        sys.exit(f"the scores differ by up to {apart:.4f}")
    by_length = sorted(pairs, key=lambda pair: len(peer.tokenizer.encode(*pair).ids))
    times = {}
    for run in range(int(runs) + 1):  # the first one warms up
        seconds = ours_run(command) if run > 0 else {}
        for batch, (order, given) in itertools.product(BATCHES, (("batch", pairs), ("batch_sorted", by_length))):
            begin = time.process_time()
            for i in range(0, len(pairs), batch):
                peer.score(given[i:i + batch])
            seconds[f"openvino_python/{order}/{batch}"] = (time.process_time() - begin) / len(pairs)
        if run > 0:
            for name, value in seconds.items():
                times.setdefault(name, []).append(value)
    print(json.dumps({"versions": {"openvino": ov.__version__}, "pairs": len(pairs), "most_apart": apart,
                      "tokens": sum(tokens for _, tokens in alone) / len(pairs), "runs_s": times}))


if __name__ == "__main__":
    main()

